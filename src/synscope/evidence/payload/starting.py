"""Questions about services that say themselves that they are not ready yet: models, databases, whatever loads."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_first_bytes
from synscope.evidence.packets.view import Exchange, PacketsView
from synscope.evidence.payload import service_errors
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.http_answers import (
    CLIENT_ERRORS,
    SERVER_ERRORS,
    llm_answer_form,
    llm_path_form,
    path_of,
)
from synscope.evidence.payload.pages import described, page_of
from synscope.evidence.payload.words import speaks_of_starting
from synscope.evidence.question import Reply, Says, no, question
from synscope.model import Source, Stage

_ERRORS: Final = CLIENT_ERRORS | SERVER_ERRORS


@cache
def _model_form() -> re.Pattern[str]:
    """Return what is a model server's word beside one of loading."""
    return re.compile(r"\bmodels?\b|\bweights\b|\bllm\b|estimated_time")


@question(
    "http-loading",
    Source.PAYLOAD,
    "the answer says that a model is still loading",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the error says that a model is still loading: yes"),
)
def http_loading(view: PacketsView) -> Reply:
    return (
        where(view, is_model_loading, lambda x: f"the answer says that a model is loading: {described(x)}")
        or hidden(view)
        or no("no answer speaks of a model that is loading")
    )


def is_model_loading(exchange: Exchange) -> bool:
    """Whether an HTTP error says that something is loading, and the words or the request are a model server's."""
    response = exchange.server.response
    if response is None or response.status not in _ERRORS:
        return False
    words = f"{response.reason}\n{page_of(response)}".lower()
    if not speaks_of_starting(words):
        return False
    request = exchange.client.request
    asked = request is not None and llm_path_form().match(path_of(request.target))
    named = llm_answer_form().search(f"{response.server.lower()}\n{words}") or _model_form().search(words)
    return bool(asked or named)


@question(
    "service-starting",
    Source.PAYLOAD,
    "the service says that it is still starting or loading, in its own protocol",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the server's error speaks of starting or loading, and of no model: yes"),
)
def service_starting(view: PacketsView) -> Reply:

    def starting(x: Exchange) -> bool:
        response = x.server.response
        if response is None or response.status not in SERVER_ERRORS or is_model_loading(x):
            return False
        return speaks_of_starting(f"{response.reason}\n{page_of(response)}".lower())

    return (
        service_errors.said(view, speaks_of_starting)
        or where(view, starting, lambda x: f"the server answered {described(x)}")
        or hidden(view)
        or no("no service said that it is still starting")
    )
