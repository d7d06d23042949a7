"""Questions about who stands between a client and the target: proxies, gateways, forwarders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from synscope.evidence.by_hand import in_frames
from synscope.evidence.packets.elsewhere import from_misses, groups_elsewhere, same_host
from synscope.evidence.packets.exchange import Wait, client_ended_first, wait_of
from synscope.evidence.packets.view import (
    Exchange,
    PacketsView,
    attempts,
    first_data_frames,
    frames_of,
    is_local,
    is_tls,
)
from synscope.evidence.payload.gateways import GATEWAY_STATUS, is_gateways
from synscope.evidence.payload.http_answers import SERVER_ERRORS
from synscope.evidence.payload.mismatch import ended_without_request
from synscope.evidence.payload.protocols import Authority, Protocol, Response
from synscope.evidence.payload.recognise import describe, recognise
from synscope.evidence.payload.service_errors import error_of
from synscope.evidence.question import Reply, Says, no, question, yes
from synscope.model import FAILURES, Attempt, Label, Outcome, Source, Stage
from synscope.reference.loopback import is_loopback
from synscope.units import duration

GATEWAY_WINDOW_NS: Final = 5_000_000_000
"""How far a gateway's error and the failure of its upstream may lie apart."""


@question(
    "proxy-port-tried",
    Source.PACKETS,
    "a SYN went to a port that proxies use, and none to the target",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=in_frames(
        "tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.dstport in {1080, 3128, 8080, 8118, 8888}"
    ),
)
def proxy_port_tried(view: PacketsView) -> Reply:
    """Look for a proxy to which the request may have gone, with no SYN to the target."""
    misses = [miss for miss in view.summary.near_misses if miss.kind == "proxy-port"]
    return from_misses(misses) or no("no SYN went to a port that proxies use")


@question(
    "proxy-request-names-target",
    Source.PAYLOAD,
    "a request to a proxy names the target (absolute URI or CONNECT)",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=in_frames(
        "http.request.method == CONNECT || http.request.uri contains 3a:2f:2f",
        "a request names the target's port: yes",
    ),
)
def proxy_request_names_target(view: PacketsView) -> Reply:
    misses = [miss for miss in view.summary.near_misses if miss.kind == "proxy-request"]
    for attempt in attempts(groups_elsewhere(view, Label.COMPLETED, Label.ONE_SIDED)):
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
    return from_misses(misses) or no("no request to a proxy names the target")


def may_be_proxied(data: bytes) -> bool:
    """Whether recognising the bytes is worth it: a capture holds many other requests."""
    return data.startswith((b"CONNECT ", b"\x04", b"\x05")) or b"://" in data[:64]


def _names_target(view: PacketsView, asked: Authority) -> bool:
    target = view.summary.target
    if asked.port != target.port:
        return False
    hosts = {group.server.address for group in view.groups} | {target.host or "localhost"}
    return any(same_host(asked.host, host) for host in hosts)


@question(
    "gateway-upstream-failed",
    Source.PAYLOAD,
    "a gateway answered 502, 503 or 504 in the seconds in which this target failed",
    by_hand=in_frames(
        "http.response.code in {502, 503, 504}",
        "an answer of another port within five seconds of the failure: yes",
    ),
)
def gateway_upstream_failed(view: PacketsView) -> Reply:
    """Say whether another port of this host answered 502, 503 or 504 at that time."""
    broken = [a for a in attempts(view.groups) if _went_wrong(a)]
    if not broken:
        return no("the target did not fail")
    own = view.summary.target.port
    for gateway in attempts(groups_elsewhere(view, Label.COMPLETED)):
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


@question(
    "upstream-attempt-failed",
    Source.PAYLOAD,
    "an attempt of the gateway or forwarder failed before it answered 502, 503 or 504, hung up, or while it was mute",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_frames(
        "tcp.flags.syn == 1 || tcp.flags.reset == 1",
        "between a request to {port} and its answer, a connection that the server made failed: yes",
    ),
)
def upstream_attempt_failed(view: PacketsView) -> Reply:
    """Look at what the gateway or forwarder on this port tried before it answered or hung up, or instead."""
    return _tried_in_vain(view, _gave_up)


@question(
    "failed-attempt-before-error",
    Source.PAYLOAD,
    "an attempt of the service's own failed between the request and its answer of 500, 503 or another error",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_frames(
        "tcp.flags.syn == 1 || tcp.flags.reset == 1",
        "between a request to {port} and its error, a connection that the server made failed: yes",
    ),
)
def failed_attempt_before_error(view: PacketsView) -> Reply:
    """Look at a service that says 500, 503 without a word of a gateway, or an error of its own protocol."""
    return _tried_in_vain(view, _failed_itself)


_Spans = Iterator[tuple[int, int, str]]
"""From when to when a service worked at what it then did."""


def _tried_in_vain(view: PacketsView, spans: Callable[[PacketsView, Attempt], _Spans]) -> Reply:
    """Whether the server made an attempt of its own in one of ``spans``, and that failed."""
    failures = [a for a in attempts(groups_elsewhere(view, *FAILURES)) if not a.recovered]
    for gateway in attempts(view.completed):
        for since, until, did in spans(view, gateway):
            failure = next((a for a in failures if since <= a.first_ts_ns <= until), None)
            if failure is not None and _is_gateway_of(gateway, failure):
                text = f"before {gateway.server} {did}, an attempt to {failure.server} ended {failure.label}"
                frames = {*first_data_frames([gateway]), *frames_of([failure], lambda f: f.first)}
                return yes(text, sorted(frames))
    return no("no attempt to another port failed while this one was at a request")


def _gave_up(view: PacketsView, attempt: Attempt) -> _Spans:
    times, response = attempt.times, _response(attempt)
    if response is not None and is_gateways(response):
        yield from _answering(attempt, response)
    hung_up = attempt.outcome is Outcome.RESET_BY_SERVER_EARLY or "server-fin-before-data" in attempt.events
    if hung_up and times.end is not None and times.server_data is None:
        yield attempt.first_ts_ns, times.end, "hung up"
    elif times.end is not None and _is_left_in_tls(view, attempt):
        yield attempt.first_ts_ns, times.end, "ended the TLS connection"
    elif wait_of(view, attempt) is Wait.SILENT:
        ended = times.client_fin or times.end or view.end_ts_ns
        if ended is not None:
            yield attempt.first_ts_ns, ended, "had said a byte"


def _is_left_in_tls(view: PacketsView, attempt: Attempt) -> bool:
    """Whether the server ended a TLS connection that it had made, with a reset or before the client could ask."""
    exchange = _exchange_of(view, attempt)
    if exchange is None or not is_tls(exchange.server) or client_ended_first(attempt):
        return False
    early = "server-fin" in attempt.events and ended_without_request(exchange)
    return attempt.outcome is Outcome.RESET_BY_SERVER or early


def _exchange_of(view: PacketsView, attempt: Attempt) -> Exchange | None:
    return next((exchange for exchange in view.exchanges if exchange.attempt is attempt), None)


def _failed_itself(view: PacketsView, attempt: Attempt) -> _Spans:
    response = _response(attempt)
    if response is not None and response.status in SERVER_ERRORS and not is_gateways(response):
        yield from _answering(attempt, response)
    elif response is None and attempt.times.end is not None and _last_word_is_error(view, attempt):
        yield attempt.first_ts_ns, attempt.times.end, "said its error"


def _last_word_is_error(view: PacketsView, attempt: Attempt) -> bool:
    exchange = _exchange_of(view, attempt)
    return exchange is not None and bool(error_of(exchange))


def _answering(attempt: Attempt, response: Response) -> _Spans:
    times = attempt.times
    if times.client_data is not None and times.server_data is not None:
        yield times.client_data, times.server_data, f"answered {response.status}"


def began_meanwhile(view: PacketsView, gateway: Attempt) -> bool:
    """Whether the gateway's host made an attempt to another port between its client's request and the answer."""
    since = gateway.times.client_data or gateway.first_ts_ns
    until = gateway.times.server_data or since
    others = attempts(groups_elsewhere(view, *(set(Label) - {Label.MID_STREAM})))
    return any(since <= a.first_ts_ns <= until and _is_gateway_of(gateway, a) for a in others)


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
