"""Whether an HTTP error is a gateway's own: by its status, or by a name or words that only gateways use.

502 and 504 say by themselves that somebody else was asked (RFC 9110 §15.6.3, §15.6.5). 503 does not: a service
that starts, is sealed or is overloaded says it too, and nginx says it for its own limits and never for an upstream
that fails (ngx_http_upstream.c). A Via header is a gateway's by RFC 9110 §7.6.3; the other words are those of the
programs themselves (HAProxy, Envoy, Traefik, Apache, Varnish, Squid, Kong, ELB).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.payload.protocols import Response

GATEWAY_STATUS: Final = frozenset({502, 503, 504})
UNAVAILABLE: Final = 503


@cache
def _gateway_form() -> re.Pattern[str]:
    return re.compile(
        r"\b(?:haproxy|envoy|traefik|caddy|kong|apisix|varnish|squid|lighttpd|awselb"
        r"|cloudflare|cloudfront)\b"
    )


@cache
def _nginx_form() -> re.Pattern[str]:
    """Return nginx and its kin, which set the Server header of every answer that passes through them."""
    return re.compile(r"\b(?:nginx|openresty|tengine|angie)\b")


@cache
def _header_form() -> re.Pattern[str]:
    return re.compile(r"^(?:via|x-squid-error|x-varnish|x-envoy-[a-z-]+|x-kong-[a-z-]+):", re.MULTILINE)


@cache
def _head_end_form() -> re.Pattern[str]:
    return re.compile(r"\n\r?\n")


@cache
def _words_form() -> re.Pattern[str]:
    return re.compile(
        r"\bupstream\b|no server is available to handle this request|no available server|backend fetch failed"
        r"|back-?end server is at capacity|due to maintenance downtime or capacity problems|ring-balancer"
        r"|\bproxy error\b"
    )


@cache
def _nginx_page_form() -> re.Pattern[str]:
    return re.compile(r"<hr><center>(?:nginx|openresty|tengine|angie)\b")


def is_gateways(response: Response) -> bool:
    """Whether the answer is an error that a gateway gave because of the service behind it."""
    if response.status != UNAVAILABLE:
        return response.status in GATEWAY_STATUS
    return bool(_gateway_form().search(response.server.lower()) or _has_words(response))


def is_signed(response: Response) -> bool:
    """Whether the answer is one of the errors, with a gateway's name or words.

    An error of 503 may have passed through the gateway that put its name there: only words tell then.
    """
    if response.status not in GATEWAY_STATUS:
        return False
    if response.status == UNAVAILABLE:
        return bool(_words_form().search(_said(response)))
    server = response.server.lower()
    return bool(
        _gateway_form().search(server)
        or _nginx_form().search(server)
        or is_nginx_page(response)
        or _has_words(response)
    )


def is_nginx_page(response: Response) -> bool:
    """Whether the page of an error is the one that nginx has built in."""
    return _nginx_page_form().search(response.rest) is not None


def _has_words(response: Response) -> bool:
    head = _head_end_form().split(f"\n{response.rest}", maxsplit=1)[0]
    return bool(_header_form().search(head) or _words_form().search(_said(response)))


@cache
def _relay_form() -> re.Pattern[str]:
    """Return what poolers and proxies of databases say of the server behind them, and no such server of itself."""
    return re.compile(
        r"server login has been failing|cannot connect to server|server conn crashed"
        r"|(?:could not|failed to) (?:get|create|connect to) .{0,20}\b(?:backend|remote server|from the pool)"
        r"|all (?:backend|server)s?\b.{0,20}\b(?:down|failed)|while reaching hostgroup"
        r"|can't connect to remote mysql server|lost connection to backend server|no upstream host|upstream failure"
        r"|^(?:ERR |SERVER_ERROR )?(?:Connection refused|Connection timed out|Host is down)$",
        re.IGNORECASE,
    )


def is_relays(error: str) -> bool:
    """Whether an error of a service's own protocol is that of a pooler or proxy which cannot reach its server."""
    return _relay_form().search(error) is not None


def _said(response: Response) -> str:
    return f"{response.reason.lower()}\n{response.rest}"
