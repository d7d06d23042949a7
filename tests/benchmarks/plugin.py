"""What the pytest plugin adds to a start of pytest.

One empty test in a folder of its own, run with the plugin and with the plugin blocked, in turn, round after round.
And in starts that are not counted among those: what importing it takes, in pytest's way.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .measure import Job, Run, Series, race

BEGIN = "<!-- plugin: begin -->"
END = "<!-- plugin: end -->"
KEY = "plugin"
NAME = "synscope.pytest_plugin"
TIMEOUT = 60.0
BAR_MS = 10
STARTS_A_ROUND = 4
"""A start takes tenths of a second, and what is looked for is a hundredth: it wants more rounds than a capture."""

PROBE = f"""
import json, sys, time
from importlib import metadata
import pytest

taken = []
load = metadata.EntryPoint.load

def timed(point):
    began = time.perf_counter()
    loaded = load(point)
    if point.name == "{NAME}":
        taken.append(time.perf_counter() - began)
    return loaded

metadata.EntryPoint.load = timed
pytest.main(sys.argv[1:])
if not taken:
    sys.exit("synscope is not installed there, so that pytest does not know the plugin")
distribution = metadata.distribution("synscope")
began = time.perf_counter()
files = len(distribution.files)
print()
print(json.dumps([*taken, time.perf_counter() - began, files, pytest.__version__]))
"""
"""A start of pytest that tells how long it took to import the plugin, in pytest's way: with asserts rewritten."""

ENVIRONMENT = {
    "PYTEST_ADDOPTS": "",
    "PYTEST_PLUGINS": "",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "",
    "PYTHONDONTWRITEBYTECODE": "",  # else everything that pytest rewrites is compiled anew at each start
}


class CannotMeasureError(Exception):
    """pytest does not start with the plugin here; the message says why."""


@dataclass(frozen=True)
class Probe:
    """What one process of its own tells."""

    imported: float
    """Seconds in which pytest imports the plugin."""

    listed: float
    """Seconds to read the list of the files of synscope's installation."""

    files: int
    pytest: str


@dataclass(frozen=True)
class Measured:
    """All that was measured; the runs of a round have the same place in both series."""

    loaded: Series
    blocked: Series
    probes: list[Probe]

    def added(self, of: Callable[[Run], float]) -> float:
        """Median over the rounds of what a start takes more with the plugin."""
        return median(
            of(one) - of(other) for one, other in zip(self.loaded.runs, self.blocked.runs, strict=True)
        )

    @property
    def imported(self) -> float:
        """Median of the seconds to import the plugin."""
        return median(one.imported for one in self.probes)


def measure(python: Path, rounds: int, say: Callable[[str], None]) -> Measured:
    """Start pytest of that Python over and over. Raises ``CannotMeasureError``."""
    starts = rounds * STARTS_A_ROUND
    say(f"pytest plugin: {starts} rounds")
    with TemporaryDirectory(prefix="synscope-bench-") as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        (Path(folder) / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        arguments = ["-q", "-p", "no:cacheprovider", folder]
        probes = [_probe([str(python), "-c", PROBE, *arguments]) for _ in range(starts + 1)][1:]
        start = [str(python), "-m", "pytest", *arguments]
        jobs = [Job("loaded", start, ENVIRONMENT), Job("blocked", [*start, "-p", f"no:{NAME}"], ENVIRONMENT)]
        loaded, blocked = race(jobs, starts, TIMEOUT, lambda _: None)
    for series in (loaded, blocked):
        if series.failure:
            raise CannotMeasureError(f"pytest, plugin {series.job.contender}: {series.failure}")
    return Measured(loaded, blocked, probes)


def as_markdown(measured: Measured, system: dict[str, str]) -> str:
    """Write out the table, what it means and the machine."""
    probe = measured.probes[0]
    imported = [one.imported for one in measured.probes]
    listed = median(one.listed for one in measured.probes)
    lines = [
        f"Medians of {len(measured.probes)} interleaved rounds after one uncounted warm-up; pytest {probe.pytest}, "
        f"one empty test. The import alone is timed in {len(imported)} other starts.",
        "",
        "| Start of pytest | Wall ms (min–max) | CPU ms |",
        "|---|--:|--:|",
        _row("with the plugin", measured.loaded),
        _row(f"without (`-p no:{NAME}`)", measured.blocked),
        f"| difference, round by round | {_ms(measured.added(_wall))} | {_ms(measured.added(_cpu))} |",
        f"| importing the plugin alone | {_ms(measured.imported)} ({_ms(min(imported))}–{_ms(max(imported))}) | – |",
        "",
        "pytest also reads the list of files of each installation that has a plugin, blocked or not: "
        f"{probe.files} files of synscope in {_ms(listed)} ms.",
        "",
        f"- importing the plugin takes less than {BAR_MS} ms: "
        f"{'yes' if measured.imported * 1000 < BAR_MS else 'no'}",
        "",
        *(f"- {name}: {value}" for name, value in system.items()),
    ]
    return "\n".join(lines) + "\n"


def as_json(measured: Measured) -> dict[str, object]:
    """Every run, for a JSON file."""
    return {
        "loaded": [vars(one) for one in measured.loaded.runs],
        "blocked": [vars(one) for one in measured.blocked.runs],
        "probes": [vars(one) for one in measured.probes],
    }


def _probe(command: list[str]) -> Probe:
    environment = {**os.environ, **ENVIRONMENT}
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, env=environment, text=True, timeout=TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotMeasureError(str(error)) from error
    if done.returncode:
        raise CannotMeasureError(f"{command[0]}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return Probe(*json.loads(done.stdout.splitlines()[-1]))


def _row(name: str, series: Series) -> str:
    walls = [run.wall for run in series.runs]
    return f"| {name} | {_ms(series.wall)} ({_ms(min(walls))}–{_ms(max(walls))}) | {_ms(series.cpu)} |"


def _wall(run: Run) -> float:
    return run.wall


def _cpu(run: Run) -> float:
    return run.user + run.system


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
