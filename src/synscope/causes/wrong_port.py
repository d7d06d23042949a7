"""SYN106: the client uses another number than the service."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, no, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN106",
    slug="wrong-port",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="{port} is probably not the port the service uses",
    summary="The client asks for port {port}; the service may have another number.",
    meaning=(
        "A typo, an old configuration, a framework's default or the wrong side of a port mapping: the client "
        "reaches a number that nobody serves (and is refused), that another program serves (and gets strange "
        "answers), or sends its SYN to another port than the one that is watched. The service itself is well."
    ),
    documented_in=("A", "B", "C"),
    stops=(Stage.LISTENER, Stage.CLIENT, Stage.SERVE, Stage.TALK),
    predicts=(
        usually(
            "listener-on-similar-port",
            "similar-port-completed",
            "kernel-saw-listener-on-another-port",
            "kernel-saw-listener-on-similar-port",
            "similar-port-tried",
            "client-error-other-port",
        ),
        usually("listener-on-another-port", "another-port-failed", "other-program-owns-port"),
        seldom("listener-on-target"),
        seldom("kernel-saw-listener-open"),
        seldom("kernel-saw-listener-close"),
        seldom("success-after-failures"),
        seldom("failures-after-success"),
        seldom("program-crashed"),
        seldom("another-port-completed"),
        never("kernel-saw-no-connect-at-all"),
        never("listener-vanished"),
        never("bind-failed-in-use"),
        never("bind-failed-permission"),
    ),
    decided_by="the port in the service's listener line or log, compared digit by digit with the client's",
    checks=(
        *on_each_os(
            linux="ss -ltnp",
            macos="lsof -nP -iTCP -sTCP:LISTEN",
            windows="Get-NetTCPConnection -State Listen | Sort-Object LocalPort",
            expect="the service, with another port than {port}",
            then="use the port of that line. If the service is not in the list, it is not running",
        ),
        *on_each_os(
            linux="env | grep -i port; docker ps --format 'table {{.Names}}\\t{{.Ports}}'",
            macos="env | grep -i port; docker ps --format 'table {{.Names}}\\t{{.Ports}}'",
            windows="Get-ChildItem Env: | Where-Object Name -like '*PORT*'; docker ps",
            expect="another number than {port} where the port is configured",
            then="correct whichever side is wrong, and keep the number in one place",
        ),
    ),
    fixes=(
        "Copy the port from the service's own start-up message into the client; do not type it.",
        "Keep the number in one place that both read: an environment variable or a shared file.",
        "Write down which service has which port.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/ss.8.html",
        "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xhtml",
        "https://12factor.net/port-binding",
    ),
    # What answers, answers: that another port has a service too makes it no wrong one.
    shows_by=(
        no("some-completed")
        + yes(
            "refused-by-rst",
            "similar-port-completed",
            "other-program-owns-port",
            "kernel-saw-listener-on-another-port",
            "kernel-saw-listener-on-similar-port",
            "other-protocol-greeting",
            "answer-not-http",
        ),
    ),
    refines=("service-not-running", "protocol-mismatch", "application-error"),
    says=(
        ("kernel-saw-listener-on-another-port", "A service was started under another number."),
        ("similar-port-completed", "A port that looks like a typo of it answered."),
        ("similar-port-tried", "A SYN went to a port that looks like a typo of it."),
        ("listener-on-similar-port", "A listener has a number that looks like a typo of it."),
        ("another-port-failed", "No client went there, and attempts to another port failed."),
    ),
    headlines=(
        ("listener-on-similar-port", "Nothing is listening on port {port}; {observed}"),
        ("similar-port-completed", "{observed}"),
    ),
)
