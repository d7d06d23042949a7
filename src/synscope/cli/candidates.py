"""What a shell is offered when somebody presses the tab key.

Input: the word so far. Output: click's completion items, each a whole word with a line of help. Nothing
is sent, no program is started, and nothing fails: what cannot be read offers nothing.

Invariant: a shell puts the word on the command line as it is, where ``$(…)`` would run. Names from the system and
from files are offered only if they consist of characters that mean nothing to any shell.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator
from typing import Final

import click
from click.shell_completion import CompletionItem

from synscope.cli import config_file, config_values

_HARMLESS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,254}", re.ASCII)
_NAMESPACES: Final = "/run/netns"
_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENING: Final = "0A"
_LARGEST_TABLE: Final = 1 << 20
"""Bytes of a table of sockets that are read: listeners come first in it."""
_MOST: Final = 200

_Parameter = click.Parameter


def files(_context: click.Context, _parameter: _Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell offer files."""
    return [CompletionItem(incomplete, type="file")]


def ports(context: click.Context, _parameter: _Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of ports in configuration files, and the ports that something listens on here."""
    try:
        named = config_file.of(context).ports()
    except config_values.ConfigError:
        named = {}
    found = [(name, port.text) for name, (port, _) in named.items()]
    found += [(str(port), "listening") for port in listening()]
    return _items(found, incomplete)


def interfaces(_context: click.Context, _parameter: _Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the network interfaces of this machine."""
    try:
        names = [name for _, name in socket.if_nameindex()]
    except OSError:
        names = []
    return _items([("any", "all interfaces"), *((name, "") for name in names)], incomplete)


def namespaces(_context: click.Context, _parameter: _Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the network namespaces that ``ip netns`` knows."""
    try:
        names = sorted(os.listdir(_NAMESPACES))  # noqa: PTH208 - names are all that is asked for
    except OSError:
        names = []
    return _items([(name, "") for name in names], incomplete)


def explained(_context: click.Context, _parameter: _Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the codes and names of causes, the labels, and the stages of the path."""
    from synscope.causes.catalogue import CATALOGUE  # noqa: PLC0415 - loads the whole catalogue
    from synscope.model import Label, Stage  # noqa: PLC0415

    titles = {cause: cause.title.replace("{port}", "PORT") for cause in CATALOGUE}
    found = [(cause.code, title) for cause, title in titles.items()]
    found += [(cause.slug, title) for cause, title in titles.items()]
    found += [(label.value, "label") for label in Label]
    found += [(stage.value, "stage") for stage in Stage]
    return _items(found, incomplete)


def listening() -> tuple[int, ...]:
    """Return the TCP ports that something listens on, on Linux, in order."""
    found: set[int] = set()
    for table in _TABLES:
        try:
            with open(table, encoding="ascii", errors="replace") as lines:  # noqa: PTH123
                found.update(_listeners(lines.read(_LARGEST_TABLE).splitlines()[1:]))
        except OSError:
            continue
    return tuple(sorted(found))


def _listeners(rows: Iterable[str]) -> Iterator[int]:
    for row in rows:
        columns = row.split(None, 4)
        if len(columns) > 3 and columns[3] == _LISTENING:  # noqa: PLR2004 - sl, local, remote, state
            yield int(columns[1].rpartition(":")[2], 16)


def _items(found: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """Return those that begin with the word so far, whatever its case, if they are harmless."""
    wanted = incomplete.lower()
    items = [
        CompletionItem(value, help=_plain(text) or None)
        for value, text in found
        if value.lower().startswith(wanted) and _HARMLESS.fullmatch(value)
    ]
    return items[:_MOST]


def _plain(text: str) -> str:
    from synscope.report.escape import visible  # noqa: PLC0415

    return visible(text)
