"""SYN132: the client, the server or the system ran out of something."""

from __future__ import annotations

from synscope.causes.cause import Cause, no, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN132",
    slug="resource-limits",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A limit of the system keeps port {port} from being used",
    summary="File descriptors, ephemeral ports, memory or tracked connections may be used up.",
    meaning=(
        "A client without a free descriptor or ephemeral port fails before it sends a SYN, often after "
        "many successes. A server without descriptors cannot accept: the kernel completes the handshake, "
        "the request is acknowledged, and no answer comes. A full table of tracked connections drops SYNs "
        "like a rule. A client that reuses a port too early meets the server's old connection and gets an "
        "odd reply."
    ),
    documented_in=("A", "C"),
    stops=(Stage.SOCKET, Stage.CLIENT, Stage.QUEUE, Stage.ACCEPT, Stage.SERVE),
    predicts=(
        usually(
            "client-out-of-resources",
            "client-error-resources",
            "client-error-no-address",
            "kernel-saw-out-of-descriptors",
            "kernel-saw-no-source-port",
            "kernel-saw-accept-out-of-descriptors",
            "server-out-of-descriptors",
            "server-out-of-tasks",
            "service-full",
            "server-killed-for-memory",
            "closed-while-others-stayed",
        ),
        seldom("command-sets-own-end"),
        seldom("family-not-on-loopback"),
    ),
    decided_by="open descriptors against the limit, ports in TIME-WAIT against the range, the system log",
    checks=(
        *on_each_os(
            linux="ss -s; sysctl net.ipv4.ip_local_port_range; ulimit -n;"
            " sudo dmesg | grep -iE 'out of memory|conntrack.*full|possible SYN flooding'",
            macos="netstat -an -p tcp | awk '{print $6}' | sort | uniq -c; ulimit -n;"
            " sysctl net.inet.ip.portrange.first net.inet.ip.portrange.last",
            windows="Get-NetTCPConnection | Group-Object State; netsh interface ipv4 show dynamicport tcp",
            expect="thousands in TIME-WAIT or CLOSE-WAIT, a range nearly used up, or a message about memory",
            then="free or raise what is short. Far from every limit: this is not the cause",
        ),
        *on_each_os(
            linux="P=$(lsof -nP -t -iTCP:{port} -sTCP:LISTEN | head -1);"
            " ls /proc/$P/fd | wc -l; grep files /proc/$P/limits",
            macos='lsof -p "$(lsof -nP -t -iTCP:{port} -sTCP:LISTEN | head -1)" | wc -l; launchctl limit',
            windows="Get-Process -Id (Get-NetTCPConnection -State Listen -LocalPort {port}).OwningProcess"
            " | Select-Object Id, Handles, WorkingSet",
            expect="as many open files as the limit allows",
            then="the server leaks descriptors or the limit is too low",
        ),
    ),
    fixes=(
        "Close what leaks: connections in CLOSE-WAIT belong to a program that forgot to close them.",
        "Reuse connections instead of opening one per request; widen the ephemeral range only then.",
        "Raise the limit where it is too low: ulimit -n, LimitNOFILE=, memory, nf_conntrack_max.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man2/getrlimit.2.html",
        "https://docs.kernel.org/networking/ip-sysctl.html",
        (
            "https://learn.microsoft.com/en-us/troubleshoot/windows-client/networking/"
            "tcp-ip-port-exhaustion-troubleshooting"
        ),
    ),
    proof=(
        yes("no-syn-to-target", "client-out-of-resources"),
        yes("no-syn-to-target", "kernel-saw-out-of-descriptors"),
        yes("no-syn-to-target", "kernel-saw-no-source-port"),
        yes("some-completed", "kernel-saw-out-of-descriptors") + no("command-succeeded"),
        yes("some-completed", "kernel-saw-no-source-port") + no("command-succeeded"),
        yes("kernel-saw-connect-without-syn", "client-out-of-resources"),
        yes("server-silent", "server-out-of-descriptors"),
        yes("closed-before-answer", "server-out-of-tasks"),
        yes("reset-before-answer", "server-out-of-tasks"),
        yes("service-full"),
        yes("closed-before-answer", "server-killed-for-memory"),
        yes("reset-before-answer", "server-killed-for-memory"),
        yes("no-syn-to-target", "client-error-resources"),
        yes("some-completed", "client-error-resources") + no("command-succeeded"),
    ),
    shows_by=(
        yes(
            "client-out-of-resources",
            "client-error-resources",
            "kernel-saw-out-of-descriptors",
            "kernel-saw-no-source-port",
            "kernel-saw-accept-out-of-descriptors",
            "client-error-no-address",
            "server-out-of-descriptors",
            "server-out-of-tasks",
            "service-full",
            "server-killed-for-memory",
            "closed-while-others-stayed",
        ),
    ),
    refines=("accept-queue-overflow", "server-hung", "application-error", "crashed-after-bind"),
    says=(
        ("client-out-of-resources", "The client has no descriptor or no ephemeral port left."),
        ("kernel-saw-out-of-descriptors", "The kernel had no descriptor for the client's socket."),
        ("kernel-saw-no-source-port", "The kernel found no free local port for the client."),
        ("service-full", "{observed}."),
        ("server-killed-for-memory", "{observed}."),
        ("kernel-saw-accept-out-of-descriptors", "{observed}."),
        ("server-out-of-descriptors", "The server has no file descriptor left."),
        ("server-out-of-tasks", "The server may start no further process or thread."),
        ("client-error-no-address", "The client got no local address or port."),
        ("client-error-resources", "The client reported that it has run out."),
        (
            "closed-while-others-stayed",
            "It hung up on a client at once, while other connections to it were open.",
        ),
        ("kernel-saw-connect-without-syn", "A connect ended before it had a local port."),
    ),
)
