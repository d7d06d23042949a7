"""What the firewall of a Linux machine does with connections to the watched ports.

Input: ports, the server's addresses, the ephemeral range, seconds. Output: a ``snapshot.Firewall``. The rules are
read from ``nft`` (which shows those of iptables-nft, but not their extensions) and ``iptables-save``; only the
rulings are kept. Programs attached through eBPF (XDP, tc, cgroups) are not seen.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Sequence
from typing import Final

from synscope.probes.host import iptables, nft, nft_listing, procfs
from synscope.probes.host.asked_packet import AskedPacket, Span
from synscope.probes.host.rules import Ruleset, judge
from synscope.probes.host.snapshot import Firewall, PacketKind, Untold
from synscope.reference.firewall_makers import CHAINS

_OF_IPTABLES: Final = frozenset({"raw", "mangle", "nat", "filter", "security"})
_TEXTS: Final = ("nft", "-a", "-t", "list", "ruleset")
_SAVE: Final = {"ip": "iptables-save", "ip6": "ip6tables-save"}
_LEGACY: Final = {"ip": "iptables-legacy-save", "ip6": "ip6tables-legacy-save"}
_LEGACY_TABLES: Final = {"ip": "ip_tables_names", "ip6": "ip6_tables_names"}
_STATES: Final = {kind: "new" if kind is PacketKind.SYN else "established" for kind in PacketKind}


def look(
    ports: Sequence[int], addresses: Sequence[str], ephemeral: tuple[int, int], seconds: float
) -> Firewall | Untold:
    """Read the rules and judge the packets of a connection to each port at each address."""
    until = time.monotonic() + seconds
    found = Ruleset()
    tools: list[str] = []
    native = _native(found, until)
    if isinstance(native, Untold):
        found.missing = native.could_not_tell
    else:
        tools.append("nft")
    legacy = _legacy(found, until, known=not isinstance(native, Untold))
    tools += legacy
    if not tools:
        return Untold(f"the firewall's rules could not be read: {found.missing}")
    rulings = []
    for packet in packets(ports, addresses, ephemeral):
        if time.monotonic() > until:
            return Untold(found.missing or "the firewall's rules are too many to follow in time")
        rulings.append(judge(found, packet))
    return Firewall(tuple(tools), tuple(rulings), _front_ends(found))


def packets(
    ports: Sequence[int], addresses: Sequence[str], ephemeral: tuple[int, int]
) -> Iterable[AskedPacket]:
    """Yield the packets of a connection to each port at each address."""
    for port in ports:
        for address in addresses:
            ip = ipaddress.ip_address(address)
            # The kernel takes 127.0.0.1 as the source toward all of 127/8, else the address itself.
            client = "127.0.0.1" if ip.is_loopback and ":" not in address else address
            for kind in PacketKind:
                yield AskedPacket(
                    kind,
                    ":" in address,
                    client,
                    address,
                    Span(*ephemeral),
                    port,
                    state=_STATES[kind],
                )


def _native(found: Ruleset, until: float) -> Untold | None:
    """Add the rules of nf_tables, those of iptables-nft included."""
    listed = nft_listing.rules(until)
    if isinstance(listed, Untold):
        return listed
    try:
        through_iptables = _translated(found, nft.tables(listed), until)
        texts = nft_listing.output(_TEXTS, until)
        listing = "" if isinstance(texts, Untold) else texts
        own = nft.parse(listed, listing, through_iptables)
        found.missing = found.missing or nft.unfollowed(listing)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return Untold(f"the output of nft was not understood ({type(error).__name__}: {error})")
    found.chains.update(own.chains)
    return None


def _translated(
    found: Ruleset, tables: frozenset[tuple[str, str]], until: float
) -> frozenset[tuple[str, str]]:
    """Add the tables that iptables-nft made, and return them."""
    done = set()
    for family, program in _SAVE.items():
        if not any((family, name) in tables for name in _OF_IPTABLES):
            continue
        saved = nft_listing.output((program, "-c"), until)
        if isinstance(saved, Untold) or "(nf_tables)" not in saved.partition("\n")[0]:
            continue
        found.chains.update(iptables.parse(saved, ipv6=family == "ip6").chains)
        done |= {(family, name) for name in iptables.tables(saved)}
    return frozenset(done)


def _legacy(found: Ruleset, until: float, *, known: bool) -> list[str]:
    """Add the rules of the older iptables, where it has tables; return the tools that were used."""
    tools = []
    for family, names in _LEGACY_TABLES.items():
        if known and not procfs.text(f"{procfs.NET}/{names}"):
            continue
        for program in (_LEGACY[family], _SAVE[family]):
            saved = nft_listing.output((program, "-c"), until)
            if not isinstance(saved, Untold) and not (known and "(nf_tables)" in saved.partition("\n")[0]):
                found.chains.update(iptables.parse(saved, ipv6=family == "ip6").chains)
                tools.append(program)
                break
        else:
            found.missing = found.missing or f"{_LEGACY[family]} could not list the rules of {names}"
    return tools


def _front_ends(found: Ruleset) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            program
            for sign, program in CHAINS.items()
            if any(name.startswith(sign) or table.endswith(sign) for table, name in found.chains)
        )
    )
