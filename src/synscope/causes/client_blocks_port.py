"""SYN142: the client refuses this port by its own list."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN142",
    slug="client-blocks-port",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Browsers and fetch refuse port {port} by themselves",
    summary="Port {port} is on the list of ports that browsers and fetch never connect to.",
    meaning=(
        "Browsers, Node's and Deno's fetch and others keep a list of ports that belong to other protocols "
        "(6000 for X11, 6665 to 6669 for IRC, and more) and refuse a URL with one of them before any packet: "
        "ERR_UNSAFE_PORT, 'bad port', 'this address is restricted'. The server is well, and curl, which has "
        "no such list, reaches it."
    ),
    documented_in=("field",),
    stops=(Stage.NUMBER,),
    predicts=(
        always("port-blocked-by-clients"),
        usually("client-error-port-invalid"),
        seldom("client-error-name"),
        seldom("client-error-unreachable"),
    ),
    decided_by="the client's message, and curl, which has no such list",
    checks=on_each_os(
        linux='curl -v "http://{host}:{port}/"',
        macos='curl -v "http://{host}:{port}/"',
        windows='curl.exe -v "http://{host}:{port}/"',
        expect="curl connects, while the browser says ERR_UNSAFE_PORT or fetch says 'bad port'",
        then="move the service to another port. If curl fails as well, the cause is another one",
    ),
    fixes=(
        "Give the service a port that is not on the list.",
        (
            "Only for a test: Chromium's --explicitly-allowed-ports={port}, or Firefox's"
            " network.security.ports.banned.override."
        ),
    ),
    references=(
        "https://fetch.spec.whatwg.org/#port-blocking",
        "https://chromium.googlesource.com/chromium/src/+/main/net/base/port_util.cc",
    ),
    proof=(yes("port-blocked-by-clients", "client-error-port-invalid", "no-syn-to-target"),),
    says=(("client-error-port-invalid", "The client refused the number itself."),),
)
