"""SYN121: a firewall answers in the server's place."""

from __future__ import annotations

from synscope.causes.cause import (
    ALLOW_THE_PORT,
    ON_LINUX_LOOPBACK,
    Cause,
    Fix,
    always,
    listeners,
    never,
    on_each_os,
    usually,
    yes,
)
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN121",
    slug="firewall-reject",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A firewall rule rejects connections to port {port}",
    summary="A rule answers the SYN to port {port} with an RST or an ICMP error, whoever listens.",
    meaning=(
        "A rule with the action REJECT discards the SYN and answers it: with an RST that looks like the "
        "kernel's, or with an ICMP error that quotes the SYN. An ICMP 'port unreachable' makes the client "
        "report 'connection refused' although no RST was sent; on loopback hardly anything but a rule sends "
        "one. The RST differs from the kernel's in one trait, and only in captures of the same host: on "
        "Linux loopback netfilter leaves the IPv4 checksum unfilled and fills the IPv6 one, the kernel does "
        "the reverse. That is a hint; the rule itself, or the kernel's drop reason, is proof."
    ),
    documented_in=("A", "B", "C"),
    stops=(Stage.OUT, Stage.IN, Stage.SERVE),
    predicts=(
        usually("firewall-rule-rejects"),
        usually("rst-looks-like-firewall", "refused-by-icmp", "unreachable-by-icmp", "rst-without-syn"),
        usually("kernel-says-firewall-reset", "kernel-says-netfilter-drop"),
        # Of its own: without that trace the others' denials still count.
        usually("firewall-rule-seen", "firewall-rule-seen-out"),
        always("firewall-seen-rejecting"),
        never("no-firewall-rule"),
        never("firewall-seen-passing"),
        never("kernel-says-no-socket"),
        never("kernel-says-stack-reset"),
    ),
    decided_by="a listener on the port together with the refusal, or the rule itself",
    checks=(
        *on_each_os(
            linux="sudo nft list ruleset | grep -n reject; sudo iptables-save | grep -n REJECT",
            macos="sudo pfctl -sr | grep -n return",
            windows="Get-NetFirewallRule -Enabled True -Action Block | Select-Object DisplayName, Direction",
            expect="a rule with the action reject (pf: block return) that covers {port}",
            then="allow the port before that rule. No such rule: nobody listens, or not there",
        ),
        *listeners(
            "a line on the client's address, although it is refused",
            "something before the server answers",
        ),
    ),
    fixes=(
        *ALLOW_THE_PORT,
        "Allow the port before the rule that rejects it, as narrowly as the client needs.",
        Fix(
            "Accept loopback before any rule that rejects: nft add rule inet filter input iif lo accept.",
            ON_LINUX_LOOPBACK,
        ),
        "Switch on again whatever was switched off for the test.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/iptables-extensions.8.html",
        "https://wiki.nftables.org/wiki-nftables/index.php/Rejecting_traffic",
        "https://www.rfc-editor.org/rfc/rfc1122#page-38",
    ),
    proof=(
        yes("refused-by-rst", "firewall-rule-seen"),
        yes("refused-by-icmp", "firewall-rule-seen"),
        yes("unreachable-by-icmp", "firewall-rule-seen"),
        yes("rst-without-syn", "firewall-rule-seen-out"),
        yes("no-syn-to-target", "firewall-rule-seen-out", "firewall-seen-rejecting"),
        yes("refused-by-rst", "kernel-says-firewall-reset"),
        yes("refused-by-rst", "kernel-says-netfilter-drop"),
        yes("rst-without-syn", "firewall-rule-rejects"),
        yes("refused-by-rst", "firewall-rule-rejects", "listener-on-target"),
        yes("reset-before-answer", "rst-looks-like-firewall", "firewall-rule-rejects"),
        yes("refused-by-icmp", "firewall-rule-rejects"),
        yes("unreachable-by-icmp", "firewall-rule-rejects"),
    ),
    shows_by=(
        yes(
            "firewall-rule-rejects",
            "rst-looks-like-firewall",
            "kernel-says-firewall-reset",
            "kernel-says-netfilter-drop",
            "refused-by-icmp",
            "unreachable-by-icmp",
            "rst-without-syn",
            "refused-by-rst",
        ),
        # It answers, unless it is in the client's own way out.
        yes(
            "refused-by-rst",
            "refused-by-icmp",
            "unreachable-by-icmp",
            "rst-without-syn",
            "reset-before-answer",
            "no-syn-to-target",
        ),
    ),
    says=(
        ("firewall-rule-seen", "The firewall's trace names the rule that stopped the SYN."),
        ("firewall-rule-seen-out", "The firewall's trace names the rule that stopped the SYN."),
        ("kernel-says-firewall-reset", "The kernel says that netfilter made the RST."),
        ("firewall-rule-rejects", "A rule that rejects it is in place."),
        ("rst-looks-like-firewall", "The RST has the traits of a REJECT."),
        ("kernel-says-netfilter-drop", "The kernel says that netfilter dropped the SYN."),
        ("refused-by-icmp", "An ICMP error answered the SYN."),
        ("rst-without-syn", "The refusal is there without its SYN: the rule is on the way out."),
        ("listener-on-target", "A listener is there, and the client is refused all the same."),
        ("unreachable-by-icmp", "An ICMP error answered the SYN."),
    ),
    headlines=(
        ("firewall-rule-seen", "{observed}"),
        ("firewall-rule-seen-out", "{observed}"),
        ("firewall-rule-rejects", "{observed}"),
    ),
)
