# cython: language_level=3, wraparound=False
"""From rows to counts: names each attempt's outcome and folds alike attempts into groups.

Input: the tracker's tables. Output: the ``OUTCOME`` word of each row (index of its rule in
``outcome.OUTCOME_RULES``, plus ``RECOVERED``), and a table of groups, one for each distinct (server
address, server port, outcome, recovered, payload classes), with count, first and last time and the first
few rows. So the cost of a report grows with what is different, not with what is many.
"""

from __future__ import annotations

try:
    import cython
    from cython import declare, uint, ulonglong
except ImportError:  # Cython is not there at run time
    from synscope.engine import shim as cython
    from synscope.engine.shim import declare, uint, ulonglong

COMPILED = cython.compiled

# Each name's C type, then its number: imported without a type, it would be a Python object in the loops.
declare(V4_HIGH=ulonglong)
declare(
    WORDS=uint, PORTS=uint, STATE=uint, EVENTS=uint, PREVIOUS=uint, CLASSES=uint, OUTCOME=uint, LINK=uint,
    LONGS=uint, LOW_END_HIGH=uint, LOW_END_LOW=uint, HIGH_END_HIGH=uint, HIGH_END_LOW=uint,
    TS_FIRST=uint, CLIENT_IS_HIGH=uint, RULE=uint,
    RECOVERED=uint, PAIRED=uint, FAILING=uint, GROUP_LONGS=uint, G_HIGH=uint, G_LOW=uint, G_KEY=uint,
    G_COUNT=uint, G_FIRST=uint, G_LAST=uint, G_LAST_ROW=uint, G_KEPT=uint, WIDE=uint, WIDEST=uint,
    M_SHIFT=uint, M_FIRST=uint, M_TOTAL=uint, M_EARLIEST=uint, M_LATEST=uint, M_WANTED=uint, M_BESIDE=uint,
    LOOPBACK_NET=uint, FRAME_RST=uint, LAST_SYN_US=uint,
)  # fmt: skip
# isort: off
from synscope.engine.layout import (
    V4_HIGH, WORDS, PORTS, STATE, EVENTS, PREVIOUS, CLASSES, OUTCOME, LINK, LONGS, LOW_END_HIGH,
    LOW_END_LOW, HIGH_END_HIGH, HIGH_END_LOW, TS_FIRST, CLIENT_IS_HIGH, RULE, RECOVERED, PAIRED, FAILING,
    GROUP_LONGS, G_HIGH, G_LOW,
    G_KEY, G_COUNT, G_FIRST, G_LAST, G_LAST_ROW, G_KEPT, WIDE, WIDEST, M_SHIFT, M_FIRST, M_TOTAL, M_EARLIEST,
    M_LATEST, M_WANTED, M_BESIDE, FRAME_RST, LAST_SYN_US,
)  # fmt: skip
from synscope.engine.names import LOOPBACK_NET
# isort: on

_TRY_BITS = declare(uint, RECOVERED | PAIRED)
_SECOND = declare(ulonglong, 1_000_000_000)
_LONGEST_TRY = declare(ulonglong, 10_000_000_000)
"""How long a client may go on trying one address and then begin with the next, at most."""
_M32 = declare(ulonglong, 0xFFFFFFFF)
_K1 = declare(ulonglong, 0x9E3779B97F4A7C15)
_K2 = declare(ulonglong, 0xC2B2AE3D27D4EB4F)
_M64 = declare(ulonglong, 0xFFFFFFFFFFFFFFFF)
_LOOKED_BACK = declare(uint, 256)
"""Failed attempts to the port that one which completed is compared with, at most."""
_MOST_PAIRED = declare(uint, 8)
"""Failed attempts that one which completed stands for, at most."""


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
            base *= WORDS
            events = rows[base + EVENTS]
            for k in range(rules):
                if (
                    events & needs[k] == needs[k]
                    and events & unless[k] == 0
                    and (any_of[k] == 0 or events & any_of[k] != 0)
                ):
                    rows[base + OUTCOME] = k | (rows[base + OUTCOME] & _TRY_BITS)
                    break


@cython.cfunc
@cython.nogil
@cython.inline
def _is_loopback(high: cython.ulonglong, low: cython.ulonglong) -> cython.bint:
    """Tell whether an address is 127/8 or ::1."""
    return (high == V4_HIGH and low >> 24 == LOOPBACK_NET) or (high == 0 and low == 1)


def pair_tries(
    rows: cython.uint[::1],
    longs: cython.ulonglong[::1],
    chosen: cython.uint[::1],
    count: cython.Py_ssize_t,
    verdicts: cython.uint[::1],
    newest: cython.uint[::1],
) -> None:
    """Mark failed attempts that belong to a try which got through at another address.

    A try is one client's attempts to one port over several addresses of one host, each started within a second
    of the one before; of a refused one, which some systems repeat, within a second of its last SYN. Which
    addresses are one host's is only known for loopback and across IP families.
    ``verdicts[outcome]`` is FAILING, COMPLETED or 0; ``newest`` is zeroed scratch for 65,536 ports.
    """
    i: cython.Py_ssize_t
    base: cython.Py_ssize_t
    long_base: cython.Py_ssize_t
    other: cython.Py_ssize_t
    other_base: cython.Py_ssize_t
    other_long: cython.Py_ssize_t
    server: cython.Py_ssize_t
    port: cython.uint
    verdict: cython.uint
    link: cython.uint
    steps: cython.Py_ssize_t
    ts: cython.ulonglong
    gap: cython.ulonglong
    tried: cython.ulonglong
    high: cython.ulonglong
    low: cython.ulonglong
    other_high: cython.ulonglong
    other_low: cython.ulonglong
    seen_high: cython.ulonglong
    seen_low: cython.ulonglong
    paired: cython.Py_ssize_t
    # The last attempt that got through where all that had failed before were at its own address: so are they for the
    # next one there, as long as no other fails.
    alike: cython.bint
    idle_link: cython.uint = 0
    idle_ts: cython.ulonglong = 0
    idle_high: cython.ulonglong = 0
    idle_low: cython.ulonglong = 0
    with cython.nogil:
        for i in range(count):
            base = chosen[i]
            long_base = base * LONGS
            base *= WORDS
            verdict = verdicts[rows[base + OUTCOME] & RULE]
            if verdict == 0 or rows[base + OUTCOME] & PAIRED != 0:
                continue
            server = LOW_END_HIGH
            port = rows[base + PORTS] >> 16
            if rows[base + STATE] & CLIENT_IS_HIGH == 0:
                server = HIGH_END_HIGH
                port = rows[base + PORTS] & 0xFFFF
            if verdict == FAILING:
                rows[base + LINK] = newest[port]
                newest[port] = chosen[i] + 1
                continue
            ts = longs[long_base + TS_FIRST]
            high = longs[long_base + server]
            low = longs[long_base + server + 1]
            link = newest[port]
            if link == 0 or (link == idle_link and ts >= idle_ts and high == idle_high and low == idle_low):
                continue
            alike = True
            steps = 0
            paired = 0
            seen_high = 0
            seen_low = 0
            while link != 0 and steps < _LOOKED_BACK and paired < _MOST_PAIRED:
                steps += 1
                other = link
                other -= 1
                other_base = other * WORDS
                other_long = other * LONGS
                link = rows[other_base + LINK]
                if ts < longs[other_long + TS_FIRST]:
                    alike = False
                    continue
                gap = ts - longs[other_long + TS_FIRST]
                if gap > _LONGEST_TRY:
                    break
                if rows[other_base + STATE] & CLIENT_IS_HIGH == 0:
                    other_high = longs[other_long + HIGH_END_HIGH]
                    other_low = longs[other_long + HIGH_END_LOW]
                else:
                    other_high = longs[other_long + LOW_END_HIGH]
                    other_low = longs[other_long + LOW_END_LOW]
                if other_high == high and other_low == low:
                    continue
                alike = False
                if gap > _SECOND and rows[other_base + FRAME_RST] != 0:
                    tried = rows[other_base + LAST_SYN_US]
                    tried = ((tried - longs[other_long + TS_FIRST] // 1000) & _M32) * 1000
                    gap -= min(gap, tried)
                if gap > _SECOND:
                    continue
                if rows[other_base + OUTCOME] & RECOVERED != 0:
                    continue
                if (other_high == V4_HIGH) == (high == V4_HIGH) and not (
                    _is_loopback(other_high, other_low) and _is_loopback(high, low)
                ):
                    continue
                if paired != 0 and other_high == seen_high and other_low == seen_low:
                    continue
                rows[other_base + OUTCOME] |= RECOVERED
                seen_high = other_high
                seen_low = other_low
                rows[base + OUTCOME] |= PAIRED
                paired += 1
            if alike:
                idle_link, idle_ts, idle_high, idle_low = newest[port], ts, high, low


@cython.cfunc
@cython.nogil
@cython.inline
def _group_hash(high: cython.ulonglong, low: cython.ulonglong, key: cython.ulonglong) -> cython.ulonglong:
    """Return a hash of a group's key; its upper half is the well-mixed one."""
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
    room: cython.Py_ssize_t = len(groups) // GROUP_LONGS
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
            long_base = base * LONGS
            base *= WORDS
            if rows[base + STATE] & CLIENT_IS_HIGH == 0:
                server = HIGH_END_HIGH
                key = rows[base + PORTS] & 0xFFFF
            else:
                server = LOW_END_HIGH
                key = rows[base + PORTS] >> 16
            high = longs[long_base + server]
            low = longs[long_base + server + 1]
            classes = rows[base + CLASSES]
            key = (key << 32) | ((classes >> 8) & 0xFF00) | (classes & 0xFF)
            classes = rows[base + OUTCOME] & (RULE | RECOVERED)
            key |= classes << 16
            ts = longs[long_base + TS_FIRST]
            g = -1
            while True:
                slot = (_group_hash(high, low, key) >> 32) & mask
                while slots[slot] != 0:
                    g = slots[slot]
                    g -= 1
                    if (
                        groups[g * GROUP_LONGS + G_HIGH] == high
                        and groups[g * GROUP_LONGS + G_LOW] == low
                        and groups[g * GROUP_LONGS + G_KEY] == key
                    ):
                        break
                    g = -1
                    slot = (slot + 1) & mask
                if g >= 0 or used < WIDE:
                    break
                # Too many to keep apart: first the servers of a port become one, then the ports.
                if high != 0 or low != 0:
                    high = 0
                    low = 0
                elif used >= WIDEST and key >> 32 != 0:
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
                groups[g * GROUP_LONGS + G_HIGH] = high
                groups[g * GROUP_LONGS + G_LOW] = low
                groups[g * GROUP_LONGS + G_KEY] = key
                groups[g * GROUP_LONGS + G_COUNT] = 0
                groups[g * GROUP_LONGS + G_FIRST] = ts
                groups[g * GROUP_LONGS + G_LAST] = ts
                groups[g * GROUP_LONGS + G_KEPT] = 0
            groups[g * GROUP_LONGS + G_COUNT] += 1
            groups[g * GROUP_LONGS + G_FIRST] = min(groups[g * GROUP_LONGS + G_FIRST], ts)
            groups[g * GROUP_LONGS + G_LAST] = max(groups[g * GROUP_LONGS + G_LAST], ts)
            groups[g * GROUP_LONGS + G_LAST_ROW] = chosen[i] + 1
            if groups[g * GROUP_LONGS + G_KEPT] < limits[rows[base + OUTCOME] & RULE]:
                groups[g * GROUP_LONGS + G_KEPT] += 1
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
        slot = (
            _group_hash(
                groups[g * GROUP_LONGS + G_HIGH],
                groups[g * GROUP_LONGS + G_LOW],
                groups[g * GROUP_LONGS + G_KEY],
            )
            >> 32
        ) & mask
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
            port = rows[r * WORDS + PORTS] >> 16
            if rows[r * WORDS + STATE] & CLIENT_IS_HIGH == 0:
                port = rows[r * WORDS + PORTS] & 0xFFFF
            outcome = rows[r * WORDS + OUTCOME]
            if ports[port] != 0 and longs[r * LONGS + TS_FIRST] < before and outcome & RECOVERED == 0:
                tallies[outcome & RULE] += 1


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
    shift: cython.ulonglong = state[M_SHIFT]
    first: cython.ulonglong = state[M_FIRST]
    total: cython.ulonglong = state[M_TOTAL]
    earliest: cython.ulonglong = state[M_EARLIEST]
    latest: cython.ulonglong = state[M_LATEST]
    listed: cython.Py_ssize_t = state[M_WANTED]
    most: cython.Py_ssize_t = len(wanted)
    stopped: cython.Py_ssize_t = count
    with cython.nogil:
        for i in range(start, count):
            base = chosen[i]
            ts = longs[base * LONGS + TS_FIRST]
            base *= WORDS
            port = rows[base + PORTS] >> 16
            if rows[base + STATE] & CLIENT_IS_HIGH == 0:
                port = rows[base + PORTS] & 0xFFFF
            if ports[port] == 0:
                continue
            place = ts >> shift
            if place < first or place - first >= room:
                state[M_BESIDE] = ts
                stopped = i
                break
            at = place - first
            outcome = rows[base + OUTCOME]
            if outcome & RECOVERED != 0:
                at += outcomes * room
            bins[at + (outcome & RULE) * room] += 1
            if total == 0 or ts < earliest:
                earliest = ts
            latest = max(latest, ts)
            total += 1
            if listed < most:
                wanted[listed] = chosen[i]
                listed += 1
    state[M_TOTAL] = total
    state[M_EARLIEST] = earliest
    state[M_LATEST] = latest
    state[M_WANTED] = listed
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
            previous = rows[i * WORDS + PREVIOUS]
            if previous != 0:
                marks[previous - 1] = 1
            events = rows[i * WORDS + EVENTS]
            if events & reset != 0 or events & closed == closed:
                marks[i] = 1
        for i in range(count):
            if marks[i] != 0:
                if (
                    verdicts[rows[i * WORDS + OUTCOME] & RULE] == FAILING
                    and longs[i * LONGS + TS_FIRST] > young
                ):
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
            if marks[i] == 1:  # to go
                continue
            # A chain leads to older rows only, so their new places (mark - 2) are known by now.
            previous = rows[i * WORDS + PREVIOUS]
            if previous != 0:
                rows[i * WORDS + PREVIOUS] = marks[previous - 1] - 1 if marks[previous - 1] > 1 else 0
            marks[i] = left + 2
            if left != i:
                for k in range(WORDS):
                    rows[left * WORDS + k] = rows[i * WORDS + k]
                for k in range(LONGS):
                    longs[left * LONGS + k] = longs[i * LONGS + k]
            left += 1
    return left
