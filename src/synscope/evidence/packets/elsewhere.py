"""Questions that the target's surroundings answer: other addresses, other ports, proxies and gateways."""

from __future__ import annotations

from typing import Final

from synscope.evidence.by_hand import in_capture, in_conversations, in_frames, on_any
from synscope.evidence.packets.view import (
    PacketsView,
    attempts,
    exchanges,
    frames_of,
    is_ipv6,
    is_local,
    total,
)
from synscope.evidence.question import OwnConnect, Reply, Says, no, question, unknown, yes
from synscope.evidence.typo import how_it_differs, looks_like_typo
from synscope.model import FAILURES, PORT_MAX, AttemptGroup, Label, NearMiss, Source, Stage
from synscope.reference.loopback import is_loopback, names_loopback, parsed
from synscope.reference.ports import USUAL_PROTOCOLS
from synscope.units import count, listed

_USUAL: Final = frozenset({"127.0.0.1", "::1"})


_DNS_PORT: Final = 53


_DNS_LOCALHOST: Final = b"\x09localhost\x00"


def groups_elsewhere(view: PacketsView, *labels: Label) -> list[AttemptGroup]:
    """Return the other targets' groups with one of ``labels``, each once."""
    own = {id(group) for group in view.groups}
    groups: dict[int, AttemptGroup] = {}
    for other in view.others:
        if other is not view.summary:
            groups.update((id(group), group) for group in other.groups if group.label in labels)
    return [group for key, group in groups.items() if key not in own]


def _same_port_completed(view: PacketsView, *, other_family: bool) -> Reply:
    """Whether the port that failed at one address completed at another, and is it the same host."""
    failed = (*view.failing, *view.recovered)
    kind = "over the other IP family" if other_family else "at another address of the same family"
    if not failed:
        return no(f"nothing failed that could have completed {kind}")
    good = [
        *view.completed,
        *(g for g in groups_elsewhere(view, Label.COMPLETED) if g.server.port == view.summary.target.port),
    ]
    bad_addresses = {group.server.address for group in failed}
    good_addresses = {group.server.address for group in good}
    families = {is_ipv6(address) for address in bad_addresses}
    working = {is_ipv6(address) for address in good_addresses}

    def wanted(address: str) -> bool:
        if other_family:
            # The family that failed must never have worked, and this one must never have failed.
            return is_ipv6(address) not in families and not families & working
        return address not in bad_addresses and is_ipv6(address) in families

    found = [group for group in good if wanted(group.server.address)]
    if not found:
        return no(f"the port did not complete {kind}")
    where = listed(sorted({group.server.address for group in found}))
    text = f"refused or unanswered at {listed(sorted(bad_addresses))}, completed at {where}"
    seen = attempts(found)
    frames = frames_of((*attempts(failed)[:2], *seen[:2]), lambda f: f.first)
    own_host = any(map(is_local, seen)) and any(map(is_local, attempts(failed)))
    if own_host or view.recovered:
        return yes(text, frames)
    return unknown(f"{text}; whether that is the same host cannot be told", frames)


@question(
    "other-family-completed",
    Source.PACKETS,
    "the same port completed over the other IP family",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_conversations(
        "the conversations of one IP version are a SYN and its RST, those of the other are longer: yes"
    ),
    own_connect=OwnConnect.SHOWS,
)
def other_family_completed(view: PacketsView) -> Reply:
    return _same_port_completed(view, other_family=True)


@question(
    "other-address-completed",
    Source.PACKETS,
    "the same port completed at another address of the same family",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_conversations(
        "the conversations with one address are a SYN and its RST, those with another are longer: yes"
    ),
    own_connect=OwnConnect.SHOWS,
)
def other_address_completed(view: PacketsView) -> Reply:
    return _same_port_completed(view, other_family=False)


@question(
    "similar-port-completed",
    Source.PACKETS,
    "a port that looks like a typo of the target completed",
    stage=Stage.CLIENT,
    by_hand=on_any(
        "tshark -r FILE -q -z endpoints,tcp",
        "a port that differs from {port} by one digit has many frames: yes",
    ),
)
def similar_port_completed(view: PacketsView) -> Reply:
    near = _similar(view, Label.COMPLETED)
    if not near:
        return no("no port that looks like a typo of the target completed")
    return yes(f"completed: {_ports(view, near)}", frames_of(attempts(near), lambda f: f.first))


@question(
    "similar-port-tried",
    Source.PACKETS,
    "a SYN went to a port that looks like a typo of the target",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=in_frames(
        "tcp.flags.syn == 1 && tcp.flags.ack == 0",
        "a SYN goes to a port that differs from {port} by one digit: yes",
    ),
)
def similar_port_tried(view: PacketsView) -> Reply:
    """Look for a port that the client may have been meant to use, with no SYN to the target."""
    near = _similar(view, *(set(Label) - {Label.MID_STREAM}))
    if near:
        return yes(f"a SYN went to {_ports(view, near)}", frames_of(attempts(near), lambda f: f.first))
    misses = [miss for miss in view.summary.near_misses if miss.kind == "similar-port"]
    return from_misses(misses) or no("no SYN went to a port that looks like a typo of the target")


@question(
    "another-port-failed",
    Source.PACKETS,
    "no client sent a SYN to the target, and attempts to an unlike port of its host failed",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=in_frames(
        "tcp.flags.reset == 1",
        "an RST comes from another port of the same host, and no SYN goes to {port}: yes",
    ),
)
def another_port_failed(view: PacketsView) -> Reply:
    """Look for where the request may have gone, with no SYN to the target."""
    if view.groups:
        return no("clients connected to the target")
    target = view.summary.target
    found = [
        group
        for group in groups_elsewhere(view, *FAILURES)
        if not group.recovered
        and group.server.port not in {target.wrapped, _DNS_PORT, *USUAL_PROTOCOLS}
        and not looks_like_typo(target.port, group.server.port)
        and _may_be_host(view, group)
    ]
    if not found:
        return no("no attempt to an unlike port of its host failed")
    where = listed(sorted({str(group.server) for group in found}))
    text = f"{count(total(found), 'attempt')} to {where} failed"
    return yes(text, frames_of(attempts(found), lambda f: f.first))


@question(
    "another-port-completed",
    Source.PACKETS,
    "an attempt failed, and a connection to another service of its host, at an unlike port, was completed",
    by_hand=on_any(
        "tshark -r FILE -q -z endpoints,tcp", "another port of the same host has many frames: yes"
    ),
)
def another_port_completed(view: PacketsView) -> Reply:
    """Say whether another service of the host had clients of its own while the target failed."""
    target = view.summary.target
    if not view.failing:
        return no("no attempt failed")
    found = [
        group
        for group in groups_elsewhere(view, Label.COMPLETED)
        if group.server.port not in {target.port, target.wrapped, _DNS_PORT}
        and not looks_like_typo(target.port, group.server.port)
        and _may_be_host(view, group)
    ]
    if not found:
        return no("no connection to an unlike port of its host was completed")
    where = listed(sorted({str(group.server) for group in found}))
    text = (
        f"{count(total(found), 'connection')} to {where} {'was' if total(found) == 1 else 'were'} completed"
    )
    return yes(text, frames_of(attempts(found), lambda f: f.first))


def _similar(view: PacketsView, *labels: Label) -> list[AttemptGroup]:
    """Return the other groups whose port looks like a typo of the target's, on what may be its host."""
    port = view.summary.target.port
    near = [group for group in groups_elsewhere(view, *labels) if looks_like_typo(port, group.server.port)]
    return [group for group in near if _may_be_host(view, group)]


def _ports(view: PacketsView, groups: list[AttemptGroup]) -> str:
    """Return the groups' ports with how each differs from the target's."""
    port = view.summary.target.port
    numbers = sorted({group.server.port for group in groups})
    return listed([f"{number} ({how_it_differs(port, number)})" for number in numbers])


def _may_be_host(view: PacketsView, group: AttemptGroup) -> bool:
    """Whether a group's server may be the host that the target means."""
    known = {g.server.address for g in view.groups}
    local = any(map(is_local, group.examples))
    if known:
        return group.server.address in known or (local and any(map(is_local, attempts(view.groups))))
    host = view.summary.target.host
    return (
        host is None or same_host(host, group.server.address) or (local and names_loopback(host) is not False)
    )


def same_host(one: str, other: str) -> bool:
    """Whether two hosts are the same as written, or both this machine's loopback."""
    return one.strip("[]").lower() == other.strip("[]").lower() or (
        names_loopback(one) is True and names_loopback(other) is True
    )


@question(
    "wrapped-port-seen",
    Source.PACKETS,
    "a SYN went to the number modulo 65536",
    stage=Stage.NUMBER,
    if_yes=Says.STOPPED,
    by_hand=in_frames(
        "tcp.flags.syn == 1 && tcp.flags.ack == 0", "a SYN goes to the number modulo 65536: yes"
    ),
)
def wrapped_port_seen(view: PacketsView) -> Reply:
    target = view.summary.target
    if target.port <= PORT_MAX:
        return no(f"{target.port} is a port as it stands")
    misses = [miss for miss in view.summary.near_misses if miss.kind == "wrapped-port"]
    groups = [
        g
        for g in groups_elsewhere(view, *(set(Label) - {Label.MID_STREAM}))
        if g.server.port == target.wrapped
    ]
    groups = [group for group in groups if _may_be_host(view, group)]
    if groups:
        text = (
            f"{count(total(groups), 'attempt')} went to {target.wrapped}, which is {target.port} modulo 65536"
        )
        return yes(text, frames_of(attempts(groups), lambda f: f.syn or f.first))
    return from_misses(misses) or no(f"no SYN went to {target.wrapped} ({target.port} modulo 65536)")


def from_misses(misses: list[NearMiss]) -> Reply | None:
    """Return the yes that the first near misses show, ``None`` without any."""
    if not misses:
        return None
    return yes(
        "; ".join(miss.text for miss in misses[:3]), sorted({f for miss in misses for f in miss.frames})[:12]
    )


@question(
    "host-header-out-of-range",
    Source.PAYLOAD,
    "the request's Host header names a port above 65535",
    stage=Stage.NUMBER,
    if_yes=Says.STOPPED,
    by_hand=in_frames("http.host", "the Host header has a number above 65535: yes"),
)
def host_header_out_of_range(view: PacketsView) -> Reply:
    """Look for the number in requests: a client that wrapped it still writes it there."""
    target = view.summary.target
    wrapped = [
        g for g in groups_elsewhere(view, Label.COMPLETED, Label.ONE_SIDED) if g.server.port == target.wrapped
    ]
    said = exchanges(wrapped) if target.port > PORT_MAX else list(view.exchanges)
    for exchange in said:
        host = exchange.client.request.host if exchange.client.request else None
        if host is not None and host.port is not None and host.port > PORT_MAX:
            port = exchange.attempt.server.port
            text = f"a request to port {port} has the header Host: {host.host}:{host.port}"
            return yes(text, frames_of([exchange.attempt], lambda f: f.client_data))
    if any(exchange.client.request for exchange in said):
        return no("the Host header names no port above 65535")
    return no("no HTTP request in the clear")


@question(
    "unusual-loopback-address",
    Source.PACKETS,
    "the target is a name of loopback, and its attempts went to another loopback address than 127.0.0.1, ::1",
    stage=Stage.NAME,
    if_yes=Says.STOPPED,
    by_hand=in_capture("ip.dst in {127.0.0.2..127.255.255.255}"),
)
def unusual_loopback_address(view: PacketsView) -> Reply:
    """Recognise a hosts file that maps localhost elsewhere within 127.0.0.0/8."""
    host = view.summary.target.host
    if host is None or parsed(host) is not None or not names_loopback(host):
        return no("the target is no name of loopback")
    seen = attempts(view.decided)
    odd = [a for a in seen if is_loopback(a.server.address) and a.server.address not in _USUAL]
    if odd and len(odd) == len(seen):
        where = listed(sorted({a.server.address for a in odd}))
        return yes(f"attempts to {host} went to {where}", frames_of(odd, lambda f: f.first))
    return no("an attempt went to 127.0.0.1 or ::1" if seen else "there is no attempt")


@question(
    "dns-query-for-localhost",
    Source.PAYLOAD,
    "a DNS query for the name localhost left the machine",
    stage=Stage.NAME,
    if_yes=Says.STOPPED,
    by_hand=in_frames("dns.qry.name == localhost"),
)
def dns_query_for_localhost(view: PacketsView) -> Reply:
    """Look at DNS over TCP, which alone can be seen here: the usual query is UDP."""
    for attempt in attempts(groups_elsewhere(view, Label.COMPLETED)):
        data = attempt.client_payload or b""
        if attempt.server.port == _DNS_PORT and _DNS_LOCALHOST in data.lower():
            return yes(
                f"a DNS query for localhost went to {attempt.server}",
                frames_of([attempt], lambda f: f.client_data),
            )
    return unknown("only TCP is looked at, and DNS queries usually travel over UDP")
