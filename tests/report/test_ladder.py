"""Ladders: who sent what, when."""

from __future__ import annotations

import pytest

from synscope.model import Attempt, Checksum, Endpoint, Frames, Label, Outcome, Reset, Times
from synscope.report import ladder
from synscope.report.page import Look, Page

from .samples import MS, SECOND, START, answered, attempt, half_open, icmp, refused, silent_server, unanswered


def drawn(one: Attempt) -> list[str]:
    page = Page(Look(width=110))
    ladder.show(page, one)
    return [line.strip() for line in page.render().splitlines()]


def test_refused() -> None:
    assert drawn(refused()) == [
        "SYN ──▶                   frame 1",
        "◀── RST,ACK       frame 2  +49 µs",
    ]


def test_unanswered() -> None:
    assert drawn(unanswered()) == ["SYN ──▶                   frame 1  sent 4 times over 7 s", "no answer"]


def test_half_open() -> None:
    assert drawn(half_open())[1:] == [
        "◀── SYN-ACK       frame 2  +31 µs  sent 3 times",
        "no ACK of the client",
    ]


def test_icmp_error_says_what_the_client_reads() -> None:
    assert drawn(icmp())[1] == "◀── ICMP 3/3      frame 2  +20 µs  (connection refused) from 127.0.0.1"


def test_conversation_in_frame_order() -> None:
    steps = ladder.rungs(answered())
    assert [(step.frame, step.from_client, step.what) for step in steps] == [
        (1, True, "SYN"),
        (2, False, "SYN-ACK"),
        (3, True, "ACK"),
        (4, True, "data, 40 bytes"),
        (5, False, "data, 19 bytes"),
        (6, True, "FIN"),
    ]
    assert [step.after_ns for step in steps] == [None, 20_000, None, 90_000, 3 * MS, 4 * MS]


def test_silence_is_named() -> None:
    assert drawn(silent_server())[-2:] == [
        "FIN ──▶                   frame 6  +10 s",
        "no byte of the server",
    ]


def test_ack_that_carries_data_is_one_rung() -> None:
    one = answered()
    one = one._replace(frames=one.frames._replace(client_data=3))
    assert [step.what for step in ladder.rungs(one)].count("ACK") == 0


def test_reset_after_the_handshake_is_an_end() -> None:
    one = attempt(
        1,
        Label.COMPLETED,
        Outcome.RESET_BY_CLIENT,
        frames=Frames(1, 1, 2, 3, rst=4),
        times=Times(START, START, START + 20, end=START + SECOND),
        reset=Reset(False, 0, 0, 1, False, Checksum.CORRECT),
    )
    last = ladder.rungs(one)[-1]
    assert (last.what, last.from_client, last.after_ns) == ("RST", True, SECOND)


def test_time_that_goes_backwards_is_shown_so() -> None:
    one = refused()
    one = one._replace(times=one.times._replace(answer=START - 5_000))
    assert drawn(one)[1].endswith("-5 µs")


def test_mid_stream_has_only_its_first_frame() -> None:
    one = attempt(
        1,
        Label.MID_STREAM,
        Outcome.MID_STREAM,
        server=Endpoint("::1", 80),
        frames=Frames(17),
        times=Times(START),
    )
    assert drawn(one) == ["the handshake is not in this capture"]


def test_refusals_repeated() -> None:
    one = refused()._replace(outcome=Outcome.REFUSED_REPEATEDLY, syn_count=3)
    assert drawn(one)[1].endswith("again after each repeated SYN")


@pytest.mark.parametrize("width", [58, 80, 140])
@pytest.mark.parametrize("one", [answered(), refused(), half_open(), icmp(), silent_server()])
def test_frames_and_times_stand_in_columns(one: Attempt, width: int) -> None:
    page = Page(Look(width=width))
    ladder.show(page, one)
    lines = [line for line in page.render().splitlines() if "frame " in line]
    assert len({line.index("frame ") for line in lines}) == 1
    assert len({line.index(" +") for line in lines if " +" in line}) == 1


@pytest.mark.parametrize("one", [answered(), unanswered(), icmp()])
def test_a_narrow_ladder_breaks_no_words(one: Attempt) -> None:
    page = Page(Look(width=40))
    ladder.show(page, one)
    text = page.render()
    for rung in ladder.rungs(one):
        assert rung.what in text
        assert f"frame {rung.frame}" in text
    assert all(len(line) <= 40 for line in text.splitlines())


def test_a_long_remark_stands_below() -> None:
    page = Page(Look(width=80))
    ladder.show(page, icmp())
    assert page.render().splitlines()[1:] == [
        " " * 28 + "◀── ICMP 3/3      frame 2  +20 µs",
        " " * 28 + "(connection refused) from 127.0.0.1",
    ]
