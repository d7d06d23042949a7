"""What the kernel allows on the way to a connection, and what it counted, on Linux.

Output: ``snapshot.Limits`` and counters. Sources: docs.kernel.org/networking/ip-sysctl.html, proc(5), and the
names of nstat(8) for the counters of /proc/net/netstat and /proc/net/snmp; ``reference.discard_counters`` has those
that count what is discarded.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.host.snapshot import Limits, Setting, Untold
from synscope.reference.discard_counters import COUNTERS

_SETTINGS: Final = {
    "somaxconn": "sys/net/core/somaxconn",
    "tcp_syncookies": "sys/net/ipv4/tcp_syncookies",
    "tcp_max_syn_backlog": "sys/net/ipv4/tcp_max_syn_backlog",
    "tcp_abort_on_overflow": "sys/net/ipv4/tcp_abort_on_overflow",
    "tcp_tw_reuse": "sys/net/ipv4/tcp_tw_reuse",
    "ip_unprivileged_port_start": "sys/net/ipv4/ip_unprivileged_port_start",
    "nf_conntrack_max": "sys/net/netfilter/nf_conntrack_max",
    "nf_conntrack_count": "sys/net/netfilter/nf_conntrack_count",
    "file-max": "sys/fs/file-max",
}
_MOST_INTERFACES: Final = 1_000
_OTHER_COUNTERS: Final = frozenset(
    {
        "TcpActiveOpens",
        "TcpPassiveOpens",
        "TcpAttemptFails",
        "TcpEstabResets",
        "TcpRetransSegs",
        "TcpOutRsts",
        "TcpExtTCPReqQFullDoCookies",
        "TcpExtTCPAbortOnClose",
        "TcpExtTCPAbortOnData",
        "TcpExtTCPAbortOnTimeout",
        "TcpExtTCPTimeouts",
        "TcpExtTCPSynRetrans",
        "TcpExtSyncookiesSent",
        "TcpExtTWKilled",
        "TcpExtPAWSEstab",
    }
)
"""Counters of what is not discarded."""
_TABLES: Final = ("netstat", "snmp")
_TRACKED: Final = {
    "drop": "NfConntrackDrop",
    "early_drop": "NfConntrackEarlyDrop",
    "insert_failed": "NfConntrackInsertFailed",
}


def look() -> Limits | Untold:
    """Return the settings of the calling thread's network namespace."""
    found = [
        Setting(name, value) for name, path in _SETTINGS.items() if (value := procfs.number(path)) is not None
    ]
    on = route_localnet()
    if on is not None:
        found.append(Setting("route_localnet", on))
    if not found:
        return Untold("this kernel's settings cannot be read")
    low, high = (procfs.text("sys/net/ipv4/ip_local_port_range") or " ").split() or (None, None)
    return Limits(
        settings=tuple(found),
        reserved_ports=procfs.text("sys/net/ipv4/ip_local_reserved_ports") or "",
        ephemeral_low=int(low) if low else None,
        ephemeral_high=int(high) if high else None,
    )


def route_localnet() -> int | None:
    """Return 1 where any interface may carry 127.0.0.0/8: the setting of all and that of the interface are joined."""
    names = ["all", *(name for _, name in socket.if_nameindex())][:_MOST_INTERFACES]
    values = [procfs.number(f"sys/net/ipv4/conf/{name}/route_localnet") for name in names]
    known = [value for value in values if value is not None]
    return max(known) if known else None


def count() -> tuple[Setting, ...] | Untold:
    """Return the kernel's counters that speak about connections."""
    wanted = _OTHER_COUNTERS | COUNTERS.keys()
    every = [pair for table in _TABLES for pair in procfs.counters(table).items()]
    if not every:
        return Untold("this kernel's counters cannot be read")
    found = (*every, *_lines("snmp6"), *_lines("xfrm_stat"), *_tracked(), *_softnet())
    return tuple(Setting(name, value) for name, value in found if name in wanted)


def _lines(table: str) -> Iterator[tuple[str, int]]:
    """Yield the counters of a table with one on each line."""
    for line in (procfs.text(f"{procfs.NET}/{table}") or "").splitlines():
        name, _, value = line.partition("\t")
        if value.strip().isdecimal():
            yield name.strip(), int(value)


def _tracked() -> Iterator[tuple[str, int]]:
    """Yield the counters of connection tracking: names in the first line, then a line for each processor."""
    names, *lines = (procfs.text(f"{procfs.NET}/stat/nf_conntrack") or "").splitlines() or [""]
    columns = zip(*(line.split() for line in lines), strict=False)
    for name, column in zip(names.split(), columns, strict=False):
        wanted = _TRACKED.get(name)
        if wanted:
            yield wanted, sum(int(value, 16) for value in column)


def _softnet() -> Iterator[tuple[str, int]]:
    """Yield how many received frames the machine had no room for."""
    lines = [line.split() for line in (procfs.text(f"{procfs.NET}/softnet_stat") or "").splitlines()]
    if lines:
        yield "SoftnetDropped", sum(int(line[1], 16) for line in lines if len(line) > 1)
