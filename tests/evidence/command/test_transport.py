"""By which transport clients go, in their words and their command lines."""

from __future__ import annotations

import pytest

from synscope.evidence.command.observe import observe_command
from synscope.model import Answer, Target

PSQL = 'psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file'


def answer(name: str, command: tuple[str, ...], *lines: str, port: int = 5432) -> Answer:
    target = Target(f"localhost:{port}", port, "localhost")
    seen = observe_command(command, target, lines=lines, status=1, exit_status=1)
    return next(said for said in seen if said.name == name).answer


@pytest.mark.parametrize(
    "line",
    [
        PSQL,
        "ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock' (2)",
        "ERROR 2002 (HY000): Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)",
        "dial unix /run/app.sock: connect: no such file or directory",
        "Error: connect ENOENT /run/app.sock",
        "could not connect to unix:///run/app.sock",
    ],
)
def test_words_about_a_socket_file(line: str) -> None:
    assert answer("client-error-socket-file", ("x",), line) is Answer.YES


@pytest.mark.parametrize(
    "line",
    [
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "curl: (7) Failed to connect to localhost port 5432 after 0 ms: Couldn't connect to server",
        'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
        "Error: socket hang up",
        PSQL.replace("5432", "5433"),
    ],
)
def test_words_about_something_else(line: str) -> None:
    assert answer("client-error-socket-file", ("x",), line) is Answer.UNKNOWN


@pytest.mark.parametrize(
    "command",
    [
        ("psql", "-U", "postgres", "-c", "select 1"),
        ("psql", "-h", "/tmp"),
        ("mysql", "-u", "root"),
        ("mysql", "-h", "localhost"),
        ("nc", "-u", "127.0.0.1", "5432"),
        ("nc", "-zvu", "127.0.0.1", "5432"),
        ("curl", "--unix-socket", "/run/x", "http://localhost:5432/"),
        ("dig", "@127.0.0.1", "-p", "5432", "a.example"),
        ("sh", "-c", "nc -U /run/x </dev/null"),
        ("socat", "-", "UDP:127.0.0.1:5432"),
        ("sh", "-c", 'php -r \'new mysqli("localhost", "root", "", "", 5432);\''),
        ("php", "-r", "new PDO('mysql:dbname=a;host=localhost');"),
    ],
)
def test_commands_that_do_not_speak_tcp(command: tuple[str, ...]) -> None:
    assert answer("command-asks-other-transport", command) is Answer.YES


@pytest.mark.parametrize(
    "command",
    [
        ("psql", "-h", "127.0.0.1"),
        ("psql", "postgresql://127.0.0.1/db"),
        ("mysql", "-h", "127.0.0.1"),
        ("php", "-r", "new mysqli('127.0.0.1', 'root');"),
        ("mysql", "--protocol=TCP", "-h", "localhost"),
        ("nc", "127.0.0.1", "5432"),
        ("dig", "+tcp", "@127.0.0.1", "-p", "5432", "a.example"),
        ("curl", "-u", "user:password", "http://localhost:5432/"),
        ("sh", "-c", "nc -u 127.0.0.1 53; curl http://localhost:5432/"),
    ],
)
def test_commands_that_speak_tcp(command: tuple[str, ...]) -> None:
    assert answer("command-asks-other-transport", command) is Answer.NO


@pytest.mark.parametrize(
    "line",
    [
        "2002: No such file or directory",
        "PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] No such file or directory in a.php:1",
        "-e:1:in `initialize': No such file or directory - connect(2) for /run/a.sock (Errno::ENOENT)",
        "Could not connect to Redis at /run/a.sock: No such file or directory",
        "(2003, \"Can't connect to MySQL server on 'localhost' ([Errno 2] No such file or directory)\")",
    ],
)
def test_a_socket_file_in_several_languages(line: str) -> None:
    assert answer("client-error-socket-file", ("sh",), line) is Answer.YES


def test_another_file_is_no_socket() -> None:
    assert answer("client-error-socket-file", ("sh",), "cat: /a: No such file or directory") is not Answer.YES
