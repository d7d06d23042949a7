"""Capturing live under load: what each capturing program loses, takes, and does to the load.

One namespace of our own, one nginx, one wrk opening a connection for each request; the contenders in turn, round
after round, each round in another order.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .record import NGINX_CONF, PORT, CannotRecordError, namespace, number, running

BEGIN = "<!-- live: begin -->"
END = "<!-- live: end -->"
TOOLS = ("ip", "nginx", "wrk")
US = "synscope"
NOTHING = "nothing"
TCPDUMP = "tcpdump"
FILTER = f"tcp port {PORT}"
CONNECTIONS = 50
IN_FLIGHT = CONNECTIONS + 1
"""Attempts that wrk does not count: what it breaks off at its end, and one it makes first to see who is there."""
REPORT = "{report}"
HERE = Path(__file__).parent

# What is aimed at: see ``verdicts``.
CPU_BAR = 0.25
LOAD_BAR = 0.95


@dataclass(frozen=True)
class Capturer:
    """A program that captures while the load runs; no command captures nothing."""

    key: str
    does: str
    argv: tuple[str, ...] = ()
    ready: str = ""
    """What its output holds once it captures."""

    counts: Callable[[str, Path], tuple[int, int, int | None]] = lambda *_: (0, 0, None)
    """From its output and its report: frames received, frames lost, attempts."""

    def missing(self) -> str | None:
        """Say what is not installed, or ``None``."""
        if self.argv and shutil.which(self.argv[0]) is None:
            return f"{self.argv[0]} is not installed"
        return None


@dataclass(frozen=True)
class Measured:
    """One capturer in one round."""

    requests: int
    seconds: float
    cpu: float
    """Share of one core while the load ran."""

    received: int = 0
    lost: int = 0
    attempts: int | None = None


@dataclass
class Row:
    """The rounds of one capturer."""

    capturer: Capturer
    rounds: list[Measured] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median of requests a second."""
        return median(one.requests / one.seconds for one in self.rounds)

    @property
    def cpu(self) -> float:
        """Median share of one core."""
        return median(one.cpu for one in self.rounds)

    @property
    def received(self) -> float:
        """Median of frames received."""
        return median(one.received for one in self.rounds)

    @property
    def lost(self) -> float:
        """Median of frames lost."""
        return median(one.lost for one in self.rounds)

    @property
    def surplus(self) -> list[int]:
        """Attempts counted beyond the requests answered, round by round; what was in flight is counted too."""
        return [one.attempts - one.requests for one in self.rounds if one.attempts is not None]


def capturers(synscope: str) -> list[Capturer]:
    """Everyone, from who does nothing on."""
    return [
        Capturer(NOTHING, "no capture"),
        Capturer(
            US,
            "labels every attempt",
            (synscope, "live", "-p", str(PORT), "--format", "json", "--output", REPORT),
            "capturing on",
            _ours,
        ),
        Capturer(
            TCPDUMP,
            "writes the packets to `/dev/null`",
            (TCPDUMP, "-i", "lo", "-w", "/dev/null", FILTER),
            "listening on",
            _tcpdump,
        ),
        Capturer(
            "dumpcap",
            "writes the packets to `/dev/null`",
            ("dumpcap", "-q", "-i", "lo", "-w", "/dev/null", "-f", FILTER),
            "File:",
            _dumpcap,
        ),
        Capturer(
            "scapy.sniff",
            "dissects and counts the packets, of which it sees two copies each",
            (sys.executable, str(HERE / "live_scapy.py"), FILTER),
            "listening",
            _scapy,
        ),
    ]


def obstacle() -> str | None:
    """Say what keeps us from measuring, or ``None``."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return "missing: " + ", ".join(missing)
    if os.geteuid() != 0:
        return "capturing in a namespace of our own needs root"
    return None


def measure(everyone: list[Capturer], rounds: int, seconds: int, say: Callable[[str], None]) -> list[Row]:
    """Run every capturer beside the load, round after round. Raises ``CannotRecordError``."""
    reason = obstacle()
    if reason:
        raise CannotRecordError(reason)
    rows = [Row(one) for one in everyone]
    with TemporaryDirectory(prefix="synscope-bench-") as name, namespace() as inside:
        folder = Path(name)
        (folder / "index.html").write_text("hello\n")
        conf = folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=PORT))
        nginx = [*inside, "nginx", "-e", "stderr", "-c", str(conf)]
        with running(nginx, folder / "nginx.log", signal.SIGTERM, folder / "nginx.pid", ""):
            _load(inside, 1)
            for turn in range(rounds):
                for row in rows[turn % len(rows) :] + rows[: turn % len(rows)]:
                    one = _measure(row.capturer, inside, folder, seconds)
                    row.rounds.append(one)
                    say(
                        f"  {turn + 1}/{rounds} {row.capturer.key}: {one.requests / one.seconds:,.0f} requests/s, "
                        f"{one.received:,} frames, {one.lost:,} lost, {one.cpu:.0%} CPU"
                    )
    return rows


def _measure(capturer: Capturer, inside: list[str], folder: Path, seconds: int) -> Measured:
    if not capturer.argv:
        requests, took, _ = _load(inside, seconds)
        return Measured(requests, took, 0.0)
    log, report = folder / "capture.log", folder / "report.json"
    log.unlink(missing_ok=True)
    argv = [*inside, *(str(report) if word == REPORT else word for word in capturer.argv)]
    with running(argv, log, signal.SIGINT, log, capturer.ready) as child:
        requests, took, cpu = _load(inside, seconds, child.pid)
        time.sleep(1)  # the last packets leave the buffers
    received, lost, attempts = capturer.counts(log.read_text(errors="replace"), report)
    return Measured(requests, took, cpu, received, lost, attempts)


def _load(inside: list[str], seconds: int, watched: int | None = None) -> tuple[int, float, float]:
    """Run wrk; return requests answered, seconds taken, and the watched program's share of a core meanwhile."""
    wrk = [*inside, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", "Connection: close"]
    before, began = _cpu_seconds(watched), time.monotonic()
    done = subprocess.run([*wrk, f"http://127.0.0.1:{PORT}/"], capture_output=True, text=True, check=False)
    cpu = (_cpu_seconds(watched) - before) / (time.monotonic() - began)
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", done.stdout)
    if done.returncode or not found:
        raise CannotRecordError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    took = float(found[2]) * {"ms": 0.001, "s": 1, "m": 60}[found[3]]
    return int(found[1]), took, cpu


def _cpu_seconds(pid: int | None) -> float:
    """User and system time of a process and its children that run; 0 without one."""
    if pid is None:
        return 0.0
    ticks = 0
    for one in _family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))


# -- what each one says at its end ----------------------------------------------------------------------------


def _ours(_: str, report: Path) -> tuple[int, int, int | None]:
    (capture,) = json.loads(report.read_text(encoding="utf-8"))["captures"]
    health = capture["health"]
    (target,) = capture["targets"]
    return health["received"], health["dropped"], sum(target["outcomes"].values())


def _tcpdump(log: str, _: Path) -> tuple[int, int, int | None]:
    return number(r"(\d+) packets captured", log), number(r"(\d+) packets dropped by kernel", log), None


def _dumpcap(log: str, _: Path) -> tuple[int, int, int | None]:
    pattern = r"Packets received/dropped on interface '?.*?'?: (\d+)/(\d+)"
    found = re.search(pattern, log)
    if not found:
        raise CannotRecordError(f"dumpcap did not say {pattern!r}: {log.strip()}")
    return int(found[1]), int(found[2]), None


def _scapy(log: str, _: Path) -> tuple[int, int, int | None]:
    return number(r"(\d+) frames, \d+ lost", log), number(r"\d+ frames, (\d+) lost", log), None


# -- the table ------------------------------------------------------------------------------------------------


def as_markdown(rows: list[Row], seconds: int, system: dict[str, str], missing: dict[str, str]) -> str:
    """Write out the table, the bars and the machine."""
    by_key = {row.capturer.key: row for row in rows}
    base = by_key.get(TCPDUMP)
    lines = [
        f"Medians of {len(rows[0].rounds)} interleaved rounds of {seconds} s: nginx with two workers, "
        f"`wrk -t1 -c{CONNECTIONS}` with a new connection for each request, on the loopback of a namespace of "
        "its own. *CPU* is user plus system time of the capturing program, its helper included, as a share of one "
        "core; what the kernel does to capture is charged to the load, and shows in its rate.",
        "",
        "| Capture | Requests/s | ÷ tcpdump's | Frames received | Frames lost | CPU |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        ratio = f"{row.rate / base.rate:.2f}" if base else "–"
        counts = (
            f"{row.received:,.0f} | {row.lost:,.0f} | {row.cpu:.1%}" if row.capturer.argv else "– | – | –"
        )
        lines.append(f"| {row.capturer.key} | {row.rate:,.0f} | {ratio} | {counts} |")
    lines += [
        "",
        *(f"- **{row.capturer.key}**: {row.capturer.does}" for row in rows if row.capturer.argv),
        "",
    ]
    lines += [f"- {text}: {'yes' if held else 'no'}" for text, held in verdicts(by_key)]
    lines += ["", *(f"- {name}: {value}" for name, value in system.items())]
    lines += [f"- not measured: {name}, {reason}" for name, reason in missing.items()]
    return "\n".join(lines) + "\n"


def verdicts(by_key: dict[str, Row]) -> list[tuple[str, bool]]:
    """Say what is aimed at, and whether it was reached."""
    ours, base = by_key.get(US), by_key.get(TCPDUMP)
    if ours is None:
        return []
    surplus = ours.surplus
    found = [
        ("synscope lost no frame in any round", not any(one.lost for one in ours.rounds)),
        (
            f"synscope counted an attempt for each request, and {min(surplus)} to {max(surplus)} more "
            f"(wrk leaves up to {IN_FLIGHT} of its own uncounted)",
            all(0 <= one <= IN_FLIGHT for one in surplus),
        ),
        (f"synscope took at most {CPU_BAR:.0%} of a core", ours.cpu <= CPU_BAR),
    ]
    if base is not None:
        found.append(
            (
                f"the load ran at {LOAD_BAR} × of its rate beside tcpdump or more",
                ours.rate >= LOAD_BAR * base.rate,
            )
        )
    return found


def as_json(rows: list[Row]) -> dict[str, object]:
    """Every round, for a JSON file."""
    return {row.capturer.key: [vars(one) for one in row.rounds] for row in rows}
