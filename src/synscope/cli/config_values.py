"""What configuration files may say: the settings, the names of ports, and the errors about both.

Input: a table of TOML, as parsed. Output: a ``ConfigFile`` in which every key is known and of its type, or a
``ConfigError``.

Invariants: the settings are a closed list of things that change how something is shown, how long it lasts, or who is
asked. None
names a command, a file to write, a container or a namespace. A file that the user did not choose names no
other machine.
"""

from __future__ import annotations

import enum
import ipaddress
import math
import re
import sys
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import IO, Any, Final, NamedTuple

import click

from synscope import targets
from synscope.model import Target
from synscope.report.escape import visible

VARIABLE: Final = "SYNSCOPE_CONFIG"

_PORT_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_SHOWN_KEY: Final = 60
_SHOWN_ERROR: Final = 300
_MOST_SECONDS: Final = 10_000_000

Value = str | float | bool

SETTINGS: Final[Mapping[str, type[Value]]] = MappingProxyType(
    {
        "color": str,
        "interface": str,
        "analyze.format": str,
        "analyze.attempts": str,
        "analyze.fail-on": str,
        "doctor.format": str,
        "doctor.fail-on": str,
        "live.format": str,
        "live.fail-on": str,
        "run.format": str,
        "run.fail-on": str,
        "run.linger": float,
        "run.timeout": float,
        "run.exit-code": str,
        "run.calls": bool,
        "save.headers-only": bool,
    }
)
"""Every key beside the names of ports, and its type. The options carry the same names."""

_KINDS: Final[dict[type, str]] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a number",
    float: "a number",
    dict: "a table",
    list: "a list",
}


class Origin(enum.Enum):
    """How a file came to be read."""

    NAMED = "named with --config"
    VARIABLE = f"named in {VARIABLE}"
    PROJECT = "the project's"
    USER = "the user's"


class ConfigError(click.ClickException):
    """A file cannot be used; one line says which, where in it, and why."""

    exit_code = click.UsageError.exit_code

    def __init__(self, path: str, what: str) -> None:
        text = visible(what)
        cut = text if len(text) <= _SHOWN_ERROR else text[: _SHOWN_ERROR - 3] + "..."
        super().__init__(f"{visible(path)}: {cut}")

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line, to standard error if nothing else is given."""
        click.echo(f"synscope: {self.message}", file=file or sys.stderr)


class ConfigFile(NamedTuple):
    """One file that was read and found in order."""

    path: str
    origin: Origin
    prefix: str = ""
    """What stands before a key in this file: ``tool.synscope.`` in a pyproject.toml."""
    settings: Mapping[str, Value] = MappingProxyType({})
    ports: Mapping[str, Target] = MappingProxyType({})

    def error(self, key: str, what: str) -> ConfigError:
        """Return the error that something is wrong with a key."""
        return ConfigError(self.path, f"{self.prefix}{_cut(key)}: {what}")


def checked(empty: ConfigFile, table: Mapping[str, Any]) -> ConfigFile:
    """Return the file with what ``table`` says, each key known and of its type."""
    settings: dict[str, Value] = {}
    ports: dict[str, Target] = {}
    for key, value in table.items():
        if key == "ports":
            ports = _ports(empty, value)
        elif isinstance(value, dict) and key not in SETTINGS:
            for inner, inner_value in value.items():
                settings[f"{key}.{inner}"] = _setting(empty, f"{key}.{inner}", inner_value)
        else:
            settings[key] = _setting(empty, key, value)
    return ConfigFile(empty.path, empty.origin, empty.prefix, settings, ports)


def _setting(file: ConfigFile, key: str, value: object) -> Value:
    expected = SETTINGS.get(key)
    if expected is None:
        inside = [name for name in SETTINGS if name.endswith(f".{key}") or name.startswith(f"{key}.")]
        similar = inside or close(key, [*SETTINGS, "ports"])
        hint = f"; did you mean {' or '.join(similar)}?" if similar else ""
        raise file.error(key, f"unknown key{hint}")
    if expected is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < _MOST_SECONDS or math.isnan(value):
            raise file.error(key, f"a number below {_MOST_SECONDS:,} is expected")
        return float(value)
    if not isinstance(value, expected):
        raise file.error(key, f"{_KINDS[expected]} is expected, not {kind(value)}")
    if isinstance(value, str) and (not value or visible(value) != value):
        raise file.error(key, "a text of characters that can be seen is expected")
    return value


def _ports(file: ConfigFile, table: object) -> dict[str, Target]:
    if not isinstance(table, dict):
        raise file.error("ports", f"a table is expected, not {kind(table)}")
    return {name: _port(file, name, value) for name, value in table.items()}


def _port(file: ConfigFile, name: str, value: object) -> Target:
    """Return the target that a named port stands for, read as one that was typed."""
    key = f"ports.{name}"
    if _PORT_NAME.fullmatch(name) is None:
        raise file.error(key, "a name begins with a letter and has up to 64 letters, digits, '-' and '_'")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise file.error(key, f"a port, or HOST:PORT or a URL in quotes, is expected, not {kind(value)}")
    try:
        found = targets.parse(str(value))
    except targets.TargetError as error:
        raise file.error(key, f"{error}") from error
    except ValueError as error:  # more digits than Python writes
        raise file.error(key, "the number is no port; ports run from 0 to 65535") from error
    if file.origin is Origin.PROJECT and not _is_here(found.host):
        raise file.error(
            key,
            f"{_cut(found.host or '')} is not this machine; a project's file may name localhost, 127.0.0.0/8 and "
            "::1 alone, your own file any host",
        )
    return found


def _is_here(host: str | None) -> bool:
    if host is None or host.lower() == "localhost":
        return True
    try:
        return "%" not in host and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def kind(value: object) -> str:
    """Return what kind of value it is, in TOML's words."""
    return _KINDS.get(type(value), "a time")


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _SHOWN_KEY else shown[: _SHOWN_KEY - 3] + "..."


def close(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that resemble ``text``, best first."""
    import difflib  # noqa: PLC0415 - only for errors

    return tuple(difflib.get_close_matches(text[:_SHOWN_KEY], [*names], n=2, cutoff=0.6))
