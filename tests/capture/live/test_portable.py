"""Capturing through Scapy's sockets, against this machine's kernel: what Linux offers of it."""

from __future__ import annotations

import contextlib
import errno
import itertools
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synscope.capture.live import portable
from synscope.capture.live.filter_expression import filter_expression
from synscope.capture.live.interfaces import entered
from synscope.capture.live.portable import NoInterfaceError, Portable, PortableError, Twins, open_portable
from synscope.capture.source import RingState
from synscope.engine.batch import SIZE
from synscope.engine.follower import Follower
from synscope.model import Attempt, Label
from tests.kernel import Server, namespace, run, server, talk

SNAP = 400
BURST = 200
ONE_SECOND = 1_000_000_000

both = pytest.mark.parametrize("libpcap", [False, True], ids=["packet socket", "libpcap"])
families = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


@contextlib.contextmanager
def capture(
    ports: tuple[int, ...] = (), interface: str = "lo", *, libpcap: bool = False, snap: int = SNAP
) -> Iterator[Portable]:
    made = open_portable(interface, filter_expression(ports or None), snap, libpcap=libpcap)
    try:
        yield made
    finally:
        made.close()


def followed(source: Portable, idle: int = 3) -> list[Attempt]:
    """The attempts of what comes, until nothing comes for a while; none twice, none astray."""
    attempts: list[Attempt] = []
    follower = Follower(on_attempt=attempts.append)
    left = idle
    while left:
        before = follower.frames
        for data, batch in source.batches(0.15):
            follower.feed(data, batch)
        left = idle if follower.frames > before else left - 1
    follower.tracker.finish()
    assert (follower.tracker.duplicates, follower.tracker.strays) == (0, 0)
    # Behind its hop-by-hop header, a multicast report is not told from TCP.
    assert follower.undecoded().keys() <= {"ICMPv6"}
    return attempts


@both
@families
@pytest.mark.usefixtures("kernel")
def test_completed(address: str, libpcap: bool) -> None:  # noqa: FBT001
    with namespace(), server(address) as there, capture((there.port,), libpcap=libpcap) as source:
        talk(there.address, BURST)
        attempts = followed(source)
        assert Counter(attempt.label for attempt in attempts) == {Label.COMPLETED: BURST}
        assert {attempt.server.address for attempt in attempts} == {address}
        assert source.dropped == 0
        assert source.received >= 8 * BURST


@both
@families
@pytest.mark.usefixtures("kernel")
def test_refused(address: str, libpcap: bool) -> None:  # noqa: FBT001
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with namespace(), capture((9,), libpcap=libpcap) as source:
        for _ in range(20):
            with socket.socket(family) as client:
                assert client.connect_ex((address, 9)) == errno.ECONNREFUSED
        attempts = followed(source)
        assert Counter(attempt.label for attempt in attempts) == {Label.SYN_RST: 20}
        assert source.received == 40


@both
@families
@pytest.mark.usefixtures("kernel")
def test_no_reply(address: str, libpcap: bool) -> None:  # noqa: FBT001
    """A listener with a full queue drops SYNs."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with namespace(), contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind((address, 0))
        listener.listen(0)
        at = listener.getsockname()
        stack.enter_context(socket.create_connection(at[:2]))
        source = stack.enter_context(capture((at[1],), libpcap=libpcap))
        late = stack.enter_context(socket.socket(family))
        late.setblocking(False)
        late.connect_ex(at)
        (attempt,) = followed(source)
        assert attempt.label is Label.SYN_NO_REPLY


@both
@pytest.mark.usefixtures("kernel")
def test_of_other_ports_only_handshakes_pass(libpcap: bool) -> None:  # noqa: FBT001
    with namespace(), server() as there, capture((there.port + 1,), libpcap=libpcap) as source:
        talk(there.address)
        followed_frames = source.received
        for _, batch in source.batches(0.5):
            followed_frames += batch.count
        assert 3 <= followed_frames <= 4  # SYN, SYN-ACK, both FINs, which may be one with data


@pytest.mark.usefixtures("kernel")
def test_where_the_kernel_shows_both_copies_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels before 4.20 do not know the option that leaves out outgoing frames."""
    monkeypatch.setattr(portable, "_PACKET_IGNORE_OUTGOING", 250)
    with namespace(), server() as there, capture((there.port,)) as source:
        talk(there.address, BURST)
        attempts = followed(source)
        assert Counter(attempt.label for attempt in attempts) == {Label.COMPLETED: BURST}
        assert source.copies * 2 == source.received


@pytest.mark.usefixtures("kernel")
def test_without_leaving_them_out_there_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "_PACKET_IGNORE_OUTGOING", 250)
    monkeypatch.setattr(portable, "TWIN_NS", -(10**9))
    with namespace(), capture((9,)) as source:
        with socket.socket() as client:
            client.connect_ex(("127.0.0.1", 9))
        assert sum(batch.count for _, batch in source.batches(0.3)) == 4


def test_twins_are_pairs() -> None:
    twins = Twins()
    seen = [
        twins.is_second(data, at) for data, at in ((b"a", 0), (b"b", 10), (b"a", 20), (b"a", 30), (b"a", 40))
    ]
    assert seen == [False, False, True, False, True]


def test_the_same_bytes_later_are_another_frame() -> None:
    twins = Twins()
    assert not twins.is_second(b"a", 0)
    assert twins.is_second(b"a", portable.TWIN_NS)
    assert not twins.is_second(b"b", 0)
    assert not twins.is_second(b"b", portable.TWIN_NS + 1)


@both
@pytest.mark.usefixtures("kernel")
def test_a_frame_is_cut_to_the_snap_length(libpcap: bool) -> None:  # noqa: FBT001
    with namespace(), server() as there, capture((there.port,), libpcap=libpcap, snap=60) as source:
        talk(there.address)
        lengths = [
            (batch.caplen[i], batch.wirelen[i]) for _, batch in source.batches(1) for i in range(batch.count)
        ]
        assert (60, 74) in lengths
        assert source.snapped == sum(caplen < wirelen for caplen, wirelen in lengths) > 0
        assert all(caplen == min(60, wirelen) for caplen, wirelen in lengths)


@both
@pytest.mark.usefixtures("kernel")
def test_times_are_the_clocks_and_in_order(libpcap: bool) -> None:  # noqa: FBT001
    with namespace(), server() as there, capture((there.port,), libpcap=libpcap) as source:
        before = time.time_ns()
        talk(there.address, 5)
        after = time.time_ns()
        times = [batch.ts_ns[i] for _, batch in source.batches(1) for i in range(batch.count)]
        # Two CPUs stamp, and their clocks may differ by some microseconds.
        assert all(later > earlier - 1_000_000 for earlier, later in itertools.pairwise(times))
        assert before - ONE_SECOND <= times[0] <= times[-1] <= after + ONE_SECOND


@pytest.mark.usefixtures("kernel")
def test_an_unlimited_burst_is_lossy_and_says_so() -> None:
    """What does not fit the socket's buffer while nobody reads is lost, and counted."""
    with namespace(), server() as there, capture((there.port,)) as source:
        source._heard._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # type: ignore[attr-defined]
        talk(there.address, 100)
        lost = source.dropped
        assert lost
        assert source.use > 0.5
        waiting = sum(batch.count for _, batch in source.batches(0.2))
        assert waiting + lost >= 100 * 9
        assert source.fullest > 0.5
        source.close()
        assert source.dropped == lost


@pytest.mark.usefixtures("kernel")
def test_more_than_a_batch_comes_in_several() -> None:
    with namespace(), server() as there, capture((there.port,)) as source:
        talk(there.address, SIZE // 8)
        counts = [batch.count for _, batch in source.batches(0.2)]
        assert max(counts) == SIZE
        assert sum(counts) == source.received
        assert source.dropped == 0


@pytest.mark.usefixtures("kernel")
def test_an_interface_that_goes_down_is_a_state() -> None:
    with namespace() as name, server() as there, capture((there.port,)) as source:
        run("ip", "-n", name, "link", "set", "lo", "down")
        assert list(source.batches(0.1)) == []
        assert source.state is RingState.DOWN
        run("ip", "-n", name, "link", "set", "lo", "up")
        talk(there.address)
        assert len(followed(source)) == 1
        assert source.state is RingState.CAPTURING
        assert source.interruptions == 1


@both
@pytest.mark.usefixtures("kernel")
def test_an_interface_with_two_ends(libpcap: bool) -> None:  # noqa: FBT001
    """The client's own SYN is seen on other interfaces too."""
    with namespace(inside=False) as far, namespace() as near:
        run("ip", "-n", near, "link", "add", "there", "type", "veth", "peer", "name", "here", "netns", far)
        for name, device, address in ((near, "there", "10.9.0.1/24"), (far, "here", "10.9.0.2/24")):
            run("ip", "-n", name, "addr", "add", address, "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        with entered(Path("/run/netns") / far):
            there = Server("10.9.0.2")
        try:
            with capture((there.port,), "there", libpcap=libpcap) as source:
                talk(there.address, 20)
                attempts = followed(source)
                assert Counter(attempt.label for attempt in attempts) == {Label.COMPLETED: 20}
                assert source.copies == 0
        finally:
            there.close()


@both
@pytest.mark.usefixtures("kernel")
def test_closing_twice_and_reading_after_it(libpcap: bool) -> None:  # noqa: FBT001
    with namespace(), capture((9,), libpcap=libpcap) as source:
        assert source.interface_name(1) == "lo"
        assert source.interface_name(2) is None
        source.close()
        source.close()
        assert list(source.batches(1)) == []
        assert (source.received, source.dropped, source.use) == (0, 0, 0.0)
        assert source.interface_name(1) is None


@pytest.mark.usefixtures("kernel")
def test_closing_inside_the_loop() -> None:
    with namespace(), server() as there, capture((there.port,)) as source:
        talk(there.address)
        seen = 0
        for _ in source.batches(0.5):
            seen += 1
            source.close()
        assert seen == 1


@both
@pytest.mark.usefixtures("kernel")
def test_what_cannot_be_captured(libpcap: bool) -> None:  # noqa: FBT001
    with namespace():
        with pytest.raises(PortableError, match="'nowhere'"):
            open_portable("nowhere", filter_expression((9,)), SNAP, libpcap=libpcap)
        with pytest.raises(PortableError, match="filter"):
            open_portable("lo", "no filter at all", SNAP, libpcap=libpcap)
        with pytest.raises(NoInterfaceError, match="not any"):
            open_portable("any", filter_expression((9,)), SNAP, libpcap=libpcap)


@both
@pytest.mark.usefixtures("kernel")
def test_an_interface_that_is_down(libpcap: bool) -> None:  # noqa: FBT001
    with namespace() as name:
        run("ip", "-n", name, "link", "set", "lo", "down")
        with pytest.raises(PortableError, match=r"is down|not up"):
            open_portable("lo", filter_expression((9,)), SNAP, libpcap=libpcap)


def test_without_scapy_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scapy.layers.inet", None)
    with pytest.raises(portable.MissingPartError, match=r"pip install 'synscope\[capture\]'"):
        open_portable("lo", filter_expression((9,)), SNAP)


@pytest.mark.usefixtures("kernel")
def test_without_the_right_it_is_said_what_is_needed() -> None:
    script = """
import os, sys
sys.path.extend(sys.argv[1:])
from synscope.capture.live import portable
portable._listening(libpcap=False)
os.setgid(65534); os.setuid(65534)
try:
    portable.open_portable("lo", "tcp", 400)
except portable.NotPermittedError as error:
    print(error)
"""
    with namespace():
        done = subprocess.run(
            [sys.executable, "-c", script, *sys.path], capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stdout == (
        "this process may not capture: it needs root or CAP_NET_RAW, and libpcap (Debian: libpcap0.8)\n"
    )


def test_scapy_is_not_imported_before_a_capture() -> None:
    script = "import sys, synscope.capture.live.portable; sys.exit('scapy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], check=False, env={"PYTHONPATH": SRC}).returncode == 0
    )


SRC = str(Path(portable.__file__).parents[3])


# -- the sockets of other systems, as far as a stand-in can show them -----------------------------------------


class _Bpf:
    """Scapy's socket over a BPF device: frames, then nothing."""

    def __init__(self, frames: list[bytes]) -> None:
        self.bpf_fd = 3
        self.closed = False
        self.nonblock = False
        self._frames = frames

    def set_nonblock(self, wanted: bool) -> None:  # noqa: FBT001 - Scapy's
        self.nonblock = wanted

    def select(self, _sockets: list[Any], _seconds: float) -> list[Any]:
        return [self]

    def recv_raw(self) -> tuple[None, bytes | None, float | None]:
        return (None, self._frames.pop(0), 12.5) if self._frames else (None, None, None)

    def get_stats(self) -> tuple[int, int]:
        return 99, 7

    def close(self) -> None:
        self.closed = True


def test_a_bpf_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback of macOS has link type NULL; the device is asked for it, and for what it lost."""
    import fcntl

    asked: list[int] = []

    def ioctl(_descriptor: int, what: int, _room: bytes) -> bytes:
        asked.append(what)
        return (0).to_bytes(4, sys.byteorder)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    limit: Callable[[int], None] = lambda _: None  # noqa: E731
    monkeypatch.setattr(sys, "setrecursionlimit", limit)
    made = _Bpf([b"\x02\0\0\0abc", b"\x02\0\0\0defgh"])
    source = Portable(made, "lo", 6, loopback=True)
    ((data, batch),) = source.batches(0)
    assert [bytes(data[batch.at[i] :][: batch.caplen[i]]) for i in range(2)] == [
        b"\x02\0\0\0ab",
        b"\x02\0\0\0de",
    ]
    assert list(batch.wirelen[:2]) == [7, 9]
    assert list(batch.linktype[:2]) == [0, 0]
    assert list(batch.ts_ns[:2]) == [12_500_000_000] * 2
    assert (source.received, source.dropped, source.snapped, made.nonblock) == (2, 7, 2, True)
    assert asked == [0x4004426A]
    source.close()
    assert made.closed


@pytest.mark.parametrize(
    ("system", "name"),
    [("linux", "lo"), ("darwin", "lo0"), ("freebsd14", "lo0"), ("win32", "\\Device\\NPF_Loopback")],
)
def test_names_of_the_loopback_interface(system: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "SYSTEM", system)
    assert portable.loopback_name() == name
