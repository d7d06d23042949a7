"""What a port number says by itself: its class, who usually listens on it, which clients refuse it.

Input: a port number as the user wrote it, which may be larger than any port. Output: small facts,
never a verdict. Nothing here looks at the machine.

Sources: RFC 6335 section 6 for the three classes, the WHATWG Fetch standard for the blocked ports,
own measurements for the clients that refuse or wrap, and the rows of ``port_uses`` for the rest.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.model import PORT_MAX
from synscope.reference.port_uses import PORT_USES, PortUse

__all__ = [
    "BLOCKED_BY_BROWSERS",
    "EPHEMERAL_RANGES",
    "PORT_MAX",
    "PORT_USES",
    "PROXY_PORTS",
    "REFUSING_CLIENTS",
    "USUAL_PROTOCOLS",
    "WEB_PORTS",
    "WRAPPING_CLIENTS",
    "ClientSaying",
    "EphemeralRange",
    "PortClass",
    "PortUse",
    "classify",
    "describe",
    "usual",
    "wrap",
]

_PORT_COUNT = PORT_MAX + 1


class PortClass(enum.StrEnum):
    """The three ranges of RFC 6335 section 6, and everything outside them."""

    WELL_KNOWN = "well-known"
    REGISTERED = "registered"
    DYNAMIC = "dynamic"
    NOT_A_PORT = "not a port"


_CLASS_BOUNDS: tuple[tuple[int, PortClass], ...] = (
    (-1, PortClass.NOT_A_PORT),
    (1023, PortClass.WELL_KNOWN),
    (49151, PortClass.REGISTERED),
    (PORT_MAX, PortClass.DYNAMIC),
)
"""The last number of each range, in rising order."""

_CLASS_SAYS: MappingProxyType[PortClass, str] = MappingProxyType(
    {
        PortClass.WELL_KNOWN: (
            "a well-known port (0-1023): on most Unix systems a server needs a privilege to bind it"
        ),
        PortClass.REGISTERED: "a registered port (1024-49151): any user may bind it",
        PortClass.DYNAMIC: (
            "a dynamic port (49152-65535): systems hand these out to clients and to servers that ask for any "
            "free port, so the number may differ after the next start"
        ),
        PortClass.NOT_A_PORT: "not a port: TCP ports run from 0 to 65535",
    }
)

_PORT_ZERO = (
    "no port a client can connect to: a server that binds port 0 asks the system for any free port and must "
    "then tell which one it got"
)


def classify(port: int) -> PortClass:
    """Return the class of ``port`` (any integer; port 0 counts as well-known, see ``describe``)."""
    for last, port_class in _CLASS_BOUNDS:
        if port <= last:
            return port_class
    return PortClass.NOT_A_PORT


def describe(port: int) -> str:
    """Return one sentence without a full stop that says what kind of number ``port`` is."""
    if port == 0:
        return f"0 is {_PORT_ZERO}"
    says = f"{port} is {_CLASS_SAYS[classify(port)]}"
    if port > PORT_MAX:
        says += f"; clients that do not check keep the lower 16 bits and try port {wrap(port)} instead"
    return says


def _by_port(uses: Iterable[PortUse]) -> MappingProxyType[int, tuple[PortUse, ...]]:
    grouped: defaultdict[int, list[PortUse]] = defaultdict(list)
    for use in uses:
        grouped[use.port].append(use)
    return MappingProxyType({port: tuple(rows) for port, rows in grouped.items()})


_USES_BY_PORT = _by_port(PORT_USES)


def usual(port: int) -> tuple[PortUse, ...]:
    """Return what usually listens on ``port``, most usual first; empty when the table knows nothing."""
    return _USES_BY_PORT.get(port, ())


BLOCKED_BY_BROWSERS: frozenset[int] = frozenset(
    {
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587),
        *(601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061),
        *(6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
"""The "bad ports" of the WHATWG Fetch standard, complete as of its review draft of June 2026.

Source: https://fetch.spec.whatwg.org/#port-blocking. Chromium answers ERR_UNSAFE_PORT, Node's fetch says
"bad port". Older browsers know a shorter list. Port 0 joined it in 2025.
"""


class ClientSaying(NamedTuple):
    """What one client says when it is given a port above 65535."""

    client: str
    says: str


REFUSING_CLIENTS: tuple[ClientSaying, ...] = (
    ClientSaying("curl", "curl: (3) URL using bad/illegal format or missing URL"),
    ClientSaying("wget", "Bad port number."),
    ClientSaying("nc", "port number too large"),
    ClientSaying("ncat", "Invalid port number"),
    ClientSaying("telnet", "bad port, or servname not supported"),
    ClientSaying("ssh", "Bad port '619009'"),
    ClientSaying("psql", 'invalid port number: "619009"'),
    ClientSaying("Python socket.connect", "OverflowError: connect(): port must be 0-65535."),
    ClientSaying("Python requests, aiohttp", "InvalidURL: Failed to parse"),
    ClientSaying("Node net, http", "RangeError [ERR_SOCKET_BAD_PORT]: Port should be >= 0 and < 65536"),
    ClientSaying("Node fetch, URL", "TypeError: Invalid URL (ERR_INVALID_URL)"),
    ClientSaying("Java", "IllegalArgumentException: port out of range:619009"),
    ClientSaying("Rust std", "invalid port value"),
    ClientSaying("Go", "dial tcp: address 619009: invalid port"),
    ClientSaying("browsers", "ERR_INVALID_URL, or a search for the text"),
    ClientSaying("nginx", "invalid port in upstream"),
    ClientSaying("docker", "invalid hostPort: 619009"),
)
"""Clients that refuse a port above 65535 before any packet, and the words to look for."""

WRAPPING_CLIENTS: tuple[ClientSaying, ...] = (
    ClientSaying("Python socket.create_connection", "[Errno 111] Connection refused, without the port"),
    ClientSaying("Python http.client, urllib", "<urlopen error [Errno 111] Connection refused>"),
    ClientSaying("Python asyncio with a host name", "Connect call failed ('127.0.0.1', 29185)"),
    ClientSaying("httpx", "[Errno 111] Connection refused"),
    ClientSaying("socat", "Connection refused"),
    ClientSaying("openssl s_client", "connect:errno=111"),
    ClientSaying("bash /dev/tcp", "/dev/tcp/localhost/619009: Connection refused"),
    ClientSaying("perl", "Port number above 0xFFFF, will be truncated to 29185"),
    ClientSaying("php fsockopen", "Connection refused"),
    ClientSaying("ruby", "Errno::ECONNREFUSED"),
    ClientSaying("C getaddrinfo", "nothing: it returns an address with port 29185"),
)
"""Clients that send to the wrapped port instead; what they say when nobody listens there either."""


def wrap(port: int) -> int:
    """Return the port a careless client really uses for ``port``: the number modulo 65536.

    The port field of TCP has 16 bits, and some clients hand the number to the system without a check.
    619009 becomes 29185. ``WRAPPING_CLIENTS`` lists who does this (Python's ``create_connection``, bash,
    perl, php, C ``getaddrinfo`` and what is built on it); ``REFUSING_CLIENTS`` lists who stops before any
    packet (curl, wget, Node, Java, Go, browsers). Servers wrap too: ``python -m http.server 619009``
    listens on 29185.
    """
    return port % _PORT_COUNT


class EphemeralRange(NamedTuple):
    """The ports one system hands out to clients by default, both ends included."""

    system: str
    first: int
    last: int
    show: str
    """The command that prints the range in force."""
    source: str


EPHEMERAL_RANGES: tuple[EphemeralRange, ...] = (
    EphemeralRange(
        "Linux",
        32768,
        60999,
        "sysctl net.ipv4.ip_local_port_range",
        "https://docs.kernel.org/networking/ip-sysctl.html",
    ),
    EphemeralRange(
        "Windows",
        49152,
        65535,
        "netsh int ipv4 show dynamicport tcp",
        "https://learn.microsoft.com/en-us/troubleshoot/windows-server/networking/"
        "default-dynamic-port-range-tcpip-chang",
    ),
    EphemeralRange(
        "macOS",
        49152,
        65535,
        "sysctl net.inet.ip.portrange.first net.inet.ip.portrange.last",
        "https://github.com/apple-oss-distributions/xnu/blob/main/bsd/netinet/in.h",
    ),
)
"""Default ranges. A server that listens inside one can find its port already lent to a client."""


PROXY_PORTS: Final = frozenset(
    {1080, 1086, 1087, 3128, 3129, 6152, 6153, 7890, 7891, 7897, 8080, 8118, 8888, 9050, 9150, 10808, 10809}
)
"""Where proxies usually listen: SOCKS, Shadowsocks, Squid, Surge, Clash, HTTP alternatives, Privoxy, mitmproxy, Tor,
V2Ray."""

WEB_PORTS: Final = frozenset(
    {
        80,
        443,
        1313,
        3000,
        3001,
        4000,
        4173,
        4200,
        4321,
        5000,
        5001,
        5173,
        5174,
        8000,
        8001,
        8008,
        8080,
        8081,
        8088,
        8443,
        8888,
        9000,
    }
)
"""Where web servers and frameworks listen unless told otherwise: by their own documentation."""

USUAL_PROTOCOLS: Final = {
    21: "SMTP or FTP",
    22: "SSH",
    25: "SMTP or FTP",
    389: "LDAP",
    1883: "MQTT",
    3306: "MySQL",
    3389: "RDP",
    4222: "NATS",
    5432: "PostgreSQL",
    5672: "AMQP",
    5900: "VNC",
    6379: "Redis",
    9092: "Kafka",
    11211: "memcached",
    27017: "MongoDB",
}
"""Ports (IANA's, or their makers' default) whose service speaks one protocol, and not HTTP."""
