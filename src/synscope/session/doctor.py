"""A target examined without anybody reproducing the failure: our own connects, captured, and the host around them.

Input: the target, and whether a greeting may be sent. Output: a ``Diagnosis`` like that of a watched command. Where
nothing can be captured, what the kernel said about our own connects stands in for the packets, as the host's
word and only for what it shows; that nothing was captured is a note.

Invariants: nothing is connected to but the target, and nothing at all when its number is no port; nothing but the
handshake is sent without a greeting. Where a greeting, or the request of a client that is in the capture too, got no
answer, ``session.greeting`` says what is tried once more.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from synscope.analysis import diagnose
from synscope.capture.live.ring_socket import RingError
from synscope.evidence.agreement import Withdrawal
from synscope.evidence.command.observe import QUESTIONS as COMMAND_QUESTIONS
from synscope.evidence.greeting import Greeted, observe_greeting
from synscope.evidence.packets.observe import QUESTIONS as PACKETS_QUESTIONS
from synscope.evidence.packets.observe import observe_packets
from synscope.evidence.question import OwnConnect
from synscope.model import (
    FAILURES,
    Answer,
    AttemptGroup,
    CaptureHealth,
    Diagnosis,
    Label,
    Observation,
    Outcome,
    Source,
    Target,
    TargetSummary,
)
from synscope.probes.host.snapshot import Loopback
from synscope.process.errors import ElevationError, SessionError
from synscope.reference.loopback import is_loopback
from synscope.session.connects import Connect, Connects, Greeting, Resolved, is_own, resolve, tls_context
from synscope.session.greeting import SWITCHED_OFF, greeted, noted
from synscope.session.live_run import LINGER_S, LiveRun
from synscope.session.plan import Plan
from synscope.session.start import LiveSession, start_session
from synscope.session.surroundings import Surroundings

if TYPE_CHECKING:
    import ssl

RECOVERY_NS: Final = 1_000_000_000
"""A client that fails at one address and reaches another within this has connected."""

_LOOPBACK_HOST: Final = "localhost"
_PLAIN: Final = frozenset({"http", "ws"})
_SECURE: Final = frozenset({"https", "wss"})
_REFUSED: Final = "an RST, or an ICMP error that the kernel reports alike"
_OUTCOMES: Final[dict[int, tuple[Label, Outcome]]] = {
    0: (Label.COMPLETED, Outcome.STILL_OPEN),
    errno.ECONNREFUSED: (Label.SYN_RST, Outcome.REFUSED),
    errno.ETIMEDOUT: (Label.SYN_NO_REPLY, Outcome.UNANSWERED),
    errno.EHOSTUNREACH: (Label.SYN_NO_REPLY, Outcome.ICMP_ERROR),
}
"""What the kernel's word about a connect says about its handshake; other errors come before any SYN."""


@dataclass(frozen=True, slots=True)
class DoctorPlan:
    """What to examine, and how."""

    target: Target
    probe: bool = False
    """Whether to greet the server."""
    trace_firewall: bool = False
    """Whether to trace our connects through the firewall's rules."""
    greet: bool = True
    """Whether a server may be greeted once more that gave a client's HTTP request or TLS hello no answer."""
    typed: tuple[str, ...] = ()
    """How the user called the tool."""
    may_prompt: bool = False
    """Whether sudo may ask for a password."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


def examine(
    plan: DoctorPlan, announce: Callable[[str], None], preload: Callable[[], None] = lambda: None
) -> Diagnosis:
    """Connect to the target while capturing, and say what is wrong with it.

    ``announce`` is told what will be connected to before it is. ``preload`` imports what is needed later.
    """
    target = plan.target
    if not target.is_port:
        announce(f"{target.port} is no port: connecting to nothing")
        return _uncaptured(plan, None, f"{target.port} is no port, so nothing was connected to or captured")
    found = resolve(target.host or _LOOPBACK_HOST, target.port)
    if not found.addresses:
        announce(f"{found.host} has no address: connecting to nothing")
        nothing = Connects(found, Greeting.NONE)
        return _uncaptured(plan, nothing, f"{found.host}: {found.error}; nothing was connected to", found)
    how = greeting(plan)
    announce(f"connecting to {', '.join(map(str, found.endpoints))}: {how.value}")
    connects = Connects(found, how, _context(how))
    try:
        session = start_session(_capture_plan(plan, found), announce, preload=preload)
    except ElevationError as error:
        ways = f"; to have it captured: {error.ways[0]}" if error.ways else ""
        return _uncaptured(plan, connects, f"nothing was captured: {_reason(error.reason)}{ways}", found)
    except (SessionError, RingError) as error:
        return _uncaptured(plan, connects, f"nothing was captured: {error}", found)
    with session:
        run = _connect_while_capturing(session, connects)
        greetings = greeted(session, "" if plan.greet else SWITCHED_OFF)

        def observe(summary: TargetSummary) -> Iterable[Observation]:
            if how is Greeting.NONE:
                yield from observe_our_close(summary, connects.made)
            yield from observe_connects(summary.target, connects.made, found)
            yield from observe_greeting(greetings.get(summary.target, Greeted()))

        diagnosis = noted(run.conclude(f"doctor {target.text}", more=observe), greetings)
    return _noted(diagnosis, [_own(connect) for connect in connects.made])


def greeting(plan: DoctorPlan) -> Greeting:
    """Return what is sent once connected: by the URL's scheme, and for a bare port HTTP."""
    scheme = plan.target.scheme
    if not plan.probe:
        return Greeting.NONE
    if scheme in _SECURE:
        return Greeting.TLS
    return Greeting.HTTP if scheme is None or scheme in _PLAIN else Greeting.NONE


def observe_connects(
    target: Target, made: Sequence[Connect], found: Resolved | None = None
) -> tuple[Observation, ...]:
    """Return what the results of our own connects say, in the words for what a client reports."""
    failed = {connect.name: connect for connect in made if connect.code}
    observations = []
    questions = (asked.question for asked in COMMAND_QUESTIONS)
    for name, errors in ((each.name, each.errors) for each in questions if each.errors):
        fitting = next((failed[error] for error in errors if error in failed), None)
        if fitting is not None:
            observations.append(Observation(name, Answer.YES, Source.HOST, _own(fitting)))
        elif found is not None and found.error_name in errors:
            text = f"{found.host} could not be resolved: {found.error}"
            observations.append(Observation(name, Answer.YES, Source.HOST, text))
        else:
            text = f"synscope's own connects did not meet it (target {target.text})"
            observations.append(Observation(name, Answer.UNKNOWN, Source.HOST, text))
    return tuple(observations)


def observe_our_close(summary: TargetSummary, made: Sequence[Connect]) -> Iterable[Observation]:
    """Take back what packets seem to say of a client, where the only client was this one, which sent nothing."""
    completed = sum(group.count for group in summary.groups if group.label is Label.COMPLETED)
    if completed <= sum(not connect.code for connect in made):
        for question in (asked.question for asked in PACKETS_QUESTIONS):
            if question.own_connect is OwnConnect.FAKES:
                text = "synscope connected, sent nothing and closed"
                yield Withdrawal(question.name, Answer.UNKNOWN, question.source, text)


def groups_of(made: Sequence[Connect], *, loopback_down: bool = False) -> tuple[AttemptGroup, ...]:
    """Return the attempts that our own connects were, without any frame: only those that sent a SYN."""
    groups = []
    for connect in made:
        if connect.code not in _OUTCOMES or (loopback_down and is_loopback(connect.server.address)):
            continue
        label, outcome = _OUTCOMES[connect.code]
        if connect.was_reset:
            outcome = Outcome.RESET_BY_SERVER_EARLY
        recovered = label in FAILURES and any(
            not other.code and 0 <= other.began_ns - connect.began_ns <= RECOVERY_NS for other in made
        )
        groups.append(
            AttemptGroup(connect.server, label, outcome, recovered, 1, connect.began_ns, connect.began_ns, ())
        )
    return tuple(groups)


def observe_without_packets(summary: TargetSummary, made: Sequence[Connect]) -> Iterable[Observation]:
    """Answer the questions about packets as far as our own connects answer them; of the rest nothing is known."""
    by_us = "; ".join(connect.text for connect in made)
    at_loopback = all(is_loopback(group.server.address) for group in summary.groups)
    unreachable = any(group.outcome is Outcome.ICMP_ERROR for group in summary.groups)
    questions = (asked.question for asked in PACKETS_QUESTIONS)
    shown = {each.name for each in questions if each.own_connect is OwnConnect.SHOWS}
    for seen in observe_packets(summary, (), end_ts_ns=None):
        answer, text = Answer.UNKNOWN, "nothing was captured"
        if seen.name in shown and summary.groups:
            answer, text = seen.answer, f"{seen.text}, by synscope's own connects"
            if seen.name == "refused-by-rst" and answer is Answer.YES:
                text = f"{by_us}: {_REFUSED}"
        elif seen.name == "no-syn-to-target" and made:
            answer, text = (Answer.NO if summary.groups else Answer.YES), by_us
        elif seen.name in {"loopback-traffic", "target-is-loopback"} and summary.groups:
            answer, text = (Answer.YES if at_loopback else Answer.NO), by_us
        elif seen.name == "unreachable-by-icmp" and unreachable:
            answer, text = Answer.YES, f"{by_us}: an ICMP error, or no way to the host"
        if answer is Answer.UNKNOWN:
            yield Withdrawal(seen.name, answer, seen.source, text)
        else:
            yield Observation(seen.name, answer, Source.HOST, text)


def _capture_plan(plan: DoctorPlan, found: Resolved) -> Plan:
    on_linux = sys.platform.startswith("linux")
    # Elsewhere one interface is captured, and which leads to another machine is not known: then nothing is.
    return Plan(
        targets=(plan.target,),
        interface=None if on_linux or all(map(is_own, found.addresses)) else "any",
        typed=plan.typed,
        may_prompt=plan.may_prompt,
        capture_with="ring" if on_linux else "portable",
        environment=plan.environment,
        trace_firewall=plan.trace_firewall,
    )


def _context(how: Greeting) -> ssl.SSLContext | None:
    # Made before rights are given up: afterwards the certificates may not be readable.
    return tls_context() if how is Greeting.TLS else None


def _connect_while_capturing(session: LiveSession, connects: Connects) -> LiveRun:
    run = LiveRun(session)
    run.restart()
    connects.start()
    run.follow(lambda: connects.is_over)
    run.end(LINGER_S)
    return run


def _uncaptured(
    plan: DoctorPlan, connects: Connects | None, why: str, found: Resolved | None = None
) -> Diagnosis:
    """Do without packets: look at the host, connect, and say what is missing."""
    target = plan.target
    made: tuple[Connect, ...] = ()
    with Surroundings(None, (target,), plan.environment) as surroundings:
        surroundings.begin()
        surroundings.settle()
        if connects is not None:
            made = _connected(connects, surroundings)
        surroundings.end()
        surroundings.finish()

        def observe(summary: TargetSummary) -> Iterable[Observation]:
            yield from observe_without_packets(summary, made)
            yield from observe_connects(summary.target, made, found)
            yield from surroundings.observe(summary)

        health = CaptureHealth(frames=0, first_ts_ns=None, last_ts_ns=None, notes=(why,))
        diagnosis = diagnose(
            f"doctor {target.text}",
            groups_of(made, loopback_down=_is_loopback_down(surroundings)),
            (),
            health,
            (target,),
            more=observe,
        )
    return _noted(_without_claim(diagnosis), [_own(connect) for connect in made])


def _is_loopback_down(surroundings: Surroundings) -> bool:
    """Whether what went to a loopback address got no further than the interface."""
    looks = surroundings.snapshots
    loopback = looks[-1].loopback if looks else None
    return isinstance(loopback, Loopback) and not loopback.up


def _without_claim(diagnosis: Diagnosis) -> Diagnosis:
    """Without a capture nothing is claimed about what it does not hold."""
    targets = tuple(
        target._replace(facts=target.facts._replace(summary=target.summary._replace(claim=None)))
        for target in diagnosis.targets
    )
    return diagnosis._replace(targets=targets)


def _connected(connects: Connects, surroundings: Surroundings) -> tuple[Connect, ...]:
    connects.start()
    while not connects.is_over:
        time.sleep(0.02)
        surroundings.step()
    return connects.made


def _own(connect: Connect) -> str:
    return f"synscope's own {connect.text}"


def _reason(text: str) -> str:
    """The first sentence: what to type instead is said separately."""
    return text.split(". Type one of", 1)[0]


def _noted(diagnosis: Diagnosis, notes: Sequence[str]) -> Diagnosis:
    health = replace(diagnosis.health, notes=(*diagnosis.health.notes, *notes))
    return diagnosis._replace(health=health)
