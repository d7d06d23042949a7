"""Questions about conversations at cross purposes.

Another protocol than the client's, TLS on one side only, a certificate turned down.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_capture, in_first_bytes, in_tls
from synscope.evidence.packets.exchange import client_ended_first
from synscope.evidence.packets.view import (
    Exchange,
    PacketsView,
    exchanges,
    first_data_frames,
    frames_of,
    is_said,
    is_tls,
)
from synscope.evidence.payload.heard import unheard, where
from synscope.evidence.payload.http_answers import CLIENT_ERRORS
from synscope.evidence.payload.protocols import LIMIT, NAMELESS, Alert, Response
from synscope.evidence.payload.recognise import Payload, Protocol, describe, recognise
from synscope.evidence.payload.tls import CERTIFICATE_REJECTED, CLOSE_NOTIFY, records_of
from synscope.evidence.payload.upgraded import (
    TURNS_TO_TLS,
    alert_upon_flight,
    began_tls_later,
    of_client,
)
from synscope.evidence.question import OwnConnect, Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, Label, Source, Stage, TargetSummary
from synscope.reference.ports import USUAL_PROTOCOLS
from synscope.units import listed


@cache
def _plain_to_tls_form() -> re.Pattern[str]:
    return re.compile(
        r"http request (?:was sent )?to (?:an )?https|speaking plain http to an ssl|requires tls|http to https"
    )


@cache
def _wants_tls_form() -> re.Pattern[bytes]:
    """Return how services say that they serve nobody without TLS (NATS, SMTP, FTP, LDAP, MySQL …)."""
    return re.compile(
        rb"(?:tls|ssl)(?:/tls)? (?:connection )?(?:is )?required|must issue (?:a )?starttls"
        rb"|insecure transport are prohibited|requires? (?:an? )?(?:tls|ssl|encryption|encrypted|secure connection)"
    )


# A client's TLS Finished needs 58 bytes and more; an alert, with or without change_cipher_spec, 7 to 37.
_ALERT_SIZES: Final = frozenset(range(7, 41))
_WITHOUT_ALERT: Final = frozenset({0, 6})
"""What a client sends that closes without an alert, as Java does: nothing, or change_cipher_spec alone."""
_OF_CHECKS: Final = b"\x03\x00"
"""SSL 3.0 as the version of a ClientHello: balancers ask so whether a server speaks TLS, and leave."""
_HELLO_VERSION: Final = slice(9, 11)
_FINISHED: Final = 58
# A client's second flight. TLS 1.3: perhaps change_cipher_spec, Finished over SHA-256 or SHA-384. TLS 1.2:
# ClientKeyExchange (X25519, P-256, P-384, P-521, RSA of 2048 bits), change_cipher_spec, Finished (ChaCha20, GCM).
_SECOND_FLIGHTS: Final = frozenset(
    {58, 64, 74, 80} | {key + 6 + finished for key in (42, 75, 107, 143, 267) for finished in (37, 45)}
)
_HELLO_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random by which a ServerHello asks for another ClientHello (RFC 8446 §4.1.3)."""
_RANDOM: Final = slice(11, 43)
_CHANGE_CIPHER_SPEC: Final = 6
_GOODBYE: Final = 31
"""The longest encrypted alert."""
_SHORTEST_REQUEST: Final = 130
_HANDSHAKE: Final = 22
_SHORTEST_HELLO: Final = 50
"""A ClientHello without a session, with one cipher and no extension (RFC 5246 §7.4.1.2)."""
_RECORD_HEADER: Final = 5
_CERTIFICATE_FLIGHT: Final = 500
_ENDS: Final = frozenset({"client-fin", "server-fin", "client-rst", "server-rst"})


def _both(exchange: Exchange) -> str:
    return (
        f"the client sent {describe(exchange.client)}, the server answered with {describe(exchange.server)}"
    )


@question(
    "tls-to-plain-server",
    Source.PAYLOAD,
    "the client spoke TLS and the server answered in plain text or not in TLS",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the client begins with 16 03, the server with something else: yes"),
    own_connect=OwnConnect.FAKES,
)
def tls_to_plain_server(view: PacketsView) -> Reply:

    def mismatch(x: Exchange) -> bool:
        return x.client.protocol is Protocol.TLS_CLIENT_HELLO and is_said(x.server) and not is_tls(x.server)

    return where(view, mismatch, _both) or unheard(view) or no("no TLS client got an answer outside TLS")


def hints_at_tls(response: Response) -> bool:
    """Whether a server objects to plain text because it wants TLS."""
    words = f"{response.reason}\n{response.rest}".lower()
    return response.status in CLIENT_ERRORS and _plain_to_tls_form().search(words) is not None


@question(
    "plain-to-tls-server",
    Source.PAYLOAD,
    "the client spoke plain text and the server answered with a TLS alert, or that it wants TLS",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the client begins with text, the server with 15 03 or a hint at TLS: yes"),
    own_connect=OwnConnect.FAKES,
)
def plain_to_tls_server(view: PacketsView) -> Reply:

    def mismatch(x: Exchange) -> bool:
        if not is_said(x.client) or is_tls(x.client):
            return False
        response = x.server.response
        told = response is not None and hints_at_tls(response)
        return x.server.protocol is Protocol.TLS_ALERT or told or (response is None and _wants_tls(x))

    return (
        where(view, mismatch, _both)
        or unheard(view)
        or no("no plain-text client got a TLS alert or a hint at TLS")
    )


def _wants_tls(exchange: Exchange) -> bool:
    """Whether a service says so in its own protocol as its last word, or NATS at first and the client went on."""
    attempt = exchange.attempt
    greeting = attempt.server_payload or b""
    last = attempt.server_reply if attempt.server_reply is not None else greeting
    announced = exchange.server.protocol is Protocol.NATS and b'"tls_required":true' in greeting[:LIMIT]
    return announced or _wants_tls_form().search(last[:LIMIT].lower()) is not None


_PAGES: Final = ("<!doctype html", "<html")
"""How an answer begins that a web server gives to what it does not take for HTTP at all."""
_RESP_REPLIES: Final = tuple("+-:$*_#,(!=%~>|")
"""How every reply to a Redis client begins (RESP3 specification)."""


@question(
    "other-protocol-greeting",
    Source.PAYLOAD,
    "the server greeted with a protocol other than the client's",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the server's first line is of another protocol than the client's: yes"),
)
def other_protocol_greeting(view: PacketsView) -> Reply:
    """Compare protocols that the bytes name; bytes that name none accuse nobody."""

    def named(payload: Payload) -> bool:
        return payload.protocol not in NAMELESS

    def mismatch(x: Exchange) -> bool:
        if x.client.protocol is Protocol.HTTP2_PREFACE and is_said(x.server):
            return x.server.protocol is not Protocol.HTTP2_FRAME
        # TLS against something else has its own two words, unless the server names another protocol.
        answered_in_kind = is_tls(x.server) or (is_tls(x.client) and x.server.response is not None)
        if x.client.protocol is Protocol.SOCKS and x.server.response is None:
            return False
        said = x.server.text if x.server.protocol is Protocol.TEXT else ""
        page = x.client.request is None and said.lower().startswith(_PAGES)
        other = x.client.protocol is Protocol.REDIS and said and not said.startswith(_RESP_REPLIES)
        return (
            named(x.client)
            and (named(x.server) or page or bool(other))
            and x.client.family != x.server.family
            and not answered_in_kind
        )

    reply = where(view, mismatch, _both) or unheard(view)
    if reply is not None:
        return reply
    # An HTTP answer shows by itself what the client had asked for.
    greeted = [x for x in view.exchanges if named(x.server) and x.server.response is None]
    mute = next((x for x in greeted if not is_said(x.client)), None)
    if mute is not None:
        why = f"the server sent {describe(mute.server)}; nothing shows what the client speaks"
        return unknown(why, first_data_frames([mute.attempt]))
    return no("no server greeted with another protocol than the client's")


@question(
    "tls-certificate-rejected",
    Source.PAYLOAD,
    "a TLS alert of the client rejects the certificate, or it closed right after it",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_tls("tls.alert_message.desc in {42..48, 113, 114} && tcp.dstport == {port}"),
    own_connect=OwnConnect.FAKES,
)
def tls_certificate_rejected(view: PacketsView) -> Reply:
    """Recognise a rejection by an alert in the clear, or by a close whose size fits one alert.

    In TLS 1.3 the client's alert is encrypted, and the first kept bytes often end before it. What
    remains visible is that the client, having sent its hello and no more than an alert, ended
    upon a flight large enough to hold a certificate.
    """

    def alerted(x: Exchange) -> bool:
        alert = of_client(x).alert
        return alert is not None and alert.description in CERTIFICATE_REJECTED

    def left(x: Exchange) -> str:
        beyond = _beyond_hello(x)
        much = "nothing" if not beyond else f"only {beyond} bytes"
        less = "less than" if beyond in _WITHOUT_ALERT else "as many as"
        extra = f"{much} after its hello, {less} one alert"
        return f"the handshake ended after the server's first flight: the client sent {extra}"

    reply = (
        where(view, alerted, lambda x: f"the client sent {describe(of_client(x))}")
        or where(view, _left_after_flight, left)
        or where(
            view,
            alert_upon_flight,
            lambda _: (
                "TLS within the service's own protocol ended with an alert in place of the client's part"
            ),
        )
    )
    if reply is not None:
        return reply
    mute = unheard(view)
    if mute is not None:
        return mute
    handshakes = [
        x for x in view.exchanges if x.client.protocol is Protocol.TLS_CLIENT_HELLO and is_tls(x.server)
    ]
    open_ends = [x for x in handshakes if ended_without_request(x)]
    if open_ends:
        why = "a TLS connection ended without a request; whether the client sent an alert is not visible"
        return unknown(why, first_data_frames(x.attempt for x in open_ends))
    return no(
        "TLS handshakes went on past the certificate"
        if handshakes
        else "no TLS handshake got as far as a certificate"
    )


@question(
    "tls-left-unused",
    Source.PAYLOAD,
    "the client finished the TLS handshake and closed at once: no request, no close_notify",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    by_hand=in_tls("tls", "the client's Finished is its last record: yes"),
    belied_by="command-succeeded",
)
def tls_left_unused(view: PacketsView) -> Reply:
    """Recognise clients that look at the certificate only when the handshake is over."""

    def left(x: Exchange) -> bool:
        hello = x.client.protocol is Protocol.TLS_CLIENT_HELLO and x.client.alert is None
        answered = x.server.protocol is Protocol.TLS_SERVER_HELLO and x.server.alert is None
        flight = x.attempt.server_bytes >= _CERTIFICATE_FLIGHT
        return (
            hello
            and answered
            and flight
            and _beyond_hello(x) in _SECOND_FLIGHTS
            and (client_ended_first(x.attempt) or _broke_off(x.attempt))
        )

    return (
        where(view, left, lambda _: "the client finished the TLS handshake, then closed without a request")
        or unheard(view)
        or no("no client closed right after a TLS handshake")
    )


@question("tls-spoken", Source.PAYLOAD, "one side spoke TLS", by_hand=in_tls("tls"))
def tls_spoken(view: PacketsView) -> Reply:
    return (
        where(view, lambda x: is_tls(x.client) or is_tls(x.server), _both)
        or where(view, began_tls_later, lambda _: "the client began TLS within the service's own protocol")
        or unheard(view)
        or _may_have_begun_later(view)
        or no("nobody spoke TLS")
    )


def _may_have_begun_later(view: PacketsView) -> Reply | None:
    """Return *unknown* where the service's protocol can turn to TLS, and more was said than was kept."""
    later = [
        x
        for x in view.exchanges
        if {x.client.protocol, x.server.protocol} & TURNS_TO_TLS
        and x.attempt.server_bytes
        and x.attempt.client_bytes - len(x.attempt.client_payload or b"") >= _SHORTEST_HELLO
    ]
    if not later:
        return None
    why = f"{describe(later[0].server)} can turn to TLS, and what the client said later was not kept"
    return unknown(why, first_data_frames(x.attempt for x in later))


@question(
    "tls-hello-unanswered",
    Source.PAYLOAD,
    "the client's TLS hello got no byte in answer",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=in_tls("tls.handshake.type == 1", "no byte of the server follows: yes"),
)
def tls_hello_unanswered(view: PacketsView) -> Reply:

    def mute(x: Exchange) -> bool:
        return x.client.protocol is Protocol.TLS_CLIENT_HELLO and not x.attempt.server_bytes

    return (
        where(view, mute, lambda _: "the client's TLS hello got no byte in answer")
        or unheard(view)
        or no("every TLS hello was answered")
    )


def _beyond_hello(exchange: Exchange) -> int:
    """Return how many bytes the client sent after its hello, or after the second one it was asked for."""
    hello = exchange.client.first_record or 0
    beyond = max(0, exchange.attempt.client_bytes - hello)
    if (exchange.attempt.server_payload or b"")[_RANDOM] == _HELLO_RETRY:
        return max(0, beyond - _second_hello(exchange) - _CHANGE_CIPHER_SPEC)
    return beyond


def _second_hello(exchange: Exchange) -> int:
    """Return how long the hello is that the client was asked for: as long as the first where it was not kept."""
    hellos = [
        _RECORD_HEADER + length
        for kind, length, _ in records_of(exchange.attempt.client_payload or b"")
        if kind == _HANDSHAKE
    ]
    return hellos[1] if len(hellos) > 1 else exchange.client.first_record or 0


def _left_after_flight(exchange: Exchange) -> bool:
    attempt = exchange.attempt
    flight = (
        exchange.server.protocol is Protocol.TLS_SERVER_HELLO and attempt.server_bytes >= _CERTIFICATE_FLIGHT
    )
    ended = attempt.times.end is not None or bool(attempt.events & _ENDS)
    hello = exchange.client.protocol is Protocol.TLS_CLIENT_HELLO and exchange.client.alert is None
    beyond = _beyond_hello(exchange)
    rejected = beyond in _ALERT_SIZES or (beyond in _WITHOUT_ALERT and _walked_out(exchange))
    return hello and flight and ended and rejected


def _walked_out(exchange: Exchange) -> bool:
    """Whether it was the client that ended it, having read the server's flight, and no check of the port."""
    attempt = exchange.attempt
    by_server = bool(attempt.events & {"server-fin", "server-rst"}) and not client_ended_first(attempt)
    # Who closes before it has read everything resets.
    unread = "client-rst" in attempt.events and "client-fin" not in attempt.events
    return not by_server and not unread and (attempt.client_payload or b"")[_HELLO_VERSION] != _OF_CHECKS


def _broke_off(attempt: Attempt) -> bool:
    """Whether it was the client that ended it, by a reset: the server's session tickets were still unread."""
    return "client-rst" in attempt.events and not attempt.events & {"server-fin", "server-rst"}


def ended_without_request(exchange: Exchange) -> bool:
    """Whether no alert is visible and the client sent too little for a handshake with a request."""
    if exchange.client.alert is not None or exchange.server.alert is not None:
        return False
    beyond = _beyond_hello(exchange)
    # GnuTLS finishes the handshake before it looks at the certificate, and says goodbye with an alert.
    left = beyond < _SHORTEST_REQUEST or any(0 <= beyond - flight <= _GOODBYE for flight in _SECOND_FLIGHTS)
    return beyond < _FINISHED or (left and client_ended_first(exchange.attempt))


_NO_COMMON_GROUND: Final = frozenset({70, 71, 86, 120})
"""Alerts by which one side says that it shares no version, no cipher or no protocol with the other."""


@question(
    "tls-no-common-version",
    Source.PAYLOAD,
    "a TLS alert says that the two ends share no version, no cipher or no protocol",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_tls("tls.alert_message.desc in {70, 71, 86, 120}"),
)
def tls_no_common_version(view: PacketsView) -> Reply:

    def alert_of(x: Exchange) -> Alert | None:
        return of_client(x).alert or x.server.alert or _late(x).alert

    def says_so(x: Exchange) -> bool:
        alert = alert_of(x)
        speaks = is_tls(x.client) or began_tls_later(x)
        return speaks and alert is not None and alert.description in _NO_COMMON_GROUND

    def text(x: Exchange) -> str:
        alert = alert_of(x)
        return f"a TLS alert ended the handshake: {alert.name if alert else ''}"

    return where(view, says_so, text) or unheard(view) or no("no alert speaks of versions or ciphers")


def _late(exchange: Exchange) -> Payload:
    """What a server says once it has seen the client's part: in TLS 1.2 a certificate that it wants."""
    handshaking = exchange.server.protocol is Protocol.TLS_SERVER_HELLO or began_tls_later(exchange)
    return recognise(exchange.attempt.server_reply or b"") if handshaking else exchange.server


@question(
    "tls-alert",
    Source.PAYLOAD,
    "a TLS alert other than close_notify was sent",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_tls("tls.alert_message.desc > 0"),
    own_connect=OwnConnect.FAKES,
)
def tls_alert(view: PacketsView) -> Reply:

    def bad(payload: Payload) -> bool:
        return payload.alert is not None and payload.alert.description != CLOSE_NOTIFY

    def text(x: Exchange) -> str:
        side, payload = ("client", of_client(x)) if bad(of_client(x)) else ("server", x.server)
        return f"the {side} sent {describe(payload)}"

    reply = (
        where(view, lambda x: bad(of_client(x)) or bad(x.server), text)
        or where(view, lambda x: bad(_late(x)), lambda x: f"the server sent {describe(_late(x))}")
        or unheard(view)
    )
    if reply is not None:
        return reply
    handshakes = [x for x in view.exchanges if is_tls(x.client) and is_tls(x.server)]
    if any(_beyond_hello(x) < _FINISHED for x in handshakes):
        return unknown("a TLS handshake did not go on, and no alert is visible in the first bytes")
    return no("no TLS alert in the first bytes of either side")


_PROXY_LINES: Final = (b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN", b"\r\n\r\n\0\r\nQUIT\n")
"""How the PROXY protocol begins, in its first version and its second (HAProxy's proxy-protocol.txt, §2)."""


def _has_proxy_line(exchange: Exchange) -> bool:
    return (exchange.attempt.client_payload or b"").startswith(_PROXY_LINES)


@question(
    "client-sent-proxy-line",
    Source.PAYLOAD,
    "a client began with the line of the PROXY protocol, as balancers do",
    by_hand=in_first_bytes("the client begins with PROXY TCP4, or with 0d 0a 0d 0a 00 0d 0a 51: yes"),
)
def client_sent_proxy_line(view: PacketsView) -> Reply:
    return (
        where(view, _has_proxy_line, lambda _: "the client began with the line of the PROXY protocol")
        or unheard(view)
        or no("no client began with the line of the PROXY protocol")
    )


@question(
    "proxy-line-not-understood",
    Source.PAYLOAD,
    "a client began with the line of the PROXY protocol, and the server hung up or objected",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the client begins with PROXY, the server with an error or not at all: yes"),
)
def proxy_line_not_understood(view: PacketsView) -> Reply:

    def turned_down(x: Exchange) -> bool:
        response = x.server.response
        objected = response is not None and response.status in CLIENT_ERRORS
        ended = not x.attempt.server_bytes and bool(x.attempt.events & {"server-fin", "server-rst"})
        stranger = is_said(x.server) and x.server.protocol in {
            Protocol.REDIS,
            Protocol.MEMCACHED,
            Protocol.SMTP,
        }
        return _has_proxy_line(x) and (objected or ended or stranger)

    return (
        where(
            view,
            turned_down,
            lambda x: f"the client began with the line of the PROXY protocol, and got {describe(x.server)}",
        )
        or unheard(view)
        or no("no line of the PROXY protocol was turned down")
    )


_AT_ONCE_NS: Final = 50_000_000
_LONG_NS: Final = 1_000_000_000
"""Longer than a server's greeting takes on one machine."""
_SPEAKS_FIRST: Final = frozenset(
    {
        *(Protocol.SMTP, Protocol.FTP, Protocol.SMTP_OR_FTP, Protocol.SSH, Protocol.IMAP, Protocol.POP3),
        *(Protocol.MYSQL, Protocol.NATS, Protocol.VNC, Protocol.TELNET),
    }
)


@question(
    "greeted-when-client-left",
    Source.PAYLOAD,
    "the client waited for a greeting in vain, and the server's came at the moment when the client spoke or closed",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.len > 0 && tcp.srcport == {port}",
        "the greeting comes within milliseconds after the client's FIN or its own first byte, and not before: yes",
    ),
)
def greeted_when_client_left(view: PacketsView) -> Reply:
    """Recognise a listener that hands a connection over when the client sends something, be it only its FIN."""
    return (
        where(
            view,
            lambda x: bool(_moved_by(x)),
            lambda x: (
                f"the server greeted with {describe(x.server)} when the client {_moved_by(x)}, not before"
            ),
        )
        or unheard(view)
        or no("no greeting came only when a client spoke or closed")
    )


def _moved_by(exchange: Exchange) -> str:
    """Return what the client did right before the greeting for which it had waited; empty where it did not so."""
    times = exchange.attempt.times
    if times.server_data is None or exchange.server.protocol not in _SPEAKS_FIRST:
        return ""
    spoke, closed = times.client_data, times.client_fin
    if spoke is None and not exchange.attempt.client_bytes:
        return "closed" if _answered_at_once(exchange, closed, 2 * _AT_ONCE_NS) else ""
    return "spoke first" if _answered_at_once(exchange, spoke, _LONG_NS) else ""


def _answered_at_once(exchange: Exchange, moved: int | None, waited: int) -> bool:
    """Whether the server's first byte came right upon something that the client did after it had waited."""
    spoke = exchange.attempt.times.server_data
    if moved is None or spoke is None:
        return False
    return moved - exchange.attempt.first_ts_ns > waited and 0 < spoke - moved < _AT_ONCE_NS


def unanswered_in(summary: TargetSummary) -> tuple[str, ...]:
    """Return the families of protocols in which clients of the target spoke and got no byte in answer, sorted."""
    said = exchanges(group for group in summary.groups if group.label is Label.COMPLETED)
    mute = (x.client for x in said if not x.attempt.server_bytes)
    return tuple(sorted({payload.family for payload in mute if payload.protocol not in NAMELESS}))


@question(
    "port-of-other-protocol",
    Source.PAYLOAD,
    "the client got no answer in its protocol, and the port is the usual one of another",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    by_hand=in_first_bytes(
        "the client speaks another protocol than {port} is known for, and the server says nothing: yes"
    ),
)
def port_of_other_protocol(view: PacketsView) -> Reply:
    """Compare what the client spoke with what the port's usual service does."""
    port = view.summary.target.port
    usual = USUAL_PROTOCOLS.get(port)
    if usual is None:
        return no(f"{port} is not the usual port of one protocol")
    spoken = unanswered_in(view.summary)
    if spoken and usual not in spoken:
        mute = [x.attempt for x in view.exchanges if not x.attempt.server_bytes]
        text = f"the client spoke {listed(spoken)} on the usual port of {usual}, and got no answer"
        return yes(text, frames_of(mute, lambda frames: frames.client_data))
    return no(f"no client got no answer in another protocol than {usual}")
