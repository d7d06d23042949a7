"""SYN153: the service answers with an error, or hangs up."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, never, no, probing, seldom, usually, where, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN153",
    slug="application-error",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The service on port {port} answers with an error or hangs up",
    summary="The connection to port {port} works; the failure is in the service or in the request.",
    meaning=(
        "TCP is well: the handshake completed. The service answers with an HTTP error (4xx: it objects to "
        "the request; 5xx: it failed itself), or it ends the connection before it has sent a byte, as a "
        "handler does that crashes or aborts. An early end is also what a forwarder with a dead target or "
        "a TLS server that got plain text does; a status line is proof."
    ),
    documented_in=("B",),
    stops=(Stage.SERVE,),
    predicts=(
        usually(
            "http-client-error",
            "http-server-error",
            "http-unavailable",
            "service-error",
            "answer-cut-short",
            "answer-stalled",
            "closed-before-answer",
            "reset-before-answer",
            "request-after-close",
        ),
        usually("greeting-hung-up-on"),
        seldom("greeting-met-silence"),
        seldom("upstream-attempt-failed"),
        seldom("failed-attempt-before-error"),
        never("plain-to-tls-server"),
        never("tls-to-plain-server"),
    ),
    decided_by="the status line, and the service's own log at that time",
    checks=probing(
        "an error, or an end without an answer",
        "read the service's log at that second. A good answer ({answer}): the client's request differs",
    ),
    fixes=(
        Fix(
            "4xx: correct the request (path, method, Host, credentials, body).",
            where(sign="http-client-error"),
        ),
        Fix(
            "The service says why: give it what its words ask for (credentials, rights, settings).",
            where(sign="service-error"),
        ),
        Fix(
            "A connection that was closed while it was idle: let the client close it sooner than the server does,"
            " or make the request again; raise the server's idle time-out (keep-alive timeout).",
            where(sign="request-after-close"),
        ),
        "An error of its own or a hang-up: read the service's log, with debug output if needed, and repair it.",
        "Keep a test that sends this request and checks the answer.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.6",
    ),
    proof=(
        yes("http-server-error"),
        yes("answer-cut-short", "listener-on-target"),
        yes("service-error") + no("service-full"),
    ),
    shows_by=(
        yes(
            "http-client-error",
            "http-server-error",
            "http-gateway-error",
            "http-unavailable",
            "service-error",
            "answer-cut-short",
            "answer-stalled",
            "reset-before-answer",
            "closed-before-answer",
            "request-after-close",
        )
        + no("command-succeeded"),
    ),
    says=(
        (
            "request-after-close",
            "It closed an idle connection, as servers do after their idle time-out, and the client used it again.",
        ),
        ("answer-cut-short", "It ended the connection in the middle of its answer."),
        ("http-server-error", "{observed}: it failed itself."),
        ("service-error", "{observed}."),
        ("http-client-error", "{observed}: it objects to the request."),
        ("http-unavailable", "{observed}: it is not ready to serve."),
        ("reset-before-answer", "It reset the connection before it had sent a byte."),
        ("closed-before-answer", "It closed the connection before it had sent a byte."),
    ),
    headlines=(
        ("usual-owner-answered", "{observed}"),
        ("service-error", "The service on port {port} says: “{quoted}”"),
        (
            "request-after-close",
            "The service on port {port} closed an idle connection, and the client used it again",
        ),
        ("answer-cut-short", "The service on port {port} ended the connection in the middle of its answer"),
        ("http-server-error", "{observed}"),
        ("http-client-error", "{observed}"),
        ("http-unavailable", "{observed}"),
        ("reset-before-answer", "The service on port {port} reset the connection before it answered"),
        ("closed-before-answer", "The service on port {port} hung up before it answered"),
    ),
)
