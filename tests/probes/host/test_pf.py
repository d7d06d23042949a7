"""pf's rules in the words of pfctl (forms of pf.conf(5) and of the examples in pfctl(8))."""

from __future__ import annotations

import pytest

from synscope.probes.host import pf
from synscope.probes.host.asked_packet import AskedPacket, Span
from synscope.probes.host.snapshot import PacketKind, RuleVerdict

ENABLED = "Status: Enabled for 0 days 00:01:02           Debug: Urgent\n"
PORT = 8080


def verdict(rules: str, *, address: str = "127.0.0.1", info: str = ENABLED, interfaces: str = "lo0\n") -> str:
    packet = AskedPacket(PacketKind.SYN, ":" in address, address, address, Span(49152, 65535), PORT)
    found = pf.judge(pf.parse(info, interfaces, rules), packet)
    return f"{found.verdict} {found.how}".strip()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", "accept"),
        ("block drop all", "drop"),
        ("block return all", "reject tcp reset"),
        ("block drop in proto tcp from any to any port = 8080", "drop"),
        ("block drop in proto tcp from any to any port = 8081", "accept"),
        ("block drop in proto udp from any to any port = 8080", "accept"),
        ("block return-rst in quick on lo0 proto tcp from any to any port = 8080", "reject tcp reset"),
        ("block return-icmp(port-unr) in inet proto tcp from any to any port = 8080", "reject icmp"),
        ("block drop on en0 all", "accept"),
        ("block drop on ! lo0 all", "accept"),
        ("block drop all\npass on lo0 all flags S/SA keep state", "accept"),
        ("block drop all\npass out all flags S/SA keep state", "drop"),
        ("block drop quick all\npass all flags S/SA keep state", "drop"),
        ("pass quick on lo0 all flags S/SA\nblock drop all", "accept"),
        ("block drop inet6 all", "accept"),
        ("block drop in proto tcp from any to 127.0.0.0/8 port 8000:8100", "drop"),
        ("block drop in proto tcp from any to ! 127.0.0.0/8", "accept"),
        ("block drop in proto tcp from 10.0.0.0/8 to any", "accept"),
        ("block drop in proto tcp from any to any port > 8080", "accept"),
        ("block drop in proto tcp from any to any port != 22", "drop"),
        ("block drop in from <bad> to any", "could not tell"),
        ("block drop in proto tcp from any to any user root", "could not tell"),
        ('anchor "com.apple/*" all {\n  block drop in proto tcp from any to any port = 8080\n}', "drop"),
        ('anchor "vpn" on utun0 {\n  block drop all\n}', "drop"),
        ("something new", "could not tell"),
        ("scrub in all fragment reassemble", "accept"),
    ],
)
def test_rules(rules: str, said: str) -> None:
    assert verdict(rules) == said


def test_pf_that_is_off_or_skips_loopback_lets_pass() -> None:
    assert verdict("block drop all", info="Status: Disabled\n") == "accept"
    assert verdict("block drop all", interfaces="en0\nlo0 (skip)\n") == "accept"


def test_families_are_told_apart() -> None:
    assert verdict("block drop inet6 all", address="::1") == "drop"


def test_what_follows_a_syn_that_passes_has_state() -> None:
    packet = AskedPacket(PacketKind.ANSWER, False, "127.0.0.1", "127.0.0.1", Span(1024, 65535), PORT)
    assert pf.rulings(pf.parse(ENABLED, "", "pass out all"), packet).verdict is RuleVerdict.ACCEPT
