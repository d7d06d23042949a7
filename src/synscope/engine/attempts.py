# cython: language_level=3, wraparound=False
"""The connection table: where an attempt starts, which events it has shown, and its key frames.

Input: a ``Batch`` whose header columns are filled. State: the tables of ``layout`` (one row an attempt), a
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

try:
    import cython
    from cython import Py_ssize_t, declare, uint, ulonglong
except ImportError:  # Cython is not there at run time
    from synscope.engine import shim as cython
    from synscope.engine.shim import Py_ssize_t, declare, uint, ulonglong

COMPILED = cython.compiled

# Each name's C type, then its number: imported without a type, it would be a Python object in the loops.
declare(
    V4_HIGH=ulonglong, ORPHAN_LIMIT=ulonglong, SENDER_LIMIT=ulonglong, PAYLOAD_ENTRIES=ulonglong,
    PAYLOAD_BYTES=ulonglong, REPLIES=ulonglong,
)  # fmt: skip
declare(
    KIND_SKIP=uint, KIND_ICMP=uint, WORDS=uint, PORTS=uint, STATE=uint, EVENTS=uint, ISN_CLIENT=uint,
    ISN_SERVER=uint, NEXT_CLIENT=uint, NEXT_SERVER=uint, PREVIOUS=uint, FRAME_FIRST=uint, FRAME_SYN=uint,
    FRAME_SYN_ACK=uint, FRAME_ACK=uint, FRAME_RST=uint, FRAME_ICMP=uint, FRAME_CLIENT_DATA=uint,
    FRAME_SERVER_DATA=uint, FRAME_FIN=uint, LAST_SYN_US=uint, LAST_SYN_ACK_US=uint, SYN_COUNT=uint,
    SYN_ACK_COUNT=uint, RST_WINDOW_ID=uint, RST_SEQ=uint, RST_TRAITS=uint, ICMP=uint, ICMP_SENDER=uint,
    ID=uint, OTHER=uint, CLASSES=uint, SYN_LENGTH=uint, LONGS=uint, LOW_END_HIGH=uint, LOW_END_LOW=uint,
    HIGH_END_HIGH=uint, HIGH_END_LOW=uint, TS_FIRST=uint, TS_ANSWER=uint, TS_CLIENT_DATA=uint,
    TS_SERVER_DATA=uint, TS_END=uint, TS_CLIENT_FIN=uint, CLIENT_IS_HIGH=uint, KNOWS_CLIENT=uint,
    KNOWS_SERVER=uint, PENDING_ACK=uint, OTHER_ISN=uint, SELF=uint, OLDER_OVER=uint, CLIENT_AGAIN=uint,
    CLIENT_LOST=uint, SERVER_AGAIN=uint, SERVER_LOST=uint, CLIENT_TURN=uint, SAMPLED=uint, GOES_ON=uint,
    HOLDS_MORE=uint, REPLY_SHIFT=uint, RST_FROM_SERVER=uint, RST_HAS_ACK=uint, CHECKSUM_SHIFT=uint,
    RST_SEEN=uint, CHECKSUM_UNKNOWN=uint, CHECKSUM_CORRECT=uint, CHECKSUM_NOT_FILLED_IN=uint,
    CHECKSUM_WRONG=uint, CLASS_OTHER=uint, CLASS_HTTP_REQUEST=uint, CLASS_PROXY_REQUEST=uint,
    CLASS_TLS_HANDSHAKE=uint, CLASS_TLS_ALERT=uint, CLASS_HTTP_SUCCESS=uint, CLASS_HTTP_4XX=uint,
    CLASS_HTTP_5XX=uint, CLASS_HTTP_GATEWAY=uint, S_ROWS=uint, S_NEXT_ID=uint, S_STRAYS=uint,
    S_DUPLICATES=uint, S_SENDERS=uint, S_ORPHANS=uint, S_PAYLOAD_ENTRIES=uint, S_PAYLOAD_BYTES=uint,
    S_SEED=uint, S_SETTLED=uint, S_LATE=uint, S_FRAMES=uint, S_TOUCHED=uint, S_REPLIES=uint,
    ORPHAN_LONGS=uint, ORPHAN_SERVER_HIGH=uint, ORPHAN_SERVER_LOW=uint, ORPHAN_CLIENT_HIGH=uint,
    ORPHAN_CLIENT_LOW=uint, ORPHAN_PORTS=uint, ORPHAN_ICMP=uint, ORPHAN_FRAME=uint, ORPHAN_TS=uint,
    PAYLOAD_LIMIT=uint, PAYLOAD_ENTRY_LONGS=uint, REPLY_BYTES=uint, TALK_BYTES=uint, CLIENT_AT=uint,
    EARLIER_AT=uint, OLDER_AT=uint, WORD_BYTES=uint, EARLIER_TURN=uint, REPLY_SIZE=uint,
    SAMPLES_A_CLASS=uint, IPV4=uint, IPV4_HEADER=uint, IPV4_ID=uint, IPV4_SOURCE=uint,
    IPV6_HEADER=uint, IPV6_SOURCE=uint,
    PROTOCOL_TCP=uint,
    TCP_HEADER=uint, TCP_OFFSET_AND_FLAGS=uint, TCP_WINDOW=uint, TCP_CHECKSUM=uint, TCP_OPTION_END=uint,
    TCP_OPTION_PAD=uint, TCP_OPTION_MD5=uint, TCP_OPTION_AO=uint, SHORTEST_OPTION=uint, FIN=uint, SYN=uint,
    RST=uint, ACK=uint, TLS_ALERT=uint, TLS_HANDSHAKE=uint, TLS_MAJOR=uint, ASCII_SPACE=uint,
    ASCII_ASTERISK=uint, ASCII_SLASH=uint, ASCII_0=uint, ASCII_2=uint, ASCII_4=uint, ASCII_5=uint,
    ASCII_A=uint, ASCII_C=uint, ASCII_H=uint, ASCII_N=uint, ASCII_O=uint, ASCII_T=uint, ASCII_Z=uint,
    ASCII_SMALL_H=uint,
)  # fmt: skip
# isort: off
from synscope.engine.batch import KIND_SKIP, KIND_ICMP
from synscope.engine.layout import (
    V4_HIGH, WORDS, PORTS, STATE, EVENTS, ISN_CLIENT, ISN_SERVER, NEXT_CLIENT, NEXT_SERVER, PREVIOUS,
    FRAME_FIRST, FRAME_SYN, FRAME_SYN_ACK, FRAME_ACK, FRAME_RST, FRAME_ICMP, FRAME_CLIENT_DATA,
    FRAME_SERVER_DATA, FRAME_FIN, LAST_SYN_US, LAST_SYN_ACK_US, SYN_COUNT, SYN_ACK_COUNT, RST_WINDOW_ID,
    RST_SEQ, RST_TRAITS, ICMP, ICMP_SENDER, ID, OTHER, CLASSES, SYN_LENGTH, LONGS, LOW_END_HIGH, LOW_END_LOW,
    HIGH_END_HIGH, HIGH_END_LOW, TS_FIRST, TS_ANSWER, TS_CLIENT_DATA, TS_SERVER_DATA, TS_END, TS_CLIENT_FIN,
    CLIENT_IS_HIGH, KNOWS_CLIENT, KNOWS_SERVER, PENDING_ACK, OTHER_ISN, SELF, OLDER_OVER, CLIENT_AGAIN,
    CLIENT_LOST, SERVER_AGAIN, SERVER_LOST, CLIENT_TURN, SAMPLED, GOES_ON, HOLDS_MORE, REPLY_SHIFT,
    RST_FROM_SERVER, RST_HAS_ACK, CHECKSUM_SHIFT, RST_SEEN, CHECKSUM_UNKNOWN, CHECKSUM_CORRECT,
    CHECKSUM_NOT_FILLED_IN, CHECKSUM_WRONG, CLASS_OTHER, CLASS_HTTP_REQUEST, CLASS_PROXY_REQUEST,
    CLASS_TLS_HANDSHAKE, CLASS_TLS_ALERT, CLASS_HTTP_SUCCESS, CLASS_HTTP_4XX, CLASS_HTTP_5XX,
    CLASS_HTTP_GATEWAY, S_ROWS, S_NEXT_ID, S_STRAYS, S_DUPLICATES, S_SENDERS, S_ORPHANS, S_PAYLOAD_ENTRIES,
    S_PAYLOAD_BYTES, S_SEED, S_SETTLED, S_LATE, S_FRAMES, S_TOUCHED, S_REPLIES, ORPHAN_LONGS,
    ORPHAN_SERVER_HIGH, ORPHAN_SERVER_LOW, ORPHAN_CLIENT_HIGH, ORPHAN_CLIENT_LOW, ORPHAN_PORTS, ORPHAN_ICMP,
    ORPHAN_FRAME, ORPHAN_TS, ORPHAN_LIMIT, SENDER_LIMIT, PAYLOAD_LIMIT, PAYLOAD_ENTRY_LONGS, PAYLOAD_ENTRIES,
    PAYLOAD_BYTES, REPLIES, REPLY_BYTES, TALK_BYTES, CLIENT_AT, EARLIER_AT, OLDER_AT, WORD_BYTES,
    EARLIER_TURN, REPLY_SIZE, SAMPLES_A_CLASS,
)  # fmt: skip
from synscope.engine.names import (
    IPV4, IPV4_HEADER, IPV4_ID, IPV4_SOURCE, IPV6_HEADER, IPV6_SOURCE, PROTOCOL_TCP, TCP_HEADER,
    TCP_OFFSET_AND_FLAGS, TCP_WINDOW, TCP_CHECKSUM, TCP_OPTION_END, TCP_OPTION_PAD, TCP_OPTION_MD5,
    TCP_OPTION_AO, SHORTEST_OPTION, FIN, SYN, RST, ACK, TLS_ALERT, TLS_HANDSHAKE, TLS_MAJOR, ASCII_SPACE,
    ASCII_ASTERISK, ASCII_SLASH, ASCII_0, ASCII_2, ASCII_4, ASCII_5, ASCII_A, ASCII_C, ASCII_H, ASCII_N, ASCII_O, ASCII_T, ASCII_Z, ASCII_SMALL_H,
)  # fmt: skip

# isort: on
from synscope.engine.outcome import BIT

# What a segment is to an attempt.
_FITS_NOT = declare(uint, 0)
_FITS = declare(uint, 1)
_FIRST_PAYLOAD = declare(uint, 3)
_FIRST_RST = declare(uint, 5)
_LATER_REPLY = declare(uint, 7)
_MORE_PAYLOAD = declare(uint, 9)
_LATER_WORD = declare(uint, 11)

_M16 = declare(ulonglong, 0xFFFF)
_M32 = declare(ulonglong, 0xFFFFFFFF)
_M64 = declare(ulonglong, 0xFFFFFFFFFFFFFFFF)
_K1 = declare(ulonglong, 0x9E3779B97F4A7C15)
_K2 = declare(ulonglong, 0xC2B2AE3D27D4EB4F)
_K3 = declare(ulonglong, 0x165667B19E3779F9)
_HALF = declare(uint, 0x80000000)
_FIRST_WINDOW = declare(uint, 65536)
_RST_WINDOW = declare(uint, 1 << 24)
_WINDOW = declare(uint, 1 << 22)
_WIDE_WINDOW = declare(uint, 1 << 30)
_DUPLICATE_US = declare(uint, 1000)
_SYN_OR_RST = declare(uint, SYN | RST)
_SHORTEST_PAYLOAD = declare(Py_ssize_t, 3)
_HTTP_STATUS = declare(Py_ssize_t, 12)  # bytes of "HTTP/1.1 200"
_KEY_BYTES = declare(Py_ssize_t, 4)
_CONNECT = declare(Py_ssize_t, 8)  # bytes of the longest method, with its space

_C_SYN = declare(uint, BIT["client-syn"])
_S_SYN = declare(uint, BIT["server-syn"])
_SYN_ACK = declare(uint, BIT["syn-ack"])
_C_SYN_ACK = declare(uint, BIT["client-syn-ack"])
_S_ACKS = declare(uint, BIT["server-acks"])
_C_ACKS = declare(uint, BIT["client-acks"])
_C_SENT = declare(uint, BIT["client-sent"])
_S_SENT = declare(uint, BIT["server-sent"])
_C_DATA = declare(uint, BIT["client-data"])
_S_DATA = declare(uint, BIT["server-data"])
_C_FIN = declare(uint, BIT["client-fin"])
_S_FIN = declare(uint, BIT["server-fin"])
_RST_TO_SYN = declare(uint, BIT["rst-to-syn"])
_S_RST = declare(uint, BIT["server-rst"])
_C_RST = declare(uint, BIT["client-rst"])
_C_RST_EARLY = declare(uint, BIT["client-rst-early"])
_S_RST_EARLY = declare(uint, BIT["server-rst-before-data"])
_ICMP_ERROR = declare(uint, BIT["icmp-error"])
_ODD_ACK = declare(uint, BIT["odd-ack"])
_ODD_SYN_ACK = declare(uint, BIT["odd-syn-ack"])
_ODD_RST = declare(uint, BIT["odd-rst"])
_SYN_AGAIN = declare(uint, BIT["syn-again-after-rst"])
_S_DATA_ACKED = declare(uint, BIT["server-data-acked"])
_C_DATA_ACKED = declare(uint, BIT["client-data-acked"])
_S_DATA_LATE = declare(uint, BIT["server-data-after-client-fin"])
_S_FIN_EARLY = declare(uint, BIT["server-fin-before-data"])
_C_DATA_LATE = declare(uint, BIT["client-data-after-server-fin"])
_SYN_DATA = declare(uint, BIT["syn-carries-data"])
_SYN_SIGNED = declare(uint, BIT["syn-signed"])
_BOTH_FINS = declare(uint, BIT["client-fin"] | BIT["server-fin"])
_SELF_CONNECT = declare(uint, BIT["self-connect"])

_C_REPEATS = declare(uint, CLIENT_AGAIN | CLIENT_LOST)
_S_REPEATS = declare(uint, SERVER_AGAIN | SERVER_LOST)

_MARK_ISN = declare(ulonglong, 0xFFFFF)
_MARK_SET = declare(ulonglong, 0x100000)
_MARK_TUPLE = declare(ulonglong, 0xFFFFFFFFFFE00000)
_MARK_STEPS = declare(Py_ssize_t, 256)
_GENERATIONS = declare(Py_ssize_t, 64)


@cython.cfunc
@cython.nogil
@cython.inline
def _minus(a: cython.uint, b: cython.uint) -> cython.uint:
    """Return the distance from sequence number ``b`` up to ``a``, modulo 2**32."""
    return (a - b) & _M32


@cython.cfunc
@cython.nogil
@cython.inline
def _near(a: cython.uint, b: cython.uint, window: cython.uint) -> cython.bint:
    """Tell whether two sequence numbers are less than ``window`` apart, in either direction."""
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
    """Return a hash of a 4-tuple, the same for both directions (so finding a slot needs no ordering)."""
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


@cython.cfunc
@cython.nogil
@cython.inline
def _hash_of_row(
    rows: cython.uint[::1], longs: cython.ulonglong[::1], r: cython.Py_ssize_t, seed: cython.ulonglong
) -> cython.ulonglong:
    """Return the hash of a row's 4-tuple."""
    at: cython.Py_ssize_t = r * LONGS
    return _hash(
        longs[at + LOW_END_HIGH], longs[at + LOW_END_LOW], longs[at + HIGH_END_HIGH], longs[at + HIGH_END_LOW],
        rows[r * WORDS + PORTS], seed,
    )  # fmt: skip


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
            at = r * LONGS
            h = _hash_of_row(rows, longs, r, seed)
            slot = h & mask
            while slots[slot] != 0:
                entry = slots[slot]
                if entry >> 32 == h >> 32:
                    other = entry & _M32
                    other -= 1
                    other_at = other * LONGS
                    if (
                        rows[other * WORDS + PORTS] == rows[r * WORDS + PORTS]
                        and longs[other_at + LOW_END_HIGH] == longs[at + LOW_END_HIGH]
                        and longs[other_at + LOW_END_LOW] == longs[at + LOW_END_LOW]
                        and longs[other_at + HIGH_END_HIGH] == longs[at + HIGH_END_HIGH]
                        and longs[other_at + HIGH_END_LOW] == longs[at + HIGH_END_LOW]
                    ):
                        break
                slot = (slot + 1) & mask
            slots[slot] = (h >> 32 << 32) | (r + 1)


@cython.cfunc
@cython.nogil
@cython.inline
def _mark(h: cython.ulonglong, isn: cython.uint) -> cython.ulonglong:
    """Return the mark of a settled 4-tuple: 43 bits of its 4-tuple's hash, 20 of the ISN; never 0."""
    mixed: cython.ulonglong = isn * _K1 & _M64
    return (h & _MARK_TUPLE) | _MARK_SET | (mixed >> 45 << 1 & _MARK_ISN) | 1


@cython.cfunc
@cython.nogil
def _home(settled: cython.ulonglong[::1], mark: cython.ulonglong) -> cython.Py_ssize_t:
    """Return where the search for a mark begins: its place by its top bits, so that it can move to a larger table."""
    size: cython.ulonglong = len(settled)
    place: cython.ulonglong = ((mark >> 32) * size) >> 32
    return place


def remember_settled(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    chosen: cython.uint[::1],
    count: cython.Py_ssize_t,
    settled: cython.ulonglong[::1],
    seed: cython.ulonglong,
) -> int:
    """Mark the 4-tuples of rows that are about to go; return how many marks are new.

    The mark tells the ISN of an attempt whose SYN, repeated, would still be a retransmission. Where the
    table is full, a new mark takes the place of an old one.
    """
    i: cython.Py_ssize_t
    r: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    steps: cython.Py_ssize_t
    mark: cython.ulonglong
    added: cython.Py_ssize_t = 0
    mask: cython.ulonglong = len(settled) - 1
    with cython.nogil:
        for i in range(count):
            r = chosen[i]
            mark = _mark(_hash_of_row(rows, longs, r, seed), rows[r * WORDS + ISN_CLIENT])
            if rows[r * WORDS + EVENTS] & _C_SYN == 0 or _finished(rows, r * WORDS):
                mark &= ~_MARK_ISN & _M64
            slot = _home(settled, mark)
            steps = 1
            while settled[slot] != 0 and (settled[slot] ^ mark) & _MARK_TUPLE != 0 and steps < _MARK_STEPS:
                slot = (slot + 1) & mask
                steps += 1
            if settled[slot] == 0:
                added += 1
            elif steps >= _MARK_STEPS:
                slot = _home(settled, mark)
            settled[slot] = mark
    return added


def move_marks(old: cython.ulonglong[::1], settled: cython.ulonglong[::1]) -> None:
    """Move all marks into a larger table."""
    i: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    mask: cython.ulonglong = len(settled) - 1
    with cython.nogil:
        for i in range(len(old)):
            if old[i] != 0:
                slot = _home(settled, old[i])
                while settled[slot] != 0:
                    slot = (slot + 1) & mask
                settled[slot] = old[i]


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
    r: cython.Py_ssize_t = state[S_ROWS]
    base: cython.Py_ssize_t = r * WORDS
    long_base: cython.Py_ssize_t = r * LONGS
    i: cython.Py_ssize_t
    for i in range(WORDS):
        rows[base + i] = 0
    for i in range(LONGS):
        longs[long_base + i] = 0
    longs[long_base + LOW_END_HIGH] = low_high
    longs[long_base + LOW_END_LOW] = low_low
    longs[long_base + HIGH_END_HIGH] = high_high
    longs[long_base + HIGH_END_LOW] = high_low
    longs[long_base + TS_FIRST] = ts
    rows[base + PORTS] = ports
    if client_is_high:
        rows[base + STATE] = CLIENT_IS_HIGH
    elif low_high == high_high and low_low == high_low and ports >> 16 == ports & 0xFFFF:
        rows[base + STATE] = SELF
        rows[base + EVENTS] = _SELF_CONNECT
    rows[base + PREVIOUS] = previous
    if previous != 0:
        i = (previous - 1) * WORDS
        if _finished(rows, i) and (rows[i + PREVIOUS] == 0 or rows[i + STATE] & OLDER_OVER != 0):
            rows[base + STATE] |= OLDER_OVER
    rows[base + FRAME_FIRST] = frame
    state[S_ROWS] = r + 1
    state[S_NEXT_ID] += 1
    rows[base + ID] = state[S_NEXT_ID] & _M32
    return r


@cython.cfunc
@cython.nogil
def _finished(rows: cython.uint[::1], base: cython.Py_ssize_t) -> cython.bint:
    """Tell whether the same SYN again would be a new attempt: see the module's first rule."""
    events: cython.uint = rows[base + EVENTS]
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
    signed: cython.uint,
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
        base = r * WORDS
        events = rows[base + EVENTS]
        bits = rows[base + STATE]
        if bits & OLDER_OVER != 0 and rows[base + ISN_CLIENT] != seq and _finished(rows, base):
            return False  # neither this one nor an older one can take it
        if sender_is_high == (bits & CLIENT_IS_HIGH != 0):
            if events & (_C_SYN | _SYN_ACK) == _SYN_ACK and rows[base + ISN_CLIENT] == (seq + length) & _M32:
                rows[base + ISN_CLIENT] = seq  # the SYN-ACK recorded before it acknowledges its payload too
            if (
                bits & KNOWS_CLIENT != 0
                and rows[base + ISN_CLIENT] == seq
                and events & (_C_SYN | _SYN_ACK) != 0
            ):
                if _finished(rows, base):
                    return False
                if events & _C_SYN == 0:
                    rows[base + FRAME_SYN] = frame
                    rows[base + SYN_COUNT] = 1
                    rows[base + NEXT_CLIENT] = _later(rows[base + NEXT_CLIENT], (seq + 1 + length) & _M32)
                    rows[base + SYN_LENGTH] = length
                elif _near(now, rows[base + LAST_SYN_US], _DUPLICATE_US):
                    state[S_DUPLICATES] += 1
                else:
                    rows[base + SYN_COUNT] += 1
                    if events & _RST_TO_SYN != 0:
                        rows[base + EVENTS] |= _SYN_AGAIN
                rows[base + LAST_SYN_US] = now
                rows[base + EVENTS] |= _C_SYN | signed
                if length != 0:
                    rows[base + EVENTS] |= _SYN_DATA
                return True
        elif r == head and events & _C_SYN != 0:
            if events & _S_SYN != 0:
                if rows[base + ISN_SERVER] == seq and not _finished(rows, base):
                    return True
            elif events & (_SYN_ACK | _C_ACKS | _RST_TO_SYN) == 0:
                rows[base + EVENTS] |= _S_SYN
                rows[base + STATE] |= KNOWS_SERVER
                rows[base + ISN_SERVER] = seq
                rows[base + NEXT_SERVER] = (seq + 1 + length) & _M32
                return True
        r = rows[base + PREVIOUS]
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
    signed: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.bint:
    """Give a SYN to the attempt that so far is the RST,ACK which refuses it, recorded before it."""
    base: cython.Py_ssize_t = head * WORDS
    long_base: cython.Py_ssize_t = head * LONGS
    bits: cython.uint = rows[base + STATE]
    acked: cython.uint = _minus(rows[base + OTHER], seq)
    if rows[base + EVENTS] != _C_RST or bits & PENDING_ACK == 0 or acked == 0 or acked > 1 + length:
        return False
    if sender_is_high == (bits & CLIENT_IS_HIGH != 0):
        return False
    rows[base + STATE] = CLIENT_IS_HIGH if sender_is_high else 0
    rows[base + EVENTS] = _RST_TO_SYN
    rows[base + RST_TRAITS] |= RST_FROM_SERVER
    longs[long_base + TS_ANSWER] = longs[long_base + TS_END]
    longs[long_base + TS_END] = 0
    _start_with_syn(rows, head, seq, length, signed, frame, ts)
    return True


@cython.cfunc
@cython.nogil
def _start_with_syn(
    rows: cython.uint[::1],
    r: cython.Py_ssize_t,
    seq: cython.uint,
    length: cython.uint,
    signed: cython.uint,
    frame: cython.uint,
    ts: cython.ulonglong,
) -> cython.int:
    """Write what a first SYN tells into a new row."""
    base: cython.Py_ssize_t = r * WORDS
    rows[base + EVENTS] |= _C_SYN | signed
    rows[base + STATE] |= KNOWS_CLIENT
    rows[base + ISN_CLIENT] = seq
    rows[base + NEXT_CLIENT] = (seq + 1 + length) & _M32
    rows[base + SYN_LENGTH] = length
    rows[base + FRAME_SYN] = frame
    rows[base + SYN_COUNT] = 1
    rows[base + LAST_SYN_US] = (ts // 1000) & _M32
    if length != 0:
        rows[base + EVENTS] |= _SYN_DATA
    return 0


@cython.cfunc
@cython.nogil
def _signature(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.uint:
    """Return the event that the options of the SYN at ``at`` make: a signature, or none. ``end``: of its bytes.

    Source: RFC 9293 §3.1, RFC 2385, RFC 5925.
    """
    kind: cython.uint
    size: cython.uint
    if at + TCP_HEADER > end:
        return 0
    size = data[at + TCP_OFFSET_AND_FLAGS] >> 4
    end = min(end, at + size * 4)
    at += TCP_HEADER
    while at < end:
        kind = data[at]
        if kind == TCP_OPTION_END:
            break
        if kind == TCP_OPTION_PAD:
            at += 1
            continue
        if kind == TCP_OPTION_MD5 or kind == TCP_OPTION_AO:
            return _SYN_SIGNED
        if at + 1 >= end or data[at + 1] < SHORTEST_OPTION:
            break
        at += data[at + 1]
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
def _later(a: cython.uint, b: cython.uint) -> cython.uint:
    """Return the later of two sequence numbers less than 2**31 apart."""
    return a if (a - b) & _M32 < _HALF else b


@cython.cfunc
@cython.nogil
@cython.inline
def _repeated(
    bits: cython.uint, last: cython.uint, following: cython.uint, again: cython.uint
) -> cython.uint:
    """Return STATE after payload that ends before ``following``, where the same side's ended before ``last`` so far.

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
        base = r * WORDS
        events = rows[base + EVENTS]
        bits = rows[base + STATE]
        from_client = sender_is_high == (bits & CLIENT_IS_HIGH != 0)
        if bits & SELF != 0:
            if events & _C_SYN != 0 and _minus(ack, rows[base + ISN_CLIENT]) == 1:
                rows[base + EVENTS] |= _SYN_ACK | _S_ACKS | _C_ACKS
                _note_syn_ack(rows, longs, state, r, frame, ts)
                return True
        elif not from_client and events & (_C_SYN | _SYN_ACK) != 0:
            distance = _minus(ack, rows[base + ISN_CLIENT])
            if 1 <= distance <= _minus(rows[base + NEXT_CLIENT], rows[base + ISN_CLIENT]):
                _take_syn_ack(rows, base, seq, length)
                _note_syn_ack(rows, longs, state, r, frame, ts)
                return True
        elif from_client and events & _S_SYN != 0:
            if _minus(ack, rows[base + ISN_SERVER]) == 1:
                rows[base + EVENTS] |= _C_SYN_ACK | _C_ACKS
                if rows[base + FRAME_ACK] == 0:
                    rows[base + FRAME_ACK] = frame
                return True
        r = rows[base + PREVIOUS]
        r -= 1
        steps += 1
    if head < 0:
        return False
    base = head * WORDS
    events = rows[base + EVENTS]
    from_client = sender_is_high == (rows[base + STATE] & CLIENT_IS_HIGH != 0)
    if events & (_C_SYN | _SYN_ACK) == 0:
        return False  # mid-stream so far: this is the start of another connection
    if events & (_C_FIN | _S_FIN | _S_RST | _C_RST) != 0 and events & _S_ACKS != 0:
        return False
    if from_client:
        return False  # the client answers a SYN that is not captured: a connection the other way round
    if events & _S_ACKS == 0:
        rows[base + EVENTS] |= _ODD_SYN_ACK
        _note_syn_ack(rows, longs, state, head, frame, ts)
    else:
        state[S_STRAYS] += 1
    return True


@cython.cfunc
@cython.nogil
def _take_syn_ack(
    rows: cython.uint[::1], base: cython.Py_ssize_t, seq: cython.uint, length: cython.uint
) -> cython.int:
    """Note a valid SYN-ACK and the ISN it offers."""
    events: cython.uint = rows[base + EVENTS]
    bits: cython.uint = rows[base + STATE]
    following: cython.uint = (seq + 1 + length) & _M32
    rows[base + EVENTS] |= _SYN_ACK | _S_ACKS
    if bits & KNOWS_SERVER == 0 or events & (_SYN_ACK | _S_SYN | _S_ACKS) == 0:
        rows[base + ISN_SERVER] = seq
        rows[base + NEXT_SERVER] = following
        rows[base + STATE] |= KNOWS_SERVER
        if bits & PENDING_ACK != 0:
            acked: cython.uint = _minus(rows[base + OTHER], seq)
            if 1 <= acked <= 1 + length:
                rows[base + EVENTS] |= _C_ACKS
            elif acked == 0 or acked > _FIRST_WINDOW:
                rows[base + STATE] &= ~PENDING_ACK & _M32
    elif rows[base + ISN_SERVER] != seq and events & _C_ACKS == 0:
        if events & (_SYN_ACK | _S_SYN) == 0 and _minus(rows[base + NEXT_SERVER], seq) < _FIRST_WINDOW:
            rows[base + ISN_SERVER] = seq  # later bytes were recorded before the SYN-ACK
        else:
            rows[base + OTHER] = seq
            rows[base + STATE] = (rows[base + STATE] & ~PENDING_ACK & _M32) | OTHER_ISN
    else:
        rows[base + NEXT_SERVER] = _later(rows[base + NEXT_SERVER], following)
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
    base: cython.Py_ssize_t = r * WORDS
    now: cython.uint = (ts // 1000) & _M32
    if rows[base + SYN_ACK_COUNT] != 0 and _near(now, rows[base + LAST_SYN_ACK_US], _DUPLICATE_US):
        state[S_DUPLICATES] += 1
    else:
        rows[base + SYN_ACK_COUNT] += 1
    rows[base + LAST_SYN_ACK_US] = now
    if rows[base + FRAME_SYN_ACK] == 0:
        rows[base + FRAME_SYN_ACK] = frame
        if longs[r * LONGS + TS_ANSWER] == 0:
            longs[r * LONGS + TS_ANSWER] = ts
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

    Return ``_FITS_NOT``, ``_FITS``, ``_FIRST_PAYLOAD``, ``_LATER_WORD`` when the client speaks again after the
    server, or ``_FIRST_RST``: the first RST that counts.
    """
    base: cython.Py_ssize_t = r * WORDS
    events: cython.uint = rows[base + EVENTS]
    bits: cython.uint = rows[base + STATE]
    following: cython.uint = (seq + length + (flags & FIN)) & _M32
    window: cython.uint = _WIDE_WINDOW if rows[base + PREVIOUS] == 0 else _WINDOW
    result: cython.int = _FITS
    acked: cython.uint
    if events & _C_SYN != 0 and events & (_S_ACKS | _C_SENT) == 0:
        window = _WINDOW
        if flags & RST == 0 and _minus(seq, rows[base + ISN_CLIENT]) >= window:
            return _FITS_NOT
    if bits & KNOWS_CLIENT != 0:
        if not _near(seq, rows[base + NEXT_CLIENT], window):
            if flags & RST == 0 or events & _ODD_ACK == 0 or seq != rows[base + OTHER]:
                return _FITS_NOT
    else:
        rows[base + STATE] = bits = bits | KNOWS_CLIENT
        rows[base + ISN_CLIENT] = (seq - 1) & _M32
        rows[base + NEXT_CLIENT] = following
    if flags & RST != 0:
        if events & _BOTH_FINS == _BOTH_FINS:
            return _FITS  # both sides had closed: nothing is left to reset
        if events & _C_SYN != 0 and events & _S_ACKS == 0:
            # It withdraws, or it answers a challenge: no end of a connection that may still come.
            rows[base + EVENTS] |= _C_RST_EARLY
            if rows[base + FRAME_RST] == 0:
                rows[base + FRAME_RST] = frame
                return _FIRST_RST
            return _FITS
        if (
            events & _SYN_ACK == 0
            or events & _C_ACKS != 0
            or _near(seq, rows[base + NEXT_CLIENT], _FIRST_WINDOW)
        ):
            if events & _C_RST == 0:
                result = _FIRST_RST
            if events == 0 and flags & ACK != 0:
                rows[base + OTHER] = ack  # it may refuse a SYN that is recorded behind it
                rows[base + STATE] |= PENDING_ACK
            rows[base + EVENTS] |= _C_RST
            _note_end(rows, longs, r, frame, ts, True)
            return result
        return _FITS_NOT
    if events & (_C_SYN | _SYN_ACK) != 0 and flags & ACK != 0 and events & _C_ACKS == 0:
        if bits & KNOWS_SERVER != 0:
            if (seq - rows[base + ISN_CLIENT] - 1) & _M32 >= _FIRST_WINDOW:
                return _FITS_NOT
            acked = _minus(ack, rows[base + ISN_SERVER])
            if 1 <= acked <= _minus(rows[base + NEXT_SERVER], rows[base + ISN_SERVER]):
                rows[base + EVENTS] |= _C_ACKS
            elif bits & OTHER_ISN != 0:
                if _minus(ack, rows[base + OTHER]) != 1:
                    return _FITS_NOT
                rows[base + ISN_SERVER] = rows[base + OTHER]
                rows[base + NEXT_SERVER] = ack
                rows[base + EVENTS] |= _C_ACKS
            elif acked == 0 or acked > _FIRST_WINDOW:
                return _FITS_NOT
            else:
                rows[base + OTHER] = ack  # what it acknowledges may be recorded behind it
                rows[base + STATE] |= PENDING_ACK
            if rows[base + FRAME_ACK] == 0:
                rows[base + FRAME_ACK] = frame
        elif bits & PENDING_ACK == 0 and events & _ODD_ACK == 0:
            rows[base + OTHER] = ack
            rows[base + STATE] |= PENDING_ACK
            if rows[base + FRAME_ACK] == 0:
                rows[base + FRAME_ACK] = frame
    if bits & _S_REPEATS != 0 and ack == rows[base + NEXT_SERVER]:
        rows[base + STATE] &= ~_S_REPEATS & _M32
    if length != 0:
        if events & _C_DATA != 0:
            rows[base + STATE] = _repeated(
                rows[base + STATE], rows[base + NEXT_CLIENT], following, CLIENT_AGAIN
            )
        if events & _S_DATA != 0 and (rows[base + NEXT_CLIENT] - following) & _M32 >= _HALF:
            if bits & CLIENT_TURN == 0:
                result = _LATER_WORD
            rows[base + STATE] = (rows[base + STATE] | CLIENT_TURN) & ~GOES_ON & _M32
            if events & _S_FIN != 0:
                rows[base + EVENTS] |= _C_DATA_LATE
    rows[base + NEXT_CLIENT] = _later(rows[base + NEXT_CLIENT], following)
    if bits & KNOWS_SERVER != 0 and events & _S_DATA_ACKED == 0 and flags & ACK != 0:
        acked = (ack - rows[base + ISN_SERVER]) & _M32
        if 1 < acked < _HALF:
            rows[base + EVENTS] |= _S_DATA_ACKED
    events = _C_SENT
    if length != 0:
        if rows[base + EVENTS] & _C_DATA == 0:
            rows[base + FRAME_CLIENT_DATA] = frame
            longs[r * LONGS + TS_CLIENT_DATA] = ts
            result = _FIRST_PAYLOAD
        events |= _C_DATA
    if flags & FIN != 0:
        if rows[base + EVENTS] & _C_FIN == 0:
            longs[r * LONGS + TS_CLIENT_FIN] = ts
            _note_end(rows, longs, r, frame, ts, False)
        events |= _C_FIN
    rows[base + EVENTS] |= events
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

    Return as ``_from_client`` does, ``_LATER_REPLY`` when one begins, ``_MORE_PAYLOAD`` when the first goes on.
    """
    base: cython.Py_ssize_t = r * WORDS
    events: cython.uint = rows[base + EVENTS]
    bits: cython.uint = rows[base + STATE]
    following: cython.uint = (seq + length + (flags & FIN)) & _M32
    window: cython.uint = _WIDE_WINDOW if rows[base + PREVIOUS] == 0 else _WINDOW
    known: cython.bint = events & (_C_SYN | _SYN_ACK) != 0
    sent: cython.uint = (rows[base + NEXT_CLIENT] - rows[base + ISN_CLIENT]) & _M32
    acked: cython.uint = (ack - rows[base + ISN_CLIENT]) & _M32
    result: cython.int = _FITS
    if flags & RST != 0:
        if known and events & _S_ACKS == 0:
            if flags & ACK != 0:
                if acked == 0 or acked > sent:
                    return _FITS_NOT
            elif bits & KNOWS_SERVER != 0 and not _near(seq, rows[base + NEXT_SERVER], _FIRST_WINDOW):
                return _FITS_NOT
            if events & _RST_TO_SYN == 0:
                result = _FIRST_RST
            rows[base + EVENTS] |= _RST_TO_SYN
            if longs[r * LONGS + TS_ANSWER] == 0:
                longs[r * LONGS + TS_ANSWER] = ts
            if rows[base + FRAME_RST] == 0:
                rows[base + FRAME_RST] = frame
            return result
        window = _FIRST_WINDOW if known and events & _C_ACKS == 0 else _RST_WINDOW
        if bits & KNOWS_SERVER != 0 and not _near(seq, rows[base + NEXT_SERVER], window):
            if flags & ACK == 0 or acked == 0 or acked > sent or not known:
                return _FITS_NOT
        elif known and flags & ACK != 0 and not _near(ack, rows[base + NEXT_CLIENT], _RST_WINDOW):
            return _FITS_NOT
        if events & _BOTH_FINS == _BOTH_FINS:
            return _FITS
        if events & _S_RST == 0:
            result = _FIRST_RST
            if events & _S_DATA == 0:
                rows[base + EVENTS] |= _S_RST_EARLY
        rows[base + EVENTS] |= _S_RST
        _note_end(rows, longs, r, frame, ts, True)
        return result
    if known and events & _S_ACKS == 0:
        if flags & ACK == 0 or acked == 0 or acked > sent:
            return _FITS_NOT
        rows[base + EVENTS] |= _S_ACKS
        if events & _S_SYN == 0:
            rows[base + ISN_SERVER] = (seq - 1) & _M32
            rows[base + NEXT_SERVER] = following
            rows[base + STATE] |= KNOWS_SERVER
            if bits & PENDING_ACK != 0 and _near(rows[base + OTHER], seq, _FIRST_WINDOW):
                rows[base + EVENTS] |= _C_ACKS
    elif bits & KNOWS_SERVER != 0:
        if not _near(seq, rows[base + NEXT_SERVER], window):
            return _FITS_NOT
        if known and flags & ACK != 0 and not _near(ack, rows[base + NEXT_CLIENT], window):
            return _FITS_NOT
    else:
        rows[base + ISN_SERVER] = (seq - 1) & _M32
        rows[base + NEXT_SERVER] = following
        rows[base + STATE] |= KNOWS_SERVER
    if events & _C_SYN != 0 and flags & ACK != 0 and acked > 1 + rows[base + SYN_LENGTH] and acked < _HALF:
        # The server acknowledges what the client sent after its SYN: that carried the client's ACK.
        rows[base + EVENTS] |= _C_ACKS
        if events & _C_DATA != 0:
            rows[base + EVENTS] |= _C_DATA_ACKED
    if bits & _C_REPEATS != 0 and acked == sent:
        rows[base + STATE] &= ~_C_REPEATS & _M32
    if events & _S_DATA != 0 and length != 0:
        if bits & CLIENT_TURN != 0 and (rows[base + NEXT_SERVER] - following) & _M32 >= _HALF:
            rows[base + STATE] &= ~CLIENT_TURN & _M32
            result = _LATER_REPLY
        elif bits & GOES_ON != 0 and seq == rows[base + NEXT_SERVER]:
            result = _MORE_PAYLOAD
        rows[base + STATE] = _repeated(rows[base + STATE], rows[base + NEXT_SERVER], following, SERVER_AGAIN)
    rows[base + NEXT_SERVER] = _later(rows[base + NEXT_SERVER], following)
    if bits & PENDING_ACK != 0 and known:
        if _minus(rows[base + OTHER], rows[base + ISN_SERVER]) <= _minus(
            rows[base + NEXT_SERVER], rows[base + ISN_SERVER]
        ):
            rows[base + EVENTS] |= _C_ACKS
    bits = _S_SENT
    if length != 0:
        if events & _S_DATA == 0:
            rows[base + FRAME_SERVER_DATA] = frame
            longs[r * LONGS + TS_SERVER_DATA] = ts
            if not known or (seq - rows[base + ISN_SERVER]) & _M32 == 1:
                result = _FIRST_PAYLOAD  # else what came first is not in the capture
            if events & _C_FIN != 0:
                bits |= _S_DATA_LATE
        bits |= _S_DATA
    if flags & FIN != 0:
        if events & _S_FIN == 0:
            _note_end(rows, longs, r, frame, ts, False)
            if events & _S_DATA == 0 and length == 0:
                bits |= _S_FIN_EARLY
        bits |= _S_FIN
    rows[base + EVENTS] |= bits
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
    word: cython.Py_ssize_t = r * WORDS + (FRAME_RST if reset else FRAME_FIN)
    if rows[word] == 0:
        rows[word] = frame
    if longs[r * LONGS + TS_END] == 0:
        longs[r * LONGS + TS_END] = ts
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
    base: cython.Py_ssize_t = head * WORDS
    events: cython.uint = rows[base + EVENTS]
    if sender_is_high == (rows[base + STATE] & CLIENT_IS_HIGH != 0):
        return False
    if events & _C_SYN == 0 or events & (_S_ACKS | _RST_TO_SYN) != 0:
        return False
    if flags & RST != 0:
        rows[base + EVENTS] |= _ODD_RST
        if rows[base + FRAME_RST] == 0:
            rows[base + FRAME_RST] = frame
    else:
        rows[base + EVENTS] |= _ODD_ACK
        if rows[base + STATE] & (PENDING_ACK | OTHER_ISN) == 0:
            rows[base + OTHER] = ack
        if rows[base + FRAME_ACK] == 0:
            rows[base + FRAME_ACK] = frame
    if longs[head * LONGS + TS_ANSWER] == 0:
        longs[head * LONGS + TS_ANSWER] = ts
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
    checksum: cython.uint = CHECKSUM_UNKNOWN
    high: cython.ulonglong
    if tcp_at + TCP_HEADER <= end:
        window = data[tcp_at + TCP_WINDOW]
        window = (window << 8) | data[tcp_at + TCP_WINDOW + 1]
        size = data[tcp_at + TCP_OFFSET_AND_FLAGS] >> 4
        size = size * 4 + length
        i = ip_at + IPV4_SOURCE
        if data[ip_at] >> 4 == IPV4:
            ip_id = data[ip_at + IPV4_ID]
            ip_id = (ip_id << 8) | data[ip_at + IPV4_ID + 1]
            stop: cython.Py_ssize_t = ip_at + IPV4_HEADER
        else:
            i = ip_at + IPV6_SOURCE
            stop = ip_at + IPV6_HEADER
        while i < stop:
            high = data[i]
            total += (high << 8) | data[i + 1]
            i += 2
        total += PROTOCOL_TCP + size
        pseudo = total
        while pseudo > _M16:
            pseudo = (pseudo & 0xFFFF) + (pseudo >> 16)
        high = data[tcp_at + TCP_CHECKSUM]
        stored = (high << 8) | data[tcp_at + TCP_CHECKSUM + 1]
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
            while total > _M16:
                total = (total & 0xFFFF) + (total >> 16)
            if total == _M16:
                checksum = CHECKSUM_CORRECT
            elif stored == pseudo:
                checksum = CHECKSUM_NOT_FILLED_IN
            else:
                checksum = CHECKSUM_WRONG
        elif stored == pseudo:
            checksum = CHECKSUM_NOT_FILLED_IN
    rows[base + RST_WINDOW_ID] = (window << 16) | ip_id
    rows[base + RST_SEQ] = seq
    rows[base + RST_TRAITS] = (
        (RST_FROM_SERVER if from_server else 0)
        | (RST_HAS_ACK if flags & ACK != 0 else 0)
        | (checksum << CHECKSUM_SHIFT)
        | RST_SEEN
    )
    return 0


@cython.cfunc
@cython.nogil
def _payload_class(data: cython.uchar[::1], at: cython.Py_ssize_t, size: cython.Py_ssize_t) -> cython.uint:
    """Return a coarse class of a side's first payload: attempts which differ there are grouped apart."""
    first: cython.uint
    i: cython.Py_ssize_t
    if size < _SHORTEST_PAYLOAD:
        return CLASS_OTHER
    first = data[at]
    if first == TLS_HANDSHAKE and data[at + 1] == TLS_MAJOR:
        return CLASS_TLS_HANDSHAKE
    if first == TLS_ALERT and data[at + 1] == TLS_MAJOR:
        return CLASS_TLS_ALERT
    if size >= _HTTP_STATUS and first == ASCII_H and data[at + 1] == ASCII_T and data[at + 4] == ASCII_SLASH:
        first = data[at + 9]  # behind "HTTP/1.1 "
        if first == ASCII_4:
            return CLASS_HTTP_4XX
        if first == ASCII_5:
            if data[at + 10] == ASCII_0 and ASCII_2 <= data[at + 11] <= ASCII_4:
                return CLASS_HTTP_GATEWAY
            return CLASS_HTTP_5XX
        return CLASS_HTTP_SUCCESS
    if first < ASCII_A or first > ASCII_Z:
        return CLASS_OTHER
    if size >= _CONNECT and first == ASCII_C and data[at + 1] == ASCII_O and data[at + 2] == ASCII_N:
        if data[at + 7] == ASCII_SPACE:
            return CLASS_PROXY_REQUEST
    for i in range(1, _CONNECT if size > _CONNECT + 1 else 0):
        if data[at + i] == ASCII_SPACE:
            if data[at + i + 1] == ASCII_SLASH or data[at + i + 1] == ASCII_ASTERISK:
                return CLASS_HTTP_REQUEST
            if data[at + i + 1] == ASCII_SMALL_H or data[at + i + 1] == ASCII_H:
                return CLASS_PROXY_REQUEST
            return CLASS_OTHER
    return CLASS_OTHER


@cython.cfunc
@cython.nogil
def _place(
    rows: cython.uint[::1], base: cython.Py_ssize_t, state: cython.ulonglong[::1]
) -> cython.Py_ssize_t:
    """Return where the later words of an attempt are kept, -1 where they are not: it is no sample, or all is taken."""
    bits: cython.uint = rows[base + STATE]
    if bits & SAMPLED == 0:
        return -1
    if bits >> REPLY_SHIFT == 0:
        if state[S_REPLIES] >= REPLIES:
            return -1
        state[S_REPLIES] += 1
        bits = (bits & 0xFFFF) | (state[S_REPLIES] << REPLY_SHIFT)
        rows[base + STATE] = bits
    return ((bits >> REPLY_SHIFT) - 1) * TALK_BYTES


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
    """Keep the beginning of the server's latest reply, and less of the two before it, for attempts that are samples.

    With ``more`` it is a piece of the first payload, kept behind those before it.
    """
    place: cython.Py_ssize_t = _place(rows, base, state)
    bits: cython.uint = rows[base + STATE]
    filled: cython.Py_ssize_t = 0
    turn: cython.uchar
    i: cython.Py_ssize_t
    if place < 0:
        return 0
    turn = replies[place + 1] & EARLIER_TURN
    if bits & HOLDS_MORE == 0:
        filled = (replies[place] | replies[place + 1] << 8) & REPLY_SIZE
        if filled != 0:
            _keep_word(replies, replies, place + (EARLIER_AT if turn == 0 else OLDER_AT), place + 2, filled)
            turn ^= EARLIER_TURN
        filled = 0
    elif more:
        filled = replies[place] | replies[place + 1] << 8
    bits = bits | HOLDS_MORE if more else bits & ~HOLDS_MORE & _M32
    size = min(size, REPLY_BYTES - 2 - filled)
    for i in range(size):
        replies[place + 2 + filled + i] = data[at + i]
    filled += size
    replies[place] = filled & 0xFF
    replies[place + 1] = turn | filled >> 8
    if filled == REPLY_BYTES - 2:
        bits &= ~GOES_ON & _M32
    rows[base + STATE] = bits
    return 0


@cython.cfunc
@cython.nogil
def _keep_word(
    data: cython.uchar[::1],
    replies: cython.uchar[::1],
    to: cython.Py_ssize_t,
    at: cython.Py_ssize_t,
    size: cython.Py_ssize_t,
) -> cython.int:
    """Keep the beginning of what one side said, its size before it."""
    i: cython.Py_ssize_t
    size = min(size, WORD_BYTES - 1)
    replies[to] = size
    for i in range(size):
        replies[to + 1 + i] = data[at + i]
    return 0


def track_batch(
    data: cython.uchar[::1], count: cython.Py_ssize_t, state: cython.ulonglong[::1], rows: cython.uint[::1],
    longs: cython.ulonglong[::1], slots: cython.ulonglong[::1], settled: cython.ulonglong[::1],
    hashes: cython.ulonglong[::1], senders: cython.ulonglong[::1], orphans: cython.ulonglong[::1],
    payload: cython.uchar[::1], payload_index: cython.ulonglong[::1], samples: cython.uint[::1],
    replies: cython.uchar[::1], starts: cython.uint[::1], caplens: cython.uint[::1],
    times: cython.ulonglong[::1], kinds: cython.uint[::1], src_high: cython.ulonglong[::1],
    src_low: cython.ulonglong[::1], dst_high: cython.ulonglong[::1], dst_low: cython.ulonglong[::1],
    ports: cython.uint[::1], seqs: cython.uint[::1], acks: cython.uint[::1], flag_words: cython.uint[::1],
    lengths: cython.uint[::1], ip_ats: cython.uint[::1], tcp_ats: cython.uint[::1],
) -> None:  # fmt: skip
    """Follow one decoded batch. The tables must have room for ``count`` more attempts."""
    declare(
        i=Py_ssize_t, r=Py_ssize_t, head=Py_ssize_t, slot=Py_ssize_t, base=Py_ssize_t, long_base=Py_ssize_t,
        steps=Py_ssize_t, end=Py_ssize_t, size=Py_ssize_t, at=Py_ssize_t, used=Py_ssize_t, key=Py_ssize_t,
        frame=uint, flags=uint, seq=uint, ack=uint, length=uint, word=uint, other=uint, kind=uint,
        offset=uint, signed=uint, high=cython.bint, from_client=cython.bint, h=ulonglong, entry=ulonglong,
        low_high=ulonglong, low_low=ulonglong, high_high=ulonglong, high_low=ulonglong, ts=ulonglong,
    )  # fmt: skip
    touched: cython.ulonglong = 0
    kept: cython.Py_ssize_t
    got: cython.int
    seed: cython.ulonglong = state[S_SEED]
    mask: cython.ulonglong = len(slots) - 1
    frames: cython.ulonglong = state[S_FRAMES]
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
            if kinds[i] == KIND_SKIP:
                continue
            h = _hash(src_high[i], src_low[i], dst_high[i], dst_low[i], ports[i], seed)
            hashes[i] = h
            touched ^= slots[h & mask]
        state[S_FRAMES] = frames + count
        state[S_TOUCHED] = touched  # nobody reads it; unused, the loads above would be optimised away
        for i in range(count):
            kind = kinds[i]
            if kind == KIND_SKIP:
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
                if (entry ^ h) >> 32 == 0:
                    r = entry & _M32
                    r -= 1
                    long_base = r * LONGS
                    if (
                        rows[r * WORDS + PORTS] == word
                        and longs[long_base + LOW_END_LOW] == low_low
                        and longs[long_base + HIGH_END_LOW] == high_low
                        and longs[long_base + LOW_END_HIGH] == low_high
                        and longs[long_base + HIGH_END_HIGH] == high_high
                    ):
                        head = r
                        break
                slot = (slot + 1) & mask
            seq = seqs[i]
            ack = acks[i]
            ts = times[i]
            flags = flag_words[i]
            length = lengths[i]
            if kind == KIND_ICMP:
                _on_icmp(
                    data, state, rows, longs, senders, orphans, head, high, seq, flags, frame, ts,
                    ip_ats[i], dst_high[i], dst_low[i], src_high[i], src_low[i], ports[i],
                )  # fmt: skip
                continue
            if flags & _SYN_OR_RST == SYN:
                if flags & ACK == 0:
                    if head < 0 and state[S_SETTLED] != 0 and _is_settled(settled, h, seq, True):
                        state[S_LATE] += 1
                        continue
                    signed = _signature(data, tcp_ats[i], starts[i] + caplens[i])
                    if head < 0 or not (
                        _on_syn(rows, state, head, high, seq, length, signed, frame, ts)
                        or _on_refused_syn(rows, longs, head, high, seq, length, signed, frame, ts)
                    ):
                        r = _open(
                            rows, longs, state, low_high, low_low, high_high, high_low, word, high,
                            head + 1, frame, ts,
                        )  # fmt: skip
                        slots[slot] = (h >> 32 << 32) | (r + 1)
                        _start_with_syn(rows, r, seq, length, signed, frame, ts)
                elif head < 0 or not _on_syn_ack(rows, longs, state, head, high, seq, ack, length, frame, ts):
                    if head < 0 and state[S_SETTLED] != 0 and _is_settled(settled, h, 0, False):
                        state[S_LATE] += 1
                        continue
                    r = _open(
                        rows, longs, state, low_high, low_low, high_high, high_low, word, not high,
                        head + 1, frame, ts,
                    )  # fmt: skip
                    slots[slot] = (h >> 32 << 32) | (r + 1)
                    base = r * WORDS
                    rows[base + STATE] |= KNOWS_CLIENT
                    rows[base + ISN_CLIENT] = (ack - 1) & _M32
                    rows[base + NEXT_CLIENT] = ack
                    _take_syn_ack(rows, base, seq, length)
                    _note_syn_ack(rows, longs, state, r, frame, ts)
                continue
            if head < 0:
                if state[S_SETTLED] != 0 and _is_settled(settled, h, 0, False):
                    state[S_LATE] += 1
                    continue
                head = _open(
                    rows, longs, state, low_high, low_low, high_high, high_low, word, high, 0, frame, ts
                )
                slots[slot] = (h >> 32 << 32) | (head + 1)
            r = head
            steps = 0
            while True:
                base = r * WORDS
                from_client = high == (rows[base + STATE] & CLIENT_IS_HIGH != 0)
                if from_client:
                    got = _from_client(rows, longs, r, seq, ack, flags, length, frame, ts)
                else:
                    got = _from_server(rows, longs, r, seq, ack, flags, length, frame, ts)
                if got != _FITS_NOT:
                    break
                r = rows[base + PREVIOUS]
                r -= 1
                steps += 1
                if r < 0 or steps >= _GENERATIONS:
                    break
            if got == _FITS:
                continue
            end = starts[i]
            end += caplens[i]
            if got == _FITS_NOT:
                if not _note_odd(rows, longs, head, high, ack, flags, frame, ts):
                    state[S_STRAYS] += 1
                elif flags & RST != 0 and rows[head * WORDS + RST_TRAITS] == 0:
                    _reset_traits(
                        data, rows, head * WORDS, ip_ats[i], tcp_ats[i], end, length, flags, seq, True
                    )
            elif got == _FIRST_RST:
                if rows[base + RST_TRAITS] == 0 or not from_client:
                    _reset_traits(
                        data, rows, base, ip_ats[i], tcp_ats[i], end, length, flags, seq, not from_client
                    )
            else:
                at = tcp_ats[i]
                if at + TCP_HEADER > end:
                    continue
                offset = data[at + TCP_OFFSET_AND_FLAGS] >> 4
                at += offset * 4
                size = length
                if at + size > end:
                    size = end - at
                if size <= 0:
                    continue
                if got == _LATER_WORD:
                    kept = _place(rows, base, state)
                    if kept >= 0:
                        _keep_word(data, replies, kept + CLIENT_AT, at, size)
                    continue
                if got >= _LATER_REPLY:
                    _keep_reply(data, rows, base, state, replies, at, size, got == _MORE_PAYLOAD)
                    if size < length:
                        rows[base + STATE] &= ~GOES_ON & _M32  # the capture did not store all of it
                    continue
                kind = _payload_class(data, at, size)
                rows[base + CLASSES] |= (kind << 16) if from_client else kind
                size = min(size, PAYLOAD_LIMIT)
                # Keep the first few payloads of each (server port, side, class, first bytes).
                other = rows[base + PORTS]
                if (rows[base + STATE] & CLIENT_IS_HIGH != 0) == 0:
                    other &= 0xFFFF
                else:
                    other >>= 16
                key = other * 40503 + kind * 2654435 + (7919 if from_client else 0) + data[at] * 31
                if size > _KEY_BYTES:
                    key += data[at + 1] * 131 + data[at + 4] * 8191
                key &= 0xFFFF
                if (
                    samples[key] < SAMPLES_A_CLASS
                    and state[S_PAYLOAD_ENTRIES] < PAYLOAD_ENTRIES
                    and state[S_PAYLOAD_BYTES] + PAYLOAD_LIMIT <= PAYLOAD_BYTES
                ):
                    samples[key] += 1
                    if not from_client:
                        rows[base + STATE] |= SAMPLED
                        if size == length and size < PAYLOAD_LIMIT:
                            rows[base + STATE] |= GOES_ON
                    h = state[S_PAYLOAD_BYTES]
                    entry = rows[base + ID]
                    used = state[S_PAYLOAD_ENTRIES] * PAYLOAD_ENTRY_LONGS
                    payload_index[used] = (entry << 1) | (1 if from_client else 0)
                    payload_index[used + 1] = (h << 16) | size
                    used = h
                    state[S_PAYLOAD_ENTRIES] += 1
                    state[S_PAYLOAD_BYTES] += size
                    for key in range(size):
                        payload[used + key] = data[at + key]


@cython.cfunc
@cython.nogil
def _is_settled(
    settled: cython.ulonglong[::1], h: cython.ulonglong, isn: cython.uint, syn: cython.bint
) -> cython.bint:
    """Tell whether a segment is a late one of an attempt that was settled early: then it begins nothing.

    A SYN is only when it repeats that attempt's.
    """
    mark: cython.ulonglong = _mark(h, isn)
    care: cython.ulonglong = _MARK_TUPLE | _MARK_ISN if syn else _MARK_TUPLE
    mask: cython.ulonglong = len(settled) - 1
    slot: cython.Py_ssize_t = _home(settled, mark)
    steps: cython.Py_ssize_t = 0
    while settled[slot] != 0 and steps < _MARK_STEPS:
        if (settled[slot] ^ mark) & care == 0:
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
        base = r * WORDS
        if (
            quoted_is_high == (rows[base + STATE] & CLIENT_IS_HIGH != 0)
            and rows[base + EVENTS] & _C_SYN != 0
            and rows[base + ISN_CLIENT] == seq
        ):
            rows[base + EVENTS] |= _ICMP_ERROR
            if rows[base + FRAME_ICMP] == 0:
                rows[base + FRAME_ICMP] = frame
                rows[base + ICMP] = what
                if longs[r * LONGS + TS_ANSWER] == 0:
                    longs[r * LONGS + TS_ANSWER] = ts
                rows[base + ICMP_SENDER] = _sender(data, state, senders, ip_at)
            return 0
        r = rows[base + PREVIOUS]
        r -= 1
        steps += 1
    if head < 0:
        n = state[S_ORPHANS]
        if n < ORPHAN_LIMIT:
            place = n * ORPHAN_LONGS
            orphans[place + ORPHAN_SERVER_HIGH] = server_high
            orphans[place + ORPHAN_SERVER_LOW] = server_low
            orphans[place + ORPHAN_CLIENT_HIGH] = client_high
            orphans[place + ORPHAN_CLIENT_LOW] = client_low
            orphans[place + ORPHAN_PORTS] = ports
            orphans[place + ORPHAN_ICMP] = what
            orphans[place + ORPHAN_FRAME] = frame
            orphans[place + ORPHAN_TS] = ts
        state[S_ORPHANS] = n + 1
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
    n: cython.ulonglong = state[S_SENDERS]
    place: cython.Py_ssize_t = n * 2
    high: cython.ulonglong = 0
    low: cython.ulonglong = 0
    i: cython.Py_ssize_t
    if data[ip_at] >> 4 == IPV4:
        high = V4_HIGH
        for i in range(4):
            low = (low << 8) | data[ip_at + IPV4_SOURCE + i]
    else:
        for i in range(8):
            high = (high << 8 & _M64) | data[ip_at + IPV6_SOURCE + i]
            low = (low << 8 & _M64) | data[ip_at + IPV6_SOURCE + 8 + i]
    if n != 0 and senders[place - 2] == high and senders[place - 1] == low:
        return n
    if n >= SENDER_LIMIT:
        return 0
    senders[place] = high
    senders[place + 1] = low
    state[S_SENDERS] = n + 1
    return n + 1
