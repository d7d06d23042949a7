"""Which client a command runs, as far as that decides how it reads proxy variables.

Input: a command as typed. Output: one of ``proxy.CLIENTS``, or ``None``. What runs the client (``env``, ``sh -c``)
is looked through; a server beside it does not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z][\w.+-]*")
_SERVERS: Final = re.compile(r"python[\d.]*\s+-m\s+http\.server")
_VERSION: Final = re.compile(r"[\d.]+$")
_LONGEST: Final = 1 << 16

_KINDS: Final = {"curl": "curl", "wget": "curl", "python": "Python", "pytest": "Python", "go": "Go"}
"""Program: the client whose rules it follows. wget reads the variables in lower case, as curl does."""


def client_kind(command: Sequence[str]) -> str | None:
    """Return the kind of the client that comes first in ``command``."""
    text = _SERVERS.sub("", " ".join(command)[:_LONGEST])
    words = (_VERSION.sub("", word) for word in _WORD.findall(text))
    return next((_KINDS[word] for word in words if word in _KINDS), None)
