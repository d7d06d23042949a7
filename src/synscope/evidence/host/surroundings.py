"""Questions about proxies, loopback and security policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synscope.evidence.by_hand import on_each
from synscope.evidence.host.view import (
    LOOPBACK,
    HostView,
    family_of,
    is_local,
    is_untold,
    joined,
    owner_of,
    served,
)
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Endpoint, Source, Stage
from synscope.units import duration

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import Denial, Loopback, Snapshot


_RECENT_NS = 600 * 1_000_000_000
"""A refusal older than this before the first look is another story's."""


@question(
    "proxy-configured",
    Source.HOST,
    "the client's environment sends the target to a proxy",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="env | grep -i _proxy",
        macos="env | grep -i _proxy; scutil --proxy",
        windows="Get-ChildItem env: | Where-Object Name -like *_proxy; netsh winhttp show proxy",
        reading="a proxy for this scheme, and {host} is not in NO_PROXY: yes",
    ),
    always=True,
)
def proxy_configured(view: HostView) -> Reply:
    from synscope.probes.host import proxy

    settings = view.last.proxy
    if is_untold(settings):
        return unknown(settings.could_not_tell)
    if not view.environment_known:
        return unknown("the client's environment is not known")
    variables = {variable.name: variable.value for variable in settings}
    request = proxy.request_of(view.target.scheme, view.host, view.target.port)
    decided = proxy.decisions(variables, request)
    if view.client in decided:
        decided = {view.client: decided[view.client]}
    through = {client: url for client, url in decided.items() if url is not None}
    shown = ", ".join(f"{variable.name}={variable.value}" for variable in settings)
    if not through:
        return no(f"no proxy is used for it ({shown})" if shown else "no proxy variable is set")
    url = next(iter(through.values()))
    sends = (
        f"{_and(list(through))} would send it to the proxy {url}{_state_of_proxy(view.last, url)} ({shown})"
    )
    direct = [client for client in decided if client not in through]
    return unknown(f"{sends}; {_and(direct)} would not") if direct else yes(sends)


def _and(words: list[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _state_of_proxy(snapshot: Snapshot, url: str) -> str:
    """Say whether anything listens there, when the proxy is on this machine."""
    from synscope.probes.host import proxy

    server = proxy.server_of(url)
    if server is None or is_untold(snapshot.sockets):
        return ""
    addresses = LOOPBACK if server.host == "localhost" else (server.host,)
    if not is_local(addresses[0]):
        return ""
    for address in addresses:
        end = Endpoint(address, server.port)
        if served(snapshot.sockets, end):
            owners = [
                owner_of(listener) for listener in snapshot.sockets.listeners if listener.port == server.port
            ]
            return f", where {owners[0]} listens,"
    return ", where nothing listens," if snapshot.sockets.complete else ""


@question(
    "loopback-is-down",
    Source.HOST,
    "the loopback interface is down or has no address",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    if_no=Says.PASSED,
    direct=True,
    by_hand=on_each(
        linux="ip address show lo; ip route get {address}",
        macos="ifconfig lo0; route -n get {address}",
        windows="Get-NetIPInterface -InterfaceAlias Loop*",
        reading="not UP, without 127.0.0.1 or ::1, or no route: yes",
    ),
    always=True,
)
def loopback_is_down(view: HostView) -> Reply:
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    reasons = [_broken(view, loopback) for loopback in told]
    broken = next((reason for reason in reasons if reason), "")
    if broken:
        return yes(broken)
    last = told[-1]
    missing = "" if any(map(_is_ipv6, last.addresses)) else "; it has no IPv6 address"
    return no(f"{last.name} is up with {', '.join(last.addresses)}{missing}")


def _broken(view: HostView, loopback: Loopback) -> str:
    """Say what is wrong; a family that is missing matters when the target needs it."""
    if not loopback.up:
        return f"the interface {loopback.name} is down"
    if not loopback.addresses:
        return f"the interface {loopback.name} has no address"
    needed = {family_of(address) for address in view.addresses if is_local(address)}
    have = {family_of(address) for address in loopback.addresses}
    if needed and not needed & have:
        return f"the interface {loopback.name} has only {', '.join(loopback.addresses)}"
    routes = {4: loopback.route_ipv4, 6: loopback.route_ipv6}
    dead = [routes[family] for family in sorted(needed) if routes[family].startswith("error")]
    if needed and len(dead) == len(needed):
        return f"there is no route to {LOOPBACK[min(needed) == 6]}: {dead[0].removeprefix('error: ')}"  # noqa: PLR2004
    return ""


def _is_ipv6(address: str) -> bool:
    return ":" in address


@question(
    "policy-denied",
    Source.HOST,
    "a security policy denied bind or connect",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=on_each(
        linux="sudo ausearch -m avc -ts recent; sudo dmesg | grep -i apparmor",
        macos="log show --last 10m --predicate 'eventMessage CONTAINS[c] \"deny\"'",
        windows="Get-WinEvent -LogName Microsoft-Windows-AppLocker/* -MaxEvents 20",
        reading="a refusal of bind or connect by the client or the server: yes",
    ),
)
def policy_denied(view: HostView) -> Reply:
    told, because = view.told(snapshot.policy for snapshot in view.snapshots)
    logs, unread = view.told(policy.denials for policy in told)
    denials = [denial for log in logs for denial in log if _concerns(view, denial)]
    since = view.snapshots[0].taken_ns - _RECENT_NS
    fresh = [denial for denial in denials if denial.ts_ns >= since]
    if fresh:
        return yes(joined(_denial(denial) for denial in fresh))
    if not logs:
        return unknown(because or unread)
    if denials:
        ago = duration(max(0, view.last.taken_ns - denials[-1].ts_ns))
        return unknown(f"{_denial(denials[-1])}, but {ago} ago")
    active = f" (active: {', '.join(told[-1].active)})" if told[-1].active else ""
    return no(f"the logs tell of no refusal of this port or its processes{active}")


def _concerns(view: HostView, denial: Denial) -> bool:
    if denial.port is not None:
        return denial.port == view.target.port
    known = {
        process.pid
        for snapshot in view.snapshots
        if not is_untold(snapshot.processes)
        for process in snapshot.processes
    }
    return denial.pid in known


def _denial(denial: Denial) -> str:
    port = f" on port {denial.port}" if denial.port else ""
    who = f"{denial.program or 'a process'}{f' (pid {denial.pid})' if denial.pid else ''}"
    return f"{denial.policy} refused {who} {denial.operation or 'a system call'}{port}"
