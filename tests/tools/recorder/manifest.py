"""Looks at each finished capture with tshark; writes manifest.json and README.md."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recorder.stage import StageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from recorder.model import Expected, Scenario

FIELDS = (
    "frame.number", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport",
    "tcp.flags", "tcp.seq_raw", "tcp.len", "frame.time_epoch", "frame.protocols",
)  # fmt: skip
FLAG_FIN, FLAG_SYN, FLAG_RST, FLAG_ACK = 0x01, 0x02, 0x04, 0x10
DUPLICATE_S = 0.001
"""The same segment again within a millisecond is a duplicate, not a retransmission."""

End = tuple[str, int]
Entry = dict[str, Any]
"""One object of manifest.json."""


@dataclass(frozen=True)
class Seen:
    """One TCP segment as tshark sees it."""

    frame: int
    source: End
    target: End
    flags: int
    seq: int
    length: int
    time_s: float

    @property
    def opens(self) -> bool:
        """A SYN without ACK."""
        return self.flags & (FLAG_SYN | FLAG_ACK) == FLAG_SYN


def segments(path: Path) -> list[Seen]:
    """Return the capture's TCP segments in file order; quotes inside ICMP are left out.

    Of nested headers the innermost counts.
    """
    command = ["tshark", "-n", "-r", str(path), "-o", "ip.defragment:FALSE", "-T", "fields"]
    command += ["-Y", "tcp.flags and not icmp and not icmpv6", "-E", "separator=|", "-E", "occurrence=l"]
    for name in FIELDS:
        command += ["-e", name]
    # tshark also fails on a file that ends in mid-record, after printing what it could read.
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0 and "cut short" not in done.stderr:
        msg = f"{path.name}: {done.stderr.strip()}"
        raise StageError(msg)
    return [_seen(line.split("|")) for line in done.stdout.splitlines()]


def _seen(cells: Sequence[str]) -> Seen:
    frame, src4, src6, sport, dst4, dst6, dport, flags, seq, length, time, protocols = cells
    layers = protocols.split(":")
    is_ipv6 = "ipv6" in layers and "ip" not in layers[layers.index("ipv6") :]
    addresses = (src6, dst6) if is_ipv6 else (src4, dst4)
    source, target = (addresses[0], int(sport)), (addresses[1], int(dport))
    return Seen(int(frame), source, target, int(flags, 16), int(seq), int(length or 0), float(time or 0))


def _own(seen: Iterable[Seen], expected: Expected) -> list[Seen]:
    ends = (expected.client, expected.server)
    return [s for s in seen if (s.source, s.target) in (ends, ends[::-1])]


def _openings(own: Sequence[Seen], client: End) -> list[Seen]:
    found: list[Seen] = []
    for segment in own:
        if not segment.opens or segment.source != client:
            continue
        last = found[-1] if found else None
        if last and last.seq == segment.seq and segment.time_s - last.time_s < DUPLICATE_S:
            continue
        found.append(segment)
    return found


def attempt_entries(scenario: Scenario, seen: Sequence[Seen]) -> list[Entry]:
    """Fill in frame and SYN count of each expected attempt; refuse what contradicts it.

    Several attempts of one 4-tuple are told apart by the client's ISN.
    """
    entries: list[Entry] = []
    tuples = [(e.client, e.server) for e in scenario.expected]
    for index, expected in enumerate(scenario.expected):
        own = _own(seen, expected)
        if not own:
            msg = f"{scenario.name}: no frame of {expected}"
            raise StageError(msg)
        opening = _openings(own, expected.client)
        same = tuples.count(tuples[index])
        if same > 1:
            nth = tuples[:index].count(tuples[index])
            starts = [s.frame for i, s in enumerate(opening) if not i or s.seq != opening[i - 1].seq]
            if len(starts) != same:
                msg = f"{scenario.name}: {len(starts)} ISNs, {same} attempts"
                raise StageError(msg)
            end = starts[nth + 1] if nth + 1 < same else sys.maxsize
            own = [s for s in own if starts[nth] <= s.frame < end]
            opening = _openings(own, expected.client)
        low, high = expected.syns
        if not low <= len(opening) <= high:
            msg = f"{scenario.name}: {len(opening)} SYNs of {expected}"
            raise StageError(msg)
        if not fits(expected, own):
            msg = f"{scenario.name}: the capture contradicts {expected.outcome}"
            raise StageError(msg)
        entries.append(
            {
                "client": list(expected.client),
                "server": list(expected.server),
                "label": expected.label,
                "outcome": expected.outcome,
                "syn_count": len(opening),
                "frame": own[0].frame,
            }
        )
    return sorted(entries, key=lambda entry: int(entry["frame"]))


def fits(expected: Expected, own: Sequence[Seen]) -> bool:
    """Whether the attempt's segments allow the outcome: necessary conditions only.

    They keep a failed recording from becoming a fixture; numbers are not checked.
    """
    if expected.client == expected.server:
        return True
    client = [s for s in own if s.source == expected.client]
    server = [s for s in own if s.source == expected.server]
    shook = any(s.flags & FLAG_SYN and s.flags & FLAG_ACK for s in own)
    synced = next((s.frame for s in own if s.flags & FLAG_SYN and s.flags & FLAG_ACK), 0)

    def frames(side: Sequence[Seen], flag: int) -> list[int]:
        return [s.frame for s in side if s.flags & flag and s.frame > synced]

    def has(side: Sequence[Seen], flag: int) -> bool:
        return bool(frames(side, flag))

    # When both have closed, nothing is left to reset.
    over = max(min(frames(side, FLAG_FIN), default=sys.maxsize) for side in (client, server))
    asked, told = (sum(s.length for s in side) > 0 for side in (client, server))
    reset_c, reset_s = (min(frames(side, FLAG_RST), default=over) < over for side in (client, server))
    reset, fins = reset_c or reset_s, has(client, FLAG_FIN) + has(server, FLAG_FIN)
    acked = has(client, FLAG_ACK)
    open_or_inferred = has(client, FLAG_ACK) and bool(server) and not reset
    conditions = {
        "unanswered": not server,
        "icmp-error": not server,
        "client-withdrew": not server and reset_c,
        "refused": reset_s and not shook,
        "refused-repeatedly": reset_s and not shook,
        "reset-by-server-early": reset_s and shook and not told,
        "reset-by-server": reset_s and shook and told,
        "reset-by-client": reset_c and shook and not reset_s,
        "silent": open_or_inferred and not asked and not told,
        "server-silent": open_or_inferred and asked and not told,
        "closed": open_or_inferred and told and fins == len((client, server)),
        "still-open": open_or_inferred and told and fins == 0,
        "answered": open_or_inferred and told and fins == 1,
        "client-vanished": shook and not acked and not reset,
        "client-reset": shook and reset_c and not acked,
        "server-gave-up": shook and reset_s and not acked,
        "client-side-only": not server,
        "server-side-only": not client and shook,
        "challenge-ack": bool(server) and not shook and not reset,
        "unfitting-syn-ack": shook and not acked,
        "unfitting-rst": reset_s and not shook,
        "crossing-syn": any(s.opens for s in server) and not shook,
        "mid-stream": not any(s.flags & FLAG_SYN for s in own),
    }
    return conditions[expected.outcome]


def entry(scenario: Scenario, path: Path, kernel: str) -> Entry:
    """Return the manifest entry of a finished capture; ``path`` is the file, or its twin."""
    recorded = scenario.act is not None
    seen = segments(path)
    known = {end for e in scenario.expected for end in (e.client, e.server)}
    strangers = [s.frame for s in seen if s.source not in known or s.target not in known]
    if strangers:
        msg = f"{scenario.name}: frames {strangers} belong to no expected attempt"
        raise StageError(msg)
    return {
        "file": scenario.file_name,
        "origin": "recorded" if recorded else "crafted",
        "kernel": kernel if recorded else None,
        "story": scenario.story,
        "targets": list(scenario.target_labels),
        "target_labels": scenario.target_labels,
        "attempts": attempt_entries(scenario, seen),
        "cause": scenario.cause,
        "exit_status": scenario.status,
    }


INTRO = """\
# Captures with a known story

Written by `tests/tools/record_fixtures.py`; edit that, not this file.
`manifest.json` says for each capture what a reader must find: the label of each
target, every attempt with its first frame (counted from 1) and its number of SYNs,
the cause that was really set up (`null`: healthy, or none of the documented
causes), and the exit status of `synscope analyze FILE -p TARGETS`: 1 when a
target failed, 0 when none did or the capture shows too little to say.

*recorded*: frames of a real Linux kernel on the loopback of a network namespace.
When a story says "afterwards", frames of such a recording were removed or moved.
*crafted*: built with Scapy and `struct`, because no kernel here sends it on demand or
because only the file format matters.

## Record again

    python tests/tools/record_fixtures.py [--only NAME ...] [--out DIR]

`NAME` is the file name up to the first dot. It needs root, Linux, Scapy and the Debian packages
`iproute2 nftables tcpdump tshark curl nginx openssl zstd`. It makes its own network
namespaces, touches nothing outside them and removes them, also after a failure.
Source ports are fixed, so only times, sequence numbers and kernel versions change.

## What each one shows

| file | origin | story | targets | attempts | cause |
|---|---|---|---|---|---|
"""


def _row(item: Entry) -> str:
    labels, attempts = item["target_labels"], item["attempts"]
    outcomes = ", ".join(attempt["outcome"] for attempt in attempts) or "none"
    targets = ", ".join(f"{target}: {label}" for target, label in labels.items())
    cells = (f"`{item['file']}`", item["origin"], item["story"], targets, outcomes)
    return "| " + " | ".join(map(str, cells)) + f" | {item['cause'] or 'none'} |\n"


def write(directory: Path, entries: Sequence[Entry]) -> None:
    """Write manifest.json and README.md."""
    text = json.dumps(list(entries), indent=1, ensure_ascii=False)
    (directory / "manifest.json").write_text(text + "\n", encoding="utf-8")
    rows = "".join(map(_row, entries))
    (directory / "README.md").write_text(INTRO + rows, encoding="utf-8")
