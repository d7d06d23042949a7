"""SYN144: the name does not lead to the loopback addresses."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, no, on_each_os, shows, yes
from synscope.model import Kind, Label

CAUSE = Cause(
    code="SYN144",
    slug="name-resolution",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The name that the client uses does not lead to port {port}",
    summary="The client may not get the target's address (127.0.0.1 or ::1 for localhost) for the name that it uses.",
    meaning=(
        "'localhost' comes from the hosts file or from the resolver itself. Where it is missing, mapped "
        "to another address or to one family only, the client fails before any SYN, or its SYN goes to "
        "another machine. So it is with any other name in the client's settings ('db' of a compose file, used "
        "outside of it): that the service answers at its address helps nothing. A DNS query for localhost that "
        "leaves the machine shows that the hosts file did not answer; resolvers should never send one."
    ),
    documented_in=("A", "C"),
    signatures=(
        shows(
            Label.CLIENT_NEVER_SENT,
            any_of=yes(
                "no-syn-to-target", "dns-query-for-localhost", "localhost-resolves-wrong", "client-error-name"
            ),
            # The client is content with where the name leads.
            unless=yes("command-succeeded") + no("went-where-name-leads"),
        ),
        shows(Label.SYN_RST, any_of=yes("unusual-loopback-address", "localhost-resolves-wrong")),
        shows(
            Label.SYN_NO_REPLY,
            any_of=yes("dns-query-for-localhost", "localhost-resolves-wrong", "unreachable-by-icmp"),
        ),
    ),
    supports=(
        Clue("localhost-resolves-wrong", 60, "The name does not resolve, or not to that address."),
        Clue("went-where-name-leads", 20, "It went to another address, to which the name leads."),
        Clue("unusual-loopback-address", 25, "The name led to another loopback address than the usual ones."),
        Clue("client-error-name", 50, "The client could not resolve the name."),
        Clue("client-error-unreachable", 20, when=yes("no-syn-to-target", "localhost-resolves-wrong")),
        Clue("dns-query-for-localhost", 35, "A DNS query for localhost left the machine."),
    ),
    weakened_by=(
        Clue("loopback-traffic", 10),
        Clue("similar-port-completed", 8),
        # Clients that cannot resolve a name say so: where none does, what keeps them from a service comes first.
        Clue("listener-on-target", 10, when=yes("no-syn-to-target")),
        # The name of the proxy may be the one that it could not resolve.
        Clue("proxy-configured", 30, when=yes("no-syn-to-target")),
    ),
    contradicts=no("localhost-resolves-wrong"),
    decisive=(
        yes("no-syn-to-target", "client-error-name", "localhost-resolves-wrong"),
        yes("no-syn-to-target", "client-error-name", "dns-query-for-localhost"),
        yes("no-syn-to-target", "localhost-resolves-wrong", "went-where-name-leads"),
        yes("no-syn-to-target", "localhost-resolves-wrong", "client-error-unreachable")
        + no("proxy-configured"),
    ),
    decided_by="what the system's resolver says for the name, and the address written out instead of it",
    checks=(
        *on_each_os(
            linux="getent ahosts localhost; grep -n localhost /etc/hosts; grep '^hosts' /etc/nsswitch.conf",
            macos="dscacheutil -q host -a name localhost; grep -n localhost /etc/hosts",
            windows="Resolve-DnsName localhost; Get-Content $env:windir\\System32\\drivers\\etc\\hosts",
            expect="nothing, an address other than 127.0.0.1 and ::1, or only one of the two",
            then="mend the hosts file. If both addresses are there, the name is not the cause",
        ),
        *on_each_os(
            linux='curl -v "http://127.0.0.1:{port}/"',
            macos='curl -v "http://127.0.0.1:{port}/"',
            windows='curl.exe -v "http://127.0.0.1:{port}/"',
            expect="it works with the address and fails with the name",
            then="the name is at fault. If it fails the same way, look elsewhere",
        ),
    ),
    fixes=(
        "Put '127.0.0.1 localhost' and '::1 localhost' into the hosts file; another name on such a line of its own.",
        (
            "Flush caches: resolvectl flush-caches; macOS: sudo dscacheutil -flushcache and"
            " sudo killall -HUP mDNSResponder; Windows: ipconfig /flushdns."
        ),
        "Until then write 127.0.0.1 or [::1] in the client.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc6761.html#section-6.3",
        "https://man7.org/linux/man-pages/man5/hosts.5.html",
        "https://man7.org/linux/man-pages/man5/nsswitch.conf.5.html",
    ),
)
