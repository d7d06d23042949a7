"""The groups of causes that look the same, as data: their terms, and the groups themselves."""

from __future__ import annotations

from typing import NamedTuple

from synscope.model import Label


class Decider(NamedTuple):
    """A command for one system, and what its results mean."""

    os: str
    """``linux``, ``macos``, ``windows`` or ``any``."""
    command: str
    outcomes: tuple[tuple[str, str], ...]
    """(what it prints, code of the cause that this points to), most telling first."""


class Group(NamedTuple):
    """Causes that cannot be told apart by what the group's signs say."""

    slug: str
    title: str
    labels: tuple[Label, ...]
    signs: tuple[str, ...]
    """Names of observations; one of them observed makes the group apply."""
    codes: tuple[str, ...]
    deciders: tuple[Decider, ...]

    def deciders_for(self, os: str) -> tuple[Decider, ...]:
        """Return the deciders for ``os`` and those for any system, the most telling first."""
        return tuple(decider for decider in self.deciders if decider.os in {os, "any"})


_LISTENERS = {
    "linux": "ss -ltnp 'sport = :{port}'",
    "macos": "lsof -nP -iTCP:{port} -sTCP:LISTEN",
    "windows": "Get-NetTCPConnection -State Listen -LocalPort {port} -ErrorAction SilentlyContinue",
}

_CONTAINERS = "docker ps --format 'table {{.Names}}\\t{{.Ports}}'"


def _codes(numbers: str) -> tuple[str, ...]:
    """Codes from their numbers."""
    return tuple(f"SYN{number}" for number in numbers.split())


def _on(commands: dict[str, str], *outcomes: tuple[str, str]) -> tuple[Decider, ...]:
    """One decider per system with the same outcomes."""
    return tuple(Decider(os, command, outcomes) for os, command in commands.items())


GROUPS: tuple[Group, ...] = (
    Group(
        slug="refused",
        title="the SYN was answered by RST",
        labels=(Label.SYN_RST,),
        signs=("refused-by-rst",),
        codes=_codes("101 102 103 104 105 106 107 108 109 110 111 121 131"),
        deciders=(
            *_on(
                _LISTENERS,
                ("no line", "SYN101"),
                ("only an address of the other family ([::1] or 127.0.0.1)", "SYN105"),
                ("only another address (127.0.0.2, 10.…)", "SYN104"),
                ("a line on all addresses or on {address}", "SYN121"),
            ),
            *_on(
                {
                    "linux": "ss -ltnp",
                    "macos": "lsof -nP -iTCP -sTCP:LISTEN",
                    "windows": "Get-NetTCPConnection -State Listen | Sort-Object LocalPort",
                },
                ("the service, on another port", "SYN106"),
            ),
            *_on(
                {
                    "linux": "journalctl --since -10min --no-pager | grep -iE 'bind|in use|denied|segfault'",
                    "macos": 'log show --last 10m --predicate \'eventMessage CONTAINS[c] "in use" OR'
                    ' eventMessage CONTAINS[c] "denied" OR eventMessage CONTAINS[c] "crash"\'',
                    "windows": "Get-WinEvent -FilterHashtable @{LogName='Application'; Level=1,2}"
                    " -MaxEvents 20 | Format-List TimeCreated, Message",
                },
                ("address already in use", "SYN108"),
                ("permission denied (Windows: error 10013)", "SYN109"),
                ("denied by SELinux, AppArmor or a sandbox", "SYN111"),
                ("an error before the line that reports listening", "SYN102"),
                ("an error after the line that reports listening", "SYN103"),
                ("it reports listening, later than the refusal", "SYN107"),
            ),
            Decider(
                "any", _CONTAINERS, (("a container with this port, not published on the host", "SYN110"),)
            ),
        ),
    ),
    Group(
        slug="silent",
        title="the SYN was not answered",
        labels=(Label.SYN_NO_REPLY,),
        signs=("syn-unanswered",),
        codes=_codes("101 105 106 107 110 111 122 131 132 133 144 146"),
        deciders=(
            *_on(
                {
                    "linux": "ss -ltn 'sport = :{port}'",
                    "macos": "netstat -Lan -p tcp",
                    "windows": "Get-NetTCPConnection -LocalPort {port} | Group-Object State",
                },
                ("a full queue (Recv-Q above Send-Q; qlen at maxqlen)", "SYN131"),
                ("a listener with an empty queue", "SYN122"),
                ("no listener", "SYN101"),
            ),
            *_on(
                {
                    "linux": "sudo nft list ruleset; sudo iptables-save",
                    "macos": "sudo pfctl -sr; /usr/libexec/ApplicationFirewall/socketfilterfw"
                    " --getglobalstate --getblockall --getstealthmode",
                    "windows": "Get-NetFirewallRule -Enabled True -Action Block -Direction Inbound"
                    " | Select-Object DisplayName, Profile",
                },
                ("a rule that drops the port, or stealth mode", "SYN122"),
                ("a rule that translates the port to another address", "SYN110"),
            ),
        ),
    ),
    Group(
        slug="icmp",
        title="the SYN was answered by an ICMP error",
        labels=(Label.SYN_NO_REPLY,),
        signs=("refused-by-icmp", "unreachable-by-icmp"),
        codes=_codes("110 111 121 144"),
        deciders=_on(
            {
                "linux": "sudo nft list ruleset | grep -n reject; sudo iptables-save | grep -n REJECT",
                "macos": "sudo pfctl -sr | grep -n return",
                "windows": "netsh wfp show netevents file=-",
            },
            ("a rule that rejects with ICMP", "SYN121"),
            ("no such rule, and the port is forwarded to a container or VM", "SYN110"),
        ),
    ),
    Group(
        slug="half-open",
        title="the server's answer was not acknowledged",
        labels=(Label.HALF_OPEN,),
        signs=("half-open",),
        codes=_codes("110 111 122 132 134 146"),
        deciders=_on(
            {
                "linux": "ss -tan state syn-recv state syn-sent '( sport = :{port} or dport = :{port} )'",
                "macos": "netstat -an -p tcp | grep -E '[.]{port} .*SYN'",
                "windows": "Get-NetTCPConnection | Where-Object { $_.State -like 'Syn*' }",
            },
            ("SYN-RECV and SYN-SENT for the same ports at once", "SYN122"),
            ("SYN-RECV without SYN-SENT", "SYN134"),
        ),
    ),
    Group(
        slug="odd-reply",
        title="the SYN was answered by a segment that does not fit",
        labels=(Label.ODD_REPLY,),
        signs=("odd-reply",),
        codes=_codes("103 110 122 132 146"),
        deciders=_on(
            {
                "linux": "ss -tanp '( sport = :{port} or dport = :{port} )'",
                "macos": "netstat -an -p tcp | grep '[.]{port} '",
                "windows": "Get-NetTCPConnection | Where-Object { {port} -in $_.LocalPort, $_.RemotePort }",
            },
            ("an old connection with the same two ports", "SYN132"),
            ("no such connection, and the port is translated to another address", "SYN110"),
        ),
    ),
    Group(
        slug="never-sent",
        title="no client sent a SYN to the target",
        labels=(Label.CLIENT_NEVER_SENT,),
        signs=("no-syn-to-target", "port-above-65535", "port-zero"),
        codes=_codes("101 104 105 106 110 111 121 122 132 141 142 143 144 145 146"),
        deciders=(
            *_on(
                {
                    "linux": "curl -v --noproxy '*' \"http://{host}:{port}/\"",
                    "macos": "curl -v --noproxy '*' \"http://{host}:{port}/\"",
                    "windows": "curl.exe -v --noproxy '*' \"http://{host}:{port}/\"",
                },
                ("it works, and without --noproxy it does not", "SYN143"),
                ("could not resolve host", "SYN144"),
                ("network unreachable, cannot assign requested address", "SYN145"),
                ("permission denied, operation not permitted", "SYN111"),
                ("URL rejected, bad port", "SYN141"),
                ("it hangs while connecting", "SYN122"),
                ("it works: look at the port that your client really uses", "SYN106"),
            ),
            *_on(
                {
                    "linux": "ip -br addr show lo; getent ahosts localhost",
                    "macos": "ifconfig lo0; dscacheutil -q host -a name localhost",
                    "windows": "Test-Connection -Count 1 127.0.0.1; Resolve-DnsName localhost",
                },
                ("lo is down or has no 127.0.0.1", "SYN145"),
                ("an address other than 127.0.0.1 and ::1", "SYN144"),
            ),
        ),
    ),
    Group(
        slug="no-answer",
        title="the connection was made and the request was not answered",
        labels=(Label.COMPLETED,),
        signs=(
            "server-silent",
            "request-not-acknowledged",
            "answer-not-acknowledged",
            "answer-stalled",
            "late-answer",
        ),
        codes=_codes("108 110 122 131 132 133 134 151 153 154"),
        deciders=_on(
            {
                "linux": "ss -tanp 'sport = :{port}'",
                "macos": "netstat -Lan -p tcp; lsof -nP -iTCP:{port}",
                "windows": "Get-NetTCPConnection -LocalPort {port}",
            },
            ("established connections without a process, a full listen queue", "SYN131"),
            ("connections of the server with bytes in Recv-Q", "SYN133"),
            ("Recv-Q 0, and the process is busy", "SYN134"),
            ("Recv-Q 0 at both ends, and bytes in the Send-Q of one", "SYN122"),
            ("the process is a forwarder (docker-proxy, ssh, kubectl)", "SYN110"),
            ("Recv-Q 0, and the program does not speak TLS", "SYN151"),
            ("Recv-Q 0, and the service's log has an error at that time", "SYN153"),
            ("the process is another program than the one you expect, or an old instance", "SYN108"),
            ("the process is a load balancer (haproxy, envoy), and one line hangs in SYN-SENT", "SYN154"),
        ),
    ),
    Group(
        slug="cut-short",
        title="the server ended the connection before it answered",
        labels=(Label.COMPLETED,),
        signs=(
            "reset-before-answer",
            "closed-before-answer",
            "answer-cut-short",
            "request-after-close",
            "tls-alert",
            "tls-left-unused",
        ),
        codes=_codes("103 106 108 110 121 132 151 152 153 154"),
        deciders=(
            *_on(
                _LISTENERS,
                ("docker-proxy, ssh, kubectl, com.docker or wslrelay owns the port", "SYN110"),
                ("no line any more, or a new process number", "SYN103"),
                ("the service itself, still the same process", "SYN153"),
                ("a load balancer or gateway (haproxy, nginx, envoy)", "SYN154"),
                ("a program other than the one you expect, or an old instance of it", "SYN108"),
                ("the server of another service, and yours has another number", "SYN106"),
            ),
            *_on(
                {
                    "linux": "sudo nft list ruleset | grep -n reject; sudo iptables-save | grep -n REJECT",
                    "macos": "sudo pfctl -sr | grep -n return",
                    "windows": "netsh wfp show netevents file=-",
                },
                ("a rule that rejects what follows the handshake", "SYN121"),
            ),
            *_on(
                {
                    "linux": 'curl -vk "https://{host}:{port}/"',
                    "macos": 'curl -vk "https://{host}:{port}/"',
                    "windows": 'curl.exe -vk "https://{host}:{port}/"',
                },
                ("it works over https", "SYN151"),
                ("it works with -k only", "SYN152"),
            ),
        ),
    ),
    Group(
        slug="error-answer",
        title="the server answered with an error",
        labels=(Label.COMPLETED,),
        signs=(
            "http-client-error",
            "http-server-error",
            "http-gateway-error",
            "http-unavailable",
            "http-loading",
            "service-error",
        ),
        codes=_codes("106 108 132 151 153 154 161 162 163"),
        deciders=(
            *_on(
                {
                    "linux": 'curl -si "http://{host}:{port}/" | head -20',
                    "macos": 'curl -si "http://{host}:{port}/" | head -20',
                    "windows": 'curl.exe -si "http://{host}:{port}/" | Select-Object -First 20',
                },
                ("a Server: header of another program", "SYN106"),
                ("502, 503 or 504 from a gateway", "SYN154"),
                ("a message that a model is loading", "SYN161"),
                ("an error of a vector store or of JSON-RPC", "SYN162"),
                ("an error of an agent (sealed, no leader, not ready)", "SYN163"),
                ("an error of the service itself", "SYN153"),
                ("a page or an error, where the client asks for WebSocket", "SYN151"),
                ("the service says that it has too many clients", "SYN132"),
            ),
            *_on(_LISTENERS, ("two programs, or not the one you expect", "SYN108")),
        ),
    ),
    Group(
        slug="wrong-bytes",
        title="the two ends speak different protocols",
        labels=(Label.COMPLETED,),
        signs=(
            "tls-to-plain-server",
            "plain-to-tls-server",
            "other-protocol-greeting",
            "answer-not-http",
            "upgrade-refused",
            "tls-declined",
            "tls-certificate-rejected",
        ),
        codes=_codes("106 108 151 152"),
        deciders=(
            *_on(
                {
                    "linux": "openssl s_client -connect {host}:{port} </dev/null | head -20",
                    "macos": "openssl s_client -connect {host}:{port} </dev/null | head -20",
                    "windows": 'curl.exe -v "https://{host}:{port}/"',
                },
                ("wrong version number, or no certificate at all", "SYN151"),
                ("a certificate that does not verify", "SYN152"),
            ),
            *_on(_LISTENERS, ("a program other than the one you expect", "SYN108")),
        ),
    ),
)
