# cython: language_level=3, wraparound=False
"""Leaves out of a live batch what was captured before on another interface of the same machine.

Input: a batch whose header columns are filled, and the columns that only a live capture has: each frame's interface,
and whether its checksum was left to the hardware. Output: the same batch without the copies; the frames that stay
move up in every column.

A frame to a container passes the bridge and then its port, a frame between two containers both ports, a frame of a
bond one of its links and the bond itself: the kernel shows it on each. Which of them is the copy:

* of a SYN, FIN, RST or ICMP error: the same once more, on another interface than the first, within ``COPY_NS``;
* of any other segment: one on another interface than its direction's last, which brings neither bytes nor an
  acknowledgement that were not there. It need not be cut in the same way: an interface may split what another
  carried in one piece;
* of a connection whose addresses this machine translates on the way: one to the same port that begins with the same
  initial sequence number on another interface; and one that shows first the very SYN-ACK that another one showed
  before, as a bridge does whose frames are half translated. All of it is left out in both directions, for the client's
  end of the translation has the whole conversation.

What comes again on the *same* interface was sent again, and stays. Frames of the loopback interface have no copies on
others and are not looked at.

Invariants: memory is fixed; an entry that another one has taken the place of makes a copy stay, never a first frame go;
``COPY_NS`` is shorter than any stack waits before it sends again.
"""

from __future__ import annotations

try:
    import cython
    from cython import Py_ssize_t, declare, uint, ulonglong
except ImportError:  # Cython is not there at run time
    from synscope.engine import shim as cython
    from synscope.engine.shim import Py_ssize_t, declare, uint, ulonglong

COMPILED = cython.compiled

SLOTS = 1 << 14
"""Entries of the table of sightings, and of that of translated connections: a power of two."""
ENTRY_LONGS = 4
COPY_NS = 150_000_000
"""How long after a frame its copy comes at most: less than the shortest wait before a segment is sent again."""

# isort: off
declare(KIND_TCP=uint, KIND_ICMP=uint, FIN=uint, SYN=uint, RST=uint, ACK=uint)
from synscope.engine.batch import KIND_ICMP, KIND_TCP
from synscope.engine.names import ACK, FIN, RST, SYN
# isort: on

# An entry: what it is of, when it was seen last, where, and what was seen.
_OF = declare(Py_ssize_t, 0)
_WHEN = declare(Py_ssize_t, 1)
_WHERE = declare(Py_ssize_t, 2)
_WHAT = declare(Py_ssize_t, 3)
_ENTRY_BITS = declare(Py_ssize_t, 2)

_COPY_NS = declare(ulonglong, COPY_NS)
_FORGOTTEN_NS = declare(ulonglong, 600_000_000_000)
"""How long a translated connection is remembered after its last frame."""
_CONTROL = declare(uint, SYN | FIN | RST)
_SYN_AND_ACK = declare(uint, SYN | ACK)
_SYN = declare(uint, SYN)
_M32 = declare(uint, 0xFFFFFFFF)
_HALF = declare(uint, 0x80000000)
_M64 = declare(ulonglong, 0xFFFFFFFFFFFFFFFF)
_K1 = declare(ulonglong, 0x9E3779B97F4A7C15)
_K2 = declare(ulonglong, 0xC2B2AE3D27D4EB4F)
_K3 = declare(ulonglong, 0x165667B19E3779F9)


@cython.cfunc
@cython.inline
def _mixed(a: cython.ulonglong, b: cython.ulonglong, seed: cython.ulonglong) -> cython.ulonglong:
    """Return a hash of two words, never 0: that is an entry that nobody has."""
    h: cython.ulonglong
    if not cython.compiled:  # products of 64 bits are slow here
        return hash((seed, a, b)) & _M64 | 1
    h = (a ^ seed) * _K1 + (b ^ (seed >> 17)) * _K2
    h ^= h >> 29
    h *= _K3
    h ^= h >> 32
    return h | 1


@cython.cfunc
@cython.inline
def _entry(table: cython.ulonglong[::1], key: cython.ulonglong) -> cython.Py_ssize_t:
    """Return where the entry of a key stands, or would."""
    slots: cython.ulonglong = len(table) >> _ENTRY_BITS
    place: cython.Py_ssize_t = (key >> 1) & (slots - 1)
    return place << _ENTRY_BITS


@cython.cfunc
@cython.inline
def _within(now: cython.ulonglong, before: cython.ulonglong, most: cython.ulonglong) -> cython.bint:
    """Whether two times are so close; frames of two processors need not stand in order."""
    return now - before < most if now >= before else before - now < most


@cython.cfunc
@cython.inline
def _is_later(a: cython.uint, b: cython.uint) -> cython.bint:
    """Whether one sequence number is behind another."""
    return a != b and ((a - b) & _M32) < _HALF


@cython.cfunc
@cython.inline
def _put(
    table: cython.ulonglong[::1],
    at: cython.Py_ssize_t,
    key: cython.ulonglong,
    when: cython.ulonglong,
    where: cython.ulonglong,
    what: cython.ulonglong,
) -> cython.int:
    table[at + _OF] = key
    table[at + _WHEN] = when
    table[at + _WHERE] = where
    table[at + _WHAT] = what
    return 0


@cython.cfunc
def _seen_elsewhere(
    table: cython.ulonglong[::1], key: cython.ulonglong, when: cython.ulonglong, where: cython.ulonglong
) -> cython.bint:
    """Whether the same was seen on another interface just before; else note that it was seen here."""
    at: cython.Py_ssize_t = _entry(table, key)
    if table[at + _OF] == key and table[at + _WHERE] != where and _within(when, table[at + _WHEN], _COPY_NS):
        return True
    _put(table, at, key, when, where, 0)
    return False


@cython.cfunc
def _brings_nothing(
    table: cython.ulonglong[::1],
    key: cython.ulonglong,
    when: cython.ulonglong,
    where: cython.ulonglong,
    end: cython.uint,
    ack: cython.uint,
) -> cython.bint:
    """Whether a segment shows nothing that its direction did not just show elsewhere; else note what it shows."""
    at: cython.Py_ssize_t = _entry(table, key)
    known_end: cython.uint
    known_ack: cython.uint
    what: cython.ulonglong
    if table[at + _OF] == key and _within(when, table[at + _WHEN], _COPY_NS):
        known_end = table[at + _WHAT] >> 32
        known_ack = table[at + _WHAT] & _M32
        if table[at + _WHERE] != where and not _is_later(end, known_end) and not _is_later(ack, known_ack):
            return True
        end = end if _is_later(end, known_end) else known_end
        ack = ack if _is_later(ack, known_ack) else known_ack
    what = end
    _put(table, at, key, when, where, (what << 32) | ack)
    return False


@cython.cfunc
def _translates(
    table: cython.ulonglong[::1],
    key: cython.ulonglong,
    flow: cython.ulonglong,
    when: cython.ulonglong,
    where: cython.ulonglong,
) -> cython.bint:
    """Whether a SYN began another connection elsewhere just before; else note that it begins this one."""
    at: cython.Py_ssize_t = _entry(table, key)
    if table[at + _OF] == key and table[at + _WHAT] != flow and _within(when, table[at + _WHEN], _COPY_NS):
        return table[at + _WHERE] != where
    _put(table, at, key, when, where, flow)
    return False


@cython.cfunc
def _answers_another(
    table: cython.ulonglong[::1],
    key: cython.ulonglong,
    begun: cython.ulonglong,
    flow: cython.ulonglong,
    when: cython.ulonglong,
) -> cython.bint:
    """Whether a SYN-ACK showed just before that it is another connection's, and this one never began; else note it."""
    at: cython.Py_ssize_t = _entry(table, begun)
    has_begun: cython.bint = table[at + _OF] == begun
    at = _entry(table, key)
    if table[at + _OF] == key and table[at + _WHAT] != flow and _within(when, table[at + _WHEN], _COPY_NS):
        return not has_begun
    _put(table, at, key, when, 0, flow)
    return False


@cython.cfunc
def _is_translated(
    translated: cython.ulonglong[::1], flow: cython.ulonglong, when: cython.ulonglong
) -> cython.bint:
    """Whether all of a connection is a copy."""
    at: cython.Py_ssize_t = _entry(translated, flow)
    if translated[at + _OF] != flow or not _within(when, translated[at + _WHEN], _FORGOTTEN_NS):
        return False
    translated[at + _WHEN] = when
    return True


@cython.cfunc
def _is_copy(
    table: cython.ulonglong[::1],
    translated: cython.ulonglong[::1],
    seed: cython.ulonglong,
    source: cython.ulonglong,
    destination: cython.ulonglong,
    ports: cython.uint,
    seq: cython.uint,
    ack: cython.uint,
    flags: cython.uint,
    length: cython.uint,
    when: cython.ulonglong,
    where: cython.ulonglong,
) -> cython.bint:
    """Whether a segment is a copy; ``source`` and ``destination`` are hashes of its addresses and ports."""
    control: cython.uint = flags & _CONTROL
    end: cython.uint = (seq + length) & _M32
    both: cython.ulonglong = ((source + destination) & _M64) | 1
    way: cython.ulonglong = _mixed(source, destination, seed)
    words: cython.ulonglong = seq
    begun: cython.ulonglong = _mixed(both, 1, seed)
    words = (words << 32) | ack
    if flags & _SYN_AND_ACK == _SYN_AND_ACK and _answers_another(
        table, _mixed(words, 2, seed), begun, both, when
    ):
        _put(translated, _entry(translated, both), both, when, where, 0)
    if _is_translated(translated, both, when):
        return True
    if control == 0:
        return _brings_nothing(table, way, when, where, end, ack)
    words = end
    words = (words << 32) | ack
    if _seen_elsewhere(table, _mixed(way, words, seed ^ control), when, where):
        return True
    if flags & _SYN_AND_ACK == _SYN:
        _put(table, _entry(table, begun), begun, when, where, 0)
    if flags & _SYN_AND_ACK == _SYN and seq != 0:
        words = seq
        words = (words << 16) | (ports & 0xFFFF)
        if _translates(table, _mixed(words, 0, seed), both, when, where):
            _put(translated, _entry(translated, both), both, when, where, 0)
            return True
    return False


def leave_out_copies(
    count: cython.Py_ssize_t,
    loopback: cython.uint,
    seed: cython.ulonglong,
    table: cython.ulonglong[::1],
    translated: cython.ulonglong[::1],
    ats: cython.uint[::1],
    caplens: cython.uint[::1],
    wirelens: cython.uint[::1],
    times: cython.ulonglong[::1],
    linktypes: cython.uint[::1],
    kinds: cython.uint[::1],
    src_high: cython.ulonglong[::1],
    src_low: cython.ulonglong[::1],
    dst_high: cython.ulonglong[::1],
    dst_low: cython.ulonglong[::1],
    ports: cython.uint[::1],
    seqs: cython.uint[::1],
    acks: cython.uint[::1],
    flags: cython.uint[::1],
    lengths: cython.uint[::1],
    ip_ats: cython.uint[::1],
    tcp_ats: cython.uint[::1],
    unfilled: cython.uint[::1],
    ifindexes: cython.uint[::1],
) -> int:
    """Return how many frames stay, and in the upper half how many TCP segments do not.

    ``loopback`` is the number of the interface that is not looked at.
    """
    left_out: cython.ulonglong = 0
    i: cython.Py_ssize_t
    kept: cython.Py_ssize_t = 0
    source: cython.ulonglong
    destination: cython.ulonglong
    words: cython.ulonglong
    copy: cython.bint
    for i in range(count):
        copy = False
        if ifindexes[i] != loopback and (kinds[i] == KIND_TCP or kinds[i] == KIND_ICMP):
            source = _mixed(src_high[i], src_low[i], seed ^ (ports[i] >> 16))
            destination = _mixed(dst_high[i], dst_low[i], seed ^ (ports[i] & 0xFFFF))
            if kinds[i] == KIND_TCP:
                copy = _is_copy(
                    table, translated, seed, source, destination, ports[i], seqs[i], acks[i], flags[i], lengths[i],
                    times[i], ifindexes[i],
                )  # fmt: skip
            else:
                words = seqs[i]
                words = (words << 32) | flags[i]
                words = _mixed(_mixed(source, destination, seed), words, seed)
                copy = _is_translated(
                    translated, ((source + destination) & _M64) | 1, times[i]
                ) or _seen_elsewhere(table, words, times[i], ifindexes[i])
        if copy:
            left_out += kinds[i] == KIND_TCP
            continue
        if kept != i:
            ats[kept] = ats[i]
            caplens[kept] = caplens[i]
            wirelens[kept] = wirelens[i]
            times[kept] = times[i]
            linktypes[kept] = linktypes[i]
            kinds[kept] = kinds[i]
            src_high[kept] = src_high[i]
            src_low[kept] = src_low[i]
            dst_high[kept] = dst_high[i]
            dst_low[kept] = dst_low[i]
            ports[kept] = ports[i]
            seqs[kept] = seqs[i]
            acks[kept] = acks[i]
            flags[kept] = flags[i]
            lengths[kept] = lengths[i]
            ip_ats[kept] = ip_ats[i]
            tcp_ats[kept] = tcp_ats[i]
            unfilled[kept] = unfilled[i]
            ifindexes[kept] = ifindexes[i]
        kept += 1
    return (left_out << 32) | kept
