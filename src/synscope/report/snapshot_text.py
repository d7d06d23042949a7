"""A snapshot of a host as a page for people, and what is missing in it.

Input: a ``Snapshot``, which may come from anybody, and a ``Look``. Output: text for a terminal; everything in it
passes through ``Page``, which makes it safe to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from synscope.evidence.host.view import owner_of
from synscope.model import Endpoint
from synscope.probes.host.snapshot import (
    Firewall,
    Forwards,
    Limits,
    LocalSocket,
    Loopback,
    Names,
    Namespaces,
    Policy,
    Process,
    Ruling,
    Snapshot,
    Sockets,
    Untold,
    Variable,
    Verdict,
)
from synscope.report.page import Look, Page
from synscope.units import count, duration, listed

_SHOWN: Final = 12
_NS: Final = 1_000_000_000
_LATEST_S: Final = 253_402_300_799
"""The last second of the year 9999."""
_LIMITS_SHOWN: Final = frozenset(
    {"somaxconn", "tcp_syncookies", "tcp_abort_on_overflow", "ip_unprivileged_port_start"}
)


def render(snapshot: Snapshot, look: Look) -> str:
    """Return the page."""
    page = Page(look)
    show(page, snapshot)
    return page.render()


def show(page: Page, snapshot: Snapshot) -> None:
    """Add all that is known, and what is missing."""
    ports = listed([str(port) for port in snapshot.ports], most=_SHOWN)
    page.row(
        "Host",
        f"{snapshot.system}, {_when(snapshot.taken_ns)}, in {duration(snapshot.duration_ns)}",
        f", {'with' if snapshot.privileged else 'without'} root's rights",
    )
    page.row("Ports", ports or "none was named: nothing is said of the firewall or of who else has one")
    for label, lines in _sections(snapshot):
        _section(page, label, list(lines))
    missing = list(unseen(snapshot))
    if missing:
        page.blank()
        _section(page, "Not seen", missing)


def unseen(snapshot: Snapshot) -> Iterator[str]:
    """Yield what could not be looked at, each with the reason."""
    for name, part in snapshot._asdict().items():
        if isinstance(part, Untold):
            yield f"{name}: {part.could_not_tell}"
    for name, inner in _inner(snapshot):
        if isinstance(inner, Untold):
            yield f"{name}: {inner.could_not_tell}"
    if isinstance(snapshot.sockets, Sockets):
        hidden = [one for one in snapshot.sockets.listeners if not one.owners and one.owner_untold]
        if hidden:
            yield f"the owners of {count(len(hidden), 'listener')}: {hidden[0].owner_untold}"
    if isinstance(snapshot.forwards, Forwards):
        yield from snapshot.forwards.unasked
    if isinstance(snapshot.namespaces, Namespaces) and snapshot.namespaces.unseen:
        yield f"network namespaces: {snapshot.namespaces.unseen}"
    if isinstance(snapshot.firewall, Firewall):
        reasons = {one.because for one in snapshot.firewall.rulings if one.verdict is Verdict.UNKNOWN}
        yield from sorted(f"what the firewall does: {reason}" for reason in reasons if reason)


def _inner(snapshot: Snapshot) -> Iterator[tuple[str, object]]:
    """Yield the parts of parts that may be missing by themselves."""
    if isinstance(snapshot.sockets, Sockets):
        yield "bound sockets", snapshot.sockets.bound
    if isinstance(snapshot.names, Names):
        yield "the hosts file", snapshot.names.hosts
    if isinstance(snapshot.policy, Policy):
        yield "refusals by security policies", snapshot.policy.denials


def _sections(snapshot: Snapshot) -> Iterator[tuple[str, Iterable[str]]]:
    for label, part, lines in (
        ("Listeners", snapshot.sockets, lambda part: _listeners(part, snapshot.ports)),
        ("Firewall", snapshot.firewall, _firewall),
        ("Names", snapshot.names, _names),
        ("Proxy", snapshot.proxy, _proxy),
        ("Loopback", snapshot.loopback, _loopback),
        ("Limits", snapshot.limits, _limits),
        ("Processes", snapshot.processes, _processes),
        ("Policies", snapshot.policy, _policy),
        ("Containers", snapshot.forwards, _forwards),
        ("Namespaces", snapshot.namespaces, _namespaces),
    ):
        yield label, ("could not tell: see below",) if isinstance(part, Untold) else _told(lines, part)


def _told(lines: Callable[..., Iterable[str]], part: object) -> Iterable[str]:
    return lines(part)


def _section(page: Page, label: str, lines: Sequence[str]) -> None:
    shown = lines if page.look.verbose else lines[:_SHOWN]
    for at, line in enumerate(shown):
        page.row(label if at == 0 else "", line, hang=2)
    if len(lines) > len(shown):
        page.row("", (f"{len(lines) - len(shown):,} more with --verbose", "dim"))


def _when(taken_ns: int) -> str:
    seconds = taken_ns // _NS
    if not 0 <= seconds <= _LATEST_S:
        return "at a time outside any calendar"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _listeners(part: Sockets, ports: Sequence[int]) -> Iterator[str]:
    """Yield the listeners on the ports asked about first."""
    if not part.listeners:
        yield "none"
    for one in sorted(part.listeners, key=lambda one: one.port not in ports):
        yield f"{_socket(one)}{_waiting(one)}"
    if not part.complete:
        yield "and more that were left out"
    for one in () if isinstance(part.bound, Untold) else part.bound:
        yield f"bound, not listening: {_socket(one)}"
    for one in part.udp:
        yield f"UDP: {_socket(one)}"
    for path in part.unix:
        yield f"Unix socket: {path.path}"


def _socket(one: LocalSocket) -> str:
    only = " (IPv6 only)" if one.v6only and one.is_wildcard else ""
    device = f" on device {one.device}" if one.device else ""
    return f"{Endpoint(one.address, one.port)}{only}{device}  {owner_of(one)}"


def _waiting(one: LocalSocket) -> str:
    return f", {one.queued:,} of {one.backlog:,} wait" if one.queued and one.backlog is not None else ""


def _firewall(part: Firewall) -> Iterator[str]:
    yield f"asked: {listed(part.tools)}" if part.tools else "no tool to ask"
    if part.front_ends:
        yield f"written by: {listed(part.front_ends)}"
    stopped = [one for one in part.rulings if one.verdict is not Verdict.ACCEPT]
    for one in stopped:
        yield _ruling(one)
    if part.rulings:
        yield "everything else of a connection to these ports passes" if stopped else "it lets them pass"


def _ruling(one: Ruling) -> str:
    how = f" ({one.how})" if one.how else ""
    rule = f" by '{one.rule}'" if one.rule else ""
    place = f" in {one.place}" if one.place else ""
    hits = "" if one.packets is None else f", {count(one.packets, 'packet')} so far"
    return f"{one.packet.value} to {Endpoint(one.address, one.port)}: {one.verdict.value}{how}{rule}{place}{hits}"


def _names(part: Names) -> Iterator[str]:
    for one in part.resolved:
        yield f"{one.name}: {', '.join(one.addresses) or one.error or 'no address'}"
    if not isinstance(part.hosts, Untold):
        for line in part.hosts:
            yield f"hosts file, line {line.number}: {line.address} {' '.join(line.names)}"
    if part.order:
        yield f"looked up in: {part.order}"


def _proxy(part: tuple[Variable, ...]) -> Iterator[str]:
    if not part:
        yield "no proxy variable is set"
    for one in part:
        yield f"{one.name}={one.value}"


def _loopback(part: Loopback) -> Iterator[str]:
    yield f"{part.name} is {'up' if part.up else 'down'}: {', '.join(part.addresses) or 'no address'}"
    yield f"to 127.0.0.1: {part.route_ipv4}"
    yield f"to ::1: {part.route_ipv6}"
    if part.ipv6_disabled:
        yield "IPv6 is switched off"
    if part.extra_rules:
        yield f"{count(part.extra_rules, 'routing rule')} beyond the usual ones"


def _limits(part: Limits) -> Iterator[str]:
    if part.ephemeral_low is not None and part.ephemeral_high is not None:
        yield f"clients' ports: {part.ephemeral_low} to {part.ephemeral_high}"
    settings = [f"{one.name} {one.value}" for one in part.settings if one.name in _LIMITS_SHOWN]
    yield ", ".join(settings) or f"{count(len(part.settings), 'setting')}"


def _processes(part: tuple[Process, ...]) -> Iterator[str]:
    if not part:
        yield "none of those that matter is known"
    for one in part:
        used = ""
        if one.descriptors is not None and one.descriptor_limit is not None:
            used = f", {one.descriptors:,} of {one.descriptor_limit:,} descriptors"
        state = f", state {one.state}" if one.state else ", gone"
        yield f"{one.program} (pid {one.pid}): {one.role}{state}{used}"
        if one.command:
            yield f"  {one.command}"


def _policy(part: Policy) -> Iterator[str]:
    yield listed(part.active) or "none is active"
    if not isinstance(part.denials, Untold):
        for one in part.denials:
            port = "" if one.port is None else f", port {one.port}"
            yield f"{one.policy} refused {one.program} {one.operation}{port}"


def _forwards(part: Forwards) -> Iterator[str]:
    if not part.found:
        yield "nothing forwards the port"
    for one in part.found:
        listen = f"{one.listen_address}:{one.listen_port}"
        yield f"{one.program}: {listen} → {one.target}"


def _namespaces(part: Namespaces) -> Iterator[str]:
    yield f"{count(part.looked_at, 'other network namespace')} looked at"
    for one in part.listeners:
        yield f"{one.namespace}: {Endpoint(one.address, one.port)} {one.program}"
