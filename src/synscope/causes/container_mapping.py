"""SYN110: the port ends in a container, VM or tunnel where nobody serves it."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, no, on_each_os, shows, yes
from synscope.model import Kind, Label

CAUSE = Cause(
    code="SYN110",
    slug="container-mapping",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Port {port} is not mapped to a service inside a container or tunnel",
    summary="Port {port} may belong to a container, VM or tunnel whose inner port is not served.",
    meaning=(
        "A container, VM or network namespace has its own loopback: its 127.0.0.1 is not the host's. A port "
        "that is not published is refused on the host. A port that is published, but to a number nobody "
        "serves inside, or to a service bound to 127.0.0.1 inside, is accepted by the forwarder "
        "(docker-proxy, ssh -L, kubectl port-forward, wslrelay) and then reset or closed before a byte "
        "arrives; with address translation instead of a forwarder the SYN itself gets RST, ICMP, or silence."
    ),
    documented_in=("B",),
    signatures=(
        shows(Label.SYN_RST, requires=yes("refused-by-rst")),
        shows(
            Label.SYN_NO_REPLY,
            any_of=yes("syn-unanswered", "refused-by-icmp", "unreachable-by-icmp"),
        ),
        shows(Label.CLIENT_NEVER_SENT, any_of=yes("no-syn-to-target", "listener-in-other-namespace")),
        shows(Label.HALF_OPEN, requires=yes("half-open")),
        shows(Label.ODD_REPLY, requires=yes("odd-reply")),
        shows(
            Label.COMPLETED,
            any_of=yes("reset-before-answer", "closed-before-answer", "server-silent"),
        ),
    ),
    supports=(
        Clue("listener-in-other-namespace", 8, "A listener has it in another network namespace."),
        Clue(
            "listener-in-other-namespace",
            75,
            "A listener has it in another network namespace, and none has it here.",
            when=no("listener-on-target"),
        ),
        Clue("listener-in-linked-namespace", 25, "That namespace is wired to this one, as a container's is."),
        Clue(
            "listener-in-other-namespace",
            40,
            "A listener has it in another network namespace, and the port is published.",
            when=yes("container-publishes-port"),
        ),
        Clue(
            "upstream-attempt-failed",
            25,
            "Before it hung up, an attempt to another port failed: that of a forwarder, perhaps.",
            when=no("http-gateway-error"),
        ),
        Clue("container-publishes-port", 40, "A container or forwarder publishes it."),
        Clue("rst-without-syn", 4),
        Clue(
            "rst-without-syn",
            25,
            "The refusal is there without its SYN: the port is translated on the way.",
            when=yes("container-publishes-port"),
        ),
    ),
    weakened_by=(
        Clue("failures-after-success", 5),
        Clue("rst-looks-like-firewall", 6, when=yes("loopback-traffic")),
        Clue("balancer-owns-port", 30),
        *(
            Clue(name, 60, when=yes("listener-in-other-namespace"))
            for name in (
                "listener-vanished",
                "listener-appeared-later",
                "listener-on-other-address",
                "listener-on-other-family",
                "failures-after-success",
                "success-after-failures",
                "program-crashed",
                "bind-failed-in-use",
                "bind-failed-permission",
            )
        ),
        Clue("listener-on-similar-port", 30, when=yes("listener-in-other-namespace")),
    ),
    contradicts=yes("kernel-says-firewall-reset"),
    decisive=(
        yes("container-publishes-port", "upstream-attempt-failed", "closed-before-answer"),
        yes("container-publishes-port", "upstream-attempt-failed", "reset-before-answer"),
    ),
    doubted_by=yes("balancer-owns-port"),
    refines=("service-not-running",),
    decided_by="docker ps (or the forwarder's command line) against the address the service has inside",
    checks=(
        *on_each_os(
            linux="docker ps --format 'table {{.Names}}\\t{{.Ports}}' | grep -e NAMES -e '{port}'",
            macos="docker ps --format 'table {{.Names}}\\t{{.Ports}}' | grep -e NAMES -e '{port}'",
            windows="docker ps --format 'table {{.Names}}\\t{{.Ports}}'; netsh interface portproxy show all",
            expect="no line for {port}, or a mapping to an inner port that nobody serves",
            then="correct the mapping; if it is right, look at the address that the service binds inside",
        ),
        *listeners(
            "docker-proxy, com.docker, ssh, kubectl or wslrelay as the owner",
            "a forwarder took the connection: the fault is behind it. The service itself: no mapping",
        ),
    ),
    fixes=(
        "Publish the port that is served inside: -p 127.0.0.1:{port}:INNER_PORT.",
        "Bind 0.0.0.0 inside the container, not 127.0.0.1.",
        "ssh -L, kubectl port-forward, VMs: check that the far end serves the forwarded address and port.",
    ),
    references=(
        "https://docs.docker.com/engine/network/port-publishing/",
        "https://man7.org/linux/man-pages/man7/network_namespaces.7.html",
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_port-forward/",
        "https://learn.microsoft.com/en-us/windows/wsl/networking",
    ),
)
