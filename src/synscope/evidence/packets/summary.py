"""Which attempts belong to which target, what the target's label is, and what came near it.

Input: the groups of attempts of one capture. Output: a ``TargetSummary`` for each target. The rules:
a target's label is that of its attempts when they agree, else the worst that happened to a whole
user-visible try. An attempt that a later one of the same try made good does not count, nor one that the
end of the capture cut off while others can speak for the target. Without any attempt, or with nothing
but RSTs, it is client-never-sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from synscope.engine.tracker import Orphan
from synscope.evidence.packets.intermediaries import may_be_proxied
from synscope.evidence.payload.recognise import describe, recognise
from synscope.evidence.typo import looks_like_typo
from synscope.model import (
    FAILURES,
    PORT_MAX,
    AttemptGroup,
    Claim,
    Endpoint,
    Label,
    NearMiss,
    Outcome,
    Target,
    TargetSummary,
)
from synscope.reference.loopback import is_loopback, names_loopback, parsed
from synscope.reference.ports import PROXY_PORTS
from synscope.units import count

WORST_FIRST: tuple[Label, ...] = (
    Label.SYN_NO_REPLY,
    Label.SYN_RST,
    Label.HALF_OPEN,
    Label.ODD_REPLY,
    Label.ONE_SIDED,
    Label.COMPLETED,
    Label.MID_STREAM,
)
"""Which of several labels stands for a target whose tries ended differently."""

ANSWER_TIME_NS = 200_000_000
"""How long an answer may take; an attempt that began less than this before the end proves nothing."""

_WAITING = frozenset({Outcome.UNANSWERED, Outcome.CLIENT_VANISHED})
_TALKED = frozenset({Label.COMPLETED, Label.MID_STREAM})
_NEAR_MISSES = 20
_MOST_FAILED = 50


def found_targets(groups: Sequence[AttemptGroup]) -> list[Target]:
    """Every server port in the capture as a target, in order of appearance.

    A port known only from connections that began before the capture is left out, for there the choice of
    the server is arbitrary; unless there is nothing else.
    """
    begun = [group for group in groups if group.label is not Label.MID_STREAM] or groups
    seen = dict.fromkeys(group.server.port for group in begun)
    return [Target(text=str(port), port=port, given=False) for port in seen]


def summarise(  # noqa: PLR0913 - one parameter a fact about the capture
    target: Target,
    groups: Sequence[AttemptGroup],
    orphans: Sequence[Orphan],
    *,
    end_ts_ns: int | None = None,
    claim: Claim = Claim.FILE,
    redirects: Collection[Endpoint] = (),
) -> TargetSummary:
    """What happened to one target.

    ``end_ts_ns`` is the time of the capture's last frame, where known; ``claim`` how much it proves that the
    capture holds nothing. ``redirects`` are the endpoints to which rules send what goes to the target: a capture
    behind the rules shows only those. What completed there did reach the target.
    """
    matching = tuple(group for group in groups if _matches(target, group))
    if not matching:
        there = tuple(group for group in groups if group.server in redirects)
        failed = any(group.label in FAILURES for group in there)
        matching = () if failed else tuple(group for group in there if group.label is Label.COMPLETED)
    own = _marked(matching, end_ts_ns)
    counts: dict[Label, int] = {}
    for group in own:
        counts[group.label] = counts.get(group.label, 0) + group.count
    label = _label(own)
    if label is not Label.CLIENT_NEVER_SENT:
        return TargetSummary(target=target, label=label, counts=counts, groups=own)
    return TargetSummary(
        target=target,
        label=label,
        counts=counts,
        groups=own,
        claim=claim,
        near_misses=tuple(_near_misses(target, groups, orphans))[:_NEAR_MISSES],
    )


def relevant(found: Sequence[TargetSummary], asked: Sequence[TargetSummary]) -> list[TargetSummary]:
    """The targets of a capture that can say something about others: not the thousands a scan leaves."""
    wanted = (
        {summary.target.wrapped for summary in asked} if len(asked) < len(found) or asked != found else set()
    )
    failed = [summary for summary in found if any(group.failed for group in summary.groups)]
    if len(failed) <= _MOST_FAILED:
        wanted |= {summary.target.port for summary in failed}
    return [
        summary
        for summary in found
        if summary.target.port in wanted
        or any(group.label in {Label.COMPLETED, Label.ONE_SIDED} for group in summary.groups)
    ]


def _matches(target: Target, group: AttemptGroup) -> bool:
    return target.is_port and group.server.port == target.port and _at_host(target, group.server.address)


def _at_host(target: Target, address: str) -> bool:
    """Whether an address can be the target's host. A name that is not loopback's cannot be resolved here."""
    if target.host is None:
        return True
    literal = parsed(target.host)
    if literal is not None and not literal.is_unspecified:
        return literal == parsed(address)
    if names_loopback(target.host):
        return is_loopback(address)
    return True


def _marked(groups: tuple[AttemptGroup, ...], end_ts_ns: int | None) -> tuple[AttemptGroup, ...]:
    """Mark the groups that the end of the capture cut off, where others can speak for the target."""
    if end_ts_ns is None:
        return groups
    marked = tuple(
        replace(group, unfinished=True)
        if group.outcome in _WAITING and group.first_ts_ns > end_ts_ns - ANSWER_TIME_NS
        else group
        for group in groups
    )
    return groups if all(group.unfinished for group in marked) else marked


def _label(groups: Sequence[AttemptGroup]) -> Label:
    if not groups:
        return Label.CLIENT_NEVER_SENT
    labels = {group.label for group in groups}
    if len(labels) == 1:
        return next(iter(labels))
    standing = {group.label for group in groups if not group.recovered and not group.unfinished}
    return next(label for label in WORST_FIRST if label in standing)


def _near_misses(
    target: Target, groups: Sequence[AttemptGroup], orphans: Sequence[Orphan]
) -> Iterable[NearMiss]:
    yield from _wrapped(target, groups)
    yield from _proxied(target, groups)
    for group in groups:
        begun = group.label is not Label.MID_STREAM
        port = group.server.port
        frames = tuple(attempt.frames.first for attempt in group.examples[:3])
        went = f"{count(group.count, 'attempt')} went to {group.server} and ended {group.label}"
        if begun and port == target.port and not _at_host(target, group.server.address):
            made = group.label is Label.COMPLETED
            yield NearMiss("other-address", went, port, frames, group.server.address, made)
        elif begun and target.port <= PORT_MAX and looks_like_typo(target.port, port):
            yield NearMiss("similar-port", f"{went}: a similar number", port, frames)
        elif not begun and group.examples[0].client.port == target.port:
            for attempt in group.examples:
                if attempt.events <= {"client-rst"} and attempt.client.port == target.port:
                    text = f"an RST from {attempt.client} answers a SYN that is not in the capture"
                    yield NearMiss("rst-without-syn", text, target.port, (attempt.frames.first,))
    for orphan in orphans:
        if orphan.server.port == target.port:
            text = (
                f"an ICMP error (type {orphan.icmp.type}, code {orphan.icmp.code}) quotes a segment to "
                f"{orphan.server} that is not in the capture"
            )
            yield NearMiss("icmp-without-syn", text, target.port, (orphan.frame,))


def _wrapped(target: Target, groups: Sequence[AttemptGroup]) -> Iterable[NearMiss]:
    if target.port <= PORT_MAX:
        return
    for group in groups:
        if group.server.port == target.wrapped and group.label is not Label.MID_STREAM:
            text = (
                f"{count(group.count, 'attempt')} went to {group.server}, which is {target.port} modulo 65536, "
                f"and ended {group.label}"
            )
            frames = tuple(attempt.frames.first for attempt in group.examples[:3])
            yield NearMiss("wrapped-port", text, target.wrapped, frames)


def _proxied(target: Target, groups: Sequence[AttemptGroup]) -> Iterable[NearMiss]:
    for group in groups:
        port = group.server.port
        # One that completed is judged by its request.
        if port in PROXY_PORTS and port != target.port and group.label not in _TALKED:
            text = (
                f"{count(group.count, 'attempt')} went to {group.server}, a port that proxies use, and ended "
                f"{group.label}"
            )
            yield NearMiss("proxy-port", text, port, tuple(each.frames.first for each in group.examples[:3]))
        for attempt in group.examples:
            data = attempt.client_payload
            if not data or not may_be_proxied(data):
                continue
            request = recognise(data)
            if request.proxied is not None and request.proxied.port == target.port:
                text = f"a request to a proxy at {attempt.server} names the target ({describe(request)})"
                frame = attempt.frames.client_data or attempt.frames.first
                yield NearMiss("proxy-request", text, attempt.server.port, (frame,))
