"""What is needed at the end of a live observation is loaded before rights are given up."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from synscope.cli.live_options import preload
preload()
from tests.evidence.host.builders import observed, listener, rulings, snapshot
from synscope.evidence.command.observe import observe_command
from synscope.evidence.kernel.observe import observe_kernel
from synscope.probes.host.snapshot import Firewall, Verdict
from tests.evidence.builders import attempt, group
from tests.evidence.kernel.events import WHOLE, listener as listens, OTHER, START
from synscope.probes.kernel.events import Event, Kind
from synscope.model import Outcome, Target

loaded = set(sys.modules)
for verdict in Verdict:
    observed(snapshot(listener(), firewall=Firewall(("nft",), rulings(verdict, rule="r"))))
    observed(snapshot(proxy=()))
target = Target("localhost:62893", 62893, "localhost")
refused = [group(attempt(Outcome.REFUSED))]
unbound = Event(START, Kind.UNBOUND, OTHER, 0, False, reason="EACCES")
observe_kernel(target, refused, [listens(-1000, Kind.LISTEN, port=8080), unbound], WHOLE)
observe_command(("curl", "http://localhost:62893/"), target, lines=("Connection refused",), status=7, exit_status=7)
print(sorted(name for name in set(sys.modules) - loaded if name.startswith("synscope")))
"""


def test_the_rooms_of_evidence_load_nothing_more() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
