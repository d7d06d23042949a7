"""The path: each rule of inference, the legs, and what took long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.evidence.brackets import BRACKETS, STAGES
from synscope.evidence.path import bracket, narrowed, path_of
from synscope.evidence.question import Says
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import (
    Answer,
    Attempt,
    Facts,
    Label,
    Observation,
    Outcome,
    Path,
    Role,
    Source,
    Stage,
    State,
    TargetSummary,
)
from tests.evidence.builders import (
    ASKED,
    GET,
    MS,
    REFUSED,
    SECOND,
    attempt,
    observe,
    said,
    summary,
    times,
)

OK = b"HTTP/1.1 200 OK\r\n\r\n"
WORKS = said(GET, OK)
EXAMPLES = {
    Label.SYN_RST: attempt(REFUSED),
    Label.SYN_NO_REPLY: attempt(Outcome.UNANSWERED),
    Label.HALF_OPEN: attempt(Outcome.CLIENT_VANISHED),
    Label.ODD_REPLY: attempt(Outcome.CHALLENGE_ACK),
    Label.COMPLETED: WORKS,
    Label.ONE_SIDED: attempt(Outcome.CLIENT_SIDE_ONLY),
    Label.MID_STREAM: attempt(Outcome.MID_STREAM),
}


def facts(*attempts: Attempt, also: tuple[Observation, ...] = (), **options: Any) -> Facts:
    found = observe(*attempts, **options)
    return Facts(summary(*attempts), found | {each.name: each for each in also})


def path(*attempts: Attempt, also: tuple[Observation, ...] = (), **options: Any) -> Path:
    return path_of(facts(*attempts, also=also, **options))


def states(found: Path) -> dict[Stage, State]:
    return {each.stage: each.state for each in found.stages}


def answer(name: str, given_answer: Answer = Answer.YES, text: str = "seen") -> Observation:
    return Observation(name, given_answer, QUESTIONS[name].source, text)


def kernels(stage: Stage, says: Says = Says.STOPPED) -> str:
    """A question by which the kernel says something of a stage, about this very connection."""
    return next(
        name
        for name, asked in QUESTIONS.items()
        if asked.source is Source.KERNEL and asked.direct and asked.stage is stage and asked.if_yes is says
    )


# -- the bracket --------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [label for label in EXAMPLES if BRACKETS.get(label)])
def test_packets_alone_give_the_bracket_of_the_label(label: Label) -> None:
    found = path(EXAMPLES[label])
    if label is Label.COMPLETED:
        assert found.possible == ()
    else:
        assert found.possible == BRACKETS[label]


def test_without_an_attempt_it_stopped_before_the_wire() -> None:
    found = path()
    assert found.possible == BRACKETS[Label.CLIENT_NEVER_SENT]
    assert states(found)[Stage.IN] is State.NOT_REACHED


def test_before_the_bracket_passed_behind_it_not_reached() -> None:
    found = states(path(attempt(REFUSED)))
    assert found[Stage.OUT] is found[Stage.NUMBER] is State.PASSED
    assert found[Stage.LISTENER] is State.UNKNOWN
    assert found[Stage.BACK] is found[Stage.SERVE] is State.NOT_REACHED


def test_one_stage_left_is_the_stop() -> None:
    found = path(attempt(Outcome.CLIENT_VANISHED))
    assert found.stopped_at is Stage.BACK
    assert states(found)[Stage.BACK] is State.STOPPED
    assert states(found)[Stage.QUEUE] is State.PASSED


def test_the_kernels_word_narrows() -> None:
    name = kernels(Stage.LISTENER)
    assert path(attempt(REFUSED), also=(answer(name),)).stopped_at is Stage.LISTENER
    assert bracket(Label.SYN_RST, {name: answer(name, Answer.NO)}) == BRACKETS[Label.SYN_RST]
    assert bracket(Label.SYN_RST, {name: answer(name, Answer.UNKNOWN)}) == BRACKETS[Label.SYN_RST]


def test_of_two_words_of_the_kernel_the_first_place_counts() -> None:
    said_of = [answer(name) for name in ("kernel-says-no-socket", "kernel-says-netfilter-drop")]
    for order in (said_of, said_of[::-1]):
        assert bracket(Label.SYN_NO_REPLY, {each.name: each for each in order}) == (Stage.IN,)


def test_the_error_of_a_connect_may_be_the_ways() -> None:
    denied = {"kernel-saw-connect-denied": answer("kernel-saw-connect-denied")}
    assert bracket(Label.CLIENT_NEVER_SENT, denied) == (Stage.SOCKET,)
    no_way = {**denied, "route-leads-away": answer("route-leads-away")}
    assert bracket(Label.CLIENT_NEVER_SENT, no_way) == (Stage.SOCKET, Stage.ROUTE)


def test_a_look_at_the_host_is_shown_and_excludes_nothing() -> None:
    asked = [
        name
        for name, each in QUESTIONS.items()
        if each.source is Source.HOST and each.stage is Stage.LISTENER and each.if_yes is Says.STOPPED
    ]
    found = path(attempt(REFUSED), also=tuple(map(answer, asked)))
    assert found.possible == BRACKETS[Label.SYN_RST]
    listener = next(each for each in found.stages if each.stage is Stage.LISTENER)
    assert any(witness.source is Source.HOST for witness in listener.witnesses)


LABELLED = st.sampled_from(list(EXAMPLES))
ANSWERS = st.dictionaries(st.sampled_from(sorted(QUESTIONS)), st.sampled_from(Answer), max_size=12)


@given(label=LABELLED, answers=ANSWERS)
def test_monotone(label: Label, answers: dict[str, Answer]) -> None:
    """Nothing behind a stop was reached, nothing before it was not."""
    one = summary(EXAMPLES[label])
    found = path_of(Facts(one, {name: answer(name, given_answer) for name, given_answer in answers.items()}))
    assert tuple(each.stage for each in found.stages) == STAGES
    listed = [each.state for each in found.stages]
    if State.NOT_REACHED in listed:
        assert set(listed[listed.index(State.NOT_REACHED) :]) == {State.NOT_REACHED}
    if State.STOPPED in listed:
        before = listed[: listed.index(State.STOPPED)]
        assert set(before) <= {State.PASSED, State.TOOK_LONG}
        assert found.stopped_at is STAGES[len(before)]
    assert set(found.possible) <= set(BRACKETS[label])


@pytest.mark.parametrize("label", [Label.ONE_SIDED, Label.MID_STREAM])
@given(answers=ANSWERS)
def test_what_was_not_seen_proves_no_stop(label: Label, answers: dict[str, Answer]) -> None:
    one = summary(EXAMPLES[label])
    found = path_of(Facts(one, {name: answer(name, given_answer) for name, given_answer in answers.items()}))
    assert found.possible == ()
    assert not {State.STOPPED, State.NOT_REACHED} & set(states(found).values())


def test_a_half_that_was_seen_proves_what_it_passed() -> None:
    one = attempt(Outcome.SERVER_SIDE_ONLY)
    found = states(path(one._replace(frames=one.frames._replace(syn=None, syn_ack=1))))
    assert found[Stage.QUEUE] is State.PASSED
    assert found[Stage.BACK] is State.UNKNOWN


# -- what works ---------------------------------------------------------------------------------------


def test_what_works_passed_all() -> None:
    assert set(states(path(WORKS)).values()) == {State.PASSED}


def test_a_handshake_alone_proves_no_more() -> None:
    found = states(path(attempt(Outcome.SILENT)))
    assert found[Stage.BACK] is State.PASSED
    assert found[Stage.CARRY] is found[Stage.SERVE] is State.UNKNOWN
    ended_well = states(path(attempt(Outcome.SILENT), also=(answer("command-succeeded"),)))
    assert set(ended_well.values()) == {State.PASSED}


def test_a_completed_connection_stops_where_a_witness_says_so() -> None:
    found = path(said(GET, b"HTTP/1.1 500 Internal Server Error\r\n\r\n"))
    assert found.possible == (Stage.TALK, Stage.SERVE)
    assert states(found)[Stage.ACCEPT] is State.PASSED
    silent = path(attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=1, end=20 * SECOND)))
    assert Stage.ACCEPT in silent.possible


def test_the_command_that_failed_says_so_too() -> None:
    assert path(WORKS, also=(answer("command-succeeded", Answer.NO),)).possible == (Stage.TALK, Stage.SERVE)


def test_a_proof_narrows_to_its_stages() -> None:
    found = narrowed(path(attempt(REFUSED)), [Stage.LISTENER, Stage.SERVE])
    assert found.stopped_at is Stage.LISTENER
    assert states(found)[Stage.IN] is State.PASSED
    assert states(found)[Stage.QUEUE] is State.NOT_REACHED
    assert found.legs[0].state is State.STOPPED
    elsewhere = path(attempt(REFUSED))
    assert narrowed(elsewhere, [Stage.SERVE]) == elsewhere


# -- what took long -----------------------------------------------------------------------------------


def test_a_repeated_syn_took_long_on_its_way_in() -> None:
    late = WORKS._replace(
        syn_count=2, times=times(last_syn=SECOND, answer=SECOND, client_data=SECOND, server_data=SECOND + MS)
    )
    found = path(late)
    into = next(each for each in found.stages if each.stage is Stage.IN)
    assert (into.state, into.took_ns) == (State.TOOK_LONG, SECOND)
    assert into.witnesses[0].direct
    assert "thrown away between out and listener" in into.witnesses[0].text
    assert found.possible == ()
    assert found.legs[0].state is State.TOOK_LONG


def test_a_lost_answer_took_long_on_its_way_back() -> None:
    late = WORKS._replace(
        syn_count=2, times=times(last_syn=SECOND, answer=MS, client_data=SECOND, server_data=SECOND + MS)
    )
    found = path(late)
    assert states(found)[Stage.BACK] is State.TOOK_LONG
    assert states(found)[Stage.IN] is State.PASSED


def test_a_slow_answer_took_long_at_serve() -> None:
    late = WORKS._replace(times=times(answer=MS, client_data=2 * MS, server_data=602 * MS))
    serve = path(late).stages[-1]
    assert (serve.stage, serve.state, serve.took_ns) == (Stage.SERVE, State.TOOK_LONG, 600 * MS)


def test_a_prompt_one_took_no_time() -> None:
    assert all(each.took_ns is None for each in path(WORKS).stages)


# -- legs ---------------------------------------------------------------------------------------------


def test_several_addresses_are_one_try() -> None:
    found = path(
        WORKS,
        attempt(Outcome.REFUSED_REPEATEDLY, server="::1", recovered=True, times=times(last_syn=1500 * MS)),
    )
    lead, other = found.legs
    assert (lead.address, lead.role, lead.state) == ("127.0.0.1", Role.LEADING, State.PASSED)
    assert (other.address, other.role, other.label) == ("::1", Role.OTHER_ADDRESS, Label.SYN_RST)
    assert other.stages == BRACKETS[Label.SYN_RST]
    assert other.took_ns == 1500 * MS
    assert found.possible == ()


def test_addresses_that_failed_alike_lead_together() -> None:
    found = path(attempt(REFUSED), attempt(REFUSED, server="::1"))
    assert [leg.role for leg in found.legs] == [Role.LEADING, Role.LEADING]
    assert found.legs[0].stages == found.possible


def child(failure: Attempt) -> tuple[TargetSummary, ...]:
    return (summary(failure, port=3000),)


def test_the_servers_own_attempt_is_a_child() -> None:
    failure = attempt(REFUSED, at=MS + MS // 2, port=3000, frame=40)
    broken = said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
    others = child(failure)
    found = path_of(facts(broken, others=others), others)
    leg = found.legs[-1]
    assert (leg.role, leg.address, leg.port, leg.label) == (Role.CHILD, "127.0.0.1", 3000, Label.SYN_RST)
    assert leg.frames == (40,)
    assert found.possible[-1] is Stage.SERVE


def test_another_failure_is_no_child() -> None:
    failure = attempt(REFUSED, at=50 * SECOND, port=3000, frame=40)
    broken = said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
    others = child(failure)
    assert all(leg.role is Role.LEADING for leg in path_of(facts(broken, others=others), others).legs)


def answered(**answers: Answer) -> dict[str, Observation]:
    names = {name.replace("_", "-"): answer for name, answer in answers.items()}
    return {name: Observation(name, answer, QUESTIONS[name].source, "so") for name, answer in names.items()}


YES, NO = Answer.YES, Answer.NO


def test_a_command_that_ended_well_and_sent_nothing_has_no_stop() -> None:
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, no_syn_to_target=YES)) == ()
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, proxy_port_tried=YES)) == ()


def test_it_has_where_its_own_words_the_kernel_or_the_number_tell_of_a_failure() -> None:
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=NO))
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, client_error_resources=YES))
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, similar_port_tried=YES))
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, proxy_request_names_target=YES))
    assert bracket(Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, port_above_65535=YES))
    assert bracket(
        Label.CLIENT_NEVER_SENT, answered(command_succeeded=YES, kernel_saw_connect_without_syn=YES)
    )


def test_a_command_that_failed_at_a_try_which_sent_nothing() -> None:
    unsent = answered(command_succeeded=NO, client_source_port_in_use=YES)
    assert bracket(Label.COMPLETED, unsent) == ()
    assert Stage.SOCKET in bracket(Label.CLIENT_NEVER_SENT, unsent)
    assert bracket(Label.COMPLETED, answered(command_succeeded=NO))
    assert bracket(Label.COMPLETED, {**unsent, **answered(server_silent=YES)})


def test_what_could_not_be_read_is_no_stop() -> None:
    lacking = answered(capture_incomplete=YES)
    assert bracket(Label.CLIENT_NEVER_SENT, lacking) == ()
    assert bracket(Label.CLIENT_NEVER_SENT, {**lacking, **answered(port_above_65535=YES)}) == (Stage.NUMBER,)
    assert bracket(Label.SYN_NO_REPLY, lacking) == ()
    assert bracket(Label.SYN_NO_REPLY, {**lacking, **answered(syn_unanswered=YES)})
    assert bracket(Label.SYN_RST, lacking)


def test_a_leg_that_the_kernel_names() -> None:
    """Its maker and its end, without a frame of it."""
    about = ("[::1]:3000", "SYN-no-reply", "nginx (812)")
    told = answer("server-waits-for-upstream")._replace(about=about)
    found = path(attempt(Outcome.SERVER_SILENT), also=(told,))
    leg = next(leg for leg in found.legs if leg.role is Role.CHILD)
    assert (leg.address, leg.port, leg.label, leg.maker) == ("::1", 3000, Label.SYN_NO_REPLY, "nginx (812)")
