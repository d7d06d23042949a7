#!/usr/bin/env python
"""Compare the compiled and the interpreted engine on captures: all they say must be equal.

    python tests/tools/compare_engines.py PATH...

Each PATH is a capture or a folder of captures. Each engine runs in a process of its own, with
``SYNSCOPE_ENGINE`` set, and digests every attempt, group and count of every file. Prints the files whose
digests differ and how many agree; exits 1 when any differs, 2 when an engine is not there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

MODES = ("compiled", "interpreted")
_WORKER = "--digest"


class EngineMissingError(Exception):
    """One of the engines cannot be run here."""


def digests(mode: str, paths: Sequence[Path]) -> dict[str, str]:
    """Digest of each file by one engine. Raises ``EngineMissingError`` where that engine is not there."""
    done = subprocess.run(
        [sys.executable, __file__, _WORKER],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        check=False,
        env={**os.environ, "SYNSCOPE_ENGINE": mode},
        text=True,
    )
    if done.returncode:
        raise EngineMissingError(done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def compare(paths: Sequence[Path]) -> list[str]:
    """The files about which the engines differ."""
    compiled, interpreted = (digests(mode, paths) for mode in MODES)
    return [path for path in compiled if compiled[path] != interpreted[path]]


def digest(path: str) -> str:
    """A digest of all that the engine in this process says about a capture."""
    found = hashlib.sha256()
    for line in _said(path):
        found.update(line.encode() + b"\n")
    return found.hexdigest()


def _said(path: str) -> Iterator[str]:
    # Imported here: only the worker processes have chosen their engine.
    from synscope.capture.read.byte_sources import open_source
    from synscope.capture.read.capture_reader import CaptureReader
    from synscope.capture.source import CaptureError
    from synscope.engine.follower import Follower
    from synscope.model import Attempt

    attempts: list[Attempt] = []
    follower = Follower(on_attempt=attempts.append)
    try:
        source = open_source(path)
    except CaptureError as error:
        yield repr(error)
        return
    reader = CaptureReader(source, path)
    follower.tracker.odd_times = reader.odd_times
    try:
        for data, batch in reader.batches():
            follower.feed(data, batch)
    except CaptureError as error:
        yield repr(error)
    finally:
        source.close()
    for group in follower.tracker.finish():
        yield repr((group.server, group.label, group.outcome, group.recovered, group.count))
        yield repr((group.first_ts_ns, group.last_ts_ns, [example.id for example in group.examples]))
    for attempt in attempts:
        for name in attempt.__slots__:
            value = getattr(attempt, name)
            yield repr((name, sorted(value) if isinstance(value, frozenset) else value))
    tracker = follower.tracker
    yield repr((tracker.strays, tracker.duplicates, tracker.aggregated, tracker.orphans()))
    yield repr((follower.frames, follower.segments, follower.undecoded()))
    yield repr(
        (reader.format, reader.linktypes, reader.cut, reader.snapped, reader.odd_times, reader.dropped)
    )


def _work() -> None:
    print(json.dumps({path: digest(path) for path in json.load(sys.stdin)}))


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Compare the engines; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="captures or folders of captures")
    files = _files(parser.parse_args(arguments).paths)
    try:
        different = compare(files)
    except EngineMissingError as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 2
    for path in different:
        print(f"DIFFERENT {path}")
    print(f"{len(files) - len(different)} of {len(files)} captures: both engines agree on every attempt")
    return int(bool(different))


if __name__ == "__main__":
    if sys.argv[1:] == [_WORKER]:
        _work()
    else:
        sys.exit(main())
