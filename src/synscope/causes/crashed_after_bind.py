"""SYN103: the server listened, then died or was stopped."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, never, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN103",
    slug="crashed-after-bind",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The server on port {port} stopped after it had been serving",
    summary="Port {port} was served at first, and then it was not.",
    meaning=(
        "When a process ends, the kernel closes its listening socket: from then on every SYN is refused. "
        "Connections that were open at that moment are reset or closed, often before an answer. "
        "Successes followed by nothing but refusals are its mark; a capture that starts later shows the "
        "refusals only and cannot tell it from a service that never ran. After a restart, segments of old "
        "connections can draw odd replies for a while."
    ),
    documented_in=("A",),
    stops=(Stage.LISTENER, Stage.SERVE),
    predicts=(
        usually(
            "failures-after-success",
            "listener-vanished",
            "kernel-saw-listener-close",
            "answer-cut-short",
            "service-ended",
            "server-process-crashed",
            "server-killed-for-memory",
        ),
        seldom("listener-on-target"),
        seldom("command-succeeded"),
        seldom("kernel-saw-listener-open"),
        seldom("listener-appeared-later"),
        never("command-stops-service"),
    ),
    decided_by="the exit status and log of the service: an end after the line that reports listening",
    checks=(
        *on_each_os(
            linux="journalctl --since -30min --no-pager | grep -iE 'killed|segfault|oom|exited|status='",
            macos="ls -t ~/Library/Logs/DiagnosticReports | head",
            windows="Get-WinEvent -FilterHashtable @{LogName='Application'; Id=1000,1001,1026} -MaxEvents 10"
            " | Format-List TimeCreated, Message",
            expect="its exit, a signal, or the out-of-memory killer, at the time of the first refusal",
            then="repair that; a clean exit without an error means that somebody stopped it",
        ),
        *listeners("no line, or another process number than before", "the process that served is gone"),
    ),
    fixes=(
        "Read the log at the time of the first failure, repair the crash, restart the service.",
        "Let a supervisor restart it (Restart=on-failure, a restart policy), and alert on each restart.",
        "Shut down gracefully: stop accepting, finish what is open, then exit.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.5.2",
        "https://man7.org/linux/man-pages/man5/systemd.service.5.html",
        "https://man7.org/linux/man-pages/man5/core.5.html",
    ),
    proof=(
        yes("refused-by-rst", "failures-after-success", "listener-vanished"),
        yes("refused-by-rst", "listener-vanished", "kernel-says-no-socket"),
        yes("refused-by-rst", "failures-after-success", "kernel-saw-listener-close"),
        yes("reset-before-answer", "listener-vanished"),
        yes("closed-before-answer", "listener-vanished"),
    ),
    # A relay for one connection closes its listener itself, and hangs up for reasons of its far end.
    doubted_by=yes("forwarder-owns-port"),
    shows_by=(
        yes(
            "failures-after-success",
            "listener-vanished",
            "kernel-saw-listener-close",
            "request-after-close",
            "mixed-results",
            "reset-before-answer",
            "closed-before-answer",
            "answer-cut-short",
            "odd-reply",
            "service-ended",
            "server-process-crashed",
            "server-killed-for-memory",
        ),
    ),
    refines=("service-not-running", "application-error"),
    says=(
        ("server-process-crashed", "{observed}."),
        ("server-killed-for-memory", "{observed}."),
        ("service-ended", "{observed}."),
        ("kernel-saw-listener-close", "The kernel saw its listener close."),
        ("failures-after-success", "Attempts succeeded first; then only failures followed."),
        ("listener-vanished", "Its listener vanished during the observation."),
        ("request-after-close", "It closed a connection that the client went on using."),
        ("mixed-results", "Failures and successes alternate, as with a server that keeps restarting."),
    ),
    headlines=(
        ("server-process-crashed", "{observed}"),
        ("server-killed-for-memory", "{observed}"),
        ("service-ended", "{observed}"),
    ),
)
