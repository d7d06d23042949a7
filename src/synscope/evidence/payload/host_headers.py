"""Question about the name by which the client calls the server, where the server refuses just that.

A guard against DNS rebinding: only listed names are served. The words are those of Django, Rails, Vite, webpack,
Jupyter, Transmission, Kestrel and HTTP.sys, Chrome's debugger, Starlette, Tomcat. 421 is RFC 9110 §15.5.20.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.view import Exchange, PacketsView
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.pages import FIRST_ERROR, described, page_of
from synscope.evidence.question import Reply, Says, no, question
from synscope.model import Source, Stage

MISDIRECTED: Final = 421
_OLD_WEBPACK: Final = "invalid host header"
"""The whole page of older development servers, with the status 200."""


@cache
def _refused_form() -> re.Pattern[str]:
    return re.compile(
        r"(?:invalid|bad|unknown|disallowed|unrecogni[sz]ed|untrusted|illegal|wrong|not allowed|mismatched)"
        r"[ _-](?:http_)?host(?:name)?\b(?! key)"
        r"|blocked hosts?\b|blocked request\. this host|disallowedhost|allowed_?hosts|host_?whitelist"
        r"|non-local 'host'"
        r"|rebind|host header (?:is|was|not|must|value|does|specified)|the host(?:name)? was unrecogni[sz]ed"
        r"|request hostname is invalid"
        r"|host(?:name)? (?:\S+ )?(?:is )?not (?:allowed|permitted|trusted|whitelisted|valid)"
    )


@question(
    "host-header-refused",
    Source.PAYLOAD,
    "the server refuses the name in the request's Host header",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "http.response.code >= 400", "the status is 421, or the page speaks of the host or its header: yes"
    ),
)
def host_header_refused(view: PacketsView) -> Reply:
    return where(view, _is_refused, _told) or hidden(view) or no("no server refused a Host header")


def _is_refused(exchange: Exchange) -> bool:
    response = exchange.server.response
    if response is None or exchange.client.request is None:
        return False
    page = page_of(response)
    if response.status < FIRST_ERROR:
        return page.strip() == _OLD_WEBPACK
    return response.status == MISDIRECTED or bool(
        _refused_form().search(f"{response.reason.lower()}\n{page}")
    )


def _told(exchange: Exchange) -> str:
    request = exchange.client.request
    host = request.host if request is not None else None
    name = f" to a request for the host “{host.host[:80]}”" if host is not None else ""
    return f"the server answered {described(exchange)}{name}"
