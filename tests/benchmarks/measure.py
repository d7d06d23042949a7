"""Run commands in interleaved rounds, and take time and memory from the kernel's own account."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

SAMPLE_SECONDS = 0.005
KILOBYTE = 1024


@dataclass(frozen=True)
class Run:
    """One child, from start to end."""

    wall: float
    user: float
    system: float
    peak: int
    """Peak resident memory in bytes."""

    status: int
    error: str
    """The last line of standard error."""


@dataclass(frozen=True)
class Job:
    """One contender on one input."""

    contender: str
    command: list[str]
    env: Mapping[str, str]


@dataclass
class Series:
    """The counted runs of one job."""

    job: Job
    floor_peak: int = 0
    """Peak memory sampled in the warm-up."""

    runs: list[Run] = field(default_factory=list)
    failure: str = ""

    @property
    def wall(self) -> float:
        """Median wall time."""
        return median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """Median of user and system time together."""
        return median(run.user + run.system for run in self.runs)

    @property
    def user(self) -> float:
        """Median user time."""
        return median(run.user for run in self.runs)

    @property
    def system(self) -> float:
        """Median system time."""
        return median(run.system for run in self.runs)

    @property
    def peak(self) -> int:
        """Highest resident memory of any run; 0 when it cannot be told.

        Linux carries the size of the process that forked over into the child's figure, so one no
        larger than ourselves says nothing: then the sample taken in the warm-up counts.
        """
        counted = max(run.peak for run in self.runs)
        return counted if counted > own_peak() * 1.1 else self.floor_peak


def own_peak() -> int:
    """Peak resident memory of this process, in bytes."""
    return _high_water("self")


def run(command: list[str], env: Mapping[str, str], timeout: float, *, sample: bool) -> Run:
    """Run one command, output thrown away, and account for it.

    With ``sample`` its peak memory is read as it runs; that disturbs it a little, so never in a
    counted run.
    """
    with TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **env},
        )
        peak = 0
        watch = os.pidfd_open(child.pid)
        try:
            while not select.select([watch], [], [], SAMPLE_SECONDS if sample else timeout)[0]:
                if time.perf_counter() - start >= timeout:
                    child.kill()
                if sample:
                    peak = max(peak, _high_water(str(child.pid)))
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
        finally:
            os.close(watch)
            if child.returncode is None:
                child.kill()
                child.wait()
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    late = f"stopped after {timeout:g} s" if wall >= timeout else ""
    return Run(
        wall=wall,
        user=usage.ru_utime,
        system=usage.ru_stime,
        peak=peak if sample else usage.ru_maxrss * KILOBYTE,
        status=child.returncode,
        error=late or (lines[-1] if lines else ""),
    )


def race(jobs: list[Job], rounds: int, timeout: float, say: Callable[[str], None]) -> list[Series]:
    """Run each job once uncounted, then all of them in turn, round after round."""
    table = [Series(job) for job in jobs]
    _forget_peak()
    for number in range(rounds + 1):
        for series in table:
            if series.failure:
                continue
            job = series.job
            try:
                done = run(job.command, job.env, timeout, sample=number == 0)
            except OSError as error:
                series.failure = str(error)
                continue
            if done.status != 0:
                series.failure = f"status {done.status}: {done.error}"
                say(f"  {job.contender}: {series.failure}")
            elif number == 0:
                series.floor_peak = done.peak
            else:
                series.runs.append(done)
                cpu = done.user + done.system
                say(f"  {number}/{rounds} {job.contender}: {done.wall:.3f} s, CPU {cpu:.3f} s")
    return table


def _forget_peak() -> None:
    """Lower our own peak to what we hold now: making the inputs took far more."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _high_water(pid: str) -> int:
    """Peak resident memory of a live process, in bytes; 0 when it has none (any more)."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * KILOBYTE if found else 0
