"""Programs (eBPF) that are attached on the way of a connection, with those who own them, on Linux.

Input: the processes that matter with their roles. Output: ``snapshot.Program`` rows: those at the interfaces (XDP,
traffic control), at the control groups of the processes, and at the network namespace. Nothing is loaded or changed.
Needs root. Sources: bpf(2), linux/bpf.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import re
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from synscope.probes.host import netlink, procfs
from synscope.probes.host.snapshot import Owner, Program, Untold

_CALL: Final = {
    "x86_64": 321,
    "aarch64": 280,
    "riscv64": 280,
    "loongarch64": 280,
    "s390x": 351,
    "ppc64le": 361,
    "i686": 357,
    "armv7l": 386,
}
"""Machine → number of bpf(2)."""
_FROM_NUMBER, _INFO, _QUERY = 13, 15, 16
"""BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD, BPF_PROG_QUERY."""
_SIZE: Final = 128
_INFO_SIZE: Final = 256
_NAME: Final = slice(64, 80)
_EFFECTIVE: Final = 1
"""BPF_F_QUERY_EFFECTIVE: those of the groups above as well."""
_AT_GROUP: Final = {
    0: "ingress",
    1: "egress",
    2: "socket",
    8: "bind (IPv4)",
    9: "bind (IPv6)",
    10: "connect (IPv4)",
    11: "connect (IPv6)",
}
_AT_INTERFACE: Final = {46: "tc ingress", 47: "tc egress"}
_SOCKET_LOOKUP: Final = 36
_MOST_PROGRAMS: Final = 64
_MOST_INTERFACES: Final = 64
_PATIENCE_S: Final = 0.1
"""What the search for owners may take."""
_GET_LINK: Final = 18
_GET_FILTER: Final = 46
_LINK = struct.Struct("=BxHiII")
_FILTER = struct.Struct("=BxxxiIII")
_IFLA_NAME, _IFLA_XDP, _XDP_PROGRAM = 3, 43, 4
_TCA_KIND, _TCA_OPTIONS, _TCA_BPF_NUMBER = 1, 2, 11
_HOOKS: Final = ((0xFFFFFFF2, "tc ingress"), (0xFFFFFFF3, "tc egress"))
_TOOLS: Final = (
    ("sd_", "systemd"),
    ("cil_", "Cilium"),
    ("bpf_lxc", "Cilium"),
    ("cali_", "Calico"),
    ("antrea", "Antrea"),
    ("kuma_", "Kuma"),
    ("mb_", "Merbridge"),
    ("classifier__", "Datadog"),
    ("falco", "Falco"),
    ("portmaster", "Portmaster"),
    ("dae_", "dae"),
)
"""How the names begin that a tool's programs have, where no process is known to hold them."""
_NUMBER: Final = re.compile(r"^prog_id:\s*(\d+)$", re.MULTILINE)


class _Attached(NamedTuple):
    """A program's number and its place."""

    number: int
    place: str
    role: str = ""


def look(roles: Sequence[tuple[int, str]], until: float) -> tuple[Program, ...] | Untold:
    """Return the attached programs; where no client is known, those at this program's own control group stand in."""
    if os.geteuid() != 0:
        return Untold("attached programs are shown to root alone")
    if platform.machine() not in _CALL:
        return Untold("how to ask for attached programs is not known on this machine")
    found = list(
        islice(dict.fromkeys((*_at_interfaces(), *_at_groups(roles), *_at_namespace())), _MOST_PROGRAMS)
    )
    if not found:
        return ()
    names = {each.number: _name(each.number) for each in found}
    owners = _owners(names.keys(), min(until, time.monotonic() + _PATIENCE_S))
    return tuple(
        Program(
            each.place,
            each.number,
            names[each.number],
            next((tool for start, tool in _TOOLS if names[each.number].startswith(start)), ""),
            owners.get(each.number, ()),
            each.role,
        )
        for each in found
    )


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    """Call bpf(2); return its result and what it left in the attributes. Raises ``OSError``."""
    kept = ctypes.create_string_buffer(attributes, _SIZE)
    done: int = ctypes.CDLL(None, use_errno=True).syscall(_CALL[platform.machine()], command, kept, _SIZE)
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return done, kept.raw


def _asked(descriptor: int, at: int, flags: int = 0) -> list[int]:
    """Return the numbers of the programs at one place of a control group, an interface or a namespace."""
    numbers = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    attributes = struct.pack(
        "=IIIIQII", descriptor, at, flags, 0, ctypes.addressof(numbers), _MOST_PROGRAMS, 0
    )
    try:
        _, answer = _bpf(_QUERY, attributes)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return list(numbers)
        return []
    (number,) = struct.unpack_from("=I", answer, 24)
    return list(numbers[: min(number, _MOST_PROGRAMS)])


def _at_interfaces() -> Iterator[_Attached]:
    with contextlib.suppress(OSError, ValueError, struct.error):
        for answer in islice(
            netlink.ask(netlink.ROUTE, _GET_LINK, _LINK.pack(0, 0, 0, 0, 0)), _MOST_INTERFACES
        ):
            index = _LINK.unpack_from(answer)[2]
            fields = netlink.attributes(answer[_LINK.size :])
            place = f"interface {fields.get(_IFLA_NAME, b'?').rstrip(bytes(1)).decode(errors='replace')}"
            number = netlink.attributes(fields.get(_IFLA_XDP, b"")).get(_XDP_PROGRAM, b"")
            if number:
                yield _Attached(int.from_bytes(number[:4], sys.byteorder), f"{place}: XDP")
            for at, words in _AT_INTERFACE.items():
                yield from (_Attached(each, f"{place}: {words}") for each in _asked(index, at))
            yield from (_Attached(each, f"{place}: {words}") for each, words in _filters(index))


def _filters(index: int) -> Iterator[tuple[int, str]]:
    """Yield the programs of traffic control's older kind, each with its hook."""
    for parent, hook in _HOOKS:
        with contextlib.suppress(OSError, ValueError, struct.error):
            for answer in netlink.ask(netlink.ROUTE, _GET_FILTER, _FILTER.pack(0, index, 0, parent, 0)):
                fields = netlink.attributes(answer[_FILTER.size :])
                number = netlink.attributes(fields.get(_TCA_OPTIONS, b"")).get(_TCA_BPF_NUMBER, b"")
                if number:
                    yield int.from_bytes(number[:4], sys.byteorder), hook


def _at_groups(roles: Sequence[tuple[int, str]]) -> Iterator[_Attached]:
    """Yield the programs at the control groups of the processes that matter, with those of the groups above."""
    mount = _mount_of_groups()
    known = dict(roles)
    if "client" not in known.values():
        known[os.getpid()] = "client"
    seen: set[str] = set()
    for pid, role in known.items() if mount else ():
        group = _group(pid)
        if group is None or group in seen:
            continue
        seen.add(group)
        with contextlib.suppress(OSError):
            folder = os.open(f"{mount}{group}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                for at, words in _AT_GROUP.items():
                    place = f"control group {group}: {words}"
                    yield from (_Attached(number, place, role) for number in _asked(folder, at, _EFFECTIVE))
            finally:
                os.close(folder)


def _group(pid: int) -> str | None:
    """Return the path of a process's control group, in the hierarchy that programs are attached to."""
    for line in (procfs.text(f"{pid}/cgroup") or "").splitlines():
        if line.startswith("0::/"):
            return line.removeprefix("0::")
    return None


def _mount_of_groups() -> str:
    """Return where that hierarchy is mounted; empty for nowhere."""
    for line in (procfs.text("self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if after.startswith("cgroup2 ") and len(fields) > 4 and fields[3] == "/":  # noqa: PLR2004 - root, mount
            return fields[4].replace("\\040", " ").rstrip("/")
    return ""


def _at_namespace() -> Iterator[_Attached]:
    with contextlib.suppress(OSError):
        namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            for number in _asked(namespace, _SOCKET_LOOKUP):
                yield _Attached(number, "network namespace: choice of the listener (sk_lookup)")
        finally:
            os.close(namespace)


def _name(number: int) -> str:
    """Return a program's name; empty where it has none, or is gone."""
    kept = ctypes.create_string_buffer(_INFO_SIZE)
    with contextlib.suppress(OSError):
        descriptor, _ = _bpf(_FROM_NUMBER, struct.pack("=III", number, 0, 0))
        try:
            _bpf(_INFO, struct.pack("=IIQ", descriptor, _INFO_SIZE, ctypes.addressof(kept)))
        finally:
            os.close(descriptor)
    return kept.raw[_NAME].split(b"\0")[0].decode(errors="replace")


def _owners(numbers: Iterable[int], until: float) -> Mapping[int, tuple[Owner, ...]]:
    """Return the processes that hold the programs, or what attaches them; as far as there is time to look."""
    wanted = frozenset(numbers)
    found: dict[int, dict[int, Owner]] = {}
    for pid in procfs.processes(until):
        if pid == os.getpid():
            continue
        for number in _held(pid) & wanted:
            found.setdefault(number, {})[pid] = Owner(pid, procfs.program(pid), None)
    return {number: tuple(owners.values())[:_MOST_OWNERS] for number, owners in found.items()}


_MOST_OWNERS: Final = 4


def _held(pid: int) -> set[int]:
    """Return the numbers of the programs that a process's descriptors stand for."""
    held = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(procfs.PROC / str(pid) / "fd"):
            with contextlib.suppress(OSError):
                if Path(entry.path).readlink().name.startswith(("anon_inode:bpf", "anon_inode:[bpf")):
                    text = procfs.text(f"{pid}/fdinfo/{entry.name}") or ""
                    held |= {int(number) for number in _NUMBER.findall(text)}
    return held
