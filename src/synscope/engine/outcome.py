"""From observed events to outcome to label: the one source of truth for what a handshake is called.

A watcher is not an endpoint. It cannot know which segments arrived, so it does not emulate a TCP; it
collects, for each attempt, the *set* of events it saw (``EVENTS``), and names the outcome afterwards by
the first rule whose conditions hold (``OUTCOME_RULES``). OR-ing into a set is associative, commutative
and idempotent: duplicates, reordering inside an attempt and the chunking of the input cannot change it.
The few events that do depend on order carry it in their name (``server-rst-before-data``), and two say how
things stood in the end (``client-data-lost``, ``server-data-lost``); no rule has the latter.

Which segment may set which event is decided by its numbers, in ``engine.attempts``.
The documentation of labels is generated from these tables. Source of the vocabulary: RFC 9293 §3.5, §3.10.7.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import NamedTuple

from synscope.model import Label, Outcome

EVENTS: tuple[tuple[str, str], ...] = (
    ("client-syn", "the client's SYN"),
    ("server-syn", "a SYN of the server that crosses the client's (simultaneous or split open)"),
    ("syn-ack", "a SYN-ACK of the server that acknowledges the client's SYN"),
    ("client-syn-ack", "a SYN-ACK of the client that acknowledges the server's crossing SYN"),
    ("server-acks", "the server acknowledged the client's SYN, in whatever segment"),
    ("client-acks", "the client acknowledged the server's SYN, seen or proven by what followed"),
    ("client-sent", "any segment of the client other than its SYN or an RST"),
    ("server-sent", "any segment of the server that fits, other than SYN, SYN-ACK or RST"),
    ("client-data", "payload of the client after its SYN"),
    ("server-data", "payload of the server"),
    ("client-fin", "a FIN of the client"),
    ("server-fin", "a FIN of the server"),
    ("rst-to-syn", "an RST of the server that answers the SYN by its numbers"),
    ("server-rst", "an RST of the server after it had acknowledged the SYN"),
    ("client-rst", "an RST of the client after the server had acknowledged its SYN"),
    ("server-rst-before-data", "the server's RST came before any of its payload"),
    ("icmp-error", "an ICMP or ICMPv6 error that quotes the client's SYN"),
    ("odd-ack", "a bare segment of the server that does not acknowledge the SYN"),
    ("odd-syn-ack", "a SYN-ACK whose acknowledgement does not fit"),
    ("odd-rst", "an RST of the server whose numbers do not fit"),
    ("syn-again-after-rst", "the same SYN again after the server's RST"),
    ("client-data-acked", "the server acknowledged payload of the client"),
    ("server-data-after-client-fin", "the server's first payload came after the client's FIN"),
    ("server-fin-before-data", "the server's FIN came before any of its payload"),
    ("syn-carries-data", "the client's SYN carried payload (TCP Fast Open)"),
    ("client-rst-early", "an RST of the client before the server had acknowledged its SYN"),
    ("server-data-acked", "the client acknowledged what the server sent after its SYN: payload or a FIN"),
    ("self-connect", "both ends are the same address and port"),
    ("client-data-lost", "the client repeated its last payload, twice or more, and no acknowledgement came"),
    ("server-data-lost", "the server repeated its last payload, twice or more, and no acknowledgement came"),
    ("client-data-after-server-fin", "payload of the client came after the server's FIN"),
    ("syn-signed", "the client's SYN carried a signature (option TCP-MD5 or TCP-AO)"),
)
"""Names of all events with their meaning. An event's bit in an attempt's mask is its place here."""

BIT: dict[str, int] = {name: 1 << place for place, (name, _) in enumerate(EVENTS)}


class OutcomeRule(NamedTuple):
    """One line of the table: all of ``needs``, at least one of ``any_of`` (if given), none of ``unless``."""

    outcome: Outcome
    label: Label
    needs: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    meaning: str = ""


_ESTABLISHED = ("server-acks", "client-acks")
_SYN_ANSWERED = ("client-syn", "syn-ack")

OUTCOME_RULES: tuple[OutcomeRule, ...] = (
    OutcomeRule(
        Outcome.RESET_BY_SERVER_EARLY, Label.COMPLETED,
        needs=(*_ESTABLISHED, "server-rst", "server-rst-before-data"),
        meaning="the server reset the connection before it sent a byte",
    ),
    OutcomeRule(
        Outcome.RESET_BY_SERVER, Label.COMPLETED, needs=(*_ESTABLISHED, "server-rst"),
        meaning="the server reset the connection after it had sent bytes",
    ),
    OutcomeRule(
        Outcome.RESET_BY_CLIENT, Label.COMPLETED, needs=(*_ESTABLISHED, "client-rst"),
        meaning="the client reset the connection",
    ),
    OutcomeRule(
        Outcome.SILENT, Label.COMPLETED, needs=_ESTABLISHED,
        unless=("client-data", "server-data", "syn-carries-data"),
        meaning="the handshake completed and no byte was sent either way",
    ),
    OutcomeRule(
        Outcome.SERVER_SILENT, Label.COMPLETED, needs=_ESTABLISHED, unless=("server-data",),
        meaning="the client spoke and the server never sent a byte",
    ),
    OutcomeRule(
        Outcome.CLOSED, Label.COMPLETED, needs=(*_ESTABLISHED, "client-fin", "server-fin"),
        meaning="the server answered and both sides closed",
    ),
    OutcomeRule(
        Outcome.STILL_OPEN, Label.COMPLETED, needs=_ESTABLISHED, unless=("client-fin", "server-fin"),
        meaning="the server answered and the connection is still open where the capture ends",
    ),
    OutcomeRule(
        Outcome.ANSWERED, Label.COMPLETED, needs=_ESTABLISHED,
        meaning="the server answered and one side has closed",
    ),
    OutcomeRule(
        Outcome.CLIENT_RESET, Label.HALF_OPEN, needs=(*_SYN_ANSWERED, "client-rst"),
        meaning="the client answered the SYN-ACK with an RST",
    ),
    OutcomeRule(
        Outcome.SERVER_GAVE_UP, Label.HALF_OPEN, needs=_SYN_ANSWERED, any_of=("server-rst", "rst-to-syn"),
        meaning="the server reset the connection that the client never acknowledged",
    ),
    OutcomeRule(
        Outcome.CLIENT_VANISHED, Label.HALF_OPEN, needs=_SYN_ANSWERED,
        meaning="the client never acknowledged the SYN-ACK",
    ),
    OutcomeRule(
        Outcome.REFUSED_REPEATEDLY, Label.SYN_RST,
        needs=("client-syn", "rst-to-syn", "syn-again-after-rst"),
        meaning="the SYN was refused, and refused again when the client repeated it",
    ),
    OutcomeRule(
        Outcome.REFUSED, Label.SYN_RST, needs=("client-syn", "rst-to-syn"),
        meaning="the server answered the SYN with an RST",
    ),
    OutcomeRule(
        Outcome.UNFITTING_SYN_ACK, Label.ODD_REPLY, needs=("client-syn", "odd-syn-ack"),
        meaning="a SYN-ACK came whose acknowledgement does not fit the SYN",
    ),
    OutcomeRule(
        Outcome.CHALLENGE_ACK, Label.ODD_REPLY, needs=("client-syn",), any_of=("odd-ack", "server-acks"),
        meaning="the SYN was answered by a bare segment, as a stale connection does (challenge ACK)",
    ),
    OutcomeRule(
        Outcome.UNFITTING_RST, Label.ODD_REPLY, needs=("client-syn", "odd-rst"),
        meaning="an RST came whose numbers do not fit the SYN",
    ),
    OutcomeRule(
        Outcome.CROSSING_SYN, Label.ODD_REPLY, needs=("client-syn", "server-syn"),
        meaning="both sides sent a SYN and neither was acknowledged",
    ),
    OutcomeRule(
        Outcome.CLIENT_SIDE_ONLY, Label.ONE_SIDED, needs=("client-syn", "client-sent"),
        meaning="the client went on after its SYN, and nothing of the server is in the capture",
    ),
    OutcomeRule(
        Outcome.SERVER_SIDE_ONLY, Label.ONE_SIDED, needs=("syn-ack",), unless=("client-syn",),
        meaning="a SYN-ACK without its SYN, and the client's acknowledgement is not in the capture",
    ),
    OutcomeRule(
        Outcome.ICMP_ERROR, Label.SYN_NO_REPLY, needs=("client-syn", "icmp-error"),
        meaning="no TCP answer; an ICMP error quotes the SYN",
    ),
    OutcomeRule(
        Outcome.CLIENT_WITHDREW, Label.SYN_NO_REPLY, needs=("client-syn", "client-rst-early"),
        meaning="no answer, and the client withdrew with an RST",
    ),
    OutcomeRule(
        Outcome.UNANSWERED, Label.SYN_NO_REPLY, needs=("client-syn",),
        meaning="no answer at all",
    ),
    OutcomeRule(
        Outcome.MID_STREAM, Label.MID_STREAM,
        meaning="the connection began before the capture did",
    ),
)  # fmt: skip
"""In order: the first rule that holds names the outcome. The last one always holds."""


def classify(mask: int) -> OutcomeRule:
    """Return the rule that holds for a set of events given as a bit mask of ``BIT`` values."""
    for rule in OUTCOME_RULES:
        needs, any_of, unless = _masks(rule)
        if mask & needs == needs and not mask & unless and (not any_of or mask & any_of):
            return rule
    raise AssertionError("the last rule has no condition")


def rule_columns() -> tuple[array[int], array[int], array[int]]:
    """Return the table as three columns of masks (needs, any of, unless), for the compiled evaluation."""
    masks = [_masks(rule) for rule in OUTCOME_RULES]
    return (
        array("I", [needs for needs, _, _ in masks]),
        array("I", [any_of for _, any_of, _ in masks]),
        array("I", [unless for _, _, unless in masks]),
    )


def events_of(mask: int) -> frozenset[str]:
    """Return the names of the events in a mask."""
    return frozenset(name for name, bit in BIT.items() if mask & bit)


@cache
def _masks(rule: OutcomeRule) -> tuple[int, int, int]:
    return _mask(rule.needs), _mask(rule.any_of), _mask(rule.unless)


def _mask(names: tuple[str, ...]) -> int:
    mask = 0
    for name in names:
        mask |= BIT[name]
    return mask
