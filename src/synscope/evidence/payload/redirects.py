"""Questions about answers that send the client elsewhere, and what became of it there.

Sources: RFC 9110 §15.4 and §10.2.2 (Location), the Redis cluster specification (MOVED, ASK), Kafka's protocol guide
(the Metadata response lists the brokers' advertised addresses).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from synscope.evidence.by_hand import in_first_bytes, in_frames
from synscope.evidence.packets.elsewhere import groups_elsewhere, same_host
from synscope.evidence.packets.endings import turned_away
from synscope.evidence.packets.view import Exchange, PacketsView, attempts, first_data_frames, frames_of
from synscope.evidence.payload.heard import hidden
from synscope.evidence.payload.http1 import header, split_authority
from synscope.evidence.payload.protocols import readable
from synscope.evidence.payload.recognise import Protocol
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import FAILURES, PORT_MAX, Attempt, Label, Source, Stage
from synscope.reference.loopback import parsed

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_LONGEST_NAME: Final = 253


class Elsewhere(NamedTuple):
    """Where an answer sends the client."""

    exchange: Exchange
    host: str
    port: int
    text: str
    """The answer in words."""
    to_tls: bool = False
    """Whether it is to be asked over TLS there, and was not here."""


@cache
def _location_form() -> re.Pattern[str]:
    return re.compile(r"(?:([A-Za-z]+):)?//([^/?#]*)")


@cache
def _moved_form() -> re.Pattern[bytes]:
    return re.compile(rb"-(?:MOVED|ASK) \d{1,5} (\S{0,253}):(\d{1,5})\r\n")


@cache
def _broker_form() -> re.Pattern[bytes]:
    """Return a broker of a Metadata response: its number, its host with the length before it, its port."""
    return re.compile(rb"(?=\0\0..(\0.|[\x02-\x7f])([A-Za-z0-9][A-Za-z0-9._-]{0,99})\0\0(..))", re.DOTALL)


def elsewhere_of(exchange: Exchange) -> Elsewhere | None:
    """Return where the server's last word sends the client, ``None`` where it does not."""
    if exchange.client.protocol is Protocol.KAFKA:
        found = _by_metadata(exchange)
    elif Protocol.REDIS in {exchange.client.protocol, exchange.server.protocol}:
        found = _by_redis(exchange)
    else:
        found = _by_location(exchange)
    if found is None or not 1 <= found.port <= PORT_MAX or len(found.host) > _LONGEST_NAME:
        return None
    return found if _is_other(exchange, found) else None


def _is_other(exchange: Exchange, found: Elsewhere) -> bool:
    """Whether that is another place than the one that answered."""
    server, request = exchange.attempt.server, exchange.client.request
    if found.port != server.port or found.to_tls:
        return True
    known = {server.address} | ({request.host.host} if request is not None and request.host else set())
    return not any(same_host(found.host, host) for host in known)


def _by_location(exchange: Exchange) -> Elsewhere | None:
    response, data = exchange.server.response, exchange.attempt.server_payload or b""
    if response is None or response.status not in _REDIRECTS:
        return None
    location = header(data, b"location")
    parts = _location_form().match(location)
    if parts is None:
        return None
    scheme = (parts[1] or "http").lower()
    place = split_authority(parts[2].rpartition("@")[2])
    if place is None or scheme not in _PORTS:
        return None
    port = _PORTS[scheme] if place.port is None else place.port
    text = f"the server answered {response.status} and sent the client to {_quoted(location)}"
    text = f"{text} (port {port})" if place.port is None else text
    return Elsewhere(exchange, place.host, port, text, scheme in {"https", "wss"})


def _by_redis(exchange: Exchange) -> Elsewhere | None:
    attempt = exchange.attempt
    data = attempt.server_reply if attempt.server_reply is not None else attempt.server_payload or b""
    moved = _moved_form().match(data)
    if moved is None:
        return None
    # Without a host it is the one that answered (Redis 7).
    host = moved[1].decode("latin-1").strip("[]") or attempt.server.address
    port = int(moved[2])
    kind = "MOVED" if data.startswith(b"-MOVED") else "ASK"
    return Elsewhere(exchange, host, port, f"the server said {kind}: the key is at {_quoted(host)}:{port}")


def _by_metadata(exchange: Exchange) -> Elsewhere | None:
    attempt = exchange.attempt
    places = []
    for data in (attempt.server_payload or b"", attempt.server_reply or b""):
        for length, name, port in _broker_form().findall(data):
            # A compact string says its length plus one, in one byte (Kafka's protocol guide, COMPACT_STRING).
            size = length[1] if len(length) > 1 else length[0] - 1
            if size == len(name):
                places.append((name.decode("ascii"), int.from_bytes(port, "big")))
    places = [(host, port) for host, port in places if port]
    here = attempt.server
    if not places or any(port == here.port and same_host(host, here.address) for host, port in places):
        return None
    host, port = places[0]
    return Elsewhere(exchange, host, port, f"the broker says that clients reach it at {host}:{port}")


def _quoted(text: str) -> str:
    return readable(text.encode("latin-1", "replace"), 120)


@question(
    "redirects-elsewhere",
    Source.PAYLOAD,
    "the answer sends the client to another host, port or scheme",
    by_hand=in_first_bytes(
        "a Location with another host, port or scheme, a MOVED or ASK, or a broker's other address: yes"
    ),
)
def redirects_elsewhere(view: PacketsView) -> Reply:
    found = _found(view)
    if found:
        return yes(found[0].text, first_data_frames(each.exchange.attempt for each in found))
    return hidden(view) or no("no answer sends the client elsewhere")


@question(
    "redirect-target-failed",
    Source.PACKETS,
    "the client went where the answer sent it, and failed there",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_frames(
        "tcp.flags.syn == 1 || tcp.flags.reset == 1",
        "after the redirect a SYN goes to its host and port and is refused or stays without an answer: yes",
    ),
)
def redirect_target_failed(view: PacketsView) -> Reply:
    found = _found(view)
    if not found:
        return hidden(view) or no("no answer sends the client elsewhere")
    reached = False
    for each in found:
        after = [a for a in _everywhere(view) if _goes_there(a, each)]
        failed = [a for a in after if a.label in FAILURES or turned_away(a)]
        worked = [a for a in after if a not in failed]
        if failed and not worked:
            asked = each.exchange.attempt
            how = failed[0].label if failed[0].label in FAILURES else "a connection without an answer"
            text = f"{each.text}; its attempt to {failed[0].server} then ended: {how}"
            return yes(
                text, (*first_data_frames([asked]), *frames_of(failed, lambda f: f.first, lambda f: f.rst))
            )
        reached = reached or bool(worked)
    if reached:
        return no("the client reached the place to which the answer sent it")
    return unknown("the capture holds no attempt to the place to which the answer sent the client")


@question(
    "sent-elsewhere-in-vain",
    Source.PACKETS,
    "the client is sent where it may not get, and the capture holds no connection there",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=in_frames(
        "tcp.flags.syn == 1",
        "after a MOVED, an ASK, a broker's other address or a Location with a bare name no SYN goes there: yes",
    ),
    belied_by="command-succeeded",
)
def sent_elsewhere_in_vain(view: PacketsView) -> Reply:
    """Recognise clients that do not follow, or follow on a way that leads past the capture.

    Whom HTTP redirects may well be content with the answer, unless it names a host that only the service's own
    network knows: a bare name, as Compose and Kubernetes give them. A client of Redis or Kafka has no answer then.
    """
    found = [each for each in _found(view) if each.exchange.server.response is None or _is_bare(each.host)]
    if not found:
        return hidden(view) or no("no service sends the client where only its own network leads")
    lost = [each for each in found if not any(_goes_there(attempt, each) for attempt in _everywhere(view))]
    if len(lost) < len(found):
        return no("the capture holds a connection to where the client was sent")
    return yes(
        f"{lost[0].text}; the capture holds no connection there",
        first_data_frames(each.exchange.attempt for each in lost),
    )


def _found(view: PacketsView) -> list[Elsewhere]:
    return [found for x in view.exchanges if (found := elsewhere_of(x)) is not None]


def _is_bare(host: str) -> bool:
    """Whether it is a name without a dot, and not the machine's own."""
    return parsed(host) is None and "." not in host and not same_host(host, "localhost")


def _everywhere(view: PacketsView) -> tuple[Attempt, ...]:
    """Return the attempts at hand to any port, without those that prove nothing about their end."""
    labels = (*FAILURES, Label.COMPLETED)
    return attempts((*view.labelled(*labels), *groups_elsewhere(view, *labels)))


def _goes_there(attempt: Attempt, place: Elsewhere) -> bool:
    """Whether an attempt of the same client, after the answer, goes to where it was sent."""
    asked = place.exchange.attempt
    answered = asked.times.server_data or asked.first_ts_ns
    if attempt.server.port != place.port or attempt.first_ts_ns < answered or attempt.recovered:
        return False
    if attempt.client.address != asked.client.address and not same_host(place.host, attempt.server.address):
        return False
    # A name may lead to any address.
    return parsed(place.host) is None or same_host(place.host, attempt.server.address)
