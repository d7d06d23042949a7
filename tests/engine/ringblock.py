"""Blocks of a packet ring as the kernel writes them, and a plain reading of what walking them gave."""

from __future__ import annotations

import hashlib
import random
import struct
from array import array
from dataclasses import dataclass

from synscope.engine import blocks
from synscope.engine.batch import Batch

BLOCK = 4096
HOST, OUTGOING = 0, 4
ETHER, LOOPBACK, NONE, RADIOTAP, UNKNOWN = 1, 772, 65534, 803, 824


@dataclass(frozen=True)
class Frame:
    """One frame and what the kernel says of it."""

    data: bytes = b"\xaa" * 60
    ts_ns: int = 1_700_000_000_123_456_789
    wirelen: int | None = None
    status: int = 1
    ifindex: int = 1
    hardware: int = ETHER
    kind: int = HOST
    protocol: int = 0x0800
    link_size: int = 14


def block(frames: list[Frame], *, order: str = "<", size: int = BLOCK) -> bytearray:
    """A whole block: its header, then each frame's header, link-layer address and bytes."""
    body = b""
    for place, frame in enumerate(frames):
        link = 68 + 14
        seconds, rest = divmod(frame.ts_ns, 1_000_000_000)
        length = (link + len(frame.data) + 15) & ~15
        wirelen = len(frame.data) if frame.wirelen is None else frame.wirelen
        head = struct.pack(
            f"{order}6I2H3I8x",
            0 if place == len(frames) - 1 else length, seconds, rest, len(frame.data), wirelen, frame.status,
            link, link + frame.link_size, 0, 0, 0,
        )  # fmt: skip
        address = struct.pack(f"{order}H", 17) + struct.pack(">H", frame.protocol)
        address += struct.pack(f"{order}iHBB8x", frame.ifindex, frame.hardware, frame.kind, 6)
        body += (head + address + bytes(14) + frame.data).ljust(length, b"\0")
    used = 48 + len(body)
    head = struct.pack(f"{order}6IQ4I", 1, 48, 1, len(frames), 48, used, 7, 0, 0, 0, 0)
    return bytearray((head + body).ljust(size, b"\0"))


@dataclass(frozen=True)
class Walked:
    """One frame as a walk gave it."""

    data: bytes
    wirelen: int
    ts_ns: int
    linktype: int
    unfilled: int
    ifindex: int


def state(*, order: str = "<", loopback: int = 0) -> array[int]:
    made = array("Q", bytes(8 * blocks.STATE_SIZE))
    made[blocks.STATE_BIG_ENDIAN] = order == ">"
    made[blocks.STATE_LOOPBACK] = loopback
    return made


def walk(
    data: bytearray, words: array[int], *, start: int = 0, size: int = BLOCK, room: int = 64
) -> list[Walked]:
    """Walk one block to its end in batches of ``room`` frames."""
    found: list[Walked] = []
    blocks.enter_block(data, start, size, words)
    unfilled, ifindex = array("I", bytes(4 * room)), array("I", bytes(4 * room))
    b = Batch(room)
    while words[blocks.STATE_LEFT] and words[blocks.STATE_STOP] != blocks.STOP_FAULT:
        count = blocks.walk_block(
            data, words, b.at, b.caplen, b.wirelen, b.ts_ns, b.linktype, unfilled, ifindex
        )
        found += [
            Walked(
                bytes(data[b.at[i] : b.at[i] + b.caplen[i]]), b.wirelen[i], b.ts_ns[i], b.linktype[i],
                unfilled[i], ifindex[i],
            )
            for i in range(count)
        ]  # fmt: skip
    return found


def random_block(dice: random.Random, order: str = "<") -> bytearray:
    """Frames of every kind, sometimes with damage."""
    frames = [
        Frame(
            data=dice.randbytes(dice.randrange(90)),
            ts_ns=dice.randrange(1 << 61),
            wirelen=dice.choice([None, 60, 2000]),
            status=dice.choice([1, 9, 1 << 29 | 9]),
            ifindex=dice.choice([1, 2]),
            hardware=dice.choice([ETHER, LOOPBACK, NONE, RADIOTAP, UNKNOWN, 256, 512, 768, 801, 802]),
            kind=dice.choice([HOST, OUTGOING]),
            protocol=dice.choice([0x0800, 0x86DD, 0x0806]),
            link_size=dice.choice([0, 14, 30]),
        )
        for _ in range(dice.randrange(18))
    ]
    made = block(frames, order=order)
    for _ in range(dice.choice([0, 0, 1, 4])):
        made[dice.randrange(8, 1600)] = dice.choice([0, 1, 255, dice.randrange(256)])
    return made


def digest(count: int) -> str:
    """Of what this process's engine says about many random blocks."""
    dice = random.Random(count)
    found = hashlib.sha256()
    for _ in range(count):
        order = dice.choice("<>")
        words = state(order=order, loopback=dice.choice([0, 1]))
        walked = walk(random_block(dice, order), words, room=dice.choice([1, 5, 64]))
        found.update(repr((walked, list(words))).encode())
    return found.hexdigest()
