"""The firewall's trace of one live session: switched on, read, switched off, and its rules named.

Input: the helper, the ports, and in which network namespace. Output: a ``FirewallTrace``. It is on only where it was
asked for. The table is the helper's: it goes when this is closed, and with the helper whatever ends that.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from synscope.probes.kernel.firewall_reader import FirewallReader
from synscope.probes.kernel.firewall_walks import NOT_ASKED, FirewallTrace, RuleName, RulePlace
from synscope.process.elevate import Helper
from synscope.process.errors import HelperError

_NAMED_WITHIN_S: Final = 1.2
_CHUNK: Final = 1 << 16
_LARGEST: Final = 1 << 20
_CHANGED: Final = "rules were changed meanwhile"
_UNNAMED: Final = "the rules could not be listed"


class SessionFirewallTrace:
    """What the session asks of the firewall's trace. Without ``begin`` it says that nobody asked for it."""

    def __init__(self) -> None:
        self._helper: Helper | None = None
        self._namespace: str | None = None
        self._reader: FirewallReader | None = None
        self._trace = NOT_ASKED

    def begin(self, helper: Helper | None, ports: Sequence[int], namespace: str | None) -> None:
        """Switch it on, where it can be had."""
        if helper is None:
            self._trace = FirewallTrace(untold="the firewall's trace needs root")
            return
        try:
            reads, table = helper.trace_firewall(ports, namespace)
        except HelperError as error:
            self._trace = FirewallTrace(untold=str(error))
            return
        self._helper, self._namespace = helper, namespace
        self._reader = FirewallReader(reads, table, ports)

    def read(self) -> None:
        """Take what has come."""
        if self._reader is not None:
            self._reader.read()

    @property
    def trace(self) -> FirewallTrace:
        """What came of it: call after ``end``."""
        return self._trace

    def end(self) -> None:
        """Read the rest, have the rules named and the table removed; may be called again."""
        if self._reader is None or self._helper is None:
            return
        self._reader.read()
        self._trace = self._named(self._helper, self._reader.trace)
        self._reader.close()
        self._reader = None
        with contextlib.suppress(HelperError):  # it removes the table itself when it ends
            self._helper.untrace_firewall()

    def _named(self, helper: Helper, trace: FirewallTrace) -> FirewallTrace:
        wanted = {
            (walk.at.family, walk.at.table, walk.at.handle): walk.at
            for walk in trace.walks
            if walk.at is not None and walk.at.handle
        }
        if not wanted:
            return trace
        try:
            descriptor, changed = helper.name_rules(list(wanted), self._namespace)
        except HelperError:
            return replace(trace, unnamed=_UNNAMED)
        names: dict[RulePlace, RuleName] = {}
        with contextlib.suppress(ValueError, TypeError, KeyError):
            for family, table, handle, text, rejects in json.loads(_read(descriptor)):
                names[wanted[family, table, handle]] = RuleName(str(text), bool(rejects))
        unnamed = "" if len(names) == len(wanted) else _UNNAMED
        return replace(trace, names=names, unnamed=_CHANGED if changed else unnamed)


def _read(descriptor: int) -> bytes:
    """Return what comes from a pipe until its end, within bounds; nothing where that does not come."""
    found = b""
    until = time.monotonic() + _NAMED_WITHIN_S
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while len(found) <= _LARGEST:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                return b""
            piece = pipe.read(_CHUNK)
            if not piece:
                return found
            found += piece
    return b""
