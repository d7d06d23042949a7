"""The blocks that are written, byte by byte."""

from __future__ import annotations

import pytest

from synscope.capture.write import pcapng
from synscope.capture.write.pcapng import LARGEST_COMMENT, About
from tests import wire


def test_blocks_are_those_of_the_other_writer() -> None:
    assert pcapng.block(6, b"abcd") == wire.block(6, b"abcd")
    assert pcapng.option(2, b"abcde") == wire.option(2, b"abcde")
    assert pcapng.option(2, b"abcde", ">") == wire.option(2, b"abcde", ">")
    assert len(pcapng.section(About())) % 4 == 0


def test_empty_facts_are_left_out() -> None:
    assert pcapng.section(About(os="x")).count(wire.option(3, b"x")) == 1
    assert len(pcapng.section(About())) == 12 + 16 + 4


def test_a_packet_without_anything_to_say_has_no_options() -> None:
    assert pcapng.packet_options(0) == b""
    assert pcapng.packet_options(pcapng.CHECKSUM_NOT_READY) == wire.option(2, b"\0\2\0\0") + bytes(4)


def test_the_longest_comment() -> None:
    assert len(pcapng.comments(["é" * (LARGEST_COMMENT // 2)])) == LARGEST_COMMENT + 4
    with pytest.raises(ValueError, match="60002 bytes"):
        pcapng.comments(["é" * (LARGEST_COMMENT // 2 + 1)])
