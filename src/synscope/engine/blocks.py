# cython: language_level=3, wraparound=False
"""Walks the frames of one block of a Linux packet ring (TPACKET_V3) and fills a ``Batch``'s record columns.

Input: the mapped ring, and a state vector (``STATE_…`` indices) that ``enter_block`` points at a block.
Output: the batch's ``at``, ``caplen``, ``wirelen``, ``ts_ns`` and ``linktype`` columns, and two that only a
live capture has: ``unfilled`` (1: the TCP checksum was left to the hardware and is not filled in; 0: it is)
and ``ifindex`` (the interface's number). A block with more frames than the batch holds is walked on by the
next call.

Left out: on the loopback interface the copy of each frame that was seen on its way out, for the same frame
comes in again (``STATE_COPIES`` counts them); frames of interfaces whose link layer is unknown and that do not
carry IP (``STATE_UNKNOWN``). Of an unknown link layer that carries IP, the frame begins at its IP header. A
VLAN tag that the kernel has taken out stays out: the ethertype then says what follows.

Invariants: nothing is read outside the block; damage is a ``FAULT_…`` in the state vector, never an
exception, so what was walked before it is kept.

Source: linux/if_packet.h (struct tpacket_block_desc, tpacket3_hdr, sockaddr_ll; TPACKET_ALIGN), linux/if_arp.h.
"""

from __future__ import annotations

import struct

try:
    import cython
    from cython import Py_ssize_t, declare, uint, ulonglong
except ImportError:  # Cython is not there at run time
    from synscope.engine import shim as cython
    from synscope.engine.shim import Py_ssize_t, declare, uint, ulonglong

COMPILED = cython.compiled

STATE_SIZE = 10
STATE_POSITION = 0  # of the next frame's header
STATE_STOP = 1
STATE_FAULT = 2
STATE_BIG_ENDIAN = 3  # the machine's byte order: the kernel writes its own
STATE_LEFT = 4  # frames of the block that are still to be walked
STATE_END = 5  # where the block's used part ends
STATE_LOOPBACK = 6  # number of the interface whose outgoing copies are left out, 0 for none
STATE_COPIES = 7  # outgoing copies left out, counted up
STATE_UNKNOWN = 8  # frames of unknown link layers left out, counted up
STATE_SNAPPED = 9  # frames kept only in part, counted up

STOP_END = 0
"""The block is walked."""
STOP_FULL = 1
"""The batch is full."""
STOP_FAULT = 2

FAULT_NONE = 0
FAULT_BLOCK = 1
FAULT_FRAME = 2
FAULT_NEXT = 3

FAULT_TEXT = {
    FAULT_BLOCK: "a ring block's header is impossible",
    FAULT_FRAME: "a frame reaches out of its ring block",
    FAULT_NEXT: "a ring block ends before its last frame",
}

# Each name's C type, then its number: imported without a type, it would be a Python object in the loops.
declare(
    LINKTYPE_EN10MB=uint, LINKTYPE_RAW=uint, LINKTYPE_IEEE802_11=uint, LINKTYPE_PRISM_HEADER=uint,
    LINKTYPE_IEEE802_11_RADIOTAP=uint, NO_LINKTYPE=uint, ARPHRD_ETHER=uint, ARPHRD_SLIP=uint,
    ARPHRD_CSLIP6=uint, ARPHRD_PPP=uint, ARPHRD_RAWIP=uint, ARPHRD_TUNNEL=uint, ARPHRD_TUNNEL6=uint,
    ARPHRD_LOOPBACK=uint, ARPHRD_SIT=uint, ARPHRD_IEEE80211=uint, ARPHRD_IEEE80211_PRISM=uint,
    ARPHRD_IEEE80211_RADIOTAP=uint, ARPHRD_NONE=uint, ETHERTYPE_IPV4=uint, ETHERTYPE_IPV6=uint,
)  # fmt: skip
# isort: off
from synscope.engine.names import (
    LINKTYPE_EN10MB, LINKTYPE_RAW, LINKTYPE_IEEE802_11, LINKTYPE_PRISM_HEADER, LINKTYPE_IEEE802_11_RADIOTAP,
    NO_LINKTYPE, ARPHRD_ETHER, ARPHRD_SLIP, ARPHRD_CSLIP6, ARPHRD_PPP, ARPHRD_RAWIP, ARPHRD_TUNNEL,
    ARPHRD_TUNNEL6, ARPHRD_LOOPBACK, ARPHRD_SIT, ARPHRD_IEEE80211, ARPHRD_IEEE80211_PRISM,
    ARPHRD_IEEE80211_RADIOTAP, ARPHRD_NONE, ETHERTYPE_IPV4, ETHERTYPE_IPV6,
)  # fmt: skip
# isort: on

# Typed copies of the numbers that the caller reads too.
_POSITION = declare(uint, STATE_POSITION)
_STOP = declare(uint, STATE_STOP)
_FAULT = declare(uint, STATE_FAULT)
_BIG_ENDIAN = declare(uint, STATE_BIG_ENDIAN)
_LEFT = declare(uint, STATE_LEFT)
_END = declare(uint, STATE_END)
_LOOPBACK = declare(uint, STATE_LOOPBACK)
_COPIES = declare(uint, STATE_COPIES)
_UNKNOWN = declare(uint, STATE_UNKNOWN)
_SNAPPED = declare(uint, STATE_SNAPPED)
_STOP_END = declare(uint, STOP_END)
_STOP_FULL = declare(uint, STOP_FULL)
_STOP_FAULT = declare(uint, STOP_FAULT)
_FAULT_NONE = declare(uint, FAULT_NONE)
_FAULT_BLOCK = declare(uint, FAULT_BLOCK)
_FAULT_FRAME = declare(uint, FAULT_FRAME)
_FAULT_NEXT = declare(uint, FAULT_NEXT)

# struct tpacket_block_desc: its size, and where it counts its frames, points at the first and at its used part's end.
_BLOCK_HEADER = declare(Py_ssize_t, 48)
_BLOCK_FRAMES = declare(Py_ssize_t, 12)
_BLOCK_FIRST = declare(Py_ssize_t, 16)
_BLOCK_USED = declare(Py_ssize_t, 20)

# struct tpacket3_hdr of 48 bytes, and behind it struct sockaddr_ll of 20.
_FRAME_HEADER = declare(Py_ssize_t, 68)
_SECONDS = declare(Py_ssize_t, 4)
_FRACTION = declare(Py_ssize_t, 8)
_CAPLEN = declare(Py_ssize_t, 12)
_WIRELEN = declare(Py_ssize_t, 16)
_STATUS = declare(Py_ssize_t, 20)
_LINK = declare(Py_ssize_t, 24)
_NETWORK = declare(Py_ssize_t, 26)
_PROTOCOL = declare(Py_ssize_t, 50)
_IFINDEX = declare(Py_ssize_t, 52)
_HARDWARE = declare(Py_ssize_t, 56)
_PACKET_TYPE = declare(Py_ssize_t, 58)
_PACKET_OUTGOING = declare(uint, 4)
_CHECKSUM_NOT_READY = declare(uint, 8)
"""TP_STATUS_CSUMNOTREADY: the checksum was left to the hardware."""

_BILLION = declare(ulonglong, 1_000_000_000)

_BIG = struct.Struct(">I").unpack_from
_LITTLE = struct.Struct("<I").unpack_from


@cython.cfunc
@cython.nogil
@cython.inline
def _u16(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.uint:
    """Return the 16-bit word at ``at``; the caller has checked that it lies in the block."""
    a: cython.uint = data[at]
    b: cython.uint = data[at + 1]
    if big:
        return (a << 8) | b
    return a | (b << 8)


@cython.cfunc
@cython.nogil
@cython.inline
def _u32(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.uint:
    """Return the 32-bit word at ``at``; the caller has checked that it lies in the block."""
    a: cython.uint
    b: cython.uint
    c: cython.uint
    d: cython.uint
    if not cython.compiled:
        return (_BIG if big else _LITTLE)(data, at)[0]
    a = data[at]
    b = data[at + 1]
    c = data[at + 2]
    d = data[at + 3]
    if big:
        return (a << 24) | (b << 16) | (c << 8) | d
    return a | (b << 8) | (c << 16) | (d << 24)


@cython.cfunc
@cython.nogil
@cython.inline
def _linktype(hardware: cython.uint) -> cython.uint:
    """Return the link type that delivers frames as an interface of this hardware type does."""
    if hardware == ARPHRD_ETHER or hardware == ARPHRD_LOOPBACK:
        return LINKTYPE_EN10MB
    if (
        hardware == ARPHRD_NONE  # tun, WireGuard
        or hardware == ARPHRD_RAWIP
        or hardware == ARPHRD_PPP  # the kernel shows what is inside
        or (hardware >= ARPHRD_SLIP and hardware <= ARPHRD_CSLIP6)
        or hardware == ARPHRD_TUNNEL
        or hardware == ARPHRD_TUNNEL6
        or hardware == ARPHRD_SIT
    ):
        return LINKTYPE_RAW
    if hardware == ARPHRD_IEEE80211:
        return LINKTYPE_IEEE802_11
    if hardware == ARPHRD_IEEE80211_PRISM:
        return LINKTYPE_PRISM_HEADER
    if hardware == ARPHRD_IEEE80211_RADIOTAP:
        return LINKTYPE_IEEE802_11_RADIOTAP
    return NO_LINKTYPE


def enter_block(
    data: cython.uchar[::1], start: cython.Py_ssize_t, size: cython.Py_ssize_t, state: cython.ulonglong[::1]
) -> bool:
    """Point the state at the first frame of the block of ``size`` bytes at ``start``; false on a fault."""
    big: cython.bint = state[_BIG_ENDIAN] != 0
    first: cython.Py_ssize_t
    used: cython.Py_ssize_t
    left: cython.uint
    state[_STOP] = _STOP_END
    state[_FAULT] = _FAULT_NONE
    state[_LEFT] = 0
    if start < 0 or size < _BLOCK_HEADER or start + size > len(data):
        state[_STOP] = _STOP_FAULT
        state[_FAULT] = _FAULT_BLOCK
        return False
    left = _u32(data, start + _BLOCK_FRAMES, big)
    first = _u32(data, start + _BLOCK_FIRST, big)
    used = _u32(data, start + _BLOCK_USED, big)
    if left == 0:
        return True
    if first < _BLOCK_HEADER or used > size or first > used:
        state[_STOP] = _STOP_FAULT
        state[_FAULT] = _FAULT_BLOCK
        return False
    state[_POSITION] = start + first
    state[_LEFT] = left
    state[_END] = start + used
    return True


def walk_block(
    data: cython.uchar[::1],
    state: cython.ulonglong[::1],
    at: cython.uint[::1],
    caplens: cython.uint[::1],
    wirelens: cython.uint[::1],
    times: cython.ulonglong[::1],
    linktypes: cython.uint[::1],
    unfilled: cython.uint[::1],
    ifindexes: cython.uint[::1],
) -> int:
    """Walk the block's frames from the state's position; return how many frames the columns now hold."""
    position: cython.Py_ssize_t = state[_POSITION]
    big: cython.bint = state[_BIG_ENDIAN] != 0
    left: cython.ulonglong = state[_LEFT]
    end: cython.Py_ssize_t = state[_END]
    loopback: cython.ulonglong = state[_LOOPBACK]
    copies: cython.ulonglong = state[_COPIES]
    unknown: cython.ulonglong = state[_UNKNOWN]
    snapped: cython.ulonglong = state[_SNAPPED]
    size: cython.Py_ssize_t = len(at)
    count: cython.Py_ssize_t = 0
    stop: cython.ulonglong = _STOP_END
    fault: cython.ulonglong = _FAULT_NONE
    following: cython.Py_ssize_t
    link: cython.Py_ssize_t
    network: cython.Py_ssize_t
    caplen: cython.Py_ssize_t
    wirelen: cython.Py_ssize_t
    linktype: cython.uint
    protocol: cython.uint
    ifindex: cython.ulonglong
    seconds: cython.ulonglong
    fraction: cython.ulonglong
    if left != 0 and end > len(data):
        state[_STOP] = _STOP_FAULT
        state[_FAULT] = _FAULT_BLOCK
        return 0
    while left != 0:
        if count >= size:
            stop = _STOP_FULL
            break
        if position + _FRAME_HEADER > end:
            stop = _STOP_FAULT
            fault = _FAULT_NEXT
            break
        following = _u32(data, position, big)
        caplen = _u32(data, position + _CAPLEN, big)
        wirelen = _u32(data, position + _WIRELEN, big)
        link = _u16(data, position + _LINK, big)
        network = _u16(data, position + _NETWORK, big)
        if link < _FRAME_HEADER or position + link + caplen > end:
            stop = _STOP_FAULT
            fault = _FAULT_FRAME
            break
        if left > 1 and following < _FRAME_HEADER:
            stop = _STOP_FAULT
            fault = _FAULT_NEXT
            break
        left -= 1
        ifindex = _u32(data, position + _IFINDEX, big)
        if data[position + _PACKET_TYPE] == _PACKET_OUTGOING and ifindex == loopback:
            copies += 1
            position += following
            continue
        linktype = _linktype(_u16(data, position + _HARDWARE, big))
        if linktype == NO_LINKTYPE:
            protocol = _u16(data, position + _PROTOCOL, True)
            network -= link
            if (
                (protocol != ETHERTYPE_IPV4 and protocol != ETHERTYPE_IPV6)
                or network < 0
                or network > caplen
                or network > wirelen
            ):
                unknown += 1
                position += following
                continue
            linktype = LINKTYPE_RAW
            link += network
            caplen -= network
            wirelen -= network
        seconds = _u32(data, position + _SECONDS, big)
        fraction = _u32(data, position + _FRACTION, big)
        at[count] = position + link
        caplens[count] = caplen
        wirelens[count] = wirelen
        times[count] = seconds * _BILLION + fraction
        linktypes[count] = linktype
        unfilled[count] = 1 if _u32(data, position + _STATUS, big) & _CHECKSUM_NOT_READY != 0 else 0
        ifindexes[count] = ifindex
        if caplen < wirelen:
            snapped += 1
        count += 1
        position += following
    state[_POSITION] = position
    state[_STOP] = stop
    state[_FAULT] = fault
    state[_LEFT] = left
    state[_COPIES] = copies
    state[_UNKNOWN] = unknown
    state[_SNAPPED] = snapped
    return count
