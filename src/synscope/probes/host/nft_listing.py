"""The ruleset of nf_tables as ``nft`` prints it, without the tables of the firewall's trace.

Input: until when to ask (``time.monotonic``). Output: JSON, as of ``nft -j list ruleset``. Of a table with an owner,
which those are, nft 1.0.6 prints garbage in its JSON: then every other table is asked for by its name.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final

from synscope.probes.host import deadline
from synscope.probes.host.snapshot import Untold
from synscope.probes.kernel.firewall_table import TABLE

_LIST: Final = ("nft", "-j", "list", "ruleset")
_NAMES: Final = ("nft", "list", "tables")
_MOST_TABLES: Final = 64


def rules(until: float) -> str | Untold:
    """Return the rules as JSON, or why they are not known."""
    listed = output(_LIST, until)
    return listed if isinstance(listed, Untold) or TABLE not in listed else _without_traces(until)


def output(command: tuple[str, ...], until: float) -> str | Untold:
    """Return what a program prints."""
    ran = deadline.run(command, max(0.0, until - time.monotonic()))
    if isinstance(ran, Untold):
        return ran
    if ran.status != 0:
        root = "" if os.geteuid() == 0 else " (it needs root)"
        return Untold(f"{command[0]} says: {ran.complaint or f'exit status {ran.status}'}{root}")
    return ran.output


def _without_traces(until: float) -> str | Untold:
    names = output(_NAMES, until)
    if isinstance(names, Untold):
        return names
    tables = [tuple(line.split()[1:3]) for line in names.splitlines() if line.startswith("table ")]
    entries: list[Any] = []
    for family, name in tables[:_MOST_TABLES]:
        if name.startswith(TABLE):
            continue
        listed = output(("nft", "-j", "list", "table", family, name), until)
        if isinstance(listed, Untold):
            return listed
        try:
            entries += json.loads(listed)["nftables"]
        except (ValueError, KeyError, TypeError):
            return Untold("the output of nft was not understood")
    return json.dumps({"nftables": entries})
