"""The target that a command itself names: from a URL, HOST:PORT, a host and a port in its arguments.

Input: the command as a list of words. Output: the targets it names, each with how it was found; empty when it names
none. A guess that is wrong would be worse than none, so what programs mean by their options is looked up
(``client_options``), and values that only look like a target are passed over: a proxy, a header, the data of a
request, a time, a file to copy. Impossible port numbers stay as typed. Pure; nothing is resolved or read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from synscope import targets
from synscope.command.client_options import (
    CLIENTS,
    CODE_OPTIONS,
    FILE_NAMES,
    NO_TCP,
    SERVERS,
    SHELLS,
    SILENT,
    UNKNOWN,
    WRAPPERS,
    Arguments,
    Client,
)
from synscope.command.splitting import Part, options_and_arguments, shell_commands
from synscope.model import PORT_MAX, Target

_MOST: Final = 8
_DEEPEST: Final = 4
"""Commands inside commands that are looked into."""
_LEAST_FOR_A_NAME: Final = 1024
"""``redis:6379`` may be a service, ``python:3`` an image."""
_CODE_LIMIT: Final = 20_000

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_VERSION = re.compile(r"[0-9.]+$")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"`<>\\)\]}]*(?:\][^\s'\"`<>\\)\]}]*)?")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+):([0-9]{1,15})(?:/\S*)?", re.ASCII)
_PAIR = re.compile(r"\(\s*['\"]([A-Za-z0-9_.:-]{1,100})['\"]\s*,\s*([0-9]{1,15})\s*[,)]", re.ASCII)
_PORT_THEN_HOST = re.compile(r"\(\s*([0-9]{1,15})\s*,\s*['\"]([A-Za-z0-9_.:-]{1,100})['\"]", re.ASCII)
_METHOD = re.compile(r"[A-Z]{3,12}")
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_SOCAT = re.compile(r"(?:TCP[46]?|TCP[46]?-CONNECT|OPENSSL|SSL|SOCKS4A?|PROXY):(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """One target that the command names."""

    target: Target
    how: str
    """Where in the command it stands, for a person: ``an argument of curl``."""


def find_targets(argv: Sequence[str]) -> tuple[NamedTarget, ...]:
    """Return the targets that the command names, in its order, each once, at most eight. Raises nothing."""
    seen: dict[tuple[str | None, int], NamedTarget] = {}
    for found in every_target(argv):
        seen.setdefault((found.target.host, found.target.port), found)
    return tuple(seen.values())[:_MOST]


def every_target(argv: Sequence[str]) -> Iterator[NamedTarget]:
    """Yield the targets that the command names, in its order, some of them more than once. Raises nothing."""
    return _in_command(tuple(argv), 0)


def _in_command(words: Sequence[str], depth: int) -> Iterator[NamedTarget]:
    """Search a command, also inside of what runs it: assignments, ``env``, ``sudo``, ``sh -c``, ``python -m``."""
    assigned = []
    while words and _ASSIGNMENT.match(words[0]):
        assigned.append(words[0])
        words = words[1:]
    if not words or depth > _DEEPEST:
        return
    found = list(_in_program(PurePath(words[0]).name, words[1:], depth))
    yield from found or _in_assignments(assigned)


def _in_program(name: str, words: Sequence[str], depth: int) -> Iterator[NamedTarget]:
    if name in WRAPPERS:
        yield from _in_command(_unwrapped(name, words), depth + 1)
        return
    if name in SHELLS:
        yield from _in_shell(name, words, depth)
        return
    interpreter = _VERSION.sub("", name)
    if interpreter in CODE_OPTIONS:
        yield from _in_interpreter(interpreter, words, depth)
    elif name == "socat":
        yield from _in_socat(words)
    elif name not in SILENT:
        row = next((client for client in CLIENTS if name in client.names), UNKNOWN)
        yield from _by_row(name, row, words)


def _unwrapped(name: str, words: Sequence[str]) -> tuple[str, ...]:
    """Return the command that a wrapper runs."""
    with_value, before = WRAPPERS[name]
    at = 0
    while at < len(words) and (words[at].startswith("-") or (name == "env" and _ASSIGNMENT.match(words[at]))):
        if _ASSIGNMENT.match(words[at]):
            break
        at += 2 if words[at] in with_value else 1
    return tuple(words[at + before :])


def _in_shell(name: str, words: Sequence[str], depth: int) -> Iterator[NamedTarget]:
    for at, word in enumerate(words):
        if word.startswith("-") and not word.startswith("--") and word.endswith("c") and at + 1 < len(words):
            for command in shell_commands(words[at + 1][:_CODE_LIMIT]):
                yield from _in_command(command, depth + 1)
            return
        if not word.startswith("-"):
            inner = words[at:] if name == "busybox" else words[at + 1 :]
            yield from _in_command(inner, depth + 1) if name == "busybox" else _by_row(word, UNKNOWN, inner)
            return


def _in_interpreter(name: str, words: Sequence[str], depth: int) -> Iterator[NamedTarget]:
    for at, word in enumerate(words):
        rest = words[at + 1 :]
        if word in CODE_OPTIONS[name]:
            if rest:
                yield from in_code(rest[0][:_CODE_LIMIT], f"the code given to {name}")
            return
        if word == "-m" and name in {"python", "pypy"}:
            if rest and rest[0] not in SERVERS:
                yield from _in_program(rest[0], rest[1:], depth + 1)
            return
        if not word.startswith("-"):
            yield from _by_row(PurePath(word).name, UNKNOWN, rest)
            return


def in_code(code: str, how: str) -> Iterator[NamedTarget]:
    """Yield the targets in program text: only a URL, or a host and a number side by side, is clear enough."""
    for match in _URL.finditer(code):
        yield from _url(match[0], how)
    for host, port in [*_PAIR.findall(code), *((host, port) for port, host in _PORT_THEN_HOST.findall(code))]:
        yield from _pair(host, port, how)


def _in_socat(words: Sequence[str]) -> Iterator[NamedTarget]:
    for word in words:
        match = _SOCAT.fullmatch(word)
        if match is not None:
            yield from _parsed(match[1].partition(",")[0], "an address of socat")


def _in_assignments(words: Iterable[str]) -> Iterator[NamedTarget]:
    """Search ``NAME=VALUE`` before the command, where the command itself names nothing."""
    for word in words:
        name, _, value = word.partition("=")
        if "proxy" not in name.lower():
            yield from _loose(value, f"the variable {name}")


class _Said:
    """What the options and arguments of one command said."""

    def __init__(self) -> None:
        self.host: tuple[str, str] | None = None
        self.ports: list[tuple[str, str]] = []
        self.urls: list[tuple[str, str]] = []
        self.arguments: list[str] = []
        self.elsewhere = False


def _by_row(name: str, row: Client, words: Sequence[str]) -> Iterator[NamedTarget]:
    said = _Said()
    if row is UNKNOWN:
        # What follows ``--`` is often meant for the program that this one starts (``cargo run -- --port 1``).
        words = [word for word in words if word != "--"]
    for part in options_and_arguments(words, row.with_value, long_with_one_dash=row.long_with_one_dash):
        _hear(said, row, part)
    if said.elsewhere:
        return
    found = [found for option, value in said.urls for found in _address(value, row, f"{option} of {name}")]
    of = f"an argument of {name}"
    if row.arguments is Arguments.LOOSE:
        found += _loose_all(said.arguments, of)
    elif row.arguments is Arguments.URLS:
        found += [target for argument in said.arguments for target in _address(argument, row, of)]
    elif row.arguments is Arguments.FIRST_URL:
        first = next((word for word in said.arguments if not _METHOD.fullmatch(word)), None)
        found += _address(first, row, of) if first else ()
    elif row.arguments is Arguments.FIRST_HOST_PORT:
        found += [target for argument in said.arguments[:1] for target in _loose(argument, of)]
    elif row.arguments is Arguments.HOST_THEN_PORTS:
        found += _host_then_ports(said.arguments, row, f"the arguments of {name}")
    elif row.arguments is Arguments.COPY:
        found += _copy(said, row, of)
    yield from found or _host_and_port(said, row, name)


def _hear(said: _Said, row: Client, part: Part) -> None:
    option, value = part
    if option in row.elsewhere:
        said.elsewhere = True
    if not option:
        said.arguments.append(value or "")
    elif not value:
        return
    elif option in row.host:
        said.host = (option, value)
    elif option in row.port:
        said.ports.append((option, value))
    elif option in row.url:
        said.urls.append((option, value))
    elif row is UNKNOWN and option not in row.values:
        said.arguments.append(value)


def _host_and_port(said: _Said, row: Client, name: str) -> Iterator[NamedTarget]:
    """Put a host and a port together that stand in different options or arguments."""
    options = [*([said.host[0]] if said.host else []), *(option for option, _ in said.ports)]
    how = f"{' and '.join(options)} of {name}" if options else f"the usual address of {name}"
    host = said.host[1] if said.host else None
    if host is None and row.arguments is Arguments.HOST and said.arguments:
        how = f"an argument of {name}"
        host = said.arguments[0]
        if "://" in host:
            yield from _url(host, how)
            return
        host = host.rpartition("@")[2]
    if host is not None and host.startswith("/"):
        return  # the directory of a Unix socket
    if host is None:
        host = row.default_host if said.ports or row is not UNKNOWN else None
    if host is None:
        return
    ports = [port for _, port in said.ports] or ([str(row.default_port)] if row.default_port else [])
    if not said.ports and said.host and _HOST_PORT.fullmatch(host):
        yield from _parsed(host, how)
        return
    for port in ports:
        if row is UNKNOWN and said.host is None:
            yield from _parsed(port, how) if _NUMBER.fullmatch(port) else ()
        else:
            yield from _pair(host, port, how)


def _host_then_ports(arguments: Sequence[str], row: Client, how: str) -> Iterator[NamedTarget]:
    if not arguments:
        return
    host, ports = arguments[0], arguments[1:]
    if not ports and _HOST_PORT.fullmatch(host):
        yield from _parsed(host, how)
        return
    for port in ports or ([str(row.default_port)] if row.default_port else []):
        yield from _pair(host, port, how)


def _copy(said: _Said, row: Client, how: str) -> Iterator[NamedTarget]:
    """Yield the hosts of ``HOST:PATH``; a colon after a slash is part of a local path."""
    port = said.ports[0][1] if said.ports else str(row.default_port)
    for argument in said.arguments:
        if "://" in argument:
            yield from _url(argument, how)
            continue
        place, colon, _ = argument.partition(":")
        if colon and "/" not in place:
            yield from _pair(place.rpartition("@")[2], port, how)


def _loose_all(arguments: Sequence[str], how: str) -> list[NamedTarget]:
    found: list[NamedTarget] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if equals and _ASSIGNMENT.match(argument):
            found += [] if "proxy" in name.lower() else _loose(value, f"{name} in {how}")
        else:
            found += _loose(argument, how)
    return found


def _loose(text: str, how: str) -> Iterator[NamedTarget]:
    """Yield a target only if the text can hardly be anything else: a URL, or HOST:PORT with a likely host."""
    text = text.removeprefix("jdbc:").removeprefix("@")
    if "://" in text[:40]:
        yield from _url(text, how)
        return
    match = _HOST_PORT.fullmatch(text)
    if match is not None and is_host(match[1], int(match[2])):
        yield from _parsed(text, how)


def is_host(host: str, port: int) -> bool:
    """Whether what stands before a port can hardly be anything but a host."""
    if host.lower() == "localhost" or host.startswith("["):
        return True
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        pass
    else:
        return True
    if not any(letter.isalpha() for letter in host):
        return False  # a time, a mapping of ports, a place in a file
    label, dot, last = host.rpartition(".")
    if dot:
        return bool(label) and last.isalpha() and last.lower() not in FILE_NAMES
    return _LEAST_FOR_A_NAME <= port <= PORT_MAX


def _address(text: str, row: Client, how: str) -> Iterator[NamedTarget]:
    """Yield the target of a word that is an address because of its place: a URL, HOST, HOST:PORT, :PORT."""
    if "://" in text:
        yield from _url(text, how)
        return
    authority, slash, path = text.partition("/")
    if row.scheme is not None and not re.search(r":[0-9]+$", authority):
        host = authority.removesuffix(":") or "localhost"
        yield from _parsed(f"{row.scheme}://{host}{slash}{path}", how)
        return
    if ":" not in authority and row.default_port is not None:
        text = f"{authority}:{row.default_port}"
    yield from _parsed(text, how)


def _url(text: str, how: str) -> Iterator[NamedTarget]:
    if text.partition("://")[0].lower() not in NO_TCP:
        yield from _parsed(text, how)


def _pair(host: str, port: str, how: str) -> Iterator[NamedTarget]:
    if _NUMBER.fullmatch(port):
        yield from _parsed(
            f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}", how
        )


def _parsed(text: str, how: str) -> Iterator[NamedTarget]:
    try:
        yield NamedTarget(targets.parse(text), how)
    except targets.TargetError:
        return  # it names no port after all: a variable, a scheme without a usual port
