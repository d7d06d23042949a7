"""Whether the interfaces that are captured show whatever a client sends to a target.

Input: a target, and what is captured. Output: yes or no, where *no* also stands for what is not known. An absence is
proved only for what was watched: where a client could have gone another way, it is not.
"""

from __future__ import annotations

import socket
import sys
from typing import Final

from synscope.capture.live.interfaces import interfaces
from synscope.model import Target
from synscope.reference.loopback import names_loopback, parsed
from synscope.session.connects import is_own

ANY: Final = "any"


def is_covered(target: Target, interface: str, loopback: str, *, another_network: bool = False) -> bool:
    """Whether a capture on ``interface`` shows every SYN to the target that this network's clients send.

    ``loopback`` is the loopback interface's name. ``another_network`` says that the network is not this process's,
    so that its addresses are not known here.
    """
    if interface == ANY:
        return True
    if interface != loopback:
        return False  # no test connection goes that way
    if names_loopback(target.host):
        return True
    if another_network:
        return False
    if target.host is not None and is_here(target.host):
        return True
    return target.host is None and _is_alone(loopback)


def is_here(host: str) -> bool:
    """Whether a literal address is one of this machine's."""
    literal = parsed(host)
    if literal is None:
        return False
    family = socket.AF_INET if literal.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    return is_own((family, (str(literal), 0)))


def _is_alone(loopback: str) -> bool:
    """Whether no other interface is up; on a system that is not asked for its interfaces, another one is."""
    return sys.platform == "linux" and not any(each.up and each.name != loopback for each in interfaces())
