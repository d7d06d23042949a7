"""Configuration files: where they are, which of them are read, and which is heard first.

Input: ``--config`` and ``--no-config``, the variable SYNSCOPE_CONFIG, the working directory and the user's own file.
Output: a ``Config``: names of ports, and defaults of options. A file is read once a run, by the command line alone:
the library, the pytest plugin and the privileged helper read none.

Invariants: nothing but regular files is opened, and nothing is written. What protects the user can be switched on by
any file and off by none.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import click

from synscope import targets
from synscope.cli.config_values import (
    VARIABLE,
    ConfigError,
    ConfigFile,
    Origin,
    Value,
    checked,
    close,
    kind,
)
from synscope.model import Target

NAME: Final = "synscope.toml"
LARGEST: Final = 1 << 20
"""Bytes of a file that is read."""

_PYPROJECT: Final = "pyproject.toml"
_TABLE: Final = b"tool.synscope"
_META: Final = "synscope.config"

_PROTECTING: Final[Mapping[str, bool]] = {"greeting": False, "save.headers-only": True}
"""Keys, each with the value that one file may set and no other take back."""


class FoundSetting(NamedTuple):
    """A setting that some file has."""

    key: str
    value: Value
    file: ConfigFile


class Config(NamedTuple):
    """What the files say together. The first that has something to say about a key is heard."""

    files: tuple[ConfigFile, ...] = ()
    absent: tuple[tuple[Origin, str], ...] = ()
    """Which kinds of file were looked for in vain, and where."""

    def find(self, key: str) -> FoundSetting | None:
        """Return the setting, or ``None`` where no file has it."""
        found = [FoundSetting(key, file.settings[key], file) for file in self.files if key in file.settings]
        if key in _PROTECTING:
            found.sort(key=lambda setting: setting.value is not _PROTECTING[key])
        return found[0] if found else None

    def ports(self) -> dict[str, tuple[Target, ConfigFile]]:
        """Return the names of ports, what each stands for, and the file that says so."""
        return {name: (port, file) for file in reversed(self.files) for name, port in file.ports.items()}

    def target(self, text: str) -> Target | None:
        """Return the target that ``text`` names: a port's name, or HOST:NAME; ``None`` where it names none."""
        ports = self.ports()
        if text in ports:
            return ports[text][0]
        host, colon, name = text.rpartition(":")
        if not colon or name not in ports:
            return None
        return targets.parse(f"{host}:{ports[name][0].port}")

    def similar(self, text: str) -> tuple[str, ...]:
        """Return names of ports that resemble ``text``, best first."""
        return close(text, self.ports())


def of(context: click.Context) -> Config:
    """Return the configuration for this command line; raises ``ConfigError``."""
    if _META not in context.meta:
        typed = context.find_root().params
        context.meta[_META] = read(typed.get("config_path"), none=bool(typed.get("no_config")))
    found: Config = context.meta[_META]
    return found


def read(
    named: str | None = None,
    *,
    none: bool = False,
    environ: Mapping[str, str] = os.environ,
    start: str | None = None,
) -> Config:
    """Read the file that was named, or else those that are found from ``start`` (the working directory).

    Raises ``ConfigError``.
    """
    if none:
        return Config()
    for path, origin in ((named, Origin.NAMED), (environ.get(VARIABLE), Origin.VARIABLE)):
        if path:
            return Config() if path == os.devnull else Config((_named(path, origin),))
    home = home_of_user(environ)
    files, absent = [], []
    project = _project_file(start, home)
    if project is None:
        absent.append((Origin.PROJECT, f"{NAME} or {_PYPROJECT} here or above"))
    else:
        files.append(project)
    path = user_path(environ, home)
    data = None if path is None else _found_content(path)
    if path is None or data is None:
        absent.append((Origin.USER, path or "no home directory"))
    else:
        files.append(_understood(path, Origin.USER, data))
    return Config(tuple(files), tuple(absent))


def home_of_user(environ: Mapping[str, str]) -> str | None:
    """Return the home directory of who invoked the program: behind sudo, of the user who typed it."""
    typed_by = environ.get("SUDO_UID", "")
    if typed_by.isascii() and typed_by.isdecimal() and os.geteuid() == 0:
        import pwd  # noqa: PLC0415 - Windows has none

        try:
            return pwd.getpwuid(int(typed_by)).pw_dir
        except (KeyError, OverflowError):
            return None
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - may fail, which a Path cannot say
    return home if os.path.isabs(home) else None  # noqa: PTH117


def user_path(environ: Mapping[str, str], home: str | None) -> str | None:
    """Return where the user's own file is looked for, by the XDG Base Directory Specification."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117
        if home is None:
            return None
        base = os.path.join(home, ".config")  # noqa: PTH118 - pathlib is slower, and this runs each time
    return os.path.join(base, "synscope", NAME)  # noqa: PTH118


def _named(path: str, origin: Origin) -> ConfigFile:
    data = _content(path)
    if data is None:
        raise ConfigError(path, "there is no such file")
    if os.path.basename(path) == _PYPROJECT:  # noqa: PTH119
        found = _in_pyproject(path, origin, data)
        if found is None:
            raise ConfigError(path, "there is no table [tool.synscope]")
        return found
    return _understood(path, origin, data)


def _project_file(start: str | None, home: str | None) -> ConfigFile | None:
    """Return the first file from ``start`` upwards, as far as the home directory or the root."""
    try:
        folder = start or os.getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        return None
    last = None if home is None else os.path.realpath(home)
    while True:
        found = _in_folder(folder)
        above = os.path.dirname(folder)  # noqa: PTH120
        if found is not None or above == folder or folder in (home, last):
            return found
        folder = above


def _in_folder(folder: str) -> ConfigFile | None:
    path = os.path.join(folder, NAME)  # noqa: PTH118
    data = _found_content(path)
    if data is not None:
        return _understood(path, Origin.PROJECT, data)
    path = os.path.join(folder, _PYPROJECT)  # noqa: PTH118
    try:
        data = _found_content(path)
    except ConfigError:  # most of these are about other programs
        return None
    return None if data is None else _in_pyproject(path, Origin.PROJECT, data)


def _in_pyproject(path: str, origin: Origin, data: bytes) -> ConfigFile | None:
    if _TABLE not in data:  # spares the parser
        return None
    tool = _parsed(path, data).get("tool")
    table = tool.get("synscope") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigError(path, f"tool.synscope: a table is expected, not {kind(table)}")
    return checked(ConfigFile(path, origin, "tool.synscope."), table)


def _found_content(path: str) -> bytes | None:
    """Return what a file holds that nobody named; one that this user may not read is somebody else's."""
    try:
        return _content(path)
    except ConfigError as error:
        if isinstance(error.__cause__, PermissionError):
            return None
        raise


def _content(path: str) -> bytes | None:
    """Return what the file holds, ``None`` where there is none; raises ``ConfigError``."""
    try:
        # Opening a device can have effects and a pipe can block: looked at first, and once more when open.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise ConfigError(path, "not a regular file")
        with open(path, "rb", opener=_opener) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(path, "not a regular file")
            data = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(path, error.strerror or "cannot be read") from error
    except ValueError as error:  # a NUL byte
        raise ConfigError(path, "not a path") from error
    if len(data) > LARGEST:
        raise ConfigError(path, f"larger than {LARGEST:,} bytes")
    return data


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _understood(path: str, origin: Origin, data: bytes) -> ConfigFile:
    return checked(ConfigFile(path, origin), _parsed(path, data))


def _parsed(path: str, data: bytes) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - most runs have no file

    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, f"line {line} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        # The parser says no more of the end than that it is one.
        end = f"at line {data.count(10) + 1}, column {len(data) - data.rfind(10)}, the end"
        raise ConfigError(path, f"not TOML: {error}".replace("at end of document", end)) from error
    except ValueError as error:
        raise ConfigError(path, "not TOML: a number has too many digits") from error
    except RecursionError as error:
        raise ConfigError(path, "not TOML: nested too deeply") from error
