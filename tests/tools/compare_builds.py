#!/usr/bin/env python
"""Compare two installations of synscope: what they say of captures, and what they promise, must be equal.

    python tests/tools/compare_builds.py BEFORE AFTER PATH...

BEFORE and AFTER are Python interpreters, each of an environment with its own synscope. Each PATH is a capture or a
folder of captures. Compared byte for byte: the report of every capture in every format, with the exit status and
what went to standard error; every explanation; the JSON Schema; the version of snapshots; ``synscope.__all__``.
Prints what differs and how much agrees; exits 1 when anything differs, 2 when an installation cannot be asked.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

FORMATS = (
    *("terminal", "markdown", "html", "json", "jsonl", "csv", "junit"),
    *("--verbose", "--quiet", "json --attempts all", "terminal --attempts all"),
)
"""Words after ``--format``, or an option alone."""

EXPLAINED = ("619009", "62893", "ECONNREFUSED", "SYN-RST", "bad port", "no such thing")

_WORKER = "--say"


class CannotAskError(Exception):
    """An installation does not run."""


def answers(python: str, paths: Sequence[Path]) -> dict[str, str]:
    """What one installation says: digests by the name of the question. Raises ``CannotAskError``."""
    done = subprocess.run(
        [python, "-P", __file__, _WORKER],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "SYNSCOPE_CONFIG": os.devnull, "COLUMNS": "80"},
    )
    if done.returncode:
        raise CannotAskError(f"{python}: {done.stderr.strip()[-2000:]}")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def compare(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The questions whose answers differ, or that only one of both answers."""
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


# -- inside the installation that is asked ------------------------------------------------------------


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _command(*arguments: str) -> list[str]:
    """Output, complaints and status of one command line, run in this process."""
    from synscope.cli.main import run

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(list(arguments))
    return [out.buffer.getvalue().decode(), err.buffer.getvalue().decode(), str(status)]


def _said(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    import synscope
    from synscope.causes.catalogue import CATALOGUE
    from synscope.report import schema

    yield "the names of the library", _digest(*synscope.__all__)
    yield "the JSON Schema", _digest(schema.text())
    out, *_ = _command("snapshot", "-p", "1", "--format", "json")
    yield "the version of snapshots", _digest(str(json.loads(out)["version"]))
    yield "the list of causes", _digest(*_command("causes"))
    for word in (*EXPLAINED, *(cause.code for cause in CATALOGUE)):
        for form in ("terminal", "json"):
            yield f"explain {word} {form}", _digest(*_command("explain", word, "--format", form))
    for path in paths:
        for words in FORMATS:
            chosen = words.split() if words.startswith("--") else ["--format", *words.split()]
            yield f"{path} {words}", _digest(*_command("analyze", path, *chosen))


def _work() -> None:
    print(json.dumps(dict(_said(json.load(sys.stdin)))))


# -- the comparison -----------------------------------------------------------------------------------


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return found


def main() -> int:
    """Compare; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", help="a Python interpreter")
    parser.add_argument("after", help="another one")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="captures or folders of them")
    options = parser.parse_args()
    files = _files(options.paths)
    try:
        before, after = (answers(python, files) for python in (options.before, options.after))
    except CannotAskError as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 2
    different = compare(before, after)
    for name in different:
        print(f"DIFFERENT {name}")
    print(f"{len(after) - len(different)} of {len(after)} answers are the same, byte for byte")
    return int(bool(different))


if __name__ == "__main__":
    if sys.argv[1:] == [_WORKER]:
        _work()
    else:
        sys.exit(main())
