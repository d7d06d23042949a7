"""The end of what the command says on standard error, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synscope.process.relay import LAST_LINES, Tail


def test_lines_in_pieces() -> None:
    tail = Tail()
    for piece in (b"one\ntw", b"o\r\n\n  \nthr", b"\xff\xfee"):
        tail.feed(piece)
    assert tail.lines() == ("one", "two", "thr\ufffd\ufffde")


def test_a_progress_meter_is_its_last_states() -> None:
    tail = Tail()
    for number in range(10_000):
        tail.feed(f"\r{number} %".encode())
    tail.feed(b"\ncurl: (7) failed\n")
    assert tail.lines()[-2:] == ("9999 %", "curl: (7) failed")
    assert len(tail.lines()) == LAST_LINES


@given(st.lists(st.binary(max_size=5_000)))
def test_bounded(pieces: list[bytes]) -> None:
    tail = Tail()
    for piece in pieces:
        tail.feed(piece)
    assert len(tail.lines()) <= LAST_LINES
    assert all(len(line) <= 1_000 and "\n" not in line for line in tail.lines())


def test_an_endless_line_is_cut() -> None:
    tail = Tail()
    for _ in range(1_000):
        tail.feed(b"x" * 10_000)
    assert tail.lines() == ("x" * 1_000,)
