"""SYN105: the server has one IP family, the client uses the other."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, listeners, never, no, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN105",
    slug="address-family-mismatch",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Port {port} is served over the other IP family only (IPv4 against IPv6)",
    summary="The client tries one IP family for port {port}; the service has the other.",
    meaning=(
        "'localhost' usually means both ::1 and 127.0.0.1. A server bound to 127.0.0.1 is refused at ::1, "
        "and the reverse; a client that tries one address only (or a name that resolves to one family "
        "only) fails, while another client that tries both succeeds. Programs that resolve the name in "
        "the order of the resolver (Node.js since version 17, for one) go to ::1 first."
    ),
    documented_in=("A", "B"),
    stops=(Stage.LISTENER,),
    predicts=(
        always("listener-on-other-family"),
        usually("other-family-completed"),
        never("listener-on-target"),
    ),
    decided_by="the family of the listener's address against the family of the refused SYN",
    checks=(
        *listeners(
            "a line for [::1] only or for 127.0.0.1 only, and the client uses the other",
            "name the served address in the client, or let the server listen on both",
        ),
        *on_each_os(
            linux="getent ahosts localhost",
            macos="dscacheutil -q host -a name localhost",
            windows="Resolve-DnsName localhost",
            expect="one family only, or the family first that the server lacks",
            then="the client follows this order: name the address in the client if it does not fit",
        ),
    ),
    fixes=(
        "Let the server listen on both 127.0.0.1 and ::1 (one socket each, or [::] with IPV6_V6ONLY off).",
        "Or write the served address instead of the name: http://127.0.0.1:{port}/ or http://[::1]:{port}/.",
        "In clients that offer it, try both families (Happy Eyeballs).",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc8305.html",
        "https://www.rfc-editor.org/rfc/rfc6724.html",
        "https://man7.org/linux/man-pages/man7/ipv6.7.html",
        "https://nodejs.org/api/dns.html#dnssetdefaultresultorderorder",
    ),
    proof=(yes("refused-by-rst", "listener-on-other-family") + no("listener-on-target"),),
    refines=("service-not-running",),
    says=(
        ("other-family-completed", "The same port answered over the other family."),
        ("listener-on-other-family", "A listener has the port in the other family only."),
        ("refused-address-is-ipv6-only", "Only IPv6 addresses were refused."),
    ),
    headlines=(("listener-on-other-family", "The client uses the other IP version: {observed}"),),
)
