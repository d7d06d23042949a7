"""One frame through the header stage, its columns as a plain object."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from synscope.engine.batch import KIND_ICMP, KIND_TCP, Batch
from synscope.engine.follower import Follower
from synscope.engine.tracker import address_text


@dataclass(frozen=True)
class Decoded:
    """What the header columns say of one frame; ``reason`` is set where it was not followed."""

    is_tcp: bool
    is_icmp: bool
    reason: str | None
    source: str = ""
    destination: str = ""
    source_port: int = 0
    destination_port: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    length: int = 0
    ip_at: int = 0
    tcp_at: int = 0


def decode(frame: bytes, *, linktype: int = 1, wirelen: int | None = None, before: int = 3) -> Decoded:
    """Decode one frame that lies ``before`` bytes into a buffer filled with 0xFF around it."""
    data = bytearray(b"\xff" * before + frame + b"\xff" * 64)
    batch = Batch()
    batch.count = 1
    batch.at[0], batch.caplen[0], batch.linktype[0] = before, len(frame), linktype
    batch.wirelen[0] = len(frame) if wirelen is None else wirelen
    follower = Follower()
    follower.feed(data, batch)
    reasons = list(follower.undecoded())
    kind = batch.kind[0]
    if kind not in {KIND_TCP, KIND_ICMP}:
        (reason,) = reasons
        return Decoded(is_tcp=False, is_icmp=False, reason=reason)
    assert (follower.segments == 1) == (kind == KIND_TCP)
    return Decoded(
        is_tcp=kind == KIND_TCP,
        is_icmp=kind == KIND_ICMP,
        reason=reasons[0] if reasons else None,
        source=address_text(batch.src_high[0], batch.src_low[0]),
        destination=address_text(batch.dst_high[0], batch.dst_low[0]),
        source_port=batch.ports[0] >> 16,
        destination_port=batch.ports[0] & 0xFFFF,
        seq=batch.seq[0],
        ack=batch.ack[0],
        flags=batch.flags[0],
        length=batch.length[0],
        ip_at=batch.ip_at[0] - before,
        tcp_at=batch.tcp_at[0] - before,
    )


def same_address(a: str, b: str) -> bool:
    """Whether two texts are one address."""
    return ipaddress.ip_address(a) == ipaddress.ip_address(b)
