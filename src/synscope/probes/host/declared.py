"""What programs are told to expect on a watched port: TLS, the PROXY protocol's line, a Java debugger.

Input: ports and a time limit. Output: ``snapshot.Declared`` for each line that gives a port one of these. Only the
lines with which HAProxy, nginx, stunnel, hitch, varnish, mosquitto, memcached and socat listen are looked at, and the
word that makes a Java machine wait for a debugger; of them nothing is kept but the words for these three. Sources:
HAProxy's configuration manual (bind), ngx_http_core_module and ngx_stream_core_module (listen), stunnel(8) (accept,
client), hitch.conf(5) (frontend), varnishd(1) (-a), mosquitto.conf(5) (listener, certfile), memcached(1) (-Z),
socat(1) (OPENSSL-LISTEN), Oracle's "JPDA Connection and Invocation" (jdwp).
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.host.snapshot import JAVA_DEBUGGER, PROXY_LINE, TLS, Declared

_LARGEST: Final = 1 << 18
_MOST_FILES: Final = 64
_NGINX: Final = (
    "/etc/nginx/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
    "/usr/local/etc/nginx/nginx.conf",
)
_BIND = re.compile(r"^\s*bind\s+(\S+)(.*)$", re.MULTILINE)
_LISTEN = re.compile(r"(?:^|[\s;{])listen\s+([^\s;]+)([^;]*);")
_INCLUDE = re.compile(r"(?:^|[\s;{])include\s+([^\s;]+);")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_SECTION = re.compile(r"^\s*\[", re.MULTILINE)
_ACCEPT = re.compile(r"^\s*accept\s*=\s*(\S+)", re.MULTILINE | re.IGNORECASE)
_CLIENT = re.compile(r"^\s*client\s*=\s*yes\b", re.MULTILINE | re.IGNORECASE)
_TLS_LISTEN = re.compile(r"(?i)(?:openssl|ssl)-l(?:isten)?:(\d{1,5})")

_FRONTEND = re.compile(r'^\s*frontend\s*=\s*"([^"]+)"', re.MULTILINE)
_MOSQUITTOS_TLS: Final = frozenset({"certfile", "psk_hint"})
_MQTT: Final = 1883
_MEMCACHED: Final = 11211
"""Where they listen when nothing tells."""

_DEBUGGED = re.compile(r"-(?:agentlib:|Xrun)jdwp[=:](.*)")
_DEBUG_PORT = re.compile(r"(?:^|:)(\d{1,5})$")

_Found = Iterator[tuple[int, tuple[str, ...]]]


def look(ports: Sequence[int], until: float) -> tuple[Declared, ...]:
    """Read the configuration of the gateways that run."""
    found = []
    for pid in procfs.processes(until):
        program = procfs.program(pid)
        reader = _READERS.get(program)
        if reader is None:
            continue
        for port, wants in reader(procfs.command_line(pid), pid, until):
            if port in ports and wants:
                found.append(Declared(program, port, wants))
    return tuple(dict.fromkeys(found))


def of_haproxy(text: str) -> _Found:
    """Yield the ports of HAProxy's ``bind`` lines with what each wants."""
    for places, options in _BIND.findall(_COMMENT.sub("", text)):
        words = options.split()
        wants = _wants(words, tls="ssl", line="accept-proxy")
        for place in places.split(","):
            port = _port_of(place)
            if port is not None:
                yield port, wants


def of_nginx(text: str) -> _Found:
    """Yield the ports of nginx's ``listen`` lines with what each wants."""
    for place, options in _LISTEN.findall(_COMMENT.sub("", text)):
        port = _port_of(place if not place.isdigit() else f":{place}")
        if port is not None:
            yield port, _wants(options.split(), tls="ssl", line="proxy_protocol")


def of_stunnel(text: str) -> _Found:
    """Yield the ports that stunnel accepts TLS on: those of services that are no clients."""
    head, *services = _SECTION.split(re.sub(r"^\s*;.*$", "", _COMMENT.sub("", text), flags=re.MULTILINE))
    for service in services:
        accepts = _ACCEPT.search(service)
        port = _port_of(f":{accepts[1].rpartition(':')[2]}") if accepts else None
        if port is not None and not _CLIENT.search(service) and not _CLIENT.search(head):
            yield port, (TLS,)


def of_mosquitto(text: str) -> _Found:
    """Yield the ports of mosquitto's listeners with what each wants: TLS where a certificate or a key is named."""
    port: int = _MQTT
    wants: tuple[str, ...] = ()
    for line in _COMMENT.sub("", text).splitlines():
        words = line.split()
        if words[:1] == ["listener"] and len(words) > 1 and words[1].isdigit():
            yield port, wants
            port, wants = int(words[1]), ()
        elif words[:1] and words[0] in _MOSQUITTOS_TLS:
            wants = (TLS,)
    yield port, wants


def of_hitch(words: Sequence[str], text: str) -> _Found:
    """Yield the ports at which hitch takes TLS: its frontends, on the command line and in the file."""
    told = [
        word.partition("=")[2] or following
        for word, following in itertools.pairwise((*words, ""))
        if _is_frontend(word)
    ]
    for place in (*told, *_FRONTEND.findall(_COMMENT.sub("", text))):
        # The address stands in brackets, and the certificate of this frontend may follow the port.
        port = _port_of(place.partition("+")[0])
        if port is not None:
            yield port, (TLS,)


def of_varnish(words: Sequence[str]) -> _Found:
    """Yield the ports at which varnish wants the PROXY protocol's line."""
    for value in (
        *_values(words, "-a"),
        *(word[2:] for word in words if word.startswith("-a") and word != "-a"),
    ):
        place, *options = value.rpartition("=")[2].split(",")
        port = _port_of(place)
        if port is not None and "PROXY" in options:
            yield port, (PROXY_LINE,)


def of_memcached(words: Sequence[str]) -> _Found:
    """Yield the port at which memcached takes TLS alone."""
    ports = [*_values(words, "-p"), *(word.partition("=")[2] for word in words if word.startswith("--port="))]
    if {"-Z", "--enable-ssl"} & {*words}:
        yield int(ports[-1]) if ports and ports[-1].isdigit() else _MEMCACHED, (TLS,)


def _is_frontend(word: str) -> bool:
    return word in {"-f", "--frontend"} or word.startswith("--frontend=")


def _wants(words: Sequence[str], *, tls: str, line: str) -> tuple[str, ...]:
    return tuple(name for word, name in ((tls, TLS), (line, PROXY_LINE)) if word in words)


def _port_of(place: str) -> int | None:
    number = place.rpartition(":")[2]
    return int(number) if ":" in place and number.isdigit() else None


def _haproxy(words: Sequence[str], pid: int, _until: float) -> _Found:
    for name in _values(words, "-f"):
        yield from of_haproxy(_text(_inside(pid, name)))


def _nginx(words: Sequence[str], pid: int, until: float) -> _Found:
    # The master's title has its command line; a worker's says no more than that it is one.
    words = " ".join(words).split()
    if "worker" in words:
        return
    prefix = next(iter(_values(words, "-p")), "")
    named = [os.path.join(prefix, name) for name in _values(words, "-c")]  # noqa: PTH118 - as nginx does it
    files = [_inside(pid, name) for name in named or _NGINX]
    read: set[Path] = set()
    while files and len(read) < _MOST_FILES and time.monotonic() < until:
        file = files.pop(0)
        if file in read:
            continue
        read.add(file)
        text = _text(file)
        yield from of_nginx(text)
        for pattern in _INCLUDE.findall(_COMMENT.sub("", text)):
            folder = file.parent
            files += sorted(
                _root(pid).glob(pattern.lstrip("/")) if pattern.startswith("/") else folder.glob(pattern)
            )


def _stunnel(words: Sequence[str], pid: int, _until: float) -> _Found:
    for name in words[1:]:
        if not name.startswith("-"):
            yield from of_stunnel(_text(_inside(pid, name)))


def _mosquitto(words: Sequence[str], pid: int, _until: float) -> _Found:
    for name in (*_values(words, "-c"), *_values(words, "--config-file")):
        yield from of_mosquitto(_text(_inside(pid, name)))


def _hitch(words: Sequence[str], pid: int, _until: float) -> _Found:
    named = (word.partition("=")[2] for word in words if word.startswith("--config="))
    yield from of_hitch(words, "\n".join(_text(_inside(pid, name)) for name in named))


def _varnish(words: Sequence[str], _pid: int, _until: float) -> _Found:
    yield from of_varnish(words)


def _memcached(words: Sequence[str], _pid: int, _until: float) -> _Found:
    yield from of_memcached(words)


def _socat(words: Sequence[str], _pid: int, _until: float) -> _Found:
    for word in words[1:]:
        listens = _TLS_LISTEN.match(word)
        if listens:
            yield int(listens[1]), (TLS,)


def _java(words: Sequence[str], _pid: int, _until: float) -> _Found:
    yield from of_java(words)


def of_java(words: Sequence[str]) -> _Found:
    """Yield the ports on which a Java machine waits for a debugger; one that calls the debugger does not listen."""
    for word in words[1:]:
        debugged = _DEBUGGED.match(word)
        if debugged:
            options = dict(option.partition("=")[::2] for option in debugged[1].split(","))
            port = _DEBUG_PORT.search(options.get("address", ""))
            if port and options.get("server") == "y":
                yield int(port[1]), (JAVA_DEBUGGER,)


def _values(words: Sequence[str], option: str) -> list[str]:
    return [value for name, value in itertools.pairwise(words) if name == option]


def _root(pid: int) -> Path:
    return procfs.PROC / str(pid) / "root"


def _inside(pid: int, name: str) -> Path:
    """Return a file as the process sees it."""
    return _root(pid) / name.lstrip("/") if name.startswith("/") else procfs.PROC / str(pid) / "cwd" / name


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode(errors="replace")
    except (OSError, ValueError):
        return ""


_READERS: Final[dict[str, Callable[[Sequence[str], int, float], _Found]]] = {
    "haproxy": _haproxy,
    "nginx": _nginx,
    "openresty": _nginx,
    "stunnel": _stunnel,
    "stunnel4": _stunnel,
    "hitch": _hitch,
    "varnishd": _varnish,
    "mosquitto": _mosquitto,
    "memcached": _memcached,
    "socat": _socat,
    "java": _java,
}
