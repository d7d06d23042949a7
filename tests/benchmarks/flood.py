"""Make captures of a SYN flood, and ask synscope how many attempts it counted in one.

Every attempt is one SYN of 74 bytes from an address and port of its own to one port. In the late kind the
file goes on: a tenth of the sources come back with a repeated SYN, an ACK or a reset of theirs in turn.
"""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import pcapfile

ATTEMPTS = 10_000_000
LATE_SHARE = 10

_BLOCK = 1 << 16
_FRAME = 74
_STEP = pcapfile.RECORD.size + _FRAME
_MICROSECONDS = 5
"""Between two frames."""
_START = 1_700_000_000
_SYN, _ACK, _RST = 0x02, 0x10, 0x04
_LATE_KINDS = (_SYN, _ACK, _RST)
_SEED = 62893

_SOURCE = pcapfile.RECORD.size + 26
_PORT = pcapfile.RECORD.size + 34
_SEQ = pcapfile.RECORD.size + 38
_FLAGS = pcapfile.RECORD.size + 47

_TEMPLATE = bytes.fromhex(
    "0200000000020200000000010800"  # Ethernet
    "4500003c0000400040060000000000000a000001"  # IPv4 to 10.0.0.1
    "00001f900000000000000000a002ffff00000000"  # TCP to port 8080
    "020405b40402080a000000000000000001030307"
)  # fmt: skip


def make(path: Path, attempts: int = ATTEMPTS, *, late: bool = False) -> int:
    """Write a flood; return how many frames it has."""
    frames = attempts
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", pcapfile.MAGIC, 2, 4, 0, 0, 65535, 1))
        for number, size in _blocks(attempts):
            out.write(memoryview(_block(number, number * _BLOCK, _SYN))[: size * _STEP])
        for number, size in _blocks(attempts) if late else ():
            data = _block(number, attempts + number * _BLOCK, _LATE_KINDS[number % len(_LATE_KINDS)])
            chosen = range(0, size, LATE_SHARE)
            out.write(b"".join(data[at * _STEP : (at + 1) * _STEP] for at in chosen))
            frames += len(chosen)
    return frames


def counted(command: list[str], env: Mapping[str, str]) -> int:
    """How many attempts the JSON report of ``command`` counts."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, env={**os.environ, **env})
    report = json.loads(done.stdout)
    return sum(group["count"] for capture in report["captures"] for group in capture["groups"])


def _blocks(attempts: int) -> list[tuple[int, int]]:
    """Number and size of each block of attempts."""
    return [(at // _BLOCK, min(_BLOCK, attempts - at)) for at in range(0, attempts, _BLOCK)]


def _block(number: int, first: int, flags: int) -> bytearray:
    """The frames of one block, ``first`` of the file on; the same sources each time, column by column."""
    dice = random.Random(_SEED + number)
    data = bytearray((bytes(pcapfile.RECORD.size) + _TEMPLATE) * _BLOCK)
    times = [divmod((first + i) * _MICROSECONDS, 1_000_000) for i in range(_BLOCK)]
    header = b"".join(pcapfile.RECORD.pack(_START + s, us, _FRAME, _FRAME) for s, us in times)
    for at in range(pcapfile.RECORD.size):
        data[at::_STEP] = header[at :: pcapfile.RECORD.size]
    data[_SOURCE::_STEP] = bytes([11 + (number >> 8)]) * _BLOCK
    data[_SOURCE + 1 :: _STEP] = bytes([number & 0xFF]) * _BLOCK
    data[_SOURCE + 2 :: _STEP] = bytes(range(256)) * (_BLOCK >> 8)
    data[_SOURCE + 3 :: _STEP] = b"".join(bytes([i]) * 256 for i in range(256))
    # Ports from 1024 on; numbers that end in 0, so that the next one is a byte away.
    data[_PORT::_STEP] = bytes(4 + byte % 252 for byte in dice.randbytes(_BLOCK))
    for at in (_PORT + 1, _SEQ, _SEQ + 1, _SEQ + 2):
        data[at::_STEP] = dice.randbytes(_BLOCK)
    data[_FLAGS::_STEP] = bytes([flags]) * _BLOCK
    if flags != _SYN:
        data[_SEQ + 3 :: _STEP] = b"\x01" * _BLOCK
    if flags == _ACK:
        data[_SEQ + 7 :: _STEP] = b"\x01" * _BLOCK
    return data
