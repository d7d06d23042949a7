"""SYN144: the name does not lead to the loopback addresses."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, no, on_each_os, shows, yes
from synscope.model import Kind, Label

CAUSE = Cause(
    code="SYN144",
    slug="name-resolution",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The name does not resolve to this machine's loopback addresses",
    summary="The client may not get 127.0.0.1 or ::1 for the name {host}.",
    meaning=(
        "'localhost' comes from the hosts file or from the resolver itself. Where it is missing, mapped "
        "to another address or to one family only, the client fails before any SYN, or its SYN goes to "
        "another machine. A DNS query for localhost that leaves the machine shows that the hosts file did "
        "not answer; resolvers should never send one."
    ),
    documented_in=("A", "C"),
    signatures=(
        shows(
            Label.CLIENT_NEVER_SENT,
            any_of=yes(
                "no-syn-to-target", "dns-query-for-localhost", "localhost-resolves-wrong", "client-error-name"
            ),
        ),
        shows(Label.SYN_RST, any_of=yes("unusual-loopback-address", "localhost-resolves-wrong")),
        shows(
            Label.SYN_NO_REPLY,
            any_of=yes("dns-query-for-localhost", "localhost-resolves-wrong", "unreachable-by-icmp"),
        ),
    ),
    supports=(
        Clue("localhost-resolves-wrong", 60, "The name does not resolve to loopback addresses here."),
        Clue("unusual-loopback-address", 25, "The name led to another loopback address than the usual ones."),
        Clue("client-error-name", 50, "The client could not resolve the name."),
        Clue("dns-query-for-localhost", 35, "A DNS query for localhost left the machine."),
    ),
    weakened_by=(Clue("loopback-traffic", 10), Clue("similar-port-completed", 8)),
    contradicts=no("localhost-resolves-wrong"),
    decisive=(
        yes("no-syn-to-target", "client-error-name", "localhost-resolves-wrong"),
        yes("no-syn-to-target", "client-error-name", "dns-query-for-localhost"),
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
        "Put '127.0.0.1 localhost' and '::1 localhost' into the hosts file.",
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
