"""What the firewalls of macOS and Windows do with connections over loopback.

Input: ports, addresses, seconds. Output: a ``snapshot.Firewall``. macOS: pf decides (``pf``); the application
firewall does not look at loopback. Windows: the rules are those of ``netsh advfirewall``; filters of other
programs (antivirus, VPN) are not in them, so that a connection is never said to pass.

Sources: socketfilterfw's own words as kolide.com/features/checks/mac-firewall shows them; Microsoft, "Netsh
AdvFirewall Firewall Commands". netsh speaks the system's language; only English is read.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from synscope.model import PORT_MAX
from synscope.probes.host import deadline, pf
from synscope.probes.host.asked_packet import ANY_EPHEMERAL, AskedPacket, Span
from synscope.probes.host.snapshot import Firewall, PacketKind, RuleVerdict, Ruling, Untold

_INFO: Final = ("pfctl", "-s", "info")
_INTERFACES: Final = ("pfctl", "-s", "Interfaces", "-v")
_RULES: Final = ("pfctl", "-a", "*", "-sr")
_APPLICATION: Final = (
    "/usr/libexec/ApplicationFirewall/socketfilterfw",
    "--getglobalstate",
    "--getblockall",
    "--getstealthmode",
)
_NETSH: Final = ("netsh", "advfirewall", "firewall", "show", "rule", "name=all")
_OTHERS: Final = "filters of other programs (antivirus, VPN) cannot be listed on Windows"


class ApplicationFirewall(NamedTuple):
    """What macOS's application firewall is set to."""

    enabled: bool
    blocks_all: bool
    stealth: bool


class WindowsRule(NamedTuple):
    """One enabled rule of Windows' firewall that blocks."""

    name: str
    direction: str
    ports: tuple[Span, ...]


def look(ports: Sequence[int], addresses: Sequence[str], seconds: float) -> Firewall | Untold:
    """Read the rules of this system's firewall."""
    until = time.monotonic() + seconds
    return _windows(ports, addresses, until) if sys.platform == "win32" else _macos(ports, addresses, until)


def _macos(ports: Sequence[int], addresses: Sequence[str], until: float) -> Firewall | Untold:
    outputs = []
    for command in (_INFO, _INTERFACES, _RULES):
        ran = deadline.run(command, max(0.0, until - time.monotonic()))
        if isinstance(ran, Untold):
            return ran
        if ran.status != 0:
            return Untold(f"pfctl says: {ran.complaint} (it needs root)")
        outputs.append(ran.output)
    found = pf.parse(*outputs)
    application = deadline.run(_APPLICATION, max(0.0, until - time.monotonic()))
    names = () if isinstance(application, Untold) else _named(application_firewall(application.output))
    return Firewall(
        ("pfctl",), tuple(pf.rulings(found, packet) for packet in _packets(ports, addresses)), names
    )


def _packets(ports: Sequence[int], addresses: Sequence[str]) -> Iterator[AskedPacket]:
    for port in ports:
        for address in addresses:
            for kind in PacketKind:
                yield AskedPacket(kind, ":" in address, address, address, ANY_EPHEMERAL, port)


def application_firewall(output: str) -> ApplicationFirewall:
    """Read what socketfilterfw prints about its state; the words differ between versions."""
    text = output.lower()
    return ApplicationFirewall(
        enabled=re.search(r"firewall is enabled|state = [12]", text) is not None,
        blocks_all=re.search(r"block all enabled|block all state set to enabled|state = 2", text) is not None,
        stealth=re.search(r"stealth mode (?:is )?(?:enabled|on)", text) is not None,
    )


def _named(found: ApplicationFirewall) -> tuple[str, ...]:
    return ("macOS application firewall",) if found.enabled else ()


def _windows(ports: Sequence[int], addresses: Sequence[str], until: float) -> Firewall | Untold:
    ran = deadline.run(_NETSH, max(0.0, until - time.monotonic()))
    if isinstance(ran, Untold):
        return ran
    rules = tuple(blocking(ran.output))
    return Firewall(("netsh",), tuple(windows_ruling(rules, packet) for packet in _packets(ports, addresses)))


def blocking(output: str) -> Iterator[WindowsRule]:
    """Yield the enabled rules for TCP that block, from the output of ``netsh advfirewall firewall show rule``."""
    for block in re.split(r"(?m)^Rule Name:", output.replace("\r", ""))[1:]:
        name, _, rest = block.partition("\n")
        fields = {
            key.strip(): value.strip()
            for key, _, value in (line.partition(":") for line in rest.splitlines())
        }
        if (
            fields.get("Enabled") == "Yes"
            and fields.get("Action") == "Block"
            and fields.get("Protocol") in {"TCP", "Any"}
        ):
            yield WindowsRule(
                name.strip(), fields.get("Direction", ""), tuple(_spans(fields.get("LocalPort", "Any")))
            )


def _spans(text: str) -> Iterator[Span]:
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if low.lower() == "any":
            yield Span(0, PORT_MAX)
        elif low.isdigit() and (high.isdigit() or not dash):
            yield Span(int(low), int(high or low))


def windows_ruling(rules: Sequence[WindowsRule], packet: AskedPacket) -> Ruling:
    """Say which rule may block; whether it looks at loopback depends on who wrote it."""
    found = Ruling(packet.server, packet.port, packet.kind, RuleVerdict.UNKNOWN, because=_OTHERS)
    for rule in rules:
        if rule.direction == "In" and any(low <= packet.port <= high for low, high in rule.ports):
            because = f"the rule '{rule.name[:100]}' blocks the port, but most rules leave loopback alone"
            return found._replace(rule=rule.name[:300], place="Windows firewall", because=because)
    return found
