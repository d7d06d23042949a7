"""Who invoked the tool, and giving up every privilege before the first packet is parsed.

Input: the process's ids and the variables that sudo and pkexec set. Output: an ``Identity``; ``drop`` changes
the calling process for good and proves it. Only the standard library is used: the runner imports this too.

Source: capabilities(7), prctl(2), PR_SET_NO_NEW_PRIVS in the kernel's ``no_new_privs.rst``.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synscope.process.errors import PrivilegeError

_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION_3: Final = 0x20080522
_CAP_SETPCAP: Final = 8
CAP_NET_RAW: Final = 13
_NOBODY: Final = 65534
_LARGEST_ID: Final = 2**32 - 2


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as the kernel knows one."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    how: str
    """Where this is known from, in words."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What ``/proc/PID/status`` says about rights: ids as real, effective, saved, file-system."""

    uids: tuple[int, ...]
    gids: tuple[int, ...]
    groups: tuple[int, ...]
    inheritable: int
    permitted: int
    effective: int
    bounding: int
    ambient: int
    no_new_privs: bool


def invoking(environ: Mapping[str, str] = os.environ) -> Identity:
    """Return who invoked the tool: behind sudo or pkexec the user who typed it.

    The variables are believed only by root, who can only lose rights by it.
    """
    if os.geteuid() != 0:
        return Identity(os.getuid(), os.getgid(), tuple(os.getgroups()), "the user of this process")
    uid = _id(environ.get("SUDO_UID"))
    if uid:
        return _looked_up(uid, _id(environ.get("SUDO_GID")), "SUDO_UID")
    uid = _id(environ.get("PKEXEC_UID"))
    if uid:
        return _looked_up(uid, None, "PKEXEC_UID")
    return Identity(0, os.getgid(), tuple(os.getgroups()), "root itself")


def nobody() -> Identity:
    """Return the user that owns nothing."""
    import pwd  # noqa: PLC0415 - Windows has none

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(_NOBODY, _NOBODY, (), "the usual number of nobody")
    return Identity(entry.pw_uid, entry.pw_gid, (), "the user nobody")


def parsing_identity(invoker: Identity) -> Identity:
    """Return as whom packets are parsed: as the invoker, but never as root."""
    return invoker if invoker.uid != 0 else nobody()


def drop(identity: Identity) -> None:
    """Become ``identity`` without capabilities and without a way to gain any; verified afterwards.

    Must be called before the process has a second thread: the kernel keeps capabilities by thread. Raises
    ``PrivilegeError`` if anything is left; then this process must not parse anything.
    """
    if identity.uid == 0:
        raise PrivilegeError("packets are not parsed as root: drop to another user")
    try:
        threads = len(list(Path("/proc/self/task").iterdir()))
    except OSError as error:
        raise PrivilegeError("without /proc nothing shows what rights are left") from error
    if threads != 1:
        raise PrivilegeError("privileges can only be given up while the process has one thread")
    libc = ctypes.CDLL(None, use_errno=True)
    bounded = _drop_bounding_set(libc)
    _change_ids(identity)
    clear_capabilities(libc)
    for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_DUMPABLE, 0)):
        # Not dumpable: other processes of the same user could otherwise take the capture socket.
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise PrivilegeError(f"prctl({option}): {os.strerror(ctypes.get_errno())}")
    _verify(identity, bounded=bounded)


def clear_capabilities(libc: ctypes.CDLL | None = None) -> None:
    """Empty the ambient, inheritable, permitted and effective sets of the calling thread."""
    libc = libc or ctypes.CDLL(None, use_errno=True)
    # Kernels before 4.3 have no ambient set: nothing to clear there.
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    if libc.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise PrivilegeError(f"capset: {os.strerror(ctypes.get_errno())}")


def status(pid: int | str = "self") -> Rights:
    """Return what the kernel says about the rights of a process."""
    fields = {}
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        name, _, value = line.partition(":")
        fields[name] = value.strip()

    def ids(name: str) -> tuple[int, ...]:
        return tuple(int(number) for number in fields[name].split())

    return Rights(
        uids=ids("Uid"),
        gids=ids("Gid"),
        groups=ids("Groups"),
        inheritable=int(fields["CapInh"], 16),
        permitted=int(fields["CapPrm"], 16),
        effective=int(fields["CapEff"], 16),
        bounding=int(fields["CapBnd"], 16),
        ambient=int(fields.get("CapAmb", "0"), 16),
        no_new_privs=fields.get("NoNewPrivs") == "1",
    )


def may_capture() -> bool:
    """Whether this process may open a packet socket in its own network namespace."""
    return bool(status().effective >> CAP_NET_RAW & 1)


def _id(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return int(text) if int(text) <= _LARGEST_ID else None


def _looked_up(uid: int, gid: int | None, how: str) -> Identity:
    import pwd  # noqa: PLC0415 - Windows has none

    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        group = _NOBODY if gid is None else gid
        return Identity(uid, group, (group,), f"{how}, which has no entry in passwd")
    group = entry.pw_gid if gid is None else gid
    return Identity(uid, group, tuple(os.getgrouplist(entry.pw_name, group)), how)


def _drop_bounding_set(libc: ctypes.CDLL) -> bool:
    """Empty the bounding set where that is allowed; return whether it was."""
    if not status().effective >> _CAP_SETPCAP & 1:
        return False
    capability = 0
    # The kernel answers -1 for the first number that is no capability.
    while libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
        capability += 1
    return True


def _change_ids(identity: Identity) -> None:
    now = status()
    ids_fit = set(now.uids) == {identity.uid} and set(now.gids) == {identity.gid}
    if ids_fit and set(now.groups) <= {identity.gid, *identity.groups}:
        return
    try:
        os.setgroups(identity.groups)
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    except OSError as error:
        raise PrivilegeError(f"cannot become user {identity.uid}: {error.strerror}") from error


def _verify(identity: Identity, *, bounded: bool) -> None:
    left = status()
    wrong = [
        name
        for name, fine in (
            ("the user ids", set(left.uids) == {identity.uid}),
            ("the group ids", set(left.gids) == {identity.gid}),
            ("supplementary groups", set(left.groups) <= {identity.gid, *identity.groups}),
            ("capabilities", not left.permitted | left.effective | left.inheritable | left.ambient),
            ("the bounding set", left.bounding == 0 or not bounded),
            ("no_new_privs", left.no_new_privs),
        )
        if not fine
    ]
    if wrong:
        raise PrivilegeError(f"privileges are left after giving them up: {', '.join(wrong)}")
