"""SYN111: a security policy denies bind, listen or connect."""

from __future__ import annotations

from synscope.causes.cause import Cause, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN111",
    slug="security-policy",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A security policy keeps port {port} from being used",
    summary="SELinux, AppArmor, seccomp, eBPF or a sandbox may deny the bind or the connect to port {port}.",
    meaning=(
        "A policy that denies bind leaves the port unserved, and the client is refused. One that denies "
        "connect stops the client before any packet: it reports 'permission denied' and the capture stays "
        "empty. Programs at cgroup or device hooks (eBPF) discard packets as a firewall does, without "
        "showing in its rules. Windows keeps Store apps away from loopback unless they are exempt."
    ),
    documented_in=("A",),
    stops=(Stage.SOCKET, Stage.OUT, Stage.IN, Stage.LISTENER),
    predicts=(
        usually(
            "policy-denied",
            "kernel-says-policy-drop",
            "client-error-denied",
            "client-error-family",
            "kernel-saw-connect-denied",
            "kernel-saw-socket-denied",
            "kernel-saw-family-refused",
            "kernel-saw-call-filtered",
            "kernel-saw-bind-not-permitted",
            "bind-failed-policy",
            "bind-failed-permission",
        ),
        seldom("family-not-on-loopback"),
        seldom("client-error-socket-file", "command-asks-other-transport"),
        seldom("proxy-configured"),
        seldom("client-error-name"),
        seldom("loopback-is-down"),
        seldom("firewall-rule-drops"),
        seldom("firewall-rule-rejects"),
    ),
    decided_by="a denial in the audit log at the time of the attempt",
    checks=on_each_os(
        linux="sudo ausearch -m AVC,SECCOMP -ts recent; sudo dmesg | grep -i 'apparmor=.DENIED'; sestatus",
        macos="log show --last 10m --predicate"
        ' \'eventMessage CONTAINS "Sandbox:" AND eventMessage CONTAINS "deny"\'',
        windows="CheckNetIsolation.exe LoopbackExempt -s",
        expect="a denial that names the server or the client (Windows: the app is not among the exempt)",
        then="allow exactly that in the policy; to confirm, make the one policy permissive for a moment",
    ),
    fixes=(
        "SELinux: semanage port -a -t http_port_t -p tcp {port} (with the type the server may bind).",
        "AppArmor, seccomp, sandbox profiles: add the one permission that the log names.",
        "Switch a policy off only to confirm, and switch it on again.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/ausearch.8.html",
        "https://man7.org/linux/man-pages/man8/semanage-port.8.html",
        "https://learn.microsoft.com/en-us/previous-versions/windows/apps/hh780593(v=win.10)",
    ),
    proof=(
        yes("refused-by-rst", "bind-failed-policy", "kernel-saw-bind-not-permitted"),
        yes("refused-by-rst", "policy-denied", "bind-failed-permission"),
        yes("no-syn-to-target", "policy-denied"),
        yes("no-syn-to-target", "kernel-saw-connect-denied"),
        yes("no-syn-to-target", "kernel-saw-socket-denied"),
        yes("no-syn-to-target", "kernel-saw-call-filtered", "kernel-saw-family-refused"),
    ),
    shows_by=(
        yes(
            "policy-denied",
            "kernel-says-policy-drop",
            "client-error-denied",
            "kernel-saw-connect-denied",
            "kernel-saw-socket-denied",
            "kernel-saw-family-refused",
            "kernel-saw-call-filtered",
            "kernel-saw-bind-not-permitted",
            "bind-failed-policy",
            "bind-failed-permission",
            "no-syn-to-target",
            "syn-unanswered",
        ),
    ),
    refines=("service-not-running", "bind-permission-denied"),
    says=(
        ("bind-failed-policy", "The server's bind was not permitted, which no number of a port explains."),
        ("kernel-saw-bind-not-permitted", "A bind was not permitted, which no number of a port explains."),
        ("bind-failed-permission", "A bind was denied that needs no privilege."),
        ("policy-denied", "The audit log shows the denial."),
        ("kernel-says-policy-drop", "A program in the way, such as eBPF, dropped the SYN."),
        (
            "client-error-family",
            "The client may not use this address family (seccomp, RestrictAddressFamilies=).",
        ),
        ("kernel-saw-call-filtered", "A filter of system calls (seccomp) denied a call to the client."),
        ("kernel-saw-connect-denied", "The kernel denied a connect to the client."),
        ("kernel-saw-socket-denied", "The kernel denied a socket to the client."),
        ("client-error-denied", "The client says that it may not."),
        ("client-error-refused", "The client says that its connect failed, and nothing was sent."),
    ),
)
