"""Wireshark display filters that select an attempt, or the frames that a finding rests on.

Input: attempts, findings and their targets. Output: a filter for Wireshark's filter bar or ``tshark -Y``.
Frame numbers keep later attempts on the same 4-tuple out. Addresses and ports are matched wherever they
stand in a frame, so tunnelled segments and the segment quoted in an ICMP error are selected as well. The
key frames are also listed by number: Wireshark may decode less of a frame than the engine does.
Source: wireshark-filter(4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from synscope.model import Attempt, Finding, Target

_SHORTEST_RANGE = 3
"""Runs of consecutive numbers from this length on are written as a range."""


def attempt(attempt: Attempt) -> str:
    """Return the filter that selects the key frames of ``attempt`` and what was sent between them.

    An attempt that saw no end (RST, FIN, ICMP error) is open upwards.
    """
    frames = attempt.frames
    key_frames = {number for number in frames if number is not None}
    first = min(key_frames)
    last = max(key_frames)
    ended = frames.rst is not None or frames.fin is not None or frames.icmp is not None
    if ended and len(key_frames) == last - first + 1:
        return _numbered(key_frames)
    until = f" && frame.number <= {last}" if ended else ""
    addresses = dict.fromkeys((attempt.client.address, attempt.server.address))
    field = "ipv6.addr" if ":" in attempt.server.address else "ip.addr"
    ends = " && ".join(
        (
            *(f"{field} == {address}" for address in addresses),
            *(f"tcp.port == {port}" for port in dict.fromkeys((attempt.client.port, attempt.server.port))),
        )
    )
    return f"(frame.number >= {first}{until} && {ends}) || {_numbered(key_frames)}"


def finding(target: Target, finding: Finding) -> str:
    """Return the filter that selects the frames which ``finding`` names, for it or against it.

    A finding that names none gets a filter for its target's port, the one that clients reach for it.
    """
    named = {frame for item in (*finding.evidence, *finding.against) for frame in item.frames}
    return _numbered(named) if named else f"tcp.port == {target.wrapped}"


def _numbered(frames: Iterable[int]) -> str:
    numbers = sorted(frames)
    if len(numbers) == 1:
        return f"frame.number == {numbers[0]}"
    parts: list[str] = []
    for first, last in _runs(numbers):
        if last - first + 1 >= _SHORTEST_RANGE:
            parts.append(f"{first}..{last}")
        else:
            parts.extend(str(number) for number in range(first, last + 1))
    return f"frame.number in {{{', '.join(parts)}}}"


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of consecutive ``numbers``, which are sorted."""
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
