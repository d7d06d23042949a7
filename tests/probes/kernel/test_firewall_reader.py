"""The firewall's trace, from messages as Linux 6.18 sends them, and from hostile ones."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

if not hasattr(socket, "AF_NETLINK"):
    pytest.skip("nf_tables is Linux's", allow_module_level=True)

from synscope.model import Endpoint
from synscope.probes.host.netlink import attribute
from synscope.probes.kernel import firewall_reader
from synscope.probes.kernel.firewall_reader import FirewallReader
from synscope.probes.kernel.firewall_walks import SYN, FirewallTrace, RulePlace, Stop, Way

TABLE = "synscope_trace_1_ab"
IPV4 = bytes.fromhex("4500003cb0194000400600007f0000017f000001") + bytes(20)
IPV6 = bytes.fromhex("6000000000280640") + bytes(15) + b"\1" + bytes(15) + b"\1"
SEGMENT = struct.pack(">HHIIBB", 39178, 8080, 7, 0, 0xA0, SYN) + bytes(6)
LO = struct.pack(">I", 1)
CONTINUE, DROP, ACCEPT, JUMP, QUEUE = 0xFFFFFFFF, 0, 1, 0xFFFFFFFD, 3


def event(
    chain: str,
    *,
    verdict: int | None = None,
    policy: int | None = None,
    table: str = TABLE,
    handle: int = 0,
    header: bytes = b"",
    segment: bytes = SEGMENT,
    number: int = 5,
    way: str = "in",
) -> bytes:
    parts = [
        (15, struct.pack(">I", 2)),
        (4, struct.pack(">I", 3 if policy is None else 1)),
        (6, struct.pack(">I", number)),
        (2, chain.encode() + b"\0"),
        (1, table.encode() + b"\0"),
    ]
    if handle:
        parts.append((3, struct.pack(">Q", handle)))
    if verdict is not None:
        parts.append((5, attribute(1, struct.pack(">I", verdict))))
    if policy is not None:
        parts.append((16, struct.pack(">I", policy)))
    if header:
        parts += [(8, header), (9, segment)]
        parts += [(kind, LO) for kind, name in ((10, "in"), (12, "out")) if name in way]
    body = b"\1\0\0\0" + b"".join(attribute(*part) for part in parts)
    return struct.pack("=IHHII", 16 + len(body), 10 << 8 | 17, 0, 0, 0) + body


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, FirewallReader]]:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    reader = FirewallReader(ours, TABLE, [8080])
    with theirs:
        yield theirs, reader
        reader.close()


def read(ends: tuple[socket.socket, FirewallReader], *messages: bytes) -> FirewallTrace:
    for message in messages:
        ends[0].send(message)
    ends[1].read()
    return ends[1].trace


BEGIN = event("mark_first_in", verdict=CONTINUE, handle=2, header=IPV4)
PASSED = (
    event("first_in", policy=ACCEPT),
    event("last_prerouting", verdict=CONTINUE, header=IPV4),
    event("last_prerouting", policy=ACCEPT),
)


def test_a_rule_that_drops(ends: tuple[socket.socket, FirewallReader]) -> None:
    jump = event("input", verdict=JUMP, table="f", handle=3, header=IPV4)
    drop = event("deep", verdict=DROP, table="f", handle=9)
    trace = read(ends, BEGIN, *PASSED, jump, drop)
    (walk,) = trace.walks
    assert (walk.source, walk.destination) == (Endpoint("127.0.0.1", 39178), Endpoint("127.0.0.1", 8080))
    assert (walk.seq, walk.is_syn, walk.way) == (7, True, Way.IN)
    assert walk.chains == (RulePlace("inet", "f", "input"), RulePlace("inet", "f", "deep"))
    assert (walk.passed, walk.stop, walk.at) == (
        ("prerouting",),
        Stop.DROP,
        RulePlace("inet", "f", "deep", 9),
    )
    assert not trace.incomplete


def test_a_policy_that_drops_and_a_queue(ends: tuple[socket.socket, FirewallReader]) -> None:
    again = event("first_in", verdict=JUMP, handle=1, header=IPV6)
    trace = read(
        ends,
        BEGIN,
        event("input", policy=DROP, table="f", header=IPV4),
        again,
        event("input", verdict=7 << 16 | QUEUE, table="f", handle=2, header=IPV6),
    )
    policy, queue = trace.walks
    assert (policy.stop, policy.at) == (Stop.DROP, RulePlace("inet", "f", "input"))
    assert (queue.stop, queue.source.address) == (Stop.QUEUE, "::1")


def test_a_program_that_lets_it_go_on(ends: tuple[socket.socket, FirewallReader]) -> None:
    queue = event("input", verdict=QUEUE, table="f", handle=2, header=IPV4)
    later = event("last_input", policy=ACCEPT)
    (walk,) = read(ends, BEGIN, *PASSED, queue, later).walks
    assert (walk.stop, walk.passed) == (None, ("prerouting", "input"))
    _, dropped = read(ends, BEGIN, queue, event("late", verdict=DROP, table="f", handle=3)).walks
    assert dropped.at == RulePlace("inet", "f", "late", 3)


def test_what_passes_and_what_is_forwarded(ends: tuple[socket.socket, FirewallReader]) -> None:
    forward = event("forward", verdict=ACCEPT, table="f", handle=2, header=IPV4, way="in out")
    (walk,) = read(ends, BEGIN, *PASSED, forward, event("last_forward", policy=ACCEPT)).walks
    assert (walk.stop, walk.way, walk.passed) == (None, Way.THROUGH, ("prerouting", "forward"))


def test_what_is_not_ours_is_left_out(ends: tuple[socket.socket, FirewallReader]) -> None:
    other_port = struct.pack(">HHIIBB", 1, 2, 7, 0, 0xA0, SYN) + bytes(6)
    strangers = (
        event("input", verdict=DROP, table="f", handle=9, header=IPV4),
        event("input", verdict=DROP, table="f", handle=9, number=8),
        event("first_in", policy=ACCEPT, header=IPV4, segment=other_port),
        event("first_in", policy=ACCEPT, header=b"\x45", segment=b""),
    )
    assert read(ends, *strangers) == FirewallTrace()


def test_bounds(ends: tuple[socket.socket, FirewallReader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall_reader, "MOST_WALKS", 3)
    trace = read(ends, *[BEGIN] * 5)
    assert len(trace.walks) == 3
    assert "ended after 3 events" in trace.incomplete


def test_more_connects_than_are_traced(
    ends: tuple[socket.socket, FirewallReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firewall_reader, "SYNS_AT_ONCE", 2)
    assert not read(ends, BEGIN).incomplete
    assert "more connects" in read(ends, BEGIN).incomplete


@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_hostile_messages_do_no_harm(data: bytes, cut: int) -> None:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    reader = FirewallReader(ours, TABLE, [8080])
    with theirs:
        for message in (
            BEGIN[:cut] + data,
            data,
            struct.pack("=IHHII", 16 + len(data), 10 << 8 | 17, 0, 0, 0) + data,
        ):
            if message:
                theirs.send(message)
        reader.read()
        reader.close()
