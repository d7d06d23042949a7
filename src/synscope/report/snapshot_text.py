"""A snapshot of a host as a page for people, and what is missing in it.

Input: a ``Snapshot``, which may come from anybody, and a ``Look``. Output: text for a terminal; everything in it
passes through ``Page``, which makes it safe to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from synscope.evidence.host.view import owner_of
from synscope.model import Endpoint
from synscope.probes.host.snapshot import (
    SECTIONS,
    Before,
    Declared,
    Firewall,
    Forwards,
    Limits,
    LocalSocket,
    Loopback,
    Names,
    Namespaces,
    OwnConnection,
    Policy,
    Process,
    Program,
    Route,
    RuleVerdict,
    Ruling,
    Snapshot,
    Sockets,
    Untold,
    Variable,
)
from synscope.report.page import Look, Page
from synscope.units import count, duration, listed

_SHOWN: Final = 12
_PLAIN: Final = ("127.0.0.1", "::1")
"""Their ways have lines of their own."""
_NS: Final = 1_000_000_000
_LATEST_S: Final = 253_402_300_799
"""The last second of the year 9999."""
_NOT_SHOWN: Final = frozenset({"counters"})
"""Sections that say something only beside another snapshot's."""
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
        hidden = [
            listener
            for listener in snapshot.sockets.listeners
            if not listener.owners and listener.owner_untold
        ]
        if hidden:
            yield f"the owners of {count(len(hidden), 'listener')}: {hidden[0].owner_untold}"
    if isinstance(snapshot.forwards, Forwards):
        yield from snapshot.forwards.unasked
    if isinstance(snapshot.namespaces, Namespaces) and snapshot.namespaces.unseen:
        yield f"network namespaces: {snapshot.namespaces.unseen}"
    if isinstance(snapshot.firewall, Firewall):
        reasons = {
            ruling.because for ruling in snapshot.firewall.rulings if ruling.verdict is RuleVerdict.UNKNOWN
        }
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
    """Yield a label and lines for each section: first those with words of their own, then every other as it is."""
    views: dict[str, tuple[str, Callable[[Any], Iterable[str]]]] = {
        "sockets": ("Listeners", lambda part: _listeners(part, snapshot.ports)),
        "firewall": ("Firewall", _firewall),
        "names": ("Names", _names),
        "proxy": ("Proxy", _proxy),
        "loopback": ("Loopback", _loopback),
        "limits": ("Limits", _limits),
        "processes": ("Processes", _processes),
        "policy": ("Policies", _policy),
        "forwards": ("Containers", _forwards),
        "namespaces": ("Namespaces", _namespaces),
        "declared": ("Told to expect", _declared),
        "connections": ("Its own legs", _connections),
        "before": ("Before", _before),
        "programs": ("eBPF", _programs),
    }
    plain = (section for section in SECTIONS if section not in views and section not in _NOT_SHOWN)
    for section in plain:
        views[section] = (section.replace("_", " ").capitalize(), _as_it_is)
    for section, (label, lines) in views.items():
        part = getattr(snapshot, section)
        yield label, ("could not tell: see below",) if isinstance(part, Untold) else lines(part)


def _as_it_is(part: object) -> Iterator[str]:
    """Yield a line for each field of a record, or for each item of a list."""
    if isinstance(part, tuple) and hasattr(part, "_asdict"):
        for name, value in part._asdict().items():
            yield f"{name.replace('_', ' ')}: {_value(value)}"
    elif isinstance(part, tuple):
        yield from map(_value, part)
    else:
        yield _value(part)


def _value(value: object) -> str:
    if isinstance(value, Untold):
        return f"could not tell: {value.could_not_tell}"
    if isinstance(value, tuple):
        return ", ".join(_as_it_is(value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "not known", True: "yes", False: "no"}[value]
    return str(value)


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
    for listener in sorted(part.listeners, key=lambda listener: listener.port not in ports):
        yield f"{_socket(listener)}{_waiting(listener)}"
    if not part.complete:
        yield "and more that were left out"
    for listener in () if isinstance(part.bound, Untold) else part.bound:
        yield f"bound, not listening: {_socket(listener)}"
    for listener in part.udp:
        yield f"UDP: {_socket(listener)}"
    for path in part.unix:
        yield f"Unix socket: {path.path}"


def _socket(socket: LocalSocket) -> str:
    only = " (IPv6 only)" if socket.v6only and socket.is_wildcard else ""
    device = f" on device {socket.device}" if socket.device else ""
    return f"{Endpoint(socket.address, socket.port)}{only}{device}  {owner_of(socket)}"


def _waiting(socket: LocalSocket) -> str:
    return (
        f", {socket.queued:,} of {socket.backlog:,} wait"
        if socket.queued and socket.backlog is not None
        else ""
    )


def _firewall(part: Firewall) -> Iterator[str]:
    yield f"asked: {listed(part.tools)}" if part.tools else "no tool to ask"
    if part.front_ends:
        yield f"written by: {listed(part.front_ends)}"
    stopped = [ruling for ruling in part.rulings if ruling.verdict is not RuleVerdict.ACCEPT]
    for ruling in stopped:
        yield _ruling(ruling)
    if part.rulings:
        yield "everything else of a connection to these ports passes" if stopped else "it lets them pass"


def _ruling(ruling: Ruling) -> str:
    how = f" ({ruling.how})" if ruling.how else ""
    rule = f" by '{ruling.rule}'" if ruling.rule else ""
    place = f" in {ruling.place}" if ruling.place else ""
    hits = "" if ruling.packets is None else f", {count(ruling.packets, 'packet')} so far"
    to = Endpoint(ruling.address, ruling.port)
    return f"{ruling.packet.value} to {to}: {ruling.verdict.value}{how}{rule}{place}{hits}"


def _names(part: Names) -> Iterator[str]:
    for resolved in part.resolved:
        yield f"{resolved.name}: {', '.join(resolved.addresses) or resolved.error or 'no address'}"
    if not isinstance(part.hosts, Untold):
        for line in part.hosts:
            yield f"hosts file, line {line.number}: {line.address} {' '.join(line.names)}"
    if part.order:
        yield f"looked up in: {part.order}"


def _proxy(part: tuple[Variable, ...]) -> Iterator[str]:
    if not part:
        yield "no proxy variable is set"
    for variable in part:
        yield f"{variable.name}={variable.value}"


def _loopback(part: Loopback) -> Iterator[str]:
    yield f"{part.name} is {'up' if part.up else 'down'}: {', '.join(part.addresses) or 'no address'}"
    yield f"to 127.0.0.1: {part.route_ipv4}"
    yield f"to ::1: {part.route_ipv6}"
    if part.ipv6_disabled:
        yield "IPv6 is switched off"
    for route in part.routes:
        if route.address not in _PLAIN:
            yield _route(route)
    if part.extra_rules:
        yield f"{count(part.extra_rules, 'routing rule')} beyond the usual ones"


def _route(route: Route) -> str:
    """Return the way to an address with what it leads over."""
    link = route.link
    told = [
        f"by {route.decided_by}" if route.decided_by else "",
        f"through {route.gateway}" if route.gateway else "",
        f"path MTU {route.path_mtu}" if route.path_mtu else "",
        f"next hop {route.neighbour}" if route.neighbour else "",
        "" if link is None or link.up else f"{link.name} is off",
        f"{link.name} has no carrier" if link is not None and link.up and link.carrier is False else "",
        f"from {route.own_end}: {route.own_way}" if route.own_end else "",
    ]
    return f"to {route.address}: {', '.join((route.way, *filter(None, told)))}"


def _programs(part: tuple[Program, ...]) -> Iterator[str]:
    for program in part or ():
        holders = listed([f"{owner.program} (pid {owner.pid})" for owner in program.owners])
        whose = f", held by {holders}" if holders else f", of {program.tool}" if program.tool else ""
        yield f"{program.place}: program {program.number} {program.name}{whose}"
    if not part:
        yield "none"


def _limits(part: Limits) -> Iterator[str]:
    if part.ephemeral_low is not None and part.ephemeral_high is not None:
        yield f"clients' ports: {part.ephemeral_low} to {part.ephemeral_high}"
    settings = [
        f"{setting.name} {setting.value}" for setting in part.settings if setting.name in _LIMITS_SHOWN
    ]
    yield ", ".join(settings) or f"{count(len(part.settings), 'setting')}"


def _processes(part: tuple[Process, ...]) -> Iterator[str]:
    if not part:
        yield "none of those that matter is known"
    for process in part:
        used = ""
        if process.descriptors is not None and process.descriptor_limit is not None:
            used = f", {process.descriptors:,} of {process.descriptor_limit:,} descriptors"
        state = f", state {process.state}" if process.state else ", gone"
        yield f"{process.program} (pid {process.pid}): {process.role}{state}{used}"
        if process.command:
            yield f"  {process.command}"


def _policy(part: Policy) -> Iterator[str]:
    yield listed(part.active) or "none is active"
    if not isinstance(part.denials, Untold):
        for denial in part.denials:
            port = "" if denial.port is None else f", port {denial.port}"
            yield f"{denial.policy} refused {denial.program} {denial.operation}{port}"


def _forwards(part: Forwards) -> Iterator[str]:
    if not part.found:
        yield "nothing forwards the port"
    for forward in part.found:
        listen = f"{forward.listen_address}:{forward.listen_port}"
        yield f"{forward.program}: {listen} → {forward.target}"


def _declared(part: tuple[Declared, ...]) -> Iterator[str]:
    for entry in part:
        yield f"{entry.program} on port {entry.port}: {' and '.join(entry.wants)}"


def _connections(part: tuple[OwnConnection, ...]) -> Iterator[str]:
    for own in part:
        there = " in another network namespace" if own.elsewhere else ""
        far = Endpoint(own.remote_address, own.remote_port)
        yield f"{own.program} (pid {own.pid}) → {far}: {own.state}{there}"


def _before(part: Before) -> Iterator[str]:
    for incident in part.incidents:
        pid = "" if incident.pid is None else f" (pid {incident.pid})"
        yield f"{incident.kind} {incident.name}{pid}: {incident.text}"
    yield from part.unasked


def _namespaces(part: Namespaces) -> Iterator[str]:
    yield f"{count(part.looked_at, 'other network namespace')} looked at"
    for listener in part.listeners:
        yield f"{listener.namespace}: {Endpoint(listener.address, listener.port)} {listener.program}"
