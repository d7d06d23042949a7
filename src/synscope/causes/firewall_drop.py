"""SYN122: a firewall discards the SYN, the answer, or what follows."""

from __future__ import annotations

from synscope.causes.cause import (
    ALLOW_THE_PORT,
    ON_LINUX_LOOPBACK,
    Cause,
    Fix,
    never,
    on_each_os,
    seldom,
    usually,
    yes,
)
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN122",
    slug="firewall-drop",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A firewall discards the packets of port {port}",
    summary="Packets to or from port {port} vanish without an answer, as a DROP rule makes them.",
    meaning=(
        "A rule with the action DROP discards without a word. Dropped on the way in, the SYN is in the "
        "capture and no answer is, and the client repeats it; dropped on the way out, the capture shows "
        "nothing and the client hangs. A dropped answer leaves SYN-ACKs that repeat and are never "
        "acknowledged; a rule against established traffic leaves data that is never acknowledged. On a "
        "loopback interface silence is nearly always such a rule (or a full accept queue): a service that is "
        "merely 'not running' would be answered with RST there."
    ),
    documented_in=("A", "B", "C"),
    stops=(Stage.OUT, Stage.IN, Stage.BACK, Stage.CARRY),
    predicts=(
        usually("firewall-rule-drops"),
        usually(
            "kernel-says-netfilter-drop",
            "kernel-saw-connect-without-syn",
            "request-not-acknowledged",
            "answer-not-acknowledged",
            "half-open",
        ),
        # Of its own: without that trace the others' denials still count.
        usually(
            "firewall-rule-seen",
            "firewall-rule-seen-out",
            "firewall-rule-seen-back",
            "firewall-rule-seen-later",
        ),
        usually("syn-repeated"),
        # A rule meets every connection alike, our own as well.
        usually("greeting-met-silence"),
        seldom("command-succeeded"),
        # Who waits in vain is told that time is up.
        seldom("client-error-refused", "client-error-unreachable"),
        seldom("kernel-says-queue-full"),
        seldom("accept-queue-full"),
        never("no-firewall-rule"),
        never("firewall-seen-passing"),
        never("firewall-seen-rejecting"),
        never("connection-tracking-full"),
        never("client-refused-syn-ack"),
        never("refused-by-icmp"),
        never("unreachable-by-icmp"),
    ),
    decided_by="the rules, or the drop reason of the kernel; and a listener whose queue is not full",
    checks=(
        *on_each_os(
            linux="sudo nft list ruleset | grep -nE 'drop|policy'; sudo iptables-save -c | grep -n DROP",
            macos="sudo pfctl -sr; /usr/libexec/ApplicationFirewall/socketfilterfw"
            " --getglobalstate --getblockall --getstealthmode",
            windows="Get-NetFirewallRule -Enabled True -Action Block | Select-Object DisplayName, Direction;"
            " Get-NetFirewallProfile | Select-Object Name, Enabled, DefaultInboundAction",
            expect="a rule or policy that drops {port}, its counter rising with each try",
            then="allow the port before that rule. No such rule: look at the listener's queue",
        ),
        *on_each_os(
            linux="sudo ufw status verbose; sudo firewall-cmd --list-all",
            macos="systemextensionsctl list",
            windows="Get-CimInstance -Namespace root/SecurityCenter2 -ClassName FirewallProduct"
            " | Select-Object displayName",
            expect="a front end, antivirus or VPN that filters",
            then="look in its own settings for the port, or pause it for one test",
        ),
    ),
    fixes=(
        *ALLOW_THE_PORT,
        "Allow the port before the rule that drops it, as narrowly as the client needs.",
        Fix("Accept loopback and established traffic before any rule that drops.", ON_LINUX_LOOPBACK),
        "Antivirus, VPN, endpoint protection: make an exception for 127.0.0.1 and ::1.",
        "Switch on again whatever was switched off for the test.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/iptables.8.html",
        "https://wiki.nftables.org/wiki-nftables/index.php/Quick_reference-nftables_in_10_minutes",
        "https://support.apple.com/guide/mac-help/mh34041/mac",
        "https://learn.microsoft.com/en-us/powershell/module/netsecurity/get-netfirewallrule",
    ),
    proof=(
        yes("syn-unanswered", "firewall-rule-seen"),
        yes("syn-unanswered", "firewall-rule-seen-back"),
        yes("half-open", "firewall-rule-seen-back"),
        yes("no-syn-to-target", "firewall-rule-seen-out"),
        yes("request-not-acknowledged", "firewall-rule-seen-later"),
        yes("answer-not-acknowledged", "firewall-rule-seen-later"),
        yes("syn-unanswered", "kernel-says-netfilter-drop"),
        yes("half-open", "firewall-rule-drops"),
        yes("half-open", "kernel-says-netfilter-drop"),
        yes("syn-unanswered", "firewall-rule-drops", "loopback-traffic"),
        yes("no-syn-to-target", "firewall-rule-drops", "kernel-saw-connect-without-syn"),
        yes("request-not-acknowledged", "firewall-rule-drops", "loopback-traffic"),
        yes("answer-not-acknowledged", "firewall-rule-drops", "loopback-traffic"),
    ),
    shows_by=(
        yes(
            "syn-unanswered",
            "half-open",
            "request-not-acknowledged",
            "answer-not-acknowledged",
            "firewall-rule-drops",
            "kernel-saw-connect-without-syn",
            "no-syn-to-target",
            "odd-reply",
        ),
    ),
    says=(
        ("firewall-rule-seen", "The firewall's trace names the rule that stopped the SYN."),
        ("firewall-rule-seen-out", "The firewall's trace names the rule that stopped the SYN."),
        ("firewall-rule-seen-back", "The firewall's trace names the rule that stopped the answer."),
        ("firewall-rule-seen-later", "The firewall's trace names the rule that stopped what was sent."),
        ("firewall-rule-drops", "A rule that drops it is in place."),
        (
            "kernel-says-netfilter-drop",
            "The kernel says that netfilter dropped the SYN, or the answer to it.",
        ),
        ("request-not-acknowledged", "What the client sent was never acknowledged."),
        ("answer-not-acknowledged", "What the server sent was never acknowledged."),
        ("kernel-saw-connect-without-syn", "A connect began, and its SYN was dropped on the way out."),
        ("syn-repeated", "The client repeated its SYN in vain."),
    ),
    headlines=(
        ("firewall-rule-seen", "{observed}"),
        ("firewall-rule-seen-out", "{observed}"),
        ("firewall-rule-seen-back", "{observed}"),
        ("firewall-rule-seen-later", "{observed}"),
        ("firewall-rule-drops", "{observed}"),
    ),
)
