"""The verdicts on rules, against what this machine's kernel does with a connection under the same rules."""

from __future__ import annotations

import errno
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from synscope.probes.host import firewall
from synscope.probes.host.snapshot import Firewall, PacketKind, RuleVerdict, Untold
from tests.kernel import namespace, run

pytestmark = pytest.mark.usefixtures("kernel")

PORT = 8080
EPHEMERAL = (32768, 60999)
TIMEOUT_S = 0.25

INPUT = """table inet f {{
  {before}
  chain input {{
    type filter hook input priority filter; {policy}
    {rules}
  }}
}}"""


def _input(rules: str, before: str = "", policy: str = "") -> str:
    return INPUT.format(rules=rules, before=before, policy=policy)


def _hook(hook: str, rules: str, priority: str = "filter", kind: str = "filter") -> str:
    return (
        f"table inet f {{ \n chain c {{ type {kind} hook {hook} priority {priority}; \n {rules} \n }} \n }}"
    )


NFT = {
    "no rules": "",
    "drop the port": _input("tcp dport 8080 drop"),
    "drop another port": _input("tcp dport 8081 drop"),
    "drop a range": _input("tcp dport 8000-8100 drop"),
    "drop all but": _input("tcp dport != 8080 drop"),
    "reset": _input("tcp dport 8080 reject with tcp reset"),
    "icmp": _input("tcp dport 8080 reject with icmpx admin-prohibited"),
    "plain reject": _input("tcp dport 8080 reject"),
    "accept before drop": _input("iif lo accept \n tcp dport 8080 drop"),
    "another interface": _input('iifname "eth*" accept \n tcp dport 8080 drop'),
    "not lo": _input('iifname != "lo" drop'),
    "policy drop": _input("", policy="policy drop;"),
    "policy drop, established only": _input("ct state established,related accept", policy="policy drop;"),
    "policy drop, port allowed": _input("tcp dport 8080 accept", policy="policy drop;"),
    "policy drop, port and answers allowed": _input(
        "ct state established,related accept \n tcp dport 8080 accept", policy="policy drop;"
    ),
    "policy drop, iif lo": _input("iif lo accept", policy="policy drop;"),
    "nested jumps": _input(
        "jump a", before="chain b { \n tcp dport 8080 drop \n } \n chain a { \n jump b \n }"
    ),
    "jump that returns": _input(
        "jump a", before="chain a { \n tcp dport 8080 return \n tcp dport 8080 drop \n }"
    ),
    "goto ends in the policy": _input(
        "goto a \n tcp dport 8080 drop", before="chain a { \n tcp dport 1 drop \n }"
    ),
    "anonymous set": _input("tcp dport { 22, 8000-8100 } drop"),
    "anonymous set without it": _input("tcp dport { 22, 443 } drop"),
    "named set": _input(
        "tcp dport @bad drop",
        before="set bad { type inet_service; flags interval; elements = { 1-10, 8080 } \n }",
    ),
    "named set of addresses": _input(
        "ip daddr @here tcp dport 8080 drop",
        before="set here { type ipv4_addr; elements = { 127.0.0.1 } \n }",
    ),
    "concatenation": _input("ip daddr . tcp dport { 127.0.0.1 . 8080 } drop"),
    "concatenation, another address": _input("ip daddr . tcp dport { 127.0.0.2 . 8080 } drop"),
    "verdict map": _input("tcp dport vmap { 22 : accept, 8080 : drop }"),
    "verdict map to a chain": _input(
        "tcp dport vmap { 8080 : jump a }", before="chain a { \n reject with tcp reset \n }"
    ),
    "verdict map of states": _input("ct state vmap { established : accept, new : drop }"),
    "named verdict map": _input(
        "tcp dport vmap @m", before="map m { type inet_service : verdict; elements = { 8080 : drop } \n }"
    ),
    "verdict map of pairs": _input("ip daddr . tcp dport vmap { 127.0.0.1 . 8080 : drop }"),
    "flags": _input("tcp flags syn / fin,syn,rst,ack tcp dport 8080 drop"),
    "new state": _input("ct state new tcp dport 8080 drop"),
    "not new": _input("ct state != new drop"),
    "prefix": _input("ip saddr 127.0.0.0/8 tcp dport 8080 drop"),
    "foreign source": _input("ip saddr 10.0.0.0/8 tcp dport 8080 drop"),
    "protocols": _input("meta l4proto { tcp, udp } th dport 8080 drop"),
    "udp only": _input("udp dport 8080 drop"),
    "ipv6 only": _input("meta nfproto ipv6 tcp dport 8080 drop"),
    "fib": _input("fib daddr type local tcp dport 8080 drop"),
    "mark set and matched": _input("meta mark set 0x5 \n meta mark 0x5 tcp dport 8080 drop"),
    "mark not set": _input("meta mark 0x5 drop"),
    "comparison": _input("tcp dport >= 8000 tcp dport < 9000 drop"),
    "comparison outside": _input("tcp dport > 8080 tcp dport < 32768 drop"),
    "low source ports": _input("tcp sport 1-1023 drop"),
    "output drop": _hook("output", "tcp dport 8080 drop"),
    "output reset": _hook("output", "tcp dport 8080 reject with tcp reset"),
    "answer dropped": _hook("output", "tcp sport 8080 drop"),
    "answer dropped on input": _input("tcp sport 8080 drop"),
    "prerouting raw": _hook("prerouting", "tcp dport 8080 drop", priority="raw"),
    "redirect": _hook("output", "tcp dport 8080 redirect to :9999", priority="-100", kind="nat"),
    "dnat back to itself is a redirect": _hook(
        "output", "tcp dport 8080 dnat ip to 127.0.0.1:9998", priority="-100", kind="nat"
    ),
    "two chains, the later drops": (
        _hook("input", "tcp dport 8080 accept", priority="-10").replace(" f {", " g {", 1)
        + "\n"
        + _input("tcp dport 8080 drop")
    ),
    "two chains, the one of lower priority comes first": (
        _input("tcp dport 8080 drop")
        + "\n"
        + _hook("input", "tcp dport 8080 reject with tcp reset", priority="-10").replace(" f {", " g {", 1)
    ),
    "return in a base chain": _input("tcp dport 8080 return \n tcp dport 8080 drop"),
    "untracked": _hook("output", "tcp dport 8080 notrack", priority="raw").replace(" f {", " g {", 1)
    + "\n"
    + _input("ct state untracked drop"),
    "counter": _input("tcp dport 8080 counter drop"),
}

DATA = {"data dropped": _input("tcp dport 8080 tcp flags & (psh|ack) == psh|ack drop")}
"""Rules that let the handshake pass."""

IPTABLES = {
    "drop": ("-A INPUT -p tcp --dport 8080 -j DROP",),
    "reset": ("-A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset",),
    "icmp": ("-A INPUT -p tcp --dport 8080 -j REJECT --reject-with icmp-host-prohibited",),
    "plain reject": ("-A INPUT -p tcp --dport 8080 -j REJECT",),
    "multiport": ("-A INPUT -p tcp -m multiport --dports 80,8000:8100 -j DROP",),
    "conntrack": ("-A INPUT -p tcp --dport 8080 -m conntrack --ctstate NEW -j DROP",),
    "established first": (
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -p tcp --dport 8080 -j ACCEPT",
        "-P INPUT DROP",
    ),
    "policy": ("-P INPUT DROP",),
    "lo accepted": ("-A INPUT -i lo -j ACCEPT", "-P INPUT DROP"),
    "another interface": ("-A INPUT ! -i lo -j DROP",),
    "other interfaces": ("-A INPUT -i eth+ -j DROP",),
    "user chains": ("-N A", "-N B", "-A INPUT -j A", "-A A -p tcp -j B", "-A B -p tcp --dport 8080 -j DROP"),
    "user chain returns": (
        "-N A",
        "-A INPUT -j A",
        "-A A -p tcp --dport 8080 -j RETURN",
        "-A A -p tcp --dport 8080 -j DROP",
    ),
    "goto": ("-N A", "-A INPUT -g A", "-A INPUT -p tcp --dport 8080 -j DROP"),
    "source": ("-A INPUT -s 10.0.0.0/8 -p tcp -j DROP",),
    "not the source": ("-A INPUT ! -s 10.0.0.0/8 -p tcp --dport 8080 -j DROP",),
    "syn": ("-A INPUT -p tcp --syn --dport 8080 -j DROP",),
    "flags": ("-A INPUT -p tcp --tcp-flags SYN,ACK SYN --dport 8080 -j DROP",),
    "comment with words": ('-A INPUT -p tcp --dport 8080 -m comment --comment "-j ACCEPT ! x" -j DROP',),
    "output drop": ("-A OUTPUT -p tcp --dport 8080 -j DROP",),
    "answer dropped": ("-A OUTPUT -p tcp --sport 8080 -j DROP",),
    "redirect": ("-t nat -A OUTPUT -p tcp --dport 8080 -j REDIRECT --to-ports 9999",),
    "dnat": ("-t nat -A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination 127.0.0.1:9999",),
    "address type": ("-A INPUT -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DROP",),
    "udp": ("-A INPUT -p udp --dport 8080 -j DROP",),
    "log and go on": (
        "-A INPUT -p tcp --dport 8080 -j LOG --log-prefix x",
        "-A INPUT -p tcp --dport 8080 -j DROP",
    ),
}


@pytest.fixture(scope="module")
def served() -> Iterator[None]:
    """A namespace of our own, in which something accepts on the port in both families."""
    with namespace(), socket.socket() as ipv4, socket.socket(socket.AF_INET6) as ipv6:
        ipv4.bind(("127.0.0.1", PORT))
        ipv6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        ipv6.bind(("::1", PORT))
        for one in (ipv4, ipv6):
            one.listen(64)
        yield


@pytest.fixture
def rules(served: None) -> Iterator[None]:  # noqa: ARG001 - for its effect
    yield
    run("nft", "flush", "ruleset")


FATES = {
    RuleVerdict.ACCEPT: {"completed"},
    RuleVerdict.DROP: {"silence", "completed, data lost"},
    RuleVerdict.REJECT: {"refused", "unreachable"},
    RuleVerdict.REDIRECT: {"refused"},
}
"""What a client can meet under each verdict."""

LATE = {"silence"}
"""Over IPv6, Linux tells the client of an ICMP error only when the SYN is repeated, a second later."""


def _connect(address: str) -> str:
    """What a client meets: its SYN's fate."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(TIMEOUT_S)
        try:
            client.connect((address, PORT))
        except TimeoutError:
            return "silence"
        except OSError as error:
            return "refused" if error.errno == errno.ECONNREFUSED else "unreachable"
        client.sendall(b"?")
        deadline = time.monotonic() + TIMEOUT_S
        while _unacknowledged(client):
            if time.monotonic() > deadline:
                return "completed, data lost"
            time.sleep(0.005)
        return "completed"


def _unacknowledged(client: socket.socket) -> int:
    """``tcpi_unacked``: the fifth 32-bit number of struct tcp_info, behind eight bytes."""
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(info[24:28], "little")


def _look() -> Firewall:
    found = firewall.look((PORT,), ("127.0.0.1", "::1"), EPHEMERAL, 5.0)
    assert not isinstance(found, Untold), found
    return found


def _verdict(found: Firewall, address: str) -> RuleVerdict:
    """The first packet's that does not pass."""
    every = [one.verdict for one in found.rulings if one.address == address]
    return next((one for one in every if one is not RuleVerdict.ACCEPT), RuleVerdict.ACCEPT)


def _check_against_the_kernel(addresses: tuple[str, ...] = ("127.0.0.1", "::1")) -> None:
    found = _look()
    for address in addresses:
        said, fate = _verdict(found, address), _connect(address)
        rejects_late = said is RuleVerdict.REJECT and ":" in address
        assert fate in FATES[said] | (LATE if rejects_late else set()), (address, fate, found)


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("rule", [*NFT.values(), *DATA.values()], ids=[*NFT, *DATA])
def test_nft_rules_do_what_is_said(rule: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=rule, text=True, check=True)
    _check_against_the_kernel()


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("commands", IPTABLES.values(), ids=IPTABLES)
def test_iptables_rules_do_what_is_said(commands: tuple[str, ...]) -> None:
    import shlex

    for command in commands:
        run("iptables-nft", *shlex.split(command))
    _check_against_the_kernel(("127.0.0.1",))


@pytest.mark.usefixtures("rules")
def test_a_rule_is_named_with_its_place_and_counter() -> None:
    subprocess.run(["nft", "-f", "-"], input=NFT["counter"], text=True, check=True)
    before = _look()
    assert _connect("127.0.0.1") == "silence"
    after = _look()
    found = next(one for one in after.rulings if one.packet is PacketKind.SYN and one.address == "127.0.0.1")
    assert found.place == "inet f input"
    assert found.rule.startswith("tcp dport 8080 counter packets")
    assert (found.packets or 0) > (before.rulings[0].packets or 0)


@pytest.mark.usefixtures("rules")
def test_how_it_rejects_is_said() -> None:
    subprocess.run(["nft", "-f", "-"], input=NFT["reset"], text=True, check=True)
    assert {one.how for one in _look().rulings if one.verdict is RuleVerdict.REJECT} == {"tcp reset"}


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        ("tcp dport 8080 limit rate 1/minute drop", "limit"),
        ("meta skuid 1000 tcp dport 8080 drop", "skuid"),
        ("tcp option maxseg size 1-500 tcp dport 8080 drop", "tcp option"),
        ("tcp dport 8080 ip ttl 64 drop", "ttl"),
        ("ct mark 1 tcp dport 8080 drop", "mark"),
    ],
)
def test_what_is_not_understood_is_not_decided(rule: str, unknown: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=_hook("output", rule), text=True, check=True)
    found = next(one for one in _look().rulings if one.packet is PacketKind.SYN)
    assert found.verdict is RuleVerdict.UNKNOWN
    assert unknown in found.because.lower(), found


@pytest.mark.usefixtures("rules")
def test_what_is_not_understood_does_not_matter_when_both_ways_end_alike() -> None:
    rule = _input("tcp dport 8080 limit rate 1/minute drop \n tcp dport 8080 drop")
    subprocess.run(["nft", "-f", "-"], input=rule, text=True, check=True)
    assert _verdict(_look(), "127.0.0.1") is RuleVerdict.DROP


@pytest.mark.usefixtures("rules")
def test_iptables_modules_that_are_not_known_are_not_decided() -> None:
    run(
        "iptables-nft",
        "-A",
        "INPUT",
        "-p",
        "tcp",
        "--dport",
        "8080",
        "-m",
        "recent",
        "--rcheck",
        "-j",
        "DROP",
    )
    found = next(one for one in _look().rulings if one.packet is PacketKind.SYN)
    assert found.verdict is RuleVerdict.UNKNOWN
    assert "recent" in found.because


@pytest.mark.usefixtures("rules")
def test_rules_on_lo_outside_the_hooks_are_admitted() -> None:
    rule = "table netdev n { \n chain c { type filter hook ingress device lo priority 0; \n } \n }"
    subprocess.run(["nft", "-f", "-"], input=rule, text=True, check=True)
    assert _verdict(_look(), "127.0.0.1") is RuleVerdict.UNKNOWN


@pytest.mark.usefixtures("rules")
def test_front_ends_are_recognised() -> None:
    run("iptables-nft", "-N", "ufw-user-input")
    assert _look().front_ends == ("ufw",)
