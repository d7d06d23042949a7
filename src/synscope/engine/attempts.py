# cython: language_level=3, wraparound=False
"""The connection table: where an attempt starts, which events it has shown, and its key frames.

Input: a ``Batch`` whose header columns are filled. State: the tables of ``rows`` (one row an attempt), a
hash index from 4-tuple to its newest attempt, and small bounded side tables. Output: rows.

The rules, in prose (the tables of ``outcome`` name what comes of them):

* A SYN whose ISN differs opens an attempt, unless an older unfinished attempt of the 4-tuple has that
  ISN. The same ISN is a retransmission, unless that handshake completed and then saw a FIN or RST, or the
  client refused its SYN-ACK with an RST. A SYN of the server while the client's is unanswered crosses it.
* Any other segment belongs to the newest attempt of its 4-tuple whose numbers it fits. One that fits none
  changes nothing, except that the reply to an unanswered SYN that does not answer it is noted as odd.
* The client is who sent the first SYN; of a SYN-ACK without SYN its receiver; mid-stream the first sender.

Invariants: a row's events only ever grow; no time stamp takes part in any decision but one (the same SYN
or SYN-ACK twice within a millisecond is a duplicate, not a retransmission); sequence arithmetic is modulo
2**32 with explicit masks, so that both engines agree. Source: RFC 9293 §3.4, §3.5, §3.10.7; RFC 7413
(payload in the SYN); RFC 5961 §4 (challenge ACK).
"""

from __future__ import annotations

from synscope.engine import layout as _r
from synscope.engine.outcome import BIT as _BIT

try:
    import cython
except ImportError:
    from synscope.engine import shim as cython

COMPILED = cython.compiled

_M32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
_M64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
_K1 = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
_K2 = cython.declare(cython.ulonglong, 0xC2B2AE3D27D4EB4F)
_K3 = cython.declare(cython.ulonglong, 0x165667B19E3779F9)
_HALF = cython.declare(cython.uint, 0x80000000)
_FIRST_WINDOW = cython.declare(cython.uint, 65536)
_RST_WINDOW = cython.declare(cython.uint, 1 << 24)
_V4 = cython.declare(cython.ulonglong, _r.V4_HIGH)

_C_SYN = cython.declare(cython.uint, _BIT["client-syn"])
_S_SYN = cython.declare(cython.uint, _BIT["server-syn"])
_SYN_ACK = cython.declare(cython.uint, _BIT["syn-ack"])
_C_SYN_ACK = cython.declare(cython.uint, _BIT["client-syn-ack"])
_S_ACKS = cython.declare(cython.uint, _BIT["server-acks"])
_C_ACKS = cython.declare(cython.uint, _BIT["client-acks"])
_C_SENT = cython.declare(cython.uint, _BIT["client-sent"])
_S_SENT = cython.declare(cython.uint, _BIT["server-sent"])
_C_DATA = cython.declare(cython.uint, _BIT["client-data"])
_S_DATA = cython.declare(cython.uint, _BIT["server-data"])
_C_FIN = cython.declare(cython.uint, _BIT["client-fin"])
_S_FIN = cython.declare(cython.uint, _BIT["server-fin"])
_RST_TO_SYN = cython.declare(cython.uint, _BIT["rst-to-syn"])
_S_RST = cython.declare(cython.uint, _BIT["server-rst"])
_C_RST = cython.declare(cython.uint, _BIT["client-rst"])
_C_RST_EARLY = cython.declare(cython.uint, _BIT["client-rst-early"])
_S_RST_EARLY = cython.declare(cython.uint, _BIT["server-rst-before-data"])
_ICMP = cython.declare(cython.uint, _BIT["icmp-error"])
_ODD_ACK = cython.declare(cython.uint, _BIT["odd-ack"])
_ODD_SYN_ACK = cython.declare(cython.uint, _BIT["odd-syn-ack"])
_ODD_RST = cython.declare(cython.uint, _BIT["odd-rst"])
_SYN_AGAIN = cython.declare(cython.uint, _BIT["syn-again-after-rst"])
_S_DATA_ACKED = cython.declare(cython.uint, _BIT["server-data-acked"])
_C_DATA_ACKED = cython.declare(cython.uint, _BIT["client-data-acked"])
_S_DATA_LATE = cython.declare(cython.uint, _BIT["server-data-after-client-fin"])
_S_FIN_EARLY = cython.declare(cython.uint, _BIT["server-fin-before-data"])
_C_DATA_LATE = cython.declare(cython.uint, _BIT["client-data-after-server-fin"])
_SYN_DATA = cython.declare(cython.uint, _BIT["syn-carries-data"])
_BOTH_FINS = cython.declare(cython.uint, _BIT["client-fin"] | _BIT["server-fin"])
_SELF = cython.declare(cython.uint, _BIT["self-connect"])

# Row words and state bits (see layout.py), typed.
_WORDS = cython.declare(cython.Py_ssize_t, _r.WORDS)
_LONGS = cython.declare(cython.Py_ssize_t, _r.LONGS)
_PORTS = cython.declare(cython.Py_ssize_t, _r.PORTS)
_STATE = cython.declare(cython.Py_ssize_t, _r.STATE)
_EVENTS = cython.declare(cython.Py_ssize_t, _r.EVENTS)
_ISN_C = cython.declare(cython.Py_ssize_t, _r.ISN_CLIENT)
_ISN_S = cython.declare(cython.Py_ssize_t, _r.ISN_SERVER)
_NEXT_C = cython.declare(cython.Py_ssize_t, _r.NEXT_CLIENT)
_NEXT_S = cython.declare(cython.Py_ssize_t, _r.NEXT_SERVER)
_PREVIOUS = cython.declare(cython.Py_ssize_t, _r.PREVIOUS)
_F_FIRST = cython.declare(cython.Py_ssize_t, _r.FRAME_FIRST)
_F_SYN = cython.declare(cython.Py_ssize_t, _r.FRAME_SYN)
_F_SYN_ACK = cython.declare(cython.Py_ssize_t, _r.FRAME_SYN_ACK)
_F_ACK = cython.declare(cython.Py_ssize_t, _r.FRAME_ACK)
_F_RST = cython.declare(cython.Py_ssize_t, _r.FRAME_RST)
_F_ICMP = cython.declare(cython.Py_ssize_t, _r.FRAME_ICMP)
_F_C_DATA = cython.declare(cython.Py_ssize_t, _r.FRAME_CLIENT_DATA)
_F_S_DATA = cython.declare(cython.Py_ssize_t, _r.FRAME_SERVER_DATA)
_F_FIN = cython.declare(cython.Py_ssize_t, _r.FRAME_FIN)
_LAST_SYN = cython.declare(cython.Py_ssize_t, _r.LAST_SYN_US)
_LAST_SYN_ACK = cython.declare(cython.Py_ssize_t, _r.LAST_SYN_ACK_US)
_SYNS = cython.declare(cython.Py_ssize_t, _r.SYN_COUNT)
_SYN_ACKS = cython.declare(cython.Py_ssize_t, _r.SYN_ACK_COUNT)
_RST_WINDOW_ID = cython.declare(cython.Py_ssize_t, _r.RST_WINDOW_ID)
_RST_SEQ = cython.declare(cython.Py_ssize_t, _r.RST_SEQ)
_RST_TRAITS = cython.declare(cython.Py_ssize_t, _r.RST_TRAITS)
_ICMP_WORD = cython.declare(cython.Py_ssize_t, _r.ICMP)
_ICMP_SENDER = cython.declare(cython.Py_ssize_t, _r.ICMP_SENDER)
_ID = cython.declare(cython.Py_ssize_t, _r.ID)
_OTHER = cython.declare(cython.Py_ssize_t, _r.OTHER)
_CLASSES = cython.declare(cython.Py_ssize_t, _r.CLASSES)
_SYN_LENGTH = cython.declare(cython.Py_ssize_t, _r.SYN_LENGTH)
_T_FIRST = cython.declare(cython.Py_ssize_t, _r.TS_FIRST)
_T_ANSWER = cython.declare(cython.Py_ssize_t, _r.TS_ANSWER)
_T_C_DATA = cython.declare(cython.Py_ssize_t, _r.TS_CLIENT_DATA)
_T_S_DATA = cython.declare(cython.Py_ssize_t, _r.TS_SERVER_DATA)
_T_END = cython.declare(cython.Py_ssize_t, _r.TS_END)
_T_C_FIN = cython.declare(cython.Py_ssize_t, _r.TS_CLIENT_FIN)
_CLIENT_IS_HIGH = cython.declare(cython.uint, _r.CLIENT_IS_HIGH)
_KNOWS_C = cython.declare(cython.uint, _r.KNOWS_CLIENT)
_KNOWS_S = cython.declare(cython.uint, _r.KNOWS_SERVER)
_PENDING = cython.declare(cython.uint, _r.PENDING_ACK)
_OTHER_ISN = cython.declare(cython.uint, _r.OTHER_ISN)
_SELF_STATE = cython.declare(cython.uint, _r.SELF)
_OLDER_OVER = cython.declare(cython.uint, _r.OLDER_OVER)
_C_TURN = cython.declare(cython.uint, _r.CLIENT_TURN)
_SAMPLED = cython.declare(cython.uint, _r.SAMPLED)
_GOES_ON = cython.declare(cython.uint, _r.GOES_ON)
_HOLDS_MORE = cython.declare(cython.uint, _r.HOLDS_MORE)
_REPLY_SHIFT = cython.declare(cython.uint, _r.REPLY_SHIFT)
_REPLIES = cython.declare(cython.ulonglong, _r.REPLIES)
_REPLY_BYTES = cython.declare(cython.Py_ssize_t, _r.REPLY_BYTES)
_C_AGAIN = cython.declare(cython.uint, _r.CLIENT_AGAIN)
_C_REPEATS = cython.declare(cython.uint, _r.CLIENT_AGAIN | _r.CLIENT_LOST)
_S_AGAIN = cython.declare(cython.uint, _r.SERVER_AGAIN)
_S_REPEATS = cython.declare(cython.uint, _r.SERVER_AGAIN | _r.SERVER_LOST)

_ORPHAN_LIMIT = cython.declare(cython.ulonglong, _r.ORPHAN_LIMIT)
_SENDER_LIMIT = cython.declare(cython.ulonglong, _r.SENDER_LIMIT)
_PAYLOAD_LIMIT = cython.declare(cython.Py_ssize_t, _r.PAYLOAD_LIMIT)
_PAYLOAD_ENTRIES = cython.declare(cython.ulonglong, _r.PAYLOAD_ENTRIES)
_PAYLOAD_BYTES = cython.declare(cython.ulonglong, _r.PAYLOAD_BYTES)
_SAMPLES = cython.declare(cython.uint, _r.SAMPLES_A_CLASS)
_GHOST_ISN = cython.declare(cython.ulonglong, 0xFFFFF)
_GHOST = cython.declare(cython.ulonglong, 0x100000)
_GHOST_TUPLE = cython.declare(cython.ulonglong, 0xFFFFFFFFFFE00000)
_GHOST_STEPS = cython.declare(cython.Py_ssize_t, 256)
_GENERATIONS = cython.declare(cython.Py_ssize_t, 64)


@cython.cfunc
@cython.nogil
@cython.inline
def _minus(a: cython.uint, b: cython.uint) -> cython.uint:
    """The distance from sequence number ``b`` up to ``a``, modulo 2**32."""
    return (a - b) & _M32


@cython.cfunc
@cython.nogil
@cython.inline
def _near(a: cython.uint, b: cython.uint, window: cython.uint) -> cython.bint:
    """Whether two sequence numbers are less than ``window`` apart, in either direction."""
    return (a - b) & _M32 < window or (b - a) & _M32 < window


@cython.cfunc
@cython.nogil
@cython.inline
def _hash(
    high: cython.ulonglong,
    low: cython.ulonglong,
    other_high: cython.ulonglong,
    other_low: cython.ulonglong,
    ports: cython.uint,
    seed: cython.ulonglong,
) -> cython.ulonglong:
    """A hash of a 4-tuple, the same for both directions (so finding a slot needs no ordering)."""
    port: cython.uint = ports >> 16
    other_port: cython.uint = ports & 0xFFFF
    a: cython.ulonglong
    b: cython.ulonglong
    if not cython.compiled:  # products of 64 bits are slow here
        return (hash((seed, high, low, port)) + hash((seed, other_high, other_low, other_port))) & _M64
    a = ((low ^ seed) * _K1 + (high ^ port) * _K2) & _M64
    b = ((other_low ^ seed) * _K1 + (other_high ^ other_port) * _K2) & _M64
    a ^= a >> 29
    b ^= b >> 29
    a = ((a + b) * _K3 + ((a ^ b) >> 7)) & _M64
    return a ^ (a >> 32)


def reindex(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    count: cython.Py_ssize_t,
    slots: cython.ulonglong[::1],
    seed: cython.ulonglong,
) -> None:
    """Fill an empty index from the rows: of each 4-tuple, the newest attempt."""
    r: cython.Py_ssize_t
    other: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    at: cython.Py_ssize_t
    other_at: cython.Py_ssize_t
    h: cython.ulonglong
    entry: cython.ulonglong
    mask: cython.ulonglong = len(slots) - 1
    with cython.nogil:
        for r in range(count):
            at = r * _LONGS
            h = _hash(longs[at], longs[at + 1], longs[at + 2], longs[at + 3], rows[r * _WORDS], seed)
            slot = h & mask
            while slots[slot] != 0:
                entry = slots[slot]
                if entry >> 32 == h >> 32:
                    other = entry & _M32
                    other -= 1
                    other_at = other * _LONGS
                    if (
                        rows[other * _WORDS] == rows[r * _WORDS]
                        and longs[other_at] == longs[at]
                        and longs[other_at + 1] == longs[at + 1]
                        and longs[other_at + 2] == longs[at + 2]
                        and longs[other_at + 3] == longs[at + 3]
                    ):
                        break
                slot = (slot + 1) & mask
            slots[slot] = (h >> 32 << 32) | (r + 1)


@cython.cfunc
@cython.nogil
@cython.inline
def _mark(h: cython.ulonglong, isn: cython.uint) -> cython.ulonglong:
    """The mark of a settled attempt: 43 bits of its 4-tuple's hash, 20 of the ISN; never 0."""
    mixed: cython.ulonglong = isn * _K1 & _M64
    return (h & _GHOST_TUPLE) | _GHOST | (mixed >> 45 << 1 & _GHOST_ISN) | 1


@cython.cfunc
@cython.nogil
def _home(ghosts: cython.ulonglong[::1], mark: cython.ulonglong) -> cython.Py_ssize_t:
    """Where the search for a mark begins: its place by its top bits, so that it can move to a larger table."""
    size: cython.ulonglong = len(ghosts)
    place: cython.ulonglong = ((mark >> 32) * size) >> 32
    return place


def haunt(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    chosen: cython.uint[::1],
    count: cython.Py_ssize_t,
    ghosts: cython.ulonglong[::1],
    seed: cython.ulonglong,
) -> int:
    """Mark the 4-tuples of rows that are about to go; return how many marks are new.

    The mark tells the ISN of an attempt whose SYN, repeated, would still be a retransmission. Where the
    table is full, a new mark takes the place of an old one.
    """
    i: cython.Py_ssize_t
    r: cython.Py_ssize_t
    at: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    steps: cython.Py_ssize_t
    mark: cython.ulonglong
    added: cython.Py_ssize_t = 0
    mask: cython.ulonglong = len(ghosts) - 1
    with cython.nogil:
        for i in range(count):
            r = chosen[i]
            at = r * _LONGS
            mark = _mark(
                _hash(longs[at], longs[at + 1], longs[at + 2], longs[at + 3], rows[r * _WORDS], seed),
                rows[r * _WORDS + _ISN_C],
            )
            if rows[r * _WORDS + _EVENTS] & _C_SYN == 0 or _finished(rows, r * _WORDS):
                mark &= ~_GHOST_ISN & _M64
            slot = _home(ghosts, mark)
            steps = 1
            while ghosts[slot] != 0 and (ghosts[slot] ^ mark) & _GHOST_TUPLE != 0 and steps < _GHOST_STEPS:
                slot = (slot + 1) & mask
                steps += 1
            if ghosts[slot] == 0:
                added += 1
            elif steps >= _GHOST_STEPS:
                slot = _home(ghosts, mark)
            ghosts[slot] = mark
    return added


def rehaunt(old: cython.ulonglong[::1], ghosts: cython.ulonglong[::1]) -> None:
    """Move all marks into a larger table."""
    i: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    mask: cython.ulonglong = len(ghosts) - 1
    with cython.nogil:
        for i in range(len(old)):
            if old[i] != 0:
                slot = _home(ghosts, old[i])
                while ghosts[slot] != 0:
                    slot = (slot + 1) & mask
                ghosts[slot] = old[i]


@cython.cfunc
@cython.nogil
def _open(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    state: cython.ulonglong[::1],
    low_high: cython.ulonglong,
    low_low: cython.ulonglong,
    high_high: cython.ulonglong,
    high_low: cython.ulonglong,
    ports: cython.uint,
    client_is_high: cython.bint,
    previous: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.Py_ssize_t:
    """Append an empty attempt; return its row."""
    r: cython.Py_ssize_t = state[0]
    base: cython.Py_ssize_t = r * _WORDS
    long_base: cython.Py_ssize_t = r * _LONGS
    i: cython.Py_ssize_t
    for i in range(_WORDS):
        rows[base + i] = 0
    for i in range(_LONGS):
        longs[long_base + i] = 0
    longs[long_base] = low_high
    longs[long_base + 1] = low_low
    longs[long_base + 2] = high_high
    longs[long_base + 3] = high_low
    longs[long_base + _T_FIRST] = ts
    rows[base + _PORTS] = ports
    if client_is_high:
        rows[base + _STATE] = _CLIENT_IS_HIGH
    elif low_high == high_high and low_low == high_low and ports >> 16 == ports & 0xFFFF:
        rows[base + _STATE] = _SELF_STATE
        rows[base + _EVENTS] = _SELF
    rows[base + _PREVIOUS] = previous
    if previous != 0:
        i = (previous - 1) * _WORDS
        if _finished(rows, i) and (rows[i + _PREVIOUS] == 0 or rows[i + _STATE] & _OLDER_OVER != 0):
            rows[base + _STATE] |= _OLDER_OVER
    rows[base + _F_FIRST] = frame
    state[0] = r + 1
    state[1] += 1
    rows[base + _ID] = state[1] & _M32
    return r


@cython.cfunc
@cython.nogil
def _finished(rows: cython.uint[::1], base: cython.Py_ssize_t) -> cython.bint:
    """Whether the same SYN again would be a new attempt: see the module's first rule."""
    events: cython.uint = rows[base + _EVENTS]
    if events & _S_ACKS != 0 and events & _C_ACKS != 0:
        return events & (_C_FIN | _S_FIN | _S_RST | _C_RST) != 0
    return events & _SYN_ACK != 0 and events & _C_RST != 0


@cython.cfunc
@cython.nogil
def _on_syn(
    rows: cython.uint[::1],
    state: cython.ulonglong[::1],
    head: cython.Py_ssize_t,
    sender_is_high: cython.bint,
    seq: cython.uint,
    length: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.bint:
    """Give a SYN without ACK to the attempt it belongs to; false when it opens a new one."""
    r: cython.Py_ssize_t = head
    base: cython.Py_ssize_t
    events: cython.uint
    bits: cython.uint
    now: cython.uint = (ts // 1000) & _M32
    steps: cython.Py_ssize_t = 0
    while r >= 0 and steps < _GENERATIONS:
        base = r * _WORDS
        events = rows[base + _EVENTS]
        bits = rows[base + _STATE]
        if bits & _OLDER_OVER != 0 and rows[base + _ISN_C] != seq and _finished(rows, base):
            return False  # neither this one nor an older one can take it
        if sender_is_high == (bits & _CLIENT_IS_HIGH != 0):
            if events & (_C_SYN | _SYN_ACK) == _SYN_ACK and rows[base + _ISN_C] == (seq + length) & _M32:
                rows[base + _ISN_C] = seq  # the SYN-ACK recorded before it acknowledges its payload too
            if bits & _KNOWS_C != 0 and rows[base + _ISN_C] == seq and events & (_C_SYN | _SYN_ACK) != 0:
                if _finished(rows, base):
                    return False
                if events & _C_SYN == 0:
                    rows[base + _F_SYN] = frame
                    rows[base + _SYNS] = 1
                    rows[base + _NEXT_C] = _later(rows[base + _NEXT_C], (seq + 1 + length) & _M32)
                    rows[base + _SYN_LENGTH] = length
                elif _near(now, rows[base + _LAST_SYN], 1000):
                    state[3] += 1
                else:
                    rows[base + _SYNS] += 1
                    if events & _RST_TO_SYN != 0:
                        rows[base + _EVENTS] |= _SYN_AGAIN
                rows[base + _LAST_SYN] = now
                rows[base + _EVENTS] |= _C_SYN
                if length != 0:
                    rows[base + _EVENTS] |= _SYN_DATA
                return True
        elif r == head and events & _C_SYN != 0:
            if events & _S_SYN != 0:
                if rows[base + _ISN_S] == seq and not _finished(rows, base):
                    return True
            elif events & (_SYN_ACK | _C_ACKS | _RST_TO_SYN) == 0:
                rows[base + _EVENTS] |= _S_SYN
                rows[base + _STATE] |= _KNOWS_S
                rows[base + _ISN_S] = seq
                rows[base + _NEXT_S] = (seq + 1 + length) & _M32
                return True
        r = rows[base + _PREVIOUS]
        r -= 1
        steps += 1
    return False


@cython.cfunc
@cython.nogil
def _on_refused_syn(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    head: cython.Py_ssize_t,
    sender_is_high: cython.bint,
    seq: cython.uint,
    length: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.bint:
    """Give a SYN to the attempt that so far is the RST,ACK which refuses it, recorded before it."""
    base: cython.Py_ssize_t = head * _WORDS
    long_base: cython.Py_ssize_t = head * _LONGS
    bits: cython.uint = rows[base + _STATE]
    acked: cython.uint = _minus(rows[base + _OTHER], seq)
    if rows[base + _EVENTS] != _C_RST or bits & _PENDING == 0 or acked == 0 or acked > 1 + length:
        return False
    if sender_is_high == (bits & _CLIENT_IS_HIGH != 0):
        return False
    rows[base + _STATE] = _CLIENT_IS_HIGH if sender_is_high else 0
    rows[base + _EVENTS] = _RST_TO_SYN
    rows[base + _RST_TRAITS] |= 1
    longs[long_base + _T_ANSWER] = longs[long_base + _T_END]
    longs[long_base + _T_END] = 0
    _start_with_syn(rows, head, seq, length, frame, ts)
    return True


@cython.cfunc
@cython.nogil
def _start_with_syn(
    rows: cython.uint[::1],
    r: cython.Py_ssize_t,
    seq: cython.uint,
    length: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.int:
    """Write what a first SYN tells into a new row."""
    base: cython.Py_ssize_t = r * _WORDS
    rows[base + _EVENTS] |= _C_SYN
    rows[base + _STATE] |= _KNOWS_C
    rows[base + _ISN_C] = seq
    rows[base + _NEXT_C] = (seq + 1 + length) & _M32
    rows[base + _SYN_LENGTH] = length
    rows[base + _F_SYN] = frame
    rows[base + _SYNS] = 1
    rows[base + _LAST_SYN] = (ts // 1000) & _M32
    if length != 0:
        rows[base + _EVENTS] |= _SYN_DATA
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def _later(a: cython.uint, b: cython.uint) -> cython.uint:
    """The later of two sequence numbers less than 2**31 apart."""
    return a if (a - b) & _M32 < _HALF else b


@cython.cfunc
@cython.nogil
@cython.inline
def _repeated(
    bits: cython.uint, last: cython.uint, following: cython.uint, again: cython.uint
) -> cython.uint:
    """STATE after payload that ends before ``following``, where the same side's ended before ``last`` so far.

    ``again`` is the side's first bit of two. What is new shows that what was repeated arrived.
    """
    if (last - following) & _M32 < _HALF:
        return bits | (again << 1 if bits & again != 0 else again)
    return bits & ~(again | again << 1) & _M32


@cython.cfunc
@cython.nogil
def _on_syn_ack(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    state: cython.ulonglong[::1],
    head: cython.Py_ssize_t,
    sender_is_high: cython.bint,
    seq: cython.uint,
    ack: cython.uint,
    length: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.bint:
    """Give a SYN-ACK to the attempt it answers; false when it opens one whose SYN is not captured."""
    r: cython.Py_ssize_t = head
    base: cython.Py_ssize_t
    events: cython.uint
    bits: cython.uint
    distance: cython.uint
    steps: cython.Py_ssize_t = 0
    from_client: cython.bint
    while r >= 0 and steps < _GENERATIONS:
        base = r * _WORDS
        events = rows[base + _EVENTS]
        bits = rows[base + _STATE]
        from_client = sender_is_high == (bits & _CLIENT_IS_HIGH != 0)
        if bits & _SELF_STATE != 0:
            if events & _C_SYN != 0 and _minus(ack, rows[base + _ISN_C]) == 1:
                rows[base + _EVENTS] |= _SYN_ACK | _S_ACKS | _C_ACKS
                _note_syn_ack(rows, longs, state, r, frame, ts)
                return True
        elif not from_client and events & (_C_SYN | _SYN_ACK) != 0:
            distance = _minus(ack, rows[base + _ISN_C])
            if 1 <= distance <= _minus(rows[base + _NEXT_C], rows[base + _ISN_C]):
                _take_syn_ack(rows, base, seq, length)
                _note_syn_ack(rows, longs, state, r, frame, ts)
                return True
        elif from_client and events & _S_SYN != 0:
            if _minus(ack, rows[base + _ISN_S]) == 1:
                rows[base + _EVENTS] |= _C_SYN_ACK | _C_ACKS
                if rows[base + _F_ACK] == 0:
                    rows[base + _F_ACK] = frame
                return True
        r = rows[base + _PREVIOUS]
        r -= 1
        steps += 1
    if head < 0:
        return False
    base = head * _WORDS
    events = rows[base + _EVENTS]
    from_client = sender_is_high == (rows[base + _STATE] & _CLIENT_IS_HIGH != 0)
    if events & (_C_SYN | _SYN_ACK) == 0:
        return False  # mid-stream so far: this is the start of another connection
    if events & (_C_FIN | _S_FIN | _S_RST | _C_RST) != 0 and events & _S_ACKS != 0:
        return False
    if from_client:
        return False  # the client answers a SYN that is not captured: a connection the other way round
    if events & _S_ACKS == 0:
        rows[base + _EVENTS] |= _ODD_SYN_ACK
        _note_syn_ack(rows, longs, state, head, frame, ts)
    else:
        state[2] += 1
    return True


@cython.cfunc
@cython.nogil
def _take_syn_ack(
    rows: cython.uint[::1], base: cython.Py_ssize_t, seq: cython.uint, length: cython.uint
) -> cython.int:
    """Note a valid SYN-ACK and the ISN it offers."""
    events: cython.uint = rows[base + _EVENTS]
    bits: cython.uint = rows[base + _STATE]
    following: cython.uint = (seq + 1 + length) & _M32
    rows[base + _EVENTS] |= _SYN_ACK | _S_ACKS
    if bits & _KNOWS_S == 0 or events & (_SYN_ACK | _S_SYN | _S_ACKS) == 0:
        rows[base + _ISN_S] = seq
        rows[base + _NEXT_S] = following
        rows[base + _STATE] |= _KNOWS_S
        if bits & _PENDING != 0:
            acked: cython.uint = _minus(rows[base + _OTHER], seq)
            if 1 <= acked <= 1 + length:
                rows[base + _EVENTS] |= _C_ACKS
            elif acked == 0 or acked > _FIRST_WINDOW:
                rows[base + _STATE] &= ~_PENDING & _M32
    elif rows[base + _ISN_S] != seq and events & _C_ACKS == 0:
        if events & (_SYN_ACK | _S_SYN) == 0 and _minus(rows[base + _NEXT_S], seq) < _FIRST_WINDOW:
            rows[base + _ISN_S] = seq  # later bytes were recorded before the SYN-ACK
        else:
            rows[base + _OTHER] = seq
            rows[base + _STATE] = (rows[base + _STATE] & ~_PENDING & _M32) | _OTHER_ISN
    else:
        rows[base + _NEXT_S] = _later(rows[base + _NEXT_S], following)
    return 0


@cython.cfunc
@cython.nogil
def _note_syn_ack(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    state: cython.ulonglong[::1],
    r: cython.Py_ssize_t,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.int:
    """Count a valid SYN-ACK, or note it as a duplicate frame."""
    base: cython.Py_ssize_t = r * _WORDS
    now: cython.uint = (ts // 1000) & _M32
    if rows[base + _SYN_ACKS] != 0 and _near(now, rows[base + _LAST_SYN_ACK], 1000):
        state[3] += 1
    else:
        rows[base + _SYN_ACKS] += 1
    rows[base + _LAST_SYN_ACK] = now
    if rows[base + _F_SYN_ACK] == 0:
        rows[base + _F_SYN_ACK] = frame
        if longs[r * _LONGS + _T_ANSWER] == 0:
            longs[r * _LONGS + _T_ANSWER] = ts
    return 0


@cython.cfunc
@cython.nogil
def _from_client(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    r: cython.Py_ssize_t,
    seq: cython.uint,
    ack: cython.uint,
    flags: cython.uint,
    length: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.int:
    """Give a client's segment (not SYN) to attempt ``r`` if its numbers fit.

    Return 0 when they do not, 1 when they do, 3 when it is the client's first payload, 5 when it is the
    first RST that counts.
    """
    base: cython.Py_ssize_t = r * _WORDS
    events: cython.uint = rows[base + _EVENTS]
    bits: cython.uint = rows[base + _STATE]
    following: cython.uint = (seq + length + (flags & 1)) & _M32
    window: cython.uint = 0x40000000 if rows[base + _PREVIOUS] == 0 else 0x400000
    result: cython.int = 1
    acked: cython.uint
    if events & _C_SYN != 0 and events & (_S_ACKS | _C_SENT) == 0:
        window = 0x400000
        if flags & 4 == 0 and _minus(seq, rows[base + _ISN_C]) >= window:
            return 0
    if bits & _KNOWS_C != 0:
        if not _near(seq, rows[base + _NEXT_C], window):
            if flags & 4 == 0 or events & _ODD_ACK == 0 or seq != rows[base + _OTHER]:
                return 0
    else:
        rows[base + _STATE] = bits = bits | _KNOWS_C
        rows[base + _ISN_C] = (seq - 1) & _M32
        rows[base + _NEXT_C] = following
    if flags & 4 != 0:
        if events & _BOTH_FINS == _BOTH_FINS:
            return 1  # both sides had closed: nothing is left to reset
        if events & _C_SYN != 0 and events & _S_ACKS == 0:
            # It withdraws, or it answers a challenge: no end of a connection that may still come.
            rows[base + _EVENTS] |= _C_RST_EARLY
            if rows[base + _F_RST] == 0:
                rows[base + _F_RST] = frame
                return 5
            return 1
        if events & _SYN_ACK == 0 or events & _C_ACKS != 0 or _near(seq, rows[base + _NEXT_C], _FIRST_WINDOW):
            if events & _C_RST == 0:
                result = 5
            if events == 0 and flags & 16 != 0:
                rows[base + _OTHER] = ack  # it may refuse a SYN that is recorded behind it
                rows[base + _STATE] |= _PENDING
            rows[base + _EVENTS] |= _C_RST
            _note_end(rows, longs, r, frame, ts, True)
            return result
        return 0
    if events & (_C_SYN | _SYN_ACK) != 0 and flags & 16 != 0 and events & _C_ACKS == 0:
        if bits & _KNOWS_S != 0:
            if (seq - rows[base + _ISN_C] - 1) & _M32 >= _FIRST_WINDOW:
                return 0
            acked = _minus(ack, rows[base + _ISN_S])
            if 1 <= acked <= _minus(rows[base + _NEXT_S], rows[base + _ISN_S]):
                rows[base + _EVENTS] |= _C_ACKS
            elif bits & _OTHER_ISN != 0:
                if _minus(ack, rows[base + _OTHER]) != 1:
                    return 0
                rows[base + _ISN_S] = rows[base + _OTHER]
                rows[base + _NEXT_S] = ack
                rows[base + _EVENTS] |= _C_ACKS
            elif acked == 0 or acked > _FIRST_WINDOW:
                return 0
            else:
                rows[base + _OTHER] = ack  # what it acknowledges may be recorded behind it
                rows[base + _STATE] |= _PENDING
            if rows[base + _F_ACK] == 0:
                rows[base + _F_ACK] = frame
        elif bits & _PENDING == 0 and events & _ODD_ACK == 0:
            rows[base + _OTHER] = ack
            rows[base + _STATE] |= _PENDING
            if rows[base + _F_ACK] == 0:
                rows[base + _F_ACK] = frame
    if bits & _S_REPEATS != 0 and ack == rows[base + _NEXT_S]:
        rows[base + _STATE] &= ~_S_REPEATS & _M32
    if length != 0:
        if events & _C_DATA != 0:
            rows[base + _STATE] = _repeated(rows[base + _STATE], rows[base + _NEXT_C], following, _C_AGAIN)
        if events & _S_DATA != 0 and (rows[base + _NEXT_C] - following) & _M32 >= _HALF:
            rows[base + _STATE] = (rows[base + _STATE] | _C_TURN) & ~_GOES_ON & _M32
            if events & _S_FIN != 0:
                rows[base + _EVENTS] |= _C_DATA_LATE
    rows[base + _NEXT_C] = _later(rows[base + _NEXT_C], following)
    if bits & _KNOWS_S != 0 and events & _S_DATA_ACKED == 0 and flags & 16 != 0:
        acked = (ack - rows[base + _ISN_S]) & _M32
        if 1 < acked < _HALF:
            rows[base + _EVENTS] |= _S_DATA_ACKED
    events = _C_SENT
    if length != 0:
        if rows[base + _EVENTS] & _C_DATA == 0:
            rows[base + _F_C_DATA] = frame
            longs[r * _LONGS + _T_C_DATA] = ts
            result = 3
        events |= _C_DATA
    if flags & 1 != 0:
        if rows[base + _EVENTS] & _C_FIN == 0:
            longs[r * _LONGS + _T_C_FIN] = ts
            _note_end(rows, longs, r, frame, ts, False)
        events |= _C_FIN
    rows[base + _EVENTS] |= events
    return result


@cython.cfunc
@cython.nogil
def _from_server(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    r: cython.Py_ssize_t,
    seq: cython.uint,
    ack: cython.uint,
    flags: cython.uint,
    length: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.int:
    """Give a server's segment (not SYN) to attempt ``r`` if its numbers fit.

    Returns as ``_from_client``, 7 when a later reply begins, and 9 when the first payload goes on.
    """
    base: cython.Py_ssize_t = r * _WORDS
    events: cython.uint = rows[base + _EVENTS]
    bits: cython.uint = rows[base + _STATE]
    following: cython.uint = (seq + length + (flags & 1)) & _M32
    window: cython.uint = 0x40000000 if rows[base + _PREVIOUS] == 0 else 0x400000
    known: cython.bint = events & (_C_SYN | _SYN_ACK) != 0
    sent: cython.uint = (rows[base + _NEXT_C] - rows[base + _ISN_C]) & _M32
    acked: cython.uint = (ack - rows[base + _ISN_C]) & _M32
    result: cython.int = 1
    if flags & 4 != 0:
        if known and events & _S_ACKS == 0:
            if flags & 16 != 0:
                if acked == 0 or acked > sent:
                    return 0
            elif bits & _KNOWS_S != 0 and not _near(seq, rows[base + _NEXT_S], _FIRST_WINDOW):
                return 0
            if events & _RST_TO_SYN == 0:
                result = 5
            rows[base + _EVENTS] |= _RST_TO_SYN
            if longs[r * _LONGS + _T_ANSWER] == 0:
                longs[r * _LONGS + _T_ANSWER] = ts
            if rows[base + _F_RST] == 0:
                rows[base + _F_RST] = frame
            return result
        window = _FIRST_WINDOW if known and events & _C_ACKS == 0 else _RST_WINDOW
        if bits & _KNOWS_S != 0 and not _near(seq, rows[base + _NEXT_S], window):
            if flags & 16 == 0 or acked == 0 or acked > sent or not known:
                return 0
        elif known and flags & 16 != 0 and not _near(ack, rows[base + _NEXT_C], _RST_WINDOW):
            return 0
        if events & _BOTH_FINS == _BOTH_FINS:
            return 1
        if events & _S_RST == 0:
            result = 5
            if events & _S_DATA == 0:
                rows[base + _EVENTS] |= _S_RST_EARLY
        rows[base + _EVENTS] |= _S_RST
        _note_end(rows, longs, r, frame, ts, True)
        return result
    if known and events & _S_ACKS == 0:
        if flags & 16 == 0 or acked == 0 or acked > sent:
            return 0
        rows[base + _EVENTS] |= _S_ACKS
        if events & _S_SYN == 0:
            rows[base + _ISN_S] = (seq - 1) & _M32
            rows[base + _NEXT_S] = following
            rows[base + _STATE] |= _KNOWS_S
            if bits & _PENDING != 0 and _near(rows[base + _OTHER], seq, _FIRST_WINDOW):
                rows[base + _EVENTS] |= _C_ACKS
    elif bits & _KNOWS_S != 0:
        if not _near(seq, rows[base + _NEXT_S], window):
            return 0
        if known and flags & 16 != 0 and not _near(ack, rows[base + _NEXT_C], window):
            return 0
    else:
        rows[base + _ISN_S] = (seq - 1) & _M32
        rows[base + _NEXT_S] = following
        rows[base + _STATE] |= _KNOWS_S
    if events & _C_SYN != 0 and flags & 16 != 0 and acked > 1 + rows[base + _SYN_LENGTH] and acked < _HALF:
        # The server acknowledges what the client sent after its SYN: that carried the client's ACK.
        rows[base + _EVENTS] |= _C_ACKS
        if events & _C_DATA != 0:
            rows[base + _EVENTS] |= _C_DATA_ACKED
    if bits & _C_REPEATS != 0 and acked == sent:
        rows[base + _STATE] &= ~_C_REPEATS & _M32
    if events & _S_DATA != 0 and length != 0:
        if bits & _C_TURN != 0 and (rows[base + _NEXT_S] - following) & _M32 >= _HALF:
            rows[base + _STATE] &= ~_C_TURN & _M32
            result = 7
        elif bits & _GOES_ON != 0 and seq == rows[base + _NEXT_S]:
            result = 9
        rows[base + _STATE] = _repeated(rows[base + _STATE], rows[base + _NEXT_S], following, _S_AGAIN)
    rows[base + _NEXT_S] = _later(rows[base + _NEXT_S], following)
    if bits & _PENDING != 0 and known:
        if _minus(rows[base + _OTHER], rows[base + _ISN_S]) <= _minus(
            rows[base + _NEXT_S], rows[base + _ISN_S]
        ):
            rows[base + _EVENTS] |= _C_ACKS
    bits = _S_SENT
    if length != 0:
        if events & _S_DATA == 0:
            rows[base + _F_S_DATA] = frame
            longs[r * _LONGS + _T_S_DATA] = ts
            if not known or (seq - rows[base + _ISN_S]) & _M32 == 1:
                result = 3  # else what came first is not in the capture
            if events & _C_FIN != 0:
                bits |= _S_DATA_LATE
        bits |= _S_DATA
    if flags & 1 != 0:
        if events & _S_FIN == 0:
            _note_end(rows, longs, r, frame, ts, False)
            if events & _S_DATA == 0 and length == 0:
                bits |= _S_FIN_EARLY
        bits |= _S_FIN
    rows[base + _EVENTS] |= bits
    return result


@cython.cfunc
@cython.nogil
def _note_end(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    r: cython.Py_ssize_t,
    frame: cython.uint,
    ts: cython.ulonglong,
    reset: cython.bint,
) -> cython.int:
    """Note the first FIN or RST of an attempt."""
    word: cython.Py_ssize_t = r * _WORDS + (_F_RST if reset else _F_FIN)
    if rows[word] == 0:
        rows[word] = frame
    if longs[r * _LONGS + _T_END] == 0:
        longs[r * _LONGS + _T_END] = ts
    return 0


@cython.cfunc
@cython.nogil
def _note_odd(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    head: cython.Py_ssize_t,
    sender_is_high: cython.bint,
    ack: cython.uint,
    flags: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.bint:
    """Note a segment that fits nothing as an odd reply to the newest attempt, if that waits for one."""
    base: cython.Py_ssize_t = head * _WORDS
    events: cython.uint = rows[base + _EVENTS]
    if sender_is_high == (rows[base + _STATE] & _CLIENT_IS_HIGH != 0):
        return False
    if events & _C_SYN == 0 or events & (_S_ACKS | _RST_TO_SYN) != 0:
        return False
    if flags & 4 != 0:
        rows[base + _EVENTS] |= _ODD_RST
        if rows[base + _F_RST] == 0:
            rows[base + _F_RST] = frame
    else:
        rows[base + _EVENTS] |= _ODD_ACK
        if rows[base + _STATE] & (_PENDING | _OTHER_ISN) == 0:
            rows[base + _OTHER] = ack
        if rows[base + _F_ACK] == 0:
            rows[base + _F_ACK] = frame
    if longs[head * _LONGS + _T_ANSWER] == 0:
        longs[head * _LONGS + _T_ANSWER] = ts
    return True


@cython.cfunc
@cython.nogil
def _reset_traits(
    data: cython.uchar[::1],
    rows: cython.uint[::1],
    base: cython.Py_ssize_t,
    ip_at: cython.Py_ssize_t,
    tcp_at: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    length: cython.uint,
    flags: cython.uint,
    seq: cython.uint,
    from_server: cython.bint,
) -> cython.int:
    """Keep what tells who made an RST: window, IP id, sequence number and the state of its checksum."""
    window: cython.uint = 0
    ip_id: cython.uint = 0
    total: cython.ulonglong = 0
    pseudo: cython.ulonglong
    stored: cython.ulonglong
    i: cython.Py_ssize_t
    size: cython.Py_ssize_t
    verdict: cython.uint = 0
    high: cython.ulonglong
    if tcp_at + 20 <= end:
        window = data[tcp_at + 14]
        window = (window << 8) | data[tcp_at + 15]
        size = data[tcp_at + 12] >> 4
        size = size * 4 + length
        i = ip_at + 12
        if data[ip_at] >> 4 == 4:
            ip_id = data[ip_at + 4]
            ip_id = (ip_id << 8) | data[ip_at + 5]
            stop: cython.Py_ssize_t = ip_at + 20
        else:
            i = ip_at + 8
            stop = ip_at + 40
        while i < stop:
            high = data[i]
            total += (high << 8) | data[i + 1]
            i += 2
        total += 6 + size
        pseudo = total
        while pseudo > 0xFFFF:
            pseudo = (pseudo & 0xFFFF) + (pseudo >> 16)
        high = data[tcp_at + 16]
        stored = (high << 8) | data[tcp_at + 17]
        if tcp_at + size <= end:
            i = tcp_at
            stop = tcp_at + size
            while i + 1 < stop:
                high = data[i]
                total += (high << 8) | data[i + 1]
                i += 2
            if i < stop:
                high = data[i]
                total += high << 8
            while total > 0xFFFF:
                total = (total & 0xFFFF) + (total >> 16)
            if total == 0xFFFF:
                verdict = 1
            elif stored == pseudo:
                verdict = 2
            else:
                verdict = 3
        elif stored == pseudo:
            verdict = 2
    rows[base + _RST_WINDOW_ID] = (window << 16) | ip_id
    rows[base + _RST_SEQ] = seq
    rows[base + _RST_TRAITS] = (
        (1 if from_server else 0) | (2 if flags & 16 != 0 else 0) | (verdict << 2) | 0x80
    )
    return 0


@cython.cfunc
@cython.nogil
def _payload_class(data: cython.uchar[::1], at: cython.Py_ssize_t, size: cython.Py_ssize_t) -> cython.uint:
    """A coarse class of a side's first payload, so that attempts which differ there are grouped apart.

    1 other · 2 HTTP request · 3 HTTP request in proxy form · 4 TLS handshake · 5 TLS alert ·
    6 HTTP 1xx–3xx · 7 HTTP 4xx · 8 HTTP 5xx · 9 HTTP 502, 503, 504
    """
    first: cython.uint
    i: cython.Py_ssize_t
    if size < 3:
        return 1
    first = data[at]
    if first == 0x16 and data[at + 1] == 3:
        return 4
    if first == 0x15 and data[at + 1] == 3:
        return 5
    if size >= 12 and first == 72 and data[at + 1] == 84 and data[at + 4] == 47:  # "HT..", "/"
        first = data[at + 9]
        if first == 52:
            return 7
        if first == 53:
            if data[at + 10] == 48 and 50 <= data[at + 11] <= 52:
                return 9
            return 8
        return 6
    if first < 65 or first > 90:
        return 1
    if size >= 8 and first == 67 and data[at + 1] == 79 and data[at + 2] == 78 and data[at + 7] == 32:
        return 3  # CONNECT
    for i in range(1, 8 if size > 9 else 0):
        if data[at + i] == 32:
            if data[at + i + 1] == 47 or data[at + i + 1] == 42:
                return 2
            if data[at + i + 1] == 104 or data[at + i + 1] == 72:
                return 3
            return 1
    return 1


@cython.cfunc
@cython.nogil
def _keep_reply(
    data: cython.uchar[::1],
    rows: cython.uint[::1],
    base: cython.Py_ssize_t,
    state: cython.ulonglong[::1],
    replies: cython.uchar[::1],
    at: cython.Py_ssize_t,
    size: cython.Py_ssize_t,
    more: cython.bint,
) -> cython.int:
    """Keep the beginning of the server's latest reply in place of the one before, for attempts that are samples.

    With ``more`` it is a piece of the first payload, kept behind those before it.
    """
    bits: cython.uint = rows[base + _STATE]
    place: cython.Py_ssize_t = bits >> _REPLY_SHIFT
    filled: cython.Py_ssize_t = 0
    i: cython.Py_ssize_t
    if bits & _SAMPLED == 0:
        return 0
    if place == 0:
        if state[13] >= _REPLIES:
            return 0
        state[13] += 1
        place = state[13]
        bits = (bits & 0xFFFF) | (state[13] << _REPLY_SHIFT)
    place = (place - 1) * _REPLY_BYTES
    if more and bits & _HOLDS_MORE != 0:
        filled = replies[place] | replies[place + 1] << 8
    bits = bits | _HOLDS_MORE if more else bits & ~_HOLDS_MORE & _M32
    size = min(size, _REPLY_BYTES - 2 - filled)
    for i in range(size):
        replies[place + 2 + filled + i] = data[at + i]
    filled += size
    replies[place] = filled & 0xFF
    replies[place + 1] = filled >> 8
    if filled == _REPLY_BYTES - 2:
        bits &= ~_GOES_ON & _M32
    rows[base + _STATE] = bits
    return 0


def track_batch(
    data: cython.uchar[::1],
    count: cython.Py_ssize_t,
    state: cython.ulonglong[::1],
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    slots: cython.ulonglong[::1],
    ghosts: cython.ulonglong[::1],
    hashes: cython.ulonglong[::1],
    senders: cython.ulonglong[::1],
    orphans: cython.ulonglong[::1],
    payload: cython.uchar[::1],
    payload_index: cython.ulonglong[::1],
    samples: cython.uint[::1],
    replies: cython.uchar[::1],
    starts: cython.uint[::1],
    caplens: cython.uint[::1],
    times: cython.ulonglong[::1],
    kinds: cython.uint[::1],
    src_high: cython.ulonglong[::1],
    src_low: cython.ulonglong[::1],
    dst_high: cython.ulonglong[::1],
    dst_low: cython.ulonglong[::1],
    ports: cython.uint[::1],
    seqs: cython.uint[::1],
    acks: cython.uint[::1],
    flag_words: cython.uint[::1],
    lengths: cython.uint[::1],
    ip_ats: cython.uint[::1],
    tcp_ats: cython.uint[::1],
) -> None:
    """Follow one decoded batch. The tables must have room for ``count`` more attempts."""
    i: cython.Py_ssize_t
    r: cython.Py_ssize_t
    head: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    base: cython.Py_ssize_t
    long_base: cython.Py_ssize_t
    steps: cython.Py_ssize_t
    end: cython.Py_ssize_t
    size: cython.Py_ssize_t
    at: cython.Py_ssize_t
    used: cython.Py_ssize_t
    key: cython.Py_ssize_t
    frame: cython.uint
    flags: cython.uint
    seq: cython.uint
    ack: cython.uint
    length: cython.uint
    word: cython.uint
    other: cython.uint
    kind: cython.uint
    offset: cython.uint
    high: cython.bint
    from_client: cython.bint
    h: cython.ulonglong
    entry: cython.ulonglong
    low_high: cython.ulonglong
    low_low: cython.ulonglong
    high_high: cython.ulonglong
    high_low: cython.ulonglong
    ts: cython.ulonglong
    touched: cython.ulonglong = 0
    got: cython.int
    seed: cython.ulonglong = state[8]
    mask: cython.ulonglong = len(slots) - 1
    frames: cython.ulonglong = state[11]
    if not cython.compiled:  # lists are quicker to index than arrays
        kinds, times, flag_words, lengths, ports, seqs, acks, src_high, src_low, dst_high, dst_low = (
            column[:count].tolist()
            for column in (
                kinds, times, flag_words, lengths, ports, seqs, acks, src_high, src_low, dst_high, dst_low,
            )
        )  # fmt: skip
    with cython.nogil:
        # First pass: hash every tuple and touch its slot, so that the cache misses overlap.
        for i in range(count):
            if kinds[i] == 0:
                continue
            h = _hash(src_high[i], src_low[i], dst_high[i], dst_low[i], ports[i], seed)
            hashes[i] = h
            touched ^= slots[h & mask]
        state[11] = frames + count
        state[12] = touched  # nobody reads it; unused, the loads above would be optimised away
        for i in range(count):
            kind = kinds[i]
            if kind == 0:
                continue
            frame = (frames + i + 1) & _M32
            word = ports[i]
            other = (word << 16 & _M32) | (word >> 16)
            # Canonical order: the lower (address, port) first.
            if src_high[i] != dst_high[i]:
                high = src_high[i] > dst_high[i]
            elif src_low[i] != dst_low[i]:
                high = src_low[i] > dst_low[i]
            else:
                high = word > other
            if high:
                low_high = dst_high[i]
                low_low = dst_low[i]
                high_high = src_high[i]
                high_low = src_low[i]
                word = other
            else:
                low_high = src_high[i]
                low_low = src_low[i]
                high_high = dst_high[i]
                high_low = dst_low[i]
            h = hashes[i]
            slot = h & mask
            head = -1
            while True:
                entry = slots[slot]
                if entry == 0:
                    break
                if entry >> 32 == h >> 32:
                    r = entry & _M32
                    r -= 1
                    long_base = r * _LONGS
                    if (
                        rows[r * _WORDS] == word
                        and longs[long_base + 1] == low_low
                        and longs[long_base + 3] == high_low
                        and longs[long_base] == low_high
                        and longs[long_base + 2] == high_high
                    ):
                        head = r
                        break
                slot = (slot + 1) & mask
            seq = seqs[i]
            ack = acks[i]
            ts = times[i]
            flags = flag_words[i]
            length = lengths[i]
            if kind == 2:
                _on_icmp(
                    data, state, rows, longs, senders, orphans, head, high, seq, flags, frame, ts,
                    ip_ats[i], dst_high[i], dst_low[i], src_high[i], src_low[i], ports[i],
                )  # fmt: skip
                continue
            if flags & 6 == 2:
                if flags & 16 == 0:
                    if head < 0 and state[9] != 0 and _is_ghost(ghosts, h, seq, True):
                        state[10] += 1
                        continue
                    if head < 0 or not (
                        _on_syn(rows, state, head, high, seq, length, frame, ts)
                        or _on_refused_syn(rows, longs, head, high, seq, length, frame, ts)
                    ):
                        r = _open(
                            rows, longs, state, low_high, low_low, high_high, high_low, word, high,
                            head + 1, frame, ts,
                        )  # fmt: skip
                        slots[slot] = (h >> 32 << 32) | (r + 1)
                        _start_with_syn(rows, r, seq, length, frame, ts)
                elif head < 0 or not _on_syn_ack(rows, longs, state, head, high, seq, ack, length, frame, ts):
                    if head < 0 and state[9] != 0 and _is_ghost(ghosts, h, 0, False):
                        state[10] += 1
                        continue
                    r = _open(
                        rows, longs, state, low_high, low_low, high_high, high_low, word, not high,
                        head + 1, frame, ts,
                    )  # fmt: skip
                    slots[slot] = (h >> 32 << 32) | (r + 1)
                    base = r * _WORDS
                    rows[base + _STATE] |= _KNOWS_C
                    rows[base + _ISN_C] = (ack - 1) & _M32
                    rows[base + _NEXT_C] = ack
                    _take_syn_ack(rows, base, seq, length)
                    _note_syn_ack(rows, longs, state, r, frame, ts)
                continue
            if head < 0:
                if state[9] != 0 and _is_ghost(ghosts, h, 0, False):
                    state[10] += 1
                    continue
                head = _open(
                    rows, longs, state, low_high, low_low, high_high, high_low, word, high, 0, frame, ts
                )
                slots[slot] = (h >> 32 << 32) | (head + 1)
            r = head
            steps = 0
            while True:
                base = r * _WORDS
                from_client = high == (rows[base + _STATE] & _CLIENT_IS_HIGH != 0)
                if from_client:
                    got = _from_client(rows, longs, r, seq, ack, flags, length, frame, ts)
                else:
                    got = _from_server(rows, longs, r, seq, ack, flags, length, frame, ts)
                if got != 0:
                    break
                r = rows[base + _PREVIOUS]
                r -= 1
                steps += 1
                if r < 0 or steps >= _GENERATIONS:
                    break
            if got == 1:
                continue
            end = starts[i]
            end += caplens[i]
            if got == 0:
                if not _note_odd(rows, longs, head, high, ack, flags, frame, ts):
                    state[2] += 1
                elif flags & 4 != 0 and rows[head * _WORDS + _RST_TRAITS] == 0:
                    _reset_traits(
                        data, rows, head * _WORDS, ip_ats[i], tcp_ats[i], end, length, flags, seq, True
                    )
            elif got == 5:
                if rows[base + _RST_TRAITS] == 0 or not from_client:
                    _reset_traits(
                        data, rows, base, ip_ats[i], tcp_ats[i], end, length, flags, seq, not from_client
                    )
            else:
                at = tcp_ats[i]
                if at + 20 > end:
                    continue
                offset = data[at + 12] >> 4
                at += offset * 4
                size = length
                if at + size > end:
                    size = end - at
                if size <= 0:
                    continue
                if got >= 7:
                    _keep_reply(data, rows, base, state, replies, at, size, got == 9)
                    if size < length:
                        rows[base + _STATE] &= ~_GOES_ON & _M32  # the capture did not store all of it
                    continue
                kind = _payload_class(data, at, size)
                rows[base + _CLASSES] |= (kind << 16) if from_client else kind
                size = min(size, _PAYLOAD_LIMIT)
                # Keep the first few payloads of each (server port, side, class, first bytes).
                other = rows[base + _PORTS]
                if (rows[base + _STATE] & _CLIENT_IS_HIGH != 0) == 0:
                    other &= 0xFFFF
                else:
                    other >>= 16
                key = other * 40503 + kind * 2654435 + (7919 if from_client else 0) + data[at] * 31
                if size > 4:
                    key += data[at + 1] * 131 + data[at + 4] * 8191
                key &= 0xFFFF
                if (
                    samples[key] < _SAMPLES
                    and state[6] < _PAYLOAD_ENTRIES
                    and state[7] + _PAYLOAD_LIMIT <= _PAYLOAD_BYTES
                ):
                    samples[key] += 1
                    if not from_client:
                        rows[base + _STATE] |= _SAMPLED
                        if size == length and size < _PAYLOAD_LIMIT:
                            rows[base + _STATE] |= _GOES_ON
                    used = state[7]
                    h = used
                    entry = rows[base + _ID]
                    payload_index[state[6] * 2] = (entry << 1) | (1 if from_client else 0)
                    payload_index[state[6] * 2 + 1] = (h << 16) | size
                    state[6] += 1
                    state[7] += size
                    for key in range(size):
                        payload[used + key] = data[at + key]


@cython.cfunc
@cython.nogil
def _is_ghost(
    ghosts: cython.ulonglong[::1], h: cython.ulonglong, isn: cython.uint, syn: cython.bint
) -> cython.bint:
    """Whether a segment is a late one of an attempt that was settled early: then it begins nothing.

    A SYN is only when it repeats that attempt's.
    """
    mark: cython.ulonglong = _mark(h, isn)
    care: cython.ulonglong = _GHOST_TUPLE | _GHOST_ISN if syn else _GHOST_TUPLE
    mask: cython.ulonglong = len(ghosts) - 1
    slot: cython.Py_ssize_t = _home(ghosts, mark)
    steps: cython.Py_ssize_t = 0
    while ghosts[slot] != 0 and steps < _GHOST_STEPS:
        if (ghosts[slot] ^ mark) & care == 0:
            return True
        slot = (slot + 1) & mask
        steps += 1
    return False


@cython.cfunc
@cython.nogil
def _on_icmp(
    data: cython.uchar[::1],
    state: cython.ulonglong[::1],
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    senders: cython.ulonglong[::1],
    orphans: cython.ulonglong[::1],
    head: cython.Py_ssize_t,
    quoted_is_high: cython.bint,
    seq: cython.uint,
    what: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
    ip_at: cython.Py_ssize_t,
    server_high: cython.ulonglong,
    server_low: cython.ulonglong,
    client_high: cython.ulonglong,
    client_low: cython.ulonglong,
    ports: cython.uint,
) -> cython.int:
    """Tie an ICMP error to the attempt whose SYN it quotes, or keep it as an orphan."""
    r: cython.Py_ssize_t = head
    base: cython.Py_ssize_t
    steps: cython.Py_ssize_t = 0
    place: cython.Py_ssize_t
    n: cython.ulonglong
    while r >= 0 and steps < _GENERATIONS:
        base = r * _WORDS
        if (
            quoted_is_high == (rows[base + _STATE] & _CLIENT_IS_HIGH != 0)
            and rows[base + _EVENTS] & _C_SYN != 0
            and rows[base + _ISN_C] == seq
        ):
            rows[base + _EVENTS] |= _ICMP
            if rows[base + _F_ICMP] == 0:
                rows[base + _F_ICMP] = frame
                rows[base + _ICMP_WORD] = what
                if longs[r * _LONGS + _T_ANSWER] == 0:
                    longs[r * _LONGS + _T_ANSWER] = ts
                rows[base + _ICMP_SENDER] = _sender(data, state, senders, ip_at)
            return 0
        r = rows[base + _PREVIOUS]
        r -= 1
        steps += 1
    if head < 0:
        n = state[5]
        if n < _ORPHAN_LIMIT:
            place = n * 8
            orphans[place] = server_high
            orphans[place + 1] = server_low
            orphans[place + 2] = client_high
            orphans[place + 3] = client_low
            orphans[place + 4] = ports
            orphans[place + 5] = what
            orphans[place + 6] = frame
            orphans[place + 7] = ts
        state[5] = n + 1
    return 0


@cython.cfunc
@cython.nogil
def _sender(
    data: cython.uchar[::1],
    state: cython.ulonglong[::1],
    senders: cython.ulonglong[::1],
    ip_at: cython.Py_ssize_t,
) -> cython.uint:
    """Keep the address an ICMP error came from; return its place + 1 in the table, 0 when that is full."""
    n: cython.ulonglong = state[4]
    place: cython.Py_ssize_t = n * 2
    high: cython.ulonglong = 0
    low: cython.ulonglong = 0
    i: cython.Py_ssize_t
    if data[ip_at] >> 4 == 4:
        high = _V4
        for i in range(4):
            low = (low << 8) | data[ip_at + 12 + i]
    else:
        for i in range(8):
            high = (high << 8 & _M64) | data[ip_at + 8 + i]
            low = (low << 8 & _M64) | data[ip_at + 16 + i]
    if n != 0 and senders[place - 2] == high and senders[place - 1] == low:
        return n
    if n >= _SENDER_LIMIT:
        return 0
    senders[place] = high
    senders[place + 1] = low
    state[4] = n + 1
    return n + 1
