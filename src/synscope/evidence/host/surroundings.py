"""Questions about proxies, loopback and security policies."""

from __future__ import annotations

from synscope.evidence.host.host_view import (
    LOOPBACK,
    Sight,
    family_of,
    is_local,
    joined,
    no,
    owner_of,
    served,
    unknown,
    yes,
)
from synscope.evidence.packets.view import Verdict
from synscope.model import Endpoint
from synscope.probes.host import proxy
from synscope.probes.host.snapshot import Denial, Loopback, Snapshot, Untold
from synscope.units import duration

_RECENT_NS = 600 * 1_000_000_000
"""A refusal older than this before the first look is another story's."""


def proxy_configured(sight: Sight) -> Verdict:
    """Whether the client's environment sends the request to a proxy."""
    settings = sight.last.proxy
    if isinstance(settings, Untold):
        return unknown(settings.could_not_tell)
    if not sight.environment_known:
        return unknown("the client's environment is not known")
    variables = {one.name: one.value for one in settings}
    request = proxy.request_of(sight.target.scheme, sight.host, sight.target.port)
    decided = proxy.decisions(variables, request)
    if sight.client in decided:
        decided = {sight.client: decided[sight.client]}
    through = {client: url for client, url in decided.items() if url is not None}
    shown = ", ".join(f"{one.name}={one.value}" for one in settings)
    if not through:
        return no(f"no proxy is used for it ({shown})" if shown else "no proxy variable is set")
    url = next(iter(through.values()))
    sends = (
        f"{_and(list(through))} would send it to the proxy {url}{_state_of_proxy(sight.last, url)} ({shown})"
    )
    direct = [client for client in decided if client not in through]
    return unknown(f"{sends}; {_and(direct)} would not") if direct else yes(sends)


def _and(words: list[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _state_of_proxy(snapshot: Snapshot, url: str) -> str:
    """Say whether anything listens there, when the proxy is on this machine."""
    server = proxy.server_of(url)
    if server is None or isinstance(snapshot.sockets, Untold):
        return ""
    addresses = LOOPBACK if server.host == "localhost" else (server.host,)
    if not is_local(addresses[0]):
        return ""
    for address in addresses:
        end = Endpoint(address, server.port)
        if served(snapshot.sockets, end):
            owners = [owner_of(one) for one in snapshot.sockets.listeners if one.port == server.port]
            return f", where {owners[0]} listens,"
    return ", where nothing listens," if snapshot.sockets.complete else ""


def loopback_is_down(sight: Sight) -> Verdict:
    """Whether packets cannot go to the loopback addresses that the target stands for."""
    told, because = sight.told(one.loopback for one in sight.snapshots)
    if not told:
        return unknown(because)
    reasons = [_broken(sight, one) for one in told]
    broken = next((one for one in reasons if one), "")
    if broken:
        return yes(broken)
    last = told[-1]
    missing = "" if any(map(_is_ipv6, last.addresses)) else "; it has no IPv6 address"
    return no(f"{last.name} is up with {', '.join(last.addresses)}{missing}")


def _broken(sight: Sight, loopback: Loopback) -> str:
    """Say what is wrong; a family that is missing matters when the target needs it."""
    if not loopback.up:
        return f"the interface {loopback.name} is down"
    if not loopback.addresses:
        return f"the interface {loopback.name} has no address"
    needed = {family_of(one) for one in sight.addresses if is_local(one)}
    have = {family_of(one) for one in loopback.addresses}
    if needed and not needed & have:
        return f"the interface {loopback.name} has only {', '.join(loopback.addresses)}"
    routes = {4: loopback.route_ipv4, 6: loopback.route_ipv6}
    dead = [routes[family] for family in sorted(needed) if routes[family].startswith("error")]
    if needed and len(dead) == len(needed):
        return f"there is no route to {LOOPBACK[min(needed) == 6]}: {dead[0].removeprefix('error: ')}"  # noqa: PLR2004
    return ""


def _is_ipv6(address: str) -> bool:
    return ":" in address


def policy_denied(sight: Sight) -> Verdict:
    """Whether a security policy refused what the target needs, around the time of the looks."""
    told, because = sight.told(one.policy for one in sight.snapshots)
    logs, unread = sight.told(one.denials for one in told)
    denials = [one for log in logs for one in log if _concerns(sight, one)]
    since = sight.snapshots[0].taken_ns - _RECENT_NS
    fresh = [one for one in denials if one.ts_ns >= since]
    if fresh:
        return yes(joined(_denial(one) for one in fresh))
    if not logs:
        return unknown(because or unread)
    if denials:
        ago = duration(max(0, sight.last.taken_ns - denials[-1].ts_ns))
        return unknown(f"{_denial(denials[-1])}, but {ago} ago")
    active = f" (active: {', '.join(told[-1].active)})" if told[-1].active else ""
    return no(f"the logs tell of no refusal of this port or its processes{active}")


def _concerns(sight: Sight, denial: Denial) -> bool:
    if denial.port is not None:
        return denial.port == sight.target.port
    known = {
        one.pid
        for snapshot in sight.snapshots
        if not isinstance(snapshot.processes, Untold)
        for one in snapshot.processes
    }
    return denial.pid in known


def _denial(denial: Denial) -> str:
    port = f" on port {denial.port}" if denial.port else ""
    who = f"{denial.program or 'a process'}{f' (pid {denial.pid})' if denial.pid else ''}"
    return f"{denial.policy} refused {who} {denial.operation or 'a system call'}{port}"
