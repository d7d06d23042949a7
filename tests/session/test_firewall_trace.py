"""The firewall's trace on this machine's kernel: which rule it was, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

import pytest

from synscope.evidence.kernel.observe import observe_kernel
from synscope.model import Endpoint, Observation, Outcome, Target
from synscope.probes.kernel.events import TraceHealth
from synscope.probes.kernel.firewall_table import TABLE
from synscope.probes.kernel.firewall_walks import FirewallTrace
from synscope.process import elevate
from synscope.session.firewall_trace import SessionFirewallTrace
from tests.evidence.builders import attempt, group
from tests.kernel import namespace, need

PORT = 47_700
DROPPED, BY_POLICY, REJECTED, KEPT_IN, BY_IPTABLES, FREE, UNANSWERING, BY_UFW, AT_DEVICE = range(
    PORT, PORT + 9
)
PORTS = range(PORT, PORT + 9)
RULES = f"""
table inet t {{
  chain input {{ type filter hook input priority 0; policy accept;
    tcp dport {DROPPED} counter drop
    tcp dport {REJECTED} reject with tcp reset
    tcp dport {BY_UFW} jump ufw-user-input
  }}
  chain ufw-user-input {{
    drop comment "none comes in"
  }}
  chain output {{ type filter hook output priority 0; policy accept;
    tcp dport {KEPT_IN} drop
    tcp sport {UNANSWERING} tcp flags & (syn | ack) == syn | ack drop
  }}
  chain strict {{ type filter hook input priority 10; policy drop;
    tcp dport != {BY_POLICY} accept
  }}
}}
table netdev d {{
  chain entrance {{ type filter hook ingress device "lo" priority 0; policy accept;
    tcp dport {AT_DEVICE} drop
  }}
}}
"""


def tables() -> str:
    return subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True).stdout


def connect(port: int) -> Endpoint:
    """Begin to connect; return the client's end."""
    with socket.socket() as made:
        made.setblocking(False)
        made.connect_ex(("127.0.0.1", port))
        time.sleep(0.02)
        return Endpoint(*made.getsockname())


def said(trace: FirewallTrace, port: int, client: Endpoint, outcome: Outcome) -> dict[str, Observation]:
    tried = attempt(outcome, port=port)._replace(client=client)
    groups = () if port == KEPT_IN else (group(tried),)
    found = observe_kernel(Target(str(port), port), groups, (), TraceHealth(error="none"), trace)
    return {each.name: each for each in found if each.name.startswith("firewall-")}


@pytest.fixture
def nftables(kernel: None) -> None:
    del kernel
    need(
        None
        if subprocess.run(["nft", "--version"], capture_output=True, check=False).returncode == 0
        else "nft"
    )


@pytest.mark.usefixtures("nftables", "private_network")
def test_the_rule_that_did_it() -> None:
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
    has_iptables = not subprocess.run(
        ["iptables-nft", "-A", "INPUT", "-p", "tcp", "--dport", str(BY_IPTABLES), "-j", "DROP"],
        capture_output=True,
        check=False,
    ).returncode
    with elevate.start_helper() as helper, socket.create_server(("127.0.0.1", UNANSWERING)):
        session = SessionFirewallTrace()
        session.begin(helper, PORTS, None)
        assert TABLE in tables()
        clients = {port: connect(port) for port in PORTS}
        session.end()
        assert TABLE not in tables()
    seen = {port: said(session.trace, port, client, Outcome.UNANSWERED) for port, client in clients.items()}
    texts = {
        port: [
            found[name].text for name in sorted(found) if "rule-seen" in name and found[name].answer == "yes"
        ]
        for port, found in seen.items()
    }
    assert texts[DROPPED] == [
        f"the rule 'tcp dport {DROPPED} counter drop' in inet t input drops the SYN to 127.0.0.1:{DROPPED}"
    ]
    assert texts[BY_POLICY] == [f"the policy in inet t strict drops the SYN to 127.0.0.1:{BY_POLICY}"]
    assert "reject with tcp reset' in inet t input rejects the SYN" in texts[REJECTED][0]
    assert f"the rule 'tcp dport {KEPT_IN} drop' in inet t output drops the SYN" in texts[KEPT_IN][0]
    assert seen[KEPT_IN]["firewall-rule-seen-out"].answer == "yes"
    assert f"the rule 'tcp dport {AT_DEVICE} drop' in netdev d entrance drops the SYN" in texts[AT_DEVICE][0]
    assert seen[AT_DEVICE]["firewall-rule-seen"].answer == "yes"
    assert "in inet t ufw-user-input, made by ufw, drops the SYN" in texts[BY_UFW][0]
    assert f"in inet t output drops the answer of 127.0.0.1:{UNANSWERING}" in texts[UNANSWERING][0]
    assert seen[UNANSWERING]["firewall-rule-seen-back"].answer == "yes"
    if has_iptables:
        rule = f"-A INPUT -p tcp -m tcp --dport {BY_IPTABLES} -j DROP"
        assert texts[BY_IPTABLES] == [
            f"the rule '{rule}' in ip filter INPUT drops the SYN to 127.0.0.1:{BY_IPTABLES}"
        ]
    assert texts[FREE] == []
    rejecting = {port: found["firewall-seen-rejecting"].answer.value for port, found in seen.items()}
    assert (rejecting[REJECTED], rejecting[DROPPED], rejecting[BY_POLICY]) == ("yes", "no", "no")
    passing = {port for port, found in seen.items() if found["firewall-seen-passing"].answer == "yes"}
    assert passing <= {FREE, BY_IPTABLES} - ({BY_IPTABLES} if has_iptables else set())
    assert FREE in passing


@pytest.mark.usefixtures("nftables")
def test_another_namespace_and_a_helper_that_is_killed() -> None:
    with namespace() as name:
        with namespace(), elevate.start_helper() as outside:
            session = SessionFirewallTrace()
            session.begin(outside, [PORT], f"/run/netns/{name}")
            assert TABLE not in tables()
            names = subprocess.run(
                ["ip", "netns", "exec", name, "nft", "list", "tables"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            assert TABLE in names
            # A look at the host is a process that the helper forked: it must not keep the table.
            os.close(outside.look([PORT], [], {}, None))
            os.kill(outside.pid, signal.SIGKILL)
            outside.close()
            session.end()
        until = time.monotonic() + 2
        while TABLE in tables() and time.monotonic() < until:
            time.sleep(0.02)
        assert TABLE not in tables()


def test_without_rights_it_says_so() -> None:
    session = SessionFirewallTrace()
    assert "--trace-firewall" in session.trace.untold
    session.begin(None, [PORT], None)
    session.end()
    assert session.trace.untold == "the firewall's trace needs root"
