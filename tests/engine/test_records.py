"""The record walkers: nothing outside the buffer, whole records only, faults instead of exceptions."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.engine import records as rec
from synscope.engine.batch import Batch
from tests import wire

FRAMES = [bytes([n % 251]) * n for n in (60, 1, 0, 1500, 14)]
PCAP = b"".join(wire.pcap_record(wire.START + n, frame) for n, frame in enumerate(FRAMES))
PCAPNG = b"".join(wire.enhanced(wire.START + n, frame) for n, frame in enumerate(FRAMES))
POISON = b"\xee" * 40


def _state(**words: int) -> array[int]:
    state = array("Q", bytes(8 * rec.STATE_SIZE))
    state[rec.STATE_LIMIT] = 262144
    state[rec.STATE_UNIT] = 1
    state[rec.STATE_LINKTYPE] = 1
    state[rec.STATE_HEADER] = 16
    for name, value in words.items():
        state[getattr(rec, f"STATE_{name}")] = value
    return state


def _walk_pcap(data: bytes, state: array[int], batch: Batch, end: int | None = None) -> int:
    columns = (batch.at, batch.caplen, batch.wirelen, batch.ts_ns, batch.linktype, batch.count)
    return rec.walk_pcap(bytearray(data), len(data) if end is None else end, state, *columns)


def _walk_pcapng(data: bytes, state: array[int], batch: Batch, end: int | None = None) -> int:
    columns = (batch.at, batch.caplen, batch.wirelen, batch.ts_ns, batch.linktype, batch.count)
    interfaces = array("Q", [1, 0, rec.UNIT_MULTIPLY, 1, 0])
    return rec.walk_pcapng(bytearray(data), len(data) if end is None else end, state, interfaces, *columns)


def _frames(data: bytes, batch: Batch, count: int) -> list[tuple[int, bytes]]:
    return [(batch.ts_ns[n], data[batch.at[n] : batch.at[n] + batch.caplen[n]]) for n in range(count)]


EXPECTED = [(wire.START + n, frame) for n, frame in enumerate(FRAMES)]
WALKERS = {"pcap": (_walk_pcap, PCAP), "pcapng": (_walk_pcapng, PCAPNG)}


@pytest.mark.parametrize("kind", WALKERS)
def test_walk(kind: str) -> None:
    """All records, then a wish for more."""
    walk, data = WALKERS[kind]
    state, batch = _state(INTERFACES=1), Batch()
    count = walk(data, state, batch)
    assert _frames(data, batch, count) == EXPECTED
    assert (state[rec.STATE_STOP], state[rec.STATE_POSITION]) == (rec.STOP_MORE, len(data))
    assert state[rec.STATE_SNAPPED] == 0


@pytest.mark.parametrize("kind", WALKERS)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_full_batch_stops_the_walk(kind: str, size: int) -> None:
    """It goes on where it stopped."""
    walk, data = WALKERS[kind]
    state, batch = _state(INTERFACES=1), Batch(size)
    found = []
    while count := walk(data, state, batch):
        found += _frames(data, batch, count)
        assert state[rec.STATE_STOP] == (rec.STOP_FULL if count == size else rec.STOP_MORE)
    assert found == EXPECTED


@pytest.mark.parametrize("kind", WALKERS)
def test_a_record_is_whole_or_untouched(kind: str) -> None:
    """Wherever the filled part of the buffer ends, what lies behind is not looked at."""
    walk, data = WALKERS[kind]
    ends = [0]
    for n in range(len(FRAMES)):
        single = wire.pcap_record(0, FRAMES[n]) if kind == "pcap" else wire.enhanced(0, FRAMES[n])
        ends.append(ends[-1] + len(single))
    for end in range(len(data)):
        state, batch = _state(INTERFACES=1), Batch()
        count = walk(data[:end] + POISON, state, batch, end)
        whole = sum(place <= end for place in ends) - 1
        assert count == whole
        assert (state[rec.STATE_STOP], state[rec.STATE_POSITION]) == (rec.STOP_MORE, ends[whole])


def test_impossible_length_is_a_fault_behind_good_records() -> None:
    """What was walked before it is kept, and the position is the bad record's."""
    bad = wire.pcap_record(wire.START, b"").replace(bytes(8), b"\xff" * 8)
    state, batch = _state(), Batch()
    assert _walk_pcap(PCAP + bad, state, batch) == len(FRAMES)
    assert state[rec.STATE_STOP] == rec.STOP_FAULT
    assert state[rec.STATE_FAULT] == rec.FAULT_CAPLEN
    assert state[rec.STATE_POSITION] == len(PCAP)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (wire.enhanced(1, b"x" * 18, caplen=20), rec.FAULT_NONE),
        (wire.enhanced(1, b"x" * 20, caplen=25), rec.FAULT_CAPLEN_IN_BLOCK),
        (wire.enhanced(1, b"x" * 20, caplen=0xFFFFFFFF), rec.FAULT_CAPLEN_IN_BLOCK),
        (wire.enhanced(1, b"x" * 20, number=1), rec.FAULT_INTERFACE),
        (wire.old_packet(1, b"x" * 20, number=1), rec.FAULT_INTERFACE),
        (wire.block(wire.ENHANCED_PACKET, bytes(16)), rec.FAULT_BLOCK_LENGTH),
        (wire.block(wire.SIMPLE_PACKET, b""), rec.FAULT_BLOCK_LENGTH),
        (b"\x06\0\0\0\x0b\0\0\0" + bytes(40), rec.FAULT_BLOCK_LENGTH),
        (b"\x06\0\0\0\x21\0\0\0" + bytes(40), rec.FAULT_BLOCK_LENGTH),
        (b"\x06\0\0\0\0\0\0\0" + bytes(40), rec.FAULT_BLOCK_LENGTH),
        (b"\x06\0\0\0\xfc\xff\xff\xff" + bytes(40), rec.FAULT_BLOCK_LENGTH),
    ],
)
def test_faults_of_packet_blocks(data: bytes, fault: int) -> None:
    """Each lie of a block has a name; none is an exception."""
    state, batch = _state(INTERFACES=1), Batch()
    count = _walk_pcapng(PCAPNG + data, state, batch)
    assert count == len(FRAMES) + (fault == rec.FAULT_NONE)
    assert state[rec.STATE_FAULT] == fault
    assert fault in {rec.FAULT_NONE, *rec.FAULT_TEXT}


def test_other_blocks_stop_the_walk() -> None:
    """The caller reads them."""
    state, batch = _state(INTERFACES=1), Batch()
    assert _walk_pcapng(PCAPNG + wire.block(5, bytes(12)) + PCAPNG, state, batch) == len(FRAMES)
    assert (state[rec.STATE_STOP], state[rec.STATE_POSITION]) == (rec.STOP_BLOCK, len(PCAPNG))


@given(
    st.binary(max_size=300), st.booleans(), st.sampled_from([16, 24]), st.integers(0, 2), st.integers(1, 4)
)
def test_noise(data: bytes, big: bool, header: int, swapped: int, size: int) -> None:  # noqa: FBT001
    """Any bytes: the walk ends, inside the buffer."""
    for walk in (_walk_pcap, _walk_pcapng):
        state = _state(BIG_ENDIAN=big, HEADER=header, SWAPPED=swapped, INTERFACES=1)
        batch = Batch(size)
        for _ in range(len(data) + 2):
            count = walk(data, state, batch)
            for n in range(count):
                assert batch.at[n] + batch.caplen[n] <= len(data)
            if state[rec.STATE_STOP] not in {rec.STOP_FULL, rec.STOP_TIME}:
                break
        assert state[rec.STATE_POSITION] <= len(data)
        assert state[rec.STATE_STOP] not in {rec.STOP_FULL, rec.STOP_TIME}
