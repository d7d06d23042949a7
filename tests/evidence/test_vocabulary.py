"""Every question is declared once, answered by the rooms that declare it, and complete."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import chain

import pytest

from synscope.causes import placeholders
from synscope.causes.catalogue import CATALOGUE
from synscope.evidence import rooms
from synscope.evidence.command.observe import observe_command
from synscope.evidence.greeting import Greeted, observe_greeting
from synscope.evidence.host.observe import observe_host
from synscope.evidence.kernel.observe import observe_kernel
from synscope.evidence.packets.observe import observe_packets
from synscope.evidence.question import Question
from synscope.evidence.target_number import observe_request
from synscope.evidence.vocabulary import QUESTIONS
from synscope.evidence.vocabulary_table import OBSERVERS
from synscope.model import PASSED_WHEN, Label, Source, Stage, Target, TargetSummary
from synscope.probes.kernel.events import TraceHealth
from tests.causes.test_catalogue import PLACEHOLDER

IN_THE_COMMAND = {"command-stops-service", "command-sets-own-end"}
"""Questions that a look at the command answers."""
every_question = pytest.mark.parametrize("asked", QUESTIONS.values(), ids=lambda asked: asked.name)


def test_the_table_is_what_the_rooms_declare() -> None:
    assert tuple(asked.question for asked in rooms.ASKED) == OBSERVERS, "run tests/tools/generate_docs.py"


def test_the_words_are_known_without_the_rooms_that_answer() -> None:
    program = "import sys; from synscope import analysis; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "synscope.evidence.vocabulary" in imported
    assert not imported & {f"synscope.evidence.{room}" for room in ("rooms", "host", "kernel", "command")}


def test_no_name_is_declared_twice() -> None:
    declared = Counter(asked.name for asked in OBSERVERS if not asked.is_second)
    assert set(declared.values()) == {1}
    assert {asked.name for asked in OBSERVERS} == set(declared) == set(QUESTIONS)


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "example.test", None])
def test_every_room_answers_exactly_what_it_declares(host: str | None) -> None:
    target = Target("x", 80, host)
    seen = chain(
        observe_request(target),
        observe_packets(TargetSummary(target, Label.CLIENT_NEVER_SENT, {}, ()), (), end_ts_ns=None),
        observe_host(target, (), environment_known=True),
        observe_command(("true",), target, lines=(), status=0, exit_status=0),
        observe_kernel(target, (), (), TraceHealth()),
        observe_greeting(Greeted()),
    )
    assert [(each.name, each.source) for each in seen] == [(asked.name, asked.source) for asked in OBSERVERS]


def test_every_name_that_a_cause_uses_is_a_question() -> None:
    assert {name for cause in CATALOGUE for name in cause.names} <= set(QUESTIONS)


def test_what_belies_a_question_is_one() -> None:
    assert {asked.belied_by for asked in OBSERVERS if asked.belied_by} <= set(QUESTIONS)


def test_every_stage_has_questions_and_words() -> None:
    assert {asked.stage for asked in OBSERVERS} == {None, *Stage}
    assert list(PASSED_WHEN) == list(Stage)


@every_question
def test_an_answer_speaks_of_a_stage_only_where_there_is_one(asked: Question) -> None:
    if asked.stage is None:
        assert asked.if_yes is asked.if_no is None
    assert asked.meaning[0].islower() or asked.meaning.split()[0].isupper() or asked.meaning[:3].isupper()
    assert not asked.meaning.endswith(".")


@every_question
def test_how_it_is_asked_by_hand(asked: Question) -> None:
    systems = [way.os for way in asked.by_hand]
    assert len(set(systems)) == len(systems)
    assert set(systems) in ({"any"}, {"linux"}, {"linux", "macos", "windows"}, set())
    if asked.source is not Source.REQUEST and asked.name not in IN_THE_COMMAND:
        assert systems, "nobody can ask it"
    for way in asked.by_hand:
        assert way.command.strip() == way.command != ""
        assert way.reading
        assert set(PLACEHOLDER.findall(way.command + way.reading)) <= set(placeholders.NAMES)
