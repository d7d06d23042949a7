"""SYN181: one address failed, the next one worked."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, on_each_os, yes
from synscope.model import Kind

CAUSE = Cause(
    code="SYN181",
    slug="one-address-refused",
    kind=Kind.NOTE,
    since="0.1.0",
    title="One address of port {port} failed, another one worked",
    summary="The client reached port {port} at its second address; the first one failed.",
    meaning=(
        "'localhost' has two addresses, and many servers listen on one. A client that tries them in turn "
        "(Happy Eyeballs) fails at the first and connects at the second within a moment: nobody notices. It "
        "is worth knowing, because a client that tries one address only would fail, and where the first "
        "address is silent instead of refused, every connection pays a delay."
    ),
    documented_in=("field",),
    stops=(),
    predicts=(),
    decided_by="the families of the listener's addresses",
    checks=(
        *listeners(
            "a line for 127.0.0.1 only or for [::1] only",
            "the server lacks the other family. Harmless for clients that try both",
        ),
        *on_each_os(
            linux="getent ahosts localhost",
            macos="dscacheutil -q host -a name localhost",
            windows="Resolve-DnsName localhost",
            expect="the address that failed comes first",
            then="clients that follow this order try it first",
        ),
    ),
    fixes=(
        (
            "Nothing has to be done. To spare the detour, let the server listen on both ::1 and 127.0.0.1,"
            " or name the served address in the client."
        ),
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc8305.html#section-5",
        "https://everything.curl.dev/usingcurl/connections/name.html",
    ),
    proof=(yes("recovered-at-other-address"),),
    shows_by=(yes("recovered-at-other-address"),),
    says=(("detour-took-long", "Its first SYN went to the address that failed, and that cost it time."),),
)
