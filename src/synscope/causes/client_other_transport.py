"""SYN147: client and server do not use the same transport: one of them speaks UDP or uses a Unix socket file."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, never, on_each_os, only, seldom, usually, where, yes
from synscope.model import Kind, Stage, Transport

CAUSE = Cause(
    code="SYN147",
    slug="client-other-transport",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client or the server does not use TCP, so they do not meet at port {port}",
    summary="One side speaks UDP or uses a Unix socket file, and the two do not meet over TCP at port {port}.",
    meaning=(
        "Many clients of databases and of services on the same machine use a file, a Unix socket, when no host is "
        "named: psql, mysql and mariadb (for which localhost means the file too), php, docker, curl --unix-socket. "
        "A missing file fails with 'No such file or directory', and no packet shows it. Other clients speak UDP: "
        "dig, NTP, nc -u, HTTP/3. A server that listens on TCP is never asked. The other way round, a server can "
        "run with a Unix socket alone (mysqld --skip-networking, redis with port 0, supervisord without "
        "inet_http_server, php-fpm, dockerd) or speak UDP alone (statsd, syslog, tftp): a UDP socket and a TCP "
        "socket of one number have nothing to do with each other. The kernel then refuses a client that comes over "
        "TCP, as if nothing ran."
    ),
    documented_in=("field",),
    stops=(Stage.CLIENT, Stage.LISTENER),
    predicts=(
        usually(
            "client-error-socket-file",
            "command-asks-other-transport",
            "kernel-saw-udp-instead",
            "kernel-saw-socket-file-only",
            "udp-or-unix-lookalike",
            "udp-serves-port",
            "server-on-unix-socket",
        ),
        seldom("proxy-configured"),
        seldom("client-error-name"),
        seldom("client-error-unreachable"),
        seldom("client-error-denied"),
        seldom("client-error-other-port"),
        seldom("kernel-saw-listener-close", "listener-vanished"),
        never("some-completed"),
    ),
    decided_by="the transports of both sides: the path in the client's message, the sockets of the server",
    checks=(
        *only(
            where(Transport.UNIX_SOCKET),
            on_each_os(
                linux="ss -lxp",
                macos="lsof -nP -U",
                windows="Get-ChildItem //./pipe/",
                expect="the file that the client names is not in the list",
                then="tell the client to use TCP, or the server to make the file. It is there: compare the path",
            ),
        ),
        *only(
            where(Transport.UDP),
            on_each_os(
                linux="ss -lunp 'sport = :{port}'",
                macos="lsof -nP -iUDP:{port}",
                windows="Get-NetUDPEndpoint -LocalPort {port} -ErrorAction SilentlyContinue",
                expect="no line",
                then="nothing takes UDP there: let the client use TCP. A line: the client reaches that, not TCP",
            ),
        ),
    ),
    fixes=(
        Fix(
            "psql and its like: add -h 127.0.0.1 -p {port}. Without a host they look for a socket file.",
            where(Transport.UNIX_SOCKET, protocol="postgres"),
        ),
        Fix(
            "mysql, mariadb, php: name 127.0.0.1, not localhost, or add --protocol=TCP.",
            where(Transport.UNIX_SOCKET, protocol="mysql"),
        ),
        Fix("Leave out the option that asks for UDP: -u, +notcp.", where(Transport.UDP)),
        Fix(
            "Let the server listen on TCP: mysqld without --skip-networking, redis-server --port {port}, supervisord"
            " with [inet_http_server], php-fpm with listen = 127.0.0.1:{port}. Or give the client the socket file.",
            where(sign="server-on-unix-socket"),
        ),
        Fix(
            "Let the client speak UDP, as the server does, or switch TCP on in the server.",
            where(sign="udp-serves-port"),
        ),
        "Name host and port in the client, and leave out the option that asks for UDP or for a file.",
        Fix(
            "Or let the server listen on the socket file that the client names.", where(Transport.UNIX_SOCKET)
        ),
    ),
    references=(
        "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-HOST",
        "https://dev.mysql.com/doc/refman/8.4/en/connecting.html",
        "https://man7.org/linux/man-pages/man7/unix.7.html",
    ),
    proof=(
        yes("no-syn-to-target", "client-error-socket-file", "command-asks-other-transport"),
        yes("no-syn-to-target", "kernel-saw-udp-instead"),
        yes("no-syn-to-target", "client-error-socket-file", "kernel-saw-socket-file-only"),
    ),
    # Without a word that the server uses something else, a client whose SYN was refused has used TCP.
    shows_by=(
        yes(
            "client-error-socket-file",
            "command-asks-other-transport",
            "kernel-saw-udp-instead",
            "kernel-saw-socket-file-only",
            "udp-or-unix-lookalike",
            "udp-serves-port",
            "server-on-unix-socket",
        ),
        yes(
            "no-syn-to-target",
            "kernel-saw-udp-instead",
            "kernel-saw-socket-file-only",
            "udp-or-unix-lookalike",
            "udp-serves-port",
            "server-on-unix-socket",
        ),
    ),
    refines=("service-not-running",),
    says=(
        ("server-on-unix-socket", "{observed}."),
        ("udp-serves-port", "{observed}."),
        ("udp-or-unix-lookalike", "{observed}."),
        ("kernel-saw-udp-instead", "{observed}."),
        ("kernel-saw-socket-file-only", "{observed}."),
        ("client-error-socket-file", "Its message is about a Unix socket file."),
        ("command-asks-other-transport", "The command itself asks for it."),
    ),
    headlines=(
        ("server-on-unix-socket", "{observed}, and the client goes to TCP port {port}"),
        ("udp-serves-port", "{observed}"),
        ("udp-or-unix-lookalike", "{observed}, which TCP port {port} does not lead to"),
        (
            "client-error-socket-file",
            "The client uses a Unix socket file, so it never comes to TCP port {port}",
        ),
        ("command-asks-other-transport", "{observed}, so it never comes to TCP port {port}"),
        ("kernel-saw-udp-instead", "The client speaks UDP, so it never comes to TCP port {port}"),
    ),
)
