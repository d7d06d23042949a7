"""Whose bind failed while the trace ran, and why. Pure.

The kernel says the error and the thread, not the port: what failed may have been for another one.
"""

from __future__ import annotations

from synscope.evidence.kernel.record import Record
from synscope.evidence.packets.view import Verdict, no, unknown, yes
from synscope.probes.kernel.filters import BIND
from synscope.units import count


def _because(why: str | None) -> str:
    return f": {why}" if why else ""


def failed(error: str, record: Record) -> Verdict:
    """Did a bind fail with this error (its name, such as ``EACCES``)?"""
    health = record.health
    if health.beside:
        return unknown(health.beside)
    if not health.binds:
        return unknown(f"binds are not traced{_because(health.missing.get(BIND))}")
    found = [event for event in record.unbound() if event.reason == error]
    if found:
        more = f", and {count(len(found) - 1, 'other')}" if len(found) > 1 else ""
        return yes(
            f"a bind of {found[0].task} failed with {error}{more}; the kernel does not say for which port"
        )
    if record.whole:
        return no(f"no bind was seen to fail with {error}")
    return unknown(health.gaps or "the trace of binds is not complete")
