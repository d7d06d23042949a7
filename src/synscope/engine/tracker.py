"""Owns the tables that ``attempts`` and ``fold`` work on: growth, bounded memory, and the way back to objects.

Input: decoded batches. Output: ``Attempt`` and ``AttemptGroup`` objects, made only for what is reported.

When the number of rows reaches a budget, attempts that are over (closed, reset, or followed by a newer one
on the same 4-tuple) are settled: counted in their group and forgotten but for a 64-bit mark of their
4-tuple, so that a late segment of theirs does not look like a connection that began before the capture.
If that does not free half of the table, the oldest go too, and the report says how many.
"""

from __future__ import annotations

import ipaddress
from array import array
from collections.abc import Callable
from mmap import mmap
from typing import NamedTuple

from synscope.engine import fold, layout
from synscope.engine.attempts import move_marks, reindex, remember_settled, track_batch
from synscope.engine.batch import SIZE, Batch
from synscope.engine.moments import Moments
from synscope.engine.outcome import BIT, OUTCOME_RULES, events_of, rule_columns
from synscope.model import (
    FAILURES,
    Attempt,
    AttemptGroup,
    Checksum,
    Endpoint,
    Frames,
    IcmpError,
    Label,
    Outcome,
    Reset,
    Times,
)

BUDGET = 1 << 18
"""Rows kept at most, 208 bytes each: beyond it even attempts that are not over are settled."""

SWEEP = 1 << 14
"""Rows after which attempts that are over are settled: few enough to stay in the processor's cache."""

_MARKS = 1 << 24
"""Marks of settled 4-tuples kept at most, 8 bytes each; beyond it new ones take the place of old ones."""

_RESET = BIT["client-rst"] | BIT["server-rst"] | BIT["rst-to-syn"]
_CLOSED = BIT["client-fin"] | BIT["server-fin"]
_CLIENT_LOST = BIT["client-data-lost"]
_SERVER_LOST = BIT["server-data-lost"]
_RETRY_NS = 5_000_000_000
"""How long a failed attempt is kept for more of it to come: repetitions, or the rest of its try."""
_RECOVERY_NS = 1_250_000_000
"""How long a failed attempt is kept while somebody waits to be told: the rest of its try begins within a second."""
_LINGER_NS = 1_000_000_000
"""How long an attempt that is over is kept, when attempts are settled early, for its last segments."""
_LATEST = (1 << 63) - 1
_LOOKED_BACK = 50
"""Rows looked at for each attempt that a live view wants, at most."""
_EXAMPLES = 100
_EXAMPLES_OF_HEALTHY = 8
_CHECKSUMS = {
    "unknown": Checksum.UNKNOWN,
    "correct": Checksum.CORRECT,
    "not filled in": Checksum.NOT_FILLED_IN,
    "wrong": Checksum.WRONG,
}


class Orphan(NamedTuple):
    """An ICMP error that quotes a SYN which is not in the capture."""

    client: Endpoint
    server: Endpoint
    icmp: IcmpError
    frame: int


class Tracker:
    """Follows TCP attempts through batches.

    ``on_attempt``, when given, receives every attempt once, as it settles (at the end: in the order in
    which they began). ``odd_times`` maps a frame number to a time stamp that 64 bits cannot hold.
    ``moments``, when set, counts when attempts began.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        budget: int = BUDGET,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        self._budget = max(budget, SIZE)
        self._sweep = min(SWEEP, self._budget)
        self._newest = 0
        self.on_attempt = on_attempt
        self._state = array("Q", bytes(8 * layout.STATE_WORDS))
        self._state[layout.S_SEED] = seed & 0xFFFFFFFFFFFFFFFF
        self._room = SIZE
        self._rows = array("I", bytes(4 * layout.WORDS * self._room))
        self._longs = array("Q", bytes(8 * layout.LONGS * self._room))
        self._slots = array("Q", bytes(8 * 2 * self._room))
        self._settled = array("Q", bytes(8 * 1024))
        self._hashes = array("Q", bytes(8 * SIZE))
        self._senders = array("Q", bytes(16 * layout.SENDER_LIMIT))
        self._orphans = array("Q", bytes(8 * layout.ORPHAN_LONGS * layout.ORPHAN_LIMIT))
        self._payload = bytearray(layout.PAYLOAD_BYTES)
        self._payload_index = array("Q", bytes(16 * layout.PAYLOAD_ENTRIES))
        self._payload_at: dict[int, tuple[int, int]] = {}
        self._payload_indexed = 0
        self._samples = array("I", bytes(4 * 65536))
        self._replies = bytearray(layout.REPLIES * layout.TALK_BYTES)
        self._groups = array("Q", bytes(8 * layout.GROUP_LONGS * 1024))
        self._group_slots = array("I", bytes(4 * 4096))
        self._group_count = 0
        self._examples: dict[int, list[Attempt]] = {}
        self._masks = rule_columns()
        self._verdicts = array("I", [_verdict(rule.label) for rule in OUTCOME_RULES])
        self._limits = array(
            "I",
            [_EXAMPLES if rule.label in FAILURES else _EXAMPLES_OF_HEALTHY for rule in OUTCOME_RULES],
        )
        self.odd_times: dict[int, int] = {}
        self.moments: Moments | None = None
        self.aggregated = 0

    @property
    def attempts(self) -> int:
        """How many attempts there were."""
        return self._state[layout.S_NEXT_ID]

    @property
    def strays(self) -> int:
        """Segments that fit no attempt of their 4-tuple, or came after it was settled early."""
        return self._state[layout.S_STRAYS] + self._state[layout.S_LATE]

    @property
    def merged(self) -> bool:
        """Whether there were too many servers to count each by itself (see ``layout.WIDE``)."""
        return self._group_count > layout.WIDE

    @property
    def duplicates(self) -> int:
        """SYNs and SYN-ACKs recorded twice within a millisecond."""
        return self._state[layout.S_DUPLICATES]

    def feed(self, data: bytearray | mmap, batch: Batch, *, again: bool = False) -> None:
        """Follow one decoded batch whose frames lie in ``data``.

        With ``again``, its one frame stands for the last frame that was fed, not for a new one.
        """
        if again:
            self._state[layout.S_FRAMES] -= 1
        used = self._state[layout.S_ROWS]
        if used + batch.count > self._sweep:
            self._settle_some()
            used = self._state[layout.S_ROWS]
        self._grow(used + batch.count)
        b = batch
        self._newest = b.ts_ns[b.count - 1] if b.count else self._newest
        track_batch(
            data, b.count, self._state, self._rows, self._longs, self._slots, self._settled, self._hashes,
            self._senders, self._orphans, self._payload, self._payload_index, self._samples,
            self._replies,
            b.at, b.caplen, b.ts_ns, b.kind, b.src_high, b.src_low, b.dst_high, b.dst_low, b.ports,
            b.seq, b.ack, b.flags, b.length, b.ip_at, b.tcp_at,
        )  # fmt: skip

    def skip(self, count: int) -> None:
        """Count frames that are not followed, so that those after them keep their numbers."""
        self._state[layout.S_FRAMES] += count

    def settle_over(self, quiet_ns: int = 0) -> None:
        """Settle the attempts that are over, for callers that do not wait for the end of the capture.

        ``quiet_ns`` is how long nothing came since the last frame. Attempts that ended less than a second
        ago stay, and failed ones for as long as the rest of their try may be still to come.
        """
        used = self._state[layout.S_ROWS]
        now = self._newest + quiet_ns
        chosen, marks = self._choose(used, used, now - _RECOVERY_NS)
        over = array("I")
        for row in chosen:
            at = row * layout.LONGS
            if (
                max(self._longs[at + layout.TS_END], self._longs[at + layout.TS_CLIENT_FIN]) + _LINGER_NS
                > now
            ):
                marks[row] = 0
            else:
                over.append(row)
        if over:
            self._settle(over, marks, used)

    def tally(self, ports: array[int], before_ns: int) -> dict[Outcome, int]:
        """Count the attempts so far to the marked ports that began before a time and did not recover.

        ``ports`` has a mark for each of 65,536 server ports. What has been settled counts in any case.
        """
        used = self._state[layout.S_ROWS]
        tallies = array("I", bytes(4 * len(OUTCOME_RULES)))
        self._name(array("I", range(used)))
        fold.tally(self._rows, self._longs, 0, used, ports, min(before_ns, _LATEST), tallies)
        for g in range(self._group_count):
            at = g * layout.GROUP_LONGS
            key, count = self._groups[at + layout.G_KEY], self._groups[at + layout.G_COUNT]
            if ports[key >> 32] and not key >> 16 & layout.RECOVERED:
                tallies[key >> 16 & layout.RULE] += count
        found: dict[Outcome, int] = {}
        for rule, number in zip(OUTCOME_RULES, tallies, strict=True):
            if number:
                found[rule.outcome] = found.get(rule.outcome, 0) + number
        return found

    def newest(self, ports: array[int], most: int) -> list[Attempt]:
        """Return the newest attempts to the marked ports that are not settled yet, newest first, as they stand."""
        used = self._state[layout.S_ROWS]
        found: list[Attempt] = []
        for row in range(used - 1, max(-1, used - 1 - _LOOKED_BACK * most), -1):
            word = self._rows[row * layout.WORDS + layout.PORTS]
            high = self._rows[row * layout.WORDS + layout.STATE] & layout.CLIENT_IS_HIGH
            if ports[word >> 16 if high else word & 0xFFFF]:
                self._name(array("I", [row]))
                found.append(self._attempt(row))
                if len(found) == most:
                    break
        return found

    def finish(self) -> tuple[AttemptGroup, ...]:
        """Settle every attempt that is left; return all groups, in the order of their first attempt."""
        left = array("I", range(self._state[layout.S_ROWS]))
        self._name(left)
        self._fold(left)
        groups = []
        for g in range(self._group_count):
            groups.append(self._group(g))
        self._state[layout.S_ROWS] = 0
        groups.sort(key=lambda group: (group.examples[0].id, str(group.server)))
        return tuple(groups)

    def orphans(self) -> list[Orphan]:
        """Return the ICMP errors about SYNs that are not in the capture (the first 256)."""
        found = []
        for n in range(min(self._state[layout.S_ORPHANS], layout.ORPHAN_LIMIT)):
            at = n * layout.ORPHAN_LONGS
            server_high, server_low, client_high, client_low, ports, what, frame, _ = self._orphans[
                at : at + 8
            ]
            found.append(
                Orphan(
                    client=Endpoint(address_text(client_high, client_low), ports >> 16),
                    server=Endpoint(address_text(server_high, server_low), ports & 0xFFFF),
                    icmp=_icmp(what, ""),
                    frame=frame,
                )
            )
        return found

    # -- memory ---------------------------------------------------------------------------------------

    def _grow(self, needed: int) -> None:
        """Make room for ``needed`` rows, and for the index to stay at most half full."""
        room = self._room
        while room < needed:
            room *= 2
        if room == self._room:
            return
        self._rows.frombytes(bytes(4 * layout.WORDS * (room - self._room)))
        self._longs.frombytes(bytes(8 * layout.LONGS * (room - self._room)))
        self._room = room
        self._reindex()

    def _reindex(self) -> None:
        self._slots = array("Q", bytes(8 * 2 * self._room))
        reindex(self._rows, self._longs, self._state[layout.S_ROWS], self._slots, self._state[layout.S_SEED])

    def _settle_some(self) -> None:
        """Settle attempts that are over; beyond the budget also the oldest, until half of it is free."""
        used = self._state[layout.S_ROWS]
        full = self._sweep >= self._budget
        keep = self._budget // 2 if full else used
        chosen, marks = self._choose(used, keep, self._newest - _RETRY_NS)
        self.aggregated += len(chosen)
        if self._settle(chosen, marks, used) > self._sweep // 2:
            self._sweep = min(2 * self._sweep, self._budget)

    def _choose(self, used: int, keep: int, young: int) -> tuple[array[int], array[int]]:
        """Choose the rows that are over, but of failed ones none that began after ``young``; see ``fold``."""
        marks = array("I", bytes(4 * used))
        chosen = array("I", bytes(4 * used))
        self._name(array("I", range(used)))
        gone = fold.choose_settled(
            self._rows, self._longs, used, _RESET, _CLOSED, self._verdicts, max(0, young),
            keep, chosen, marks,
        )  # fmt: skip
        del chosen[gone:]
        return chosen, marks

    def _settle(self, chosen: array[int], marks: array[int], used: int) -> int:
        """Count the chosen (and marked) rows in their groups and forget them; return how many are left."""
        self._fold(chosen)
        self._forget_examples_rows()
        self._remember(chosen)
        left = self._state[layout.S_ROWS] = fold.compact(self._rows, self._longs, used, marks)
        self._reindex()
        return left

    def _remember(self, chosen: array[int]) -> None:
        needed = self._state[layout.S_SETTLED] + len(chosen)
        while 4 * needed > 3 * len(self._settled) and len(self._settled) < _MARKS:
            old = self._settled
            self._settled = array("Q", bytes(16 * len(old)))
            move_marks(old, self._settled)
        self._state[layout.S_SETTLED] += remember_settled(
            self._rows, self._longs, chosen, len(chosen), self._settled, self._state[layout.S_SEED]
        )

    def _forget_examples_rows(self) -> None:
        """Forget where each group's last row lies: it is about to go."""
        for g in range(self._group_count):
            self._groups[g * layout.GROUP_LONGS + layout.G_LAST_ROW] = 0

    # -- from rows to objects -------------------------------------------------------------------------

    def _name(self, chosen: array[int]) -> None:
        """Name the chosen rows' outcomes, and find the failed ones whose try got through elsewhere."""
        fold.name_outcomes(self._rows, chosen, len(chosen), *self._masks)
        fold.pair_tries(
            self._rows, self._longs, chosen, len(chosen), self._verdicts, array("I", bytes(4 * 65536))
        )

    def _fold(self, chosen: array[int]) -> None:
        """Count the chosen rows in their groups; keep the first few of each group as objects."""
        count = len(chosen)
        if self.on_attempt is not None:
            for row in chosen:
                self.on_attempt(self._attempt(row))
        if self.moments is not None:
            kept = self.moments.add(self._rows, self._longs, chosen)
            self.moments.kept.extend(map(self._attempt, kept))
        wanted = array("I", bytes(8 * 4096))
        result = array("Q", bytes(16))
        at = 0
        while at < count:
            self._group_count = fold.fold_groups(
                self._rows, self._longs, chosen, at, count, self._groups, self._group_count,
                self._group_slots, self._limits, wanted, result,
            )  # fmt: skip
            at = result[0]
            for pair in range(result[1]):
                row, group = wanted[2 * pair], wanted[2 * pair + 1]
                self._examples.setdefault(group, []).append(self._attempt(row))
            if at < count and self._group_count * layout.GROUP_LONGS >= len(self._groups):
                self._grow_groups()

    def _grow_groups(self) -> None:
        self._groups.frombytes(bytes(8 * len(self._groups)))
        self._group_slots = array("I", bytes(4 * 2 * len(self._group_slots)))
        fold.index_groups(self._groups, self._group_count, self._group_slots)

    def _group(self, g: int) -> AttemptGroup:
        at = g * layout.GROUP_LONGS
        high, low, key, count, first, last, last_row, kept = self._groups[at : at + layout.GROUP_LONGS]
        word = (key >> 16) & 0xFFFF
        rule = OUTCOME_RULES[word & layout.RULE]
        examples = self._examples[g]
        if count > kept and last_row and last_row <= self._state[layout.S_ROWS]:
            examples.append(self._attempt(last_row - 1))
        return AttemptGroup(
            server=Endpoint(address_text(high, low), key >> 32),
            label=rule.label,
            outcome=rule.outcome,
            recovered=bool(word & layout.RECOVERED),
            count=count,
            first_ts_ns=self._exact_time(examples[0], first),
            last_ts_ns=last,
            examples=tuple(examples),
        )

    def _exact_time(self, example: Attempt, ts_ns: int) -> int:
        return example.first_ts_ns if self.odd_times else ts_ns

    def _attempt(self, row: int) -> Attempt:
        """Return one row as an object."""
        w = self._rows[row * layout.WORDS : (row + 1) * layout.WORDS]
        t = self._longs[row * layout.LONGS : (row + 1) * layout.LONGS]
        mask = w[layout.EVENTS] | _lost(w[layout.STATE])
        rule = OUTCOME_RULES[w[layout.OUTCOME] & layout.RULE]
        low_end = Endpoint(address_text(t[0], t[1]), w[layout.PORTS] >> 16)
        high_end = Endpoint(address_text(t[2], t[3]), w[layout.PORTS] & 0xFFFF)
        client, server = low_end, high_end
        if w[layout.STATE] & layout.CLIENT_IS_HIGH:
            client, server = high_end, low_end
        first = self.odd_times.get(w[layout.FRAME_FIRST], t[layout.TS_FIRST])
        return Attempt(
            id=w[layout.ID],
            client=client,
            server=server,
            first_ts_ns=first,
            label=rule.label,
            outcome=rule.outcome,
            syn_count=w[layout.SYN_COUNT],
            syn_ack_count=w[layout.SYN_ACK_COUNT],
            frames=Frames(
                first=w[layout.FRAME_FIRST],
                syn=w[layout.FRAME_SYN] or None,
                syn_ack=w[layout.FRAME_SYN_ACK] or None,
                ack=w[layout.FRAME_ACK] or None,
                rst=w[layout.FRAME_RST] or None,
                icmp=w[layout.FRAME_ICMP] or None,
                client_data=w[layout.FRAME_CLIENT_DATA] or None,
                server_data=w[layout.FRAME_SERVER_DATA] or None,
                fin=w[layout.FRAME_FIN] or None,
            ),
            times=Times(
                first=first,
                last_syn=_last_syn(t[layout.TS_FIRST], w[layout.LAST_SYN_US])
                if w[layout.SYN_COUNT] > 1
                else None,
                answer=t[layout.TS_ANSWER] or None,
                client_data=t[layout.TS_CLIENT_DATA] or None,
                server_data=t[layout.TS_SERVER_DATA] or None,
                end=t[layout.TS_END] or None,
                client_fin=t[layout.TS_CLIENT_FIN] or None,
            ),
            events=events_of(mask),
            client_bytes=_sent(w[layout.NEXT_CLIENT], w[layout.ISN_CLIENT], mask & BIT["client-fin"], w, 1),
            server_bytes=_sent(w[layout.NEXT_SERVER], w[layout.ISN_SERVER], mask & BIT["server-fin"], w, 2),
            reset=_reset(w),
            icmp=self._icmp(w),
            client_payload=self._first_bytes(w[layout.ID], 1),
            server_payload=self._server_payload(w),
            server_reply=None if w[layout.STATE] & layout.HOLDS_MORE else self._reply(w),
            server_earlier=self._earlier(w),
            client_reply=self._word(w, layout.CLIENT_AT) or None,
            recovered=bool(w[layout.OUTCOME] & layout.RECOVERED),
        )

    def _icmp(self, w: array[int]) -> IcmpError | None:
        if not w[layout.FRAME_ICMP]:
            return None
        place = w[layout.ICMP_SENDER]
        sender = address_text(*self._senders[2 * place - 2 : 2 * place]) if place else ""
        return _icmp(w[layout.ICMP], sender)

    def _server_payload(self, w: array[int]) -> bytes | None:
        """Return the server's first bytes, also where several segments brought them."""
        first = self._first_bytes(w[layout.ID], 0)
        if first is None or not w[layout.STATE] & layout.HOLDS_MORE:
            return first
        return (first + (self._reply(w) or b""))[: layout.PAYLOAD_LIMIT]

    def _reply(self, w: array[int]) -> bytes | None:
        """Return what is kept of a row as the server's last reply."""
        place = w[layout.STATE] >> layout.REPLY_SHIFT
        if not place:
            return None
        at = (place - 1) * layout.TALK_BYTES
        size = (self._replies[at] | self._replies[at + 1] << 8) & layout.REPLY_SIZE
        return bytes(self._replies[at + 2 : at + 2 + size]) or None

    def _earlier(self, w: array[int]) -> tuple[bytes, ...]:
        """Return what is kept of the replies before the last one, the latest first."""
        place = w[layout.STATE] >> layout.REPLY_SHIFT
        if not place:
            return ()
        kept = self._word(w, layout.EARLIER_AT), self._word(w, layout.OLDER_AT)
        turned = self._replies[(place - 1) * layout.TALK_BYTES + 1] & layout.EARLIER_TURN
        return tuple(filter(None, kept if turned else kept[::-1]))

    def _word(self, w: array[int], offset: int) -> bytes:
        place = w[layout.STATE] >> layout.REPLY_SHIFT
        if not place:
            return b""
        at = (place - 1) * layout.TALK_BYTES + offset
        return bytes(self._replies[at + 1 : at + 1 + self._replies[at]])

    def _first_bytes(self, attempt: int, from_client: int) -> bytes | None:
        entries = self._state[layout.S_PAYLOAD_ENTRIES]
        while self._payload_indexed < entries:
            key, place = self._payload_index[2 * self._payload_indexed : 2 * self._payload_indexed + 2]
            self._payload_at[key] = (place >> 16, place & 0xFFFF)
            self._payload_indexed += 1
        found = self._payload_at.get(attempt << 1 | from_client)
        if found is None:
            return None
        start, size = found
        return bytes(self._payload[start : start + size])


def address_text(high: int, low: int) -> str:
    """Return the textual form of an address given as the engine's two 64-bit halves."""
    if high == layout.V4_HIGH and not low >> 32:
        return f"{low >> 24}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    return str(ipaddress.IPv6Address(high << 64 | low))


def _verdict(label: Label) -> int:
    if label in FAILURES:
        return layout.FAILING
    return layout.COMPLETED if label is Label.COMPLETED else 0


def _icmp(what: int, sender: str) -> IcmpError:
    return IcmpError(version=what >> 16, type=what >> 8 & 255, code=what & 255, sender=sender)


def _reset(w: array[int]) -> Reset | None:
    traits = w[layout.RST_TRAITS]
    if not traits:
        return None
    return Reset(
        from_server=bool(traits & layout.RST_FROM_SERVER),
        window=w[layout.RST_WINDOW_ID] >> 16,
        ip_id=w[layout.RST_WINDOW_ID] & 0xFFFF,
        seq=w[layout.RST_SEQ],
        has_ack=bool(traits & layout.RST_HAS_ACK),
        checksum=_CHECKSUMS[layout.CHECKSUMS[traits >> layout.CHECKSUM_SHIFT & 3]],
    )


def _lost(state: int) -> int:
    """Return the events that say how things stood in the end."""
    return (_CLIENT_LOST if state & layout.CLIENT_LOST else 0) | (
        _SERVER_LOST if state & layout.SERVER_LOST else 0
    )


def _last_syn(first_ts_ns: int, last_us: int) -> int:
    """Return the last SYN's time from its low 32 bits in microseconds (exact for captures under 71 minutes)."""
    return first_ts_ns + ((last_us - first_ts_ns // 1000) & 0xFFFFFFFF) * 1000


def _sent(following: int, isn: int, fin: int, w: array[int], side: int) -> int:
    """Return the payload bytes of a side by its sequence numbers; the SYN and FIN count one each."""
    known = layout.KNOWS_CLIENT if side == 1 else layout.KNOWS_SERVER
    if not w[layout.STATE] & known:
        return 0
    return max(0, ((following - isn) & 0xFFFFFFFF) - 1 - bool(fin))
