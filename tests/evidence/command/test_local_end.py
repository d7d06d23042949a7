"""Whose bind failed, by the words of real clients and servers, and where the client's own end is set."""

from __future__ import annotations

import pytest

from synscope.evidence.command.observe import observe_command
from synscope.model import Answer, Target

TARGET = Target("localhost:8080", 8080, "localhost")
ABOUT = {
    "client-source-missing",
    "client-source-port-in-use",
    "client-error-no-address",
    "client-error-family",
    "client-error-resources",
    "bind-failed-in-use",
    "bind-failed-permission",
}
IN_PYTHON = ("Traceback (most recent call last):", "    sock.bind(source_address)")
OF_NODE = ("Error: bind {0} 127.0.0.1:8080", "    at internalConnect (node:net:1060:18)", "  code: '{0}',")


def yes(command: str, *lines: str, status: int = 1) -> set[str]:
    seen = observe_command(command.split(), TARGET, lines=lines, status=status, exit_status=status)
    return {said.name for said in seen if said.answer is Answer.YES} & ABOUT


def node(name: str) -> tuple[str, ...]:
    return tuple(line.format(name) for line in OF_NODE)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (
            "curl --interface 10.9.9.9 localhost:8080",
            ("curl: (45) bind failed with errno 99: Cannot assign requested address",),
        ),
        ("curl --interface eth9 localhost:8080", ("curl: (45) Couldn't bind to 'eth9'",)),
        ("nc -s 10.9.9.9 127.0.0.1 8080", ("nc: bind failed: Cannot assign requested address",)),
        (
            "ssh -b 10.9.9.9 127.0.0.1",
            ("bind 10.9.9.9: Cannot assign requested address", "ssh: connect to host 127.0.0.1: failure"),
        ),
        ("ssh -B eth9 127.0.0.1", ("getifaddrs: eth9: no suitable addresses",)),
        (
            "ncat -s 10.9.9.9 127.0.0.1 8080",
            (
                "libnsock mksock_bind_addr(): Bind to 10.9.9.9:0 failed (IOD #1): "
                "Cannot assign requested address (99)",
            ),
        ),
        ("python3 c.py", (*IN_PYTHON, "OSError: [Errno 99] Cannot assign requested address")),
        ("node c.js", node("EADDRNOTAVAIL")),
        ("./client", ("dial tcp 10.9.9.9:0->127.0.0.1:8080: bind: cannot assign requested address",)),
    ],
)
def test_an_address_of_its_own_that_is_not_there(command: str, lines: tuple[str, ...]) -> None:
    assert yes(command, *lines) == {"client-source-missing"}


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (
            "curl --local-port 50001 localhost:8080",
            ("curl: (45) bind failed with errno 98: Address already in use",),
        ),
        ("sh c.sh", ("curl: (45) bind failed with errno 98: Address already in use",)),
        ("nc -p 50001 127.0.0.1 8080", ("nc: bind failed: Address already in use",)),
        ("python3 c.py", (*IN_PYTHON, "OSError: [Errno 98] Address already in use")),
        ("node c.js", node("EADDRINUSE")),
    ],
)
def test_a_port_of_its_own_that_is_taken(command: str, lines: tuple[str, ...]) -> None:
    assert yes(command, *lines) == {"client-source-port-in-use"}


@pytest.mark.parametrize(
    "lines",
    [
        ("Error: listen EADDRINUSE: address already in use 127.0.0.1:8080",),
        ("    self.socket.bind(self.server_address)", "OSError: [Errno 98] Address already in use"),
        ("nginx: [emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)",),
    ],
)
def test_a_servers_bind_is_not_the_clients(lines: tuple[str, ...]) -> None:
    """Not even where a client beside it has a port of its own."""
    assert "bind-failed-in-use" in yes("sh -c server", *lines)
    assert "client-source-port-in-use" not in yes("sh -c server", *lines)
    argv = ["sh", "-c", "server & curl --local-port 50001 localhost:8080"]
    seen = observe_command(argv, TARGET, lines=lines, status=1, exit_status=1)
    assert {said.name for said in seen if said.answer is Answer.YES} >= {
        "bind-failed-in-use",
        "command-sets-own-end",
    }


def test_a_connect_without_a_local_address_is_no_exhaustion_by_itself() -> None:
    line = "nc: connect to ::1 port 8080 (tcp) failed: Cannot assign requested address"
    assert yes("nc ::1 8080", line) == {"client-error-no-address"}
    # wget says the same of its bind and of its connect.
    line = "Connecting to 127.0.0.1:8080... failed: Cannot assign requested address."
    assert yes("wget --bind-address=10.9.9.9 127.0.0.1:8080", line) == {"client-error-no-address"}
    assert yes("sh", "bash: socket: Too many open files") == {"client-error-resources"}


def test_a_family_that_is_not_there() -> None:
    line = "curl: (7) Couldn't open socket: Address family not supported by protocol"
    assert yes("curl localhost:8080", line) >= {"client-error-family"}


def test_a_silent_curl_with_an_interface() -> None:
    assert yes("curl -s --interface eth9 localhost:8080", status=45) == {"client-source-missing"}
    assert yes("curl -s --local-port 50001 localhost:8080", status=45) == set()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("curl --interface eth0 localhost:8080", Answer.YES),
        ("socat - TCP:localhost:8080,bind=10.0.0.1", Answer.YES),
        ("nc -s 127.0.0.1 localhost 8080", Answer.YES),
        ("curl localhost:8080", Answer.NO),
        ("grep -s bind file", Answer.NO),
    ],
)
def test_whether_the_command_sets_its_own_end(command: str, answer: Answer) -> None:
    seen = observe_command(command.split(), TARGET, lines=(), status=1, exit_status=1)
    assert next(said for said in seen if said.name == "command-sets-own-end").answer is answer


@pytest.mark.parametrize(
    "lines",
    [
        ("Error: bind EADDRNOTAVAIL 10.8.0.6",),
        (
            "socket.rb:54:in `bind': Failed to open TCP connection to 127.0.0.1:8080 "
            "(Cannot assign requested address - bind(2) for 10.8.0.6) (Errno::EADDRNOTAVAIL)",
        ),
        (
            "java.net.BindException: Cannot assign requested address",
            "\tat java.base/java.net.Socket.bind(Socket.java:666)",
        ),
        (
            "OSError: [Errno 99] error while attempting to bind on address ('10.8.0.6', 0): "
            "cannot assign requested address",
        ),
    ],
)
def test_an_own_address_that_is_gone_in_several_languages(lines: tuple[str, ...]) -> None:
    assert "client-source-missing" in yes("sh", *lines)


@pytest.mark.parametrize(
    "lines",
    [
        ("Error: listen EADDRNOTAVAIL: address not available 10.8.0.6:8080",),
        (
            "java.net.BindException: Cannot assign requested address",
            "\tat java.base/java.net.ServerSocket.bind(ServerSocket.java:395)",
        ),
        (
            "OSError: [Errno 99] error while attempting to bind on address ('10.8.0.6', 8080): "
            "cannot assign requested address",
        ),
    ],
)
def test_a_servers_address_is_not_the_clients(lines: tuple[str, ...]) -> None:
    assert "client-source-missing" not in yes("sh", *lines)
