"""Questions about what the kernel's settings allow, as one or several looks at the host show it."""

from __future__ import annotations

from typing import Final

from synscope.evidence.host.host_view import Sight, no, setting, unknown, yes
from synscope.evidence.packets.view import Verdict
from synscope.probes.host.snapshot import Untold

_PRIVILEGED_BELOW: Final = "ip_unprivileged_port_start"


def port_is_privileged(sight: Sight) -> Verdict:
    """Whether the kernel lets only privileged programs bind the port."""
    limits = sight.last.limits
    if isinstance(limits, Untold):
        return unknown(limits.could_not_tell)
    start = setting(limits.settings, _PRIVILEGED_BELOW)
    if start is None:
        return unknown(f"{_PRIVILEGED_BELOW} is not known here")
    text = f"{start.name} is {start.value}"
    return yes(text) if sight.target.port < start.value else no(text)
