# cython: language_level=3, wraparound=False
"""Walks pcap and pcapng records in a buffer: one loop per record format, each filling a ``Batch``.

Input: a buffer, how much of it is filled, and a state vector (``STATE_…`` indices) that says how the
file writes its records. Output: the batch's ``at``, ``caplen``, ``wirelen``, ``ts_ns`` and ``linktype``
columns, the count, and in the state vector where the walk stopped and why (``STOP_…``).

Invariants: nothing is read outside ``[0, end)``; a record is either whole in the batch or untouched;
damage is a ``FAULT_…`` in the state vector, never an exception, so what was walked before it is kept.

Source: draft-ietf-opsawg-pcap (pcap) and draft-ietf-opsawg-pcapng (pcapng), sections on packet records
and on the Enhanced, Simple and (obsolete) Packet Blocks.
"""

from __future__ import annotations

import struct

try:
    import cython
    from cython import declare, uint, ulonglong
except ImportError:  # Cython is not there at run time
    from synscope.engine import shim as cython
    from synscope.engine.shim import declare, uint, ulonglong

COMPILED = cython.compiled

STATE_SIZE = 12
STATE_POSITION = 0
STATE_STOP = 1
STATE_FAULT = 2
STATE_BIG_ENDIAN = 3
STATE_UNIT = 4  # pcap: nanoseconds a unit of the time stamp's fraction
STATE_LINKTYPE = 5  # pcap
STATE_HEADER = 6  # pcap: bytes of a record header, 16 or 24
STATE_LIMIT = 7  # largest believable captured length
STATE_SWAPPED = 8  # pcap: 1 if lengths may be in the old, swapped order; 2 if they are
STATE_INTERFACES = 9  # pcapng: rows of the interface table
STATE_SNAPPED = 10  # frames stored only in part, counted up

STOP_MORE = 0
"""The next record is not whole in the buffer."""
STOP_FULL = 1
"""The batch is full."""
STOP_BLOCK = 2
"""The next block is not a packet block; it is whole in the buffer."""
STOP_FAULT = 3
STOP_TIME = 4
"""The last frame's time stamp does not fit 64 bits of nanoseconds; its ``ts_ns`` holds raw units."""

FAULT_NONE = 0
FAULT_CAPLEN = 1
FAULT_BLOCK_LENGTH = 2
FAULT_INTERFACE = 3
FAULT_CAPLEN_IN_BLOCK = 4

FAULT_TEXT = {
    FAULT_CAPLEN: "a record claims an impossible captured length",
    FAULT_BLOCK_LENGTH: "a block's length is impossible",
    FAULT_INTERFACE: "a packet refers to an interface that was never described",
    FAULT_CAPLEN_IN_BLOCK: "a packet claims more bytes than its block holds",
}

# An interface's row in the table that pcapng walking reads: five 64-bit words.
INTERFACE_WORDS = 5
INTERFACE_LINKTYPE = 0
INTERFACE_SNAPLEN = 1
INTERFACE_UNIT_KIND = 2
INTERFACE_UNIT = 3
INTERFACE_OFFSET = 4  # seconds to add, two's complement

UNIT_MULTIPLY = 0  # ns = ticks * unit
UNIT_DIVIDE = 1  # ns = ticks / unit
UNIT_BINARY = 2  # ticks of 2**-unit seconds

# The types of pcapng's packet blocks.
BLOCK_OBSOLETE_PACKET = 2
BLOCK_SIMPLE_PACKET = 3
BLOCK_ENHANCED_PACKET = 6

# Typed copies: an un-typed constant would be a Python object in the compiled loop.
_POSITION = declare(uint, STATE_POSITION)
_STOP = declare(uint, STATE_STOP)
_FAULT = declare(uint, STATE_FAULT)
_BIG_ENDIAN = declare(uint, STATE_BIG_ENDIAN)
_UNIT = declare(uint, STATE_UNIT)
_LINKTYPE = declare(uint, STATE_LINKTYPE)
_HEADER = declare(uint, STATE_HEADER)
_LIMIT = declare(uint, STATE_LIMIT)
_SWAPPED = declare(uint, STATE_SWAPPED)
_ARE_SWAPPED = declare(uint, 2)
_INTERFACES = declare(uint, STATE_INTERFACES)
_SNAPPED = declare(uint, STATE_SNAPPED)
_STOP_MORE = declare(uint, STOP_MORE)
_STOP_FULL = declare(uint, STOP_FULL)
_STOP_BLOCK = declare(uint, STOP_BLOCK)
_STOP_FAULT = declare(uint, STOP_FAULT)
_STOP_TIME = declare(uint, STOP_TIME)
_FAULT_NONE = declare(uint, FAULT_NONE)
_FAULT_CAPLEN = declare(uint, FAULT_CAPLEN)
_FAULT_BLOCK_LENGTH = declare(uint, FAULT_BLOCK_LENGTH)
_FAULT_INTERFACE = declare(uint, FAULT_INTERFACE)
_FAULT_CAPLEN_IN_BLOCK = declare(uint, FAULT_CAPLEN_IN_BLOCK)
_INTERFACE_WORDS = declare(uint, INTERFACE_WORDS)
_INTERFACE_LINKTYPE = declare(uint, INTERFACE_LINKTYPE)
_SNAPLEN = declare(uint, INTERFACE_SNAPLEN)
_UNIT_KIND = declare(uint, INTERFACE_UNIT_KIND)
_INTERFACE_UNIT = declare(uint, INTERFACE_UNIT)
_OFFSET = declare(uint, INTERFACE_OFFSET)
_MULTIPLY = declare(uint, UNIT_MULTIPLY)
_DIVIDE = declare(uint, UNIT_DIVIDE)
_OBSOLETE = declare(uint, BLOCK_OBSOLETE_PACKET)
_SIMPLE = declare(uint, BLOCK_SIMPLE_PACKET)
_ENHANCED = declare(uint, BLOCK_ENHANCED_PACKET)
_SMALLEST_BLOCK = declare(uint, 12)
_SMALLEST_SIMPLE = declare(uint, 16)
_SMALLEST_ENHANCED = declare(uint, 32)  # and the obsolete one's
_PRODUCT_BITS = declare(uint, 32)
_BILLION = declare(ulonglong, 1_000_000_000)
_TOP_SECOND = declare(ulonglong, 18_446_744_073)
_TOP_NS = declare(ulonglong, 0xFFFFFFFFFFFFFFFF)
_ONE = declare(ulonglong, 1)

_BIG = struct.Struct(">I").unpack_from
_LITTLE = struct.Struct("<I").unpack_from
_BIG_RECORD = struct.Struct(">4I").unpack_from
_LITTLE_RECORD = struct.Struct("<4I").unpack_from


@cython.cfunc
@cython.nogil
@cython.inline
@cython.boundscheck(False)  # both ends are checked here, at once
def _u32(data: cython.uchar[::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.uint:
    """Return the 32-bit word at ``at``."""
    a: cython.uint
    b: cython.uint
    c: cython.uint
    d: cython.uint
    if not cython.compiled:
        return (_BIG if big else _LITTLE)(data, at)[0]
    if at < 0 or at + 4 > len(data):
        return _beyond(data)
    a = data[at]
    b = data[at + 1]
    c = data[at + 2]
    d = data[at + 3]
    if big:
        return (a << 24) | (b << 16) | (c << 8) | d
    return a | (b << 8) | (c << 16) | (d << 24)


@cython.cfunc
@cython.nogil
def _beyond(data: cython.uchar[::1]) -> cython.uint:
    """Raise the error of an index outside the buffer: the callers' own checks have failed."""
    return data[len(data)]


def walk_pcap(
    data: cython.uchar[::1],
    end: cython.Py_ssize_t,
    state: cython.ulonglong[::1],
    at: cython.uint[::1],
    caplens: cython.uint[::1],
    wirelens: cython.uint[::1],
    times: cython.ulonglong[::1],
    linktypes: cython.uint[::1],
    count: cython.Py_ssize_t,
) -> int:
    """Walk pcap records from the state's position, behind the ``count`` frames that the columns hold already.

    Return how many frames the columns hold now.
    """
    position: cython.Py_ssize_t = state[_POSITION]
    big: cython.bint = state[_BIG_ENDIAN] != 0
    unit: cython.ulonglong = state[_UNIT]
    linktype: cython.uint = state[_LINKTYPE]
    header: cython.Py_ssize_t = state[_HEADER]
    limit: cython.ulonglong = state[_LIMIT]
    swapped: cython.ulonglong = state[_SWAPPED]
    snapped: cython.ulonglong = state[_SNAPPED]
    size: cython.Py_ssize_t = len(at)
    stop: cython.ulonglong = _STOP_FULL
    fault: cython.ulonglong = _FAULT_NONE
    caplen: cython.uint
    wirelen: cython.uint
    other: cython.uint
    seconds: cython.ulonglong
    fraction: cython.ulonglong
    with cython.nogil:
        while count < size:
            if position + header > end:
                stop = _STOP_MORE
                break
            if cython.compiled:
                seconds = _u32(data, position, big)
                fraction = _u32(data, position + 4, big)
                caplen = _u32(data, position + 8, big)
                wirelen = _u32(data, position + 12, big)
            else:
                seconds, fraction, caplen, wirelen = (_BIG_RECORD if big else _LITTLE_RECORD)(data, position)
            if swapped != 0 and (swapped == _ARE_SWAPPED or caplen > wirelen):
                other = caplen
                caplen = wirelen
                wirelen = other
            if caplen > limit:
                stop = _STOP_FAULT
                fault = _FAULT_CAPLEN
                break
            if position + header + caplen > end:
                stop = _STOP_MORE
                break
            at[count] = position + header
            caplens[count] = caplen
            wirelens[count] = wirelen
            times[count] = seconds * _BILLION + fraction * unit
            linktypes[count] = linktype
            if caplen < wirelen:
                snapped += 1
            count += 1
            position += header + caplen
    state[_POSITION] = position
    state[_STOP] = stop
    state[_FAULT] = fault
    state[_SNAPPED] = snapped
    return count


def walk_pcapng(
    data: cython.uchar[::1],
    end: cython.Py_ssize_t,
    state: cython.ulonglong[::1],
    interfaces: cython.ulonglong[::1],
    at: cython.uint[::1],
    caplens: cython.uint[::1],
    wirelens: cython.uint[::1],
    times: cython.ulonglong[::1],
    linktypes: cython.uint[::1],
    count: cython.Py_ssize_t,
) -> int:
    """Walk pcapng packet blocks as ``walk_pcap`` does records.

    Stops before any block that is not a packet block, so that the caller can read it.
    """
    position: cython.Py_ssize_t = state[_POSITION]
    big: cython.bint = state[_BIG_ENDIAN] != 0
    limit: cython.ulonglong = state[_LIMIT]
    known: cython.ulonglong = state[_INTERFACES]
    snapped: cython.ulonglong = state[_SNAPPED]
    size: cython.Py_ssize_t = len(at)
    stop: cython.ulonglong = _STOP_FULL
    fault: cython.ulonglong = _FAULT_NONE
    kind: cython.uint
    length: cython.uint
    caplen: cython.uint
    wirelen: cython.uint
    body: cython.Py_ssize_t
    interface: cython.ulonglong
    row: cython.Py_ssize_t
    ticks: cython.ulonglong
    unit_kind: cython.ulonglong
    unit: cython.ulonglong
    seconds: cython.ulonglong
    rest: cython.ulonglong
    ns: cython.ulonglong
    offset: cython.ulonglong
    snaplen: cython.ulonglong
    fits: cython.bint
    with cython.nogil:
        while count < size:
            if position + _SMALLEST_BLOCK > end:
                stop = _STOP_MORE
                break
            kind = _u32(data, position, big)
            length = _u32(data, position + 4, big)
            if kind != _ENHANCED and kind != _SIMPLE and kind != _OBSOLETE:
                # A section header's length is in its own byte order: leave all checks to the caller.
                stop = _STOP_BLOCK
                break
            if length < _SMALLEST_BLOCK or length & 3 != 0 or length > limit:
                stop = _STOP_FAULT
                fault = _FAULT_BLOCK_LENGTH
                break
            if position + length > end:
                stop = _STOP_MORE
                break
            ticks = 0
            if kind == _SIMPLE:
                if length < _SMALLEST_SIMPLE:
                    stop = _STOP_FAULT
                    fault = _FAULT_BLOCK_LENGTH
                    break
                interface = 0
                wirelen = _u32(data, position + 8, big)
                body = position + 12
                caplen = wirelen
                caplen = min(caplen, length - _SMALLEST_SIMPLE)
            else:
                if length < _SMALLEST_ENHANCED:
                    stop = _STOP_FAULT
                    fault = _FAULT_BLOCK_LENGTH
                    break
                interface = _u32(data, position + 8, big)
                if kind == _OBSOLETE:
                    interface = (interface >> 16) if big else (interface & 65535)
                ticks = _u32(data, position + 12, big)
                ticks = (ticks << 32) | _u32(data, position + 16, big)
                caplen = _u32(data, position + 20, big)
                wirelen = _u32(data, position + 24, big)
                body = position + 28
                if caplen > length - _SMALLEST_ENHANCED:
                    stop = _STOP_FAULT
                    fault = _FAULT_CAPLEN_IN_BLOCK
                    break
            if interface >= known:
                stop = _STOP_FAULT
                fault = _FAULT_INTERFACE
                break
            row = interface * _INTERFACE_WORDS
            if kind == _SIMPLE:
                snaplen = interfaces[row + _SNAPLEN]
                if snaplen != 0 and caplen > snaplen:
                    caplen = snaplen
            unit_kind = interfaces[row + _UNIT_KIND]
            unit = interfaces[row + _INTERFACE_UNIT]
            fits = True
            if unit_kind == _MULTIPLY:
                ns = (ticks * unit) & _TOP_NS
                fits = ticks <= _TOP_NS // unit
            elif unit_kind == _DIVIDE:
                ns = ticks // unit
            else:
                seconds = ticks >> unit
                rest = ticks & ((_ONE << unit) - 1)
                if unit > _PRODUCT_BITS:  # else the product below does not fit
                    rest >>= unit - _PRODUCT_BITS
                    ns = (seconds * _BILLION + ((rest * _BILLION) >> _PRODUCT_BITS)) & _TOP_NS
                else:
                    ns = (seconds * _BILLION + ((rest * _BILLION) >> unit)) & _TOP_NS
                fits = seconds < _TOP_SECOND
            offset = interfaces[row + _OFFSET]
            if offset != 0:
                if offset > _TOP_SECOND:  # negative, or beyond any time
                    offset = (_TOP_NS - offset) + 1 & _TOP_NS
                    fits = fits and offset <= _TOP_SECOND and ns >= offset * _BILLION
                    ns = (ns - offset * _BILLION) & _TOP_NS
                else:
                    fits = fits and ns <= _TOP_NS - offset * _BILLION
                    ns = (ns + offset * _BILLION) & _TOP_NS
            at[count] = body
            caplens[count] = caplen
            wirelens[count] = wirelen
            times[count] = ns
            linktypes[count] = interfaces[row + _INTERFACE_LINKTYPE]
            if caplen < wirelen:
                snapped += 1
            count += 1
            position += length
            if not fits:
                times[count - 1] = ticks
                stop = _STOP_TIME
                break
    state[_POSITION] = position
    state[_STOP] = stop
    state[_FAULT] = fault
    state[_SNAPPED] = snapped
    return count


def largest_time(times: cython.ulonglong[::1], count: cython.Py_ssize_t) -> int:
    """Return the largest of the first ``count`` time stamps, 0 without any."""
    i: cython.Py_ssize_t
    largest: cython.ulonglong = 0
    if not cython.compiled:
        return max(times[:count], default=0)
    for i in range(count):
        largest = max(largest, times[i])
    return largest
