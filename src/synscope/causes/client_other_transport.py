"""SYN147: the client speaks UDP or uses a Unix socket file, so nothing comes over TCP."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN147",
    slug="client-other-transport",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client does not use TCP, so it never comes to port {port}",
    summary="The client speaks UDP or uses a Unix socket file, and TCP port {port} sees nothing of it.",
    meaning=(
        "Many clients of databases and of services on the same machine use a file, a Unix socket, when no host is "
        "named: psql, mysql and mariadb (for which localhost means the file too), php, docker, curl --unix-socket. "
        "A missing file fails with 'No such file or directory', and no packet shows it. Other clients speak UDP: "
        "dig, NTP, nc -u, HTTP/3. A server that listens on TCP is never asked."
    ),
    documented_in=("field",),
    stops=(Stage.CLIENT,),
    predicts=(
        usually("client-error-socket-file", "command-asks-other-transport"),
        seldom("proxy-configured"),
        seldom("client-error-name"),
        seldom("client-error-unreachable"),
        seldom("client-error-denied"),
        seldom("client-error-other-port"),
        never("some-completed"),
    ),
    decided_by="the client's message: it names a path instead of a host and a port",
    checks=on_each_os(
        linux="ss -ltnp 'sport = :{port}'; ss -lunp 'sport = :{port}'; ss -lxp",
        macos="lsof -nP -iTCP:{port} -sTCP:LISTEN; lsof -nP -iUDP:{port}; lsof -nP -U",
        windows="Get-NetTCPConnection -State Listen -LocalPort {port}; Get-NetUDPEndpoint -LocalPort {port}",
        expect="the server listens on TCP only, or the file that the client names is not in the list",
        then="tell the client to use TCP, or the server to make the file. Both there: the client has the wrong path",
    ),
    fixes=(
        "psql: add -h 127.0.0.1 -p {port}. Without a host it looks for a socket file.",
        "mysql, mariadb, php: name 127.0.0.1, not localhost, or add --protocol=TCP.",
        "Leave out the option that asks for UDP or for a file: -u, -U, --unix-socket, -S.",
    ),
    references=(
        "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-HOST",
        "https://dev.mysql.com/doc/refman/8.4/en/connecting.html",
        "https://man7.org/linux/man-pages/man7/unix.7.html",
    ),
    proof=(yes("no-syn-to-target", "client-error-socket-file", "command-asks-other-transport"),),
    shows_by=(yes("client-error-socket-file", "command-asks-other-transport"),),
    says=(
        ("client-error-socket-file", "Its message is about a Unix socket file."),
        ("command-asks-other-transport", "The command itself asks for it."),
    ),
)
