"""Questions about how the client speaks, in the command's words: over TCP, UDP, or a Unix socket file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from posixpath import basename
from typing import Final

from synscope.evidence.by_hand import of_client
from synscope.evidence.command.view import CommandView, said_so
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage, Transport

_SOCKET_FILE: Final = frozenset({"ENOENT (socket file)"})
_FILE_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "curl": ("--unix-socket", "--abstract-unix-socket"),
    "nc": ("-U", "--unixsock"),
    "ncat": ("-U", "--unixsock"),
    "netcat": ("-U",),
    "mysql": ("-S", "--socket"),
    "mariadb": ("-S", "--socket"),
    "mysqladmin": ("-S", "--socket"),
    "mariadb-admin": ("-S", "--socket"),
    "redis-cli": ("-s",),
    "valkey-cli": ("-s",),
    "grpcurl": ("-unix",),
    "openssl": ("-unix",),
}
_UDP_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "nc": ("-u", "--udp"),
    "ncat": ("-u", "--udp"),
    "netcat": ("-u", "--udp"),
    "iperf": ("-u", "--udp"),
    "iperf3": ("-u", "--udp"),
    "nmap": ("-sU",),
}
_UDP_CLIENTS: Final = frozenset(
    {"dig", "host", "nslookup", "drill", "kdig", "ntpdate", "ntpdig", "sntp", "tftp", "snmpget", "snmpwalk"}
)
_TCP_OPTIONS: Final = frozenset({"+tcp", "+vc", "-T", "+tls", "+https", "-vc"})
"""By these the clients of UDP use TCP."""
_LOCAL_CLIENTS: Final = frozenset(
    {"mysql", "mariadb", "mysqladmin", "mariadb-admin", "mysqldump", "mariadb-dump"}
)
"""To them localhost is the socket file, whatever the port."""
_POSTGRES: Final = frozenset(
    {"psql", "pg_isready", "pg_dump", "pg_restore", "createdb", "dropdb", "vacuumdb"}
)


@cache
def _path() -> re.Pattern[str]:
    """Return how a message names a socket file as what it wanted to connect to."""
    return re.compile(
        r"(?:through|on|to|at|via|dial|connect(?:ing)?) (?:the )?(?:local )?(?:unix(?: domain)? )?socket"
        r" (?:file )?['\"(]?(/[^'\" ]{1,200}|@[\w./-]{1,100})"
        r"|\b(?:https?\+)?unix:/{1,3}[\w.%/-]{1,200}|\bdial unix (\S{1,200}): |connect E\w+ (/[\w./-]{1,200})"
        r"|connect(?:ion)? to (?:\w+ at )?['\"]?(/[^'\": ]{1,200})['\"]?:",
        re.IGNORECASE,
    )


@cache
def _local_php() -> re.Pattern[str]:
    """Return how a program's text on the command line lets PHP's clients of MySQL connect to localhost."""
    return re.compile(
        r"\bmysqli(?:_connect|_real_connect)?\(\s*(?:\$\w+,\s*)?['\"](?:p:)?localhost['\"]"
        r"|\bmysql:(?:[a-z]+=[^;'\"]{0,80};)*host=localhost\b",
        re.IGNORECASE,
    )


@cache
def _file_port() -> re.Pattern[str]:
    """Return how a socket file's name ends that has a port in it."""
    return re.compile(r"\.s\.PGSQL\.(\d{1,5})\b|[.:_-](\d{2,5})(?:\.sock)?['\")]? ")


def commands_of(view: CommandView) -> Iterator[Sequence[str]]:
    """Yield the simple commands in the watched one, those of shells' texts too."""
    from synscope.command.splitting import shell_commands

    yield view.command
    for word in view.command:
        if any(letter in word for letter in " ;&|\n"):
            yield from shell_commands(word[:20_000])


@question(
    "client-error-socket-file",
    Source.HOST,
    "the client's message is about a Unix socket file, not about a TCP port",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=of_client("the message names a socket file: yes"),
    errors=_SOCKET_FILE,
)
def client_error_socket_file(view: CommandView) -> Reply:
    from synscope.reference import errors

    for line in reversed(view.lines):
        # An engine of containers has a socket file of its own, whatever its containers speak.
        if re.search(r"docker|podman|containerd", line, re.IGNORECASE):
            continue
        known = any(meaning.name in _SOCKET_FILE for meaning in errors.find(line)[:1])
        if not known and not _path().search(line):
            continue
        named = _file_port().search(f"{line} ")
        port = next((int(group) for group in named.groups() if group), None) if named else None
        if port is not None and ".s.PGSQL." in line and port != view.target.port:
            return unknown(f"the command said it of another port: {line.strip()}")
        return said_so(line)
    return unknown("the command said nothing of a socket file")


@question(
    "command-asks-other-transport",
    Source.HOST,
    "the command's words make its client use UDP or a Unix socket file",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=of_client("an option such as --unix-socket, -U or -u, or a program that speaks UDP: yes"),
)
def command_asks_other_transport(view: CommandView) -> Reply:
    from synscope.command.named_targets import find_targets

    if any(found.target.port == view.target.port for found in find_targets(view.command)):
        return no("the command names the target as a TCP port")
    found = next((way for words in commands_of(view) if (way := _way(words))), "")
    if not found:
        return no("the command's words name no other transport")
    kind = [each.value for each in (Transport.UNIX_SOCKET, Transport.UDP) if each.value in found]
    return yes(f"the command has {found}", about=kind)


def _way(words: Sequence[str]) -> str:
    """Return which word makes a client use something else than TCP; empty when none does."""
    for at, word in enumerate(words):
        name, rest = basename(word), words[at + 1 :]
        for options, what in ((_FILE_OPTIONS, "a Unix socket file"), (_UDP_OPTIONS, "UDP")):
            for option in options.get(name, ()):
                if any(_is_option(given, option) for given in rest):
                    return f"{option} of {name}: {what}"
        if name in _UDP_CLIENTS and not _TCP_OPTIONS & set(rest):
            return f"{name}, which speaks UDP"
        if name == "socat" and any(
            re.match(r"(?:udp[46]?|unix|abstract)\b", given, re.IGNORECASE) for given in rest
        ):
            return "an address of socat that is no TCP port"
        if (name in _LOCAL_CLIENTS and not _names_tcp(rest)) or _is_local_php(name, rest):
            return f"{name} with no host, or with localhost: a Unix socket file"
        if name in _POSTGRES and not _has_host(rest):
            return f"{name} with no host: a Unix socket file"
    return ""


def _is_local_php(name: str, rest: Sequence[str]) -> bool:
    """Whether a program in PHP's words lets its client of MySQL connect to localhost."""
    return name.startswith("php") and any(_local_php().search(word[:20_000]) for word in rest)


def _is_option(given: str, option: str) -> bool:
    if option.startswith("--") or len(option) > 2:  # noqa: PLR2004 - a long one
        return given.partition("=")[0] == option
    return (
        given.startswith("-")
        and not given.startswith("--")
        and option[1] in re.split(r"[^A-Za-z]", given[1:])[0]
    )


def _names_tcp(rest: Sequence[str]) -> bool:
    """Whether MySQL's client gets a host that is not localhost, or is told to use TCP."""
    joined = " ".join(rest)
    if re.search(r"--protocol[= ]tcp", joined, re.IGNORECASE):
        return True
    host = re.search(r"(?:-h ?|--host[= ])(\S+)", joined)
    return host is not None and host[1].strip("'\"").lower() != "localhost"


def _has_host(rest: Sequence[str]) -> bool:
    """Whether PostgreSQL's client gets a host that is no folder of a socket file."""
    joined = " ".join(rest)
    host = re.search(r"(?:(?:^| )-h ?|--host[= ]|\bhost=)([^\s'\"]+)", joined)
    if host is not None:
        return not host[1].startswith("/")
    return bool(re.search(r"postgres(?:ql)?://[^/\s]*\w", joined))
