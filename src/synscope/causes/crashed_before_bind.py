"""SYN102: the server died before it could bind."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, never, on_each_os, usually
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN102",
    slug="crashed-before-bind",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The server died before it could listen on port {port}",
    summary="The service was started but ended before it listened on port {port}.",
    meaning=(
        "A server that fails in its start-up (a missing file, a bad setting, an import error, a database "
        "that is not there) never reaches listen(), so the kernel refuses the client exactly as if nobody "
        "had started it. Only the log or the exit status tells the difference."
    ),
    documented_in=("A",),
    stops=(Stage.LISTENER,),
    predicts=(
        usually("program-crashed", "service-ended-at-start"),
        never("listener-on-target"),
        never("listener-vanished"),
        never("kernel-saw-listener-open"),
        never("some-completed"),
    ),
    decided_by="the service's log: an error before the line that reports listening",
    checks=(
        *on_each_os(
            linux="journalctl --since -10min --no-pager | grep -iE 'fail|error|traceback|panic|core dump'",
            macos="log show --last 10m --predicate 'eventMessage CONTAINS[c] \"crash\"'"
            "; ls -t ~/Library/Logs/DiagnosticReports | head",
            windows="Get-WinEvent -FilterHashtable @{LogName='Application'; Level=1,2} -MaxEvents 20"
            " | Format-List TimeCreated, ProviderName, Message",
            expect="a stack trace or 'failed to bind' of the service, before any line that reports listening",
            then="repair the first error in the log, not the last. A log that ends normally points elsewhere",
        ),
        *listeners("no line", "no process got as far as listening on {port}"),
    ),
    fixes=(
        "Start the service in the foreground, read the first error it prints, repair that, start it again.",
        "Let start-up fail loudly: check configuration and dependencies before anything else.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man1/journalctl.1.html",
        "https://man7.org/linux/man-pages/man2/bind.2.html",
    ),
    refines=("service-not-running",),
    says=(
        ("service-ended-at-start", "{observed}."),
        ("program-crashed", "A program that the command ran died with an error."),
        ("bound-not-listening", "A socket is bound to the port but never came to listen."),
    ),
    headlines=(("service-ended-at-start", "{observed}"),),
)
