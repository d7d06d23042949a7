"""The shape of one row of the error tables, and the marks its spellings are written in.

Input: nothing. Output: ``ErrorMeaning`` and the small types in it. The rows are in ``errors_table_*``,
the recogniser is ``errors``.

A spelling is ordinary text, not a regular expression: case does not matter, a blank stands for any white
space, line ends included, and ``GAP`` stands for up to 80 characters. So a row can be shown to people as it
is, and no spelling can make the recogniser slow.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

GAP = "…"
"""In a spelling: up to 80 characters that do not matter. At most one in a spelling."""


class System(enum.StrEnum):
    """Whose numbers a code belongs to."""

    LINUX = "Linux"
    MACOS = "macOS"
    WINDOWS = "Windows"
    CURL = "curl"
    CHROMIUM = "Chromium"
    HTTP = "HTTP"


class ErrorMeaning(NamedTuple):
    """One error message and what it says about the connection."""

    name: str
    """The name people search for, such as ECONNREFUSED."""
    spellings: tuple[str, ...]
    """Texts that mean this error and nothing else. The name is one of them without being listed."""
    meaning: str
    """What the kernel or the client saw, in plain words."""
    on_the_wire: str
    """What a capture of the failing try shows."""
    labels: tuple[str, ...]
    """The handshake labels such a try can get, most usual first."""
    cause_slugs: tuple[str, ...]
    """Slugs of the catalogue, most likely first."""
    references: tuple[str, ...]
    numbers: tuple[tuple[System, int], ...] = ()
    """Codes that mean this error, each with the system that numbers it so."""
    hints: tuple[str, ...] = ()
    """Texts that fit this error and others: they count only when nothing clearer is there."""


def errno(linux: int, macos: int, windows: int) -> tuple[tuple[System, int], ...]:
    """Return the codes of one POSIX error on the three systems (Winsock's number for Windows)."""
    return ((System.LINUX, linux), (System.MACOS, macos), (System.WINDOWS, windows))


CONNECT_2 = "https://man7.org/linux/man-pages/man2/connect.2.html"
BIND_2 = "https://man7.org/linux/man-pages/man2/bind.2.html"
SOCKET_2 = "https://man7.org/linux/man-pages/man2/socket.2.html"
SEND_2 = "https://man7.org/linux/man-pages/man2/send.2.html"
ACCEPT_2 = "https://man7.org/linux/man-pages/man2/accept.2.html"
ERRNO_3 = "https://man7.org/linux/man-pages/man3/errno.3.html"
GETADDRINFO_3 = "https://man7.org/linux/man-pages/man3/getaddrinfo.3.html"
ICMP_7 = "https://man7.org/linux/man-pages/man7/icmp.7.html"
IP_7 = "https://man7.org/linux/man-pages/man7/ip.7.html"
UNIX_7 = "https://man7.org/linux/man-pages/man7/unix.7.html"
RFC_9293 = "https://www.rfc-editor.org/rfc/rfc9293"
RFC_9110 = "https://www.rfc-editor.org/rfc/rfc9110"
RFC_9112 = "https://www.rfc-editor.org/rfc/rfc9112"
RFC_9113 = "https://www.rfc-editor.org/rfc/rfc9113"
RFC_8446 = "https://www.rfc-editor.org/rfc/rfc8446"
RFC_5280 = "https://www.rfc-editor.org/rfc/rfc5280"
WINSOCK = "https://learn.microsoft.com/en-us/windows/win32/winsock/windows-sockets-error-codes-2"
CURL = "https://curl.se/libcurl/c/libcurl-errors.html"
CHROMIUM = "https://chromium.googlesource.com/chromium/src/+/main/net/base/net_error_list.h"
NODE = "https://nodejs.org/api/errors.html"
FETCH_PORTS = "https://fetch.spec.whatwg.org/#port-blocking"
FETCH_CORS = "https://fetch.spec.whatwg.org/#http-cors-protocol"
URL_SPEC = "https://url.spec.whatwg.org/#url-parsing"
GRPC = "https://grpc.io/docs/guides/status-codes/"
NGINX = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html"
