"""The path that a connection walks, and how far this one came: the first place where it stopped, or the bracket.

Input: the ``Facts`` of one target. Output: a ``Path``: each stage with its state and its witnesses, and the stages at
which the connection may have stopped. Pure.

Rules of inference:

1. *Monotone.* A stage that was passed proves that those before it were. So packets alone give a bracket: behind the
   last stage known passed, up to the first known not reached. The label names it (``BRACKETS``).
2. *Witnesses narrow the bracket.* An answer says of its own stage: passed, stopped, took long. It never names a cause.
3. *Direct beats indirect.* The kernel's word on this very connection narrows the bracket. A look at the host, a message,
   a trait of a reset are shown and weighed, and exclude nothing: they may be of another moment or another connection.
4. *What works has not stopped.* A completed connection stopped only where a witness says so: its packets, its first
   bytes, or the command that failed. An error that a retry made good is none. A command that ended well and sent
   nothing to the target had no need to: only its own words of a failure, or a port like the target's that it went to
   instead, say otherwise. A command that failed at a try which sent nothing did not fail at those that completed.
5. *Nothing follows from what was not seen.* One-sided and mid-stream attempts prove stages passed, never a stop.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.evidence.question import Question, Says
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Facts, Label, Observation, Source, Stage

STAGES: Final = tuple(Stage)
"""In the order of the path."""

BRACKETS: Final[Mapping[Label, tuple[Stage, ...]]] = MappingProxyType(
    {
        Label.CLIENT_NEVER_SENT: (
            *(Stage.NUMBER, Stage.CLIENT, Stage.NAME, Stage.SOCKET, Stage.ROUTE, Stage.OUT),
        ),
        # A stack that answers refuses a closed port at once: only behind a rule that hides it is nobody there.
        Label.SYN_NO_REPLY: (Stage.IN, Stage.LISTENER, Stage.QUEUE, Stage.BACK),
        Label.SYN_RST: (Stage.IN, Stage.LISTENER, Stage.QUEUE),
        Label.ODD_REPLY: (Stage.IN, Stage.LISTENER),
        Label.HALF_OPEN: (Stage.BACK,),
        Label.COMPLETED: (Stage.CARRY, Stage.ACCEPT, Stage.TALK, Stage.SERVE),
        Label.ONE_SIDED: (),
        Label.MID_STREAM: (),
    },
)
"""The stages at which a connection with a label may have stopped, by its packets."""

_PASSED_UP_TO: Final[Mapping[Label, Stage | None]] = MappingProxyType(
    {
        Label.CLIENT_NEVER_SENT: None,
        Label.SYN_NO_REPLY: Stage.OUT,
        Label.SYN_RST: Stage.OUT,
        Label.ODD_REPLY: Stage.OUT,
        Label.HALF_OPEN: Stage.QUEUE,
        Label.COMPLETED: Stage.BACK,
        Label.ONE_SIDED: None,
        Label.MID_STREAM: None,
    },
)
_DISCARDING: Final = frozenset({Stage.OUT, Stage.IN, Stage.BACK, Stage.CARRY})
"""Where something on the way discards segments: the kernel's word on a drop is about the one in the bracket."""
_BEFORE_THE_CONNECT: Final = frozenset({Stage.NUMBER, Stage.CLIENT, Stage.NAME})
_MISTYPED: Final = "similar-port-tried"
_RETRIED: Final = "error-then-success"
_ENDED_WELL: Final = "command-succeeded"
UNSENT: Final = ("kernel-saw-connect-without-syn", "client-source-missing", "client-source-port-in-use")
"""Whose *yes* says that a try of the client never sent a SYN, whatever its other tries did."""
_OF_THE_CONNECTION: Final = frozenset({Source.PACKETS, Source.PAYLOAD})


class State(enum.StrEnum):
    """What is known of a stage."""

    PASSED = "passed"
    STOPPED = "stopped"
    TOOK_LONG = "took long"
    UNKNOWN = "not known"
    NOT_REACHED = "not reached"


class Witness(NamedTuple):
    """An answer that says something of a stage."""

    question: Question
    observation: Observation
    says: Says


class StageState(NamedTuple):
    """One stage of a path, and who says so."""

    stage: Stage
    state: State
    witnesses: tuple[Witness, ...] = ()


class Path(NamedTuple):
    """How far a connection to a target came."""

    stages: tuple[StageState, ...]
    possible: tuple[Stage, ...]
    """Where it may have stopped; empty when nothing says that it stopped at all."""

    @property
    def stopped_at(self) -> Stage | None:
        """The stage at which it stopped, where that is known."""
        return self.possible[0] if len(self.possible) == 1 else None


def path_of(facts: Facts) -> Path:
    """Return how far the target's connections came: those that its label is about."""
    label = facts.summary.label
    witnesses = tuple(_witnesses(facts.observations))
    possible = bracket(label, facts.observations)
    return Path(tuple(_states(label, possible, witnesses)), possible)


def bracket(label: Label, observations: Mapping[str, Observation]) -> tuple[Stage, ...]:
    """Return the stages at which a connection with ``label`` may have stopped, in the order of the path."""
    stages = BRACKETS[label]
    if label is Label.COMPLETED and not _has_trouble(observations):
        return ()
    if label is Label.CLIENT_NEVER_SENT and _had_no_need(observations):
        return ()
    for witness in _witnesses(observations):
        if (
            witness.says is Says.STOPPED
            and witness.question.direct
            and witness.question.source is Source.KERNEL
        ):
            stages = _narrowed(stages, witness.question.stage)
    return stages


def _narrowed(stages: tuple[Stage, ...], stage: Stage | None) -> tuple[Stage, ...]:
    """Narrow a bracket by the kernel's word on a stop.

    A discarded segment is that of the bracket's own stretch. A connect without a SYN came no further than out, and
    somebody made it: its number, client and name were well.
    """
    if stage is Stage.OUT:
        return tuple(each for each in stages if each not in _BEFORE_THE_CONNECT) or stages
    if stage in stages:
        return (stage,) if stage is not None else stages
    if stage is Stage.IN:
        return tuple(each for each in stages if each in _DISCARDING) or stages
    return stages


def _has_trouble(observations: Mapping[str, Observation]) -> bool:
    """Whether anything says that a completed connection did not do what it was made for."""
    if _is(observations, _ENDED_WELL, Answer.NO) and not never_sent(observations):
        return True
    retried = _is(observations, _RETRIED, Answer.YES)
    return any(
        witness.says is Says.STOPPED
        and witness.question.source in _OF_THE_CONNECTION
        and witness.question.stage in BRACKETS[Label.COMPLETED]
        and not (retried and witness.question.stage is Stage.SERVE)
        for witness in _witnesses(observations)
    )


def _had_no_need(observations: Mapping[str, Observation]) -> bool:
    """Whether a command that sent nothing to the target ended well all the same, without a word of a failure."""
    if not _is(observations, _ENDED_WELL, Answer.YES) or never_sent(observations):
        return False
    if _is(observations, _MISTYPED, Answer.YES):
        return False
    return not any(
        witness.says is Says.STOPPED and witness.question.errors for witness in _witnesses(observations)
    )


def never_sent(observations: Mapping[str, Observation]) -> bool:
    """Whether a try of the client is known to have sent nothing."""
    return any(_is(observations, name, Answer.YES) for name in UNSENT)


def _is(observations: Mapping[str, Observation], name: str, answer: Answer) -> bool:
    return name in observations and observations[name].answer is answer


def _witnesses(observations: Mapping[str, Observation]) -> Iterable[Witness]:
    """The answers that speak of a stage, in the order in which they were given."""
    for name, observation in observations.items():
        asked = QUESTIONS.get(name)
        if asked is None or asked.stage is None:
            continue
        says = {Answer.YES: asked.if_yes, Answer.NO: asked.if_no}.get(observation.answer)
        if says is not None:
            yield Witness(asked, observation, says)


def _states(
    label: Label,
    possible: tuple[Stage, ...],
    witnesses: tuple[Witness, ...],
) -> Iterable[StageState]:
    passed = _PASSED_UP_TO[label]
    last_passed = -1 if passed is None else STAGES.index(passed)
    if possible:
        first = STAGES.index(possible[0])
        last_passed = max(last_passed, first - 1) if len(possible) == 1 else last_passed
        last_possible = STAGES.index(possible[-1])
    else:
        last_possible = len(STAGES)
        last_passed = len(STAGES) - 1 if label is Label.COMPLETED else last_passed
    for at, stage in enumerate(STAGES):
        own = tuple(witness for witness in witnesses if witness.question.stage is stage)
        yield StageState(stage, _state(stage, at, last_passed, last_possible, possible, own), own)


def _state(  # noqa: PLR0913, PLR0917 - the stage and its surroundings
    stage: Stage,
    at: int,
    last_passed: int,
    last_possible: int,
    possible: tuple[Stage, ...],
    witnesses: tuple[Witness, ...],
) -> State:
    if possible == (stage,):
        return State.STOPPED
    if at <= last_passed:
        late = any(witness.says is Says.TOOK_LONG for witness in witnesses)
        return State.TOOK_LONG if late else State.PASSED
    if at > last_possible:
        return State.NOT_REACHED
    if stage in possible:
        return State.UNKNOWN
    return State.PASSED if _is_passed(witnesses) else State.UNKNOWN


def _is_passed(witnesses: tuple[Witness, ...]) -> bool:
    return any(witness.says is Says.PASSED and witness.question.direct for witness in witnesses)
