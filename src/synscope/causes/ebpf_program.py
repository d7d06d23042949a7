"""SYN125: an attached program or filter, mostly eBPF, discards the packets."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN125",
    slug="ebpf-program",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="An attached program (eBPF) discards what the client sends to port {port}",
    summary="A program at a control group, a device or a socket discards the SYN to port {port}.",
    meaning=(
        "eBPF programs at control groups (systemd's IPAddressDeny=, Cilium, agents), at devices (XDP, tc) or at a "
        "socket (SO_ATTACH_FILTER) discard packets as a firewall does, and no firewall rule shows it. The kernel "
        "names the place: BPF_CGROUP_EGRESS, TC_INGRESS, TC_EGRESS, XDP, SOCKET_FILTER."
    ),
    documented_in=("field",),
    stops=(Stage.OUT, Stage.IN),
    predicts=(
        usually("kernel-says-attached-drop", "program-on-loopback"),
        # A drop has one reason.
        never(
            "kernel-says-netfilter-drop",
            "kernel-says-other-drop",
            "kernel-says-signature-drop",
            "kernel-says-no-socket",
        ),
    ),
    decided_by="the kernel's reason for the drop, and the list of attached programs",
    checks=on_each_os(
        linux="sudo bpftool cgroup tree; sudo bpftool net; tc filter show dev lo ingress",
        macos="systemextensionsctl list; sudo pfctl -s rules",
        windows="netsh wfp show state; Get-NetFirewallRule -Enabled True -Action Block",
        expect="a program at the client's control group, or at the interface",
        then="detach it or allow the port in what made it. No program: look at the firewall",
    ),
    fixes=(
        "systemd: set IPAddressAllow=localhost beside IPAddressDeny=any, then restart the service.",
        "Cilium, Calico and agents: allow the port in the policy that made the program.",
        "By hand: sudo bpftool cgroup detach, sudo ip link set dev lo xdp off, sudo tc filter del dev lo ingress.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/bpftool-cgroup.8.html",
        "https://www.freedesktop.org/software/systemd/man/latest/systemd.resource-control.html",
        "https://docs.kernel.org/bpf/index.html",
    ),
    proof=(yes("kernel-says-attached-drop"),),
    shows_by=(yes("kernel-says-attached-drop", "program-on-loopback"),),
    refines=("security-policy", "firewall-drop"),
    says=(
        ("kernel-says-attached-drop", "The kernel says that such a program dropped it."),
        ("program-on-loopback", "{observed}."),
        ("program-at-control-group", "{observed}."),
    ),
)
