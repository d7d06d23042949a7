"""The command line: which scenarios, where to."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import manifest
from recorder.stage import Stage, StageError, namespace
from recorder.table import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recorder.model import Scenario

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
LARGEST = 20_000


def make(scenario: Scenario, directory: Path) -> manifest.Entry:
    """Record or craft one capture, check it, move it into place; return its entry."""
    with tempfile.TemporaryDirectory(prefix="synscope-rec-") as temporary:
        part = Path(temporary, scenario.file_name)
        if scenario.act is not None:
            with namespace(), Stage(part, scenario.tcpdump) as stage:
                stage.start_capture()
                scenario.act(stage)
                stage.stop_capture()
        elif scenario.craft is not None:
            part.write_bytes(scenario.craft())
        if scenario.after is not None:
            scenario.after(part)
        data = part.read_bytes()
        if len(data) > LARGEST:
            msg = f"{scenario.name}: {len(data)} bytes"
            raise StageError(msg)
        shown = part
        if scenario.twin is not None:
            shown = Path(temporary, "twin")
            shown.write_bytes(scenario.twin())
        entry = manifest.entry(scenario, shown, platform.release())
    (directory / scenario.file_name).write_bytes(data)
    return entry


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recorder; return 1 when a scenario failed (the others are still written)."""
    parser = argparse.ArgumentParser(description="Record and craft the captures in fixtures/.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these scenarios")
    parser.add_argument("--out", type=Path, default=FIXTURES, metavar="DIR")
    options = parser.parse_args(arguments)
    names = [scenario.name for scenario in SCENARIOS]
    unknown = set(options.only or ()) - set(names)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(names)}")
    wanted = [s for s in SCENARIOS if not options.only or s.name in options.only]
    if os.geteuid() != 0 and any(s.act is not None for s in wanted):
        parser.error("recording needs root")
    options.out.mkdir(parents=True, exist_ok=True)
    index = options.out / "manifest.json"
    old = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    # Only an exception unwinds the namespaces; the default action would leave them behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    entries = {str(item["file"]): item for item in old}
    failures = 0
    for scenario in wanted:
        try:
            entries[scenario.file_name] = make(scenario, options.out)
            sys.stderr.write(f"{scenario.file_name}\n")
        except (StageError, OSError, subprocess.SubprocessError) as error:
            failures += 1
            sys.stderr.write(f"FAILED {scenario.name}: {error}\n")
    files = [s.file_name for s in SCENARIOS]
    manifest.write(options.out, [entries[name] for name in files if name in entries])
    return 1 if failures else 0
