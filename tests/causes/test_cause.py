"""What a cause declares, and what follows from it."""

from __future__ import annotations

from synscope.causes.catalogue import by_slug
from synscope.causes.cause import Sign, Word, listeners, never, no, usually, yes
from synscope.model import Answer, Label, Stage


def test_signs_read_as_words() -> None:
    assert [str(sign) for sign in yes("half-open") + no("listener-on-target")] == [
        "half-open",
        "not listener-on-target",
    ]


def test_a_prediction_takes_names_and_signs() -> None:
    prediction = usually("half-open", Sign("listener-on-target", Answer.NO))
    assert prediction.word is Word.USUALLY
    assert prediction.signs == yes("half-open") + no("listener-on-target")
    assert never("half-open").word is Word.NEVER


def test_labels_follow_from_the_stages() -> None:
    cause = by_slug["service-not-running"]
    assert Label.SYN_RST in cause.labels
    assert Label.COMPLETED not in cause.labels
    assert Label.COMPLETED in cause._replace(stops=(Stage.SERVE,)).labels
    assert set(by_slug["exposure"].labels) == set(Label)


def test_names_are_all_it_speaks_about() -> None:
    cause = by_slug["startup-race"]
    assert set(cause.names) >= {"success-after-failures", "failures-after-success", "bound-not-listening"}
    assert list(cause.names) == sorted(cause.names)


def test_checks_come_for_each_system() -> None:
    assert [check.os for check in listeners("a line", "look")] == ["linux", "macos", "windows"]
