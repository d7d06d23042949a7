"""The path in words and signs: it fits, or it is a column; nothing hangs on symbols or colour."""

from __future__ import annotations

import pytest

from synscope.evidence.path import narrowed
from synscope.model import Label, Leg, Path, Role, Stage, State
from synscope.report import path_view
from synscope.report.page import Look, Page
from tests.report.samples import SAMPLES, answered, refused, target


def shown(path: Path, **look: object) -> str:
    page = Page(Look(**look))  # type: ignore[arg-type]
    path_view.show(page, path)
    return page.render()


REFUSED = SAMPLES["refused"].targets[0].path
CHILD = Leg("127.0.0.1", 3000, Label.SYN_RST, State.STOPPED, Role.CHILD, (Stage.LISTENER,), frames=(7,))


def test_a_line_where_it_fits() -> None:
    line, *rest = shown(REFUSED).splitlines()
    assert line == " Path             ✓ passed up to out  │ SYN │  ? in, listener or queue"
    assert not rest


def test_a_column_where_it_does_not() -> None:
    lines = [line.strip() for line in shown(REFUSED, width=40).splitlines()]
    assert lines == ["Path", "✓ passed up to out", "? in, listener or queue"]
    assert all(len(line) <= 40 for line in lines)


def test_ascii_has_words_and_signs_too() -> None:
    text = shown(REFUSED._replace(legs=(CHILD,)), unicode=False)
    assert text.isascii()
    assert "+ passed up to out  | SYN |  ? in, listener or queue" in text
    assert "its own leg -> 127.0.0.1:3000  SYN-RST  x listener" in text


def test_all_stages_with_their_witnesses_when_verbose() -> None:
    text = shown(REFUSED, verbose=True)
    assert [stage for stage in Stage if stage.value not in text] == []
    assert "not reached" in text
    assert "49 µs after it" in text


def test_a_child_and_another_address_follow() -> None:
    other = Leg("::1", 62893, Label.SYN_RST, State.UNKNOWN, Role.OTHER_ADDRESS, (Stage.IN,), 1_500_000_000)
    lead = Leg("127.0.0.1", 62893, Label.COMPLETED, State.PASSED, Role.LEADING)
    text = shown(Path(target(answered()).path.stages, (), (lead, other, CHILD)))
    assert "✓ passed every stage at 127.0.0.1" in text
    assert "also [::1]:62893  SYN-RST  ✗ in, tried for 1.5 s" in " ".join(text.split("\n"))
    assert "└ its own leg → 127.0.0.1:3000  SYN-RST  ✗ listener" in text


def test_what_took_long_says_so() -> None:
    stages = tuple(
        each._replace(state=State.TOOK_LONG, took_ns=1_000_000_000) if each.stage is Stage.IN else each
        for each in target(answered()).path.stages
    )
    assert "✓ passed every stage  ✓ in took 1 s" in shown(Path(stages))


@pytest.mark.parametrize("name", ["mid-stream"])
def test_nothing_known_is_not_shown(name: str) -> None:
    assert shown(SAMPLES[name].targets[0].path) == ""
    assert shown(Path()) == ""


def test_every_state_differs_by_word_and_every_sign_but_took_long_by_shape() -> None:
    symbols = [sign.symbol for state, sign in path_view.SIGNS.items() if state is not State.TOOK_LONG]
    assert len(set(symbols)) == len(symbols)
    assert set(path_view.SIGNS) == set(State)


def test_a_failure_names_where_it_stopped() -> None:
    found = target(refused()).path
    assert path_view.summary(found) == "✓ passed up to out  │ SYN │  ? in, listener or queue"


def test_the_stages_behind_a_milestone_come_after_it() -> None:
    path = narrowed(target(refused()).path, [Stage.LISTENER])
    assert path_view.summary(path) == "✓ passed up to out  │ SYN │  ✓ in  ✗ listener"
    broken = SAMPLES["http-500"].targets[0].path
    assert "✓ passed up to back  │ handshake │  ✓ carry" in path_view.summary(broken)
