"""The command's own calls: by their fields, and on the real kernel."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from synscope.evidence.kernel import calls
from synscope.evidence.kernel.observe import observe_kernel
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.question import question_of
from synscope.model import Answer, Endpoint, Target
from synscope.probes.kernel.events import Event, Kind, TraceHealth
from tests.evidence.builders import START
from tests.evidence.kernel.events import OURS, SERVER, WHOLE, call, record
from tests.evidence.kernel.stage import attempt, free_port, traced

DENIED = Path(__file__).parents[2] / "scenarios" / "denied.py"
TARGET = Target("127.0.0.1:62893", 62893, "127.0.0.1")
WATCHED = replace(WHOLE, denials=True)
ELSEWHERE = Endpoint("127.0.0.1", 3128)
TAKEN = call("connect", "EADDRNOTAVAIL", SERVER, began=True)
ASKED = (
    calls.out_of_descriptors,
    calls.accept_out_of_descriptors,
    calls.no_source_port,
    calls.own_end_taken,
    calls.no_source_address,
    calls.no_way,
    calls.udp_instead,
    calls.socket_file_only,
    calls.no_connect_to_target,
)
TO_FILE = call("connect", "ENOENT", family="Unix", flags=0x80000, length=20)
NSCD = call("connect", "ENOENT", family="Unix", flags=0x80800, length=110)
UDP = call("connect", server=SERVER, type="datagram")


def view(*events: Event, health: TraceHealth = WATCHED) -> KernelView:
    return KernelView(TARGET, (), record(*events, health=health))


def said(*events: Event, health: TraceHealth = WATCHED) -> set[str]:
    """The questions whose answer is yes, without the beginning that they share."""
    found = view(*events, health=health)
    return {
        question_of(asked).name.removeprefix("kernel-saw-")
        for asked in ASKED
        if asked(found).answer is Answer.YES
    }


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((call("socket", "EMFILE"),), {"out-of-descriptors"}),
        ((call("socket", "ENFILE", family="IPv6"),), {"out-of-descriptors"}),
        ((call("accept", "EMFILE"),), {"accept-out-of-descriptors", "no-connect-to-target"}),
        ((TAKEN,), {"no-source-port"}),
        ((TAKEN._replace(call=TAKEN.call._replace(bound=True)),), {"own-end-taken"}),  # type: ignore[union-attr]
        ((call("connect", "EADDRNOTAVAIL", SERVER),), {"no-source-address"}),
        ((call("connect", "EADDRNOTAVAIL", ELSEWHERE),), {"no-connect-to-target"}),
        ((call("connect", "ENETUNREACH", SERVER, route_error="ENETUNREACH"),), {"no-way"}),
        ((call("connect", "EACCES", SERVER, route_error="EACCES"),), {"no-way"}),
        ((call("connect", "EACCES"),), set()),
        ((UDP,), {"udp-instead", "no-connect-to-target"}),
        ((UDP, call("connect", "ECONNREFUSED", SERVER, began=True)), set()),
        ((TO_FILE,), {"socket-file-only", "no-connect-to-target"}),
        ((NSCD, NSCD), {"no-connect-to-target"}),
        ((TO_FILE, call("socket")), set()),
        ((call("connect", "ECONNREFUSED", SERVER, began=True),), set()),
        ((call("connect", "", SERVER, end_ts_ns=None),), set()),
        ((call("connect", "ECONNREFUSED", ELSEWHERE, began=True),), {"no-connect-to-target"}),
        ((), {"no-connect-to-target"}),
    ],
)
def test_what_the_calls_say(events: tuple[Event, ...], words: set[str]) -> None:
    assert said(*events) == words


@pytest.mark.parametrize(
    ("events", "health"),
    [
        ((), replace(WATCHED, denials=False)),
        ((), replace(WATCHED, calls_gaps="the trace of calls lost 7 events")),
        ((), replace(WATCHED, end_ts_ns=None)),
        ((), replace(WATCHED, beside_calls="it uses io_uring")),
        ((Event(START, Kind.KILLED, OURS, 0, False, reason="SIGSYS"),), WATCHED),
        ((call("send", server=ELSEWHERE),), WATCHED),
        ((call("connect", family="Unix"),), WATCHED),
        ((call("socket"),), WATCHED),
    ],
)
def test_that_it_never_connected_is_said_only_where_everything_was_seen(
    events: tuple[Event, ...], health: TraceHealth
) -> None:
    found = calls.no_connect_to_target(view(*events, health=health))
    assert found.answer is Answer.UNKNOWN
    assert found.text


def test_where_it_went_instead() -> None:
    places = [call("connect", server=Endpoint("127.0.0.1", port), began=True) for port in range(1, 6)]
    assert calls.no_connect_to_target(view(*places)).text == (
        "no process of the command called connect for the target; it went to 127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3 "
        "and 2 other places instead"
    )


def _no_descriptors(_port: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with contextlib.suppress(OSError), socket.socket():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _no_ports(port: int) -> None:
    path = "/proc/sys/net/ipv4/ip_local_port_range"
    with open(path, "w") as file:  # noqa: PTH123 - a knob of this namespace
        file.write("40000 40001\n")
    with (
        socket.create_server(("127.0.0.1", port)),
        contextlib.ExitStack() as held,
        contextlib.suppress(OSError),
    ):
        for _ in range(4):
            held.enter_context(socket.create_connection(("127.0.0.1", port)))


def _no_own_address(port: int) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), source_address=("10.99.99.99", 0))


def _no_ipv6(port: int) -> None:
    with open("/proc/sys/net/ipv6/conf/lo/disable_ipv6", "w") as file:  # noqa: PTH123
        file.write("1\n")
    attempt(port, "::1")


def _no_way(port: int) -> None:
    attempt(port, "198.51.100.7")


def _udp(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"?", ("127.0.0.1", port))


def _file(_port: int) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect_ex(f"/nonexistent/{os.getpid()}")


def _filtered(port: int) -> None:
    subprocess.run([sys.executable, DENIED, str(port)], check=False, stderr=subprocess.DEVNULL)


def _nothing(_port: int) -> None:
    pass


@pytest.mark.usefixtures("trace", "private_network")
def test_on_this_kernel() -> None:
    """One way to fail after the other, each in a trace of its own; the last ones change the network."""
    for fail, host, *names in (
        (_nothing, "127.0.0.1", "no-connect-to-target", "no-connect-at-all"),
        (_no_descriptors, "127.0.0.1", "out-of-descriptors"),
        (_no_own_address, "127.0.0.1", "bind-no-address"),
        (_udp, "127.0.0.1", "udp-instead", "no-connect-to-target", "no-connect-at-all"),
        (_file, "127.0.0.1", "socket-file-only", "no-connect-to-target", "no-connect-at-all"),
        (_filtered, "127.0.0.1", "connect-denied", "call-filtered"),
        (_no_way, "198.51.100.7", "no-way"),
        (_no_ipv6, "::1", "no-source-address"),
        (_no_ports, "127.0.0.1", "no-source-port", "own-connect", "connect-without-syn"),
    ):
        port = free_port()
        with traced(port, tree=threading.get_native_id()) as reader:
            if not reader.health.denials:
                pytest.skip(reader.health.no_calls)
            fail(port)  # type: ignore[operator]
        found = observe_kernel(Target(f"[{host}]:{port}", port, str(host)), (), reader.events, reader.health)
        words = {each.name.removeprefix("kernel-saw-") for each in found if each.answer is Answer.YES}
        assert words - {"listener-open", "listener-close"} == set(names), fail
        assert reader.health.calls_gaps is None
