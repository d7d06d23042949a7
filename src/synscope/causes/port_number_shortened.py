"""SYN183: the client asked for a number above 65535 and came here instead."""

from __future__ import annotations

from synscope.causes.cause import Cause, on_each_os, yes
from synscope.model import Kind

CAUSE = Cause(
    code="SYN183",
    slug="port-number-shortened",
    kind=Kind.NOTE,
    since="0.1.0",
    title="The client meant a number above 65535 and came to port {port} instead",
    summary="A request to port {port} names a larger one in its Host header: the client cut it to 16 bits.",
    meaning=(
        "Some clients keep the lower 16 bits of a port that is too large, without a word: 619009 becomes "
        "29185. The SYN shows the short number, the Host header of the request still the long one. It "
        "works where the server cut its number in the same way, and surprises everywhere else."
    ),
    documented_in=("field",),
    stops=(),
    predicts=(),
    decided_by="the Host header of the request",
    checks=on_each_os(
        linux="ss -ltnp",
        macos="lsof -nP -iTCP -sTCP:LISTEN",
        windows="Get-NetTCPConnection -State Listen | Sort-Object LocalPort",
        expect="the service's real port",
        then="write that number into the client",
    ),
    fixes=("Write the port that the service really has, from 1 to 65535, into the client and the server.",),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.1",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-7.2",
    ),
    proof=(yes("host-header-out-of-range"),),
    shows_by=(yes("host-header-out-of-range"),),
)
