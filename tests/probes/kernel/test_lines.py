"""Lines of the trace become events; nonsense becomes an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.model import Endpoint
from synscope.probes.kernel.events import Event, Kind, Task
from synscope.probes.kernel.lines import Parser, lost_in, names_resets
from tests.evidence.kernel.recorded import (
    DROPPED_IPV6_6_18,
    FORMATS_5_17,
    FORMATS_6_18,
    KFREE_SKB_WITHOUT_REASON,
    LISTENER_6_18,
    NO_SOCKET_5_17,
    REFUSED_6_18,
)

PYTHON = Task(11870, "python3")
CLIENT, SERVER = Endpoint("127.0.0.1", 37990), Endpoint("127.0.0.1", 47881)
START = 1_700_000_000_000_000_000


def parse(text: str) -> list[Event | None]:
    parser = Parser(FORMATS_6_18, START)
    assert parser.missing == {}
    return [parser.event(line) for line in text.splitlines()]


def test_a_refusal() -> None:
    at = START + 13_320_412_000_000
    skb = "0000000064f80b02"
    assert parse(REFUSED_6_18) == [
        Event(at + 468_000, Kind.CONNECT, PYTHON, 1, False, CLIENT._replace(port=0), SERVER, "TCP_SYN_SENT"),
        Event(at + 512_000, Kind.RESET, PYTHON, 1, True, CLIENT, SERVER, "NO_SOCKET", skb),
        Event(at + 520_000, Kind.DROP, PYTHON, 1, True, None, None, "NO_SOCKET", skb),
        Event(at + 540_000, Kind.SETTLED, PYTHON, 1, False, CLIENT, SERVER, "TCP_CLOSE"),
    ]


def test_a_drop_over_ipv6() -> None:
    connect, drop = parse(DROPPED_IPV6_6_18)
    assert connect is not None
    assert drop is not None
    assert connect.server == Endpoint("::1", 47881)
    assert (drop.reason, drop.ipv6, drop.interrupt) == ("NETFILTER_DROP", True, True)


def test_a_listener_comes_and_goes() -> None:
    came, went = parse(LISTENER_6_18)
    assert came is not None
    assert went is not None
    assert (came.kind, came.server) == (Kind.LISTEN, SERVER)
    assert (went.kind, went.server) == (Kind.UNLISTEN, SERVER)


@pytest.mark.parametrize(
    ("result", "error"),
    [("0xffffffffffffff9e", "EADDRINUSE"), ("0xfffffffffffffff3", "EACCES"), ("0xffffffffffff0000", "65536")],
)
def test_a_bind_that_failed(result: str, error: str) -> None:
    parser = Parser({"syscalls/sys_exit_bind": 'print fmt: "0x%lx", REC->ret\n'}, START)
    assert parser.missing == {}
    line = f"         python3-11870   [001] ..... 13320.412468: sys_bind -> {result}"
    found = parser.event(line)
    assert found == Event(START + 13_320_412_468_000, Kind.UNBOUND, PYTHON, 1, False, reason=error)


def test_a_kernel_of_2022() -> None:
    parser = Parser(FORMATS_5_17, 0)
    assert parser.missing == {"tcp/tcp_send_reset": "this kernel does not print dest, skbaddr, src"}
    event = parser.event(NO_SOCKET_5_17)
    assert event is not None
    assert (event.reason, event.skb, event.task, event.ts_ns) == (
        "NO_SOCKET",
        "",
        Task(0, "<idle>"),
        36_113_438_000,
    )
    assert not names_resets(FORMATS_5_17)
    assert names_resets(FORMATS_6_18)


def test_a_kernel_without_reasons() -> None:
    parser = Parser({"skb/kfree_skb": KFREE_SKB_WITHOUT_REASON}, 0)
    assert parser.missing == {"skb/kfree_skb": "this kernel does not print reason"}


@pytest.mark.parametrize("comm", ["a b", "-1 [000]", "x-7", "[001] ..... 1.0:", "\x1b[2J", "sshd: root"])
def test_any_name_of_a_thread(comm: str) -> None:
    line = REFUSED_6_18.splitlines()[0].replace("python3", comm)
    assert parse(line)[0] == parse(REFUSED_6_18.splitlines()[0])[0]._replace(task=Task(11870, comm))  # type: ignore[union-attr]


def test_a_name_the_kernel_forgot() -> None:
    (event,) = parse(REFUSED_6_18.splitlines()[0].replace("python3", "<...>"))
    assert event is not None
    assert event.task == Task(11870, None)


def test_the_module_of_a_location_has_a_space() -> None:
    (event,) = parse(
        REFUSED_6_18.splitlines()[2].replace("tcp_v4_rcv+0x91/0x13f0", "nft_do_chain+0x3/0x4 [nf]")
    )
    assert event is not None
    assert event.reason == "NO_SOCKET"


def test_another_protocol_is_left_out() -> None:
    assert parse(REFUSED_6_18.splitlines()[0].replace("IPPROTO_TCP", "IPPROTO_MPTCP")) == [None]


def test_lost_events() -> None:
    assert lost_in("CPU:1 [LOST 532 EVENTS]") == 532
    assert lost_in("CPU:1 [LOST EVENTS]") == 1
    assert lost_in(REFUSED_6_18.splitlines()[0]) == 0


RECORDED = (REFUSED_6_18 + DROPPED_IPV6_6_18 + LISTENER_6_18).splitlines()


@given(st.sampled_from(RECORDED), st.integers(0, 300), st.integers(0, 300), st.text(max_size=20))
def test_damaged_lines_are_errors_not_crashes(line: str, start: int, end: int, put: str) -> None:
    damaged = line[:start] + put + line[end:]
    try:
        event = Parser(FORMATS_6_18, 0).event(damaged)
    except ValueError:
        return
    assert event is None or isinstance(event, Event)
