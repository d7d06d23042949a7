"""Bytes that somebody pushes, as a source."""

from __future__ import annotations

import pytest

from synscope.capture.read.byte_sources import PushedBytes, Starved


def read(source: PushedBytes, size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: source.readinto(memoryview(buffer))])


def test_pieces_come_out_in_order() -> None:
    source = PushedBytes()
    with pytest.raises(Starved):
        read(source, 4)
    source.push(b"abcde")
    assert (read(source, 3), read(source, 3)) == (b"abc", b"de")
    with pytest.raises(Starved):
        read(source, 4)
    source.push(b"")
    with pytest.raises(Starved):
        read(source, 4)
    source.push(b"f")
    source.end()
    assert (read(source, 3), read(source, 3), read(source, 3)) == (b"f", b"", b"")


def test_a_piece_that_was_dropped_belongs_to_its_owner_again() -> None:
    source = PushedBytes()
    piece = bytearray(b"abc")
    source.push(piece)
    with pytest.raises(BufferError):
        piece.clear()
    source.drop()
    piece.clear()
    assert not source.live
    assert source.ready(0)
    assert source.damage is None


def test_any_kind_of_view_is_bytes() -> None:
    source = PushedBytes()
    source.push(memoryview(bytes(range(8))).cast("I"))
    assert read(source, 10) == bytes(range(8))
