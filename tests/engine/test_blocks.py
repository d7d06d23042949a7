"""Walking a ring's blocks: what is filled in, what is left out, and that damage is a fault."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.engine import VARIABLE, blocks
from synscope.engine.batch import Batch
from tests.engine.ringblock import (
    BLOCK,
    ETHER,
    HOST,
    LOOPBACK,
    OUTGOING,
    UNKNOWN,
    Frame,
    Walked,
    block,
    random_block,
    state,
    walk,
)

TS = 1_700_000_000_123_456_789


@pytest.mark.parametrize("order", ["<", ">"])
def test_columns(order: str) -> None:
    frames = [
        Frame(b"first" * 12, TS, None, 1, 3),
        Frame(b"second" * 9, TS + 5, 1514, 9, 4),
    ]
    words = state(order=order)
    assert walk(block(frames, order=order), words) == [
        Walked(b"first" * 12, 60, TS, 1, 0, 3),
        Walked(b"second" * 9, 1514, TS + 5, 1, 1, 4),
    ]
    assert words[blocks.STATE_SNAPPED] == 1
    assert words[blocks.STATE_STOP] == blocks.STOP_END
    assert words[blocks.STATE_FAULT] == blocks.FAULT_NONE


@pytest.mark.parametrize("room", [1, 2, 3, 7, 8])
def test_more_frames_than_the_batch_holds(room: int) -> None:
    frames = [Frame(bytes([n]) * 40, TS + n) for n in range(7)]
    assert [one.data[0] for one in walk(block(frames), state(), room=room)] == list(range(7))


def test_a_full_batch_says_so() -> None:
    words = state()
    data = block([Frame(), Frame(), Frame()])
    assert blocks.enter_block(data, 0, BLOCK, words)
    b = Batch(2)
    assert blocks.walk_block(data, words, b.at, b.caplen, b.wirelen, b.ts_ns, b.linktype, b.seq, b.ack) == 2
    assert words[blocks.STATE_STOP] == blocks.STOP_FULL
    assert words[blocks.STATE_LEFT] == 1


def test_an_empty_block() -> None:
    words = state()
    assert walk(block([]), words) == []
    assert words[blocks.STATE_STOP] == blocks.STOP_END


def test_a_block_further_on_in_the_ring() -> None:
    data = block([Frame(b"a" * 60)]) + block([Frame(b"b" * 60)])
    assert [one.data[:1] for one in walk(data, state(), start=BLOCK)] == [b"b"]


def test_only_the_loopbacks_outgoing_copies_are_left_out() -> None:
    frames = [
        Frame(b"lo out" * 9, ifindex=1, hardware=LOOPBACK, kind=OUTGOING),
        Frame(b"lo in " * 9, ifindex=1, hardware=LOOPBACK, kind=HOST),
        Frame(b"et out" * 9, ifindex=2, hardware=ETHER, kind=OUTGOING),
    ]
    words = state(loopback=1)
    assert [one.data[:6] for one in walk(block(frames), words)] == [b"lo in ", b"et out"]
    assert words[blocks.STATE_COPIES] == 1
    words = state(loopback=0)
    assert len(walk(block(frames), words)) == 3
    assert words[blocks.STATE_COPIES] == 0


def test_a_block_of_copies_alone() -> None:
    words = state(loopback=1)
    assert walk(block([Frame(kind=OUTGOING)] * 3), words) == []
    assert words[blocks.STATE_COPIES] == 3
    assert words[blocks.STATE_LEFT] == 0


@pytest.mark.parametrize(
    ("hardware", "linktype"),
    [(1, 1), (772, 1), (65534, 101), (519, 101), (512, 101), (256, 101), (259, 101), (768, 101), (769, 101),
     (776, 101), (801, 105), (802, 119), (803, 127)],
)  # fmt: skip
def test_link_types(hardware: int, linktype: int) -> None:
    frame = Frame(hardware=hardware, protocol=0x0806)
    assert [one.linktype for one in walk(block([frame]), state())] == [linktype]


def test_ip_behind_an_unknown_link_layer() -> None:
    frames = [
        Frame(b"LINK" + b"\x45" * 50, wirelen=90, hardware=UNKNOWN, link_size=4),
        Frame(b"\x45" * 50, hardware=260, link_size=0),
        Frame(hardware=UNKNOWN, protocol=0x0806),
        Frame(b"short", hardware=UNKNOWN, link_size=14),
        Frame(b"before it", hardware=UNKNOWN, link_size=-2),
    ]
    words = state()
    assert walk(block(frames), words) == [
        Walked(b"\x45" * 50, 86, TS, 101, 0, 1),
        Walked(b"\x45" * 50, 50, TS, 101, 0, 1),
    ]
    assert words[blocks.STATE_UNKNOWN] == 3


def test_a_frame_whose_tag_the_kernel_took_out() -> None:
    """Status bits of the tag change nothing: what the ethertype says follows."""
    (found,) = walk(block([Frame(status=1 | 1 << 4 | 1 << 6)]), state())
    assert (found.linktype, found.unfilled, len(found.data)) == (1, 0, 60)


# -- damage -----------------------------------------------------------------------------------------------


def _damaged(offset: int, word: int) -> tuple[list[Walked], int, int]:
    data = block([Frame(b"a" * 60), Frame(b"b" * 60), Frame(b"c" * 60)])
    struct.pack_into("<I", data, offset, word)
    words = state()
    found = walk(data, words)
    return found, words[blocks.STATE_STOP], words[blocks.STATE_FAULT]


SECOND = 48 + 144


@pytest.mark.parametrize(
    ("offset", "word", "kept", "fault"),
    [
        (16, 47, 0, blocks.FAULT_BLOCK),
        (16, 4096, 0, blocks.FAULT_BLOCK),
        (20, 4097, 0, blocks.FAULT_BLOCK),
        (20, 0, 0, blocks.FAULT_BLOCK),
        (20, 48 + 144 + 67, 1, blocks.FAULT_NEXT),
        (12, 4, 2, blocks.FAULT_NEXT),
        (12, 0xFFFFFFFF, 2, blocks.FAULT_NEXT),
        (SECOND, 67, 1, blocks.FAULT_NEXT),
        (SECOND, 0, 1, blocks.FAULT_NEXT),
        (SECOND, 0xFFFFFFFF, 2, blocks.FAULT_NEXT),
        (SECOND + 12, 3000, 1, blocks.FAULT_FRAME),
        (SECOND + 12, 0xFFFFFFFF, 1, blocks.FAULT_FRAME),
        (SECOND + 24, 67, 1, blocks.FAULT_FRAME),
        (SECOND + 24, 0xFFFF, 1, blocks.FAULT_FRAME),
    ],
)
def test_damage_is_a_fault_after_what_was_whole(offset: int, word: int, kept: int, fault: int) -> None:
    found, stop, why = _damaged(offset, word)
    assert len(found) == kept
    assert (stop, why) == (blocks.STOP_FAULT, fault)
    assert blocks.FAULT_TEXT[why]


@pytest.mark.parametrize(("start", "size"), [(0, 4097), (1, 4096), (-1, 100), (0, 47), (4096, 48)])
def test_a_block_outside_the_buffer(start: int, size: int) -> None:
    words = state()
    assert not blocks.enter_block(block([Frame()]), start, size, words)
    assert words[blocks.STATE_FAULT] == blocks.FAULT_BLOCK
    assert words[blocks.STATE_LEFT] == 0


def test_a_state_that_points_outside_the_buffer() -> None:
    words = state()
    data = block([Frame()])
    assert blocks.enter_block(data, 0, BLOCK, words)
    b = Batch(4)
    short = data[:100]
    assert blocks.walk_block(short, words, b.at, b.caplen, b.wirelen, b.ts_ns, b.linktype, b.seq, b.ack) == 0
    assert words[blocks.STATE_FAULT] == blocks.FAULT_BLOCK


@given(st.integers(0, 1 << 32), st.sampled_from("<>"))
def test_whatever_a_block_holds(seed: int, order: str) -> None:
    """No exception, no byte outside the block, and the walk ends."""
    dice = random.Random(seed)
    data = random_block(dice, order)
    words = state(order=order, loopback=1)
    found = walk(data, words)
    assert all(len(one.data) <= BLOCK for one in found)
    assert all(one.linktype in {1, 101, 105, 119, 127} for one in found)


@given(st.binary(max_size=600))
def test_noise(noise: bytes) -> None:
    walk(bytearray(noise.ljust(48, b"\0")), state(), size=max(48, len(noise)))


def test_both_engines_agree() -> None:
    said = {}
    root = Path(__file__).parents[2]
    for mode in ("compiled", "interpreted"):
        done = subprocess.run(
            [sys.executable, "-c", "from tests.engine.ringblock import digest; print(digest(1500))"],
            capture_output=True, check=False, cwd=root, env={**os.environ, VARIABLE: mode}, text=True,
        )  # fmt: skip
        if done.returncode:
            assert "EngineError" in done.stderr, done.stderr
            pytest.skip(done.stderr.strip().rpartition("\n")[2])
        said[mode] = done.stdout
    assert said["compiled"] == said["interpreted"]
