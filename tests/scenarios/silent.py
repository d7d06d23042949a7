"""Scenarios in which the SYN gets no answer, or none is ever sent."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.scenarios.scenario import CURL, HERE, Scenario

DENIED = Path(__file__).with_name("denied.py")
SIGNING = Path(__file__).with_name("server.py")
SIGNS = (
    'import socket, server; s = socket.socket(); server.sign(s, "127.0.0.1"); s.connect(("127.0.0.1", 8080))'
)
PYTHON = "/usr/bin/python3"
SILENT = "SYN-no-reply"
NEVER = "client-never-sent"
V6 = "[::1]:8080"
HTTP = ("http 0.0.0.0 8080",)
DROP = "firewall-drop"


def chain(hook: str, *rules: str, policy: str = "accept") -> str:
    """Return the line that puts rules into a hook."""
    added = "".join(f" add rule inet t c {rule};" for rule in rules)
    made = f"add chain inet t c {{ type filter hook {hook} priority 0; policy {policy}; }};"
    return f"nft 'add table inet t; {made}{added}'"


DROPPED = (
    Scenario(
        "a listener wants signed TCP",
        "tcp-md5-wanted",
        SILENT,
        serve=("http 127.0.0.1 8080 --key-for 127.0.0.1",),
        in_packets=False,
    ),
    Scenario(
        "a listener wants signed TCP, IPv6",
        "tcp-md5-wanted",
        SILENT,
        f"{CURL} http://{V6}/",
        V6,
        serve=("http ::1 8080 --key-for ::1",),
        in_packets=False,
        long=True,
    ),
    Scenario(
        "a client signs what nobody wants signed",
        "tcp-md5-wanted",
        SILENT,
        f"PYTHONPATH={SIGNING.parent} timeout 1 {PYTHON} -c {shlex.quote(SIGNS)}",
        serve=HTTP,
        long=True,
    ),
    Scenario("input drop", DROP, SILENT, serve=HTTP, setup=(chain("input", "tcp dport 8080 drop"),)),
    Scenario(
        "input drop, no service",
        DROP,
        SILENT,
        setup=(chain("input", "tcp dport 8080 counter drop"),),
        long=True,
    ),
    Scenario(
        "input drop, IPv6",
        DROP,
        SILENT,
        f"{CURL} http://{V6}/",
        V6,
        serve=("http :: 8080",),
        setup=(chain("input", "meta nfproto ipv6 tcp dport 8080 drop"),),
        long=True,
    ),
    Scenario(
        "policy drop",
        DROP,
        SILENT,
        serve=HTTP,
        setup=(chain("input", "tcp dport 22 accept", policy="drop"),),
        long=True,
    ),
    Scenario(
        "iptables DROP", DROP, SILENT, serve=HTTP, setup=("iptables -A INPUT -p tcp --dport 8080 -j DROP",)
    ),
    Scenario(
        "iptables DROP in a chain of its own",
        DROP,
        SILENT,
        serve=HTTP,
        setup=(
            "iptables -N BLOCK; iptables -A BLOCK -j DROP;"
            " iptables -A INPUT -p tcp -m multiport --dports 80,8080 -j BLOCK",
        ),
        long=True,
    ),
    Scenario(
        "drop of new connections",
        DROP,
        SILENT,
        serve=HTTP,
        setup=(chain("input", "ct state established,related accept", "ct state new tcp dport 8080 drop"),),
        long=True,
    ),
    Scenario(
        "drop by a set, a jump and an interface",
        DROP,
        SILENT,
        serve=HTTP,
        setup=(
            "nft 'add table inet t; add set inet t s { type inet_service; flags interval;"
            " elements = { 8000-8100 }; };"
            " add chain inet t j; add rule inet t j tcp dport @s drop;"
            " add chain inet t c { type filter hook input priority 0; }; add rule inet t c iif lo goto j'",
        ),
    ),
    Scenario(
        "the answer is dropped on its way out",
        DROP,
        SILENT,
        serve=HTTP,
        setup=(chain("output", "tcp sport 8080 drop"),),
    ),
    Scenario(
        "the answer is dropped on its way in",
        DROP,
        "half-open",
        serve=HTTP,
        setup=(chain("input", "tcp sport 8080 drop"),),
    ),
    Scenario(
        "what follows the handshake is dropped",
        DROP,
        "completed",
        serve=HTTP,
        setup=(chain("input", "tcp dport 8080 tcp flags & psh == psh drop"),),
    ),
    Scenario("output drop", DROP, NEVER, serve=HTTP, setup=(chain("output", "tcp dport 8080 drop"),)),
    Scenario(
        "output drop, no service",
        DROP,
        NEVER,
        setup=("iptables -A OUTPUT -p tcp --dport 8080 -j DROP",),
        long=True,
    ),
    Scenario(
        "output reject with a reset",
        "firewall-reject",
        NEVER,
        serve=HTTP,
        setup=(chain("output", "tcp dport 8080 reject with tcp reset"),),
    ),
    Scenario(
        "output reject with icmp",
        "firewall-reject",
        NEVER,
        serve=HTTP,
        setup=(chain("output", "tcp dport 8080 reject"),),
        long=True,
    ),
)

FILL = (
    "/usr/bin/python3 -c 'import socket, time\n"
    "for i in range({n}):\n"
    ' s = socket.socket(); s.setblocking(False); s.connect_ex(("127.0.0.1", 8080)); globals()["s%d" % i] = s\n'
    "time.sleep({t})'"
)

LOADED = (
    Scenario(
        "backlog 0 and nobody accepts",
        "accept-queue-overflow",
        SILENT,
        f"{FILL.format(n=1, t=2)} & sleep 0.2; {CURL} http://{HERE}/; kill %1",
        serve=("idle 127.0.0.1 8080 --backlog 0",),
        also=("server-hung",),
        packets=("accept-queue-overflow",),
    ),
    Scenario(
        "backlog 1, three clients",
        "accept-queue-overflow",
        SILENT,
        f"{FILL.format(n=3, t=1.2)}",
        serve=("idle 127.0.0.1 8080 --backlog 1",),
        also=("server-hung",),
        long=True,
    ),
    Scenario(
        "filled before anybody looked",
        "accept-queue-overflow",
        SILENT,
        serve=("idle 127.0.0.1 8080 --backlog 0",),
        then=(f"({FILL.format(n=2, t=6)}) >/dev/null 2>&1 & sleep 0.2",),
        also=("server-hung",),
        long=True,
    ),
    Scenario(
        "stopped, and its queue full",
        "server-hung",
        SILENT,
        f"{FILL.format(n=3, t=1.2)}",
        serve=("http 127.0.0.1 8080 --backlog 1",),
        then=("kill -STOP $S1",),
        also=("accept-queue-overflow",),
        packets=("accept-queue-overflow", "server-hung"),
    ),
    Scenario(
        "no ephemeral port left",
        "resource-limits",
        "completed",
        f"{FILL.format(n=8, t=1)} & sleep 0.3; {CURL} http://{HERE}/; wait",
        serve=("silent 127.0.0.1 8080",),
        setup=("sysctl -qw net.ipv4.ip_local_port_range='50000 50003'",),
        in_packets=False,
    ),
    Scenario(
        "no ephemeral port left, before anybody looked",
        "resource-limits",
        NEVER,
        f"{CURL} http://{HERE}/",
        serve=("silent 127.0.0.1 8080",),
        setup=("sysctl -qw net.ipv4.ip_local_port_range='50000 50003'",),
        then=(f"({FILL.format(n=8, t=6)}) >/dev/null 2>&1 & sleep 0.2",),
    ),
    Scenario(
        "the client runs out of descriptors",
        "resource-limits",
        "completed",
        "ulimit -n 8; /usr/bin/python3 -c 'import socket\n"
        'l = [socket.create_connection(("127.0.0.1", 8080)) for i in range(20)]\'',
        serve=("silent 127.0.0.1 8080",),
        in_packets=False,
        long=True,
    ),
    Scenario(
        "the client has no descriptor left",
        "resource-limits",
        NEVER,
        "bash -c 'ulimit -n 3; exec 3<>/dev/tcp/127.0.0.1/8080'; sleep 0.1",
        serve=HTTP,
    ),
)

NOT_SENT = (
    Scenario(
        "619009, curl", "port-out-of-range", NEVER, f"{CURL} http://localhost:619009/", "localhost:619009"
    ),
    Scenario(
        "619009, python",
        "port-out-of-range",
        NEVER,
        "/usr/bin/python3 -c 'import urllib.request as u; u.urlopen(\"http://localhost:619009/\", timeout=1)'",
        "localhost:619009",
        long=True,
    ),
    Scenario(
        "70000, bash",
        "port-out-of-range",
        NEVER,
        "timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/70000'",
        "127.0.0.1:70000",
        long=True,
    ),
    Scenario(
        "fetch refuses 6000",
        "client-blocks-port",
        NEVER,
        "node -e \"fetch('http://127.0.0.1:6000/').catch(e => {console.error(e, e.cause); process.exit(1)})\"",
        "127.0.0.1:6000",
        serve=("http 127.0.0.1 6000",),
        needs=("node",),
    ),
    Scenario(
        "http_proxy to a dead proxy",
        "proxy-misdirect",
        NEVER,
        f"{CURL} http://{HERE}/",
        serve=HTTP,
        environment={"http_proxy": "http://127.0.0.1:3128"},
        long=True,
    ),
    Scenario(
        "http_proxy to a living proxy",
        "proxy-misdirect",
        NEVER,
        f"{CURL} -f http://localhost:8080/",
        "localhost:8080",
        serve=(*HTTP, "http 127.0.0.1 3128 --status 503"),
        environment={"http_proxy": "http://127.0.0.1:3128"},
    ),
    Scenario(
        "https_proxy and CONNECT",
        "proxy-misdirect",
        NEVER,
        f"{CURL} -k https://localhost:8443/",
        "localhost:8443",
        serve=("http 127.0.0.1 8888 --status 403",),
        environment={"https_proxy": "http://127.0.0.1:8888"},
    ),
    Scenario(
        "all_proxy, python",
        "proxy-misdirect",
        NEVER,
        f"/usr/bin/python3 -c 'import urllib.request as u; u.urlopen(\"http://{HERE}/\", timeout=1)'",
        serve=HTTP,
        environment={"http_proxy": "http://10.255.255.1:3128", "no_proxy": "example.org"},
        long=True,
    ),
    Scenario(
        "a name that does not resolve",
        "name-resolution",
        NEVER,
        f"{CURL} http://my-service.invalid:8080/",
        "my-service.invalid:8080",
        serve=HTTP,
    ),
    Scenario(
        "localhost leads elsewhere",
        "name-resolution",
        NEVER,
        "/usr/bin/python3 -c 'import socket; socket.create_connection((\"localhost\", 8080), 1)'",
        "localhost:8080",
        serve=("http 127.0.0.1 8080",),
        hosts="10.1.2.3 localhost\n",
    ),
    Scenario(
        "localhost leads to IPv6 alone",
        "address-family-mismatch",
        "SYN-RST",
        "/usr/bin/python3 -c 'import socket; socket.create_connection((\"localhost\", 8080), 1)'",
        "localhost:8080",
        serve=("http 127.0.0.1 8080",),
        hosts="::1 localhost\n",
        also=("name-resolution",),
        long=True,
    ),
    Scenario(
        "a sandbox denies the connect",
        "security-policy",
        NEVER,
        f"/usr/bin/python3 {DENIED} 8080",
        serve=HTTP,
    ),
    Scenario("port 0", "port-out-of-range", NEVER, f"{CURL} http://127.0.0.1:0/", "127.0.0.1:0", long=True),
    Scenario(
        "ALL_PROXY with SOCKS",
        "proxy-misdirect",
        NEVER,
        serve=HTTP,
        environment={"ALL_PROXY": "socks5://127.0.0.1:1080"},
        long=True,
    ),
    Scenario("lo down", "loopback-down", NEVER, serve=HTTP, then=("ip link set lo down",)),
    Scenario("lo without an address", "loopback-down", NEVER, serve=HTTP, then=("ip addr flush dev lo",)),
    Scenario(
        "lo without IPv6",
        "loopback-down",
        NEVER,
        f"{CURL} http://{V6}/",
        V6,
        serve=("http 127.0.0.1 8080",),
        setup=("ip -6 addr flush dev lo",),
        also=("address-family-mismatch", "family-disabled"),
        long=True,
    ),
    Scenario(
        "another port was meant",
        "wrong-port",
        NEVER,
        f"{CURL} http://127.0.0.1:8081/",
        HERE,
        serve=("http 127.0.0.1 8081",),
    ),
    Scenario(
        "another port was meant, nobody is there either",
        "wrong-port",
        NEVER,
        f"{CURL} http://127.0.0.1:8008/",
        HERE,
        long=True,
    ),
)

SILENCE = (*DROPPED, *LOADED, *NOT_SENT)
