"""What to expect before any evidence: where connections stop, and which reason stops them there. The one table.

``STAGES`` says for each label how often a connection stops at each stage of its bracket, ``PRIORS`` how often each
cause is the reason at the stages that it stops. Both are judgement in round numbers, parts of a hundred and parts of
a thousand; only their ratios matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.model import Label, Stage

_S = Stage

STAGES: Final[Mapping[Label, Mapping[Stage, int]]] = MappingProxyType(
    {
        # Nothing to see has many reasons. A client that went elsewhere and a rule in its way come first.
        Label.CLIENT_NEVER_SENT: {
            _S.NUMBER: 10,
            _S.CLIENT: 28,
            _S.NAME: 20,
            _S.SOCKET: 14,
            _S.ROUTE: 12,
            _S.OUT: 16,
        },
        # A stack that answers at all answers a closed port with RST: silence means that something ate the SYN.
        Label.SYN_NO_REPLY: {_S.IN: 65, _S.LISTENER: 12, _S.QUEUE: 15, _S.BACK: 8},
        # Few firewalls reject loopback; Windows alone answers a full queue with RST.
        Label.SYN_RST: {_S.IN: 10, _S.LISTENER: 88, _S.QUEUE: 2},
        # Two ends that disagree about a 4-tuple: translation first, reuse of ports next.
        Label.ODD_REPLY: {_S.IN: 60, _S.LISTENER: 40},
        Label.HALF_OPEN: {_S.BACK: 100},
        # Silence or an early end after the handshake: the program at the other end, before all else.
        Label.COMPLETED: {_S.CARRY: 10, _S.ACCEPT: 28, _S.TALK: 22, _S.SERVE: 40},
    },
)

PRIORS: Final[Mapping[str, Mapping[Stage, int]]] = MappingProxyType(
    {
        # Most refusals are the plain one: the service is not there.
        "SYN101": {_S.LISTENER: 500},
        "SYN102": {_S.LISTENER: 40},
        "SYN103": {_S.LISTENER: 50, _S.SERVE: 60},
        "SYN104": {_S.LISTENER: 60},
        "SYN105": {_S.LISTENER: 70},
        "SYN106": {_S.CLIENT: 75, _S.LISTENER: 120, _S.TALK: 20, _S.SERVE: 20},
        "SYN107": {_S.LISTENER: 60},
        "SYN108": {_S.LISTENER: 40, _S.ACCEPT: 10, _S.TALK: 40, _S.SERVE: 40},
        "SYN109": {_S.LISTENER: 20},
        "SYN110": {_S.OUT: 110, _S.IN: 80, _S.LISTENER: 60, _S.BACK: 80, _S.ACCEPT: 60, _S.SERVE: 60},
        "SYN111": {_S.SOCKET: 150, _S.OUT: 60, _S.IN: 20, _S.LISTENER: 10},
        "SYN112": {_S.LISTENER: 3, _S.ACCEPT: 5},
        "SYN121": {_S.OUT: 60, _S.IN: 300, _S.SERVE: 10},
        "SYN122": {_S.OUT: 150, _S.IN: 500, _S.BACK: 700, _S.CARRY: 700},
        "SYN124": {_S.ROUTE: 200, _S.IN: 10},
        "SYN125": {_S.OUT: 50, _S.IN: 30},
        "SYN126": {_S.OUT: 40, _S.IN: 60},
        "SYN127": {_S.ROUTE: 20},
        "SYN128": {_S.ROUTE: 8},
        "SYN131": {_S.QUEUE: 600, _S.ACCEPT: 40},
        "SYN132": {_S.CLIENT: 1, _S.SOCKET: 400, _S.QUEUE: 100, _S.ACCEPT: 100, _S.SERVE: 100},
        "SYN133": {_S.QUEUE: 200, _S.ACCEPT: 550, _S.SERVE: 60},
        "SYN134": {_S.BACK: 60, _S.SERVE: 120},
        "SYN135": {_S.ACCEPT: 30},
        "SYN141": {_S.NUMBER: 900},
        "SYN142": {_S.NUMBER: 100},
        "SYN143": {_S.CLIENT: 400},
        "SYN144": {_S.NAME: 800},
        "SYN145": {_S.ROUTE: 500},
        "SYN146": {_S.ROUTE: 20, _S.OUT: 5, _S.IN: 5, _S.BACK: 10},
        "SYN147": {_S.CLIENT: 80, _S.LISTENER: 25},
        "SYN148": {_S.SOCKET: 130, _S.ROUTE: 15},
        "SYN149": {_S.SOCKET: 130},
        "SYN150": {_S.SOCKET: 100, _S.ROUTE: 30, _S.LISTENER: 3},
        "SYN151": {_S.TALK: 600, _S.ACCEPT: 60},
        "SYN152": {_S.TALK: 200},
        "SYN153": {_S.SERVE: 450},
        "SYN154": {_S.SERVE: 250, _S.LISTENER: 10},
        "SYN155": {_S.SERVE: 80},
        "SYN156": {_S.SERVE: 60},
        "SYN157": {_S.SERVE: 40},
        "SYN158": {_S.SERVE: 40},
        "SYN159": {_S.IN: 20},
        "SYN161": {_S.LISTENER: 4, _S.QUEUE: 4, _S.ACCEPT: 10, _S.SERVE: 20},
        "SYN162": {_S.LISTENER: 3, _S.QUEUE: 3, _S.ACCEPT: 5, _S.SERVE: 10},
        "SYN163": {_S.LISTENER: 3, _S.QUEUE: 3, _S.ACCEPT: 5, _S.SERVE: 10},
    },
)
"""By code."""


def prior(code: str, label: Label) -> int:
    """Return how usual a cause is behind a label before any evidence, in parts of a hundred thousand; 0 for never."""
    stages = STAGES.get(label, {})
    return sum(stages.get(stage, 0) * parts for stage, parts in PRIORS.get(code, {}).items())
