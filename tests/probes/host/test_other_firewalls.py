"""Outputs of socketfilterfw and netsh.

socketfilterfw: kolide.com/features/checks/mac-firewall. netsh: the fields of Microsoft's "Netsh AdvFirewall Firewall
Commands" in the layout that Windows 10 prints.
"""

from __future__ import annotations

import pytest

from synscope.probes.host.asked_packet import AskedPacket, Span
from synscope.probes.host.other_firewalls import (
    ApplicationFirewall,
    WindowsRule,
    application_firewall,
    blocking,
    windows_ruling,
)
from synscope.probes.host.snapshot import PacketKind, RuleVerdict

NETSH = """\r
Rule Name:                            Block 8080\r
----------------------------------------------------------------------\r
Enabled:                              Yes\r
Direction:                            In\r
Profiles:                             Domain,Private,Public\r
Grouping:                             \r
LocalIP:                              Any\r
RemoteIP:                             Any\r
Protocol:                             TCP\r
LocalPort:                            80,8000-8100\r
RemotePort:                           Any\r
Edge traversal:                       No\r
Action:                               Block\r
\r
Rule Name:                            Off\r
----------------------------------------------------------------------\r
Enabled:                              No\r
Direction:                            In\r
Protocol:                             TCP\r
LocalPort:                            Any\r
Action:                               Block\r
\r
Rule Name:                            Allow\r
----------------------------------------------------------------------\r
Enabled:                              Yes\r
Direction:                            In\r
Protocol:                             TCP\r
LocalPort:                            RPC\r
Action:                               Allow\r
Ok.\r
"""


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (
            "Firewall is enabled. (State = 1) \nBlock all DISABLED! \nStealth mode disabled \n",
            ApplicationFirewall(enabled=True, blocks_all=False, stealth=False),
        ),
        (
            "Firewall is enabled. (State = 2) \nBlock all ENABLED! \nStealth mode enabled \n",
            ApplicationFirewall(enabled=True, blocks_all=True, stealth=True),
        ),
        (
            "Firewall is disabled. (State = 0) \n",
            ApplicationFirewall(enabled=False, blocks_all=False, stealth=False),
        ),
        ("", ApplicationFirewall(enabled=False, blocks_all=False, stealth=False)),
    ],
)
def test_the_application_firewall(output: str, found: ApplicationFirewall) -> None:
    assert application_firewall(output) == found


def test_rules_of_windows_that_block() -> None:
    assert list(blocking(NETSH)) == [WindowsRule("Block 8080", "In", (Span(80, 80), Span(8000, 8100)))]
    assert list(blocking("")) == []


@pytest.mark.parametrize(
    ("port", "words"), [(8080, "'Block 8080' blocks the port"), (9000, "other programs")]
)
def test_windows_never_says_that_all_passes(port: int, words: str) -> None:
    packet = AskedPacket(PacketKind.SYN, False, "127.0.0.1", "127.0.0.1", Span(1024, 65535), port)
    found = windows_ruling(list(blocking(NETSH)), packet)
    assert found.verdict is RuleVerdict.UNKNOWN
    assert words in found.because
