"""One look at the host, bounded in time.

Input: ports, and what the caller knows: the client's environment and process, the server's processes, host names.
Output: a ``snapshot.Snapshot``. All collectors work side by side, each in a thread; what is not ready when the time
is up is recorded as could-not-tell. They read, and change nothing. ``linux_collectors`` and ``other_collectors`` list
them: one line a section.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synscope.model import PORT_MAX
from synscope.probes.host import proxy
from synscope.probes.host.asked_packet import ANY_EPHEMERAL
from synscope.probes.host.client import ANYBODY, Client
from synscope.probes.host.deadline import Task
from synscope.probes.host.snapshot import (
    SECTIONS,
    VERSION,
    Firewall,
    Namespaces,
    Snapshot,
    Sockets,
    Untold,
    Variable,
)

BUDGET_S: Final = 1.0
_PROBES_SHARE: Final = 0.85
"""What collectors may take of the budget; the rest is for those that wait for another's result."""
_LISTENERS_SHARE: Final = 0.5
"""What the list of sockets may take of it, for other collectors need it."""
_SOCKETS_SHARE: Final = 0.6
"""When the others go on without it."""
_MOST_PORTS: Final = 32
_MOST_HOSTS: Final = 8
_MOST_ADDRESSES: Final = 8
_NO_ENVIRONMENT: Final = "the client's environment is not known"
_NOT_HERE: Final = "not looked at on this system"
_LOOPBACK: Final = ("127.0.0.1", "::1")


class Wanted(NamedTuple):
    """What to look for, what the caller knows, and until when to look (``time.monotonic``)."""

    ports: tuple[int, ...]
    hosts: tuple[str, ...]
    addresses: tuple[str, ...]
    environment: Mapping[str, str] | None
    command_lines: bool
    until: float
    sockets_until: float
    roles: tuple[tuple[int, str], ...] = ()
    """The processes that matter, each with its role: known once the sockets are."""
    client: Client = ANYBODY
    """Who connects, as far as that decides about the way."""

    @property
    def port(self) -> int:
        """The first port that is one; 0 without any."""
        return next(filter(None, self.ports), 0)

    @property
    def seconds(self) -> float:
        """The time that is left."""
        return max(0.0, self.until - time.monotonic())


class Collector(NamedTuple):
    """What fills one section of a snapshot."""

    subject: str
    """What it looks at, for the reason of a section that is missing."""
    look: Callable[[Wanted], object]
    """Returns the section, or an ``Untold``."""
    needs_roles: bool = False
    """Whether it waits for the sockets, whose owners are processes that matter."""

    def begin(self, wanted: Wanted) -> Task[object]:
        """Start to look, in a thread."""
        return Task(self.subject, lambda: self.look(wanted))


Collectors = Mapping[str, Collector]
"""Section → its collector. A section without one is not looked at on the system."""


def linux_collectors() -> Collectors:
    """Return the collectors for Linux."""
    from synscope.probes.host import (  # noqa: PLC0415 - they import on Linux alone
        connections,
        declared,
        firewall,
        forwards,
        host_names,
        incidents,
        limits,
        loopback,
        namespaces,
        policy,
        processes,
        programs,
        running,
        sockets,
    )

    def rulings(wanted: Wanted) -> Firewall | Untold:
        known = limits.look()
        low, high = ANY_EPHEMERAL
        if not isinstance(known, Untold) and known.ephemeral_low and known.ephemeral_high:
            low, high = known.ephemeral_low, known.ephemeral_high
        return firewall.look(wanted.ports, wanted.addresses, (low, high), wanted.seconds)

    return {
        "sockets": Collector("listeners", lambda wanted: sockets.look(wanted.ports, wanted.sockets_until)),
        "firewall": Collector("the firewall", rulings),
        "names": Collector("names", lambda wanted: host_names.look(wanted.hosts, wanted.until)),
        "proxy": _PROXY,
        "loopback": Collector(
            "loopback",
            lambda wanted: loopback.look(_routed(wanted), wanted.client, next(iter(wanted.ports), 0)),
        ),
        "processes": Collector(
            "processes",
            lambda wanted: processes.look(wanted.roles, command_lines=wanted.command_lines),
            needs_roles=True,
        ),
        "limits": Collector("limits", lambda _: limits.look()),
        "counters": Collector("counters", lambda _: limits.count()),
        "policy": Collector("security policies", lambda wanted: policy.look(wanted.until)),
        "forwards": Collector(
            "containers and forwards", lambda wanted: forwards.look(wanted.ports, wanted.until)
        ),
        "namespaces": Collector(
            "network namespaces", lambda wanted: namespaces.look(wanted.ports, wanted.until)
        ),
        "declared": Collector(
            "the configuration of gateways", lambda wanted: declared.look(wanted.ports, wanted.until)
        ),
        "running": Collector(
            "the servers that usually have the port",
            lambda wanted: running.look(wanted.ports, wanted.until),
        ),
        "connections": Collector(
            "the server's own connections",
            lambda wanted: connections.look(_listeners(wanted), wanted.ports, wanted.until),
            needs_roles=True,
        ),
        "before": Collector(
            "what happened before",
            lambda wanted: incidents.look(wanted.ports, _listeners(wanted), wanted.until),
            needs_roles=True,
        ),
        "programs": Collector(
            "attached programs (eBPF)",
            lambda wanted: programs.look(wanted.roles, wanted.until),
            needs_roles=True,
        ),
    }


def _listeners(wanted: Wanted) -> tuple[int, ...]:
    return tuple(pid for pid, role in wanted.roles if role != "client")


def other_collectors() -> Collectors:
    """Return the collectors for every system that is not Linux."""
    from synscope.probes.host import host_names, other_firewalls, through_psutil  # noqa: PLC0415 - not for Linux

    return {
        "sockets": Collector("listeners", lambda wanted: through_psutil.sockets(wanted.ports)),
        "firewall": Collector(
            "the firewall",
            lambda wanted: other_firewalls.look(wanted.ports, wanted.addresses, wanted.seconds),
        ),
        "names": Collector("names", lambda wanted: host_names.look(wanted.hosts, wanted.until)),
        "proxy": _PROXY,
        "loopback": Collector("loopback", lambda _: through_psutil.loopback()),
        "processes": Collector(
            "processes", lambda wanted: through_psutil.processes(wanted.roles), needs_roles=True
        ),
    }


def _proxy(wanted: Wanted) -> tuple[Variable, ...] | Untold:
    return Untold(_NO_ENVIRONMENT) if wanted.environment is None else proxy.recorded(wanted.environment)


_PROXY: Final = Collector("the proxy variables", _proxy)


def collect(  # noqa: PLR0913 - each is something else that the caller may know
    ports: Sequence[int],
    *,
    environment: Mapping[str, str] | None = None,
    client_pid: int | None = None,
    client: Client = ANYBODY,
    server_pids: Sequence[int] = (),
    hosts: Sequence[str] = (),
    addresses: Sequence[str] = (),
    command_lines: bool = False,
    budget_s: float = BUDGET_S,
) -> Snapshot:
    """Look at the host for at most ``budget_s`` seconds, in the calling thread's network namespace.

    ``environment`` is the client's, not this program's; of it only the proxy variables are kept. ``client`` is
    whose way is looked up, where that is known. ``addresses``
    are the server addresses, next to those of loopback and those ``hosts`` that are this machine's own
    addresses, that the firewall is asked about. ``command_lines``
    records those of the processes that matter in full, secrets included.
    """
    began, taken_ns = time.monotonic(), time.time_ns()
    wanted = Wanted(
        ports=tuple(dict.fromkeys(port for port in ports if 0 <= port <= PORT_MAX))[:_MOST_PORTS],
        hosts=tuple(dict.fromkeys(hosts))[:_MOST_HOSTS],
        addresses=tuple(
            dict.fromkeys((*_LOOPBACK, *filter(_is_address, addresses), *filter(_is_own, hosts)))
        )[:_MOST_ADDRESSES],
        environment=environment,
        command_lines=command_lines,
        until=began + budget_s * _PROBES_SHARE,
        sockets_until=began + budget_s * _LISTENERS_SHARE,
        client=client,
    )
    collectors = linux_collectors() if sys.platform == "linux" else other_collectors()
    tasks = {
        section: collector.begin(wanted)
        for section, collector in collectors.items()
        if not collector.needs_roles
    }
    sockets = tasks["sockets"].result(began + budget_s * _SOCKETS_SHARE)
    informed = wanted._replace(roles=_roles(sockets, wanted.ports, client_pid, server_pids))
    for section, collector in collectors.items():
        if collector.needs_roles:
            tasks[section] = collector.begin(informed)
    sections: dict[str, Any] = {section: Untold(_NOT_HERE) for section in SECTIONS}
    for section, task in tasks.items():
        sections[section] = sockets if section == "sockets" else task.result(began + budget_s)
    inside = _inside(sections["namespaces"], informed.roles)
    if inside and isinstance(sections["processes"], tuple):
        more = collectors["processes"].begin(informed._replace(roles=inside)).result(began + budget_s)
        sections["processes"] += more if isinstance(more, tuple) else ()
    return Snapshot(
        version=VERSION,
        taken_ns=taken_ns,
        duration_ns=int((time.monotonic() - began) * 1e9),
        system=f"{platform.system()} {platform.release()}",
        privileged=_is_privileged(),
        ports=wanted.ports,
        **sections,
    )


def _roles(
    sockets: object, ports: Sequence[int], client_pid: int | None, server_pids: Iterable[int]
) -> tuple[tuple[int, str], ...]:
    """Return the processes that matter, each once, with its role."""
    roles = {} if client_pid is None else {client_pid: "client"}
    for pid in server_pids:
        roles.setdefault(pid, "server")
    if isinstance(sockets, Sockets):
        for listener in sockets.listeners:
            if listener.port in ports:
                for owner in listener.owners:
                    roles.setdefault(owner.pid, "listener")
    return tuple(roles.items())


def _inside(spaces: object, known: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
    """Return the processes that have the watched ports in neighbouring namespaces, and are not known yet."""
    if not isinstance(spaces, Namespaces):
        return ()
    pids = dict.fromkeys(each.pid for each in spaces.listeners if each.pid is not None and each.linked)
    return tuple((pid, "listener") for pid in pids if (pid, "listener") not in known)


def _routed(wanted: Wanted) -> tuple[str, ...]:
    """Return the addresses that the way is looked up to: the firewall's, and those of other machines."""
    plain = (host for host in wanted.hosts if _is_address(host) and "%" not in host)
    return tuple(dict.fromkeys((*wanted.addresses, *plain)))


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
