"""The main labels, recorded anew from this machine's kernel and diagnosed.

Needs root, network namespaces, nftables and the recorder's programs. Without them it skips and says so;
``SYNSCOPE_REQUIRE_KERNEL=1`` turns the skip into a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_fixtures import check_entry

RECORDER = Path(__file__).parent / "tools" / "record_fixtures.py"
PROGRAMS = ("ip", "nft", "tcpdump", "tshark")
STORIES = (
    "refused",
    "refused-ipv6",
    "drop-input",
    "reject-reset",
    "reject-icmp-port",
    "accept-queue-full",
    "silent",
)


def _missing() -> str | None:
    if sys.platform != "linux":
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}"
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return None if made.returncode == 0 else "network namespaces cannot be made here"


@pytest.fixture
def kernel() -> None:
    reason = _missing()
    if reason is None:
        return
    if os.environ.get("SYNSCOPE_REQUIRE_KERNEL") == "1":
        pytest.fail(f"SYNSCOPE_REQUIRE_KERNEL=1, but this {reason}")
    pytest.skip(reason)


@pytest.mark.usefixtures("kernel")
def test_recorded_anew(tmp_path: Path) -> None:
    command = [sys.executable, str(RECORDER), "--out", str(tmp_path), "--only", *STORIES]
    recorded = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert recorded.returncode == 0, recorded.stderr
    entries = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["file"].split(".")[0] for entry in entries} == set(STORIES)
    for entry in entries:
        check_entry(entry, tmp_path)
