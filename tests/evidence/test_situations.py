"""Situations and the words they bring up: the whole set, so that a word too many shows as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from synscope.model import (
    Answer,
    Attempt,
    Checksum,
    IcmpError,
    NearMiss,
    Outcome,
    Reset,
    TargetSummary,
)

from .builders import MS, SECOND, attempt, observe, summary, times, words

REFUSED = Outcome.REFUSED
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
SERVER_HELLO = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(117)
GET = b"GET / HTTP/1.1\r\nHost: localhost:62893\r\n\r\n"

ASKED = frozenset({"client-data", "client-data-acked"})
ANSWERED = ASKED | {"server-data"}
LOCAL = {"loopback-traffic"}
LOCAL_REFUSED = LOCAL | {"refused-by-rst", "always-refused", "refused-address-is-ipv4-only"}
DONE = LOCAL | {"some-completed", "always-completed"}


@dataclass(frozen=True)
class Situation:
    """What happened, and the words whose answer is yes."""

    name: str
    attempts: tuple[Attempt, ...]
    words: set[str]
    others: tuple[TargetSummary, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def reset(**traits: Any) -> Reset:
    base: dict[str, Any] = {"window": 0, "ip_id": 0, "seq": 0, "has_ack": True, "checksum": Checksum.CORRECT}
    return Reset(from_server=True, **{**base, **traits})


def said(
    client: bytes | None, server: bytes | None, *, port: int = 62893, at: int = 0, **fields: Any
) -> Attempt:
    """A completed connection with these first bytes."""
    events = (frozenset({"client-data", "client-data-acked"}) if client else frozenset()) | (
        frozenset({"server-data"}) if server else frozenset()
    )
    spoken: dict[str, Any] = {
        "client_payload": client,
        "server_payload": server,
        "client_bytes": len(client or b""),
        "server_bytes": len(server or b""),
        "events": events,
        "times": times(at, client_data=at + MS, server_data=at + 2 * MS),
    }
    return attempt(Outcome.ANSWERED, at=at, port=port, **{**spoken, **fields})


def icmp(version: int, kind: int, code: int) -> Attempt:
    server = "::1" if version == 6 else "127.0.0.1"
    return attempt(Outcome.ICMP_ERROR, server=server, icmp=IcmpError(version, kind, code, server))


def wrapped(head: bytes = b"") -> tuple[TargetSummary, ...]:
    data = b"GET / HTTP/1.1\r\n" + head + b"\r\n\r\n"
    return (summary(said(data, b"HTTP/1.1 200 OK\r\n\r\n", port=29185), port=29185),)


SITUATIONS = [
    Situation("nothing", (), {"no-syn-to-target"}),
    Situation("refused", (attempt(REFUSED),), LOCAL_REFUSED),
    Situation(
        "refused, then up",
        (attempt(REFUSED), attempt(REFUSED, at=SECOND), attempt(Outcome.CLOSED, at=2 * SECOND)),
        (LOCAL_REFUSED - {"always-refused"}) | {"some-completed", "success-after-failures"},
    ),
    Situation(
        "up, then refused",
        (attempt(Outcome.CLOSED), attempt(REFUSED, at=SECOND)),
        (LOCAL_REFUSED - {"always-refused"}) | {"some-completed", "failures-after-success"},
    ),
    Situation(
        "every other one refused",
        (attempt(REFUSED), attempt(Outcome.CLOSED, at=1), attempt(REFUSED, at=2), attempt(Outcome.CLOSED, at=3)),
        (LOCAL_REFUSED - {"always-refused"}) | {"some-completed", "mixed-results"},
    ),
    Situation(
        "refused on ::1, recovered on 127.0.0.1",
        (attempt(REFUSED, server="::1", recovered=True), attempt(Outcome.CLOSED, at=MS)),
        LOCAL | {"some-completed", "recovered-at-other-address", "other-family-completed"},
    ),
    Situation(
        "refused on ::1, another client completes on 127.0.0.1",
        (attempt(REFUSED, server="::1"), attempt(Outcome.CLOSED, at=5 * SECOND)),
        LOCAL | {"refused-by-rst", "some-completed", "other-family-completed", "refused-address-is-ipv6-only"},
    ),
    Situation(
        "refused on 127.0.0.1, completed on 127.0.0.2",
        (attempt(REFUSED),),
        LOCAL_REFUSED | {"other-address-completed"},
        others=(summary(attempt(Outcome.CLOSED, server="127.0.0.2"), host="127.0.0.2"),),
    ),
    Situation(
        "the port next to it works",
        (attempt(REFUSED),),
        LOCAL_REFUSED | {"similar-port-completed"},
        others=(summary(attempt(Outcome.CLOSED, port=62839), port=62839),),
    ),
    Situation(
        "unanswered",
        (attempt(Outcome.UNANSWERED, syn_count=4, times=times(last_syn=3 * SECOND)),),
        LOCAL | {"syn-unanswered", "syn-repeated", "refused-address-is-ipv4-only"},
    ),
    Situation(
        "accept queue",
        (
            attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=1)),
            attempt(Outcome.SILENT, at=MS),
            attempt(Outcome.UNANSWERED, at=2 * MS, syn_count=3),
        ),
        LOCAL
        | {"some-completed", "failures-after-success", "many-completed-before-silence", "syn-unanswered"}
        | {"syn-repeated", "server-silent", "request-acknowledged", "refused-address-is-ipv4-only"},
    ),
    Situation("port unreachable", (icmp(4, 3, 3),), LOCAL | {"refused-by-icmp", "refused-address-is-ipv4-only"}),
    Situation("prohibited", (icmp(4, 3, 13),), LOCAL | {"unreachable-by-icmp", "refused-address-is-ipv4-only"}),
    Situation("port, IPv6", (icmp(6, 1, 4),), LOCAL | {"refused-by-icmp", "refused-address-is-ipv6-only"}),
    Situation("policy, IPv6", (icmp(6, 1, 5),), LOCAL | {"unreachable-by-icmp", "refused-address-is-ipv6-only"}),
    Situation("fragmentation needed", (icmp(4, 3, 4),), LOCAL | {"refused-address-is-ipv4-only"}),
    Situation(
        "half-open",
        (attempt(Outcome.SERVER_GAVE_UP, syn_ack_count=5),),
        LOCAL | {"half-open", "refused-address-is-ipv4-only"},
    ),
    Situation(
        "odd reply", (attempt(Outcome.CHALLENGE_ACK),), LOCAL | {"odd-reply", "refused-address-is-ipv4-only"}
    ),
    Situation("kernel's RST", (attempt(REFUSED, reset=reset()),), LOCAL_REFUSED | {"rst-looks-like-kernel"}),
    Situation(
        "firewall's RST",
        (attempt(REFUSED, reset=reset(checksum=Checksum.NOT_FILLED_IN)),),
        LOCAL_REFUSED | {"rst-looks-like-firewall"},
    ),
    Situation(
        "firewall's RST, IPv6",
        (attempt(REFUSED, server="::1", reset=reset()),),
        (LOCAL_REFUSED - {"refused-address-is-ipv4-only"})
        | {"rst-looks-like-firewall", "refused-address-is-ipv6-only"},
    ),
    Situation(
        "RST from another host",
        (attempt(REFUSED, server="10.0.0.2", client="10.0.0.1", reset=reset()),),
        LOCAL_REFUSED - LOCAL,
    ),
    Situation(
        "application aborts",
        (
            attempt(
                Outcome.RESET_BY_SERVER_EARLY,
                reset=reset(window=512, ip_id=7, seq=9, checksum=Checksum.NOT_FILLED_IN),
                events=ASKED | {"server-rst", "server-rst-before-data"},
                times=times(client_data=1, end=2),
            ),
        ),
        DONE | {"reset-before-answer", "rst-looks-like-application"},
    ),
    Situation(
        "reset after data",
        (attempt(Outcome.RESET_BY_SERVER, events=ANSWERED | {"server-rst"}, times=times(end=9)),),
        DONE | {"reset-after-answer"},
    ),
    Situation(
        "closed before an answer",
        (attempt(Outcome.CLOSED, events=ASKED | {"server-fin", "server-fin-before-data"}, times=times(end=9)),),
        DONE | {"closed-before-answer"},
    ),
    Situation(
        "silent until the client gives up",
        (
            attempt(
                Outcome.SERVER_SILENT,
                events=ASKED | {"client-fin"},
                times=times(client_data=MS, client_fin=2 * SECOND, end=2 * SECOND),
            ),
        ),
        DONE | {"server-silent", "request-acknowledged", "client-gave-up"},
    ),
    Situation(
        "data never acknowledged",
        (attempt(Outcome.SERVER_SILENT, events=frozenset({"client-data"}), times=times(client_data=MS)),),
        DONE | {"server-silent", "request-not-acknowledged"},
    ),
    Situation(
        "answer after the client left",
        (
            attempt(
                Outcome.RESET_BY_CLIENT,
                events=ANSWERED | {"client-fin", "client-rst", "server-data-after-client-fin"},
                times=times(client_data=MS, client_fin=SECOND, server_data=2 * SECOND, end=SECOND),
            ),
        ),
        DONE | {"late-answer", "client-gave-up", "reset-by-client"},
    ),
    Situation("a port scanner", (attempt(Outcome.CLIENT_RESET),), LOCAL | {"half-open", "reset-by-client", "refused-address-is-ipv4-only"}),
    Situation("healthy HTTP", (said(GET, b"HTTP/1.1 200 OK\r\n\r\n{}"),), DONE),
    Situation("404", (said(GET, b"HTTP/1.1 404 Not Found\r\n\r\n"),), DONE | {"http-client-error"}),
    Situation("500", (said(GET, b"HTTP/1.1 500 Oops\r\n\r\n"),), DONE | {"http-server-error"}),
    Situation("503", (said(GET, b"HTTP/1.1 503 Wait\r\n\r\n"),), DONE | {"http-gateway-error"}),
    Situation(
        "model still loading",
        (
            said(
                b"POST /v1/chat/completions HTTP/1.1\r\n\r\n",
                b'HTTP/1.1 503 Service Unavailable\r\nServer: llama.cpp\r\n\r\n{"error":{"message":"Loading model"}}',
            ),
        ),
        DONE | {"http-gateway-error", "http-loading", "llm-api"},
    ),
    Situation(
        "MCP", (said(b"POST /mcp HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),), DONE | {"context-api"}
    ),
    Situation(
        "https to http",
        (said(HELLO, b"HTTP/1.1 400 Bad Request\r\n\r\n"),),
        DONE | {"tls-to-plain-server", "http-client-error"},
    ),
    Situation(
        "http to https, alert", (said(GET, b"\x15\x03\x01\x00\x02\x02\x46"),), DONE | {"plain-to-tls-server", "tls-alert"}
    ),
    Situation(
        "http to https, told",
        (said(GET, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"),),
        DONE | {"plain-to-tls-server", "http-client-error"},
    ),
    Situation("http to SSH", (said(GET, b"SSH-2.0-x\r\n"),), DONE | {"other-protocol-greeting"}),
    Situation(
        "https to SSH",
        (said(HELLO, b"SSH-2.0-x\r\n"),),
        DONE | {"other-protocol-greeting", "tls-to-plain-server"},
    ),
    Situation("SSH to SSH", (said(b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"),), DONE),
    Situation("unknown client to SMTP", (said(b"\x01\x02\x03", b"220 x ESMTP\r\n"),), DONE),
    Situation(
        "certificate rejected in the clear",
        (said(HELLO[:9].replace(b"\x02\x00", b"\x00\x04", 1) + b"\x15\x03\x03\x00\x02\x02\x2a", SERVER_HELLO),),
        DONE | {"tls-certificate-rejected", "tls-alert"},
    ),
    Situation(
        "certificate rejected, alert beyond the kept bytes",
        (said(HELLO, SERVER_HELLO, client_bytes=517 + 7, server_bytes=1329, times=times(client_data=1, server_data=2, end=3)),),
        DONE | {"tls-certificate-rejected"},
    ),
    Situation("healthy TLS", (said(HELLO, SERVER_HELLO, client_bytes=900, server_bytes=4000),), DONE),
    Situation(
        "wrapped port", (), {"no-syn-to-target", "wrapped-port-seen"}, others=wrapped(), options={"port": 619009}
    ),
    Situation(
        "wrapped port with its Host header",
        (),
        {"no-syn-to-target", "wrapped-port-seen", "host-header-out-of-range"},
        others=wrapped(b"Host: localhost:619009"),
        options={"port": 619009},
    ),
    Situation(
        "near misses",
        (),
        {"no-syn-to-target", "wrapped-port-seen", "proxy-request-names-target", "rst-without-syn"},
        options={
            "port": 619009,
            "misses": [
                NearMiss("wrapped-port", "SYN to 29185", 29185, (4,)),
                NearMiss("proxy-request", "CONNECT localhost:619009", 3128, (7,)),
                NearMiss("rst-without-syn", "an RST from it", 619009, (9,)),
            ],
        },
    ),
    Situation(
        "sent to a proxy",
        (),
        {"no-syn-to-target", "proxy-request-names-target"},
        others=(summary(said(b"GET http://127.0.0.1:62893/ HTTP/1.1\r\n\r\n", None, port=3128), port=3128),),
    ),
    Situation(
        "a proxy asked for another host",
        (),
        {"no-syn-to-target"},
        others=(summary(said(b"GET http://10.1.1.1:62893/ HTTP/1.1\r\n\r\n", None, port=3128), port=3128),),
    ),
    Situation(
        "a gateway in front",
        (attempt(REFUSED, at=SECOND),),
        LOCAL_REFUSED | {"gateway-upstream-failed"},
        others=(summary(said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n", port=8080, at=SECOND), port=8080),),
    ),
    Situation(
        "a gateway much later",
        (attempt(REFUSED),),
        LOCAL_REFUSED,
        others=(summary(said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n", port=8080, at=9 * SECOND), port=8080),),
    ),
    Situation(
        "dns over tcp",
        (),
        {"no-syn-to-target", "dns-query-for-localhost"},
        others=(summary(said(b"\0\x1b\0\0\1\0\0\1\0\0\0\0\0\0\x09localhost\0\0\1\0\1", None, port=53), port=53),),
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    found = observe(*situation.attempts, others=situation.others, **situation.options)
    assert words(found) == situation.words


def test_every_word_comes_up() -> None:
    named = set().union(*(situation.words for situation in SITUATIONS))
    assert named == set(observe())


UNDECIDED = [
    ("server-silent", attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=58 * SECOND)), "ends 2 s after"),
    (
        "server-silent",
        attempt(Outcome.CLOSED, events=ASKED | {"client-fin", "server-fin"}, times=times(client_data=0, client_fin=MS, end=MS)),
        "perhaps no answer was due",
    ),
    (
        "late-answer",
        attempt(Outcome.CLOSED, events=ANSWERED, times=times(client_data=0, client_fin=1, server_data=2, end=1)),
        "may still have read the answer",
    ),
    ("rst-looks-like-kernel", attempt(REFUSED, reset=reset(checksum=Checksum.UNKNOWN)), "could not be checked"),
    ("rst-looks-like-firewall", attempt(REFUSED, reset=reset(checksum=Checksum.WRONG)), "none of those"),
    ("rst-looks-like-kernel", attempt(REFUSED, server="10.0.0.2", client="10.0.0.1", reset=reset()), "not a same-host"),
    ("http-client-error", attempt(Outcome.ANSWERED, events=ANSWERED, client_bytes=9, server_bytes=9), "no payload"),
    ("http-client-error", said(HELLO, SERVER_HELLO), "encrypted"),
    ("llm-api", attempt(REFUSED), "no byte was exchanged"),
    ("other-protocol-greeting", said(None, b"SSH-2.0-x\r\n"), "had said nothing"),
    ("tls-certificate-rejected", said(HELLO, SERVER_HELLO, client_bytes=517), "not visible"),
    ("tls-alert", said(HELLO, SERVER_HELLO, client_bytes=517), "no alert is visible"),
    ("refused-by-icmp", icmp(4, 3, 99), "ICMP 3/99"),
    ("always-completed", attempt(Outcome.CLIENT_SIDE_ONLY), ""),
]


@pytest.mark.parametrize(("word", "one", "why"), UNDECIDED[:-1], ids=[f"{w}: {t}" for w, _, t in UNDECIDED[:-1]])
def test_could_not_tell(word: str, one: Attempt, why: str) -> None:
    found = observe(one)[word]
    assert found.answer is Answer.UNKNOWN
    assert why in found.text


def test_open_end_is_unknown_without_an_end() -> None:
    one = attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=0))
    assert observe(one, end=None)["server-silent"].answer is Answer.UNKNOWN
    assert observe(one)["server-silent"].answer is Answer.YES


def test_order_says_nothing_across_addresses() -> None:
    found = observe(attempt(REFUSED, server="127.0.0.2"), attempt(Outcome.CLOSED, at=SECOND))
    assert found["success-after-failures"].answer is Answer.UNKNOWN
    assert found["other-address-completed"].answer is Answer.YES


def test_other_hosts_are_not_other_addresses() -> None:
    elsewhere = summary(attempt(Outcome.CLOSED, server="10.0.0.9", client="10.0.0.1"), host="10.0.0.9")
    found = observe(attempt(REFUSED, server="10.0.0.2", client="10.0.0.1"), others=[elsewhere])
    assert found["other-address-completed"].answer is Answer.UNKNOWN


def test_reset_after_the_clients_own_close_is_no_trouble() -> None:
    one = attempt(
        Outcome.RESET_BY_SERVER_EARLY, events=frozenset({"client-fin", "server-rst"}), times=times(client_fin=1, end=1)
    )
    assert observe(one)["reset-before-answer"].answer is Answer.NO


def test_one_sided_hides_the_whole() -> None:
    found = observe(attempt(Outcome.CLOSED), attempt(Outcome.CLIENT_SIDE_ONLY, at=1))
    assert found["always-completed"].answer is Answer.UNKNOWN


def test_equal_times_are_ordered_by_frame() -> None:
    found = observe(attempt(REFUSED, frame=1), attempt(Outcome.CLOSED, frame=5))
    assert found["success-after-failures"].answer is Answer.YES


@pytest.mark.parametrize(
    ("host", "attempts", "answer"),
    [
        (None, [attempt(REFUSED)], Answer.YES),
        (None, [attempt(REFUSED, server="10.0.0.2")], Answer.NO),
        (None, [attempt(REFUSED), attempt(REFUSED, server="10.0.0.2")], Answer.UNKNOWN),
        ("example.test", [], Answer.UNKNOWN),
    ],
)
def test_target_is_loopback_by_addresses(host: str | None, attempts: list[Attempt], answer: Answer) -> None:
    assert observe(*attempts, host=host)["target-is-loopback"].answer is answer


def test_texts_quote_numbers_and_frames() -> None:
    refused = attempt(REFUSED, frame=7, times=times(answer=49_000))
    found = observe(refused)["refused-by-rst"]
    assert found.text == "the SYN of 1 attempt was answered by an RST, 49 µs after it at the soonest"
    assert found.frames == (7, 8)
