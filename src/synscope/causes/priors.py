"""How often a cause is the one behind a label, before any evidence: the one table of priors.

The scale is that of ``Clue.weight``. What matters is the order inside a label and the distance to
``rank.LIKELY_AT``: a prior at or above it may be called likely on the label alone, one below needs a
clue. The numbers are judgement, not measurement; each group says what the judgement is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.model import Label

_REFUSED: Final = {
    # Most refusals are the plain one: the service is not there.
    "SYN101": 50,
    # It is there, elsewhere: a wrong number is the commonest slip, then the family, then the address.
    "SYN106": 30,
    "SYN105": 18,
    "SYN104": 16,
    # It should be there: too early, dead at start, dead later; less common than never started.
    "SYN107": 15,
    "SYN102": 14,
    "SYN110": 14,
    "SYN103": 12,
    # Reasons why it could not start; each needs a second fact nobody has seen yet.
    "SYN108": 8,
    "SYN109": 5,
    "SYN111": 3,
    # Few firewalls reject loopback; Windows alone answers a full queue with RST.
    "SYN121": 8,
    "SYN131": 4,
    # A hosts file that leads elsewhere, and only then.
    "SYN144": 4,
}

_SILENT: Final = {
    # A stack that answers at all answers a closed port with RST: silence means that something ate the SYN.
    "SYN122": 50,
    # Needs a listener under load; rare without the earlier handshakes that show it.
    "SYN131": 20,
    # With ICMP errors: a rule that rejects is the ordinary origin.
    "SYN121": 20,
    # Only behind a firewall that hides closed ports.
    "SYN101": 15,
    "SYN106": 8,
    "SYN110": 8,
    "SYN144": 8,
    "SYN133": 6,
    "SYN132": 5,
    "SYN107": 5,
    "SYN105": 4,
    "SYN111": 3,
    "SYN146": 1,
}

_NEVER_SENT: Final = {
    # Nothing to see has many reasons; none is likely without a clue. A proxy and a slip come first.
    "SYN106": 26,
    "SYN143": 25,
    "SYN144": 22,
    # A rule in OUTPUT; a rule there that answers needs the stray RST or ICMP error to be a candidate.
    "SYN122": 20,
    "SYN121": 20,
    # Only when the host says that nobody listens; the client may have been told before this capture.
    "SYN101": 5,
    "SYN145": 12,
    "SYN132": 12,
    "SYN110": 10,
    "SYN141": 10,
    "SYN111": 8,
    "SYN104": 8,
    "SYN105": 8,
    "SYN142": 5,
    "SYN146": 1,
}

_HALF_OPEN: Final = {
    # The answer was sent and did not arrive: a rule on the way back, hardly ever anything else.
    "SYN122": 50,
    "SYN110": 8,
    "SYN134": 5,
    "SYN132": 4,
    "SYN111": 3,
    "SYN146": 2,
}

_ODD_REPLY: Final = {
    # Two ends that disagree about a 4-tuple: translation first, reuse of ports next.
    "SYN110": 20,
    "SYN132": 10,
    "SYN122": 10,
    "SYN103": 8,
    "SYN146": 5,
}

_COMPLETED: Final = {
    # Silence or an early end after the handshake: the program at the other end, before all else.
    "SYN133": 30,
    "SYN153": 30,
    "SYN154": 15,
    "SYN134": 15,
    "SYN110": 15,
    "SYN103": 12,
    # These need bytes or acknowledgements that show them; then the clue carries them to the top.
    "SYN151": 10,
    "SYN152": 10,
    "SYN122": 10,
    "SYN131": 8,
    "SYN132": 8,
    "SYN106": 6,
    "SYN121": 6,
    "SYN108": 5,
}

_ROLES: Final = {
    # The same underlying cause on a port with a role: never before that cause without its own words.
    "SYN161": 3,
    "SYN162": 3,
    "SYN163": 3,
    # The failure is this target's; that a gateway passed it on explains nothing by itself.
    "SYN154": 10,
}

_ASIDE: Final = {
    # Warnings and notes do not compete; their evidence decides.
    "SYN171": 40,
    "SYN181": 40,
    "SYN182": 40,
    "SYN183": 40,
}

PRIORS: Final[Mapping[Label, Mapping[str, int]]] = MappingProxyType(
    {
        Label.SYN_RST: MappingProxyType(_ROLES | _REFUSED | _ASIDE),
        Label.SYN_NO_REPLY: MappingProxyType(_ROLES | _SILENT | _ASIDE),
        Label.CLIENT_NEVER_SENT: MappingProxyType(_NEVER_SENT | {"SYN171": 40}),
        Label.HALF_OPEN: MappingProxyType(_ROLES | _HALF_OPEN | _ASIDE),
        Label.ODD_REPLY: MappingProxyType(_ROLES | _ODD_REPLY | _ASIDE),
        Label.COMPLETED: MappingProxyType(_ROLES | _COMPLETED | _ASIDE),
        Label.ONE_SIDED: MappingProxyType({"SYN171": 40}),
        Label.MID_STREAM: MappingProxyType({"SYN171": 40}),
    }
)


def prior(code: str, label: Label) -> int:
    """Return the prior of the cause ``code`` under ``label``; 0 where the cause cannot show."""
    return PRIORS[label].get(code, 0)
