"""SYN133: the connection is made and the server never answers."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, never, on_each_os, seldom, usually, where, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN133",
    slug="server-hung",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The server on port {port} takes the connection but does not answer",
    summary="The handshake completes and the request arrives, but no byte comes back from port {port}.",
    meaning=(
        "The kernel completes handshakes and acknowledges data without the program. A server that is "
        "stopped, in a deadlock, or waits for something else therefore looks alive: the connection is "
        "there, the request is acknowledged, and then nothing comes until the client gives up. Later "
        "clients fill the accept queue, and then SYNs go unanswered as well. A service that by design "
        "never answers looks the same."
    ),
    documented_in=("C",),
    stops=(Stage.QUEUE, Stage.ACCEPT, Stage.SERVE),
    predicts=(
        usually("server-silent", "answer-stalled", "nobody-spoke", "greeting-met-silence"),
        usually("client-gave-up", "server-process-stopped", "port-sharer-stopped"),
        # Who hangs answers nobody else either.
        seldom("greeting-answered", "greeting-hung-up-on"),
        seldom("late-answer"),
        # Who hangs does not hang up.
        seldom("closed-before-answer", "reset-before-answer"),
        seldom("server-closed-in-turn"),
        seldom("balancer-owns-port"),
        # Who waits for somebody else is not stuck itself.
        seldom("server-waits-for-upstream"),
        seldom("container-publishes-port", "forwarder-owns-port"),
        seldom("firewall-rule-drops"),
        never("request-not-acknowledged"),
    ),
    decided_by="the state of the server's process, and bytes that wait in its Recv-Q",
    checks=(
        *on_each_os(
            linux="ps -o pid,stat,wchan:24,time,args -p"
            ' "$(lsof -nP -t -iTCP:{port} -sTCP:LISTEN | paste -sd, -)"',
            macos='ps -o pid,stat,time,command -p "$(lsof -nP -t -iTCP:{port} -sTCP:LISTEN | paste -sd, -)"',
            windows="Get-Process -Id (Get-NetTCPConnection -State Listen -LocalPort {port}).OwningProcess"
            " | Select-Object Id, Name, Responding, CPU",
            expect="state T (stopped), D (waits for a device), or a CPU time that stands still or only rises",
            then="T: kill -CONT its number. Else look at its stack (py-spy dump, jstack, gdb -p, sample)",
        ),
        *on_each_os(
            linux="ss -tnp 'sport = :{port}'",
            macos="netstat -an -p tcp | grep '[.]{port} '",
            windows="Get-NetTCPConnection -LocalPort {port} -State Established",
            expect="connections with bytes in Recv-Q that stay (Windows shows the connections only)",
            then="the program does not read them: it hangs. Recv-Q 0: it has read the request",
        ),
    ),
    fixes=(
        Fix(
            "Continue the stopped process (kill -CONT its number), or end it: the others then get its share.",
            where(sign="port-sharer-stopped"),
        ),
        Fix(
            "A stopped process: kill -CONT its number; find who stopped it (a debugger, Ctrl-Z, SIGSTOP).",
            where(sign="server-process-stopped"),
        ),
        "Take a stack dump of the server first, then restart it; the dump shows what it waited for.",
        "Put a time limit on everything the server itself waits for: databases, locks, other services.",
        "Let a health check ask a question and expect the answer, not only connect.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man1/ps.1.html",
        "https://man7.org/linux/man-pages/man2/accept.2.html",
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.10.7.4",
    ),
    proof=(
        yes("server-silent", "request-acknowledged", "server-process-stopped"),
        yes("server-silent", "request-acknowledged", "port-sharer-stopped"),
    ),
    shows_by=(
        yes(
            "server-silent",
            "answer-stalled",
            "nobody-spoke",
            "late-answer",
            "server-process-stopped",
            "port-sharer-stopped",
            "many-completed-before-silence",
        ),
    ),
    refines=("accept-queue-overflow",),
    says=(
        (
            "port-sharer-stopped",
            "Several processes share the port and one is stopped: it gets a part of the connections.",
        ),
        ("server-process-stopped", "Its process is stopped, dead or blocked."),
        ("greeting-met-silence", "It answers no other greeting either."),
        ("answer-stalled", "It fell silent in the middle of its answer."),
        ("client-gave-up", "The client gave up waiting."),
        ("request-acknowledged", "Its kernel acknowledged the request; the program did not answer."),
    ),
    headlines=(
        ("port-sharer-stopped", "Two processes share port {port}, and one of them is stopped"),
        ("server-process-stopped", "{observed}"),
    ),
)
