"""The client's own end, where a command line names it: the device or the address that its socket is bound to.

Input: the command as a list of words. Output: an ``OwnEnd``; empty where the command does not tell, or runs its
client elsewhere. Pure. Source: the programs' manual pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.command.client_options import ABROAD
from synscope.command.splitting import shell_commands
from synscope.reference.loopback import parsed

_LONGEST_WORD: Final = 20_000
_OPTIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "curl": frozenset({"--interface"}),
        "wget": frozenset({"--bind-address"}),
        "ssh": frozenset({"-b", "-B"}),
        "nc": frozenset({"-s"}),
        "ncat": frozenset({"-s", "--source"}),
        "netcat": frozenset({"-s"}),
        "telnet": frozenset({"-b"}),
        "iperf3": frozenset({"-B", "--bind", "--bind-dev"}),
        "nmap": frozenset({"-S", "-e"}),
    }
)
"""Program → options whose value is a device or an address of its own."""
_SOCAT: Final = re.compile(r",(?:bind|so-bindtodevice|if|interface)=([^,:]+)")
_KIND: Final = re.compile(r"(?:if|host|ifhost)!")
_DEVICE: Final = re.compile(r"[^\s/:\x00-\x1f\x7f]{1,15}")


class OwnEnd(NamedTuple):
    """At most one of the two."""

    device: str = ""
    source: str = ""


def own_end(command: Sequence[str]) -> OwnEnd:
    """Return the client's own end. Raises nothing."""
    words = [word[:_LONGEST_WORD] for word in command]
    found = {_end(value) for simple in _simple(words) for value in _values(simple)} - {OwnEnd()}
    return found.pop() if len(found) == 1 else OwnEnd()


def _simple(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the command itself, and the simple commands in its shells' texts."""
    yield words
    for word in words:
        if any(letter in word for letter in " ;&|\n"):
            yield from shell_commands(word)


def _values(words: Sequence[str]) -> Iterator[str]:
    names = [PurePath(word).name for word in words]
    for at, name in enumerate(names):
        if name == "socat":
            yield from _SOCAT.findall(" ".join(words[at + 1 :]))
        options = _OPTIONS.get(name, frozenset())
        for word, following in zip(words[at + 1 :], [*words[at + 2 :], ""], strict=False):
            option, equals, value = word.partition("=")
            if option in options:
                yield value if equals else following
        if name in ABROAD:
            return  # what follows runs elsewhere


def _end(value: str) -> OwnEnd:
    text = _KIND.sub("", value).strip("[]")
    address = parsed(text)
    if address is not None:
        return OwnEnd(source=str(address))
    # A name with a dot may be a host's: the kernel takes it for a device only where there is one.
    return OwnEnd(device=text) if _DEVICE.fullmatch(text) else OwnEnd()
