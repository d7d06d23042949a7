#!/usr/bin/env python
"""Score synscope on a folder of captures whose attempts were labelled independently.

    python tests/tools/score_captures.py EXPECTED.jsonl FOLDER [--verbose] [--require SHARE] [--cli]

``EXPECTED.jsonl`` has one attempt a line: ``file`` (path below FOLDER), ``client`` and ``server``
([address, port]), ``first_ts_ns``, ``frame`` (its first), ``label``. A file counts as identical when every
attempt in it is found with its label and none is extra, so a scan of thousands weighs as much as one
refusal. Files with neither expected nor found attempts are left out. Prints the differences (a few a file;
all with ``--verbose``), crashes and the share; exits 1 when that is below ``--require`` or anything crashed.

With ``--cli`` the installed command also runs on every file, with a time limit: its exit status must be
0, 1 or 3, and nothing like a traceback may be on standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from synscope.analysis import analyze
from synscope.engine import MODE
from synscope.model import Attempt

TIME_LIMIT = 30
STATUSES = frozenset({0, 1, 3})
SHOWN = 6

Key = tuple[str, int, str, int, int]
"""Client address and port, server address and port, time stamp of the first frame."""


@dataclass(frozen=True)
class Labelled:
    """An attempt as expected or found: its label and first frame."""

    label: str
    frame: int


@dataclass
class Score:
    """How the files of a folder did."""

    identical: int = 0
    different: int = 0
    attempts: int = 0
    crashed: list[str] = field(default_factory=list)
    unreadable: int = 0

    @property
    def share(self) -> float:
        """Identical files of those that count."""
        counted = self.identical + self.different
        return self.identical / counted if counted else 1.0


def read_expected(path: Path) -> dict[str, dict[Key, list[Labelled]]]:
    """The expectations by file and key. Several attempts may share a key: their labels are a list."""
    found: dict[str, dict[Key, list[Labelled]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            key = (*entry["client"], *entry["server"], entry["first_ts_ns"])
            found[entry["file"]][key].append(Labelled(entry["label"], entry["frame"]))
    return found


def follow(path: Path) -> tuple[dict[Key, list[Labelled]], str | None]:
    """The attempts of a capture by key, and why it could not be read, if so."""
    attempts: list[Attempt] = []
    diagnosis = analyze(str(path), on_attempt=attempts.append)
    found: dict[Key, list[Labelled]] = defaultdict(list)
    for attempt in attempts:
        client, server = attempt.client, attempt.server
        key = (client.address, client.port, server.address, server.port, attempt.first_ts_ns)
        found[key].append(Labelled(attempt.label.value, attempt.frames.first))
    return found, diagnosis.health.error


def differences(expected: Mapping[Key, list[Labelled]], found: Mapping[Key, list[Labelled]]) -> Iterator[str]:
    """Each key whose labels differ, in words."""
    for key in sorted({*expected, *found}):
        wanted = sorted(attempt.label for attempt in expected.get(key, ()))
        got = sorted(attempt.label for attempt in found.get(key, ()))
        if wanted != got:
            client, client_port, server, server_port, _ = key
            frames = sorted({attempt.frame for attempt in (*expected.get(key, ()), *found.get(key, ()))})
            yield (
                f"frame {', '.join(map(str, frames))}: [{client}]:{client_port} to [{server}]:{server_port}: "
                f"expected {' and '.join(wanted) or 'nothing'}, found {' and '.join(got) or 'nothing'}"
            )


def score(expected: Mapping[str, Mapping[Key, list[Labelled]]], folder: Path, *, verbose: bool) -> Score:
    """Follow every file under ``folder`` and print what differs."""
    result = Score()
    for path in files_under(folder):
        name = path.relative_to(folder).as_posix()
        try:
            found, error = follow(path)
        except Exception:  # noqa: BLE001 - any crash is a result here
            result.crashed.append(name)
            print(f"CRASH {name}\n{traceback.format_exc()}")
            continue
        result.unreadable += error is not None
        wanted = expected.get(name, {})
        if not wanted and not found:
            continue
        result.attempts += sum(map(len, found.values()))
        wrong = list(differences(wanted, found))
        if not wrong:
            result.identical += 1
            continue
        result.different += 1
        print(name + (f" ({error})" if error else ""))
        shown = wrong if verbose else wrong[:SHOWN]
        print(*(f"    {line}" for line in shown), sep="\n")
        if len(wrong) > len(shown):
            print(f"    and {len(wrong) - len(shown)} more")
    for name in sorted({*expected} - {path.relative_to(folder).as_posix() for path in files_under(folder)}):
        result.different += 1
        print(f"{name}: expected, but not there")
    return result


def files_under(folder: Path) -> list[Path]:
    """Every file in a folder, at any depth, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def command() -> list[str]:
    """The installed command of this interpreter."""
    beside = shutil.which("synscope", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-m", "synscope"]


def run_command(path: Path) -> str | None:
    """Run the command on a capture; return what is wrong, if anything."""
    try:
        done = subprocess.run(
            [*command(), "analyze", "--format", "json", str(path)],
            capture_output=True,
            check=False,
            timeout=TIME_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {TIME_LIMIT} s"
    if done.returncode not in STATUSES:
        return f"exit status {done.returncode}: {done.stderr[-400:].decode(errors='replace')}"
    if b"Traceback" in done.stderr:
        return f"a traceback: {done.stderr[-400:].decode(errors='replace')}"
    return None


def check_command(paths: Iterable[Path], folder: Path) -> int:
    """Run the command on every file; print and count the failures."""
    failures = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        every = list(paths)
        for path, wrong in zip(every, pool.map(run_command, every), strict=True):
            if wrong:
                failures += 1
                print(f"COMMAND {path.relative_to(folder).as_posix()}: {wrong}")
    print(
        f"command: {len(every) - failures} of {len(every)} files end with status 0, 1 or 3 and no traceback"
    )
    return failures


def main(arguments: list[str] | None = None) -> int:
    """Score a folder; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("expected", type=Path, help="expectations, one JSON object a line")
    parser.add_argument("folder", type=Path, help="folder with the captures")
    parser.add_argument("--verbose", action="store_true", help="list every difference")
    parser.add_argument("--require", type=float, default=0.0, metavar="SHARE", help="exit 1 below this share")
    parser.add_argument("--cli", action="store_true", help="also run the installed command on each file")
    chosen = parser.parse_args(arguments)
    result = score(read_expected(chosen.expected), chosen.folder, verbose=chosen.verbose)
    print(
        f"{result.identical} files identical, {result.different} with differences: {result.share:.2%} "
        f"({result.attempts} attempts, {MODE} engine, {result.unreadable} unreadable, "
        f"{len(result.crashed)} crashed)"
    )
    failed = bool(result.crashed) or result.share < chosen.require
    if chosen.cli:
        failed |= bool(check_command(files_under(chosen.folder), chosen.folder))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
