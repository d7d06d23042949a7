"""Who gets a page: those who know the secret in the URL, and come by an address of this machine's own.

Input: a request's path, method and Host headers. Output: the name of what is asked for, or the status of a refusal,
which says nothing more. Any user of the machine can connect to a loopback port, and any page a browser has open can
make it send requests there; the secret keeps both out, the Host header keeps out a name that was made to point
here (DNS rebinding).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

ADDRESS: Final = "127.0.0.1"
_SECRET_BYTES: Final = 24
_HTTP_PORT: Final = 80
_MOST_PATH: Final = 200

STRICT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Content-Security-Policy of the page: nothing from elsewhere, nothing inline, and no text that becomes markup."""

HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Headers of every response, refusals included."""


class Refused(Exception):  # noqa: N818 - an answer, not an error of the program
    """The request gets ``status`` and nothing else."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Access:
    """The secret of one capture's page, and the names by which it may be asked for."""

    def __init__(self, port: int, secret: str | None = None) -> None:
        """Make a new secret unless one is given."""
        self._secret = secrets.token_urlsafe(_SECRET_BYTES) if secret is None else secret
        self._hosts = {f"{name}:{port}" for name in (ADDRESS, "localhost")}
        if port == _HTTP_PORT:
            self._hosts |= {ADDRESS, "localhost"}
        self.url = f"http://{ADDRESS}:{port}/{self._secret}/"

    def admit(self, method: str, path: str, hosts: Sequence[str]) -> str:
        """Return what is asked for, without the secret (empty: the page); raises ``Refused``.

        ``path`` is as sent, still encoded. ``hosts`` are all Host headers: one, and not more.
        """
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            raise Refused(HTTPStatus.FORBIDDEN)
        given, slash, name = path[1:_MOST_PATH].partition("/")
        known = hmac.compare_digest(given.encode("utf-8", "replace"), self._secret.encode("ascii"))
        if not known or not path.startswith("/") or not slash:
            raise Refused(HTTPStatus.NOT_FOUND)
        if method != "GET":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED)
        return name
