"""Questions about what was asked and answered: HTTP statuses, models that failed, kinds of service."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_capture, in_first_bytes
from synscope.evidence.packets.view import Exchange, PacketsView, is_said
from synscope.evidence.payload.gateways import GATEWAY_STATUS, UNAVAILABLE, is_gateways, is_relays, is_signed
from synscope.evidence.payload.heard import hidden, unheard, where
from synscope.evidence.payload.pages import described
from synscope.evidence.payload.recognise import Protocol, Response, describe, recognise
from synscope.evidence.payload.service_errors import said
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Answer, Source, Stage

CLIENT_ERRORS: Final = frozenset(range(400, 500))
SERVER_ERRORS: Final = frozenset(range(500, 600))
_ERRORS: Final = CLIENT_ERRORS | SERVER_ERRORS


@cache
def _model_failed_form() -> re.Pattern[str]:
    return re.compile(
        r"out of memory|insufficient memory|requires more (?:system|gpu|video) memory|failed to load (?:the )?model"
        r"|\b(?:model|llama|runner)\b[^.\n]{0,40}\b(?:failed to load|has terminated|crashed)|cuda error"
    )


@cache
def llm_path_form() -> re.Pattern[str]:
    """Return the paths of model servers' APIs."""
    return re.compile(
        r"/(?:openai/)?v1/(?:chat/completions|completions|embeddings|models|messages|responses|audio/|rerank)"
        r"|/api/(?:generate|chat|tags|embed|embeddings|pull|show|ps)(?:[/?]|$)"
        r"|/(?:completion|infill|generate|generate_stream|tokenize|detokenize)(?:\?|$)"
        r"|/v2/(?:models|health)/"
    )


@cache
def llm_answer_form() -> re.Pattern[str]:
    """Return the names that model servers give themselves."""
    return re.compile(r"ollama is running|llama\.cpp|vllm|text-generation-inference")


@cache
def _context_path_form() -> re.Pattern[str]:
    return re.compile(
        r"/mcp(?:[/?]|$)|/messages/?\?session_?id="
        r"|/collections(?:/[^/?]+(?:/points)?)?(?:[/?]|$)|/api/v[12]/(?:collections|tenants|heartbeat)"
        r"|/v1/(?:objects|schema|graphql)(?:[/?]|$)|/v[12]/vector(?:db)?/"
    )


@cache
def _context_head_form() -> re.Pattern[str]:
    return re.compile(
        r"mcp-session-id|mcp-protocol-version|qdrant|chroma|weaviate|milvus"
        r"""|["']method["']:\s*["'](?:initialize|tools/(?:list|call)|resources/(?:list|read)|prompts/(?:list|get))["']"""
    )


@cache
def _control_path_form() -> re.Pattern[str]:
    """Return paths of Vault, Consul, etcd, Envoy, Kubernetes, Prometheus, Docker, browsers' debuggers, Dapr."""
    return re.compile(
        r"/v1/(?:sys|auth|secret|transit|agent|catalog|kv|health|session)/|/v3/(?:kv|lease|maintenance)/|/v2/keys\b"
        r"|/(?:config_dump|server_info|stats/prometheus)(?:\?|$)|/api/v1/(?:namespaces|nodes|pods|query|targets|rules)\b"
        r"|/apis/|(?:/v1\.\d\d)?/(?:containers|images)/|/_ping$|/-/(?:ready|healthy|reload)$"
        r"|/json/(?:version|list|protocol)$|/v1\.0/(?:invoke|state|healthz|metadata)\b"
    )


@cache
def _control_head_form() -> re.Pattern[str]:
    return re.compile(r"^x-(?:vault|consul|nomad)-[a-z-]+:", re.MULTILINE)


_Form = Callable[[], re.Pattern[str]]


def _answered(view: PacketsView, test: Callable[[Response], bool], otherwise: str) -> Reply:
    """Whether an HTTP answer passes ``test`` and was the last word."""

    def hit(x: Exchange) -> bool:
        return x.server.response is not None and test(x.server.response) and not _challenged(x)

    return where(view, hit, lambda x: f"the server answered {described(x)}") or hidden(view) or no(otherwise)


@question(
    "http-client-error",
    Source.PAYLOAD,
    "the server answered with an HTTP 4xx status",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture("http.response.code in {400..499}"),
)
def http_client_error(view: PacketsView) -> Reply:
    return _answered(
        view,
        lambda r: r.status in CLIENT_ERRORS,
        "no answer has an HTTP 4xx status that was the last word",
    )


def _challenged(exchange: Exchange) -> bool:
    """Whether it was a challenge to say who asks (RFC 9110 §11), and the client said more."""
    response, asked = exchange.server.response, exchange.attempt.client_payload or b""
    challenge = response is not None and response.status in {401, 407}
    return challenge and asked.endswith(b"\r\n\r\n") and exchange.attempt.client_bytes > len(asked)


@question(
    "http-server-error",
    Source.PAYLOAD,
    "the server answered with an HTTP 5xx status other than 502, 503, 504",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture("http.response.code in {500, 501, 505..599}"),
)
def http_server_error(view: PacketsView) -> Reply:
    return _answered(
        view,
        lambda r: r.status in SERVER_ERRORS - GATEWAY_STATUS,
        "no answer has an HTTP 5xx status of the service's own",
    )


@question(
    "error-then-success",
    Source.PAYLOAD,
    "every HTTP error was followed by an answer to the same request that is none",
    stage=Stage.SERVE,
    if_yes=Says.TOOK_LONG,
    direct=True,
    by_hand=in_capture(
        "http.response", "each error is followed by an answer below 400 to the same request: yes"
    ),
)
def error_then_success(view: PacketsView) -> Reply:
    """Say whether a client that tried again got what it wanted."""

    def recovered(x: Exchange) -> bool:
        return _ended_well(x) or any(
            _is_retry(x, y) and y.server.response.status not in _ERRORS for y in told if y.server.response
        )

    told = [x for x in view.exchanges if x.server.response is not None and x.client.request is not None]
    errors = [x for x in told if x.server.response is not None and x.server.response.status in _ERRORS]
    if not errors:
        return unheard(view) or no("no answer has an HTTP error status")
    if all(map(recovered, errors)):
        return yes("each request that got an HTTP error was answered well when it was made again")
    return no("an HTTP error was the last answer to its request")


def _ended_well(exchange: Exchange) -> bool:
    """Whether the same request was made again on the same connection, and the last answer is none of an error."""
    attempt, last = exchange.attempt, recognise(exchange.attempt.server_reply or b"").response
    asked = len(attempt.client_payload or b"")
    again = asked and attempt.client_bytes > asked and attempt.client_bytes % asked == 0
    return bool(again) and last is not None and last.status not in _ERRORS


def _is_retry(one: Exchange, other: Exchange) -> bool:
    """Whether ``other`` makes the request of ``one`` again, later, from the same host."""
    first, second = one.client.request, other.client.request
    return (
        first is not None
        and second is not None
        and (first.method, first.target) == (second.method, second.target)
        and one.attempt.client.address == other.attempt.client.address
        and one.attempt.first_ts_ns < other.attempt.first_ts_ns
    )


@question(
    "http-gateway-error",
    Source.PAYLOAD,
    "the server answered 502, 504, or 503 with the signs of a gateway",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "http.response.code in {502, 504}",
        "a frame: yes; an answer of 503 only with a gateway's name or words",
    ),
)
def http_gateway_error(view: PacketsView) -> Reply:
    return _answered(view, is_gateways, "no answer is an error that a gateway gave")


@question(
    "gateway-names-itself",
    Source.PAYLOAD,
    "the error has a gateway's own name or words",
    by_hand=in_capture(
        "http.response.code in {502, 503, 504}", "its Server or Via header, or its page, names a gateway: yes"
    ),
)
def gateway_names_itself(view: PacketsView) -> Reply:
    answered = _answered(view, is_signed, "no error has a gateway's name or words")
    return answered if answered.answer is Answer.YES else said(view, is_relays) or answered


@question(
    "http-unavailable",
    Source.PAYLOAD,
    "the server answered 503, without a sign of a gateway",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture("http.response.code == 503", "without a gateway's name or words: yes"),
)
def http_unavailable(view: PacketsView) -> Reply:
    return _answered(
        view,
        lambda r: r.status == UNAVAILABLE and not is_gateways(r),
        "no answer has the status 503 without a sign of a gateway",
    )


@question(
    "model-failed",
    Source.PAYLOAD,
    "the error says that a model could not be loaded, or lacks memory",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the error speaks of memory, or of a model that could not be loaded: yes"),
)
def model_failed(view: PacketsView) -> Reply:
    return _answered(
        view,
        lambda r: r.status in _ERRORS and bool(_model_failed_form().search(f"{r.reason}\n{r.rest}".lower())),
        "no error speaks of a model that could not be loaded",
    )


def _api(view: PacketsView, path: _Form, heads: _Form, what: str) -> Reply:
    """Whether a request's target, or the rest of a message, belongs to a kind of service."""

    def hit(x: Exchange) -> bool:
        request, response = x.client.request, x.server.response
        asked = request is not None and (
            path().match(path_of(request.target)) or heads().search(request.headers)
        )
        told = response is not None and (
            heads().search(response.server.lower()) or heads().search(response.rest)
        )
        plain = x.client.protocol is Protocol.TEXT and heads().search(x.client.text.lower())
        return bool(asked or told or plain)

    def text(x: Exchange) -> str:
        if is_said(x.client):
            return f"{describe(x.client)} is a request to {what}"
        return f"{describe(x.server)} is an answer of {what}"

    found = where(view, hit, text)
    if found is not None:
        return found
    # Bytes never sent say nothing about what would have been asked.
    mute = hidden(view)
    return unknown(mute.text) if mute is not None else no(f"no request or answer names {what}")


def path_of(target: str) -> str:
    """Return the path of a request target, in absolute or origin form."""
    return re.sub(r"^[a-z]+://[^/]*", "", target)


@question(
    "llm-api",
    Source.PAYLOAD,
    "the request or answer is of a model server's API",
    by_hand=in_capture("http.request.uri", "such as /v1/chat/completions or /api/generate: yes"),
)
def llm_api(view: PacketsView) -> Reply:
    return _api(view, llm_path_form, llm_answer_form, "a model server")


@question(
    "context-api",
    Source.PAYLOAD,
    "the request or answer is of a vector store or the Model Context Protocol",
    by_hand=in_capture("http.request.uri", "such as /collections or /mcp: yes"),
)
def context_api(view: PacketsView) -> Reply:
    return _api(view, _context_path_form, _context_head_form, "a vector store or MCP server")


@question(
    "control-plane-api",
    Source.PAYLOAD,
    "the request is of an agent's, a sidecar's or a control plane's API",
    by_hand=in_capture("http.request.uri", "such as /v1/agent, /v3/kv, /apis or /containers: yes"),
)
def control_plane_api(view: PacketsView) -> Reply:
    return _api(view, _control_path_form, _control_head_form, "an agent or of a control plane")
