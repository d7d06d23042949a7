"""What the user means by ``-p``: a port, ``host:port``, ``[v6]:port`` or a URL becomes a ``Target``.

Input: one argument as typed. Output: a ``model.Target``. A number outside 0..65535 is accepted, because
"why does localhost:619009 not work" deserves an answer; text that names no number at all is an error.
"""

from __future__ import annotations

import ipaddress
import re

from synscope.model import Target

DEFAULT_PORTS: dict[str, int] = {
    "amqp": 5672,
    "ftp": 21,
    "grpc": 443,
    "http": 80,
    "https": 443,
    "mongodb": 27017,
    "mysql": 3306,
    "nats": 4222,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "ssh": 22,
    "ws": 80,
    "wss": 443,
}
"""The port a URL without one means, by scheme."""

MAX_DIGITS = 15
"""More digits than this are no slip of the finger, and no longer fit a JSON number exactly."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)")
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_HOST = re.compile(r"[^\s/?#@:\[\]\x00-\x20\x7f]{1,253}")


class TargetError(ValueError):
    """The text names no target; the message says what would."""


def parse(text: str) -> Target:
    """Return the target that ``text`` names.

    Raises ``TargetError`` where there is no number to watch. A password in a URL is not kept.
    """
    stripped = text.strip()
    if not stripped:
        raise TargetError("the target is empty; give a port, HOST:PORT or a URL")
    if _NUMBER.fullmatch(stripped):
        return Target(text=stripped, port=_port(stripped))
    url = _URL.match(stripped)
    if url is not None:
        return _from_url(stripped, url)
    authority = re.split(r"[/?#]", stripped, maxsplit=1)[0]
    host, port = _host_and_port(authority)
    if port is None:
        raise TargetError(_no_port(stripped, host))
    return Target(text=stripped, port=_port(port), host=host)


def _from_url(text: str, url: re.Match[str]) -> Target:
    scheme, authority = url.group(1).lower(), url.group(2)
    secret, at, rest = authority.rpartition("@")
    if at:
        # Reports are passed around; credentials in them would travel along.
        text = text[: url.start(2)] + "***@" + text[url.start(2) + len(secret) + 1 :]
    host, digits = _host_and_port(rest)
    if digits is not None:
        return Target(text=text, port=_port(digits), host=host, scheme=scheme)
    port = DEFAULT_PORTS.get(scheme)
    if port is None:
        raise TargetError(
            f"{text!r} names no port, and {scheme!r} has no usual one; write {scheme}://HOST:PORT"
        )
    return Target(text=text, port=port, host=host, scheme=scheme)


def _host_and_port(authority: str) -> tuple[str | None, str | None]:
    """Split ``authority``; either part is ``None`` where it is absent. ``*`` stands for any host."""
    if authority.startswith("["):
        inside, closed, after = authority[1:].partition("]")
        if not closed or (after and not after.startswith(":")):
            raise TargetError(f"{authority!r} has an unclosed bracket; write [ADDRESS]:PORT, e.g. [::1]:8080")
        if not _is_ipv6(inside):
            raise TargetError(f"{inside!r} is not an IPv6 address; brackets are for those, e.g. [::1]:8080")
        return inside, after[1:] or None
    host, colon, port = authority.rpartition(":")
    if not colon:
        host, port = authority, ""
    if ":" in host:
        if _is_ipv6(authority):
            raise TargetError(
                f"{authority!r} is an IPv6 address; put it in brackets and add a port: [{authority}]:PORT"
            )
        raise TargetError(f"{authority!r} has too many colons; give PORT, HOST:PORT or [IPv6]:PORT")
    if host in {"", "*"}:
        return None, port or None
    if _HOST.fullmatch(host) is None:
        raise TargetError(f"{host!r} is not a host name or address")
    return host, port or None


def _port(digits: str) -> int:
    if _NUMBER.fullmatch(digits) is None:
        if digits.startswith("-"):
            raise TargetError(f"{digits!r} is negative; ports run from 0 to 65535")
        raise TargetError(f"{digits!r} is not a port number; ports are decimal numbers, e.g. 8080")
    if len(digits.lstrip("0")) > MAX_DIGITS:
        raise TargetError(f"a number of {len(digits)} digits is not a port; ports run from 0 to 65535")
    return int(digits)


def _no_port(text: str, host: str | None) -> str:
    if host is not None and host.startswith("-"):
        return f"{text!r} is not a port; ports run from 0 to 65535"
    return f"{text!r} names no port; write {host or 'HOST'}:PORT, e.g. {host or 'localhost'}:8080"


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
