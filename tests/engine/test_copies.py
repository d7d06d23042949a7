"""What several interfaces show of one segment is one frame; what was sent again is another."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from synscope.engine import VARIABLE
from synscope.engine.batch import Batch
from synscope.engine.copies import COPY_NS
from synscope.engine.follower import Copies, Decoder
from tests import wire

LO, BRIDGE, PORT, OTHER_PORT, UPLINK = 1, 2, 3, 4, 5
CLIENT, SERVER, OUTSIDE = "172.17.0.3", "172.17.0.2", "192.0.2.9"
US = 1_000
MS = 1_000_000

Sighting = tuple[int, int, bytes]
"""Time in nanoseconds, interface, IP packet."""


def segment(
    flags: str, seq: int, ack: int = 0, data: bytes = b"", *, back: bool = False, **ends: str
) -> bytes:
    client, server = ends.get("client", CLIENT), ends.get("server", SERVER)
    source, destination = (server, client) if back else (client, server)
    ports = (8000, 40_000) if back else (40_000, 8000)
    packet = wire.tcp(*ports, flags=flags, seq=seq, ack=ack, payload=data)
    return wire.ip(source, destination, packet)


def left(*sightings: Sighting, copies: Copies | None = None) -> list[int]:
    """Which of the sightings stay, by their place; a batch holds them all."""
    kept, _ = watched(*sightings, copies=copies)
    return kept


def watched(*sightings: Sighting, copies: Copies | None = None) -> tuple[list[int], Copies]:
    copies = copies or Copies(seed=7, loopback=LO)
    data = bytearray(b"".join(packet for *_, packet in sightings))
    batch, at = Batch(len(sightings)), 0
    unfilled, ifindex = (array("I", bytes(4 * len(sightings))) for _ in range(2))
    for i, (ts_ns, interface, packet) in enumerate(sightings):
        batch.at[i], batch.caplen[i], batch.wirelen[i], batch.linktype[i] = at, len(packet), len(packet), 101
        batch.ts_ns[i], ifindex[i], unfilled[i] = ts_ns, interface, i
        at += len(packet)
    batch.count = len(sightings)
    Decoder().decode(data, batch)
    copies.leave_out(batch, unfilled, ifindex)
    for place, i in enumerate(unfilled[: batch.count]):
        assert (batch.ts_ns[place], ifindex[place]) == sightings[i][:2], (
            "a column did not move with the others"
        )
    return unfilled[: batch.count].tolist(), copies


def test_a_bridge_and_its_port_show_each_segment_once() -> None:
    syn, answer = segment("S", 100), segment("SA", 500, 101, back=True)
    data, ack = segment("PA", 101, 501, b"GET /"), segment("A", 501, 106, back=True)
    seen = [
        (0, BRIDGE, syn), (US, PORT, syn), (20 * US, PORT, answer), (21 * US, BRIDGE, answer),
        (30 * US, BRIDGE, data), (31 * US, PORT, data), (40 * US, PORT, ack), (41 * US, BRIDGE, ack),
    ]  # fmt: skip
    kept, copies = watched(*seen)
    assert kept == [0, 2, 4, 6]
    assert (copies.frames, copies.segments) == (4, 4)


def test_what_is_sent_again_stays() -> None:
    """On the interface where it was seen first, however soon; and anywhere, when a stack has waited for an answer."""
    syn, data = segment("S", 100), segment("PA", 101, 501, b"GET /")
    assert left((0, BRIDGE, syn), (5 * MS, BRIDGE, syn), (5 * MS + US, PORT, syn)) == [0, 1]
    assert left((0, BRIDGE, data), (MS, BRIDGE, data), (2 * MS, PORT, data)) == [0, 1]
    assert left((0, BRIDGE, syn), (COPY_NS, PORT, syn)) == [0, 1]


def test_loopback_is_left_alone() -> None:
    syn = segment("S", 100)
    assert left((0, LO, syn), (1, LO, syn), (2, LO, syn)) == [0, 1, 2]


def test_a_segment_that_is_cut_otherwise_is_a_copy() -> None:
    whole = segment("PA", 101, 501, b"x" * 400)
    pieces = [segment("A", 101 + at, 501, b"x" * 200) for at in (0, 200)]
    assert left((0, BRIDGE, whole), (US, PORT, pieces[0]), (2 * US, PORT, pieces[1])) == [0]
    more = segment("A", 501, 501, b"x")
    assert left((0, BRIDGE, whole), (US, PORT, more)) == [0, 1], "bytes that were not there before"


def test_an_answer_made_on_the_way_stays() -> None:
    """A firewall's reset goes out on one interface only, whatever else that direction showed elsewhere."""
    data, reset = segment("PA", 501, 106, b"x", back=True), segment("R", 502, back=True)
    assert left((0, PORT, data), (US, BRIDGE, data), (2 * US, BRIDGE, reset)) == [0, 2]


def test_icmp_errors_count_once() -> None:
    error = wire.ip(SERVER, CLIENT, wire.icmp_error(3, 1, segment("S", 100)), 1)
    assert left((0, PORT, error), (US, BRIDGE, error), (MS, PORT, error)) == [0, 2]


@pytest.mark.parametrize("translated", [{"client": OUTSIDE}, {"server": OUTSIDE}])
def test_a_connection_that_is_translated_on_its_way_is_one(translated: dict[str, str]) -> None:
    """The client's end of the translation has it all; the other end is left out in both directions."""
    seen = [
        (0, PORT, segment("S", 100)),
        (US, UPLINK, segment("S", 100, **translated)),
        (9 * MS, UPLINK, segment("SA", 500, 101, back=True, **translated)),
        (9 * MS + US, PORT, segment("SA", 500, 101, back=True)),
        (10 * MS, PORT, segment("PA", 101, 501, b"GET /")),
        (10 * MS + US, UPLINK, segment("PA", 101, 501, b"GET /", **translated)),
    ]
    assert left(*seen) == [0, 3, 4]


def test_a_bridge_that_shows_an_answer_half_translated() -> None:
    """With br_netfilter, the bridge has the answer as neither end knows it."""
    half = {"client": "127.0.0.1"}
    seen = [
        (0, BRIDGE, segment("S", 100)),
        (US, PORT, segment("SA", 500, 101, back=True)),
        (2 * US, BRIDGE, segment("SA", 500, 101, back=True, **half)),
        (3 * US, BRIDGE, segment("A", 101, 501)),
        (MS, PORT, segment("PA", 501, 101, b"x", back=True)),
        (MS + US, BRIDGE, segment("PA", 501, 101, b"x", back=True, **half)),
    ]
    assert left(*seen) == [0, 1, 3, 4]


def test_two_clients_with_one_initial_sequence_number_stay_two() -> None:
    """On one interface, as a tool sends them that makes its own segments."""
    one, other = segment("S", 100), segment("S", 100, client="172.17.0.9")
    assert left((0, PORT, one), (US, PORT, other)) == [0, 1]
    none, more = segment("S", 0), segment("S", 0, client="172.17.0.9")
    assert left((0, PORT, none), (US, OTHER_PORT, more)) == [0, 1], "0 is what such tools begin with"


def random_run(seed: int) -> list[int]:
    """What stays of many random segments on several interfaces."""
    dice, copies, kept = random.Random(seed), Copies(seed=seed, loopback=LO), []
    for _ in range(20):
        seen, now = [], 0
        for _ in range(60):
            now += dice.choice([US, MS, COPY_NS // 2])
            back, flags = dice.random() < 0.5, dice.choice(["S", "SA", "A", "PA", "FA", "R"])
            numbers = dice.randrange(4) * 100, dice.choice([0, 1 << 31, (1 << 32) - 1])
            packet = segment(flags, *numbers, b"x" * dice.randrange(3), back=back)
            seen += [(now, dice.choice([LO, BRIDGE, PORT]), packet) for _ in range(dice.randrange(1, 4))]
        kept.append(len(left(*seen, copies=copies)))
    return kept


def test_both_engines_leave_out_the_same() -> None:
    code = "from tests.engine.test_copies import random_run; print(random_run(5))"
    done = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=False, text=True,
            cwd=Path(__file__).parents[2], env={**os.environ, VARIABLE: mode},
        )
        for mode in ("compiled", "interpreted")
    ]  # fmt: skip
    if any("EngineError" in each.stderr for each in done):
        pytest.skip("one of the engines is not there")
    assert done[0].stdout == done[1].stdout != "", done[0].stderr + done[1].stderr
