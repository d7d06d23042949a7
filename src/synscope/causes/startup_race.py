"""SYN107: the client was earlier than the server."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, never, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

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
    stops=(Stage.LISTENER,),
    predicts=(
        usually("success-after-failures", "listener-appeared-later", "kernel-saw-listener-open"),
        usually("listener-on-target"),
        seldom("program-crashed"),
        seldom("listener-vanished"),
        seldom("kernel-saw-listener-close"),
        never("failures-after-success"),
    ),
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
    proof=(
        yes("refused-by-rst", "success-after-failures", "listener-appeared-later"),
        yes("refused-by-rst", "listener-appeared-later", "kernel-says-no-socket"),
        yes("refused-by-rst", "success-after-failures", "kernel-saw-listener-open"),
        yes("refused-by-rst", "listener-on-target", "kernel-says-no-socket"),
    ),
    shows_by=(
        yes(
            "success-after-failures",
            "listener-appeared-later",
            "kernel-saw-listener-open",
            "listener-on-target",
            "bound-not-listening",
        ),
    ),
    refines=("service-not-running",),
    says=(
        ("kernel-saw-listener-open", "The kernel saw a process begin to listen on it meanwhile."),
        ("success-after-failures", "The first attempts failed, then only successes followed."),
        ("listener-appeared-later", "A listener appeared during the observation."),
        ("listener-on-target", "By now a listener is there."),
        ("bound-not-listening", "A socket is bound to the port and may be about to listen."),
    ),
)
