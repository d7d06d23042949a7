"""Questions about limits of the service itself: it says that one is reached, or its gateway turns requests away.

nginx answers 503 for its own limits (``limit_req_status``, ``limit_conn_status``) or where ``return 503`` stands; for
an upstream that fails it answers 502 or 504 (ngx_http_upstream.c). An upstream's own error passes with its page.
"""

from __future__ import annotations

from typing import Final

from synscope.evidence.by_hand import in_capture, in_first_bytes
from synscope.evidence.packets.intermediaries import began_meanwhile
from synscope.evidence.packets.view import Exchange, PacketsView
from synscope.evidence.payload import service_errors
from synscope.evidence.payload.gateways import UNAVAILABLE, is_nginx_page
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.pages import FIRST_ERROR, described, page_of
from synscope.evidence.payload.words import speaks_of_limit, speaks_of_room
from synscope.evidence.question import Reply, Says, no, question
from synscope.model import Source, Stage

TOO_MANY_REQUESTS: Final = 429
BANDWIDTH: Final = 509
_LIMITING: Final = frozenset({TOO_MANY_REQUESTS, BANDWIDTH})
_PERHAPS: Final = frozenset({403, UNAVAILABLE})
"""Statuses that some services give for a limit, and then name it."""


@question(
    "service-full",
    Source.PAYLOAD,
    "the server's last word is that it has no room for another client",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the server's last word is 'too many clients' or alike: yes"),
)
def service_full(view: PacketsView) -> Reply:
    return (
        service_errors.said(view, speaks_of_room)
        or hidden(view)
        or no("no service said that it has too many clients")
    )


@question(
    "limit-named",
    Source.PAYLOAD,
    "the service says that a limit of its own is reached: of clients, of connections, of requests",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the answer is 429, or speaks of too many connections, clients or requests: yes"),
)
def limit_named(view: PacketsView) -> Reply:
    return (
        service_errors.said(view, speaks_of_limit)
        or where(view, _is_limit, lambda x: f"the server answered {described(x)}")
        or hidden(view)
        or no("no service named a limit of its own")
    )


def _is_limit(exchange: Exchange) -> bool:
    response = exchange.server.response
    if response is None or response.status < FIRST_ERROR:
        return False
    if response.status in _LIMITING:
        return True
    return response.status in _PERHAPS and speaks_of_limit(f"{response.reason}\n{page_of(response)}")


@question(
    "gateway-asked-nobody",
    Source.PAYLOAD,
    "nginx answered 503 with its own page, as for a limit of its own, and no connection to another service began",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "http.response.code == 503",
        "the page is nginx's own, and between the request and the answer no SYN goes to another port: yes",
    ),
)
def gateway_asked_nobody(view: PacketsView) -> Reply:

    def refused(x: Exchange) -> bool:
        response = x.server.response
        own = response is not None and response.status == UNAVAILABLE and is_nginx_page(response)
        return own and not began_meanwhile(view, x.attempt)

    return (
        where(
            view, refused, lambda _: "nginx answered 503 with its own page and asked no other service first"
        )
        or hidden(view)
        or no("no answer of 503 is nginx's own page")
    )
