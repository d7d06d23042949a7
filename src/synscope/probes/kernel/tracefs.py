"""Where tracefs is: mounted for all, or mounted by us where nobody else sees it.

Output: a descriptor of tracefs' root directory; everything else works relative to it. Runs with privileges;
standard library only. Sources: Documentation/trace/ftrace.rst (the two places), fsopen(2), fsmount(2): a
mount that is never attached to a directory vanishes with its last descriptor.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

PLACES: Final = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")

_FSOPEN: Final = 430
_FSCONFIG: Final = 431
_FSMOUNT: Final = 432
"""System call numbers, the same on every architecture (asm-generic/unistd.h)."""
_CLOEXEC: Final = 1
_CMD_CREATE: Final = 6
_NOSUID_NODEV_NOEXEC: Final = 2 | 4 | 8
_MARK: Final = "instances"
"""A directory that tracefs has and an empty mount point has not."""


class TracefsError(OSError):
    """There is no tracefs to be had; the text says why."""


def open_root(places: tuple[str, ...] = PLACES) -> int:
    """Return a descriptor of tracefs' root: of the first of ``places`` that is one, else of a mount of our own.

    Raises ``TracefsError`` when the kernel has none, or does not let us use it.
    """
    for place in places:
        try:
            found = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue
        if _is_tracefs(found):
            return found
        os.close(found)
    return _own_mount()


def _is_tracefs(directory: int) -> bool:
    try:
        os.stat(_MARK, dir_fd=directory)
    except OSError:
        return False
    return True


def _own_mount() -> int:
    context = _call("fsopen", _FSOPEN, b"tracefs", _CLOEXEC)
    try:
        _call("fsconfig", _FSCONFIG, context, _CMD_CREATE, None, None, 0)
        mounted = _call("fsmount", _FSMOUNT, context, _CLOEXEC, _NOSUID_NODEV_NOEXEC)
    finally:
        os.close(context)
    try:
        # fsmount's descriptor only names the place; reading the directory needs an opened one.
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mounted)
    finally:
        os.close(mounted)


def _call(name: str, number: int, *arguments: bytes | int | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        code = ctypes.get_errno()
        raise TracefsError(code, f"tracefs is not mounted and could not be: {name}: {os.strerror(code)}")
    return result
