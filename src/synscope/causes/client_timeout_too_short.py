"""SYN134: the answer comes after the client has given up."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN134",
    slug="client-timeout-too-short",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client gives up before the server on port {port} answers",
    summary="The server at port {port} may answer, but later than the client waits.",
    meaning=(
        "The client closes its side (FIN) or resets while the server still works on the request. A first "
        "byte of the server after that proves that it would have answered. Without it, a slow server and "
        "one that hangs look the same: the capture ends too early to tell."
    ),
    documented_in=("C",),
    stops=(Stage.SERVE, Stage.BACK),
    predicts=(
        usually("late-answer", "server-closed-in-turn", "client-refused-syn-ack", "greeting-answered"),
        seldom("request-not-acknowledged"),
        # A forwarder closes with its client whatever the service behind it does.
        seldom("container-publishes-port", "forwarder-owns-port", "balancer-owns-port"),
        never("server-process-stopped"),
    ),
    decided_by="the same request without a time limit: an answer then proves it",
    checks=on_each_os(
        linux="curl -o /dev/null -sS --max-time 300 -w '%{time_starttransfer} s to the first byte\\n'"
        ' "http://{host}:{port}/"',
        macos="curl -o /dev/null -sS --max-time 300 -w '%{time_starttransfer} s to the first byte\\n'"
        ' "http://{host}:{port}/"',
        windows="curl.exe -o NUL -sS --max-time 300 -w '%{time_starttransfer} s to the first byte'"
        ' "http://{host}:{port}/"',
        expect="a time longer than the client's limit",
        then="raise the limit above it, or make the answer faster. No answer at all: the server hangs",
    ),
    fixes=(
        "Raise the client's time limit above the slowest answer that is acceptable.",
        "Make the first byte come sooner: stream the answer, or accept the work and report progress.",
        "Set one limit for connecting (short) and another for the answer (long).",
    ),
    references=(
        "https://curl.se/docs/manpage.html#-m",
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.6",
    ),
    shows_by=(yes("late-answer", "server-closed-in-turn", "client-refused-syn-ack", "client-gave-up"),),
    refines=("server-hung",),
    says=(
        ("late-answer", "The first byte of the server came after the client had closed."),
        ("server-closed-in-turn", "The server closed right after the client: it was at work."),
        ("client-refused-syn-ack", "The client aborted the connection that it had asked for."),
        ("greeting-answered", "It answers others: synscope greeted it once more."),
        ("client-gave-up", "The client gave up waiting."),
    ),
)
