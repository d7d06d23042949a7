"""SYN149: the client cannot have the local port that it was told to use."""

from __future__ import annotations

from synscope.causes.cause import Cause, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN149",
    slug="source-port-in-use",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client's own port is in use, so it never asks port {port}",
    summary="The client was told from which local port to connect, and that port is in use.",
    meaning=(
        "A client that is bound to a fixed port of its own (curl --local-port, nc -p, localPort or source_address "
        "in programs) can have one connection to a server at a time. After a connection that the client closed "
        "first, the port stays in TIME-WAIT for a minute, and the next bind() fails with 'Address already in use'. "
        "The words are those of a server that cannot start, but the server is well."
    ),
    documented_in=("field",),
    stops=(Stage.SOCKET,),
    predicts=(
        usually("client-source-port-in-use", "kernel-saw-own-bind-in-use", "kernel-saw-own-end-taken"),
        usually("command-sets-own-end"),
        usually("kernel-saw-bind-in-use"),
    ),
    decided_by="who says 'Address already in use': the client, or a server that starts",
    checks=on_each_os(
        linux="ss -tanp 'dport = :{port}'",
        macos="netstat -an -p tcp | grep '[.]{port} '",
        windows="Get-NetTCPConnection -RemotePort {port} | Select-Object LocalPort, State, OwningProcess",
        expect="a connection from the client's fixed port, often in TIME-WAIT",
        then="wait a minute or let the system choose the port. No such line: another socket has the port",
    ),
    fixes=(
        "Leave the local port out: the system chooses a free one.",
        "Or give a range: curl --local-port 50000-50100.",
        "Where a firewall needs a fixed port, let the server close first, or set SO_REUSEADDR in the client.",
    ),
    references=(
        "https://curl.se/docs/manpage.html#--local-port",
        "https://man7.org/linux/man-pages/man7/ip.7.html",
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.6.1",
    ),
    proof=(
        yes("client-source-port-in-use"),
        yes("no-syn-to-target", "kernel-saw-own-end-taken"),
        yes("no-syn-to-target", "kernel-saw-own-bind-in-use", "command-sets-own-end"),
    ),
    shows_by=(yes("client-source-port-in-use", "kernel-saw-own-bind-in-use", "kernel-saw-own-end-taken"),),
    refines=("resource-limits",),
    says=(
        (
            "kernel-saw-own-end-taken",
            "The kernel refused the connect: that local end is in use toward the target.",
        ),
        ("command-sets-own-end", "The command line has the setting."),
    ),
)
