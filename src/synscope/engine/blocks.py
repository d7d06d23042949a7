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
except ImportError:  # the build's Cython is gone at run time
    from synscope.engine import shim as cython

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

# Typed copies: an un-typed constant would be a Python object in the compiled loop.
_BILLION = cython.declare(cython.ulonglong, 1_000_000_000)

_BIG = struct.Struct(">I").unpack_from
_LITTLE = struct.Struct("<I").unpack_from


@cython.cfunc
@cython.nogil
@cython.inline
def _u16(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.uint:
    """The 16-bit word at ``at``; the caller has checked that it lies in the block."""
    a: cython.uint = data[at]
    b: cython.uint = data[at + 1]
    if big:
        return (a << 8) | b
    return a | (b << 8)


@cython.cfunc
@cython.nogil
@cython.inline
def _u32(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.uint:
    """The 32-bit word at ``at``; the caller has checked that it lies in the block."""
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
    """The link type that delivers frames as an interface of this hardware type does; 65535 for none."""
    if hardware == 1 or hardware == 772:  # Ethernet, loopback
        return 1
    if (
        hardware == 65534  # no link layer: tun, WireGuard
        or hardware == 519  # raw IP
        or hardware == 512  # PPP: the kernel shows what is inside
        or (hardware >= 256 and hardware <= 259)  # SLIP and its relatives
        or hardware == 768  # IP in IP
        or hardware == 769
        or hardware == 776
    ):
        return 101
    if hardware == 801:
        return 105
    if hardware == 802:
        return 119
    if hardware == 803:
        return 127
    return 65535


def enter_block(
    data: cython.uchar[::1], start: cython.Py_ssize_t, size: cython.Py_ssize_t, state: cython.ulonglong[::1]
) -> bool:
    """Point the state at the first frame of the block of ``size`` bytes at ``start``; false on a fault."""
    big: cython.bint = state[3] != 0
    first: cython.Py_ssize_t
    used: cython.Py_ssize_t
    left: cython.uint
    state[1] = 0
    state[2] = 0
    state[4] = 0
    if start < 0 or size < 48 or start + size > len(data):
        state[1] = 2
        state[2] = 1
        return False
    left = _u32(data, start + 12, big)
    first = _u32(data, start + 16, big)
    used = _u32(data, start + 20, big)
    if left == 0:
        return True
    if first < 48 or used > size or first > used:
        state[1] = 2
        state[2] = 1
        return False
    state[0] = start + first
    state[4] = left
    state[5] = start + used
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
    position: cython.Py_ssize_t = state[0]
    big: cython.bint = state[3] != 0
    left: cython.ulonglong = state[4]
    end: cython.Py_ssize_t = state[5]
    loopback: cython.ulonglong = state[6]
    copies: cython.ulonglong = state[7]
    unknown: cython.ulonglong = state[8]
    snapped: cython.ulonglong = state[9]
    size: cython.Py_ssize_t = len(at)
    count: cython.Py_ssize_t = 0
    stop: cython.ulonglong = 0
    fault: cython.ulonglong = 0
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
        state[1] = 2
        state[2] = 1
        return 0
    while left != 0:
        if count >= size:
            stop = 1
            break
        # The frame's header is 48 bytes, the link-layer address behind it 20.
        if position + 68 > end:
            stop = 2
            fault = 3
            break
        following = _u32(data, position, big)
        caplen = _u32(data, position + 12, big)
        wirelen = _u32(data, position + 16, big)
        link = _u16(data, position + 24, big)
        network = _u16(data, position + 26, big)
        if link < 68 or position + link + caplen > end:
            stop = 2
            fault = 2
            break
        if left > 1 and following < 68:
            stop = 2
            fault = 3
            break
        left -= 1
        ifindex = _u32(data, position + 52, big)
        # 4: PACKET_OUTGOING
        if data[position + 58] == 4 and ifindex == loopback:
            copies += 1
            position += following
            continue
        linktype = _linktype(_u16(data, position + 56, big))
        if linktype == 65535:
            protocol = _u16(data, position + 50, True)
            network -= link
            if (
                (protocol != 0x0800 and protocol != 0x86DD)
                or network < 0
                or network > caplen
                or network > wirelen
            ):
                unknown += 1
                position += following
                continue
            linktype = 101
            link += network
            caplen -= network
            wirelen -= network
        seconds = _u32(data, position + 4, big)
        fraction = _u32(data, position + 8, big)
        at[count] = position + link
        caplens[count] = caplen
        wirelens[count] = wirelen
        times[count] = seconds * _BILLION + fraction
        linktypes[count] = linktype
        # 8: TP_STATUS_CSUMNOTREADY
        unfilled[count] = 1 if _u32(data, position + 20, big) & 8 != 0 else 0
        ifindexes[count] = ifindex
        if caplen < wirelen:
            snapped += 1
        count += 1
        position += following
    state[0] = position
    state[1] = stop
    state[2] = fault
    state[4] = left
    state[7] = copies
    state[8] = unknown
    state[9] = snapped
    return count
