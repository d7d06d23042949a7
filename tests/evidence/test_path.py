"""Where a connection may have stopped: what worked has not, and who sent nothing did not fail at what completed."""

from __future__ import annotations

from synscope.evidence.path import bracket
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Label, Observation, Stage


def said(**answers: Answer) -> dict[str, Observation]:
    names = {name.replace("_", "-"): answer for name, answer in answers.items()}
    return {name: Observation(name, answer, QUESTIONS[name].source, "so") for name, answer in names.items()}


YES, NO = Answer.YES, Answer.NO


def test_a_command_that_ended_well_and_sent_nothing_has_no_stop() -> None:
    assert bracket(Label.CLIENT_NEVER_SENT, said(command_succeeded=YES, no_syn_to_target=YES)) == ()
    assert bracket(Label.CLIENT_NEVER_SENT, said(command_succeeded=YES, proxy_port_tried=YES)) == ()


def test_it_has_where_its_own_words_or_the_kernel_tell_of_a_failure() -> None:
    assert bracket(Label.CLIENT_NEVER_SENT, said(command_succeeded=NO))
    assert bracket(Label.CLIENT_NEVER_SENT, said(command_succeeded=YES, client_error_resources=YES))
    assert bracket(Label.CLIENT_NEVER_SENT, said(command_succeeded=YES, similar_port_tried=YES))
    assert bracket(Label.CLIENT_NEVER_SENT, said(command_succeeded=YES, kernel_saw_connect_without_syn=YES))


def test_a_command_that_failed_at_a_try_which_sent_nothing() -> None:
    unsent = said(command_succeeded=NO, client_source_port_in_use=YES)
    assert bracket(Label.COMPLETED, unsent) == ()
    assert Stage.SOCKET in bracket(Label.CLIENT_NEVER_SENT, unsent)
    assert bracket(Label.COMPLETED, said(command_succeeded=NO))
    assert bracket(Label.COMPLETED, {**unsent, **said(server_silent=YES)})
