"""Any target gets one answer for each word, whatever the attempts look like."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from synscope.evidence.packets.icmp import ICMP_ERRNO, MEANINGS
from synscope.evidence.packets.observe import QUESTIONS, observe_packets
from synscope.model import (
    Attempt,
    AttemptGroup,
    Checksum,
    Endpoint,
    Frames,
    IcmpError,
    Label,
    NearMiss,
    Outcome,
    Reset,
    Target,
    TargetSummary,
    Times,
)
from tests.evidence.packets import (
    test_delays,
    test_elsewhere,
    test_endings,
    test_exchange,
    test_handshake,
    test_icmp,
    test_intermediaries,
    test_resets,
    test_signatures,
    test_timeline,
)
from tests.evidence.payload import (
    test_declined,
    test_host_headers,
    test_http_answers,
    test_limits,
    test_mismatch,
    test_redirects,
    test_service_errors,
    test_starting,
    test_tls_refusals,
    test_unfinished,
    test_usual_owner,
)

EVENTS = [
    *("client-syn", "server-syn", "syn-ack", "client-syn-ack", "server-acks", "client-acks", "client-sent"),
    *("server-sent", "client-data", "server-data", "client-fin", "server-fin", "rst-to-syn", "server-rst"),
    *("client-rst", "server-rst-before-data", "icmp-error", "odd-ack", "odd-syn-ack", "odd-rst"),
    *("syn-again-after-rst", "client-data-acked", "server-data-after-client-fin", "server-fin-before-data"),
    "syn-carries-data",
]
MOMENTS = st.integers(0, 20_000_000_000)
MAYBE_MOMENT = st.none() | MOMENTS
FRAMES = st.none() | st.integers(1, 99)
ADDRESSES = st.sampled_from(["127.0.0.1", "127.0.0.2", "::1", "10.0.0.1", "fe80::1%lo", "not an address"])
PORTS = st.sampled_from([0, 53, 80, 8080, 29185, 62839, 62893])
BYTES = (
    st.none()
    | st.binary(max_size=40)
    | st.sampled_from(
        [
            b"GET http://localhost:62893/ HTTP/1.1\r\nHost: localhost:619009\r\n\r\n",
            b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
            b"\x16\x03\x01\x00\x04\x01\x00\x00\x00\x15\x03\x03\x00\x02\x02\x30",
            b"SSH-2.0-x\r\n",
        ]
    )
)

ATTEMPTS = st.builds(
    Attempt,
    id=st.integers(0, 9),
    client=st.builds(Endpoint, ADDRESSES, PORTS),
    server=st.builds(Endpoint, ADDRESSES, PORTS),
    first_ts_ns=MOMENTS,
    label=st.sampled_from(Label),
    outcome=st.sampled_from(Outcome),
    syn_count=st.integers(0, 9),
    syn_ack_count=st.integers(0, 9),
    frames=st.builds(Frames, st.integers(1, 99), *[FRAMES] * 8),
    times=st.builds(Times, MOMENTS, *[MAYBE_MOMENT] * 6),
    events=st.frozensets(st.sampled_from(EVENTS), max_size=8),
    client_bytes=st.integers(0, 2000),
    server_bytes=st.integers(0, 2000),
    reset=st.none()
    | st.builds(
        Reset,
        st.booleans(),
        st.sampled_from([0, 512]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.booleans(),
        st.sampled_from(Checksum),
    ),
    icmp=st.none()
    | st.builds(IcmpError, st.sampled_from([4, 6]), st.integers(0, 4), st.integers(0, 16), ADDRESSES),
    client_payload=BYTES,
    server_payload=BYTES,
    recovered=st.booleans(),
)


@st.composite
def groups(draw: st.DrawFn) -> AttemptGroup:
    examples = tuple(draw(st.lists(ATTEMPTS, max_size=3)))
    return AttemptGroup(
        server=draw(st.builds(Endpoint, ADDRESSES, PORTS)),
        label=draw(st.sampled_from(Label)),
        outcome=draw(st.sampled_from(Outcome)),
        recovered=draw(st.booleans()),
        count=draw(st.integers(1, 2000)),
        first_ts_ns=draw(MOMENTS),
        last_ts_ns=draw(MOMENTS),
        examples=examples,
    )


KINDS = ["wrapped-port", "proxy-request", "icmp-without-syn", "rst-without-syn", "mid-stream", "other"]
SUMMARIES = st.builds(
    TargetSummary,
    target=st.builds(
        Target,
        st.just("x"),
        st.sampled_from([0, 80, 62893, 619009]),
        st.sampled_from([None, "localhost", "::1", "10.0.0.1", "example.test", ""]),
    ),
    label=st.sampled_from(Label),
    counts=st.just({}),
    groups=st.lists(groups(), max_size=3).map(tuple),
    near_misses=st.lists(
        st.builds(NearMiss, st.sampled_from(KINDS), st.text(min_size=1, max_size=5), PORTS), max_size=2
    ).map(tuple),
)


def test_every_word_comes_up() -> None:
    shown = [test_http_answers, test_elsewhere, test_exchange, test_handshake, test_unfinished]
    shown += [
        test_endings,
        test_intermediaries,
        test_delays,
        test_declined,
        test_icmp,
        test_mismatch,
        test_resets,
        test_service_errors,
        test_signatures,
        test_timeline,
    ]
    shown += [test_starting, test_limits, test_redirects, test_host_headers, test_usual_owner]
    shown += [test_tls_refusals]
    named = {word for module in shown for situation in module.SITUATIONS for word in situation.words}
    named |= {"capture-incomplete"}  # of the capture, not of a target: tests of its own
    assert named == {asked.question.name for asked in QUESTIONS if not asked.question.is_second}


def test_every_errno_has_words() -> None:
    assert set(ICMP_ERRNO.values()) == set(MEANINGS)


@settings(max_examples=80, deadline=None)
@given(SUMMARIES, st.lists(SUMMARIES, max_size=2), st.none() | MOMENTS)
def test_each_word_has_one_answer(
    summary: TargetSummary, others: list[TargetSummary], end: int | None
) -> None:
    found = observe_packets(summary, [*others, summary], end_ts_ns=end)
    assert [(each.name, each.source) for each in found] == [
        (asked.question.name, asked.question.source) for asked in QUESTIONS
    ]
    assert all(each.text for each in found)


@settings(max_examples=20, deadline=None)
@given(SUMMARIES)
def test_observing_has_no_memory(summary: TargetSummary) -> None:
    assert observe_packets(summary, (), end_ts_ns=0) == observe_packets(summary, (), end_ts_ns=0)
