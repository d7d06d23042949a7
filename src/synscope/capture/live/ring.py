"""The unprivileged half of a live capture on Linux: maps a packet ring and yields its frames as batches.

Input: the descriptor of a socket that ``ring_socket.open_ring`` made, possibly in another process and another
network namespace, and the ring's geometry. Output: batches over the mapped memory, and how complete they are:
frames received and dropped, how full the ring was, whether the interface is up.

Invariants: a block goes back to the kernel only after the batches made of it were used; whatever lies in the
ring is walked with bounds checks (``engine.blocks``); damage in a block loses the rest of that block and is
counted; an interface that goes down is a state, for capturing goes on once it is up again.

Sources: packet(7), the kernel's Documentation/networking/packet_mmap.rst, linux/if_packet.h.
"""

from __future__ import annotations

import errno
import mmap
import select
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from synscope.capture.live.interfaces import is_up, loopback_index, name_of
from synscope.capture.source import RingState
from synscope.engine import blocks
from synscope.engine.batch import SIZE, Batch

_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_STATISTICS = struct.Struct("3I")
_STATUS_AT = 8
_STATUS_KERNEL = 0
_STATUS_USER = 1
_WORD = 4
_REFUSED = frozenset({errno.ENOMEM, errno.ENOBUFS})
_GONE = frozenset({errno.ENETDOWN, errno.ENODEV, errno.ENXIO})

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a ring's memory is divided: sizes in bytes, and how long a block that is not full may be held back."""

    block_size: int
    block_count: int
    retire_ms: int = 50

    @property
    def size(self) -> int:
        """Bytes of the whole ring."""
        return self.block_size * self.block_count


GEOMETRIES = (*(Geometry(1 << 20, count) for count in (32, 16, 8, 4)), Geometry(1 << 17, 8))
"""What to try, the largest first."""


class Ring:
    """A packet ring. Owns ``descriptor`` and closes it.

    Besides the batch's own columns, ``unfilled[i]`` is 1 when the TCP checksum of the batch's *i*-th frame was
    left to the hardware (0: it is filled in), and ``ifindex[i]`` is the number of its interface.
    """

    def __init__(self, descriptor: int, geometry: Geometry) -> None:
        self._geometry = geometry
        self._socket = socket.socket(fileno=descriptor)
        try:
            self._memory = mmap.mmap(descriptor, geometry.size)
        except BaseException:
            self._socket.close()
            raise
        self._statuses = memoryview(self._memory).cast("I")
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLERR)
        self._closed = False
        self._block = 0
        self._entered = False
        self._batch = Batch()
        self.unfilled = array("I", bytes(4 * SIZE))
        self.ifindex = array("I", bytes(4 * SIZE))
        self._words = array("Q", bytes(8 * blocks.STATE_SIZE))
        self._words[blocks.STATE_BIG_ENDIAN] = sys.byteorder == "big"
        self._words[blocks.STATE_LOOPBACK] = self.loopback = loopback_index(self._socket)
        self.several = not self._socket.getsockname()[0]
        self.state = RingState.CAPTURING
        self.interruptions = 0
        """How often the interface went down; of several, the loopback interface."""
        self.damaged = 0
        """Blocks whose content was impossible; the rest of each is lost."""
        self._seen = 0
        self._dropped = 0
        self._freezes = 0
        self.fullest = 0.0
        """The largest share of the ring that was ever known to wait."""

    # -- frames ---------------------------------------------------------------------------------------

    def batches(self, timeout: float) -> Iterator[tuple[mmap.mmap, Batch]]:
        """Yield the frames that wait, after waiting at most ``timeout`` seconds for some to come.

        Ends when no block waits any more, and after one turn of the ring at the latest, so that the caller
        gets to do other things; the next call goes on where this one ended. Buffer and batch are good until
        the next batch is asked for.
        """
        if self._closed:
            return
        if not self._waits():
            self._wait(timeout)
        share = self.use
        self.fullest = max(self.fullest, share)
        for _ in range(self._geometry.block_count):
            if not self._waits():
                return
            yield from self._batches_of_block()

    def _batches_of_block(self) -> Iterator[tuple[mmap.mmap, Batch]]:
        start = self._block * self._geometry.block_size
        words = self._words
        if not self._entered:
            blocks.enter_block(self._memory, start, self._geometry.block_size, words)
            self._entered = True
        b = self._batch
        while words[blocks.STATE_LEFT] and words[blocks.STATE_STOP] != blocks.STOP_FAULT:
            b.count = blocks.walk_block(
                self._memory,
                words,
                b.at,
                b.caplen,
                b.wirelen,
                b.ts_ns,
                b.linktype,
                self.unfilled,
                self.ifindex,
            )
            if b.count:
                yield self._memory, b
                if self._closed:
                    return
        self.damaged += words[blocks.STATE_STOP] == blocks.STOP_FAULT
        self._release()

    def _waits(self) -> bool:
        """Whether the kernel has handed over the next block."""
        return not self._closed and bool(self._statuses[self._status_place(self._block)] & _STATUS_USER)

    def _status_place(self, block: int) -> int:
        return (block * self._geometry.block_size + _STATUS_AT) // _WORD

    def _release(self) -> None:
        """Give the block back to the kernel, which fills blocks in the order of the ring."""
        self._statuses[self._status_place(self._block)] = _STATUS_KERNEL
        self._block = (self._block + 1) % self._geometry.block_count
        self._entered = False

    def _wait(self, timeout: float) -> None:
        for _, event in self._poll.poll(max(0.0, timeout) * 1000):
            if event & (select.POLLERR | select.POLLHUP):
                self._look_at_error()
        if self.several:
            self._look_at_loopback()
        elif self.state is not RingState.CAPTURING:
            self._look_at_interface()

    def _look_at_loopback(self) -> None:
        """See whether loopback is up, where several interfaces are captured: the kernel tells no error then."""
        name = self.interface_name(self.loopback)
        down = name is not None and is_up(self._socket, name) is False
        if down and self.state is RingState.CAPTURING:
            self.interruptions += 1
        self.state = RingState.DOWN if down else RingState.CAPTURING

    def _look_at_error(self) -> None:
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number in _GONE:
            self.interruptions += 1
            self.state = RingState.DOWN

    def _look_at_interface(self) -> None:
        name = self._socket.getsockname()[0]  # empty once the kernel has let go of the interface
        up = is_up(self._socket, name) if name else None
        if up is None:
            self.state = RingState.GONE
        else:
            self.state = RingState.CAPTURING if up else RingState.DOWN

    # -- health ---------------------------------------------------------------------------------------

    @property
    def received(self) -> int:
        """Frames that passed the filter and came into the ring; on loopback among others both copies of each."""
        self._ask()
        return self._seen - self._dropped

    @property
    def dropped(self) -> int:
        """Frames that passed the filter and were lost because the ring was full."""
        self._ask()
        return self._dropped

    @property
    def freezes(self) -> int:
        """How often the kernel stopped because the ring was full."""
        self._ask()
        return self._freezes

    @property
    def copies(self) -> int:
        """Outgoing copies of loopback frames that were left out."""
        return self._words[blocks.STATE_COPIES]

    @property
    def unknown(self) -> int:
        """Frames left out because their link layer is unknown."""
        return self._words[blocks.STATE_UNKNOWN]

    @property
    def snapped(self) -> int:
        """Frames that came only in part."""
        return self._words[blocks.STATE_SNAPPED]

    @property
    def use(self) -> float:
        """Share of the ring's blocks that wait to be read, 0 to 1."""
        if self._closed:
            return 0.0
        count = self._geometry.block_count
        waiting = sum(self._statuses[self._status_place(block)] & _STATUS_USER for block in range(count))
        return waiting / count

    def interface_name(self, index: int) -> str | None:
        """Return the name of an interface of the ring's namespace by its number, ``None`` when it is not there."""
        return None if self._closed else name_of(self._socket, index)

    def _ask(self) -> None:
        """Add what the kernel counted since it was asked last: asking sets its counters back."""
        if self._closed:
            return
        answer = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        seen, dropped, freezes = _STATISTICS.unpack(answer)
        self._seen += seen
        self._dropped += dropped
        self._freezes += freezes
        if dropped:
            self.fullest = 1.0  # between two looks at it

    def close(self) -> None:
        """Unmap the ring and close the socket; counters stay."""
        if self._closed:
            return
        self._ask()
        self._closed = True
        self._statuses.release()
        self._memory.close()
        self._socket.close()


def open_largest(
    make: Callable[[Geometry], _Made], geometries: Sequence[Geometry] = GEOMETRIES
) -> tuple[_Made, Geometry, tuple[Geometry, ...]]:
    """Return the largest ring the kernel has memory for: what ``make`` returned, its geometry, those refused before.

    ``make`` opens a ring and raises an error with the kernel's ``errno`` where it cannot. Whatever is not for
    lack of memory, and the last refusal, is raised on.
    """
    for place, geometry in enumerate(geometries[:-1]):
        try:
            return make(geometry), geometry, tuple(geometries[:place])
        except Exception as error:
            if getattr(error, "errno", 0) not in _REFUSED:
                raise
    return make(geometries[-1]), geometries[-1], tuple(geometries[:-1])
