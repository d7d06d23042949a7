"""The names of all observations: the only words in which causes speak about evidence.

One row a name: who can see it, what it means when the answer is yes, and what could tell when
nobody looked. Observers (``evidence.packets``, ``evidence.payload``, host and kernel probes) answer
them; causes require or exclude them; neither knows the other.
"""

from __future__ import annotations

from typing import NamedTuple

from synscope.model import Source


class Word(NamedTuple):
    """One observation that can be asked for."""

    name: str
    source: Source
    meaning: str
    """What *yes* says, as a clause: 'the server answered the SYN with an RST'."""


_PACKETS = Source.PACKETS
_PAYLOAD = Source.PAYLOAD
_HOST = Source.HOST
_KERNEL = Source.KERNEL
_REQUEST = Source.REQUEST

VOCABULARY: tuple[Word, ...] = (
    # the request
    Word("port-above-65535", _REQUEST, "the number asked for is larger than any TCP port"),
    Word("port-zero", _REQUEST, "port 0 was asked for, which no client can connect to"),
    Word("port-blocked-by-clients", _REQUEST, "browsers and fetch refuse this port before any packet"),
    Word(
        "port-needs-privilege", _REQUEST, "binding this port (below 1024) needs a privilege on most systems"
    ),
    Word("port-usual-for-llm", _REQUEST, "model servers usually listen on this port"),
    Word("port-usual-for-context", _REQUEST, "vector stores or MCP servers usually listen on this port"),
    Word(
        "port-usual-for-control-plane", _REQUEST, "agents, sidecars or debuggers usually listen on this port"
    ),
    Word(
        "target-is-loopback",
        _REQUEST,
        "the target is this machine's loopback (by name, or by the addresses seen)",
    ),
    # the handshake: how the attempts that count ended
    Word("no-syn-to-target", _PACKETS, "no client sent a SYN to the target"),
    Word(
        "refused-by-rst",
        _PACKETS,
        "at least one SYN was answered by an RST and not recovered at another address",
    ),
    Word("always-refused", _PACKETS, "every attempt was refused by RST"),
    Word(
        "refused-by-icmp",
        _PACKETS,
        "an ICMP error that the client reports as 'connection refused' quotes the SYN",
    ),
    Word(
        "unreachable-by-icmp", _PACKETS, "an ICMP error that reports host, network or policy quotes the SYN"
    ),
    Word("syn-unanswered", _PACKETS, "at least one SYN got no answer at all"),
    Word("syn-repeated", _PACKETS, "the client repeated an unanswered SYN"),
    Word("half-open", _PACKETS, "the server's SYN-ACK was never acknowledged by the client"),
    Word(
        "client-refused-syn-ack",
        _PACKETS,
        "every attempt that failed did so because the client answered the SYN-ACK with an RST",
    ),
    Word("odd-reply", _PACKETS, "the SYN was answered by a segment that does not answer it"),
    Word("some-completed", _PACKETS, "at least one handshake to the target completed"),
    Word("always-completed", _PACKETS, "every attempt to the target completed"),
    Word("success-after-failures", _PACKETS, "attempts failed first and then only succeeded"),
    Word("failures-after-success", _PACKETS, "attempts succeeded first and then only failed"),
    Word("mixed-results", _PACKETS, "failures and successes alternate"),
    Word("other-family-completed", _PACKETS, "the same port completed over the other IP family"),
    Word(
        "other-address-completed", _PACKETS, "the same port completed at another address of the same family"
    ),
    Word(
        "recovered-at-other-address",
        _PACKETS,
        "a refused or unanswered try reached the port at another address",
    ),
    Word("similar-port-completed", _PACKETS, "a port that looks like a typo of the target completed"),
    Word("similar-port-tried", _PACKETS, "a SYN went to a port that looks like a typo of the target"),
    Word("proxy-port-tried", _PACKETS, "a SYN went to a port that proxies use, and none to the target"),
    Word(
        "another-port-failed",
        _PACKETS,
        "no client sent a SYN to the target, and attempts to an unlike port of its host failed",
    ),
    Word("refused-address-is-ipv6-only", _PACKETS, "all failing attempts went to IPv6 addresses"),
    Word(
        "unusual-loopback-address",
        _PACKETS,
        "the target is a name of loopback, and its attempts went to another loopback address than 127.0.0.1, ::1",
    ),
    Word("refused-address-is-ipv4-only", _PACKETS, "all failing attempts went to IPv4 addresses"),
    Word("wrapped-port-seen", _PACKETS, "a SYN went to the number modulo 65536"),
    Word(
        "many-completed-before-silence",
        _PACKETS,
        "earlier handshakes to the listener completed and stayed open, then SYNs went unanswered",
    ),
    Word(
        "loopback-traffic",
        _PACKETS,
        "the attempts run between loopback addresses or one host's own addresses",
    ),
    # who sent the RST (same-host captures only; a hint)
    Word(
        "rst-looks-like-kernel",
        _PACKETS,
        "the RST has the traits of a kernel with no listener (checksum filled in as the kernel does)",
    ),
    Word(
        "rst-looks-like-firewall",
        _PACKETS,
        "the RST has the traits of a firewall's REJECT (checksum as netfilter leaves it)",
    ),
    Word("rst-looks-like-application", _PACKETS, "the RST has the traits of an application's abort"),
    # after the handshake
    Word("reset-before-answer", _PACKETS, "the server reset the connection before it sent a byte"),
    Word("reset-after-answer", _PACKETS, "the server reset the connection after it had sent bytes"),
    Word("closed-before-answer", _PACKETS, "the server closed with FIN before it sent a byte"),
    Word(
        "closed-while-others-stayed",
        _PACKETS,
        "the server ended a connection before a byte while several other connections to it were open",
    ),
    Word("server-silent", _PACKETS, "the client's request was never answered by a byte"),
    Word("request-acknowledged", _PACKETS, "the server's kernel acknowledged the unanswered request"),
    Word("request-not-acknowledged", _PACKETS, "the client's data was never acknowledged"),
    Word("answer-not-acknowledged", _PACKETS, "the server's data was never acknowledged"),
    Word("client-gave-up", _PACKETS, "the client closed while it waited for the answer"),
    Word(
        "server-closed-in-turn",
        _PACKETS,
        "the server closed right after the client that got no answer: its program is at work",
    ),
    Word("late-answer", _PACKETS, "the server's first byte came after the client had closed"),
    Word("reset-by-client", _PACKETS, "the client reset the connection"),
    # first bytes
    Word(
        "tls-to-plain-server",
        _PAYLOAD,
        "the client spoke TLS and the server answered in plain text or not in TLS",
    ),
    Word(
        "plain-to-tls-server",
        _PAYLOAD,
        "the client spoke plain text and the server answered with a TLS alert or a 'HTTP to HTTPS port' error",
    ),
    Word("other-protocol-greeting", _PAYLOAD, "the server greeted with a protocol other than the client's"),
    Word("answer-not-http", _PAYLOAD, "an HTTP request was answered with bytes that are not HTTP"),
    Word("upgrade-refused", _PAYLOAD, "the client asked for WebSocket and got another answer than 101"),
    Word("tls-declined", _PAYLOAD, "the client asked for encryption, the server declined, the client left"),
    Word(
        "tls-certificate-rejected",
        _PAYLOAD,
        "a TLS alert of the client rejects the certificate, or it closed right after it",
    ),
    Word("tls-alert", _PAYLOAD, "a TLS alert other than close_notify was sent"),
    Word(
        "tls-left-unused",
        _PAYLOAD,
        "the client finished the TLS handshake and closed at once: no request, no close_notify",
    ),
    Word("tls-spoken", _PAYLOAD, "one side spoke TLS"),
    Word("tls-hello-unanswered", _PAYLOAD, "the client's TLS hello got no byte in answer"),
    Word(
        "port-of-other-protocol",
        _PAYLOAD,
        "the client got no answer in its protocol, and the port is the usual one of another",
    ),
    Word("answer-cut-short", _PAYLOAD, "the server ended the connection in the middle of an HTTP answer"),
    Word(
        "request-after-close",
        _PAYLOAD,
        "the client made a request on a connection that the server had closed, and no other answered it",
    ),
    Word("answer-stalled", _PAYLOAD, "the client waited in vain for the rest of an HTTP answer"),
    Word("http-client-error", _PAYLOAD, "the server answered with an HTTP 4xx status"),
    Word(
        "http-server-error", _PAYLOAD, "the server answered with an HTTP 5xx status other than 502, 503, 504"
    ),
    Word("gateway-names-itself", _PAYLOAD, "the error has a gateway's own name or words"),
    Word("http-gateway-error", _PAYLOAD, "the server answered 502, 504, or 503 with the signs of a gateway"),
    Word("http-unavailable", _PAYLOAD, "the server answered 503, without a sign of a gateway"),
    Word(
        "service-error",
        _PAYLOAD,
        "the server's last word is an error of its own protocol (Redis, PostgreSQL, MySQL, SMTP, MQTT …)",
    ),
    Word("service-full", _PAYLOAD, "the server's last word is that it has no room for another client"),
    Word("model-failed", _PAYLOAD, "the error says that a model could not be loaded, or lacks memory"),
    Word("http-loading", _PAYLOAD, "the answer says that a model or service is still loading"),
    Word(
        "error-then-success",
        _PAYLOAD,
        "every HTTP error was followed by an answer to the same request that is none",
    ),
    Word("llm-api", _PAYLOAD, "the request or answer is of a model server's API"),
    Word("context-api", _PAYLOAD, "the request or answer is of a vector store or the Model Context Protocol"),
    Word("control-plane-api", _PAYLOAD, "the request is of an agent's, a sidecar's or a control plane's API"),
    Word("host-header-out-of-range", _PAYLOAD, "the request's Host header names a port above 65535"),
    Word(
        "proxy-request-names-target",
        _PAYLOAD,
        "a request to a proxy names the target (absolute URI or CONNECT)",
    ),
    Word(
        "gateway-upstream-failed",
        _PAYLOAD,
        "a gateway answered 502, 503 or 504 in the seconds in which this target failed",
    ),
    Word(
        "upstream-attempt-failed",
        _PAYLOAD,
        "an attempt of the gateway or forwarder failed right before it answered 502, 503 or 504, or hung up",
    ),
    Word(
        "failed-attempt-before-error",
        _PAYLOAD,
        "an attempt of the service's own failed between the request and its answer of 500, 503 or so",
    ),
    Word(
        "another-port-completed",
        _PACKETS,
        "an attempt failed, and a connection to another service of its host, at an unlike port, was completed",
    ),
    Word("dns-query-for-localhost", _PAYLOAD, "a DNS query for the name localhost left the machine"),
    Word("rst-without-syn", _PACKETS, "an RST or ICMP error about the target appears without any SYN"),
    # the host (live, doctor, snapshot); nobody can see these in a capture file
    Word("listener-on-target", _HOST, "a TCP listener serves the target's address and port"),
    Word("listener-on-other-address", _HOST, "a listener has the port on another address or device"),
    Word("listener-on-other-family", _HOST, "a listener has the port in the other IP family only"),
    Word(
        "listener-on-similar-port",
        _HOST,
        "a listener has a port that looks like a typo of the target, or another framework's default",
    ),
    Word("listener-on-another-port", _HOST, "a service listens at the target's address under another number"),
    Word("listener-appeared-later", _HOST, "a listener on the port appeared during the observation"),
    Word("listener-vanished", _HOST, "a listener on the port vanished during the observation"),
    Word(
        "listener-in-other-namespace",
        _HOST,
        "a listener has the port in another network namespace or container",
    ),
    Word(
        "listener-in-linked-namespace",
        _HOST,
        "a listener has the port in a network namespace that shares a network with this one, as a container's does",
    ),
    Word("bound-not-listening", _HOST, "a socket is bound to the port but does not listen"),
    Word("port-held", _HOST, "a socket holds the port in a way that can hinder a listener"),
    Word("udp-or-unix-lookalike", _HOST, "the port is served over UDP or a Unix socket, not TCP"),
    Word("firewall-rule-drops", _HOST, "a firewall rule drops packets to the target"),
    Word("firewall-rule-rejects", _HOST, "a firewall rule rejects packets to the target"),
    Word("no-firewall-rule", _HOST, "no firewall rule matches the target"),
    Word("accept-queue-full", _HOST, "the listener's accept queue is full or overflowed"),
    Word("server-process-stopped", _HOST, "the listener's process is stopped, dead or blocked"),
    Word("server-out-of-descriptors", _HOST, "the server has no file descriptor left"),
    Word("client-out-of-resources", _HOST, "the client has no descriptor or no ephemeral port left"),
    Word("proxy-configured", _HOST, "the client's environment sends the target to a proxy"),
    Word(
        "localhost-resolves-wrong",
        _HOST,
        "the name that the client uses does not resolve, or not to the target's addresses",
    ),
    Word(
        "went-where-name-leads",
        _HOST,
        "a connect to the target's port went to another address that the name leads to, and failed",
    ),
    Word("loopback-is-down", _HOST, "the loopback interface is down or has no address"),
    Word("container-publishes-port", _HOST, "a container or forwarder publishes the port"),
    Word(
        "port-has-two-programs", _HOST, "two programs listen on the port, at an address or in a family each"
    ),
    Word("other-program-owns-port", _HOST, "a program other than the expected one owns the port"),
    Word("balancer-owns-port", _HOST, "a load balancer or gateway owns the port"),
    Word(
        "owner-speaks-otherwise",
        _HOST,
        "the port's owner is a server of another protocol than the one in which the client got no answer",
    ),
    Word("bind-failed-in-use", _HOST, "the server's bind failed: address already in use"),
    Word("bind-failed-permission", _HOST, "the server's bind failed: permission denied"),
    Word(
        "bind-failed-policy", _HOST, "the server's bind failed as a security policy makes it: not permitted"
    ),
    Word("port-is-privileged", _HOST, "this machine lets only privileged programs bind the port"),
    Word("policy-denied", _HOST, "a security policy denied bind or connect"),
    Word("listener-exposed", _HOST, "the listener accepts connections from the network"),
    Word("bind-failure-names-port", _HOST, "the server that could not bind named the port"),
    Word("command-stops-service", _HOST, "the command that was watched speaks of stopping a service"),
    Word("command-succeeded", _HOST, "the command that was watched ended with status 0"),
    Word("client-error-refused", _HOST, "the client reported 'connection refused'"),
    Word("client-error-port-invalid", _HOST, "the client refused the port number itself"),
    Word("client-error-name", _HOST, "the client could not resolve the name"),
    Word("client-error-unreachable", _HOST, "the client reported 'network' or 'host unreachable'"),
    Word("client-error-resources", _HOST, "the client reported that it has no descriptor or no port left"),
    Word("client-error-certificate", _HOST, "the client reported that it does not trust the certificate"),
    Word("client-error-denied", _HOST, "the client reported that it may not connect"),
    Word("client-error-proxy", _HOST, "the client reported that it could not get through its proxy"),
    Word("client-error-other-port", _HOST, "the client reported a connect that failed, to another port"),
    Word("client-named-target", _HOST, "the command, or its words about the failure, name the target"),
    Word(
        "model-told-of", _HOST, "a program that the command ran tells of a model that it loads or cannot load"
    ),
    Word("program-crashed", _HOST, "a program that the command ran ended with an error of its own"),
    # the kernel's own word
    Word("kernel-says-no-socket", _KERNEL, "the kernel dropped the SYN because no socket listens"),
    Word("kernel-says-netfilter-drop", _KERNEL, "the kernel dropped the SYN in netfilter"),
    Word("kernel-says-queue-full", _KERNEL, "the kernel counted listen queue overflows"),
    Word(
        "kernel-says-policy-drop",
        _KERNEL,
        "the kernel dropped the SYN at a filter of a socket, control group or device, or at a security hook",
    ),
    Word("kernel-says-stack-reset", _KERNEL, "this machine's TCP stack sent the RST"),
    Word("kernel-says-firewall-reset", _KERNEL, "netfilter dropped the SYN and made the RST"),
    Word(
        "kernel-saw-connect-without-syn",
        _KERNEL,
        "a process began to connect to the port and its SYN never reached the wire",
    ),
    Word("kernel-saw-bind-denied", _KERNEL, "a bind, for whatever port, failed: permission denied"),
    Word(
        "kernel-saw-bind-not-permitted", _KERNEL, "a bind, for whatever port, failed: operation not permitted"
    ),
    Word("kernel-saw-bind-in-use", _KERNEL, "a bind, for whatever port, failed: address already in use"),
    Word("kernel-saw-listener-open", _KERNEL, "a process began to listen on the port during the observation"),
    Word(
        "kernel-saw-listener-close", _KERNEL, "a process stopped listening on the port during the observation"
    ),
    Word(
        "kernel-saw-listener-on-similar-port",
        _KERNEL,
        "a process began to listen on a port that looks like a typo of the target, before an attempt failed",
    ),
    Word(
        "kernel-saw-listener-on-another-port",
        _KERNEL,
        "a process began to listen at the target's address under another number, before an attempt failed",
    ),
)

WORDS: dict[str, Word] = {word.name: word for word in VOCABULARY}
