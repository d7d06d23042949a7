"""A live capture through Scapy's sockets: BPF devices on macOS and the BSDs, Npcap on Windows, any libpcap.

Input: an interface's name, a filter expression and a snap length. Output: batches, as ``ring.Ring`` yields them,
and what the system says about losses. The only module on the capture side that imports Scapy, and only once a
capture is opened; frames are taken as bytes and never dissected by it.

Invariants: no frame is given out twice, though Linux shows a packet socket both copies of a loopback frame; what
the system lost is said where it tells. Frames are copied one by one, in Python: a burst that comes faster than
that overflows the system's buffer. On Linux the packet ring is the better way.

Times have the precision of a float, about a quarter of a microsecond. Sources: Scapy's ``SuperSocket.recv_raw``;
packet(7); bpf(4); pcap(3PCAP).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
import time
from array import array
from collections.abc import Iterator
from typing import Any, Final, Protocol

from synscope.capture.live.interfaces import is_up
from synscope.capture.source import RingState
from synscope.engine.batch import SIZE, Batch

SYSTEM: Final[str] = sys.platform
ANY: Final = "any"
TWIN_NS: Final = 1_000_000
"""How far apart the two copies of one loopback frame are at most."""

_LOOPBACKS: Final = {"linux": "lo", "win32": "\\Device\\NPF_Loopback"}
_BSD_LOOPBACK: Final = "lo0"
_NEEDS: Final = {
    "linux": "it needs root or CAP_NET_RAW, and libpcap (Debian: libpcap0.8)",
    "win32": "it needs Npcap (https://npcap.com) and, if that was installed for administrators only, one",
}
_BSD_NEEDS: Final = "it needs root, or the right to read /dev/bpf* (Wireshark's ChmodBPF gives it)"

_LARGEST_FRAME: Final = 262_144
_BUFFER: Final = 16 << 20
_BUFFER_SIZE: Final = 4 << 20
_TURNS: Final = 16
_PAUSE_S: Final = 0.02
_RECURSION: Final = 4000

_SOL_PACKET: Final = 263
_PACKET_STATISTICS: Final = 6
_PACKET_IGNORE_OUTGOING: Final = 23
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_ETHERNET: Final = frozenset({1, 772})
_NO_LINK_LAYER: Final = frozenset({65534, 519, 512, 768, 769, 776})
_GONE: Final = frozenset({errno.ENETDOWN, errno.ENODEV, errno.ENXIO})


class PortableError(Exception):
    """Scapy cannot capture here; the message says why and what helps."""


class MissingPartError(PortableError):
    """Scapy, or what it needs, is not installed."""


class NotPermittedError(PortableError):
    """The process may not capture."""


class NoInterfaceError(PortableError):
    """There is no interface of that name that is up and whose link layer is known."""


class _Heard(Protocol):
    """One of Scapy's sockets, with what differs between systems evened out."""

    linktype: int
    twice: bool
    """Whether both copies of a loopback frame come."""

    def receive(self) -> tuple[bytes, float | None] | None:
        """Return the next frame and its time in seconds, ``None`` when none waits. Raises ``OSError``."""
        ...

    def dropped(self) -> int | None:
        """Return how many frames were lost so far."""
        ...

    def use(self) -> float:
        """Return the share of the system's buffer that waits to be read."""
        ...


class _PacketSocket:
    """A packet socket of Linux."""

    def __init__(self, made: Any, *, loopback: bool) -> None:  # noqa: ANN401 - Scapy's socket
        self._made = made
        self._socket: socket.socket = made.ins
        self._lost = 0
        hardware = self._socket.getsockname()[3]
        if hardware not in _ETHERNET | _NO_LINK_LAYER:
            raise NoInterfaceError(f"the link layer of this interface (type {hardware}) is not known")
        self.linktype = 1 if hardware in _ETHERNET else 101
        self.twice = loopback
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):  # without root, as much as net.core.rmem_max allows
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        if loopback:
            with contextlib.suppress(OSError):  # unknown before Linux 4.20
                self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
                self.twice = False
        self._ask()  # what Scapy threw away before it was bound does not count
        self._lost = 0

    def receive(self) -> tuple[bytes, float | None] | None:
        try:
            _, data, seconds = self._made.recv_raw(_LARGEST_FRAME)
        except BlockingIOError:
            return None
        return data, seconds

    def dropped(self) -> int:
        self._ask()
        return self._lost

    def _ask(self) -> None:
        """Add what the kernel counted since it was asked last: asking sets its counter back."""
        answer = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self._lost += struct.unpack("2I", answer)[1]

    def use(self) -> float:
        try:
            waiting, size = struct.unpack("2I", self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 8))
        except OSError:
            return 0.0
        return min(1.0, waiting / size) if size else 0.0


class _BpfDevice:
    """A BPF device of macOS or a BSD."""

    twice = False

    def __init__(self, made: Any) -> None:  # noqa: ANN401 - Scapy's socket
        import fcntl  # noqa: PLC0415 - Windows has none

        from scapy.arch.bpf.consts import BIOCGDLT  # noqa: PLC0415

        self._made = made
        self.linktype: int = struct.unpack("I", fcntl.ioctl(made.bpf_fd, BIOCGDLT, bytes(4)))[0]
        made.set_nonblock(True)
        # Scapy takes a buffer apart with one call inside the other for each frame: hundreds of short ones fit.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION))

    def receive(self) -> tuple[bytes, float | None] | None:
        _, data, seconds = self._made.recv_raw()
        return None if data is None else (data, seconds)

    def dropped(self) -> int | None:
        lost: int | None = self._made.get_stats()[1]
        return lost

    def use(self) -> float:
        return 0.0


class _Libpcap:
    """A handle of libpcap or Npcap."""

    twice = False

    def __init__(self, made: Any) -> None:  # noqa: ANN401 - Scapy's socket
        self._made = made
        self.linktype: int = made.pcap_fd.datalink()
        made.pcap_fd.setnonblock(True)

    def receive(self) -> tuple[bytes, float | None] | None:
        _, data, seconds = self._made.recv_raw()
        return None if data is None else (data, seconds)

    def dropped(self) -> int | None:
        from ctypes import byref  # noqa: PLC0415 - beside Scapy's, which is loaded by now

        from scapy.libs.winpcapy import pcap_stat, pcap_stats  # noqa: PLC0415

        told = pcap_stat()
        if pcap_stats(self._made.pcap_fd.pcap, byref(told)) != 0:
            return None
        return int(told.ps_drop) + int(told.ps_ifdrop)

    def use(self) -> float:
        return 0.0


class Twins:
    """Tells the second copy of a frame by its bytes: no stack sends the same ones twice within a millisecond."""

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}

    def is_second(self, data: bytes, ts_ns: int) -> bool:
        """Whether the same bytes came shortly before, and their copy did not yet."""
        while self._first:
            oldest = next(iter(self._first))
            if self._first[oldest] + TWIN_NS >= ts_ns:
                break
            del self._first[oldest]
        if self._first.pop(data, None) is not None:
            return True
        self._first[data] = ts_ns
        return False


class Portable:
    """A capture through one of Scapy's sockets, which it owns. See ``source.LiveSource``.

    ``unfilled`` stays 0: Scapy does not tell which checksums were left to the hardware.
    """

    several = False
    loopback = 0
    damaged = 0
    unknown = 0

    def __init__(self, made: Any, interface: str, snap_length: int, *, loopback: bool) -> None:  # noqa: ANN401
        """Take over a listening socket of Scapy's that is bound to ``interface`` and has its filter."""
        self._made = made
        self._heard = _heard(made, loopback=loopback)
        self._twins = Twins() if self._heard.twice else None
        self._interface = interface
        self._snap = snap_length
        self._data = bytearray(max(_BUFFER_SIZE, snap_length))
        self._batch = Batch()
        for i in range(SIZE):
            self._batch.linktype[i] = self._heard.linktype
        self._index = 0
        with contextlib.suppress(OSError):  # Windows names its interfaces otherwise
            self._index = socket.if_nametoindex(interface)
        self.unfilled = array("I", bytes(4 * SIZE))
        self.ifindex = array("I", [self._index]) * SIZE
        self.state = RingState.CAPTURING
        self.interruptions = 0
        self.fullest = 0.0
        self.received = 0
        self.copies = 0
        self.snapped = 0
        self._dropped: int | None = None
        self._closed = False

    def batches(self, timeout: float) -> Iterator[tuple[bytearray, Batch]]:
        """Yield the frames that wait, after waiting at most ``timeout`` seconds for some to come.

        Ends when none waits any more, and after a few batches at the latest. Buffer and batch are good until the
        next batch is asked for.
        """
        if self._closed:
            return
        if self._made.select([self._made], max(0.0, timeout)):
            self.fullest = max(self.fullest, self.use)
            for turn in range(_TURNS):
                if not self._fill():
                    if turn == 0:
                        time.sleep(min(_PAUSE_S, max(0.0, timeout)))  # said to be ready, but not with a frame
                    break
                yield self._data, self._batch
        if self.state is not RingState.CAPTURING:
            self._look_at_interface()

    def _fill(self) -> int:
        """Copy the frames that wait into the batch; return how many."""
        b, at, count = self._batch, 0, 0
        while not self._closed and count < SIZE and at + self._snap <= len(self._data):
            try:
                came = self._heard.receive()
            except OSError as error:
                self._note(error)
                break
            if came is None:
                break
            data, seconds = came
            ts_ns = time.time_ns() if seconds is None else int(seconds * 1e9)
            self.received += 1
            if self._twins is not None and self._twins.is_second(data, ts_ns):
                self.copies += 1
                continue
            caplen = min(len(data), self._snap)
            self._data[at : at + caplen] = data[:caplen]
            b.at[count], b.caplen[count], b.wirelen[count], b.ts_ns[count] = at, caplen, len(data), ts_ns
            self.snapped += caplen < len(data)
            at += caplen
            count += 1
        b.count = count
        return count

    def _note(self, error: OSError) -> None:
        if error.errno not in _GONE:
            raise error
        if self.state is RingState.CAPTURING:
            self.interruptions += 1
        self.state = RingState.DOWN

    def _look_at_interface(self) -> None:
        """See whether it is up again. Only Linux's packet sockets say that it went down."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            up = is_up(asked, self._interface)
        if up is None:
            self.state = RingState.GONE
        else:
            self.state = RingState.CAPTURING if up else RingState.DOWN

    @property
    def dropped(self) -> int | None:
        """Frames that passed the filter and were lost because the buffer was full; ``None``: not told."""
        if not self._closed:
            self._dropped = self._heard.dropped()
        return self._dropped

    @property
    def use(self) -> float:
        """Share of the system's buffer that waits, where the system tells (Linux's packet sockets), else 0."""
        return 0.0 if self._closed else self._heard.use()

    def interface_name(self, index: int) -> str | None:
        """Return the interface's name if the number is its, else ``None``."""
        return self._interface if index == self._index and not self._closed else None

    def close(self) -> None:
        """Close Scapy's socket; counters stay."""
        if self._closed:
            return
        self._dropped = self._heard.dropped()
        self._closed = True
        self._made.close()


def loopback_name() -> str:
    """Return what this system calls its loopback interface."""
    return _LOOPBACKS.get(SYSTEM, _BSD_LOOPBACK)


def interface_to(address: str) -> str | None:
    """Return the interface by which a literal address is reached, as Scapy reads the routes; ``None``: not known."""
    with contextlib.suppress(Exception):  # Scapy's own, and those of a system that it reads otherwise
        if ":" in address:
            import scapy.route6  # noqa: PLC0415 - it fills what is asked
            from scapy.config import conf  # noqa: PLC0415

            return str(conf.route6.route(address)[0])
        import scapy.route  # noqa: F401, PLC0415
        from scapy.config import conf  # noqa: PLC0415

        return str(conf.route.route(address)[0])
    return None


def open_portable(interface: str, expression: str, snap_length: int, *, libpcap: bool = False) -> Portable:
    """Capture on ``interface`` what ``expression`` passes, ``snap_length`` bytes of each frame.

    Uses what Scapy prefers on this system, or libpcap if that is asked for. Raises ``PortableError``.
    """
    if interface == ANY:
        raise NoInterfaceError("through Scapy one interface is captured, not any: name it")
    kind = _listening(libpcap=libpcap)
    try:
        made = kind(iface=interface, filter=expression, promisc=False)
    except PermissionError as error:
        raise NotPermittedError(f"this process may not capture: {_needs()}") from error
    except Exception as error:  # Scapy's own exception, RuntimeError, OSError without a number
        number = getattr(error, "errno", None)
        if number == errno.ENETDOWN:
            raise NoInterfaceError(f"the interface {interface!r} is down, and must be up to begin") from error
        if number in _GONE:
            raise NoInterfaceError(f"there is no interface {interface!r} here") from error
        raise PortableError(f"Scapy cannot capture on {interface!r}: {error} ({_needs()})") from error
    try:
        return Portable(made, interface, snap_length, loopback=interface == loopback_name())
    except BaseException:
        made.close()
        raise


def _needs() -> str:
    return _NEEDS.get(SYSTEM, _BSD_NEEDS)


def _listening(*, libpcap: bool) -> Any:  # noqa: ANN401 - one of Scapy's classes
    """Return the class of Scapy's that listens on this system."""
    try:
        import scapy.layers.inet  # noqa: F401, PLC0415 - without its layers Scapy warns of every link type
        from scapy.config import conf  # noqa: PLC0415
    except ImportError as error:
        raise MissingPartError(
            f"this way of capturing needs Scapy ({error}): pip install 'synscope[capture]'"
        ) from error
    if libpcap or SYSTEM != "win32":  # there it is Scapy's only way
        conf.use_pcap = libpcap
    if libpcap and not conf.use_pcap:
        raise MissingPartError("Scapy finds no libpcap here (Debian: libpcap0.8)")
    return conf.L2listen


def _heard(made: Any, *, loopback: bool) -> _Heard:  # noqa: ANN401 - a socket of Scapy's
    if hasattr(made, "pcap_fd"):
        return _Libpcap(made)
    if hasattr(made, "bpf_fd"):
        return _BpfDevice(made)
    return _PacketSocket(made, loopback=loopback)
