"""Questions about the client's own end of the connection, in the command's words: its address, its port, its family.

A client binds too: to a device or an address (curl --interface, ssh -b, nc -s, localAddress), to a port
(curl --local-port, nc -p). The errors are those of a server's bind. Whose it is tells the message itself (curl's
status 45, Go's ``dial tcp A->B: bind``, ``source_address`` in a trace), or the command line: a client that is told of
a local end, and no word of listening.
"""

from __future__ import annotations

import re
from functools import cache
from posixpath import basename
from typing import Final

from synscope.evidence.by_hand import ByHand, of_client, on_each
from synscope.evidence.command.view import CommandView, Said, said_so
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage

_CURL_BIND: Final = 45
"""curl's exit status CURLE_INTERFACE_FAILED."""
_NEAR: Final = 12
"""Lines of a trace back from its last one in which the failing call is named."""
_NO_ADDRESS: Final = frozenset({"EADDRNOTAVAIL", "EADDRNOTAVAIL (bind)"})
_IN_USE: Final = frozenset({"EADDRINUSE"})
_NO_FAMILY: Final = frozenset({"EAFNOSUPPORT"})
_RUN_AGAIN: Final = "the message says so: yes"
_SOCKETS: Final[tuple[ByHand, ...]] = on_each(
    linux="ip -br address; ss -tan",
    macos="ifconfig; netstat -an -p tcp",
    windows="Get-NetIPAddress; Get-NetTCPConnection",
    reading="the client's address or device is missing, or its port is in the list: yes",
)
_OPTIONS: Final[dict[str, str]] = {
    "curl": "--interface --local-port",
    "wget": "--bind-address",
    "ssh": "-b -B",
    "scp": "",
    "nc": "-s -p",
    "ncat": "-s -p --source --source-port",
    "netcat": "-s -p",
    "ping": "-I",
    "dig": "-b",
    "telnet": "-b",
    "nmap": "-S -e -g --source-port",
    "iperf3": "-B --bind --cport",
}
"""Options of clients that name their own end: an address, a device or a port (their manual pages)."""


@cache
def _own_end() -> re.Pattern[str]:
    """Return the words that speak of a client's own end, whatever the command line."""
    return re.compile(
        r"\bcurl(?:: \(45\)| exit status 45\b)|bind failed with errno|[Cc]ouldn't bind to|\bmksock_bind_addr\b"
        r"|dial (?:tcp|udp)[46]? \S{1,100}->\S{1,100}: bind"
        r"|\b(?:source_address|src_addr|local_address|local_addr|localAddress|localPort|local_port|--local-port)\b"
        r"|\bsocat\b.{0,80}\bbind\(\d+, \{AF=|\binternalConnect\b"
        # Ruby and aiohttp name what they connect to, Node.js names an address without a port, asyncio the port 0.
        r"|connect(?:ion)? to (?:host )?\S{1,100}:\d{1,5} .{0,120}\bbind\b"
        r"|\bbind'?: .{0,40}connection to \S{1,100}:\d"
        r"|\bbind E[A-Z]{3,20} (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]{2,40}:[0-9a-f]{0,4}%?\w*)(?: - .*)?$"
        r"|\bbind on address \('[^']{1,100}', 0[,)]"
    )


@cache
def _own_stack() -> re.Pattern[str]:
    """Return the calls of a client's connect, in the stack that some languages print after the message."""
    return re.compile(
        r"\s+(?:at|from) .*(?:\bjava\.net\.Socket\.|\binternalConnect\b|`connect_(?:internal|from)'"
        r"|\bSocketChannelImpl\.connect\b)"
    )


@cache
def _listens() -> re.Pattern[str]:
    """Return the words of a server's start."""
    return re.compile(r"\blisten(?:ing|er)?\b|\bserv(?:e|er|ing)\b|\bbind\(\) to\b|\baccept\b", re.IGNORECASE)


@cache
def _no_device() -> re.Pattern[str]:
    """Return what a client says of an address or a device of its own that is not there."""
    return re.compile(
        r"(?:\bbind\b|SO_BINDTODEVICE|setsockopt|\binterface\b|\bdevice\b|\biface\b).{0,80}"
        r"(?:[Nn]o such device|[Nn]ot a device|does not exist|[Uu]nknown|[Nn]ot available)"
        r"|[Cc]ouldn't bind to (?:interface )?'|[Uu]nknown iface|[Nn]o such device|no suitable addresses"
    )


def option_of_own_end(view: CommandView) -> str:
    """Return the option by which a client in the command is told of its own end; empty when there is none."""
    for words in view.simple_commands():
        for at, program in enumerate(words):
            options = _OPTIONS.get(basename(program))
            if options:
                for word in words[at + 1 :]:
                    name = word.partition("=")[0]
                    if name in options.split():
                        return f"{name} of {basename(program)}"
            if basename(program) == "socat":
                found = re.search(
                    r",(bind|sourceport|sp|so-bindtodevice|if|interface)=", " ".join(words[at + 1 :])
                )
                if found and "CONNECT" not in found[1]:
                    return f"{found[1]}= of socat"
    return ""


def is_of_own_end(view: CommandView, said: Said) -> bool:
    """Whether a line tells of the client's own bind, not of a server's: by its words, or the nearest before."""
    for line in reversed(_before(view, said.line) or [said.line]):
        if _own_end().search(line):
            return True
        if _listens().search(line):
            return False
    if any(_own_stack().match(line) for line in _after(view, said.line)):
        return True
    return _binds(said.line) and bool(option_of_own_end(view)) and _is_by_the_client(view, said.line)


def _binds(line: str) -> bool:
    """Whether a line names the call: the same error of a connect is another's."""
    return re.search(r"\bbind\b", line, re.IGNORECASE) is not None


def _is_by_the_client(view: CommandView, line: str) -> bool:
    """Whether no other program's name is at the beginning of the line."""
    program = option_of_own_end(view).rpartition(" of ")[2]
    first = re.match(r"([\w.-]{1,40})(?:\[\d+\])?:", line)
    return first is None or first[1].lower() in {program, "bind", "error", "oserror"}


def _before(view: CommandView, line: str) -> list[str]:
    if line not in view.lines:
        return []
    last = len(view.lines) - 1 - view.lines[::-1].index(line)
    return list(view.lines[max(0, last - _NEAR) : last + 1])


def _after(view: CommandView, line: str) -> list[str]:
    """Return the lines of the stack that follows a message."""
    if line not in view.lines:
        return []
    last = len(view.lines) - 1 - view.lines[::-1].index(line)
    return list(view.lines[last + 1 : last + 1 + _NEAR])


def _own_failure(view: CommandView, errors: frozenset[str]) -> Said | None:
    return next(
        (said for said in view.said if said.meaning.name in errors and is_of_own_end(view, said)),
        None,
    )


@question(
    "client-source-missing",
    Source.HOST,
    "the client could not take the local address or device that it was told to connect from",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=_SOCKETS,
    errors=_NO_ADDRESS,
)
def client_source_missing(view: CommandView) -> Reply:
    said = _own_failure(view, _NO_ADDRESS)
    if said is not None:
        return said_so(said.line)
    option = option_of_own_end(view)
    for line in reversed(view.lines):
        if _no_device().search(line) and (option or _own_end().search(line)):
            return said_so(line)
    if (
        view.program == "curl"
        and view.status == _CURL_BIND
        and option == "--interface of curl"
        and not view.lines
    ):
        return yes("curl ended with status 45: it could not take the address or device of its own end")
    return unknown("the command said nothing of a local address or device of its own")


@question(
    "client-source-port-in-use",
    Source.HOST,
    "the client could not take the local port that it was told to connect from: it is in use",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=_SOCKETS,
    errors=_IN_USE,
)
def client_source_port_in_use(view: CommandView) -> Reply:
    said = _own_failure(view, _IN_USE)
    if said is not None:
        return said_so(said.line)
    return unknown("the command said nothing of a local port of its own")


@question(
    "command-sets-own-end",
    Source.HOST,
    "the command tells the client from which address, device or port to connect",
    stage=Stage.SOCKET,
)
def command_sets_own_end(view: CommandView) -> Reply:
    option = option_of_own_end(view)
    return yes(f"the command has {option}") if option else no("the command's words name no local end")


@question(
    "client-error-no-address",
    Source.HOST,
    "the client reported that the kernel has no local address or port to give it",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=of_client(_RUN_AGAIN),
    errors=_NO_ADDRESS,
)
def client_error_no_address(view: CommandView) -> Reply:
    """Look for the words of a connect; those of a bind are another's."""
    for said in view.said:
        binds = any(re.search(r"bind|listen", line, re.IGNORECASE) for line in _before(view, said.line))
        if said.meaning.name in _NO_ADDRESS and not binds and not is_of_own_end(view, said):
            if said.port in {None, view.target.port, view.target.wrapped}:
                return said_so(said.line)
            return unknown(f"the command said it of another port: {said.line.strip()}")
    return unknown("the command said nothing of it")


@question(
    "client-error-family",
    Source.HOST,
    "the client reported that the system has not the address family that it wants",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=of_client(_RUN_AGAIN),
    errors=_NO_FAMILY,
)
def client_error_family(view: CommandView) -> Reply:
    for said in view.said:
        if said.meaning.name in _NO_FAMILY and said.port in {None, view.target.port, view.target.wrapped}:
            return said_so(said.line)
    return unknown("the command said nothing of an address family")
