"""SYN154: a gateway answers 502, 503 or 504 because its own connection fails."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN154",
    slug="gateway-upstream",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A gateway cannot reach the service behind it",
    summary="The failure is on the connection between a gateway and the service that it forwards to.",
    meaning=(
        "An API gateway or reverse proxy answers 502 when its own connection to the service is refused or "
        "broken, 504 when the service does not answer in time, and 503 when it knows of no healthy one (a "
        "service that starts or is overloaded says 503 as well: then a Server or Via header, or the words of "
        "a gateway, tell). A development server or a service of one's own may say 500. The client's "
        "connection is well; everything else in this catalogue then applies to the connection from the "
        "gateway to the service, and the attempt that failed in those seconds is the gateway's."
    ),
    documented_in=("A", "B"),
    stops=(Stage.SERVE, Stage.LISTENER),
    predicts=(
        usually(
            "http-gateway-error",
            "http-unavailable",
            "gateway-names-itself",
            "balancer-owns-port",
            "forwarder-owns-port",
            # A relay without a protocol of its own can only hang up, or wait itself.
            "closed-before-answer",
            "reset-before-answer",
            "server-silent",
        ),
        # What a relay passes on is the word of the service behind it.
        seldom("service-error"),
        # One that got through has its answer from there; one that is stopped asks nobody.
        seldom("relay-got-through"),
        never("server-process-stopped"),
        usually("upstream-attempt-failed", "failed-attempt-before-error", "gateway-upstream-failed"),
        # Whoever follows the gateway's own connects sees it.
        usually("kernel-saw-own-connect-fail", "server-waits-for-upstream"),
    ),
    decided_by="the gateway's error log, which names the upstream and the reason",
    checks=(
        *on_each_os(
            linux="sudo tail -n 20 /var/log/nginx/error.log; journalctl --since -10min --no-pager"
            " | grep -iE 'upstream|backend|connection refused'",
            macos="tail -n 20 /opt/homebrew/var/log/nginx/error.log",
            windows="Get-WinEvent -FilterHashtable @{LogName='Application'} -MaxEvents 50"
            " | Where-Object Message -match 'upstream|backend|refused'",
            expect="'connect() failed' or 'upstream timed out', with the upstream's address and port",
            then="diagnose that address and port, from the gateway's machine or container",
        ),
        *on_each_os(
            linux="ss -tnp state syn-sent; ss -ltnp",
            macos="lsof -nP -iTCP -sTCP:SYN_SENT; lsof -nP -iTCP -sTCP:LISTEN",
            windows="Get-NetTCPConnection -State SynSent, Listen",
            expect="no listener at the upstream's port, or attempts of the gateway that hang",
            then="start the upstream, or correct its address in the gateway",
        ),
    ),
    fixes=(
        "Repair or start the service behind the gateway; the gateway itself needs nothing then.",
        "Correct the upstream's address: in a container, localhost is the container; the host is its gateway's"
        " address or host.docker.internal.",
        "504: raise the gateway's time limit or make the service faster. Add health checks of upstreams.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.6.3",
        "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.6.5",
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html",
    ),
    proof=(
        yes("http-gateway-error", "upstream-attempt-failed"),
        yes("http-gateway-error", "gateway-upstream-failed"),
        yes("http-unavailable", "failed-attempt-before-error"),
        yes("gateway-names-itself"),
        # The kernel saw whose connect it was, and that the client's end followed upon its failure.
        yes("http-gateway-error", "kernel-saw-own-connect-fail"),
        yes("http-unavailable", "kernel-saw-own-connect-fail"),
        yes("balancer-owns-port", "kernel-saw-own-connect-fail", "closed-before-answer"),
        yes("balancer-owns-port", "kernel-saw-own-connect-fail", "reset-before-answer"),
        yes("forwarder-owns-port", "kernel-saw-own-connect-fail-here", "closed-before-answer"),
        yes("forwarder-owns-port", "kernel-saw-own-connect-fail-here", "reset-before-answer"),
        yes("server-silent", "server-waits-for-upstream"),
        yes("http-gateway-error", "server-waits-for-upstream"),
        yes("balancer-owns-port", "server-waits-for-upstream", "service-error"),
        yes("balancer-owns-port", "kernel-saw-own-connect-fail", "service-error"),
        yes("balancer-owns-port", "server-waits-for-upstream", "closed-before-answer"),
        # A leg that fails while the server is mute may be anybody's: time is then no tie. And a tunnel or relay whose
        # far end is dead is as well called a mapping that leads nowhere.
        yes("balancer-owns-port", "upstream-attempt-failed", "closed-before-answer"),
        yes("balancer-owns-port", "upstream-attempt-failed", "reset-before-answer"),
        yes("balancer-owns-port", "upstream-attempt-failed", "reset-after-answer"),
        yes("balancer-owns-port", "failed-attempt-before-error", "service-error"),
    ),
    shows_by=(
        yes(
            "http-gateway-error",
            "http-unavailable",
            "upstream-attempt-failed",
            "failed-attempt-before-error",
            "balancer-owns-port",
            "forwarder-owns-port",
            "gateway-upstream-failed",
            "kernel-saw-own-connect-fail",
            "server-waits-for-upstream",
        ),
    ),
    refines=("application-error", "server-hung"),
    says=(
        ("failed-attempt-before-error", "Between the request and its error an attempt of its own failed."),
        ("balancer-owns-port", "A load balancer has the port, and answers only for a service behind it."),
        ("http-gateway-error", "{observed}."),
        ("forwarder-owns-port", "{observed}."),
        ("kernel-saw-own-connect-fail", "{observed}."),
        ("server-waits-for-upstream", "{observed}."),
        ("upstream-attempt-failed", "Its own attempt failed before it answered."),
        ("http-unavailable", "It answered 503, as gateways do that know of no healthy service."),
        ("gateway-upstream-failed", "A gateway reported a failure in the seconds in which this one failed."),
    ),
    headlines=(
        ("kernel-saw-own-connect-fail", "{observed}"),
        ("server-waits-for-upstream", "{observed}"),
        ("upstream-attempt-failed", "{observed}"),
        ("http-gateway-error", "{observed}"),
    ),
)
