"""Which processes the writer of a capture claims for its frames.

Input: pcapng sections whose writer says so, batch by batch; frames behind a PKTAP header. Output: a ``Claim`` for
each frame that has one.

Who claims what of a frame:

- Apple's tcpdump and PKTAP: the process of the sending socket for what goes out, of the receiving one for what comes
  in (xnu, bsd/net/pktap.c). Blocks of type 0x80000001 list the processes, an option of the frame names one.
- ptcpdump: the process of the connection's local socket, in comments. On loopback it is one process for both
  directions, the client's as a rule. On the host's side of a container's link it may be of either end: left out.
- etl2pcapng: the process that ran when the frame was recorded, which its README calls frequently another one. Only
  what a process sends itself, a SYN or payload, counts, and never the idle or the system process.

Invariants: memory is bounded, and so is the length of every text; a section without claims costs one look at the
first frame of each batch. Nothing here is believed: it is a claim of whoever wrote the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from synscope.engine.batch import Batch
from synscope.engine.names import LINKTYPE_PKTAP
from synscope.model import EndProcess, ProcessSource

_ENHANCED: Final = 6
_ENHANCED_HEAD: Final = 28
_COMMENT: Final = 1
_EPB_FLAGS: Final = 2
_EPB_PROCESS_THREAD: Final = 8
"""epb_processid_threadid of draft-ietf-opsawg-pcapng."""
_EPB_BLOCK: Final = 0x8001
_EPB_EFFECTIVE_BLOCK: Final = 0x8003
_PIB_NAME: Final = 2
_DIRECTION: Final = 3
_IN: Final = 1
_OUT: Final = 2
_SHB_APPLICATION: Final = 4
_IF_NAME: Final = 2

_NOBODY: Final = frozenset({0, 4, 0xFFFFFFFF})
"""Windows's idle and system processes, and none."""
_NO_PID: Final = 0xFFFFFFFF
_DIGITS: Final = 10
_LONGEST: Final = 255
_MOST_BLOCKS: Final = 65_536
_MOST_KNOWN: Final = 1024

_ETL: Final = b"PID="
_PTCPDUMP: Final = b"ptcpdump"
_VIRTUAL: Final = (
    *("veth", "docker", "br-", "virbr", "cni", "lxc", "lxd", "podman", "cali"),
    *("vnet", "vmnet", "tap", "flannel", "cilium", "kube", "nerdctl"),
)
"""How links between a host and its containers are called: frames are forwarded there, of a process at either end."""
_LOOPBACK: Final = "lo"

_PKTAP_HEAD = struct.Struct("<III24sIIIIi20sIHHi20s")
_PKTAP_PACKET: Final = 1
_RAW_DLTS: Final = frozenset({12, 14})
_LINKTYPE_RAW: Final = 101


class Claim(NamedTuple):
    """One frame's process, as its file has it."""

    frame: int
    of_source: bool
    """Whether it is of the end that sent the frame, and not of the one that it goes to."""
    process: EndProcess
    sent: bool = False
    """It counts only where a process itself sends: a SYN, or payload."""
    of_flow: bool = False
    """The writer names one process for both directions."""


class SectionClaims:
    """What a pcapng section tells about processes. ``begin`` starts a section."""

    def __init__(self) -> None:
        self.begin("<")

    def begin(self, order: str, options: Sequence[tuple[int, bytes]] = ()) -> None:
        """Forget the section before; ``options`` are those of the section header."""
        self._order = order
        self._two = struct.Struct(f"{order}II").unpack_from
        self._option = struct.Struct(f"{order}HH").unpack_from
        self._interfaces: list[str] = []
        self._blocks: list[EndProcess | None] = []
        self._known: dict[tuple[bytes, ...], EndProcess | None] = {}
        told = b" ".join(value for code, value in options if code in {_COMMENT, _SHB_APPLICATION})
        self._ptcpdump = _PTCPDUMP in told
        self._told = self._ptcpdump

    def interface(self, options: Sequence[tuple[int, bytes]]) -> None:
        """Take the next interface."""
        name = next((value for code, value in options if code == _IF_NAME), b"")
        self._interfaces.append(name[:_LONGEST].decode("utf-8", "replace"))

    def block(self, body: bytes, options: Sequence[tuple[int, bytes]]) -> None:
        """Take a process information block: a number, and options behind it."""
        if len(body) < 4 or len(self._blocks) == _MOST_BLOCKS:  # noqa: PLR2004 - a word
            return
        self._told = True
        (pid,) = struct.unpack_from(f"{self._order}I", body)
        name = next((value for code, value in options if code == _PIB_NAME), b"")
        self._blocks.append(_process(None if pid == _NO_PID else pid, name))

    def of(self, data: bytearray, batch: Batch, first: int) -> Iterator[Claim]:
        """Yield the claims of a batch whose first frame has the number ``first``."""
        if not self._told:
            options = dict(self._options(data, batch, 0))
            self._told = _EPB_PROCESS_THREAD in options or options.get(_COMMENT, b"").startswith(_ETL)
            if not self._told:
                return
        for i in range(batch.count):
            options = {}
            comments = []
            for code, value in self._options(data, batch, i):
                if code == _COMMENT:
                    comments.append(value)
                options[code] = value
            claim = self._claim(first + i, options, comments, data, batch.at[i]) if options else None
            if claim is not None:
                yield claim

    def _claim(
        self, frame: int, options: dict[int, bytes], comments: list[bytes], data: bytearray, at: int
    ) -> Claim | None:
        flags = options.get(_EPB_FLAGS, b"")
        direction = self._word(flags) & _DIRECTION
        if direction not in {_IN, _OUT}:
            return None
        sent = direction == _OUT
        for code in (_EPB_BLOCK, _EPB_EFFECTIVE_BLOCK):
            if code in options:
                index = self._word(options[code])
                process = self._blocks[index] if index < len(self._blocks) else None
                if process is not None:
                    return Claim(frame, sent, process)
        if self._ptcpdump:
            process = self._ptcpdump_process(tuple(comments))
            _, interface = self._two(data, at - _ENHANCED_HEAD + 4)
            name = self._interfaces[interface] if interface < len(self._interfaces) else ""
            is_loopback = name == _LOOPBACK
            if process is None or not name or name.startswith(_VIRTUAL) or (is_loopback and not sent):
                return None
            return Claim(frame, sent, process, of_flow=is_loopback)
        pid = self._etl_pid(options, comments) if sent else None
        return None if pid is None else Claim(frame, sent, _named(pid), sent=True)

    def _word(self, value: bytes) -> int:
        return int.from_bytes(value[:4], "little" if self._order == "<" else "big")

    def _etl_pid(self, options: dict[int, bytes], comments: list[bytes]) -> int | None:
        if comments and comments[0].startswith(_ETL):
            pid = _number(comments[0][len(_ETL) : 64].decode("ascii", "replace").partition(" ")[0])
        elif len(options.get(_EPB_PROCESS_THREAD, b"")) == 8:  # noqa: PLR2004 - two words
            pid = self._word(options[_EPB_PROCESS_THREAD])
        else:
            return None
        return None if pid in _NOBODY else pid

    def _ptcpdump_process(self, comments: tuple[bytes, ...]) -> EndProcess | None:
        if comments not in self._known:
            if len(self._known) == _MOST_KNOWN:
                self._known.clear()
            self._known[comments] = _of_ptcpdump(comments)
        return self._known[comments]

    def _options(self, data: bytearray, batch: Batch, i: int) -> Iterator[tuple[int, bytes]]:
        """Yield the options of a frame in an enhanced packet block; nothing for one in another kind of block."""
        block = batch.at[i] - _ENHANCED_HEAD
        if block < 0:
            return
        kind, length = self._two(data, block)
        at = batch.at[i] + (batch.caplen[i] + 3 & ~3)
        end = block + length - 4
        if kind != _ENHANCED or end > len(data):
            return
        while at + 4 <= end:
            code, size = self._option(data, at)
            if code == 0 or at + 4 + size > end:
                return
            yield code, bytes(data[at + 4 : at + 4 + size])
            at += 4 + (size + 3 & ~3)


def _of_ptcpdump(comments: tuple[bytes, ...]) -> EndProcess | None:
    """Return the process in a frame's comments: lines of a name, a colon and a value; the first of a name counts."""
    fields: dict[str, str] = {}
    for comment in comments:
        for line in comment[:4096].decode("utf-8", "replace").split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.strip(), value.strip())
    pid, uid = _number(fields.get("PID")), _number(fields.get("UserId"))
    if pid is None:
        return None
    return EndProcess(
        pid=pid,
        name=_text(fields.get("Cmd", "").removesuffix("...").rpartition("/")[2]),
        uid=uid,
        container=_text(fields.get("ContainerName") or fields.get("ContainerId", "")[:12]),
        unit=None,
        source=ProcessSource.CAPTURE,
    )


def _number(text: str | None) -> int | None:
    """Return the number that a text is, ``None`` for what is no process's or user's."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        return None
    return int(text) if int(text) < _NO_PID else None


def _text(text: str) -> str | None:
    return text[:_LONGEST] or None


def _process(pid: int | None, name: bytes) -> EndProcess | None:
    text = _text(name[:_LONGEST].partition(b"\0")[0].decode("utf-8", "replace"))
    return None if pid is None and text is None else _named(pid, text)


def _named(pid: int | None, name: str | None = None) -> EndProcess:
    return EndProcess(pid, name, None, None, None, ProcessSource.CAPTURE)


def unwrap_pktap(data: bytearray, batch: Batch, first: int) -> Iterator[Claim]:
    """Let the rows of frames behind a PKTAP header point at the frame itself; yield what the headers claim.

    A header that is no such header stays: its frame is not decoded.
    """
    for i in range(batch.count):
        at, size = batch.at[i], batch.caplen[i]
        if batch.linktype[i] != LINKTYPE_PKTAP or size < _PKTAP_HEAD.size:
            continue
        length, kind, dlt, _, flags, _, _, _, pid, name, *_ = _PKTAP_HEAD.unpack_from(data, at)
        if not _PKTAP_HEAD.size <= length <= size or kind != _PKTAP_PACKET:
            continue
        batch.at[i] = at + length
        batch.caplen[i] = size - length
        batch.wirelen[i] = max(batch.wirelen[i] - length, size - length)
        batch.linktype[i] = _LINKTYPE_RAW if dlt in _RAW_DLTS else dlt
        process = _process(pid if pid > 0 else None, name)
        if process is not None and flags & _DIRECTION in {_IN, _OUT}:
            yield Claim(first + i, flags & _DIRECTION == _OUT, process)
