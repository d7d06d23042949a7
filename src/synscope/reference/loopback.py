"""Which names and addresses are this machine's loopback, by their spelling alone."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_LOOPBACK_NAMES: Final = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost6",
        "ip6-localhost",
        "ip6-loopback",
    }
)
_SHORT_LOOPBACK: Final = r"127(?:\.[0-9]{1,3}){0,3}"
_THIS_HOST: Final = frozenset({"0.0.0.0", "::", "0"})  # noqa: S104 - an address to recognise, not to bind


def parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address, IPv4 for an IPv4-mapped one; ``None`` when it is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip


def is_loopback(address: str) -> bool:
    """Whether ``address`` is in 127.0.0.0/8 or is ::1."""
    ip = parsed(address)
    return ip is not None and ip.is_loopback


def names_loopback(host: str | None) -> bool | None:
    """Whether ``host`` is this machine's loopback by its spelling; ``None`` when a name does not tell."""
    if host is None:
        return None
    name = host.strip("[]").rstrip(".").lower()
    if name in _LOOPBACK_NAMES or name.endswith(".localhost") or re.fullmatch(_SHORT_LOOPBACK, name):
        return True
    # Connecting to the unspecified address reaches this machine.
    if name in _THIS_HOST or is_loopback(name):
        return True
    return None if parsed(name) is None else False
