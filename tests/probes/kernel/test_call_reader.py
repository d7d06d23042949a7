"""Calls are put together from the lines of one thread; what was not seen is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from synscope.model import Endpoint
from synscope.probes.kernel.call_reader import MOST_CALLS, CallReader
from synscope.probes.kernel.events import Call, Event, Kind
from synscope.probes.kernel.filters import TREE
from synscope.probes.kernel.instance import Handover
from tests.evidence.kernel.recorded import FORMATS_6_18

STATE = "sock/inet_sock_set_state"
FORMATS = {**dict.fromkeys(TREE, ""), STATE: FORMATS_6_18[STATE]}
REFUSED = """\
            curl-71    [001] ..... 45478.938934: sys_socket(family: 2, type: 0x80801, protocol: 6)
            curl-71    [001] ..... 45478.938945: sys_socket -> 0x5
            curl-71    [001] ..... 45478.938954: sys_connect(fd: 5, uservaddr: 0x5562cb3df748, addrlen: 0x10)
            curl-71    [001] ..... 45478.938960: fib_table_lookup: table 254 oif 0 iif 1 proto 6 0.0.0.0/0 -> \
127.0.0.1/47999 tos 0 scope 0 flags 8 ==> dev lo gw 0.0.0.0/:: err 0
            curl-71    [001] ..... 45478.938966: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP sport=0 \
dport=47999 saddr=127.0.0.1 daddr=127.0.0.1 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:127.0.0.1 \
oldstate=TCP_CLOSE newstate=TCP_SYN_SENT
            curl-71    [001] b.s1. 45478.939014: fib_table_lookup: table 254 oif 0 iif 1 proto 6 127.0.0.1/47999 -> \
127.0.0.1/47408 tos 0 scope 0 flags 0 ==> dev lo gw 0.0.0.0/:: err 0
            curl-71    [001] ..... 45478.939029: sys_connect -> 0xffffffffffffff91
"""
NO_SOURCE = """\
         python3-71    [001] ..... 45479.899608: sys_socket(family: 0xa, type: 1, protocol: 0)
         python3-71    [001] ..... 45479.899620: sys_socket -> 0xffffffffffffffe8
         python3-71    [001] ..... 45479.899633: sys_bind(fd: 3, umyaddr: 0x7ffe4a2f5c70, addrlen: 0x10)
         python3-71    [001] ..... 45479.899639: fib_table_lookup: table 255 oif 0 iif 0 proto 0 0.0.0.0/0 -> \
10.99.99.99/0 tos 0 scope 0 flags 0 ==> dev eth0 gw 192.0.2.1/:: err 0
         python3-71    [001] ..... 45479.899640: sys_bind -> 0xffffffffffffff9d
         python3-71    [001] ..... 45479.899700: fib_table_lookup: table 254 oif 0 iif 1 proto 17 0.0.0.0/46318 -> \
127.0.0.1/47997 tos 0 scope 0 flags 0 ==> dev lo gw 0.0.0.0/:: err 0
         python3-71    [001] ..... 45479.899710: sys_connect(fd: 4, uservaddr: 0x7ffe4a2f5cb0, addrlen: 0x6e)
"""


class Fake:
    """Pipes in place of the kernel's files."""

    def __init__(self, formats: dict[str, str] | None = None, most_a_second: int = 100_000) -> None:
        pipe, self.trace = os.pipe()
        self.switch, switch = os.pipe()
        os.set_blocking(pipe, False)
        handover = Handover(pipe, switch, FORMATS if formats is None else formats, {})
        self.reader = CallReader(handover, 0, most_a_second=most_a_second)

    def say(self, text: str) -> list[Event]:
        os.write(self.trace, text.encode())
        self.reader.read()
        return self.reader.events


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()
    yield made
    made.reader.close()


def test_a_refused_connect(fake: Fake) -> None:
    made, connect = fake.say(REFUSED)
    assert made.call == Call("socket", 5, "IPv4", "stream", end_ts_ns=45_478_938_945_000, flags=0x80800)
    assert connect.server == Endpoint("127.0.0.1", 47999)
    assert connect.of_command
    assert connect.call is not None
    assert (connect.call.name, connect.call.family, connect.call.type) == ("connect", "IPv4", "stream")
    assert (connect.call.error, connect.call.began, connect.call.route_error) == ("ECONNREFUSED", True, "")
    assert fake.reader.threads == {71}
    assert fake.reader.gaps is None
    assert fake.reader.tells_calls


def test_what_fails_and_what_goes_on(fake: Fake) -> None:
    made, bound, sent, going_on = fake.say(NO_SOURCE)
    assert [each.call and each.call.error for each in (made, bound, sent, going_on)] == [
        "EMFILE",
        "EADDRNOTAVAIL",
        "",
        "",
    ]
    assert bound.server == Endpoint("10.99.99.99", 0)
    assert (sent.server, sent.call and sent.call.type) == (Endpoint("127.0.0.1", 47997), "datagram")
    assert going_on.call is not None
    assert (going_on.call.family, going_on.call.end_ts_ns) == ("Unix", None)


def test_new_threads_and_ways_beside_the_calls(fake: Fake) -> None:
    fake.say(
        "  bash-70   [001] ..... 1.400000: sched_process_fork: comm=a pid=70 child_comm=a child_pid=9 child_pid=71\n"
        "  node-71   [001] ..... 1.500000: sys_io_uring_setup(entries: 0x40, params: 0x7ffc)\n"
        "  node-71   [001] ..... 1.600000: sys_socket -> 0xffffffffffffff9f\n"
        "  node-71   [001] d.... 1.700000: signal_generate: sig=31 errno=38 code=1 comm=node pid=71 grp=0 res=0\n"
    )
    assert fake.reader.threads == {70, 71}
    assert "io_uring" in fake.reader.beside
    denied, killed = fake.reader.events
    assert denied.call is not None
    assert (denied.call.name, denied.call.error, denied.call.filtered) == ("socket", "EAFNOSUPPORT", True)
    assert (killed.kind, killed.reason) == (Kind.KILLED, "SIGSYS")
    assert fake.reader.gaps is None


def test_too_many_a_second_switch_it_off() -> None:
    fake = Fake(most_a_second=6)
    fake.say(REFUSED)
    assert fake.reader.gaps == "the trace of calls was switched off above 6 events/s"
    assert os.read(fake.switch, 9) == b"0"
    fake.reader.close()


def test_the_first_and_the_last_are_kept(fake: Fake) -> None:
    for second in range(MOST_CALLS // 100 + 1):
        lines = (REFUSED.replace("45478", str(second)).splitlines(keepends=True)[:2]) * 100
        fake.say("".join(lines))
    assert len(fake.reader.events) == MOST_CALLS
    assert fake.reader.gaps == "100 calls were dropped to bound memory"


@pytest.mark.parametrize(
    "text", ["nonsense\n", "CPU:0 [LOST 3 EVENTS]\n", REFUSED.splitlines()[0][:70] + "\n"]
)
def test_what_is_not_understood_is_a_gap(fake: Fake, text: str) -> None:
    fake.say(text)
    assert fake.reader.gaps


def test_a_kernel_that_does_not_trace_connects() -> None:
    fake = Fake({name: text for name, text in FORMATS.items() if not name.endswith("_connect")})
    assert not fake.reader.tells_calls
    fake.reader.close()
