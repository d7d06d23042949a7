"""How a program of this package is started as a process of its own.

Input: the program's file. Output: an argument list. The interpreter runs with ``-I -S -B``: the user's
PYTHONPATH, ``.pth`` files and ``sitecustomize`` inject nothing, and nothing is written into the
installation. The program is found by its path, so the current directory does not matter either.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from synscope.process.errors import SessionError
from synscope.process.privileges import Identity

Environment = Mapping[bytes, bytes]

_STDERR: Final = 2
_HERE = Path(__file__).resolve().parent


def program(name: str, *arguments: str) -> list[str]:
    """Return the arguments that run ``process/NAME.py``."""
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", str(_HERE / f"{name}.py"), *arguments]


def invoking_environment() -> dict[bytes, bytes]:
    """Return the environment this process was started with, byte for byte.

    ``os.environb`` is not that: in the C locale the interpreter adds LC_CTYPE to it (PEP 538). Linux keeps the
    original, unless this process changed its rights since: then it cannot be read and ``os.environb`` stands in.
    Entries without ``=`` and all but the first of a repeated name are left out: no process can look them up.
    """
    try:
        entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return dict(os.environb)
    found: dict[bytes, bytes] = {}
    for entry in entries:
        name, equals, value = entry.partition(b"=")
        if name and equals:
            found.setdefault(name, value)
    return found


def inheritable() -> tuple[int, ...]:
    """Return the descriptors that the user opened for the command, as ``cat <(date)`` does, and what joins them.

    They are named one by one because ``close_fds=False`` lets ``subprocess`` take posix_spawn(3), which in glibc
    leaves two signals ignored that the command would otherwise not find so.
    """
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one this listing itself used
            if int(entry.name) > _STDERR and os.get_inheritable(int(entry.name)):
                found.append(int(entry.name))
    return tuple(found)


def start_program(
    command: Sequence[str], identity: Identity, environment: Environment | None = None
) -> subprocess.Popen[bytes]:
    """Start one of our programs as a user, with the invoking environment; raises ``SessionError``.

    Every descriptor marked inheritable goes along: those that the user opened for the command among them.
    """
    as_user = os.geteuid() == 0 and identity.uid != 0
    try:
        return subprocess.Popen(  # noqa: S603 - our own program, by its path
            command,
            env=invoking_environment() if environment is None else environment,
            pass_fds=inheritable(),
            user=identity.uid if as_user else None,
            group=identity.gid if as_user else None,
            extra_groups=identity.groups if as_user else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SessionError(f"{command[0]} could not be started as user {identity.uid}: {error}") from error
