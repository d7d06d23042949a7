"""Turns a ``ByteSource`` into batches of records: knows file headers and pcapng's other blocks.

Input: a source. Output: batches (by ``CaptureReader.batches``), and afterwards what there is to say about the
capture: format, link types, where it was cut, what its interfaces lost.

Invariants: memory is one buffer, which grows only for a record larger than itself; a record that is not
whole ends the reading with a ``Cut``, after everything before it has been delivered.

Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng (block types, options), libpcap's savefile formats.
"""

from __future__ import annotations

import itertools
import struct
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from synscope.capture.source import ByteSource, CaptureError
from synscope.capture.write.attachments import MOST_COMMENTS
from synscope.engine import records as rec
from synscope.engine.batch import SIZE, Batch
from synscope.engine.names import LINKTYPE_PKTAP, linktype_name
from synscope.model import CaptureFile, Cut
from synscope.reference.systems import system_named, system_of_interface

if TYPE_CHECKING:
    from synscope.capture.read.process_claims import Claim, SectionClaims

_BUFFER = 1 << 18
_LARGEST_PIECE = 1 << 21
_FEW = 512
"""A buffer that holds fewer frames than this is too small: every one of them costs the same to hand on."""
_LARGEST = 1 << 26
_PCAP_HEADER = 24
_MAX_SNAPLEN = 262144
_ODD_TIMES = 10_000
_QUIET = 0.5

PROCESS_BLOCK = 0x80000001
"""Apple's process information block; elsewhere this type is for local use."""
_SHB = 0x0A0D0D0A
_IDB = 1
_ISB = 5
_OPT_END = 0
_OPT_COMMENT = 1
_SHB_OS = 3
_IF_NAME = 2
_IF_OS = 12
_IF_TSRESOL = 9
_IF_TSOFFSET = 14
_ISB_IFDROP = 5
_ISB_OSDROP = 7
_MAX_DECIMAL = 28
_MAX_BINARY = 63


class _Magic(NamedTuple):
    byte_order: str
    unit: int
    header: int
    name: str


_PCAP_MAGICS = {
    bytes.fromhex(text): _Magic(order, unit, header, name)
    for text, order, unit, header, name in (
        ("d4c3b2a1", "<", 1000, 16, "pcap"),
        ("a1b2c3d4", ">", 1000, 16, "pcap"),
        ("4d3cb2a1", "<", 1, 16, "pcap, nanoseconds"),
        ("a1b23c4d", ">", 1, 16, "pcap, nanoseconds"),
        ("34cdb2a1", "<", 1000, 24, "pcap, modified"),
        ("a1b2cd34", ">", 1000, 24, "pcap, modified"),
    )
}
_PCAPNG_MAGIC = bytes.fromhex("0a0d0d0a")


class CaptureReader:
    """Reads one capture from a source.

    ``capture`` is its name for messages. Raises ``CaptureError`` from ``batches`` when the beginning is
    that of a capture; later damage ends the reading and is kept in ``cut``. ``on_quiet``, when given, is
    called every half second in which nothing comes, with the seconds since something did. What ``batches``
    yields stays as it is until ``buffers`` - 1 more have been asked for.
    """

    def __init__(
        self,
        source: ByteSource,
        capture: str,
        on_quiet: Callable[[float], None] | None = None,
        *,
        buffers: int = 1,
    ) -> None:
        self._source = source
        self._on_quiet = on_quiet
        self._capture = capture
        self.buffers = buffers
        self._buffers: list[tuple[bytearray, Batch]] = []
        self._buffer = bytearray(_BUFFER)
        self._piece = _BUFFER
        self._filled = 0
        self._base = 0  # offset in the capture of the buffer's first byte
        self._ended = False
        self._state = array("Q", bytes(8 * rec.STATE_SIZE))
        self._interfaces = array("Q")
        self._order = "<"
        self._dropped: dict[tuple[int, int], int] = {}
        self._section = 0
        self._linktypes: dict[int, None] = {}
        self.frames = 0
        self.format = ""
        self.cut: Cut | None = None
        self.odd_times: dict[int, int] = {}
        self.unknown_blocks = 0
        self.comments: list[str] = []
        """The first comments on the file as a whole."""
        self.system = ""
        """The system on which the capture was made, where it says so."""
        self.claims: deque[Claim] | None = None
        """Where what frames claim about processes goes; nowhere unless somebody puts a queue here."""

    @cached_property
    def _processes(self) -> SectionClaims:
        from synscope.capture.read.process_claims import SectionClaims  # noqa: PLC0415 - of pcapng alone

        return SectionClaims()

    @property
    def linktypes(self) -> tuple[str, ...]:
        """Names of the link types the capture declares, in order of appearance."""
        return tuple(map(linktype_name, self._linktypes))

    @property
    def files(self) -> tuple[CaptureFile, ...]:
        """None: a single source is no set of files."""
        return ()

    def close(self) -> None:
        """Close the source and let go of the buffer; what was counted stays."""
        self._source.close()
        self._buffer = bytearray()
        self._buffers = []

    @property
    def snapped(self) -> int:
        """Frames that are stored only in part."""
        return self._state[rec.STATE_SNAPPED]

    @property
    def dropped(self) -> int | None:
        """Frames the capturing program says it lost, where it says so."""
        return sum(self._dropped.values()) if self._dropped else None

    def batches(self) -> Iterator[tuple[bytearray, Batch]]:
        """Yield a buffer and a batch of frames in it; both are reused for a later one.

        A source may raise where it has nothing yet: called again, this goes on where it was.
        """
        if not self._buffers:
            self._read_header()
            self._buffers.append((self._buffer, Batch(SIZE)))
        for turn in itertools.count():
            if turn == len(self._buffers) < self.buffers:
                self._buffers.append((bytearray(_BUFFER), Batch(SIZE)))
            buffer, batch = self._buffers[turn % len(self._buffers)]
            self._move_to(buffer)
            more = self._fill(batch)
            if batch.count:
                self._take_claims(buffer, batch)
                yield buffer, batch
            if not more:
                return
            if batch.count < _FEW:
                self._piece = min(2 * self._piece, _LARGEST_PIECE)

    def _take_claims(self, buffer: bytearray, batch: Batch) -> None:
        """Put what the batch's frames claim about processes into the queue."""
        first = self.frames - batch.count + 1
        if LINKTYPE_PKTAP in self._linktypes:
            from synscope.capture.read.process_claims import unwrap_pktap  # noqa: PLC0415 - few files need it

            found = list(unwrap_pktap(buffer, batch, first))
            if self.claims is not None:
                self.claims.extend(found)
        if self.claims is not None and self.format == "pcapng":
            self.claims.extend(self._processes.of(buffer, batch, first))

    def _fill(self, batch: Batch) -> bool:
        """Walk what is in the buffer, reading more only for a first frame; false when that was all."""
        batch.count = 0
        while True:
            count = self._walk(batch)
            stop = self._state[rec.STATE_STOP]
            self.frames += count - batch.count
            batch.count = count
            if stop == rec.STOP_TIME:
                self._keep_odd_time(batch, count - 1)
            elif stop == rec.STOP_FULL:
                return True
            elif stop == rec.STOP_FAULT:
                self._end(rec.FAULT_TEXT[self._state[rec.STATE_FAULT]])
                return False
            elif stop == rec.STOP_MORE:
                if count:
                    return True
                if not self._more():
                    return False
            else:
                if count and not self._block_is_there():
                    return True
                if not self._other_block():
                    return False

    # -- bytes ----------------------------------------------------------------------------------------

    def _walk(self, batch: Batch) -> int:
        b = batch
        columns = (b.at, b.caplen, b.wirelen, b.ts_ns, b.linktype, b.count)
        if self._interfaces or self.format == "pcapng":
            return rec.walk_pcapng(
                self._buffer, self._filled, self._state, self._interfaces or _NO_INTERFACES, *columns
            )
        return rec.walk_pcap(self._buffer, self._filled, self._state, *columns)

    def _move_to(self, buffer: bytearray) -> None:
        """Go on in another buffer, with what is left of this one at its beginning."""
        if buffer is self._buffer:
            return
        position = self._state[rec.STATE_POSITION]
        left = self._filled - position
        if len(buffer) < left:
            buffer.extend(bytes(left - len(buffer)))
        buffer[:left] = memoryview(self._buffer)[position : self._filled]
        self._buffer = buffer
        self._base += position
        self._filled = left
        self._state[rec.STATE_POSITION] = 0

    def _more(self) -> bool:
        """Read more bytes behind what is left; false at the end, with the cut noted if there is one."""
        position = self._state[rec.STATE_POSITION]
        left = self._filled - position
        if position:
            self._buffer[:left] = self._buffer[position : self._filled]
            self._base += position
            self._filled = left
            self._state[rec.STATE_POSITION] = 0
        elif left == len(self._buffer):
            if left >= _LARGEST + _BUFFER:
                self._end("a record is larger than any capture program writes")
                return False
            self._buffer.extend(bytes(len(self._buffer)))
        if len(self._buffer) < self._piece:
            self._buffer.extend(bytes(self._piece - len(self._buffer)))
        with memoryview(self._buffer) as view, view[left : left + self._piece] as buffer:
            size = self._read(buffer)
        if size:
            self._filled += size
            return True
        if self._source.damage:
            self._end(self._source.damage)
        elif left:
            self._end(f"the capture ends inside a record: {left} bytes of it are there")
        return False

    def _read(self, buffer: memoryview) -> int:
        try:
            if self._on_quiet is not None:
                self._wait(self._on_quiet)
            return self._source.readinto(buffer)
        except OSError as error:
            if not self.format:
                raise CaptureError(self._capture, f"cannot be read: {error.strerror}") from error
            self._end(f"reading failed: {error.strerror}")
            return 0

    def _wait(self, on_quiet: Callable[[float], None]) -> None:
        quiet = 0.0
        while not self._source.ready(_QUIET):
            quiet += _QUIET
            on_quiet(quiet)

    def _end(self, reason: str) -> None:
        if self.cut is None:
            offset = self._base + self._state[rec.STATE_POSITION]
            self.cut = Cut(offset=offset, frame=self.frames, reason=reason)

    def _need(self, size: int) -> bool:
        """Whether ``size`` bytes from the walk's position on are in the buffer, reading if need be."""
        while self._filled - self._state[rec.STATE_POSITION] < size:
            if not self._more():
                return False
        return True

    # -- headers --------------------------------------------------------------------------------------

    def _read_header(self) -> None:
        if not self._need(4):
            raise CaptureError(
                self._capture,
                self._source.damage
                or ("is empty" if not self._filled else f"is no capture: only {self._filled} bytes"),
            )
        magic = bytes(self._buffer[:4])
        if magic == _PCAPNG_MAGIC:
            if not self._need(12):
                raise self._cut_at_start("is cut inside its first block")
            self.format = "pcapng"
            self._state[rec.STATE_LIMIT] = _LARGEST
            return
        if magic not in _PCAP_MAGICS:
            raise CaptureError(
                self._capture, f"is no pcap or pcapng capture: it begins with {magic.hex(' ')}"
            )
        if not self._need(_PCAP_HEADER):
            raise self._cut_at_start("is cut inside its file header")
        kind = _PCAP_MAGICS[magic]
        major, minor, _, _, snaplen, linktype = struct.unpack_from(
            f"{kind.byte_order}HHiIII", self._buffer, 4
        )
        if major != 2:
            raise CaptureError(self._capture, f"is pcap of the unknown version {major}.{minor}", offset=4)
        self.format = kind.name
        linktype &= 0x03FFFFFF
        self._linktypes[linktype] = None
        state = self._state
        state[rec.STATE_POSITION] = _PCAP_HEADER
        state[rec.STATE_BIG_ENDIAN] = kind.byte_order == ">"
        state[rec.STATE_UNIT] = kind.unit
        state[rec.STATE_LINKTYPE] = linktype
        state[rec.STATE_HEADER] = kind.header
        state[rec.STATE_LIMIT] = min(max(_MAX_SNAPLEN, snaplen), _LARGEST)
        state[rec.STATE_SWAPPED] = 2 if minor < 3 else minor == 3

    def _cut_at_start(self, reason: str) -> CaptureError:
        damage = self._source.damage
        return CaptureError(self._capture, f"{reason}: {damage}" if damage else reason, offset=self._filled)

    # -- pcapng's other blocks ------------------------------------------------------------------------

    def _block_is_there(self) -> bool:
        """Whether the block at the walk's position is certainly whole in the buffer."""
        position = self._state[rec.STATE_POSITION]
        kind, length = struct.unpack_from(f"{self._order}II", self._buffer, position)
        return bool(kind != _SHB and 12 <= length <= self._filled - position)

    def _other_block(self) -> bool:
        """Read the block at the walk's position, which is no packet block; false ends the reading."""
        position = self._state[rec.STATE_POSITION]
        kind, length = struct.unpack_from(f"{self._order}II", self._buffer, position)
        if kind == _SHB:
            # The same in both byte orders; the length is not, and the byte-order magic tells.
            if not self._need(12):
                return False
            position = self._state[rec.STATE_POSITION]
            magic = bytes(self._buffer[position + 8 : position + 12])
            if magic not in {b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"}:
                return self._bad_block("a section header without its byte-order magic")
            self._order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
            (length,) = struct.unpack_from(f"{self._order}I", self._buffer, position + 4)
        if length < 12 or length % 4 or length > _LARGEST:
            return self._bad_block(rec.FAULT_TEXT[rec.FAULT_BLOCK_LENGTH])
        if not self._need(length):
            return False
        position = self._state[rec.STATE_POSITION]
        body = bytes(self._buffer[position + 8 : position + length - 4])
        reader = {
            _SHB: self._section_header,
            _IDB: self._interface,
            _ISB: self._statistics,
            PROCESS_BLOCK: self._process_block,
        }.get(kind)
        if reader is None:
            self.unknown_blocks += 1
        else:
            fault = reader(body)
            if fault:
                return self._bad_block(fault)
        self._state[rec.STATE_POSITION] += length
        return True

    def _bad_block(self, reason: str) -> bool:
        if not self.frames and not self._section:
            raise CaptureError(self._capture, reason, offset=self._base + self._state[rec.STATE_POSITION])
        self._end(reason)
        return False

    def _section_header(self, body: bytes) -> str | None:
        if len(body) < 16:
            return "a section header that is too short"
        major, minor = struct.unpack_from(f"{self._order}HH", body, 4)
        if major != 1:
            return f"a section of the unknown pcapng version {major}.{minor}"
        self._section += 1
        options = list(self._options(body[16:]))
        self._processes.begin(self._order, options)
        for code, value in options:
            if code == _OPT_COMMENT and len(self.comments) < MOST_COMMENTS:
                self.comments.append(value.decode("utf-8", "replace"))
            elif code == _SHB_OS:
                self.system = self.system or system_named(value.decode("utf-8", "replace"))
        self._interfaces = array("Q")
        self._state[rec.STATE_INTERFACES] = 0
        self._state[rec.STATE_BIG_ENDIAN] = self._order == ">"
        return None

    def _interface(self, body: bytes) -> str | None:
        if len(body) < 8:
            return "an interface description that is too short"
        linktype, _, snaplen = struct.unpack_from(f"{self._order}HHI", body)
        kind, unit, offset = rec.UNIT_MULTIPLY, 1000, 0
        options = list(self._options(body[8:]))
        self._processes.interface(options)
        for code, value in options:
            if code in {_IF_NAME, _IF_OS}:
                named = system_named if code == _IF_OS else system_of_interface
                self.system = self.system or named(value.decode("utf-8", "replace"))
            elif code == _IF_TSRESOL and value:
                exponent = value[0] & 0x7F
                if value[0] & 0x80:
                    kind, unit = rec.UNIT_BINARY, min(exponent, _MAX_BINARY)
                elif exponent <= 9:
                    kind, unit = rec.UNIT_MULTIPLY, 10 ** (9 - exponent)
                else:
                    kind, unit = rec.UNIT_DIVIDE, 10 ** (min(exponent, _MAX_DECIMAL) - 9)
            elif code == _IF_TSOFFSET and len(value) == 8:
                (offset,) = struct.unpack(f"{self._order}Q", value)
        self._linktypes[linktype] = None
        self._interfaces.extend((linktype, snaplen, kind, unit, offset))
        self._state[rec.STATE_INTERFACES] += 1
        return None

    def _statistics(self, body: bytes) -> str | None:
        if len(body) < 12:
            return None
        (interface,) = struct.unpack_from(f"{self._order}I", body)
        for code, value in self._options(body[12:]):
            if code in {_ISB_IFDROP, _ISB_OSDROP} and len(value) == 8:
                (lost,) = struct.unpack(f"{self._order}Q", value)
                key = (self._section, interface << 4 | code)
                self._dropped[key] = max(lost, self._dropped.get(key, 0))
        return None

    def _process_block(self, body: bytes) -> None:
        self.unknown_blocks += 1  # of a type for local use: it may as well be somebody else's
        self._processes.block(body, list(self._options(body[4:])))

    def _options(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 4 <= len(data):
            code, size = struct.unpack_from(f"{self._order}HH", data, at)
            if code == _OPT_END or at + 4 + size > len(data):
                return
            yield code, data[at + 4 : at + 4 + size]
            at += 4 + (size + 3 & ~3)

    def _keep_odd_time(self, batch: Batch, last: int) -> None:
        """Keep the last frame's time exactly, on the side: it does not fit 64 bits of nanoseconds."""
        ticks = batch.ts_ns[last]
        interface = self._interface_of(batch, last)
        _, _, kind, unit, offset = self._interfaces[interface * 5 : interface * 5 + 5]
        if kind == rec.UNIT_BINARY:
            exact = (ticks * 1_000_000_000) >> unit
        else:
            exact = ticks * unit if kind == rec.UNIT_MULTIPLY else ticks // unit
        exact += (offset - (1 << 64) if offset >> 63 else offset) * 1_000_000_000
        batch.ts_ns[last] = exact & 0xFFFFFFFFFFFFFFFF
        if len(self.odd_times) < _ODD_TIMES:
            self.odd_times[self.frames] = exact

    def _interface_of(self, batch: Batch, last: int) -> int:
        block = batch.at[last] - 28
        kind, _, interface = struct.unpack_from(f"{self._order}III", self._buffer, block)
        if kind == 2:
            (interface,) = struct.unpack_from(f"{self._order}H", self._buffer, block + 8)
        return int(interface)


_NO_INTERFACES = array("Q", bytes(8 * rec.INTERFACE_WORDS))
