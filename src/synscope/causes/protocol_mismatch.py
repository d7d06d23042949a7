"""SYN151: the two ends speak different protocols."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, no, on_each_os, shows, yes
from synscope.model import Kind, Label

CAUSE = Cause(
    code="SYN151",
    slug="protocol-mismatch",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Client and server on port {port} speak different protocols",
    summary="The connection to port {port} works; the two ends do not speak the same protocol.",
    meaning=(
        "The handshake completes, and then the first bytes do not fit: TLS (16 03 …) to a server that "
        "answers in plain text, plain HTTP to a TLS server (which answers with an alert, with 'plain HTTP "
        "request sent to HTTPS port', or just hangs up), another version of HTTP, the greeting of "
        "another protocol (SSH-, 220, MySQL, Redis), or a no to what the client insists on (WebSocket, "
        "encryption). The first bytes each way prove it; where the server "
        "hangs up without a byte, it is one explanation among several."
    ),
    documented_in=("A", "B"),
    signatures=(
        shows(
            Label.COMPLETED,
            any_of=yes(
                "tls-to-plain-server",
                "plain-to-tls-server",
                "other-protocol-greeting",
                "tls-alert",
                "tls-hello-unanswered",
                "reset-before-answer",
                "closed-before-answer",
                "server-silent",
            ),
        ),
        shows(
            Label.COMPLETED,
            any_of=yes("answer-not-http", "upgrade-refused", "tls-declined"),
            unless=yes("command-succeeded"),
        ),
    ),
    supports=(
        Clue("tls-to-plain-server", 80, "The client speaks TLS and the server does not."),
        Clue("plain-to-tls-server", 80, "The server speaks TLS and the client does not."),
        Clue("other-protocol-greeting", 75, "The server greets in another protocol than the client's."),
        Clue("answer-not-http", 80, "The client speaks HTTP, and the server's answer is something else."),
        Clue("tls-declined", 80, "The client insists on encryption, and the server has none."),
        Clue("upgrade-refused", 60, "The client asks for WebSocket, and the server does not speak it there."),
        Clue("tls-hello-unanswered", 60, "The client speaks TLS, and the server does not answer it."),
        Clue("owner-speaks-otherwise", 70, "The port's owner speaks another protocol than the client."),
        Clue("port-of-other-protocol", 20, "It is the usual port of another protocol than the client's."),
        Clue("tls-alert", 32, "One side ended the TLS handshake with an alert."),
    ),
    weakened_by=(Clue("tls-certificate-rejected", 25),),
    decisive=(
        yes("tls-to-plain-server"),
        yes("plain-to-tls-server"),
        # By the bytes alone it may as well be another program than the one that should be there.
        yes("other-protocol-greeting") + no("kernel-saw-bind-in-use", "listener-on-similar-port"),
        yes("answer-not-http"),
        yes("tls-declined"),
        yes("closed-before-answer", "owner-speaks-otherwise"),
        yes("reset-before-answer", "owner-speaks-otherwise"),
        yes("server-silent", "owner-speaks-otherwise"),
    ),
    doubted_by=yes(
        "bind-failed-in-use",
        "server-process-stopped",
        "listener-vanished",
        "kernel-saw-listener-close",
        "firewall-rule-drops",
        "firewall-rule-rejects",
    ),
    refines=("application-error",),
    decided_by="the first bytes each way, or the same request with the other scheme",
    checks=on_each_os(
        linux='curl -vk "https://{host}:{port}/"; curl -v "http://{host}:{port}/"',
        macos='curl -vk "https://{host}:{port}/"; curl -v "http://{host}:{port}/"',
        windows='curl.exe -vk "https://{host}:{port}/"; curl.exe -v "http://{host}:{port}/"',
        expect="one is answered, the other ends with 'wrong version number', 'empty reply' or a 400",
        then="use the scheme that is answered. Neither: it is not HTTP; look at which program owns the port",
    ),
    fixes=(
        "Write the scheme that the server speaks: http:// or https://.",
        "If the server should speak TLS, switch it on; if not, look for a redirect or HSTS in the browser.",
        "If the greeting is of another program, the port is the wrong one.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc8446.html#section-5.1",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-4.2",
    ),
)
