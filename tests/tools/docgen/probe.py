"""Asks the decoder what it decodes, by feeding it frames: what no table of the code lists.

A frame of zero bytes behind a known link type, ethertype or protocol number ends under some reason of
``REASONS``. When that is not "unknown here", the decoder has a branch for the number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from synscope.engine.batch import SIZE, Batch
from synscope.engine.follower import Follower

ETHERNET = 1
RAW = 101
_PAYLOAD = bytes(120)
_NOT_A_LINKTYPE = "link type not supported"
_NOT_AN_ETHERTYPE = "other protocol over Ethernet"
_NOT_A_PROTOCOL = "other protocol over IP"


def linktypes() -> list[int]:
    """Return the numbers of the link types whose frames are decoded."""
    return _known(range(512), _NOT_A_LINKTYPE, lambda _: _PAYLOAD, linktype=lambda number: number)


def ethertypes() -> list[int]:
    """Return the ethertypes that are decoded or named; smaller numbers are lengths."""
    return _known(range(0x0600, 0x10000), _NOT_AN_ETHERTYPE, _ethernet)


def protocols() -> list[int]:
    """Return the IP protocol numbers that are decoded or named, over IPv4 or IPv6."""
    over_4 = _known(range(256), _NOT_A_PROTOCOL, _ipv4, linktype=lambda _: RAW)
    over_6 = _known(range(256), _NOT_A_PROTOCOL, _ipv6, linktype=lambda _: RAW)
    return sorted({*over_4, *over_6})


def _known(
    numbers: Iterable[int],
    unknown: str,
    frame: Callable[[int], bytes],
    linktype: Callable[[int], int] = lambda _: ETHERNET,
) -> list[int]:
    """Return those of ``numbers`` that do not end as ``unknown``, by halving what does not wholly end so."""
    found: list[int] = []
    waiting = [list(numbers)]
    while waiting:
        some = waiting.pop()
        half = len(some) // 2
        if len(some) > SIZE:
            waiting += [some[half:], some[:half]]
            continue
        ended = _fate([(frame(number), linktype(number)) for number in some]).get(unknown, 0)
        if ended < len(some):
            if len(some) == 1:
                found += some
            else:
                waiting += [some[half:], some[:half]]
    return found


def _fate(frames: Sequence[tuple[bytes, int]]) -> dict[str, int]:
    """Return the reasons under which ``frames`` (bytes, link type) end."""
    follower, batch, data = Follower(), _BATCH, bytearray()
    for at, (frame, linktype) in enumerate(frames):
        batch.at[at] = len(data)
        batch.caplen[at] = batch.wirelen[at] = len(frame)
        batch.ts_ns[at] = 0
        batch.linktype[at] = linktype
        data += frame
    batch.count = len(frames)
    follower.feed(data, batch)
    return follower.undecoded()


_BATCH = Batch(SIZE)


def _ethernet(ethertype: int) -> bytes:
    return bytes(12) + ethertype.to_bytes(2, "big") + _PAYLOAD


def _ipv4(protocol: int) -> bytes:
    size = 20 + len(_PAYLOAD)
    return (
        bytes((0x45, 0)) + size.to_bytes(2, "big") + bytes((0, 0, 0, 0, 64, protocol)) + bytes(10) + _PAYLOAD
    )


def _ipv6(protocol: int) -> bytes:
    return (
        bytes((0x60, 0, 0, 0))
        + len(_PAYLOAD).to_bytes(2, "big")
        + bytes((protocol, 64))
        + bytes(32)
        + _PAYLOAD
    )
