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

from tests.kernel import need
from tests.test_fixtures import check_entry

pytestmark = pytest.mark.usefixtures("kernel")

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


@pytest.mark.skipif(not os.environ.get("SYNSCOPE_LONG"), reason="takes long: SYNSCOPE_LONG=1")
def test_recorded_anew(tmp_path: Path) -> None:
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    need(", ".join(absent) or None)
    command = [sys.executable, str(RECORDER), "--out", str(tmp_path), "--only", *STORIES]
    recorded = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert recorded.returncode == 0, recorded.stderr
    entries = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["file"].split(".")[0] for entry in entries} == set(STORIES)
    for entry in entries:
        check_entry(entry, tmp_path)
