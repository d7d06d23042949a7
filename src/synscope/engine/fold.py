# cython: language_level=3, wraparound=False
"""From rows to counts: names each attempt's outcome and folds alike attempts into groups.

Input: the tracker's tables. Output: the ``OUTCOME`` word of each row (index of its rule in
``outcome.OUTCOME_RULES``, plus ``RECOVERED``), and a table of groups, one for each distinct (server
address, server port, outcome, recovered, payload classes), with count, first and last time and the first
few rows. So the cost of a report grows with what is different, not with what is many.
"""

from __future__ import annotations

from synscope.engine import layout as _r

try:
    import cython
except ImportError:
    from synscope.engine import shim as cython

COMPILED = cython.compiled

RECOVERED = 256
"""Added to OUTCOME: it failed, but the same client got through at another address within a second."""

PAIRED = 512
"""Added to OUTCOME: it completed, and stands for the failed attempts of the same try."""

WIDE = 1 << 16
"""Groups from which on the servers of a port are counted together, under the address ``::``."""

WIDEST = 1 << 17
"""Groups from which on the ports are counted together too, as port 0."""

GROUP_LONGS = 8
G_HIGH = 0
G_LOW = 1
G_KEY = 2  # port << 32 | outcome word << 16 | client class << 8 | server class
G_COUNT = 3
G_FIRST = 4
G_LAST = 5
G_LAST_ROW = 6
G_KEPT = 7

# State vector of ``count_moments`` (64-bit words).
MOMENT_LONGS = 7
M_SHIFT = 0  # a bin is 1 << shift nanoseconds
M_FIRST = 1  # number of the first bin, counted from the epoch
M_TOTAL = 2
M_EARLIEST = 3
M_LATEST = 4
M_WANTED = 5
M_BESIDE = 6  # the time that lies beside the bins, where counting stopped

_WORDS = cython.declare(cython.Py_ssize_t, _r.WORDS)
_LONGS = cython.declare(cython.Py_ssize_t, _r.LONGS)
_EVENTS = cython.declare(cython.Py_ssize_t, _r.EVENTS)
_STATE = cython.declare(cython.Py_ssize_t, _r.STATE)
_OUTCOME = cython.declare(cython.Py_ssize_t, _r.OUTCOME)
_PREVIOUS = cython.declare(cython.Py_ssize_t, _r.PREVIOUS)
_LINK = cython.declare(cython.Py_ssize_t, _r.LINK)
_CLASSES = cython.declare(cython.Py_ssize_t, _r.CLASSES)
_T_FIRST = cython.declare(cython.Py_ssize_t, _r.TS_FIRST)
_PAIRED = cython.declare(cython.uint, PAIRED)
_TRY_BITS = cython.declare(cython.uint, RECOVERED | PAIRED)
_RECOVERED = cython.declare(cython.uint, RECOVERED)
_SECOND = cython.declare(cython.ulonglong, 1_000_000_000)
_WIDE = cython.declare(cython.Py_ssize_t, WIDE)
_WIDEST = cython.declare(cython.Py_ssize_t, WIDEST)
_M32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
_GROUP = cython.declare(cython.Py_ssize_t, GROUP_LONGS)
_K1 = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
_K2 = cython.declare(cython.ulonglong, 0xC2B2AE3D27D4EB4F)
_M64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
_V4 = cython.declare(cython.ulonglong, _r.V4_HIGH)

FAILING = 1
COMPLETED = 2


def name_outcomes(
    rows: cython.uint[::1],
    chosen: cython.uint[::1],
    count: cython.Py_ssize_t,
    needs: cython.uint[::1],
    any_of: cython.uint[::1],
    unless: cython.uint[::1],
) -> None:
    """Write the index of the first rule that holds into the OUTCOME word of the chosen rows."""
    rules: cython.Py_ssize_t = len(needs)
    i: cython.Py_ssize_t
    base: cython.Py_ssize_t
    k: cython.Py_ssize_t
    events: cython.uint
    with cython.nogil:
        for i in range(count):
            base = chosen[i]
            base *= _WORDS
            events = rows[base + _EVENTS]
            for k in range(rules):
                if (
                    events & needs[k] == needs[k]
                    and events & unless[k] == 0
                    and (any_of[k] == 0 or events & any_of[k] != 0)
                ):
                    rows[base + _OUTCOME] = k | (rows[base + _OUTCOME] & _TRY_BITS)
                    break


@cython.cfunc
@cython.nogil
@cython.inline
def _is_loopback(high: cython.ulonglong, low: cython.ulonglong) -> cython.bint:
    """Whether an address is 127/8 or ::1."""
    return (high == _V4 and low >> 24 == 127) or (high == 0 and low == 1)


def pair_tries(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    chosen: cython.uint[::1],
    count: cython.Py_ssize_t,
    verdicts: cython.uint[::1],
    newest: cython.uint[::1],
) -> None:
    """Mark failed attempts that belong to a try which got through at another address.

    A try is one client's attempts to one port over several addresses of one host, started within a
    second; which addresses are one host's is only known for loopback and across IP families.
    ``verdicts[outcome]`` is FAILING, COMPLETED or 0; ``newest`` is zeroed scratch for 65,536 ports.
    """
    i: cython.Py_ssize_t
    base: cython.Py_ssize_t
    long_base: cython.Py_ssize_t
    other: cython.Py_ssize_t
    other_base: cython.Py_ssize_t
    other_long: cython.Py_ssize_t
    server: cython.Py_ssize_t
    other_server: cython.Py_ssize_t
    port: cython.uint
    verdict: cython.uint
    link: cython.uint
    steps: cython.Py_ssize_t
    ts: cython.ulonglong
    gap: cython.ulonglong
    seen_high: cython.ulonglong
    seen_low: cython.ulonglong
    paired: cython.Py_ssize_t
    with cython.nogil:
        for i in range(count):
            base = chosen[i]
            long_base = base * _LONGS
            base *= _WORDS
            verdict = verdicts[rows[base + _OUTCOME] & 0xFF]
            if verdict == 0 or rows[base + _OUTCOME] & _PAIRED != 0:
                continue
            server = 0
            port = rows[base] >> 16
            if rows[base + _STATE] & 1 == 0:
                server = 2
                port = rows[base] & 0xFFFF
            if verdict == 1:
                rows[base + _LINK] = newest[port]
                newest[port] = chosen[i] + 1
                continue
            ts = longs[long_base + _T_FIRST]
            link = newest[port]
            steps = 0
            paired = 0
            seen_high = 0
            seen_low = 0
            while link != 0 and steps < 256 and paired < 8:
                steps += 1
                other = link
                other -= 1
                other_base = other * _WORDS
                other_long = other * _LONGS
                link = rows[other_base + _LINK]
                if ts < longs[other_long + _T_FIRST]:
                    continue
                gap = ts - longs[other_long + _T_FIRST]
                if gap > _SECOND:
                    break
                if rows[other_base + _OUTCOME] & _RECOVERED != 0:
                    continue
                other_server = 0
                if rows[other_base + _STATE] & 1 == 0:
                    other_server = 2
                if (
                    longs[other_long + other_server] == longs[long_base + server]
                    and longs[other_long + other_server + 1] == longs[long_base + server + 1]
                ):
                    continue
                if (longs[other_long + other_server] == _V4) == (longs[long_base + server] == _V4) and not (
                    _is_loopback(longs[other_long + other_server], longs[other_long + other_server + 1])
                    and _is_loopback(longs[long_base + server], longs[long_base + server + 1])
                ):
                    continue
                if (
                    paired != 0
                    and longs[other_long + other_server] == seen_high
                    and longs[other_long + other_server + 1] == seen_low
                ):
                    continue
                rows[other_base + _OUTCOME] |= _RECOVERED
                seen_high = longs[other_long + other_server]
                seen_low = longs[other_long + other_server + 1]
                rows[base + _OUTCOME] |= _PAIRED
                paired += 1


@cython.cfunc
@cython.nogil
@cython.inline
def _group_hash(high: cython.ulonglong, low: cython.ulonglong, key: cython.ulonglong) -> cython.ulonglong:
    """A hash of a group's key; its upper half is the well-mixed one."""
    h: cython.ulonglong = ((high * _K2 + low) * _K1 ^ (key * _K2)) & _M64
    h ^= h >> 31
    return (h * _K1) & _M64


def fold_groups(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    chosen: cython.uint[::1],
    start: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    groups: cython.ulonglong[::1],
    used: cython.Py_ssize_t,
    slots: cython.uint[::1],
    limits: cython.uint[::1],
    wanted: cython.uint[::1],
    result: cython.ulonglong[::1],
) -> int:
    """Fold the chosen rows from ``start`` on into ``groups``; return how many groups there are now.

    ``limits[outcome]`` says how many rows of a group are listed in ``wanted`` (pairs of row, group).
    Stops early when ``groups`` or ``wanted`` is full: ``result[0]`` is the next place in ``chosen``,
    ``result[1]`` the number of pairs.
    """
    i: cython.Py_ssize_t = start
    base: cython.Py_ssize_t
    long_base: cython.Py_ssize_t
    server: cython.Py_ssize_t
    g: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    pairs: cython.Py_ssize_t = 0
    room: cython.Py_ssize_t = len(groups) // _GROUP
    pair_room: cython.Py_ssize_t = len(wanted) // 2
    mask: cython.ulonglong = len(slots) - 1
    key: cython.ulonglong
    high: cython.ulonglong
    low: cython.ulonglong
    ts: cython.ulonglong
    classes: cython.ulonglong
    with cython.nogil:
        while i < count:
            base = chosen[i]
            long_base = base * _LONGS
            base *= _WORDS
            if rows[base + _STATE] & 1 == 0:
                server = 2
                key = rows[base] & 0xFFFF
            else:
                server = 0
                key = rows[base] >> 16
            high = longs[long_base + server]
            low = longs[long_base + server + 1]
            classes = rows[base + _CLASSES]
            key = (key << 32) | ((classes >> 8) & 0xFF00) | (classes & 0xFF)
            classes = rows[base + _OUTCOME] & 0x1FF
            key |= classes << 16
            ts = longs[long_base + _T_FIRST]
            g = -1
            while True:
                slot = (_group_hash(high, low, key) >> 32) & mask
                while slots[slot] != 0:
                    g = slots[slot]
                    g -= 1
                    if (
                        groups[g * _GROUP] == high
                        and groups[g * _GROUP + 1] == low
                        and groups[g * _GROUP + 2] == key
                    ):
                        break
                    g = -1
                    slot = (slot + 1) & mask
                if g >= 0 or used < _WIDE:
                    break
                # Too many to keep apart: first the servers of a port become one, then the ports.
                if high != 0 or low != 0:
                    high = 0
                    low = 0
                elif used >= _WIDEST and key >> 32 != 0:
                    key &= _M32
                else:
                    break
            if pairs >= pair_room:
                break
            if g < 0:
                if used >= room:
                    break
                g = used
                used += 1
                slots[slot] = used
                groups[g * _GROUP] = high
                groups[g * _GROUP + 1] = low
                groups[g * _GROUP + 2] = key
                groups[g * _GROUP + 3] = 0
                groups[g * _GROUP + 4] = ts
                groups[g * _GROUP + 5] = ts
                groups[g * _GROUP + 7] = 0
            groups[g * _GROUP + 3] += 1
            groups[g * _GROUP + 4] = min(groups[g * _GROUP + 4], ts)
            groups[g * _GROUP + 5] = max(groups[g * _GROUP + 5], ts)
            groups[g * _GROUP + 6] = chosen[i] + 1
            if groups[g * _GROUP + 7] < limits[rows[base + _OUTCOME] & 0xFF]:
                groups[g * _GROUP + 7] += 1
                wanted[pairs * 2] = chosen[i]
                wanted[pairs * 2 + 1] = g
                pairs += 1
            i += 1
    result[0] = i
    result[1] = pairs
    return used


def index_groups(groups: cython.ulonglong[::1], used: cython.Py_ssize_t, slots: cython.uint[::1]) -> None:
    """Fill an empty group index."""
    g: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    mask: cython.ulonglong = len(slots) - 1
    for g in range(used):
        slot = (_group_hash(groups[g * _GROUP], groups[g * _GROUP + 1], groups[g * _GROUP + 2]) >> 32) & mask
        while slots[slot] != 0:
            slot = (slot + 1) & mask
        slots[slot] = g + 1


def tally(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    start: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    ports: cython.uint[::1],
    before: cython.ulonglong,
    tallies: cython.uint[::1],
) -> None:
    """Count rows by outcome: those to a marked server port that began before a time and did not recover.

    ``ports`` has a mark for each of 65,536 ports; outcomes must be named.
    """
    r: cython.Py_ssize_t
    port: cython.uint
    outcome: cython.uint
    with cython.nogil:
        for r in range(start, count):
            port = rows[r * _WORDS] >> 16
            if rows[r * _WORDS + _STATE] & 1 == 0:
                port = rows[r * _WORDS] & 0xFFFF
            outcome = rows[r * _WORDS + _OUTCOME]
            if ports[port] != 0 and longs[r * _LONGS + _T_FIRST] < before and outcome & _RECOVERED == 0:
                tallies[outcome & 0xFF] += 1


def count_moments(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    chosen: cython.uint[::1],
    start: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    ports: cython.uint[::1],
    bins: cython.uint[::1],
    room: cython.Py_ssize_t,
    outcomes: cython.Py_ssize_t,
    state: cython.ulonglong[::1],
    wanted: cython.uint[::1],
) -> int:
    """Count the chosen rows from ``start`` on into bins of time, by outcome; see ``moments``.

    ``bins`` has ``room`` places for each of ``outcomes``, then the same for those that recovered. Returns the
    place in ``chosen`` of the first row that lies beside all bins, ``count`` when there is none. Rows are listed
    in ``wanted`` while there is room.
    """
    i: cython.Py_ssize_t
    base: cython.Py_ssize_t
    at: cython.Py_ssize_t
    port: cython.uint
    outcome: cython.uint
    ts: cython.ulonglong
    place: cython.ulonglong
    shift: cython.ulonglong = state[0]
    first: cython.ulonglong = state[1]
    total: cython.ulonglong = state[2]
    earliest: cython.ulonglong = state[3]
    latest: cython.ulonglong = state[4]
    listed: cython.Py_ssize_t = state[5]
    most: cython.Py_ssize_t = len(wanted)
    stopped: cython.Py_ssize_t = count
    with cython.nogil:
        for i in range(start, count):
            base = chosen[i]
            ts = longs[base * _LONGS + _T_FIRST]
            base *= _WORDS
            port = rows[base] >> 16
            if rows[base + _STATE] & 1 == 0:
                port = rows[base] & 0xFFFF
            if ports[port] == 0:
                continue
            place = ts >> shift
            if place < first or place - first >= room:
                state[6] = ts
                stopped = i
                break
            at = place - first
            outcome = rows[base + _OUTCOME]
            if outcome & _RECOVERED != 0:
                at += outcomes * room
            bins[at + (outcome & 0xFF) * room] += 1
            if total == 0 or ts < earliest:
                earliest = ts
            latest = max(latest, ts)
            total += 1
            if listed < most:
                wanted[listed] = chosen[i]
                listed += 1
    state[2] = total
    state[3] = earliest
    state[4] = latest
    state[5] = listed
    return stopped


def choose_settled(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    count: cython.Py_ssize_t,
    reset: cython.uint,
    closed: cython.uint,
    verdicts: cython.uint[::1],
    young: cython.ulonglong,
    keep: cython.Py_ssize_t,
    chosen: cython.uint[::1],
    marks: cython.uint[::1],
) -> int:
    """Choose rows to settle: those that are over, then the oldest, until ``keep`` are left.

    A row is over when its events have a bit of ``reset`` or all bits of ``closed``, or when a newer row
    of its 4-tuple exists; but a failed one that began after ``young`` stays, for the rest of its try may
    be still to come. Outcomes must be named. ``marks`` is zeroed scratch, one a row: afterwards 1 for each
    chosen row. ``chosen`` is in row order. Returns how many were chosen.
    """
    i: cython.Py_ssize_t
    previous: cython.Py_ssize_t
    gone: cython.Py_ssize_t = 0
    left: cython.Py_ssize_t = count
    events: cython.uint
    with cython.nogil:
        for i in range(count):
            previous = rows[i * _WORDS + _PREVIOUS]
            if previous != 0:
                marks[previous - 1] = 1
            events = rows[i * _WORDS + _EVENTS]
            if events & reset != 0 or events & closed == closed:
                marks[i] = 1
        for i in range(count):
            if marks[i] != 0:
                if verdicts[rows[i * _WORDS + _OUTCOME] & 0xFF] == 1 and longs[i * _LONGS + _T_FIRST] > young:
                    marks[i] = 0
                else:
                    left -= 1
        for i in range(count):
            if left <= keep:
                break
            if marks[i] == 0:
                marks[i] = 1
                left -= 1
        for i in range(count):
            if marks[i] != 0:
                chosen[gone] = i
                gone += 1
    return gone


def compact(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    count: cython.Py_ssize_t,
    marks: cython.uint[::1],
) -> int:
    """Remove the marked rows, keeping the order of the others; return how many are left."""
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    previous: cython.Py_ssize_t
    left: cython.Py_ssize_t = 0
    with cython.nogil:
        for i in range(count):
            if marks[i] == 1:
                continue
            # A chain leads to older rows only, so their new places (mark - 2) are known by now.
            previous = rows[i * _WORDS + _PREVIOUS]
            if previous != 0:
                rows[i * _WORDS + _PREVIOUS] = marks[previous - 1] - 1 if marks[previous - 1] > 1 else 0
            marks[i] = left + 2
            if left != i:
                for k in range(_WORDS):
                    rows[left * _WORDS + k] = rows[i * _WORDS + k]
                for k in range(_LONGS):
                    longs[left * _LONGS + k] = longs[i * _LONGS + k]
            left += 1
    return left
