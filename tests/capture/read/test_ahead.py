"""Frames read and decoded ahead in a thread are the same frames, and the thread never outlives its use."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.read.ahead import read_ahead
from synscope.capture.source import CaptureError
from synscope.engine.batch import Batch
from tests import strategies, wire
from tests.follow import FIXTURES, Bytes, Run, follow, unpacked
from tests.story import frames

CAPTURES = sorted(path for path in FIXTURES.iterdir() if path.suffix in {".pcap", ".pcapng"})
BUFFERS = 3


def _said(run: Run) -> tuple[object, ...]:
    reader, follower = run.reader, run.follower
    return (
        run.facts, run.groups, run.times, str(run.error), reader.cut, reader.frames, reader.snapped,
        reader.linktypes, reader.odd_times, follower.frames, follower.segments, follower.undecoded(),
        follower.tracker.strays, follower.tracker.duplicates,
    )  # fmt: skip


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_a_fixture_reads_the_same(path: Path) -> None:
    """Whatever is in it: link types, damage, fragments, blocks that are no packets."""
    capture = unpacked(path)
    pieces = (1009,) * (len(capture) // 1009 + 1)
    assert _said(follow(Bytes(capture, pieces), buffers=BUFFERS)) == _said(follow(capture))


@given(strategies.pieces, st.integers(2, 9))
def test_any_reads_and_any_number_of_rooms(pieces: tuple[int, ...], buffers: int) -> None:
    """How much is read at a time, and how far ahead, changes nothing."""
    capture = wire.pcap(frames("C S | S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA | C A"))
    assert _said(follow(Bytes(capture, pieces), buffers=buffers)) == _said(follow(capture))


def test_a_record_larger_than_a_room_moves_on_whole() -> None:
    """It grows the buffer it lies in; what follows it is found in the next."""
    talk = frames("C S | S SA | C A")
    big = (wire.START, wire.ethernet(bytes(200_000), 0x88B5))
    capture = wire.pcap([talk[0], big, talk[1], big, big, talk[2]])
    pieces = (70_001,) * (len(capture) // 70_001 + 1)
    run = follow(Bytes(capture, pieces), buffers=2)
    assert [attempt.label for attempt in run.attempts] == ["completed"]
    assert _said(run) == _said(follow(capture))


def _numbered() -> Iterator[tuple[bytearray, Batch]]:
    for number in itertools.count():
        batch = Batch(1)
        batch.count = number
        yield bytearray(), batch


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "synscope-read-ahead"]


def test_it_runs_ahead_only_as_far_as_there_are_rooms() -> None:
    """A batch is not made while the buffer it would take may still be looked at."""
    made: list[int] = []
    ahead = read_ahead(_numbered(), lambda _, batch: made.append(batch.count), BUFFERS)
    for number in range(100):
        _, batch = next(ahead)
        assert batch.count == number
        assert len(made) <= number + BUFFERS
    ahead.close()


def test_closing_ends_the_thread() -> None:
    """Also in the middle of an endless source."""
    ahead = read_ahead(_numbered(), lambda *_: None, BUFFERS)
    next(ahead)
    assert len(_threads()) == 1
    ahead.close()
    assert _threads() == []


@pytest.mark.parametrize("error", [CaptureError("x.pcap", "is odd"), KeyboardInterrupt()])
def test_an_error_comes_after_what_was_before_it(error: BaseException) -> None:
    """Of the source or of the preparation; and the thread is gone."""

    def source() -> Iterator[tuple[bytearray, Batch]]:
        yield from itertools.islice(_numbered(), 5)
        raise error

    def prepare(_: bytearray, batch: Batch) -> None:
        if batch.count == 5:
            raise error

    for batches in (source(), _numbered()):
        ahead = read_ahead(batches, prepare, BUFFERS)
        assert [batch.count for _, batch in itertools.islice(ahead, 5)] == list(range(5))
        with pytest.raises(type(error)):
            next(ahead)
        assert _threads() == []
