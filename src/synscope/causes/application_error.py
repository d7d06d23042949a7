"""SYN153: the service answers with an error, or hangs up."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, no, on_each_os, shows, yes
from synscope.model import Kind, Label

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
    signatures=(
        shows(
            Label.COMPLETED,
            any_of=yes(
                "http-client-error",
                "http-server-error",
                "http-gateway-error",
                "http-unavailable",
            ),
            unless=yes("error-then-success"),
        ),
        shows(Label.COMPLETED, requires=yes("service-error"), unless=yes("command-succeeded")),
        shows(
            Label.COMPLETED,
            any_of=yes(
                "answer-cut-short",
                "answer-stalled",
                "reset-before-answer",
                "closed-before-answer",
                "request-after-close",
            ),
        ),
        # TCP did its part, and yet the command failed: what is left is what was said.
        shows(Label.COMPLETED, requires=no("command-succeeded")),
    ),
    supports=(
        Clue("http-server-error", 55, "It answered with a 5xx status: it failed itself."),
        Clue("http-client-error", 50, "It answered with a 4xx status: it objects to the request."),
        Clue("http-unavailable", 25, "It answered 503: it is not ready to serve."),
        Clue("service-error", 55, "Its last word is an error."),
        Clue("answer-cut-short", 60, "It ended the connection in the middle of its answer."),
        Clue("answer-stalled", 10),
        Clue("reset-before-answer", 15, "It reset the connection before it had sent a byte."),
        Clue("closed-before-answer", 15, "It closed the connection before it had sent a byte."),
        Clue("rst-looks-like-application", 5),
        Clue("reset-after-answer", 3),
        Clue("request-after-close", 10, "It closed a connection that the client went on using."),
    ),
    weakened_by=(
        Clue("http-loading", 15),
        Clue("service-full", 10),
        Clue("upstream-attempt-failed", 25),
        Clue("failed-attempt-before-error", 25),
        Clue("container-publishes-port", 10),
        Clue("balancer-owns-port", 15),
        Clue("failures-after-success", 10),
        Clue("tls-alert", 15),
        Clue("tls-certificate-rejected", 20),
    ),
    contradicts=yes("plain-to-tls-server", "tls-to-plain-server"),
    decisive=(
        yes("http-server-error"),
        yes("answer-cut-short", "listener-on-target"),
        yes("service-error") + no("service-full"),
    ),
    doubted_by=yes(
        "kernel-saw-listener-close",
        "listener-vanished",
        "server-process-stopped",
        "failed-attempt-before-error",
    ),
    decided_by="the status line, and the service's own log at that time",
    checks=on_each_os(
        linux='curl -si "http://{host}:{port}/" | head -20',
        macos='curl -si "http://{host}:{port}/" | head -20',
        windows='curl.exe -si "http://{host}:{port}/" | Select-Object -First 20',
        expect="a status of 4xx or 5xx, or 'empty reply from server'",
        then="read the service's log at that second. A good answer: the client's request differs",
    ),
    fixes=(
        "4xx: correct the request (path, method, Host, credentials, body).",
        "5xx or a hang-up: read the service's log, with debug output if needed, and repair the service.",
        "Keep a test that sends this request and checks the answer.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.6",
    ),
)
