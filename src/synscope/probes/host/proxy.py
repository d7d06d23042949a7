"""Whether a client's environment sends a request through a proxy: as curl, Python's urllib and Go decide.

Input: the proxy variables of the client's environment and the request's scheme, host and port. Output: the
proxy's URL, or ``None`` for a direct connection. Pure. Nothing but these variables is ever recorded, and they
lose their passwords first.

Sources, where they differ: curl's manual ("ENVIRONMENT", CURLOPT_NOPROXY) and lib/noproxy.c; Python's
urllib.request (``getproxies_environment``, ``proxy_bypass_environment``); Go's golang.org/x/net/http/httpproxy.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from synscope.probes.host.snapshot import Variable

VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?[^/?#]*@")
_PROXY_PORT: Final = {"https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080, "socks4a": 1080}
_AUTHORITY = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(\[[^\]]*\]|[^/?#:\s]*)(?::(\d{1,5}))?(?:[/?#].*)?"
)


class Request(NamedTuple):
    """Where a client wants to go."""

    scheme: str
    host: str
    port: int


class Server(NamedTuple):
    """Where a proxy is."""

    host: str
    port: int


def of_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy variables of an environment that are set, in both spellings, as they are."""
    spellings = [spelling for name in VARIABLES for spelling in (name, name.upper())]
    return {name: environment[name] for name in spellings if environment.get(name)}


def recorded(environment: Mapping[str, str]) -> tuple[Variable, ...]:
    """Return the proxy variables of an environment without credentials."""
    return tuple(Variable(name, redacted(value)) for name, value in of_environment(environment).items())


def redacted(url: str) -> str:
    """Return a proxy's URL without user and password."""
    return _CREDENTIALS.sub(lambda match: f"{match[1] or ''}***@", url)


def server_of(url: str) -> Server | None:
    """Return where the proxy of a variable's value is; ``None`` when it is no URL."""
    match = _AUTHORITY.fullmatch(
        url.rpartition("***@")[2] if "***@" in url and "://" not in url else _bare(url)
    )
    if match is None or not match[2]:
        return None
    scheme = (match[1] or "http").lower()
    # curl takes 1080 where no port is given; that is also the usual port of SOCKS.
    port = int(match[3]) if match[3] else _PROXY_PORT.get(scheme, 80)
    return Server(match[2].strip("[]"), port)


def _bare(url: str) -> str:
    return _CREDENTIALS.sub(lambda match: match[1] or "", url)


def decisions(variables: Mapping[str, str], request: Request) -> dict[str, str | None]:
    """Return what each kind of client does: the proxy's URL, or ``None``."""
    return {name: decide(variables, request) for name, decide in CLIENTS.items()}


def _curl(variables: Mapping[str, str], request: Request) -> str | None:
    names = [f"{request.scheme}_proxy"]
    if (
        request.scheme != "http"
    ):  # a server's CGI makes HTTP_PROXY of the header Proxy: that any client may send
        names.append(f"{request.scheme}_proxy".upper())
    url = _first(variables, *names, "all_proxy", "ALL_PROXY")
    exceptions = _first(variables, "no_proxy", "NO_PROXY") or ""
    return None if url is None or _curl_direct(exceptions, request.host) else url


def _curl_direct(exceptions: str, host: str) -> bool:
    if exceptions.strip() == "*":
        return True
    name = _plain_host(host)
    address = _address(name)
    for entry in re.split(r"[,\s]+", exceptions.lower()):
        if address is not None:
            if _in_network(address, entry.strip("[]")):
                return True
            continue
        bare = entry.strip(".")
        if bare and (name == bare or name.endswith(f".{bare}")):
            return True
    return False


def _python(variables: Mapping[str, str], request: Request) -> str | None:
    url = _first(variables, f"{request.scheme}_proxy", f"{request.scheme}_proxy".upper())
    exceptions = _first(variables, "no_proxy", "NO_PROXY") or ""
    return None if url is None or _python_direct(exceptions, request) else url


def _python_direct(exceptions: str, request: Request) -> bool:
    if exceptions == "*":
        return True
    # urllib compares the host as it stands in the URL: an IPv6 address in its brackets.
    host = request.host.strip("[]").lower()
    host = f"[{host}]" if ":" in host else host
    with_port = f"{host}:{request.port}"
    for entry in exceptions.split(","):
        name = entry.strip().lstrip(".").lower()
        if name and any(target == name or target.endswith(f".{name}") for target in (host, with_port)):
            return True
    return False


def _go(variables: Mapping[str, str], request: Request) -> str | None:
    url = _first(variables, f"{request.scheme}_proxy".upper(), f"{request.scheme}_proxy")
    exceptions = _first(variables, "NO_PROXY", "no_proxy") or ""
    return None if url is None or _go_direct(exceptions, request) else url


def _go_direct(exceptions: str, request: Request) -> bool:
    name = _plain_host(request.host)
    address = _address(name)
    if name == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(
        _go_entry(entry.strip().lower(), name, address, request.port) for entry in exceptions.split(",")
    )


def _go_entry(
    entry: str, name: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int
) -> bool:
    if entry in {"", "*"}:
        return entry == "*"
    if "/" in entry:
        return address is not None and _in_network(address, entry)
    bare, colon, wanted_port = entry.rpartition(":")
    if colon and wanted_port.isdigit() and (":" not in bare or bare.endswith("]")):
        if int(wanted_port) != port:
            return False
        entry = bare
    entry = entry.strip("[]")
    if _address(entry) is not None:
        return address == _address(entry)
    # A leading dot, or "*.", leaves the name itself out: only what is below it.
    suffix = entry.removeprefix("*") if entry.startswith("*.") else entry
    return name.endswith(suffix) if suffix.startswith(".") else name == suffix or name.endswith(f".{suffix}")


CLIENTS: Final[dict[str, Callable[[Mapping[str, str], Request], str | None]]] = {
    "curl": _curl,
    "Python": _python,
    "Go": _go,
}


def request_of(scheme: str | None, host: str, port: int) -> Request:
    """Return the request for a target; without a scheme it is taken for http, as most clients do."""
    name = (scheme or "http").lower()
    return Request({"ws": "http", "wss": "https"}.get(name, name), host, port)


def _first(variables: Mapping[str, str], *names: str) -> str | None:
    return next((variables[name] for name in names if variables.get(name)), None)


def _plain_host(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _in_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, entry: str) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
