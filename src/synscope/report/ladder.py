"""The ladder of one attempt: who sent what, in which frame, how long after the first.

Input: an ``Attempt``. Output: ``Rung`` rows in frame order, and the page rows that show them. Times are
relative to the attempt's first frame; a frame whose time was not kept has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from synscope.evidence.packets.icmp import MEANINGS, errno_of, icmp_name
from synscope.model import Attempt, Label, Outcome
from synscope.report.page import Page
from synscope.units import count, duration

_ARROWS = 28
"""Columns of the arrows, unless one has more words."""
_GAP = 2


class Rung(NamedTuple):
    """One key frame: its number, its sender, what it was, ns since the first frame, a remark."""

    frame: int
    from_client: bool
    what: str
    after_ns: int | None = None
    remark: str = ""


def rungs(attempt: Attempt) -> tuple[Rung, ...]:
    """Return the key frames of ``attempt`` in frame order."""
    found = [*_handshake(attempt), *_afterwards(attempt)]
    return tuple(sorted(found, key=lambda rung: rung.frame))


def show(page: Page, attempt: Attempt, *, short: bool = False) -> None:
    """Add the ladder of ``attempt`` to ``page``, ``short``: with both ends, and a handshake in one line."""
    steps = rungs(attempt)
    if short:
        page.row("", (f"{attempt.client} → {attempt.server}  #{attempt.id}", "dim"))
        steps = _shortened(steps)
    columns = _columns(page.room, steps)
    for rung in steps:
        _show_rung(page, rung, columns)
    missing = closing(attempt)
    if missing:
        page.row("", (" " * columns.server + missing, "dim"), hang=columns.server)
    if not steps and not missing:
        page.row("", f"first seen in frame {attempt.frames.first}")


def _shortened(steps: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Return the rungs with a handshake that went well as one."""
    first = [step.what for step in steps[:3]]
    if first != ["SYN", "SYN-ACK", "ACK"] or any(step.remark for step in steps[:3]):
        return steps
    return (steps[0]._replace(what="SYN, SYN-ACK, ACK", after_ns=steps[1].after_ns), *steps[3:])


class _Columns(NamedTuple):
    """Where a ladder's client and server speak, and how wide its arrows and its frames are."""

    client: int
    server: int
    arrows: int = 0
    frames: int = 0


def _columns(room: int, steps: Sequence[Rung]) -> _Columns:
    """Return columns that fit into ``room``; where none do, nothing is aligned."""
    frames = max((len(f"frame {rung.frame}") for rung in steps), default=0)
    times = max((_GAP + len(_time(rung)) for rung in steps), default=0)
    for tried in (_Columns(2, 10, _ARROWS), _Columns(0, 4)):
        arrows = max((tried.arrows, *(len(_arrow(rung, tried)) + _GAP for rung in steps)))
        if arrows + frames + times <= room:
            return tried._replace(arrows=arrows, frames=frames)
    return _Columns(0, 4)


def _show_rung(page: Page, rung: Rung, columns: _Columns) -> None:
    """Add one rung; a remark for which there is no room goes below it."""
    time = _time(rung)
    arrow = f"{_arrow(rung, columns)}{' ' * _GAP}".ljust(columns.arrows)
    frame = f"frame {rung.frame}".ljust(columns.frames)
    words = f"{' ' * _GAP}{time}" if time else ""
    used = len(arrow) + len(frame) + len(words) + _GAP + cell_len(page.clean(rung.remark))
    indent = columns.client if rung.from_client else columns.server
    beside = (f"{' ' * _GAP}{rung.remark}", "dim") if rung.remark and used <= page.room else ""
    page.row("", arrow, (frame, "dim"), words, beside, hang=indent)
    if rung.remark and not beside:
        page.row("", (" " * indent + rung.remark, "dim"), hang=indent)


def _arrow(rung: Rung, columns: _Columns) -> str:
    if rung.from_client:
        return f"{' ' * columns.client}{rung.what} ──▶"
    return f"{' ' * columns.server}◀── {rung.what}"


def _time(rung: Rung) -> str:
    if rung.after_ns is None:
        return ""
    return f"{'' if rung.after_ns < 0 else '+'}{duration(rung.after_ns)}"


def _handshake(attempt: Attempt) -> list[Rung]:
    frames, times = attempt.frames, attempt.times
    answer = None if times.answer is None else times.answer - times.first
    found: list[Rung] = []
    if frames.syn is not None:
        repeats = f"sent {attempt.syn_count:,} times" if attempt.syn_count > 1 else ""
        if repeats and times.last_syn is not None and times.last_syn > times.first:
            repeats += f" over {duration(times.last_syn - times.first)}"
        found.append(Rung(frames.syn, from_client=True, what="SYN", remark=repeats))
    if frames.syn_ack is not None:
        repeats = f"sent {attempt.syn_ack_count:,} times" if attempt.syn_ack_count > 1 else ""
        what = "SYN-ACK" if attempt.outcome is not Outcome.UNFITTING_SYN_ACK else "SYN-ACK that does not fit"
        found.append(Rung(frames.syn_ack, from_client=False, what=what, after_ns=answer, remark=repeats))
    if frames.ack is not None and frames.ack != frames.client_data:
        found.append(Rung(frames.ack, from_client=True, what="ACK"))
    if frames.icmp is not None and attempt.icmp is not None:
        after = answer if frames.syn_ack is None and frames.rst is None else None
        errno = errno_of(attempt.icmp)
        meaning = f"({MEANINGS.get(errno, errno)}) " if errno is not None else ""
        remark = f"{meaning}from {attempt.icmp.sender}"
        found.append(Rung(frames.icmp, False, icmp_name(attempt.icmp), after, remark))
    return found


def _afterwards(attempt: Attempt) -> list[Rung]:
    frames, times = attempt.frames, attempt.times
    found: list[Rung] = []
    if frames.client_data is not None:
        what = f"data, {count(attempt.client_bytes, 'byte')}" if attempt.client_bytes else "data"
        found.append(Rung(frames.client_data, True, what, _since(attempt, times.client_data)))
    if frames.server_data is not None:
        what = f"data, {count(attempt.server_bytes, 'byte')}" if attempt.server_bytes else "data"
        found.append(Rung(frames.server_data, False, what, _since(attempt, times.server_data)))
    ends = [frame for frame in (frames.fin, frames.rst) if frame is not None]
    if frames.rst is not None:
        found.append(_reset(attempt, frames.rst, first_end=frames.rst == min(ends)))
    if frames.fin is not None:
        from_client = times.client_fin is not None and (times.end is None or times.client_fin <= times.end)
        after = _since(attempt, times.end) if frames.fin == min(ends) else None
        found.append(Rung(frames.fin, from_client, "FIN", after))
    return found


def _reset(attempt: Attempt, frame: int, *, first_end: bool) -> Rung:
    """Return the RST: before a SYN-ACK it is the answer, afterwards an end."""
    times = attempt.times
    answers = attempt.frames.syn_ack is None and attempt.label is not Label.COMPLETED
    when = times.answer if answers else times.end if first_end else None
    from_client = attempt.reset is not None and not attempt.reset.from_server
    what = "RST" if attempt.reset is None or not attempt.reset.has_ack else "RST,ACK"
    if attempt.outcome is Outcome.UNFITTING_RST:
        what += " that does not fit"
    again = "again after each repeated SYN" if attempt.outcome is Outcome.REFUSED_REPEATEDLY else ""
    return Rung(frame, from_client, what, _since(attempt, when), again)


def _since(attempt: Attempt, ts_ns: int | None) -> int | None:
    return None if ts_ns is None else ts_ns - attempt.times.first


_SILENCE: dict[Outcome, str] = {
    Outcome.UNANSWERED: "no answer",
    Outcome.CLIENT_VANISHED: "no ACK of the client",
    Outcome.SERVER_SILENT: "no byte of the server",
    Outcome.SILENT: "no byte either way",
    Outcome.CLIENT_SIDE_ONLY: "nothing of the server in this capture",
    Outcome.SERVER_SIDE_ONLY: "nothing of the client in this capture",
    Outcome.MID_STREAM: "the handshake is not in this capture",
}


def closing(attempt: Attempt) -> str:
    """Return what did not come, in words; empty where the frames tell everything."""
    return _SILENCE.get(attempt.outcome, "")
