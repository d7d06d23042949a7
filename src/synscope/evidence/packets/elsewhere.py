"""Questions that the target's surroundings answer: other addresses, other ports, proxies and gateways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from synscope.evidence.packets.exchange import first_data_frames
from synscope.evidence.packets.view import (
    Verdict,
    View,
    attempts,
    exchanges,
    frames_of,
    is_ipv6,
    is_local,
    no,
    total,
    unknown,
    yes,
)
from synscope.evidence.payload.gateways import GATEWAY_STATUS, is_gateways
from synscope.evidence.payload.http_answers import SERVER_ERRORS
from synscope.evidence.payload.mismatch import USUAL_PROTOCOLS
from synscope.evidence.payload.protocols import Authority, Protocol, Response
from synscope.evidence.payload.recognise import describe, recognise
from synscope.evidence.target_number import MAX_PORT
from synscope.evidence.typo import how_it_differs, looks_like_typo
from synscope.model import FAILURES, Attempt, AttemptGroup, Label, NearMiss, Outcome
from synscope.reference.loopback import is_loopback, names_loopback, parsed
from synscope.units import count, duration, listed

GATEWAY_WINDOW_NS: Final = 5_000_000_000
"""How far a gateway's error and the failure of its upstream may lie apart."""

_USUAL: Final = frozenset({"127.0.0.1", "::1"})
_DNS_PORT: Final = 53
_DNS_LOCALHOST: Final = b"\x09localhost\x00"


def _elsewhere(view: View, *labels: Label) -> list[AttemptGroup]:
    """Return the other targets' groups with one of ``labels``, each once."""
    own = {id(group) for group in view.groups}
    groups: dict[int, AttemptGroup] = {}
    for other in view.others:
        if other is not view.summary:
            groups.update((id(group), group) for group in other.groups if group.label in labels)
    return [group for key, group in groups.items() if key not in own]


def _same_port_completed(view: View, *, other_family: bool) -> Verdict:
    """Whether the port that failed at one address completed at another, and is it the same host."""
    failed = (*view.failing, *view.recovered)
    kind = "over the other IP family" if other_family else "at another address of the same family"
    if not failed:
        return no(f"nothing failed that could have completed {kind}")
    good = [
        *view.completed,
        *(g for g in _elsewhere(view, Label.COMPLETED) if g.server.port == view.summary.target.port),
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


def other_family_completed(view: View) -> Verdict:
    """``other-family-completed``."""
    return _same_port_completed(view, other_family=True)


def other_address_completed(view: View) -> Verdict:
    """``other-address-completed``."""
    return _same_port_completed(view, other_family=False)


def similar_port_completed(view: View) -> Verdict:
    """``similar-port-completed``."""
    near = _similar(view, Label.COMPLETED)
    if not near:
        return no("no port that looks like a typo of the target completed")
    return yes(f"completed: {_ports(view, near)}", frames_of(attempts(near), lambda f: f.first))


def similar_port_tried(view: View) -> Verdict:
    """``similar-port-tried``: with no SYN to the target, the client may have meant it."""
    near = _similar(view, *(set(Label) - {Label.MID_STREAM}))
    if near:
        return yes(f"a SYN went to {_ports(view, near)}", frames_of(attempts(near), lambda f: f.first))
    misses = [miss for miss in view.summary.near_misses if miss.kind == "similar-port"]
    return _from_misses(misses) or no("no SYN went to a port that looks like a typo of the target")


def proxy_port_tried(view: View) -> Verdict:
    """``proxy-port-tried``: with no SYN to the target, its request may have gone to a proxy."""
    misses = [miss for miss in view.summary.near_misses if miss.kind == "proxy-port"]
    return _from_misses(misses) or no("no SYN went to a port that proxies use")


def another_port_failed(view: View) -> Verdict:
    """``another-port-failed``: with no SYN to the target, its request may have gone there."""
    if view.groups:
        return no("clients connected to the target")
    target = view.summary.target
    found = [
        group
        for group in _elsewhere(view, *FAILURES)
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


def another_port_completed(view: View) -> Verdict:
    """``another-port-completed``: while the target failed, another service of its host had clients of its own."""
    target = view.summary.target
    if not view.failing:
        return no("no attempt failed")
    found = [
        group
        for group in _elsewhere(view, Label.COMPLETED)
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


def _similar(view: View, *labels: Label) -> list[AttemptGroup]:
    """Return the other groups whose port looks like a typo of the target's, on what may be its host."""
    port = view.summary.target.port
    near = [group for group in _elsewhere(view, *labels) if looks_like_typo(port, group.server.port)]
    return [group for group in near if _may_be_host(view, group)]


def _ports(view: View, groups: list[AttemptGroup]) -> str:
    """Return the groups' ports with how each differs from the target's."""
    port = view.summary.target.port
    numbers = sorted({group.server.port for group in groups})
    return listed([f"{number} ({how_it_differs(port, number)})" for number in numbers])


def _may_be_host(view: View, group: AttemptGroup) -> bool:
    """Whether a group's server may be the host that the target means."""
    known = {g.server.address for g in view.groups}
    local = any(map(is_local, group.examples))
    if known:
        return group.server.address in known or (local and any(map(is_local, attempts(view.groups))))
    host = view.summary.target.host
    return (
        host is None
        or _same_name(host, group.server.address)
        or (local and names_loopback(host) is not False)
    )


def _same_name(one: str, other: str) -> bool:
    """Whether two hosts are the same as written, or both this machine's loopback."""
    return one.strip("[]").lower() == other.strip("[]").lower() or (
        names_loopback(one) is True and names_loopback(other) is True
    )


def wrapped_port_seen(view: View) -> Verdict:
    """``wrapped-port-seen``."""
    target = view.summary.target
    if target.port <= MAX_PORT:
        return no(f"{target.port} is a port as it stands")
    misses = [miss for miss in view.summary.near_misses if miss.kind == "wrapped-port"]
    groups = [
        g for g in _elsewhere(view, *(set(Label) - {Label.MID_STREAM})) if g.server.port == target.wrapped
    ]
    groups = [group for group in groups if _may_be_host(view, group)]
    if groups:
        text = (
            f"{count(total(groups), 'attempt')} went to {target.wrapped}, which is {target.port} modulo 65536"
        )
        return yes(text, frames_of(attempts(groups), lambda f: f.syn or f.first))
    return _from_misses(misses) or no(f"no SYN went to {target.wrapped} ({target.port} modulo 65536)")


def _from_misses(misses: list[NearMiss]) -> Verdict | None:
    if not misses:
        return None
    return yes(
        "; ".join(miss.text for miss in misses[:3]), sorted({f for miss in misses for f in miss.frames})[:12]
    )


def host_header_out_of_range(view: View) -> Verdict:
    """``host-header-out-of-range``: a client that wrapped the number still writes it into its request."""
    target = view.summary.target
    wrapped = [
        g for g in _elsewhere(view, Label.COMPLETED, Label.ONE_SIDED) if g.server.port == target.wrapped
    ]
    said = exchanges(wrapped) if target.port > MAX_PORT else list(view.exchanges)
    for exchange in said:
        host = exchange.client.request.host if exchange.client.request else None
        if host is not None and host.port is not None and host.port > MAX_PORT:
            port = exchange.attempt.server.port
            text = f"a request to port {port} has the header Host: {host.host}:{host.port}"
            return yes(text, frames_of([exchange.attempt], lambda f: f.client_data))
    if any(exchange.client.request for exchange in said):
        return no("the Host header names no port above 65535")
    return no("no HTTP request in the clear")


def proxy_request_names_target(view: View) -> Verdict:
    """``proxy-request-names-target``."""
    misses = [miss for miss in view.summary.near_misses if miss.kind == "proxy-request"]
    for attempt in attempts(_elsewhere(view, Label.COMPLETED, Label.ONE_SIDED)):
        asked = (
            recognise(attempt.client_payload)
            if attempt.client_payload and may_be_proxied(attempt.client_payload)
            else None
        )
        if asked is not None and asked.proxied is not None and _names_target(view, asked.proxied):
            place = asked.proxied
            what = "SOCKS" if asked.protocol is Protocol.SOCKS else describe(asked)
            text = f"a request to a proxy at {attempt.server} names {place.host}:{place.port} ({what})"
            return yes(text, frames_of([attempt], lambda f: f.client_data or f.first))
    return _from_misses(misses) or no("no request to a proxy names the target")


def may_be_proxied(data: bytes) -> bool:
    """Whether recognising the bytes is worth it: a capture holds many other requests."""
    return data.startswith((b"CONNECT ", b"\x04", b"\x05")) or b"://" in data[:64]


def _names_target(view: View, asked: Authority) -> bool:
    target = view.summary.target
    if asked.port != target.port:
        return False
    hosts = {group.server.address for group in view.groups} | {target.host or "localhost"}
    return any(_same_name(asked.host, host) for host in hosts)


def gateway_upstream_failed(view: View) -> Verdict:
    """``gateway-upstream-failed``: another port of this host answered 502, 503 or 504 at that time."""
    broken = [a for a in attempts(view.groups) if _went_wrong(a)]
    if not broken:
        return no("the target did not fail")
    own = view.summary.target.port
    for gateway in attempts(_elsewhere(view, Label.COMPLETED)):
        response = _response(gateway)
        if response is None or response.status not in GATEWAY_STATUS or gateway.server.port == own:
            continue
        answered = _span(gateway, gateway.times.client_data)
        for failure in broken:
            apart = _apart(answered, _span(failure, None))
            if apart <= GATEWAY_WINDOW_NS and _is_gateway_of(gateway, failure):
                when = "while" if apart == 0 else f"{duration(apart)} from when"
                answer = f"{gateway.server} answered {response.status}"
                text = f"{answer} {when} its own attempt to {failure.server} failed"
                return yes(text, (*first_data_frames([gateway]), *frames_of([failure], lambda f: f.first)))
    return no("no other port of this host answered 502, 503 or 504 in those seconds")


def upstream_attempt_failed(view: View) -> Verdict:
    """``upstream-attempt-failed``: what the gateway or forwarder on this port tried before it answered or hung up."""
    return _tried_in_vain(view, _gave_up)


def failed_attempt_before_error(view: View) -> Verdict:
    """``failed-attempt-before-error``: of a service that says 500, or 503 without a word of a gateway."""
    return _tried_in_vain(view, _failed_itself)


_Spans = Iterator[tuple[int, int, str]]
"""From when to when a service worked at what it then did."""


def _tried_in_vain(view: View, spans: Callable[[Attempt], _Spans]) -> Verdict:
    """Whether the server made an attempt of its own in one of ``spans``, and that failed."""
    failures = [a for a in attempts(_elsewhere(view, *FAILURES)) if not a.recovered]
    for gateway in attempts(view.completed):
        for since, until, did in spans(gateway):
            failure = next((a for a in failures if since <= a.first_ts_ns <= until), None)
            if failure is not None and _is_gateway_of(gateway, failure):
                text = f"before {gateway.server} {did}, an attempt to {failure.server} ended {failure.label}"
                frames = {*first_data_frames([gateway]), *frames_of([failure], lambda f: f.first)}
                return yes(text, sorted(frames))
    return no("no attempt to another port failed while this one was at a request")


def _gave_up(attempt: Attempt) -> _Spans:
    times, response = attempt.times, _response(attempt)
    if response is not None and is_gateways(response):
        yield from _answering(attempt, response)
    hung_up = attempt.outcome is Outcome.RESET_BY_SERVER_EARLY or "server-fin-before-data" in attempt.events
    if hung_up and times.end is not None and times.server_data is None:
        yield attempt.first_ts_ns, times.end, "hung up"


def _failed_itself(attempt: Attempt) -> _Spans:
    response = _response(attempt)
    if response is not None and response.status in SERVER_ERRORS and not is_gateways(response):
        yield from _answering(attempt, response)


def _answering(attempt: Attempt, response: Response) -> _Spans:
    times = attempt.times
    if times.client_data is not None and times.server_data is not None:
        yield times.client_data, times.server_data, f"answered {response.status}"


def unusual_loopback_address(view: View) -> Verdict:
    """``unusual-loopback-address``: a hosts file that maps localhost elsewhere within 127.0.0.0/8."""
    host = view.summary.target.host
    if host is None or parsed(host) is not None or not names_loopback(host):
        return no("the target is no name of loopback")
    seen = attempts(view.decided)
    odd = [a for a in seen if is_loopback(a.server.address) and a.server.address not in _USUAL]
    if odd and len(odd) == len(seen):
        where = listed(sorted({a.server.address for a in odd}))
        return yes(f"attempts to {host} went to {where}", frames_of(odd, lambda f: f.first))
    return no("an attempt went to 127.0.0.1 or ::1" if seen else "there is no attempt")


def _went_wrong(attempt: Attempt) -> bool:
    early = {Outcome.RESET_BY_SERVER_EARLY, Outcome.SERVER_SILENT}
    return attempt.outcome in early or (attempt.label in FAILURES and not attempt.recovered)


def _response(attempt: Attempt) -> Response | None:
    data = attempt.server_payload
    return recognise(data).response if data and data.startswith(b"HTTP/") else None


def _span(attempt: Attempt, start: int | None) -> tuple[int, int]:
    """Return from ``start`` (or the attempt's first frame) to the last time that is known of it."""
    times = attempt.times
    begin = times.first if start is None else start
    known = (times.last_syn, times.answer, times.client_data, times.server_data, times.end, times.client_fin)
    return begin, max([begin, *(time for time in known if time is not None)])


def _apart(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return ns between two spans, 0 when they overlap."""
    return max(0, one[0] - other[1], other[0] - one[1])


def _is_gateway_of(gateway: Attempt, failure: Attempt) -> bool:
    """Whether the failing attempt was made by the host on which the gateway runs."""
    here, there = gateway.server.address, failure.client.address
    return (
        here == there
        or (is_loopback(here) and is_loopback(there))
        or (is_local(gateway) and is_local(failure))
    )


def dns_query_for_localhost(view: View) -> Verdict:
    """``dns-query-for-localhost``. Only DNS over TCP can be seen here; the usual query is UDP."""
    for attempt in attempts(_elsewhere(view, Label.COMPLETED)):
        data = attempt.client_payload or b""
        if attempt.server.port == _DNS_PORT and _DNS_LOCALHOST in data.lower():
            return yes(
                f"a DNS query for localhost went to {attempt.server}",
                frames_of([attempt], lambda f: f.client_data),
            )
    return unknown("only TCP is looked at, and DNS queries usually travel over UDP")
