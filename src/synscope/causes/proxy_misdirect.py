"""SYN143: the client hands local requests to a proxy."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN143",
    slug="proxy-misdirect",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client sends requests for port {port} to a proxy",
    summary="The client asks a proxy for {host}:{port} instead of connecting to it.",
    meaning=(
        "With a proxy set (http_proxy, https_proxy, all_proxy, the system's or the browser's settings, a PAC "
        "file) a client connects to the proxy and names the target in its request. On another machine "
        "'localhost' then means that machine. The capture shows no SYN to the target, but one to a proxy "
        "port (3128, 8080, 1080 …) and 'GET http://…' or 'CONNECT …' in it. The answer is the proxy's: 502, "
        "503, or a page of its own. no_proxy=localhost does not cover 127.0.0.1 or ::1."
    ),
    documented_in=("A",),
    stops=(Stage.CLIENT,),
    predicts=(
        usually(
            "proxy-configured", "command-names-proxy", "proxy-request-names-target", "client-error-proxy"
        ),
        usually("proxy-port-tried", "client-error-other-port", "another-port-failed"),
        seldom("client-error-name"),
        never("kernel-saw-no-connect-at-all"),
    ),
    decided_by="the same request with the proxy switched off (curl --noproxy '*')",
    checks=(
        *on_each_os(
            linux="curl -v --noproxy '*' \"http://{host}:{port}/\"",
            macos="curl -v --noproxy '*' \"http://{host}:{port}/\"",
            windows="curl.exe -v --noproxy '*' \"http://{host}:{port}/\"",
            expect="it works this way and fails without --noproxy",
            then="except local names from the proxy. If it fails both ways, the proxy is not the cause",
        ),
        *on_each_os(
            linux="env | grep -i _proxy",
            macos="env | grep -i _proxy; scutil --proxy",
            windows="netsh winhttp show proxy; Get-ItemProperty"
            " 'HKCU:\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings'"
            " | Select-Object ProxyEnable, ProxyServer, ProxyOverride, AutoConfigURL",
            expect="a proxy, and no exception for the local names",
            then="add localhost, 127.0.0.1 and ::1 to no_proxy or to the list of exceptions",
        ),
    ),
    fixes=(
        "export no_proxy=localhost,127.0.0.1,::1 (and NO_PROXY: some programs read only one of them).",
        "In the system's and browser's proxy settings, except localhost, 127.0.0.1 and [::1].",
        "Or switch the proxy off for this client.",
    ),
    references=(
        "https://curl.se/docs/manpage.html#--noproxy",
        "https://www.rfc-editor.org/rfc/rfc9112.html#section-3.2.2",
        "https://everything.curl.dev/usingcurl/proxies/env.html",
    ),
    proof=(
        yes("no-syn-to-target", "proxy-request-names-target"),
        yes("no-syn-to-target", "proxy-configured", "proxy-port-tried"),
    ),
    says=(
        ("proxy-request-names-target", "A request to a proxy names it."),
        ("client-error-proxy", "The client itself blames its proxy."),
        ("command-names-proxy", "The client is told to use a proxy."),
        ("proxy-configured", "The client's environment names a proxy for it."),
        ("proxy-port-tried", "A SYN went to a port that proxies use."),
        (
            "client-error-other-port",
            "The client was told to go there, and says that it failed at another port.",
        ),
        (
            "another-port-failed",
            "The client was told to go there, and what failed is an attempt to another port.",
        ),
    ),
)
