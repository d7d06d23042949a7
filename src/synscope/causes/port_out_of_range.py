"""SYN141: the number is not a port."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN141",
    slug="port-out-of-range",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="{port} is not a port a client can connect to (1 to 65535)",
    summary="No packet can carry {port} as its port: the field has 16 bits, and 0 is reserved.",
    meaning=(
        "Ports are 16-bit numbers. Most clients refuse a larger one before they open a socket, so there "
        "is nothing to capture: curl, wget, browsers, Node.js, Java, Go, Rust. Others keep the lower 16 "
        "bits without a word (Python's create_connection and http.client, socat, bash, PHP, Ruby) and go "
        "to the number modulo 65536: 619009 becomes 29185. Servers do the same, so that both may even "
        "meet there. 0 to 1023 are well known (binding them needs a privilege), 1024 to 49151 registered, "
        "49152 to 65535 dynamic."
    ),
    documented_in=("A", "B", "C"),
    stops=(Stage.NUMBER,),
    predicts=(
        always("port-above-65535", "port-zero", "client-error-port-invalid"),
        usually("wrapped-port-seen"),
    ),
    decided_by="the number itself",
    checks=on_each_os(
        linux="ss -ltnp",
        macos="lsof -nP -iTCP -sTCP:LISTEN",
        windows="Get-NetTCPConnection -State Listen | Sort-Object LocalPort",
        expect="the service, with a number from 1 to 65535 (perhaps {wrapped})",
        then="use that number in the client. If it is {wrapped}, the server shortened its number as well",
    ),
    fixes=(
        "Use a port from 1 to 65535: the one that the service reports when it starts. Look for a typo.",
        "For a new service choose one from 1024 to 49151 that nothing else uses.",
        "Check the number where it is read: refuse it there, with a message.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.1",
        "https://www.rfc-editor.org/rfc/rfc6335.html#section-6",
        "https://url.spec.whatwg.org/#port-state",
    ),
    proof=(yes("port-above-65535"), yes("port-zero")),
    shows_by=(yes("port-above-65535", "port-zero", "client-error-port-invalid"),),
    says=(
        ("port-above-65535", "Clients that keep only 16 bits go to {wrapped} instead."),
        ("port-zero", "Port 0 only asks the system for any free port when a server binds."),
    ),
)
