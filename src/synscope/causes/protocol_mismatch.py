"""SYN151: the two ends speak different protocols."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, no, on_each_os, only, probing, seldom, usually, where, yes
from synscope.model import Kind, Stage

_NOT_WEB = (
    "h2c redis postgres mysql mongodb memcached kafka mqtt amqp nats ssh smtp imap pop3 vnc telnet text dns"
    " ldap iperf3"
)

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
    stops=(Stage.TALK, Stage.ACCEPT),
    predicts=(
        usually(
            "tls-to-plain-server",
            "plain-to-tls-server",
            "tls-no-common-version",
            "other-protocol-greeting",
            "answer-not-http",
            "http-answer-to-other",
            "tls-declined",
            "upgrade-refused",
            "tls-hello-unanswered",
            "owner-speaks-otherwise",
            "port-of-other-protocol",
            "proxy-line-not-understood",
            "tls-refused-after-finished",
            "tls-left-after-upgrade",
            "greeting-answered-otherwise",
            "greeting-wants-proxy-line",
            "nobody-spoke",
        ),
        # Whoever answers what it is asked has understood it.
        seldom("greeting-answered"),
        # What is known of the owner: of few programs anything is.
        usually("owner-wants-tls", "owner-wants-proxy-line", "owner-mute-to-own-protocol"),
        seldom("command-succeeded"),
        seldom("server-process-stopped"),
        seldom("listener-vanished"),
        seldom("kernel-saw-listener-close"),
        seldom("firewall-rule-drops"),
        seldom("firewall-rule-rejects"),
        seldom("bind-failed-in-use"),
    ),
    decided_by="the first bytes each way, or the same request with the other scheme",
    checks=(
        *only(
            where(protocol="http tls"),
            on_each_os(
                linux='curl -vk "https://{host}:{port}/"; curl -v "http://{host}:{port}/"',
                macos='curl -vk "https://{host}:{port}/"; curl -v "http://{host}:{port}/"',
                windows='curl.exe -vk "https://{host}:{port}/"; curl.exe -v "http://{host}:{port}/"',
                expect="one is answered, the other ends with 'wrong version number', 'empty reply' or a 400",
                then="use the scheme that is answered. Neither: it is not HTTP; look at which program owns the port",
            ),
        ),
        *only(
            where(protocol=_NOT_WEB),
            probing("{answer}", "the server speaks {speaks}: use a client of that, or another port"),
        ),
    ),
    fixes=(
        Fix("Write the scheme that the server speaks: http:// or https://.", where(protocol="http tls")),
        Fix(
            "If the server should speak TLS, switch it on; if not, look for a redirect or HSTS in the browser.",
            where(protocol="http tls"),
        ),
        Fix(
            "The server speaks HTTP/2 without TLS (gRPC, h2c): use a client that begins with HTTP/2: grpcurl"
            " -plaintext, curl --http2-prior-knowledge; in nginx grpc_pass, not proxy_pass.",
            where(protocol="h2c"),
        ),
        Fix(
            "The server speaks {speaks}: use a client of that protocol here.",
            where(protocol=_NOT_WEB.replace("h2c ", "")),
        ),
        Fix(
            "Ask the balancer in front of it, not this port; or switch the PROXY protocol on in who connects"
            " (haproxy: send-proxy; curl --haproxy-protocol), or off in the service (nginx: listen).",
            where(protocol="http tls", sign="greeting-wants-proxy-line"),
        ),
        "If another service was meant, the port is the wrong one: look at which program owns it.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc8446.html#section-5.1",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-4.2",
    ),
    proof=(
        yes("tls-to-plain-server"),
        yes("plain-to-tls-server"),
        yes("other-protocol-greeting") + no("kernel-saw-bind-in-use", "listener-on-similar-port"),
        yes("answer-not-http"),
        yes("http-answer-to-other") + no("kernel-saw-bind-in-use", "listener-on-similar-port"),
        yes("tls-declined"),
        yes("tls-no-common-version"),
        yes("closed-before-answer", "owner-speaks-otherwise"),
        yes("reset-before-answer", "owner-speaks-otherwise"),
        yes("server-silent", "owner-speaks-otherwise") + no("server-process-stopped"),
        yes("closed-before-answer", "owner-wants-tls") + no("tls-spoken", "client-sent-proxy-line"),
        yes("reset-before-answer", "owner-wants-tls") + no("tls-spoken", "client-sent-proxy-line"),
        *(
            yes(unanswered, "greeting-answered-otherwise")
            # Nor may the port pass each protocol on to a service of its own, of which one is gone.
            + no("kernel-saw-bind-in-use", "listener-on-similar-port", "upstream-attempt-failed")
            for unanswered in ("closed-before-answer", "reset-before-answer", "server-silent")
        ),
        yes("closed-before-answer", "greeting-wants-proxy-line"),
        yes("reset-before-answer", "greeting-wants-proxy-line"),
        yes("closed-before-answer", "owner-wants-proxy-line") + no("client-sent-proxy-line"),
        yes("reset-before-answer", "owner-wants-proxy-line") + no("client-sent-proxy-line"),
    ),
    shows_by=(
        yes(
            "tls-to-plain-server",
            "plain-to-tls-server",
            "tls-no-common-version",
            "other-protocol-greeting",
            "answer-not-http",
            "http-answer-to-other",
            "tls-declined",
            "upgrade-refused",
            "tls-hello-unanswered",
            "port-of-other-protocol",
            "owner-speaks-otherwise",
            "proxy-line-not-understood",
            "owner-mute-to-own-protocol",
            "greeting-answered-otherwise",
            "greeting-wants-proxy-line",
            "closed-before-answer",
            "reset-before-answer",
            "server-silent",
            "nobody-spoke",
            "tls-alert",
        ),
    ),
    refines=("application-error", "server-hung"),
    says=(
        ("tls-to-plain-server", "The client speaks TLS and the server does not."),
        ("plain-to-tls-server", "The server speaks TLS and the client does not."),
        ("tls-no-common-version", "Both speak TLS, and share no version, cipher or protocol in it."),
        ("answer-not-http", "The client speaks HTTP, and the server's answer is something else."),
        ("http-answer-to-other", "The server speaks HTTP, and the client something else."),
        ("tls-declined", "The client insists on encryption, and the server has none."),
        ("other-protocol-greeting", "The server greets in another protocol than the client's."),
        ("owner-speaks-otherwise", "The port's owner speaks another protocol than the client."),
        ("proxy-line-not-understood", "{observed}."),
        ("owner-mute-to-own-protocol", "{observed}."),
        ("upgrade-refused", "The client asks for WebSocket, and the server does not speak it there."),
        (
            "greeting-wants-proxy-line",
            "The server wants the line of the PROXY protocol first, as a balancer in front of it writes it.",
        ),
        (
            "greeting-answered-otherwise",
            "Synscope greeted the server once more: it answers to {speaks}, and again not to what the client spoke.",
        ),
        ("tls-hello-unanswered", "The client speaks TLS, and the server does not answer it."),
        ("tls-alert", "One side ended the TLS handshake with an alert."),
        ("nobody-spoke", "Each end may wait for the other to speak first, as no two of one protocol do."),
        ("port-of-other-protocol", "It is the usual port of another protocol than the client's."),
    ),
    headlines=(
        (
            "greeting-wants-proxy-line",
            "Port {port} wants the PROXY protocol's line, and the client does not send it",
        ),
        ("greeting-answered-otherwise", "Port {port} speaks {speaks}, and the client something else"),
        ("plain-to-tls-server", "Port {port} speaks TLS, and the client does not"),
        ("tls-to-plain-server", "The client speaks TLS to port {port}, and the server does not"),
        (
            "other-protocol-greeting",
            "The server on port {port} speaks {speaks}, and the client something else",
        ),
        ("owner-speaks-otherwise", "{observed}"),
        ("answer-not-http", "The client speaks HTTP to port {port}, and the server something else"),
        ("http-answer-to-other", "Port {port} speaks HTTP, and the client something else"),
        ("tls-declined", "The client insists on encryption, and the server on port {port} has none"),
        (
            "upgrade-refused",
            "The client asks for WebSocket, and the server on port {port} does not speak it there",
        ),
    ),
)
