"""SYN122: a firewall discards the SYN, the answer, or what follows."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, no, on_each_os, shows, yes
from synscope.model import Kind, Label

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
    signatures=(
        shows(Label.SYN_NO_REPLY, requires=yes("syn-unanswered")),
        shows(Label.HALF_OPEN, requires=yes("half-open")),
        shows(
            Label.COMPLETED,
            any_of=yes("request-not-acknowledged", "answer-not-acknowledged", "server-silent"),
        ),
        # The connection began before the rule was there, perhaps.
        shows(
            Label.COMPLETED,
            requires=yes("firewall-rule-drops")
            + no("command-succeeded", "http-client-error", "http-server-error")
            + no("http-gateway-error", "http-unavailable"),
        ),
        shows(Label.ODD_REPLY, requires=yes("odd-reply")),
        shows(Label.CLIENT_NEVER_SENT, any_of=yes("no-syn-to-target", "firewall-rule-drops")),
    ),
    supports=(
        Clue("firewall-rule-drops", 55, "A rule that drops it is in place."),
        Clue("kernel-says-netfilter-drop", 55, "The kernel says that netfilter dropped the SYN."),
        Clue(
            "kernel-saw-connect-without-syn",
            30,
            "A connect began, and its SYN was dropped on the way out.",
            when=yes("no-syn-to-target"),
        ),
        Clue("request-not-acknowledged", 45, "What the client sent was never acknowledged."),
        Clue("answer-not-acknowledged", 45, "What the server sent was never acknowledged."),
        Clue("syn-repeated", 5, "The client repeated its SYN in vain."),
        Clue("listener-on-target", 10),
        Clue("loopback-traffic", 5),
    ),
    weakened_by=(
        Clue("many-completed-before-silence", 15),
        Clue("accept-queue-full", 20),
        Clue("refused-by-icmp", 10),
        Clue("unreachable-by-icmp", 10),
    ),
    contradicts=yes("no-firewall-rule", "client-refused-syn-ack"),
    decisive=(
        yes("syn-unanswered", "kernel-says-netfilter-drop"),
        yes("half-open", "firewall-rule-drops"),
        yes("syn-unanswered", "firewall-rule-drops", "loopback-traffic"),
        yes("no-syn-to-target", "firewall-rule-drops", "kernel-saw-connect-without-syn"),
        yes("request-not-acknowledged", "firewall-rule-drops", "loopback-traffic"),
        yes("answer-not-acknowledged", "firewall-rule-drops", "loopback-traffic"),
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
        "Allow the port, narrowly: sudo ufw allow in on lo to any port {port} proto tcp (or its like).",
        "Accept loopback and established traffic before any rule that drops.",
        "Antivirus, VPN, endpoint protection: make an exception for 127.0.0.1 and ::1.",
        "Switch on again whatever was switched off for the test.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/iptables.8.html",
        "https://wiki.nftables.org/wiki-nftables/index.php/Quick_reference-nftables_in_10_minutes",
        "https://support.apple.com/guide/mac-help/mh34041/mac",
        "https://learn.microsoft.com/en-us/powershell/module/netsecurity/get-netfirewallrule",
    ),
)
