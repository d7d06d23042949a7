"""SYN107: the client was earlier than the server."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, no, on_each_os, shows, yes
from synscope.model import Answer, Kind, Label

CAUSE = Cause(
    code="SYN107",
    slug="startup-race",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client connected before the server listened on port {port}",
    summary="The client tried port {port} before the server was ready.",
    meaning=(
        "Between the start of a process and its call of listen() the kernel refuses its clients. Started "
        "together, a quick client loses this race. Its mark is refusals first and only successes after; a "
        "capture that ends before the first success cannot tell it from a service that is not running."
    ),
    documented_in=("A",),
    signatures=(
        shows(Label.SYN_RST, requires=yes("refused-by-rst")),
        shows(Label.SYN_NO_REPLY, requires=yes("syn-unanswered", "success-after-failures")),
    ),
    supports=(
        Clue("success-after-failures", 60, "The first attempts failed, then only successes followed."),
        Clue("listener-appeared-later", 60, "A listener appeared during the observation."),
        Clue(
            "kernel-saw-listener-open",
            100,
            "The kernel saw a process begin to listen on it meanwhile.",
            when=yes("refused-by-rst"),
        ),
        Clue("listener-on-target", 15, "By now a listener is there."),
        Clue("bound-not-listening", 15, "A socket is bound to the port and may be about to listen."),
        Clue("http-loading", 10),
    ),
    weakened_by=(
        Clue("failures-after-success", 60),
        Clue("listener-vanished", 30),
        Clue("listener-in-other-namespace", 100, when=yes("kernel-saw-listener-open")),
        Clue("kernel-saw-listener-close", 15),
        Clue("listener-appeared-later", 10, answer=Answer.NO),
        Clue("program-crashed", 30),
        Clue("other-family-completed", 8),
        Clue("other-address-completed", 8),
        Clue("rst-looks-like-firewall", 8, when=yes("loopback-traffic")),
    ),
    contradicts=yes("kernel-says-netfilter-drop", "kernel-says-firewall-reset")
    + no("kernel-saw-listener-open"),
    decisive=(
        yes("refused-by-rst", "success-after-failures", "listener-appeared-later"),
        yes("refused-by-rst", "listener-appeared-later", "kernel-says-no-socket"),
        yes("refused-by-rst", "success-after-failures", "kernel-saw-listener-open"),
        yes("refused-by-rst", "listener-on-target", "kernel-says-no-socket"),
    ),
    refines=("service-not-running",),
    decided_by="the time at which it reports listening, against the time of the first refusal",
    checks=(
        *on_each_os(
            linux="until ss -Hltn 'sport = :{port}' | grep -q .; do sleep 0.2; done; date +%T.%N",
            macos="until lsof -nP -iTCP:{port} -sTCP:LISTEN >/dev/null; do sleep 0.2; done; date +%T",
            windows="while (-not (Get-NetTCPConnection -State Listen -LocalPort {port}"
            " -ErrorAction SilentlyContinue)) { Start-Sleep -Milliseconds 200 }; Get-Date -Format o",
            expect="it waits after the start of the server, then prints the time at which the port was ready",
            then="a client that starts after that succeeds: order the two. If it never ends, nothing listens",
        ),
        *listeners("no line at first, a line a little later", "the server needed that long to be ready"),
    ),
    fixes=(
        "Let the client wait for the port: try again with growing pauses (0.1 s, 0.2 s …) and a limit.",
        "Start it after the server is ready, not after it is started: a health check, readiness, sd_notify.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man3/sd_notify.3.html",
        "https://docs.docker.com/compose/how-tos/startup-order/",
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
    ),
)
