"""Check the synscope that this Python has installed: its version, its engine, and what it finds in the fixtures.

    PYTHON tests/tools/check_installation.py compiled|interpreted

Needs nothing but that installation. Prints a line that ends with a digest of the report on all fixtures, the engine's
name left out: two installations that agree print the same digest. Exits 1 with the reason where something is wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = "fixtures"
FAILURES_FOUND = 1


class WrongError(Exception):
    """The installation is not what it should be; the message says in what."""


def synscope(*arguments: str, status: int) -> str:
    """Run the installed command and return what it prints. Raises ``WrongError`` for another exit status."""
    environment = {name: value for name, value in os.environ.items() if name != "SYNSCOPE_ENGINE"}
    environment["PYTHONUTF8"] = "1"
    command = [sys.executable, "-P", "-m", "synscope", *arguments]
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, encoding="utf-8", env=environment
    )
    if done.returncode != status:
        raise WrongError(f"{' '.join(arguments)}: status {done.returncode}, not {status}\n{done.stderr}")
    return done.stdout


def check_version(engine: str) -> str:
    """Return the line of ``--version``, which names the version of these sources and the engine wanted."""
    source = (ROOT / "src" / "synscope" / "_version.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "(.+)"$', source, re.MULTILINE)
    version = synscope("--version", status=0).strip()
    if found is None or not version.startswith(f"synscope {found[1]} (engine: {engine};"):
        raise WrongError(f"not {found and found[1]}, {engine}: {version}")
    return version


def check_report(engine: str) -> str:
    """Return a digest of the report on all fixtures, which no engine may change."""
    report = json.loads(synscope("analyze", FIXTURES, "--format", "json", status=FAILURES_FOUND))
    if report.pop("engine") != engine:
        raise WrongError(f"the report names another engine than {engine}")
    labels = {
        target["port"]: target["label"]
        for capture in report["captures"]
        if Path(capture["capture"]).name == "refused.pcap"
        for target in capture["targets"]
    }
    if labels != {62893: "SYN-RST"}:
        raise WrongError(f"refused.pcap: {labels}")
    return hashlib.sha256(json.dumps(report, sort_keys=True).encode()).hexdigest()


def main() -> int:
    """Check, print, and return the exit status."""
    (engine,) = sys.argv[1:]
    try:
        print(check_version(engine), check_report(engine), sep="; report ")
    except WrongError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
