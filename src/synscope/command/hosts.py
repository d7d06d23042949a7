"""The hosts that a command uses for a port: names, which have to be resolved, and addresses.

Input: the command as a list of words, and the port. Output: the hosts as written, each once, at most four; empty
where the command does not tell, or runs its client where other names hold: in a container, on another machine, in
another namespace. What clients mean by their options comes first (``named_targets``). Only where that finds nothing
for the port, any word may hold it, text inside of scripts and properties as well. Pure: nothing is resolved or read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from synscope.command.client_options import ABROAD
from synscope.command.named_targets import NamedTarget, every_target, in_code, is_host
from synscope.reference.loopback import parsed

_MOST: Final = 4
_LONGEST_WORD: Final = 20_000
_BETWEEN: Final = re.compile(r"[\s;|&()'\"`]+")
_HOST_PORT: Final = (
    # host:8080, also inside of a URL
    re.compile(
        r"(?<![\w.$%{-])(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9_.-]*):([0-9]{1,5})(?![\w.:])", re.ASCII
    ),
    # host='db', port=5432; {host: "db", port: 5432}; "host=db port=5432"
    re.compile(
        r"host(?:name)?['\"]?\s*[=:]\s*['\"]?([\w.:-]+)['\"]?[\s,;]+['\"]?port['\"]?\s*[=:]\s*['\"]?([0-9]{1,5})(?!\w)",
        re.ASCII | re.IGNORECASE,
    ),
    re.compile(r"/dev/tcp/([\w.:-]+)/([0-9]{1,5})(?!\w)", re.ASCII),
)
_HOST: Final = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}", re.ASCII)


def hosts_of(argv: Sequence[str], port: int) -> tuple[str, ...]:
    """Return the hosts that the command uses for ``port``, without brackets, in its order. Raises nothing."""
    words = [word[:_LONGEST_WORD] for word in argv]
    if any(PurePath(part).name in ABROAD for word in words for part in _BETWEEN.split(word) if part):
        return ()
    found = _by_options(words, port) or _anywhere(words, port)
    return found[:_MOST]


def _by_options(words: Sequence[str], port: int) -> tuple[str, ...]:
    return _hosts(every_target(words), port)


def _anywhere(words: Sequence[str], port: int) -> tuple[str, ...]:
    found = [host for word in words for host in _in_text(word, port)]
    # What an unknown program's words mean is not known; a port right after an address, or localhost, is clear.
    found += [
        host
        for host, number in pairwise(words)
        if number == str(port) and (host == "localhost" or parsed(host) is not None)
    ]
    return tuple(dict.fromkeys(found))


def _in_text(text: str, port: int) -> Iterator[str]:
    yield from _hosts(in_code(text, ""), port)
    for form in _HOST_PORT:
        for host, number in form.findall(text):
            # {port: 5432} has the form of a host and a port too.
            if int(number) == port and is_host(host, port) and not host.lower().endswith("port"):
                yield from _bare(host)


def _hosts(targets: Iterator[NamedTarget], port: int) -> tuple[str, ...]:
    hosts = (found.target.host for found in targets if found.target.port == port)
    return tuple(dict.fromkeys(bare for host in hosts if host for bare in _bare(host)))


def _bare(host: str) -> Iterator[str]:
    """Yield the host without brackets; nothing for a variable, whose value is not known."""
    bare = host.strip("[]")
    if _HOST.fullmatch(bare):
        yield bare
