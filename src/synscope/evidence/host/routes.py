"""Questions about the way to the target: the family on loopback, routes that lead away, rules that redirect."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import of_firewall, on_each, on_linux
from synscope.evidence.host.firewall import describe, rulings_on
from synscope.evidence.host.view import LOOPBACK, HostView, family_of, is_local, is_untold, joined, setting
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage
from synscope.reference.loopback import parsed

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import Loopback, Program, Route, Ruling

_FORBIDDEN: Final = "error: "
_OWN: Final = ("local ", "broadcast ")


@question(
    "family-not-on-loopback",
    Source.HOST,
    "the loopback interface has no address of the family that the target needs, or the family is switched off",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ip address show lo; sysctl net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.lo.disable_ipv6",
        macos="ifconfig lo0",
        windows="Get-NetIPAddress -InterfaceAlias Loop*; Get-NetAdapterBinding -ComponentID ms_tcpip6",
        reading="no 127.0.0.1, or no ::1, whichever the client uses: yes",
    ),
    always=True,
)
def family_not_on_loopback(view: HostView) -> Reply:
    """Every address of the target that is loopback's is looked at: a client can have fallen back from one only."""
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    needed = sorted({family_of(address) for address in wanted(view) if is_local(address)})
    if not needed:
        return no("the target is no address of loopback")
    for loopback in told:
        have = {family_of(address) for address in loopback.addresses}
        if loopback.up and have and not have & set(needed):
            return yes(_without(loopback, needed[0]))
        if loopback.up and have == {4}:
            return unknown(f"{_without(loopback, 6)}; whether anything else than IPv4 is needed is not known")
    return no(f"{told[-1].name} has {', '.join(told[-1].addresses) or 'no address'}")


@question(
    "ipv6-not-on-loopback",
    Source.HOST,
    "the loopback interface is up and has no IPv6 address: IPv6 is switched off there",
    stage=Stage.SOCKET,
    direct=True,
    by_hand=on_each(
        linux="ip -6 address show lo; sysctl net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.lo.disable_ipv6",
        macos="ifconfig lo0",
        windows="Get-NetIPAddress -InterfaceAlias Loop*; Get-NetAdapterBinding -ComponentID ms_tcpip6",
        reading="no ::1: yes",
    ),
    always=True,
)
def ipv6_not_on_loopback(view: HostView) -> Reply:
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    for loopback in told:
        if loopback.up and {family_of(address) for address in loopback.addresses} == {4}:
            return yes(_without(loopback, 6))
    return no(f"{told[-1].name} has {', '.join(told[-1].addresses) or 'no address'}")


def _without(loopback: Loopback, family: int) -> str:
    off = family == 6 and loopback.ipv6_disabled  # noqa: PLR2004 - IPv6
    why = ": IPv6 is switched off (net.ipv6.conf.lo.disable_ipv6)" if off else ""
    have = ", ".join(loopback.addresses)
    return f"{loopback.name} is up and has no IPv{family} address, only {have}{why}"


def wanted(view: HostView) -> tuple[str, ...]:
    """Return the addresses that the client goes to: those that the command names, where the target names none."""
    if view.use is not None and (view.target.host is None or parsed(view.target.host) is None):
        literals = tuple(str(found) for host in view.use.hosts if (found := parsed(host)) is not None)
        if literals and len(literals) == len(view.use.hosts):
            return literals
    return view.addresses


@question(
    "route-leads-away",
    Source.HOST,
    "a route or a routing rule forbids the way to the target, or leads it elsewhere",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ip route get {address}; ip rule; ip route show table all",
        macos="route -n get {address}",
        windows="Find-NetRoute -RemoteIPAddress {address}",
        reading="unreachable, blackhole, prohibit, an error, or another interface than the address's own: yes",
    ),
    always=True,
)
def route_leads_away(view: HostView) -> Reply:
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    spaces, _ = view.told(snapshot.namespaces for snapshot in view.snapshots)
    # A container's address counts as met here by whoever asks for it, and its way leads out of here.
    containers = {address for space in spaces for address in space.addresses}
    for loopback in reversed(told):
        if not loopback.up:
            return no(f"the interface {loopback.name} is down")
        ways = [(address, _away(loopback, address, containers)) for address in wanted(view)]
        astray = [text for _, text in ways if text]
        if astray and len(astray) == len(ways):
            return yes(joined(astray))
    unasked = [address for address in wanted(view) if not _route_to(told[-1], address)]
    if unasked:
        return unknown(f"the way to {unasked[0]} was not looked up")
    return no(joined(_described(told[-1], address) for address in wanted(view)))


def _described(loopback: Loopback, address: str) -> str:
    found = route_to(loopback, address)
    through = f" through {found.gateway}" if found is not None and found.gateway else ""
    mtu = f", with a path MTU of {found.path_mtu}" if found is not None and found.path_mtu else ""
    return f"the way to {address} is {_route_to(loopback, address)}{through}{mtu}"


def _route_to(loopback: Loopback, address: str) -> str:
    found = route_to(loopback, address)
    if found is not None:
        return found.way
    return {LOOPBACK[0]: loopback.route_ipv4, LOOPBACK[1]: loopback.route_ipv6}.get(address, "")


def route_to(loopback: Loopback, address: str) -> Route | None:
    """Return the way to an address, where it was looked up."""
    return next((route for route in loopback.routes if route.address == address), None)


def _away(loopback: Loopback, address: str, containers: Container[str]) -> str:
    """Say how the way to an address leads away; empty where it does not, or nobody knows."""
    way = _route_to(loopback, address)
    family = family_of(address)
    here = address not in containers and address in {*loopback.addresses, *(loopback.others or ())}
    own = is_local(address) or here
    if is_local(address) and family not in {family_of(have) for have in loopback.addresses}:
        return ""  # no address of the family, no way
    found = route_to(loopback, address)
    by = f", by {found.decided_by}" if found is not None and found.decided_by else ""
    if way.startswith(_FORBIDDEN):
        return f"the kernel has no way to {address}: {way.removeprefix(_FORBIDDEN)}{by}"
    if way and own and not way.startswith(_OWN):
        return f"{address} is this machine's own, and the way to it is {way}{by}"
    if found is not None and found.network_device and not way.endswith(f" dev {found.network_device}"):
        return f"{address} is in the network of {found.network_device}, and the way to it is {way}{by}"
    return ""


@question(
    "program-on-loopback",
    Source.HOST,
    "a program or filter that may discard packets is attached to the loopback interface",
    stage=Stage.IN,
    by_hand=on_linux(
        "ip -d link show lo; tc filter show dev lo ingress; tc filter show dev lo egress",
        "a line with xdp, or a filter: yes",
    ),
)
def program_on_loopback(view: HostView) -> Reply:
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    known = [loopback for loopback in told if loopback.programs is not None]
    if not known:
        return unknown(because or "what is attached to the interface is not known here")
    if not any(is_local(address) for address in wanted(view)):
        return no("the target is no address of loopback")
    attached = attached_at(view, f"interface {known[-1].name}: ")
    if attached:
        return yes(joined(attached))
    for loopback in reversed(known):
        if loopback.programs:
            return yes(f"attached to {loopback.name}: {', '.join(loopback.programs)}")
    return no(f"neither XDP nor a filter of traffic control is attached to {known[-1].name}")


def attached_at(view: HostView, place: str) -> list[str]:
    """Describe the programs whose place begins so, in the last look that knows of any."""
    told, _ = view.told(snapshot.programs for snapshot in view.snapshots)
    for programs in reversed(told):
        found = [program for program in programs if program.place.startswith(place)]
        if found:
            return [_program(program) for program in found]
    return []


def _program(program: Program) -> str:
    name = f" {program.name}" if program.name else ""
    holders = [f"{owner.program or '?'} (pid {owner.pid})" for owner in program.owners]
    whose = f", held by {', '.join(holders)}" if holders else f", of {program.tool}" if program.tool else ""
    return f"{program.place}: program {program.number}{name}{whose}"


@question(
    "program-at-control-group",
    Source.HOST,
    "a program (eBPF) is attached to the control group of client or server, where it may discard or deny",
    stage=Stage.OUT,
    by_hand=on_linux(
        "sudo bpftool cgroup tree",
        "a program of the kinds cgroup_inet_egress, cgroup_inet_ingress or connect at the client's or the "
        "server's group: yes",
    ),
)
def program_at_control_group(view: HostView) -> Reply:
    told, because = view.told(snapshot.programs for snapshot in view.snapshots)
    found = attached_at(view, "control group ")
    if found:
        return yes(joined(found))
    return no("no program is attached to the control groups") if told else unknown(because)


@question(
    "rule-redirects-target",
    Source.HOST,
    "a firewall rule sends connections to the target to another address or port",
    stage=Stage.IN,
    by_hand=of_firewall("a rule with dnat, redirect or REDIRECT that {port} meets: yes"),
)
def rule_redirects_target(view: HostView) -> Reply:
    redirects = _redirects(view)
    if redirects:
        return yes(joined(describe(ruling) for ruling in redirects))
    _, because = view.told(snapshot.firewall for snapshot in view.snapshots)
    return unknown(because) if because else no("no rule that matches sends it elsewhere")


def _redirects(view: HostView) -> list[Ruling]:
    from synscope.probes.host.snapshot import RuleVerdict

    return [ruling for ruling in rulings_on(view) if ruling.verdict is RuleVerdict.REDIRECT]


@question(
    "redirect-target-silent",
    Source.HOST,
    "a rule sends the target to an address at which no machine and no container answers on the link",
    stage=Stage.OUT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "sudo nft list ruleset | grep -e dnat; ip neigh show nud failed nud incomplete",
        "the address that the rule names is in the list: yes",
    ),
)
def redirect_target_silent(view: HostView) -> Reply:
    redirects = _redirects(view)
    _, because = view.told(snapshot.firewall for snapshot in view.snapshots)
    if not redirects:
        return unknown(because) if because else no("no rule sends the target to another address")
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    lists = [loopback.silent_neighbours for loopback in told if loopback.silent_neighbours is not None]
    silent = {address for addresses in lists for address in addresses}
    for ruling in redirects:
        there = parsed(ruling.how.rpartition(":")[0].strip("[]"))
        if there is not None and str(there) in silent:
            return yes(f"{describe(ruling)}; {there} does not tell its link-layer address (ARP, NDP)")
    return no("no look found it silent") if lists else unknown(because or "the neighbours are not known here")


@question(
    "redirect-leaves-loopback",
    Source.HOST,
    "a rule sends 127.0.0.0/8 to an address of another machine or namespace, and route_localnet is off",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "sysctl net.ipv4.conf.all.route_localnet; sudo nft list ruleset | grep -e dnat",
        "0, and a rule that sends {port} away: yes",
    ),
)
def redirect_leaves_loopback(view: HostView) -> Reply:
    limits = view.last.limits
    if is_untold(limits):
        return unknown(limits.could_not_tell)
    allowed = setting(limits.settings, "route_localnet")
    for ruling in _redirects(view):
        there = parsed(ruling.how.rpartition(":")[0].strip("[]"))
        if ruling.address.startswith("127.") and there is not None and not there.is_loopback:
            loopback = view.last.loopback
            if is_untold(loopback) or loopback.others is None:
                return unknown("the addresses of the machine's other interfaces are not known")
            if str(there) in loopback.others:
                continue
            if allowed is None:
                return unknown("route_localnet is not known here")
            text = f"{describe(ruling)}; route_localnet is {allowed.value}"
            return no(text) if allowed.value else yes(text)
    return no("no rule sends loopback's addresses to another machine or namespace")
