"""The results as JSON, and as the Markdown that the performance page shows."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .contenders import US, Contender
from .flood import ATTEMPTS
from .inputs import Input
from .measure import Series

BEGIN = "<!-- benchmark: begin -->"
END = "<!-- benchmark: end -->"


@dataclass(frozen=True)
class Result:
    """Every contender on one input."""

    input: Input
    series: list[Series]
    counted: int | None = None
    """Of a flood: how many attempts the report counts."""

    def ours(self) -> Series | None:
        """Find the series the others are compared with."""
        for series in self.series:
            if series.job.contender == US and _counted(series):
                return series
        return None


@dataclass
class Report:
    """All that one run of the benchmark found."""

    system: dict[str, str]
    versions: dict[str, str]
    rounds: int
    tables: dict[str, list[Result]]
    missing: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Everything, each counted run included, for a JSON file."""
        return {
            "system": self.system,
            "versions": self.versions,
            "rounds": self.rounds,
            "missing": self.missing,
            "tables": {
                title: [_result_json(result) for result in results] for title, results in self.tables.items()
            },
        }

    def as_markdown(self, contenders: Sequence[Contender]) -> str:
        """Write out the tables, the machine and the versions."""
        does = {contender.key: contender.does for contender in contenders}
        limits = {c.key: c.limit for c in contenders if c.limit is not None}
        lines = [
            f"Medians of {self.rounds} interleaved rounds after one uncounted warm-up, page cache "
            "warm, output discarded. *Time ÷ synscope* is a contender's wall time over that of "
            "`synscope` (compiled) on the same input, *CPU ÷ synscope* the same for user plus "
            "system time: above 1 is slower than synscope.",
            "",
        ]
        for title, results in self.tables.items():
            lines += [
                f"### {title}",
                "",
                *(_floods(results) if _are_floods(results) else _table(results)),
                "",
            ]
        present = [key for key in does if key in self.versions]
        lines += ["### What each one does", ""]
        lines += [f"- **{key}** ({self.versions[key]}): {does[key]}" for key in present]
        slow = [key for key in present if key in limits]
        if slow:
            lines += [
                "",
                f"Slow ones ({', '.join(slow)}) run only on inputs of at most "
                f"{max(limits[key] for key in slow):,} packets; compare them by packets/s, and "
                "note that start-up weighs more on a small input.",
            ]
        lines += ["", "### Machine", ""]
        lines += [f"- {name}: {value}" for name, value in self.system.items()]
        if self.missing:
            lines += ["", "### Not measured", ""]
            lines += [f"- {name}: {reason}" for name, reason in self.missing.items()]
        return "\n".join(lines) + "\n"


def write_page(page: Path, body: str, begin_mark: str = BEGIN, end_mark: str = END) -> None:
    """Put the tables between the markers of the page."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise ValueError(f"{page}: no {begin_mark} … {end_mark}")
    page.write_text(f"{before}{begin_mark}\n\n{body}\n{end_mark}{after}", encoding="utf-8")


def system_facts() -> dict[str, str]:
    """Name the hardware, the kernel and the Python."""
    cpuinfo = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return {
        "CPU": model[1] if model else platform.processor() or platform.machine(),
        "Cores": str(len(os.sched_getaffinity(0))),
        "Memory": f"{int(memory[1]) / 1024**2:.1f} GiB" if memory else "unknown",
        "Kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Date": datetime.now(UTC).date().isoformat(),
        "Load average before the run": load,
    }


def _table(results: list[Result]) -> list[str]:
    rows = [
        "| Input | Packets | Contender | Wall s (min–max) | CPU s | Packets/s | Peak MiB "
        "| Time ÷ synscope | CPU ÷ synscope |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        ours = result.ours()
        for series in result.series:
            if not _counted(series):
                continue
            walls = [run.wall for run in series.runs]
            wall = f"{series.wall / ours.wall:.2f}" if ours else "–"
            cpu = f"{series.cpu / ours.cpu:.2f}" if ours and ours.cpu else "–"
            peak = f"{series.peak / 1024**2:.1f}" if series.peak else "–"
            rows.append(
                f"| {result.input.name} | {result.input.packets:,} | {series.job.contender} "
                f"| {series.wall:.3f} ({min(walls):.3f}–{max(walls):.3f}) | {series.cpu:.3f} "
                f"| {result.input.packets / series.wall:,.0f} "
                f"| {peak} | {wall} | {cpu} |"
            )
    return rows


def _are_floods(results: list[Result]) -> bool:
    return any(result.counted is not None for result in results)


def _floods(results: list[Result]) -> list[str]:
    rows = [
        f"{ATTEMPTS:,} SYNs, each an attempt of its own; in the late kind a tenth of the sources send more in the "
        "end.",
        "",
        "| Input | Packets | Attempts counted | Wall s | Peak MiB |",
        "|---|--:|--:|--:|--:|",
    ]
    rows += [
        f"| {result.input.name} | {result.input.packets:,} | {result.counted:,} | {ours.wall:.3f} "
        f"| {ours.peak / 1024**2:.1f} |"
        for result in results
        if (ours := result.ours())
    ]
    return rows


def _counted(series: Series) -> bool:
    return bool(series.runs) and not series.failure


def _result_json(result: Result) -> Mapping[str, Any]:
    ours = result.ours()
    return {
        "input": vars(result.input),
        "attempts_counted": result.counted,
        "contenders": [
            {
                "contender": series.job.contender,
                "command": series.job.command,
                "env": dict(series.job.env),
                "failure": series.failure or None,
                "runs": [vars(run) for run in series.runs],
            }
            | (_medians(result, series, ours) if _counted(series) else {})
            for series in result.series
        ],
    }


def _medians(result: Result, series: Series, ours: Series | None) -> dict[str, float | None]:
    return {
        "wall": series.wall,
        "user": series.user,
        "system": series.system,
        "packets_per_second": result.input.packets / series.wall,
        "peak_bytes": series.peak or None,
        "time_over_synscope": series.wall / ours.wall if ours else None,
        "cpu_over_synscope": series.cpu / ours.cpu if ours and ours.cpu else None,
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
