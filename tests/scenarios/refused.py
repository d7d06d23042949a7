"""Scenarios in which the SYN is answered by an RST, or by nobody because nothing serves the port."""

from __future__ import annotations

from tests.scenarios.scenario import BASH, CURL, HERE, Scenario

RST = "SYN-RST"
V6 = "[::1]:8080"
NOT_RUNNING = "service-not-running"
ETH9 = (
    "ip link add eth9 type veth peer name eth8; ip link set eth8 up; ip addr add 10.9.8.7/24 dev eth9;"
    " ip link set eth9 up"
)
_CLIENTS = {
    "curl": f"{CURL} http://localhost:8080/",
    "wget": f"wget -q -t 1 -T 1 -O /dev/null http://{HERE}/",
    "bash": BASH,
    "python": "/usr/bin/python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8080), 1)'",
    "node": f"node -e \"require('http').get('http://{HERE}/')\"",
    "openssl": f"timeout 1 openssl s_client -connect {HERE} </dev/null",
}

NOTHING = (
    *(
        Scenario(
            f"nothing listens, {client}",
            NOT_RUNNING,
            RST,
            line,
            "localhost:8080" if client == "curl" else HERE,
            needs=(client,) if client in {"wget", "node"} else (),
            long=client not in {"curl", "python"},
        )
        for client, line in _CLIENTS.items()
    ),
    Scenario("nothing listens, IPv6", NOT_RUNNING, RST, f"{CURL} http://{V6}/", V6),
    Scenario(
        "nothing listens, by the machine's own address",
        NOT_RUNNING,
        RST,
        f"{CURL} http://10.9.8.7:8080/",
        "10.9.8.7:8080",
        setup=(ETH9,),
        long=True,
    ),
    Scenario(
        "tried again and again",
        NOT_RUNNING,
        RST,
        f"for i in 1 2 3; do {CURL} http://{HERE}/; done",
        long=True,
    ),
    Scenario("served over UDP", "client-other-transport", RST, serve=("udp 127.0.0.1 8080",)),
    Scenario(
        "served on a Unix socket",
        "client-other-transport",
        RST,
        serve=("unix $TRY/app.8080.sock 0",),
        also=(NOT_RUNNING,),
        long=True,
    ),
    Scenario("bound and not listening", NOT_RUNNING, RST, serve=("bound 127.0.0.1 8080",)),
    Scenario(
        "other services run",
        NOT_RUNNING,
        RST,
        serve=("http 127.0.0.1 22022", "http 0.0.0.0 33333"),
        long=True,
    ),
    Scenario(
        "an accept rule is there",
        NOT_RUNNING,
        RST,
        setup=(
            "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; policy drop; };"
            " add rule inet t i iif lo accept'",
        ),
        long=True,
    ),
    Scenario(
        "a listener in another namespace",
        NOT_RUNNING,
        RST,
        setup=("unshare --net $SERVER http 0.0.0.0 8080 >/dev/null 2>&1 & echo $! >$TRY/pid; sleep 0.3",),
        after=("kill $(cat $TRY/pid)",),
        also=("container-mapping",),
    ),
    Scenario(
        "a listener in a container, not published",
        "container-mapping",
        RST,
        setup=(
            "unshare --net sleep 60 >/dev/null 2>&1 & P=$!; echo $P >$TRY/pid; sleep 0.3;"
            " ip link add br0 type veth peer name eth0 netns $P; ip addr add 172.30.0.1/24 dev br0;"
            " ip link set br0 up;"
            " nsenter -t $P -n sh -c 'ip addr add 172.30.0.2/24 dev eth0; ip link set eth0 up; ip link set lo up'",
            "nsenter -t $(head -1 $TRY/pid) -n $SERVER http 0.0.0.0 8080 >/dev/null 2>&1 & echo $! >>$TRY/pid;"
            " sleep 0.5",
        ),
        after=("kill $(cat $TRY/pid)",),
    ),
    Scenario(
        "stopped a moment ago",
        NOT_RUNNING,
        RST,
        serve=("http 127.0.0.1 8080",),
        then=(f"{CURL} http://{HERE}/; kill $S1; sleep 0.2",),
        also=("crashed-after-bind",),
        packets=(NOT_RUNNING, "crashed-after-bind"),
        long=True,
    ),
    Scenario(
        "a model server is not running",
        NOT_RUNNING,
        RST,
        f"{CURL} http://127.0.0.1:11434/api/generate -d '{{}}'",
        "127.0.0.1:11434",
        packets=(NOT_RUNNING, "llm-backend"),
    ),
    Scenario(
        "a vector store is not running",
        NOT_RUNNING,
        RST,
        f"{CURL} http://127.0.0.1:6333/collections",
        "127.0.0.1:6333",
        packets=(NOT_RUNNING, "context-service"),
        long=True,
    ),
    Scenario(
        "a sidecar's admin port is not served",
        NOT_RUNNING,
        RST,
        f"{CURL} http://127.0.0.1:15000/ready",
        "127.0.0.1:15000",
        packets=(NOT_RUNNING, "control-plane-endpoint"),
        long=True,
    ),
)

LIFE = (
    Scenario(
        "dies before it binds",
        "crashed-before-bind",
        RST,
        f"/usr/bin/python3 -c 'import no_such_module' & sleep 0.3; {CURL} http://{HERE}/",
        also=(NOT_RUNNING,),
        packets=("crashed-before-bind", NOT_RUNNING),
    ),
    Scenario(
        "dies after a while",
        "crashed-after-bind",
        RST,
        f"{CURL} http://{HERE}/; kill -9 $S1; sleep 0.2; {CURL} http://{HERE}/",
        serve=("http 127.0.0.1 8080",),
    ),
    Scenario(
        "closes its listener and lives on",
        "crashed-after-bind",
        RST,
        f"{CURL} http://{HERE}/; sleep 0.2; {CURL} http://{HERE}/",
        serve=("http 127.0.0.1 8080 --once",),
        long=True,
    ),
    Scenario(
        "dies before the first client",
        "crashed-after-bind",
        RST,
        f"kill -9 $S1; sleep 0.1; {CURL} http://{HERE}/",
        serve=("http 127.0.0.1 8080",),
    ),
    Scenario(
        "starts too late, retried",
        "",
        RST,
        "$SERVER http 127.0.0.1 8080 --delay 0.5 --life 6 >/dev/null 2>&1 &"
        f" for i in 1 2 3 4 5 6 7 8 9; do {CURL} http://{HERE}/ && break; sleep 0.2; done",
        in_packets=False,
    ),
    Scenario(
        "starts too late, tried once",
        "startup-race",
        RST,
        f"$SERVER http 127.0.0.1 8080 --delay 0.3 --life 2 >/dev/null 2>&1 & {CURL} http://{HERE}/; sleep 0.8",
    ),
    Scenario(
        "starts too late over IPv6",
        "",
        RST,
        f"$SERVER http ::1 8080 --delay 0.3 --life 6 >/dev/null 2>&1 & {CURL} http://{V6}/; sleep 0.8;"
        f" {CURL} http://{V6}/",
        V6,
        long=True,
        in_packets=False,
    ),
)

ELSEWHERE = (
    Scenario(
        "two digits swapped",
        "wrong-port",
        RST,
        f"{CURL} http://127.0.0.1:62893/",
        "127.0.0.1:62893",
        serve=("http 127.0.0.1 62839",),
    ),
    Scenario("one digit wrong", "wrong-port", RST, serve=("http 127.0.0.1 8081",)),
    Scenario(
        "one digit too few",
        "wrong-port",
        RST,
        f"{CURL} http://127.0.0.1:300/",
        "127.0.0.1:300",
        serve=("http 0.0.0.0 3000",),
        long=True,
    ),
    Scenario("on 127.0.0.2", "wrong-bind-address", RST, serve=("http 127.0.0.2 8080",)),
    Scenario(
        "on an external address",
        "wrong-bind-address",
        RST,
        setup=(ETH9,),
        serve=("http 10.9.8.7 8080",),
    ),
    Scenario(
        "on a device",
        "wrong-bind-address",
        RST,
        setup=(ETH9,),
        serve=("http 0.0.0.0 8080 --device eth9",),
    ),
    Scenario(
        "on loopback, asked for by the external address",
        "wrong-bind-address",
        RST,
        f"{CURL} http://10.9.8.7:8080/",
        "10.9.8.7:8080",
        setup=(ETH9,),
        serve=("http 127.0.0.1 8080",),
        long=True,
    ),
    Scenario("IPv6 alone, client of IPv4", "address-family-mismatch", RST, serve=("http ::1 8080",)),
    Scenario(
        "IPv4 alone, client of IPv6",
        "address-family-mismatch",
        RST,
        f"{CURL} http://{V6}/",
        V6,
        serve=("http 127.0.0.1 8080",),
    ),
    Scenario(
        "[::] without IPv4", "address-family-mismatch", RST, serve=("http :: 8080 --v6only",), long=True
    ),
    Scenario(
        "0.0.0.0, client of IPv6",
        "address-family-mismatch",
        RST,
        f"{CURL} -6 http://localhost:8080/",
        "localhost:8080",
        serve=("http 0.0.0.0 8080",),
        long=True,
    ),
    Scenario(
        "port held without listening",
        "port-conflict",
        RST,
        f"/usr/bin/python3 -m http.server --bind 127.0.0.1 8080 & sleep 0.5; {CURL} http://{HERE}/; kill %1",
        serve=("bound 127.0.0.1 8080 --bare",),
    ),
    Scenario(
        "a low port, an ordinary user",
        "bind-permission-denied",
        RST,
        f"setpriv --reuid 65534 --clear-groups /usr/bin/python3 -m http.server 80 & sleep 0.5;"
        f" {CURL} http://127.0.0.1:80/",
        "127.0.0.1:80",
    ),
    Scenario(
        "a low port, an ordinary user of node",
        "bind-permission-denied",
        RST,
        "setpriv --reuid 65534 --clear-groups node -e \"require('http').createServer().listen(443)\" & sleep 0.6;"
        f" {CURL} http://127.0.0.1:443/",
        "127.0.0.1:443",
        needs=("node",),
        long=True,
    ),
    Scenario(
        "published to a port nobody serves",
        "container-mapping",
        "client-never-sent",
        setup=(
            "nft 'add table ip n; add chain ip n o { type nat hook output priority -100; };"
            " add rule ip n o tcp dport 8080 redirect to :9090'",
        ),
    ),
)

REJECTED = tuple(
    Scenario(
        name,
        "firewall-reject",
        label,
        client,
        target,
        setup=(rule,),
        serve=serve,
        long=long,
    )
    for name, label, rule, client, target, serve, long in (
        (
            "reject with a reset",
            RST,
            "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; };"
            " add rule inet t i tcp dport 8080 reject with tcp reset'",
            f"{CURL} http://{HERE}/",
            HERE,
            ("http 127.0.0.1 8080",),
            False,
        ),
        (
            "reject with a reset, no service",
            RST,
            "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; };"
            " add rule inet t i tcp dport 8080 reject with tcp reset'",
            f"{CURL} http://{HERE}/",
            HERE,
            (),
            True,
        ),
        (
            "reject with a reset, IPv6",
            RST,
            "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; };"
            " add rule inet t i tcp dport 8080 reject with tcp reset'",
            f"{CURL} http://{V6}/",
            V6,
            ("http :: 8080",),
            True,
        ),
        (
            "iptables REJECT with a reset",
            RST,
            "iptables -A INPUT -p tcp --dport 8080 -j REJECT --reject-with tcp-reset",
            f"{CURL} http://{HERE}/",
            HERE,
            ("http 127.0.0.1 8080",),
            True,
        ),
        (
            "reject through a chain and a set",
            RST,
            "nft 'add table inet t; add set inet t s { type inet_service; elements = { 8080, 9090 }; };"
            " add chain inet t j; add rule inet t j tcp dport @s reject with tcp reset;"
            " add chain inet t i { type filter hook input priority 0; };"
            " add rule inet t i ct state established accept; add rule inet t i jump j'",
            f"{CURL} http://{HERE}/",
            HERE,
            ("http 127.0.0.1 8080",),
            False,
        ),
        *(
            (
                f"reject with icmp {kind}",
                "SYN-no-reply",
                "nft 'add table ip t; add chain ip t i { type filter hook input priority 0; };"
                f" add rule ip t i tcp dport 8080 reject with icmp type {kind}'",
                f"{CURL} http://{HERE}/",
                HERE,
                ("http 127.0.0.1 8080",) if kind == "port-unreachable" else (),
                kind not in {"port-unreachable", "admin-prohibited"},
            )
            for kind in (
                "port-unreachable", "host-unreachable", "net-unreachable", "admin-prohibited",
                "prot-unreachable", "net-prohibited", "host-prohibited",
            )
        ),
        *(
            (
                f"reject with icmpv6 {kind}",
                "SYN-no-reply",
                "nft 'add table ip6 t; add chain ip6 t i { type filter hook input priority 0; };"
                f" add rule ip6 t i tcp dport 8080 reject with icmpv6 type {kind}'",
                f"{CURL} http://{V6}/",
                V6,
                ("http :: 8080",),
                kind != "port-unreachable",
            )
            for kind in ("port-unreachable", "no-route", "admin-prohibited", "addr-unreachable")
        ),
        (
            "iptables REJECT, the default",
            "SYN-no-reply",
            "iptables -A INPUT -p tcp --dport 8080 -j REJECT",
            BASH,
            HERE,
            ("http 127.0.0.1 8080",),
            True,
        ),
    )
)  # fmt: skip

REFUSED = (*NOTHING, *LIFE, *ELSEWHERE, *REJECTED)
