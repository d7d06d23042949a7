"""SYN106: the client uses another number than the service."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, no, on_each_os, shows, yes
from synscope.model import Answer, Kind, Label

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
    signatures=(
        shows(Label.SYN_RST, requires=yes("refused-by-rst")),
        shows(Label.SYN_NO_REPLY, requires=yes("syn-unanswered", "similar-port-completed")),
        shows(
            Label.CLIENT_NEVER_SENT,
            any_of=yes("no-syn-to-target", "listener-on-similar-port", "similar-port-completed"),
        ),
        shows(
            Label.COMPLETED,
            any_of=yes(
                "http-client-error",
                "other-protocol-greeting",
                "tls-to-plain-server",
                "closed-before-answer",
                "reset-before-answer",
            ),
        ),
    ),
    supports=(
        Clue("similar-port-completed", 50, "A port that looks like a typo of it answered."),
        Clue("similar-port-tried", 30, "A SYN went to a port that looks like a typo of it."),
        Clue("listener-on-similar-port", 30, "A listener has a number that looks like a typo of it."),
        Clue("listener-on-similar-port", 100, when=yes("refused-by-rst") + no("listener-on-target")),
        Clue("other-program-owns-port", 10),
        Clue(
            "another-port-failed",
            12,
            "No client went there, and attempts to another port failed.",
            when=no("client-named-target"),
        ),
        Clue("listener-on-another-port", 15, when=yes("refused-by-rst") + no("listener-on-target")),
        Clue("kernel-saw-listener-on-similar-port", 30),
        Clue(
            "kernel-saw-listener-on-another-port",
            130,
            "A service was started under another number.",
            when=yes("refused-by-rst") + no("listener-on-target"),
        ),
    ),
    weakened_by=(
        Clue("success-after-failures", 20),
        Clue("failures-after-success", 20),
        Clue("mixed-results", 15),
        Clue("kernel-saw-listener-open", 60),
        Clue("kernel-saw-listener-close", 60),
        Clue(
            "another-port-completed",
            100,
            "What listens there has clients of its own.",
            when=yes("kernel-saw-listener-on-another-port") + no("kernel-saw-listener-on-similar-port"),
        ),
        Clue("program-crashed", 60),
        Clue("other-family-completed", 15),
        Clue("other-address-completed", 15),
        Clue("listener-on-similar-port", 5, answer=Answer.NO),
        Clue("listener-on-target", 15, when=yes("no-syn-to-target")),
        Clue("rst-looks-like-firewall", 12, when=yes("loopback-traffic")),
    ),
    contradicts=yes(
        "kernel-says-netfilter-drop",
        "kernel-says-firewall-reset",
        "listener-vanished",
        "bind-failed-in-use",
        "bind-failed-permission",
    ),
    refines=("service-not-running", "application-error", "protocol-mismatch", "port-out-of-range"),
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
)
