"""The path that a connection walks, and how far this one came: the first place where it stopped, or the bracket.

Input: the ``Facts`` of one target. Output: a ``Path``: each stage with its state and its witnesses, the stages at
which the connection may have stopped, and the legs. Pure.

Rules of inference:

1. *Monotone.* A stage that was passed proves that those before it were. So packets alone give a bracket: behind the
   last stage known passed, up to the first known not reached. The label names it (``BRACKETS``).
2. *Witnesses narrow the bracket.* An answer says of its own stage: passed, stopped, took long; never a cause.
3. *Direct beats indirect.* The kernel's word on this very connection narrows the bracket. A look at the host, a
   message, a trait of a reset are shown and weighed, and exclude nothing: they may be of another moment or another
   connection.
4. *What works has not stopped.* A completed connection stopped only where a witness says so: its packets, its first
   bytes, or the command that failed. An error that a retry made good is none, nor an address that failed where the
   command reached the port at another, or later, and ended well. A command that ended well and sent nothing to the
   target had no need to: only its own words of a failure, a number that is no port, or what it sent to a proxy or to
   a port like the target's instead, say otherwise. A command that failed at a try which sent nothing did not fail at
   the connections that completed.
5. *Nothing follows from what was not seen.* One-sided and mid-stream attempts prove stages passed, never a stop.
6. *Late is passed.* A stage that was passed after a repetition, or late, took long. That is no stop.
7. *Several addresses are one try.* The stages are those of the leading leg, which has the target's label. A leg that
   failed while the same try went on at another address is a remark.
8. *Legs beget legs.* Where the server connected somewhere itself while our request waited, that is the child leg.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.evidence.brackets import BRACKETS, STAGES
from synscope.evidence.packets.delays import LATE_NS, handshake_took, handshake_words, tried_for
from synscope.evidence.question import Question, Says
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import (
    FAILURES,
    Answer,
    Attempt,
    AttemptGroup,
    Endpoint,
    Facts,
    Label,
    Leg,
    Observation,
    Path,
    Role,
    Source,
    Stage,
    StageState,
    State,
    TargetSummary,
    Witness,
)
from synscope.units import duration

SHOWN_BY: Final[Mapping[Label, tuple[str, ...]]] = MappingProxyType(
    {
        Label.CLIENT_NEVER_SENT: ("no-syn-to-target",),
        Label.SYN_NO_REPLY: ("refused-by-icmp", "unreachable-by-icmp", "syn-unanswered"),
        Label.SYN_RST: ("refused-by-rst",),
        Label.ODD_REPLY: ("odd-reply",),
        Label.HALF_OPEN: ("half-open",),
        Label.COMPLETED: ("server-silent", "some-completed"),
        Label.ONE_SIDED: (),
        Label.MID_STREAM: (),
    },
)
"""The questions by which packets show what a label says."""

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
_INCOMPLETE: Final = "capture-incomplete"
_SIGN_OF_ABSENCE: Final[Mapping[Label, str]] = MappingProxyType(
    {Label.CLIENT_NEVER_SENT: "no-syn-to-target", Label.SYN_NO_REPLY: "syn-unanswered"}
)
"""Labels that say what a capture does not hold, each with the question whose yes bears it."""
_RETRIED: Final = "error-then-success"
_ENDED_WELL: Final = "command-succeeded"
_GOT_OVER: Final = ("recovered-at-other-address", "success-after-failures")
"""What a command that ended well has got over."""
_WENT_ELSEWHERE: Final = ("similar-port-tried", "proxy-request-names-target")
"""What was meant for the target and sent to something else: a mistyped port, a proxy."""
UNSENT: Final = ("kernel-saw-connect-without-syn", "client-source-missing", "client-source-port-in-use")
"""Whose *yes* says that a try of the client never sent a SYN, whatever its other tries did."""
_HEARD: Final = frozenset({Stage.CARRY, Stage.ACCEPT})
"""What a byte of the server proves to be passed."""
_OWN_ATTEMPTS: Final = ("upstream-attempt-failed", "failed-attempt-before-error")
"""Questions whose *yes* names, among its frames, the first one of an attempt of the server's own."""
_OWN_LEGS: Final = ("kernel-saw-own-connect-fail", "server-waits-for-upstream")
"""Questions whose *yes* names a leg of the server's own: its end, its label, and who made it."""
_NOT_SERVED: Final = (Stage.ACCEPT, Stage.TALK, Stage.SERVE)
_NAMES_OF_LEG: Final = 3
_FRAMES: Final = 3
_STATES: Final[Mapping[Says, State]] = MappingProxyType(
    {Says.PASSED: State.PASSED, Says.STOPPED: State.STOPPED, Says.TOOK_LONG: State.TOOK_LONG},
)
_OF_THE_CONNECTION: Final = frozenset({Source.PACKETS, Source.PAYLOAD})


class _Word(NamedTuple):
    """An answer that says something of a stage."""

    question: Question
    observation: Observation
    says: Says

    @property
    def witness(self) -> Witness:
        """The same as a record."""
        told = self.observation
        return Witness(told.source, told.text, told.frames, _STATES[self.says], self.question.direct)


def path_of(facts: Facts, others: Sequence[TargetSummary] = ()) -> Path:
    """Return how far the target's connections came: those that its label is about.

    ``others`` are the other targets of the capture, among which the server's own attempts are found.
    """
    label = facts.summary.label
    possible = _without_heard(facts, bracket(label, facts.observations))
    stages = tuple(_states(facts.summary, possible, facts.observations))
    legs = (*_own_legs(facts.summary, possible, stages), *_children(facts, others))
    return Path(stages, possible, legs)


def _without_heard(facts: Facts, possible: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Return a bracket without what a server that spoke on every connection has proven, unless somebody objects."""
    spoke = [attempt.server_bytes for attempt in _examples(facts.summary.groups, Label.COMPLETED)]
    if facts.summary.label is not Label.COMPLETED or not spoke or not all(spoke):
        return possible
    stopped = {word.question.stage for word in _words(facts.observations) if word.says is Says.STOPPED}
    if stopped & _HEARD:
        return possible
    return tuple(stage for stage in possible if stage not in _HEARD) or possible


def narrowed(path: Path, stages: Iterable[Stage]) -> Path:
    """Return a path with what is proven otherwise: it stopped at one of ``stages``, if it may have stopped there."""
    known = tuple(stage for stage in path.possible if stage in frozenset(stages))
    if not known or known == path.possible:
        return path
    first, last = STAGES.index(known[0]), STAGES.index(known[-1])
    return path._replace(
        possible=known,
        stages=tuple(_restated(each, at, first, last, known) for at, each in enumerate(path.stages)),
        legs=tuple(
            leg._replace(stages=known, state=State.STOPPED if len(known) == 1 else leg.state)
            if leg.role is Role.LEADING
            else leg
            for leg in path.legs
        ),
    )


def _restated(each: StageState, at: int, first: int, last: int, known: tuple[Stage, ...]) -> StageState:
    if at > last:
        return each._replace(state=State.NOT_REACHED, took_ns=None)
    if known == (each.stage,):
        return each._replace(state=State.STOPPED, took_ns=None)
    if at < first and each.state is State.UNKNOWN:
        return each._replace(state=State.PASSED)
    return each


def bracket(label: Label, observations: Mapping[str, Observation]) -> tuple[Stage, ...]:
    """Return the stages at which a connection with ``label`` may have stopped, in the order of the path."""
    stages = BRACKETS[label]
    if label is Label.COMPLETED and not _has_trouble(observations):
        return ()
    if _is_unproven_absence(label, observations):
        return tuple(stage for stage in stages if stage is Stage.NUMBER and _number_stops(observations))
    if label is not Label.COMPLETED and _is_got_over(observations):
        return ()
    if label is Label.CLIENT_NEVER_SENT and _had_no_need(observations):
        return ()
    stops = {
        witness.question.stage
        for witness in _words(observations)
        if witness.says is Says.STOPPED
        and witness.question.direct
        and witness.question.source is Source.KERNEL
    }
    whole = stages
    # In the order of the path, not of the answers: the first place where it stopped.
    for stage in STAGES:
        if stage in stops:
            stages = _narrowed(stages, stage)
    if stages == (Stage.SOCKET,) and Stage.ROUTE in whole and _no_way(observations):
        # Within connect() the kernel looks for the way, and its error is the call's.
        return (Stage.SOCKET, Stage.ROUTE)
    return stages


def _no_way(observations: Mapping[str, Observation]) -> bool:
    """Whether a look-up for this very address found no way."""
    return any(
        word.says is Says.STOPPED
        and word.question.direct
        and word.question.stage is Stage.ROUTE
        and word.question.source is Source.HOST
        for word in _words(observations)
    )


def _is_unproven_absence(label: Label, observations: Mapping[str, Observation]) -> bool:
    """Whether a label says what the capture does not hold, and the capture lacks a part of what was sent."""
    sign = _SIGN_OF_ABSENCE.get(label)
    incomplete = _is(observations, _INCOMPLETE, Answer.YES)
    return sign is not None and incomplete and not _is(observations, sign, Answer.YES)


def _number_stops(observations: Mapping[str, Observation]) -> bool:
    """Whether the number itself is said to stop a client: that needs no capture."""
    return any(
        word.says is Says.STOPPED and word.question.stage is Stage.NUMBER for word in _words(observations)
    )


def _narrowed(stages: tuple[Stage, ...], stage: Stage | None) -> tuple[Stage, ...]:
    """Narrow a bracket by the kernel's word on a stop.

    A discarded segment is that of the bracket's own stretch. A connect without a SYN came no further than out, and
    somebody made it: its number, client and name were well. A client that never asked for a connection came no
    further than the name.
    """
    if stage is Stage.NAME:
        return tuple(each for each in stages if each in _BEFORE_THE_CONNECT) or stages
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
        for witness in _words(observations)
    )


def _is_got_over(observations: Mapping[str, Observation]) -> bool:
    """Whether the command did its work in the end: at another address, or once the port was served."""
    return _is(observations, _ENDED_WELL, Answer.YES) and any(
        _is(observations, name, Answer.YES) for name in _GOT_OVER
    )


def _had_no_need(observations: Mapping[str, Observation]) -> bool:
    """Whether a command that sent nothing to the target ended well all the same, without a word of a failure."""
    if not _is(observations, _ENDED_WELL, Answer.YES) or never_sent(observations):
        return False
    if any(_is(observations, name, Answer.YES) for name in _WENT_ELSEWHERE):
        return False
    return not any(
        word.says is Says.STOPPED and _outlasts_success(word.question) for word in _words(observations)
    )


def _outlasts_success(question: Question) -> bool:
    """Whether a stop counts although the command ended well: by its own words, or because the number is no port."""
    return bool(question.errors) or (question.direct and question.stage is Stage.NUMBER)


def never_sent(observations: Mapping[str, Observation]) -> bool:
    """Whether a try of the client is known to have sent nothing."""
    return any(_is(observations, name, Answer.YES) for name in UNSENT)


def _is(observations: Mapping[str, Observation], name: str, answer: Answer) -> bool:
    return name in observations and observations[name].answer is answer


def _words(observations: Mapping[str, Observation]) -> Iterable[_Word]:
    """The answers that speak of a stage, in the order in which they were given."""
    for name, observation in observations.items():
        asked = QUESTIONS.get(name)
        if asked is None or asked.stage is None:
            continue
        says = {Answer.YES: asked.if_yes, Answer.NO: asked.if_no}.get(observation.answer)
        if says is not None:
            yield _Word(asked, observation, says)


# -- states -------------------------------------------------------------------------------------------


class _Late(NamedTuple):
    """That a stage took long, and what shows it."""

    stage: Stage
    took_ns: int | None
    witness: Witness


def _states(
    summary: TargetSummary, possible: tuple[Stage, ...], observations: Mapping[str, Observation]
) -> Iterable[StageState]:
    label, words = summary.label, tuple(_words(observations))
    passed = _PASSED_UP_TO[label] or _seen_up_to(summary)
    last_passed = -1 if passed is None else STAGES.index(passed)
    last_possible = len(STAGES)
    if possible:
        # Behind the handshake, what a bracket leaves out at its beginning was passed.
        firm = len(possible) == 1 or label is Label.COMPLETED
        last_passed = max(last_passed, STAGES.index(possible[0]) - 1) if firm else last_passed
        last_possible = STAGES.index(possible[-1])
    elif label is Label.COMPLETED and _has_worked(summary, observations):
        last_passed = len(STAGES) - 1
    late = {each.stage: each for each in _took_long(summary)} if label is Label.COMPLETED else {}
    for at, stage in enumerate(STAGES):
        own = tuple(word for word in words if word.question.stage is stage)
        state = _state(stage, at, last_passed, last_possible, possible, own)
        told = tuple(word.witness for word in own)
        if state in {State.PASSED, State.TOOK_LONG} and stage in late:
            found = late[stage]
            yield StageState(stage, State.TOOK_LONG, _first(found.witness, told), found.took_ns)
        else:
            yield StageState(stage, state, told)


def _seen_up_to(summary: TargetSummary) -> Stage | None:
    """Return the last stage that what was seen of a connection proves passed, where a part of it is missing."""
    if summary.label is Label.MID_STREAM:
        talked = any(attempt.server_bytes for attempt in _examples(summary.groups, Label.MID_STREAM))
        return Stage.BACK if talked else None
    if summary.label is not Label.ONE_SIDED:
        return None
    seen = [attempt.frames for attempt in _examples(summary.groups, Label.ONE_SIDED)]
    if any(frames.syn_ack is not None for frames in seen):
        return Stage.QUEUE
    return Stage.OUT if any(frames.syn is not None for frames in seen) else None


def _has_worked(summary: TargetSummary, observations: Mapping[str, Observation]) -> bool:
    """Whether more than the handshake was seen to work: the server spoke, or the command ended well."""
    spoke = any(attempt.server_bytes for attempt in _examples(summary.groups, Label.COMPLETED))
    return spoke or _is(observations, _ENDED_WELL, Answer.YES)


def _first(witness: Witness, told: tuple[Witness, ...]) -> tuple[Witness, ...]:
    """Return the witnesses with one more at their head, unless an answer says the same."""
    return told if any(each.text == witness.text for each in told) else (witness, *told)


def _state(  # noqa: PLR0913, PLR0917 - the stage and its surroundings
    stage: Stage,
    at: int,
    last_passed: int,
    last_possible: int,
    possible: tuple[Stage, ...],
    words: tuple[_Word, ...],
) -> State:
    if possible == (stage,):
        return State.STOPPED
    if at <= last_passed:
        late = any(word.says is Says.TOOK_LONG for word in words)
        return State.TOOK_LONG if late else State.PASSED
    if at > last_possible:
        return State.NOT_REACHED
    if stage in possible:
        return State.UNKNOWN
    return State.PASSED if _is_passed(words) else State.UNKNOWN


def _is_passed(words: tuple[_Word, ...]) -> bool:
    return any(word.says is Says.PASSED and word.question.direct for word in words)


# -- what took long -----------------------------------------------------------------------------------


def _took_long(summary: TargetSummary) -> Iterable[_Late]:
    """The stages at which a completed attempt at hand took long, each with the longest time."""
    longest: dict[Stage, _Late] = {}
    for attempt in _examples(summary.groups, Label.COMPLETED):
        for found in _late_stages(attempt):
            known = longest.get(found.stage)
            if known is None or (found.took_ns or 0) > (known.took_ns or 0):
                longest[found.stage] = found
    return longest.values()


def _late_stages(attempt: Attempt) -> Iterable[_Late]:
    found = handshake_took(attempt)
    if found is not None:
        frames = _present(attempt.frames.syn, attempt.frames.syn_ack)
        yield _Late(*found, _seen(handshake_words(attempt), frames))
    asked, answered = attempt.times.client_data, attempt.times.server_data
    if asked is not None and answered is not None and answered - asked > LATE_NS:
        frames = _present(attempt.frames.client_data, attempt.frames.server_data)
        text = f"the server's first byte came {duration(answered - asked)} after the request"
        yield _Late(Stage.SERVE, answered - asked, _seen(text, frames))


def _seen(text: str, frames: tuple[int, ...]) -> Witness:
    return Witness(Source.PACKETS, text, frames, State.TOOK_LONG, direct=True)


def _present(*frames: int | None) -> tuple[int, ...]:
    return tuple(frame for frame in frames if frame is not None)


# -- legs ---------------------------------------------------------------------------------------------


def _own_legs(
    summary: TargetSummary, possible: tuple[Stage, ...], stages: tuple[StageState, ...]
) -> Iterable[Leg]:
    """The ways to each of the target's addresses, the leading ones first."""
    by_server: dict[Endpoint, list[AttemptGroup]] = {}
    for group in summary.groups:
        by_server.setdefault(group.server, []).append(group)
    legs = [_own_leg(server, groups, summary.label, possible, stages) for server, groups in by_server.items()]
    return sorted(legs, key=lambda leg: leg.role is not Role.LEADING)


def _own_leg(
    server: Endpoint,
    groups: Sequence[AttemptGroup],
    label: Label,
    possible: tuple[Stage, ...],
    stages: tuple[StageState, ...],
) -> Leg:
    own = [group for group in groups if group.label is label and not group.recovered]
    frames = tuple(group.examples[0].frames.first for group in own or groups if group.examples)[:_FRAMES]
    if own:
        state = _whole(label, possible, stages)
        return Leg(server.address, server.port, label, state, Role.LEADING, possible, frames=frames)
    # A failure says more of a leg than a success does.
    worst = next((group for group in groups if group.label in FAILURES), groups[0])
    places = BRACKETS[worst.label] if worst.label in FAILURES else ()
    return Leg(
        server.address,
        server.port,
        worst.label,
        _of_places(worst.label, places),
        Role.OTHER_ADDRESS,
        places,
        _trying(worst),
        frames,
    )


def _whole(label: Label, possible: tuple[Stage, ...], stages: tuple[StageState, ...]) -> State:
    if possible:
        return State.STOPPED if len(possible) == 1 else State.UNKNOWN
    if label is not Label.COMPLETED or any(each.state is State.UNKNOWN for each in stages):
        return State.UNKNOWN
    late = any(each.state is State.TOOK_LONG for each in stages)
    return State.TOOK_LONG if late else State.PASSED


def _of_places(label: Label, places: tuple[Stage, ...]) -> State:
    if places:
        return State.STOPPED if len(places) == 1 else State.UNKNOWN
    return State.PASSED if label is Label.COMPLETED else State.UNKNOWN


def _trying(group: AttemptGroup) -> int | None:
    """Return how long a client repeated its SYN to an address before it went on with another one."""
    if not group.recovered:
        return None
    spans = [tried_for(attempt) for attempt in group.examples]
    return max(spans, default=0) or None


def _children(facts: Facts, others: Sequence[TargetSummary]) -> Iterable[Leg]:
    """The server's own attempts that failed while a client waited, each address once."""
    frames = {
        frame
        for name in _OWN_ATTEMPTS
        if _is(facts.observations, name, Answer.YES)
        for frame in facts.observations[name].frames
    }
    told: set[Endpoint] = set()
    for leg in _told_legs(facts, others):
        told.add(Endpoint(leg.address, leg.port))
        yield leg
    if not frames:
        return
    for summary in others:
        for attempt in _examples(summary.groups, *FAILURES):
            if attempt.frames.first in frames and attempt.server not in told:
                told.add(attempt.server)
                places = BRACKETS[attempt.label]
                yield Leg(
                    *attempt.server,
                    attempt.label,
                    _of_places(attempt.label, places),
                    Role.CHILD,
                    places,
                    frames=(attempt.frames.first,),
                )


def _told_legs(facts: Facts, others: Sequence[TargetSummary]) -> Iterable[Leg]:
    """The legs that a direct witness names, with their frames where the capture has them."""
    told: set[Endpoint] = set()
    for name in _OWN_LEGS:
        about = facts.observations[name].about if _is(facts.observations, name, Answer.YES) else ()
        if len(about) != _NAMES_OF_LEG:
            continue
        address, _, port = about[0].rpartition(":")
        server, label = Endpoint(address.strip("[]"), int(port)), Label(about[1])
        if server in told:
            continue
        told.add(server)
        of_server = (group for summary in others for group in summary.groups if group.server == server)
        frames = tuple(attempt.frames.first for attempt in _examples(of_server, label))[:1]
        places = BRACKETS[label] if label in FAILURES else _NOT_SERVED
        state = _of_places(label, places)
        yield Leg(*server, label, state, Role.CHILD, places, frames=frames, maker=about[2])


def _examples(groups: Iterable[AttemptGroup], *labels: Label) -> Iterable[Attempt]:
    return (attempt for group in groups if group.label in labels for attempt in group.examples)
