"""SYN144: the name does not lead to the loopback addresses."""

from __future__ import annotations

from synscope.causes.cause import Cause, Sign, never, on_each_os, seldom, usually, yes
from synscope.model import Answer, Kind, Stage

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
    stops=(Stage.NAME,),
    predicts=(
        usually("localhost-resolves-wrong"),
        usually(
            "client-error-name",
            "dns-query-for-localhost",
            "went-where-name-leads",
            "name-leads-to-another-machine",
            "unusual-loopback-address",
        ),
        seldom("command-succeeded"),
        never(Sign("localhost-resolves-wrong", Answer.NO)),
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
    proof=(
        yes("no-syn-to-target", "client-error-name", "localhost-resolves-wrong"),
        yes("no-syn-to-target", "client-error-name", "dns-query-for-localhost"),
        yes("no-syn-to-target", "localhost-resolves-wrong", "went-where-name-leads"),
    ),
    shows_by=(
        yes(
            "localhost-resolves-wrong",
            "client-error-name",
            "dns-query-for-localhost",
            "unusual-loopback-address",
            "no-syn-to-target",
        ),
    ),
    refines=("next-hop-silent",),
    says=(
        ("localhost-resolves-wrong", "The name does not resolve, or not to that address."),
        ("client-error-name", "The client could not resolve the name."),
        ("dns-query-for-localhost", "A DNS query for localhost left the machine."),
        ("unusual-loopback-address", "The name led to another loopback address than the usual ones."),
        ("went-where-name-leads", "It went to another address, to which the name leads."),
    ),
)
