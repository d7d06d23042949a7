"""SYN126: the kernel discards the packets for a reason of its own."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, never, on_each_os, usually, yes
from synscope.model import Kind, Stage

_SHOWN = (
    "kernel-says-other-drop",
    "kernel-says-unclear-drop",
    "kernel-says-localnet-drop",
    "connection-tracking-full",
)

CAUSE = Cause(
    code="SYN126",
    slug="packet-discarded",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The kernel discards what the client sends to port {port}",
    summary="No firewall discards the SYN to port {port}: the kernel itself does, and names its reason.",
    meaning=(
        "Between connect() and the listener a SYN can be dropped in many places that no firewall shows: the queue of "
        "an interface (QDISC_DROP: tc, netem), IPsec policies (XFRM_POLICY), a wrong checksum (TCP_CSUM), the "
        "reverse-path filter (IP_RPFILTER), a full backlog (CPU_BACKLOG), no memory (NOMEM, PROTO_MEM), a minimum "
        "TTL (TCP_MINTTL), a table of tracked connections without room. Since Linux 5.17 the kernel says which one "
        "it was."
    ),
    documented_in=("field",),
    stops=(Stage.OUT, Stage.IN),
    predicts=(always(*_SHOWN), usually("discards-counted"), never("loopback-is-down")),
    decided_by="the kernel's reason for the drop",
    checks=on_each_os(
        linux="sudo timeout 10 perf trace --no-syscalls -e skb:kfree_skb; tc -s qdisc; ip xfrm policy; nstat -az",
        macos="netstat -s -p tcp; netstat -s -p ip",
        windows="netsh wfp show state; netstat -s -p tcp",
        expect="the reason with each try, or a counter of drops that rises with it",
        then="change what the reason names: the queue, the policy, the filter. None: look at the firewall",
    ),
    fixes=(
        "QDISC_…: tc qdisc del dev lo root takes away netem or a shaper that somebody left there.",
        "XFRM_POLICY: except the loopback addresses from the IPsec policy. IP_RPFILTER: set rp_filter to 2 or 0.",
        "Connection tracking is full: raise net.netfilter.nf_conntrack_max, or find who opens so many connections.",
        "TCP_CSUM, IP_CSUM: switch off what rewrites packets without mending their checksums.",
    ),
    references=(
        "https://docs.kernel.org/networking/ip-sysctl.html",
        "https://man7.org/linux/man-pages/man8/tc.8.html",
        "https://github.com/torvalds/linux/blob/master/include/net/dropreason-core.h",
    ),
    proof=(
        yes("kernel-says-other-drop"),
        yes("kernel-says-localnet-drop"),
        yes("kernel-says-netfilter-drop", "connection-tracking-full"),
    ),
    shows_by=(yes(*_SHOWN, "discards-counted"),),
    says=tuple((name, "{observed}.") for name in (*_SHOWN, "discards-counted")),
)
