"""SYN110: the port ends in a container, VM or tunnel where nobody serves it."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, listeners, never, on_each_os, only, seldom, usually, where, yes
from synscope.model import Kind, Stage, Transport

_PUBLISHED = where(Transport.LOOPBACK, Transport.HOST_TO_CONTAINER, Transport.REMOTE)

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
    stops=(Stage.LISTENER, Stage.IN, Stage.OUT, Stage.BACK, Stage.ACCEPT, Stage.SERVE),
    predicts=(
        usually(
            "container-publishes-port",
            "listener-in-linked-namespace",
            "upstream-attempt-failed",
            "rst-without-syn",
            "rule-redirects-target",
            "redirect-leaves-loopback",
            "kernel-saw-connect-in-own-network",
            # A proxy that has the published port takes the connection before it knows of the dead inner one.
            "closed-before-answer",
            "reset-before-answer",
            "server-silent",
        ),
        usually("redirect-target-silent"),
        seldom("balancer-owns-port"),
        # Where nobody serves the inner port, nobody speaks for the service.
        never("service-error", "service-starting"),
        # A mapping that works, or whose forwarder does nothing, is not what is wrong.
        seldom("relay-got-through"),
        never("server-process-stopped"),
        seldom("http-client-error", "http-server-error"),
        seldom("listener-vanished"),
        seldom("listener-appeared-later"),
        seldom("bind-failed-in-use"),
        seldom("bind-failed-permission"),
        seldom("program-crashed"),
    ),
    decided_by="docker ps (or the forwarder's command line) against the address the service has inside",
    checks=(
        *only(
            where(Transport.TUNNEL),
            on_each_os(
                linux="ps -o pid,args -p $(lsof -nP -t -iTCP:{port} -sTCP:LISTEN | paste -sd, -)",
                macos="ps -o pid,args -p $(lsof -nP -t -iTCP:{port} -sTCP:LISTEN | paste -sd, -)",
                windows='Get-CimInstance Win32_Process -Filter "ProcessId = $((Get-NetTCPConnection -State Listen'
                ' -LocalPort {port}).OwningProcess)" | Select-Object CommandLine',
                expect="ssh -L, kubectl port-forward or another tunnel, with the place that it leads to",
                then="connect to that place from the tunnel's far end: what fails there is the reason",
            ),
        ),
        *only(
            _PUBLISHED,
            on_each_os(
                linux="docker ps --format 'table {{.Names}}\\t{{.Ports}}' | grep -e NAMES -e '{port}'",
                macos="docker ps --format 'table {{.Names}}\\t{{.Ports}}' | grep -e NAMES -e '{port}'",
                windows="docker ps --format 'table {{.Names}}\\t{{.Ports}}'; netsh interface portproxy show all",
                expect="no line for {port}, or a mapping to an inner port that nobody serves",
                then="correct the mapping; if it is right, look at the address that the service binds inside",
            ),
        ),
        *listeners(
            "docker-proxy, com.docker, ssh, kubectl or wslrelay as the owner",
            "a forwarder took the connection: the fault is behind it. The service itself: no mapping",
        ),
    ),
    fixes=(
        Fix(
            "A rule that leads to the address of an old container: start the container anew, or remove the rule.",
            where(sign="redirect-target-silent"),
        ),
        Fix(
            "A rule that sends 127.0.0.1 away: use the machine's own address, or set route_localnet and masquerade.",
            where(sign="redirect-leaves-loopback"),
        ),
        Fix(
            "Start the service at the tunnel's far end, or correct the address and port that the tunnel leads to.",
            where(Transport.TUNNEL),
        ),
        Fix(
            "Compare targetPort and containerPort with the port that the process in the pod listens on.",
            where(Transport.POD),
        ),
        Fix(
            "From a container, ask for the host's address ({address}, or host.docker.internal), and let the service"
            " on the host listen there or on 0.0.0.0.",
            where(Transport.CONTAINER_TO_HOST),
        ),
        Fix("Publish the port that is served inside: -p 127.0.0.1:{port}:INNER_PORT.", _PUBLISHED),
        Fix("Bind 0.0.0.0 inside the container, not 127.0.0.1.", _PUBLISHED),
        "Check that the far end (container, VM, tunnel) serves the address and port that are passed on to it.",
    ),
    references=(
        "https://docs.docker.com/engine/network/port-publishing/",
        "https://man7.org/linux/man-pages/man7/network_namespaces.7.html",
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_port-forward/",
        "https://learn.microsoft.com/en-us/windows/wsl/networking",
    ),
    proof=(
        yes("container-publishes-port", "upstream-attempt-failed", "closed-before-answer"),
        yes("container-publishes-port", "upstream-attempt-failed", "reset-before-answer"),
        yes("container-publishes-port", "kernel-saw-own-connect-fail", "closed-before-answer"),
        yes("container-publishes-port", "kernel-saw-own-connect-fail", "reset-before-answer"),
        yes("syn-unanswered", "redirect-leaves-loopback"),
        yes("no-syn-to-target", "redirect-leaves-loopback"),
        yes("rule-redirects-target", "kernel-says-localnet-drop"),
        yes("syn-unanswered", "redirect-target-silent"),
        yes("no-syn-to-target", "redirect-target-silent", "rst-without-syn"),
    ),
    shows_by=(
        yes(
            "listener-in-other-namespace",
            "kernel-saw-connect-in-own-network",
            "container-publishes-port",
            "upstream-attempt-failed",
            "refused-by-rst",
            "rst-without-syn",
            "half-open",
            "odd-reply",
            "syn-unanswered",
            "refused-by-icmp",
            "unreachable-by-icmp",
            "rule-redirects-target",
        ),
    ),
    refines=(
        "service-not-running",
        "application-error",
        "server-hung",
        "gateway-upstream",
        "packet-discarded",
    ),
    says=(
        (
            "kernel-saw-connect-in-own-network",
            "The client runs in a network namespace of its own, whose loopback is not this one.",
        ),
        (
            "redirect-leaves-loopback",
            "A rule sends the loopback address away, and without route_localnet the kernel discards that.",
        ),
        (
            "redirect-target-silent",
            "A rule sends it to an address at which nobody is any more: that of an old container, perhaps.",
        ),
        ("rule-redirects-target", "A firewall rule sends it to another address or port."),
        (
            "listener-in-other-namespace",
            "A listener has it in another network namespace, and none has it here.",
        ),
        ("container-publishes-port", "A container publishes it, or a forwarder leads into one."),
        ("kernel-saw-own-connect-fail", "{observed}."),
        ("listener-in-linked-namespace", "That namespace is wired to this one, as a container's is."),
        (
            "upstream-attempt-failed",
            "Before it hung up, an attempt to another port failed: that of a forwarder, perhaps.",
        ),
        ("rst-without-syn", "The refusal is there without its SYN: the port is translated on the way."),
    ),
    headlines=(
        ("redirect-leaves-loopback", "{observed}"),
        ("rule-redirects-target", "{observed}"),
    ),
)
