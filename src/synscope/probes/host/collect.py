"""One look at the host, bounded in time.

Input: ports, and what the caller knows: the client's environment and process, the server's processes, host names.
Output: a ``records.Snapshot``. All probes work side by side, each in a thread; what is not ready when the time is
up is recorded as could-not-tell. It reads, and changes nothing.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from synscope.model import PORT_MAX
from synscope.probes.host import portable, proxy
from synscope.probes.host.bounded import Task
from synscope.probes.host.snapshot import (
    VERSION,
    Firewall,
    Forwards,
    Limits,
    Loopback,
    Names,
    Namespaces,
    Policy,
    Process,
    Setting,
    Snapshot,
    Sockets,
    Untold,
)

BUDGET_S: Final = 1.0
_PROBES_SHARE: Final = 0.85
"""What the probes may take of the budget; the rest is for those that wait for another's result."""
_LISTENERS_SHARE: Final = 0.5
"""What the list of sockets may take of it, for other probes need it."""
_SOCKETS_SHARE: Final = 0.6
"""When the others go on without it."""
_MOST_PORTS: Final = 32
_MOST_HOSTS: Final = 8
_MOST_ADDRESSES: Final = 8
_NO_ENVIRONMENT: Final = "the client's environment is not known"
_LOOPBACK: Final = ("127.0.0.1", "::1")
_EPHEMERAL: Final = (1024, PORT_MAX)
"""The widest range a client's port can be from, where the system's own is not known."""


class _Wanted(NamedTuple):
    """What to look for, and until when."""

    ports: tuple[int, ...]
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    until: float
    sockets_until: float

    @property
    def seconds(self) -> float:
        """The time that is left."""
        return max(0.0, self.until - time.monotonic())


def collect(  # noqa: PLR0913 - each is something else that the caller may know
    ports: Sequence[int],
    *,
    environment: Mapping[str, str] | None = None,
    client_pid: int | None = None,
    server_pids: Sequence[int] = (),
    hosts: Sequence[str] = (),
    addresses: Sequence[str] = (),
    command_lines: bool = False,
    budget_s: float = BUDGET_S,
) -> Snapshot:
    """Look at the host for at most ``budget_s`` seconds, in the calling thread's network namespace.

    ``environment`` is the client's, not this program's; of it only the proxy variables are kept. ``addresses``
    are the server addresses, next to those of loopback and those ``hosts`` that are this machine's own
    addresses, that the firewall is asked about. ``command_lines``
    records those of the processes that matter in full, secrets included.
    """
    began, taken_ns = time.monotonic(), time.time_ns()
    wanted = _Wanted(
        tuple(dict.fromkeys(port for port in ports if 0 <= port <= PORT_MAX))[:_MOST_PORTS],
        tuple(dict.fromkeys(hosts))[:_MOST_HOSTS],
        tuple(dict.fromkeys((*_LOOPBACK, *filter(_is_address, addresses), *filter(_is_own, hosts))))[
            :_MOST_ADDRESSES
        ],
        began + budget_s * _PROBES_SHARE,
        began + budget_s * _LISTENERS_SHARE,
    )
    tasks = _linux(wanted) if sys.platform == "linux" else _elsewhere(wanted)
    sockets = tasks.sockets.result(began + budget_s * _SOCKETS_SHARE)
    roles = _roles(sockets, wanted.ports, client_pid, server_pids)
    processes = Task("processes", lambda: _processes(roles, command_lines=command_lines))
    end = began + budget_s
    return Snapshot(
        version=VERSION,
        taken_ns=taken_ns,
        system=f"{platform.system()} {platform.release()}",
        privileged=_is_privileged(),
        ports=wanted.ports,
        sockets=sockets,
        firewall=tasks.firewall.result(end),
        names=tasks.names.result(end),
        proxy=Untold(_NO_ENVIRONMENT) if environment is None else proxy.recorded(environment),
        loopback=tasks.loopback.result(end),
        processes=processes.result(end),
        limits=tasks.limits.result(end),
        counters=tasks.counters.result(end),
        policy=tasks.policy.result(end),
        forwards=tasks.forwards.result(end),
        namespaces=tasks.namespaces.result(end),
        duration_ns=int((time.monotonic() - began) * 1e9),
    )


class _Tasks(NamedTuple):
    """The probes at work."""

    sockets: Task[Sockets]
    firewall: Task[Firewall]
    names: Task[Names]
    loopback: Task[Loopback]
    limits: Task[Limits]
    counters: Task[tuple[Setting, ...]]
    policy: Task[Policy]
    forwards: Task[Forwards]
    namespaces: Task[Namespaces]


def _linux(wanted: _Wanted) -> _Tasks:
    from synscope.probes.host import firewall, forwards, limits, loopback, names, namespaces, policy, sockets  # noqa: PLC0415 - they import on Linux alone

    def rules() -> Firewall | Untold:
        known = limits.look()
        low, high = _EPHEMERAL
        if not isinstance(known, Untold) and known.ephemeral_low and known.ephemeral_high:
            low, high = known.ephemeral_low, known.ephemeral_high
        return firewall.look(wanted.ports, wanted.addresses, (low, high), wanted.seconds)

    return _Tasks(
        sockets=Task("listeners", lambda: sockets.look(wanted.ports, wanted.sockets_until)),
        firewall=Task("the firewall", rules),
        names=Task("names", lambda: names.look(wanted.hosts, wanted.until)),
        loopback=Task("loopback", loopback.look),
        limits=Task("limits", limits.look),
        counters=Task("counters", limits.count),
        policy=Task("security policies", lambda: policy.look(wanted.until)),
        forwards=Task("containers and forwards", lambda: forwards.look(wanted.ports, wanted.until)),
        namespaces=Task("network namespaces", lambda: namespaces.look(wanted.ports, wanted.until)),
    )


def _elsewhere(wanted: _Wanted) -> _Tasks:
    from synscope.probes.host import names, other_firewalls  # noqa: PLC0415 - not for Linux

    def not_here() -> Untold:
        return Untold("not looked at on this system")

    return _Tasks(
        sockets=Task("listeners", lambda: portable.sockets(wanted.ports)),
        firewall=Task(
            "the firewall", lambda: other_firewalls.look(wanted.ports, wanted.addresses, wanted.seconds)
        ),
        names=Task("names", lambda: names.look(wanted.hosts, wanted.until)),
        loopback=Task("loopback", portable.loopback),
        limits=Task("limits", not_here),
        counters=Task("counters", not_here),
        policy=Task("security policies", not_here),
        forwards=Task("containers and forwards", not_here),
        namespaces=Task("network namespaces", not_here),
    )


def _roles(
    sockets: Sockets | Untold, ports: Sequence[int], client_pid: int | None, server_pids: Iterable[int]
) -> tuple[tuple[int, str], ...]:
    """Return the processes that matter, each once, with its role."""
    roles = {} if client_pid is None else {client_pid: "client"}
    for pid in server_pids:
        roles.setdefault(pid, "server")
    if not isinstance(sockets, Untold):
        for listener in sockets.listeners:
            if listener.port in ports:
                for owner in listener.owners:
                    roles.setdefault(owner.pid, "listener")
    return tuple(roles.items())


def _processes(roles: Sequence[tuple[int, str]], *, command_lines: bool) -> tuple[Process, ...]:
    if sys.platform != "linux":
        return portable.processes(roles)
    from synscope.probes.host import processes  # noqa: PLC0415 - on Linux alone

    return processes.look(roles, command_lines=command_lines)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_own(text: str) -> bool:
    """Whether it is an address of this machine, so that the way to it is the loopback interface."""
    if not _is_address(text):
        return False
    with socket.socket(socket.AF_INET6 if ":" in text else socket.AF_INET, socket.SOCK_DGRAM) as made:
        try:
            made.bind((text, 0))
        except OSError:
            return False
    return True


def _is_privileged() -> bool:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - on Windows alone

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0
