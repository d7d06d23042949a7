"""SYN121: a firewall answers in the server's place."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, on_each_os, shows, yes
from synscope.model import Kind, Label

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
    signatures=(
        shows(Label.SYN_RST, requires=yes("refused-by-rst")),
        shows(Label.SYN_NO_REPLY, any_of=yes("refused-by-icmp", "unreachable-by-icmp")),
        shows(Label.CLIENT_NEVER_SENT, requires=yes("rst-without-syn")),
        # A rule may let the handshake pass and reject what follows.
        shows(Label.COMPLETED, requires=yes("reset-before-answer"), unless=yes("rst-looks-like-application")),
    ),
    supports=(
        Clue("firewall-rule-rejects", 55, "A rule that rejects it is in place."),
        Clue(
            "rst-looks-like-firewall", 50, "The RST has the traits of a REJECT.", when=yes("loopback-traffic")
        ),
        Clue("kernel-says-firewall-reset", 60, "The kernel says that netfilter made the RST."),
        Clue("kernel-says-netfilter-drop", 50, "The kernel says that netfilter dropped the SYN."),
        Clue("refused-by-icmp", 40, "An ICMP error answered the SYN."),
        Clue("unreachable-by-icmp", 30, "An ICMP error answered the SYN."),
        Clue("rst-without-syn", 40, "The refusal is there without its SYN: the rule is on the way out."),
        Clue("listener-on-target", 35, "A listener is there, and the client is refused all the same."),
        Clue("refused-by-icmp", 15, when=yes("loopback-traffic")),
        Clue("unreachable-by-icmp", 15, when=yes("loopback-traffic")),
    ),
    weakened_by=(
        # After a handshake that is no wonder.
        Clue("listener-on-target", 35, when=yes("reset-before-answer")),
        Clue("rst-looks-like-kernel", 6, when=yes("loopback-traffic")),
        Clue("success-after-failures", 4),
        Clue("other-program-owns-port", 2),
    ),
    contradicts=yes("kernel-says-no-socket", "kernel-says-stack-reset", "no-firewall-rule"),
    decisive=(
        yes("refused-by-rst", "kernel-says-firewall-reset"),
        yes("refused-by-rst", "kernel-says-netfilter-drop"),
        yes("rst-without-syn", "firewall-rule-rejects"),
        yes("refused-by-rst", "firewall-rule-rejects", "listener-on-target"),
        yes("reset-before-answer", "rst-looks-like-firewall", "firewall-rule-rejects"),
        yes("refused-by-icmp", "firewall-rule-rejects"),
        yes("unreachable-by-icmp", "firewall-rule-rejects"),
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
            "a line on the client's address, although it is refused", "something before the server answers"
        ),
    ),
    fixes=(
        "Allow the port, narrowly: sudo ufw allow in on lo to any port {port} proto tcp (or its like).",
        "Accept loopback before any rule that rejects: nft add rule inet filter input iif lo accept.",
        "Switch on again whatever was switched off for the test.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/iptables-extensions.8.html",
        "https://wiki.nftables.org/wiki-nftables/index.php/Rejecting_traffic",
        "https://www.rfc-editor.org/rfc/rfc1122#page-38",
    ),
)
