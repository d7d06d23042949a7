"""Security policies of a Linux machine, and what they refused of late.

Output: a ``snapshot.Policy``. Of a line of the log only the named fields are kept. Landlock and seccomp log a
refusal only where the kernel or the filter was told to. Sources: audit.rules(7), the kernel's
Documentation/admin-guide/LSM, dev-kmsg (Documentation/ABI/testing/dev-kmsg).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from synscope.probes.host.snapshot import Denial, Policy, Untold

_MODULES: Final = Path("/sys/kernel/security/lsm")
_ENFORCING: Final = Path("/sys/fs/selinux/enforce")
_KERNEL_LOG: Final = "/dev/kmsg"
_AUDIT_LOG: Final = Path("/var/log/audit/audit.log")
_TAIL: Final = 512 << 10
_LONGEST_RECORD: Final = 8192
_MOST_RECORDS: Final = 20_000
_MOST: Final = 50
_OF_INTEREST: Final = {
    "selinux": "SELinux",
    "apparmor": "AppArmor",
    "landlock": "Landlock",
    "tomoyo": "TOMOYO",
}
_SIGNS: Final = (
    (re.compile(r"avc:\s+denied\s+\{ (?P<operation>[a-z_ ]{1,80}) \}"), "SELinux"),
    (re.compile(r'apparmor="DENIED" operation="(?P<operation>[a-z_]{1,40})"'), "AppArmor"),
    (re.compile(r"type=(?:1326|SECCOMP)\b(?P<operation>)"), "seccomp"),
    (
        re.compile(r"type=(?:1423|LANDLOCK_ACCESS)\b.{0,200}?blockers=(?P<operation>[a-z_.,]{1,80})"),
        "Landlock",
    ),
)
_NETWORK: Final = re.compile(
    r"name_bind|name_connect|tclass=(?:tcp|udp|rawip)?_?socket|\bbind\b|\bconnect\b|family=\"?inet|net\.|syscall=(?:41|42|49)\b"
)
_PROGRAM = re.compile(r'\bcomm="([^"]{0,64})"')
_PID = re.compile(r"\b(?:pid|opid)=(\d{1,10})\b")
_PORT = re.compile(r"\b(?:src|dest|lport|rport|laddr_port|sport|dport)=(\d{1,5})\b")
_AUDIT_TIME = re.compile(r"audit\((\d{1,12})\.(\d{1,3}):")


def look(until: float) -> Policy:
    """Return the active policies and the refusals that have to do with the network."""
    return Policy(_active(), _denials(until))


def _active() -> tuple[str, ...]:
    modules = _text(_MODULES).split(",")
    found = [name for module, name in _OF_INTEREST.items() if module in modules]
    enforcing = _text(_ENFORCING)
    if enforcing:
        found = [name for name in found if name != "SELinux"]
        found.append("SELinux, enforcing" if enforcing == "1" else "SELinux, permissive")
    return tuple(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _denials(until: float) -> tuple[Denial, ...] | Untold:
    found: list[Denial] = []
    unread = []
    for source in (kernel_log, _audit_log):
        try:
            found += [denial for line in source(until) if (denial := parse(line)) is not None]
        except FileNotFoundError:
            continue
        except OSError as error:
            unread.append(f"{error.filename or 'the log'}: {error.strerror}")
    if unread and not found:
        return Untold(f"the log of refusals cannot be read ({'; '.join(unread)})")
    return tuple(dict.fromkeys(found))[-_MOST:]


def parse(line: str) -> Denial | None:
    """Return the refusal that a line of the kernel's or the audit log tells of, where it is about the network."""
    for sign, policy in _SIGNS:
        match = sign.search(line)
        if match is None or _NETWORK.search(line) is None or "permissive=1" in line:
            continue
        program, pid, port, when = (form.search(line) for form in (_PROGRAM, _PID, _PORT, _AUDIT_TIME))
        return Denial(
            policy=policy,
            program=program[1] if program else "",
            operation=match["operation"],
            ts_ns=int(when[1]) * 1_000_000_000 + int(when[2]) * 1_000_000 if when else 0,
            pid=int(pid[1]) if pid else None,
            port=int(port[1]) if port and int(port[1]) else None,
        )
    return None


def kernel_log(until: float) -> Iterator[str]:
    """Yield the records that the kernel still has. Raises ``OSError``."""
    log = os.open(_KERNEL_LOG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(_MOST_RECORDS):
            if time.monotonic() > until:
                return
            try:
                yield os.read(log, _LONGEST_RECORD).decode(errors="replace")
            except BrokenPipeError:  # overwritten while we read: the next read goes on behind it
                continue
            except BlockingIOError:
                return
    finally:
        os.close(log)


def _audit_log(_: float) -> Iterator[str]:
    """Yield the last lines of the audit log."""
    with _AUDIT_LOG.open("rb") as file:
        with contextlib.suppress(OSError):
            file.seek(-_TAIL, os.SEEK_END)
        yield from file.read(_TAIL).decode(errors="replace").splitlines()
