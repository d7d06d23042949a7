"""How to ask a service by hand whether it works: one table, a row a protocol.

Input: nothing. Output: ``PROBES``, by the names that ``model.Setting.protocol`` uses, and what those are called. Each
command ends by itself. The placeholders are those of ``causes.placeholders``. Commands for Windows are PowerShell.
Source: the clients' own manuals; curl's ``--http2-prior-knowledge`` is HTTP/2 without TLS (RFC 9113 §3.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["BY_FAMILY", "BY_SCHEME", "PROBES", "USUAL", "Probe"]

USUAL: Final = "http"
"""What is asked where nobody knows what the service speaks."""


class Probe(NamedTuple):
    """One protocol: what it is called, and the request that every such service answers."""

    name: str
    unix: str
    """For Linux and macOS."""
    windows: str
    answer: str
    """What a service that works answers."""

    def on(self, system: str) -> str:
        """Return the command for a system."""
        return self.windows if system == "windows" else self.unix


_READ_LINE: Final = (
    "$c = New-Object Net.Sockets.TcpClient('{address}', {port}); $s = $c.GetStream(); $s.ReadTimeout = 3000;"
)


def _greeting(name: str, answer: str) -> Probe:
    """Return the row of a protocol in which the server speaks first."""
    windows = f"{_READ_LINE} (New-Object IO.StreamReader $s).ReadLine()"
    return Probe(name, "nc -w 3 {address} {port} </dev/null | head -1", windows, answer)


def _said(name: str, words: str, answer: str) -> Probe:
    """Return the row of a protocol of lines, in which the client speaks first."""
    windows = (
        f'{_READ_LINE} $b = [Text.Encoding]::ASCII.GetBytes("{words}`r`n"); $s.Write($b, 0, $b.Length);'
        " (New-Object IO.StreamReader $s).ReadLine()"
    )
    return Probe(name, f"printf '{words}\\r\\n' | nc -w 3 {{address}} {{port}} | head -1", windows, answer)


def _client(name: str, command: str, answer: str) -> Probe:
    """Return the row of a protocol whose own client has the same words on every system."""
    return Probe(name, command, command, answer)


PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "http": Probe(
            "HTTP",
            'curl -si --max-time 10 "http://{host}:{port}/" | head -20',
            'curl.exe -si --max-time 10 "http://{host}:{port}/" | Select-Object -First 20',
            "a status of 2xx or 3xx",
        ),
        "h2c": Probe(
            "HTTP/2 without TLS",
            'curl -si --max-time 10 --http2-prior-knowledge "http://{host}:{port}/" | head -20',
            'curl.exe -si --max-time 10 --http2-prior-knowledge "http://{host}:{port}/" | Select-Object -First 20',
            "HTTP/2 and a status (gRPC: 415 or a grpc-status)",
        ),
        "tls": Probe(
            "TLS",
            'curl -sik --max-time 10 "https://{host}:{port}/" | head -20',
            'curl.exe -sik --max-time 10 "https://{host}:{port}/" | Select-Object -First 20',
            "a status of 2xx or 3xx",
        ),
        "redis": _client("Redis", "redis-cli -h {address} -p {port} ping", "PONG"),
        "postgres": _client("PostgreSQL", "pg_isready -h {address} -p {port}", "accepting connections"),
        "mysql": _client(
            "MySQL",
            "mysqladmin --protocol=TCP -h {address} -P {port} --connect-timeout=5 ping",
            "mysqld is alive",
        ),
        "mongodb": _client(
            "MongoDB",
            'mongosh --quiet --host {address} --port {port} --eval "db.runCommand({ping: 1})"',
            "ok: 1",
        ),
        "memcached": _said("memcached", "version", "VERSION and a number"),
        "kafka": _client("Kafka", "kcat -L -m 5 -b {host}:{port}", "a list of brokers"),
        "mqtt": _client(
            "MQTT", "mosquitto_sub -h {address} -p {port} -t '$SYS/#' -C 1 -W 5", "a line, or a time-out"
        ),
        "amqp": _said("AMQP", "AMQP", "AMQP and four bytes"),
        "nats": _greeting("NATS", "INFO {…}"),
        "ssh": _client("SSH", "ssh-keyscan -T 5 -p {port} {address}", "SSH-2.0 and the host's keys"),
        "smtp": _greeting("SMTP", "220 and the server's name"),
        "imap": _greeting("IMAP", "* OK"),
        "pop3": _greeting("POP3", "+OK"),
        "vnc": _greeting("VNC", "RFB and a version"),
        "telnet": _greeting("Telnet", "a prompt"),
        "text": _greeting("a protocol of its own", "its greeting"),
        "ldap": _client(
            "LDAP",
            "ldapsearch -x -H ldap://{host}:{port} -o nettimeout=5 -s base -b '' supportedLDAPVersion",
            "supportedLDAPVersion: 3",
        ),
        "iperf3": _client("iperf3", "iperf3 -c {address} -p {port} -t 1", "a table of rates"),
        "dns": Probe(
            "DNS over TCP",
            "dig +tcp +time=3 +tries=1 -p {port} @{address} localhost",
            "nslookup -vc -port={port} -timeout=3 localhost {address}",
            "an address",
        ),
    }
)
"""By protocol. TLS is asked as HTTPS, which it nearly always is."""

BY_FAMILY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "HTTP/1": "http",
        "HTTP/2": "h2c",
        "TLS": "tls",
        "Redis": "redis",
        "PostgreSQL": "postgres",
        "MySQL": "mysql",
        "MongoDB": "mongodb",
        "memcached": "memcached",
        "Kafka": "kafka",
        "MQTT": "mqtt",
        "AMQP": "amqp",
        "NATS": "nats",
        "SSH": "ssh",
        "SMTP or FTP": "smtp",
        "IMAP": "imap",
        "POP3": "pop3",
        "VNC": "vnc",
        "Telnet": "telnet",
        "DNS over TCP": "dns",
        "LDAP": "ldap",
        "iperf3": "iperf3",
        "text": "text",
    }
)
"""What ``evidence.payload`` calls a conversation → the row that asks it."""

BY_SCHEME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "http": "http",
        "ws": "http",
        "https": "tls",
        "wss": "tls",
        "redis": "redis",
        "postgres": "postgres",
        "postgresql": "postgres",
        "mysql": "mysql",
        "mongodb": "mongodb",
        "amqp": "amqp",
        "mqtt": "mqtt",
        "nats": "nats",
        "ssh": "ssh",
        "smtp": "smtp",
        "imap": "imap",
        "ldap": "ldap",
    }
)
"""The scheme of a URL → the row that asks it."""
