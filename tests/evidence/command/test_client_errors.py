"""What the last words of real commands are taken to mean."""

from __future__ import annotations

import pytest

from synscope.evidence.command import client_errors
from synscope.evidence.command.observe import observe_command
from synscope.evidence.command.view import CommandView
from synscope.evidence.question import collected
from synscope.model import Answer, Source, Target

TARGET = Target("localhost:62893", 62893, "localhost")
NAMES = {asked.question.name for asked in collected(client_errors)}
OUT_OF_RANGE = Target("localhost:619009", 619009, "localhost")


def answers(program: str, *lines: str, status: int = 1, target: Target = TARGET) -> dict[str, Answer]:
    seen = observe_command((program,), target, lines=lines, status=status, exit_status=status)
    assert all(said.source is Source.HOST and said.text for said in seen)
    return {said.name: said.answer for said in seen if said.name in NAMES}


def yes(program: str, *lines: str, status: int = 1, target: Target = TARGET) -> list[str]:
    found = answers(program, *lines, status=status, target=target)
    return [name for name, answer in found.items() if answer is Answer.YES]


def test_every_meaning_is_in_the_table() -> None:
    from synscope.reference.errors import ERRORS

    known = {error.name for error in ERRORS}
    assert {error for asked in collected(client_errors) for error in asked.question.errors} <= known


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (
            "curl",
            "curl: (7) Failed to connect to localhost port 62893 after 0 ms: Couldn't connect to server",
        ),
        ("nc", "nc: connect to localhost port 62893 (tcp) failed: Connection refused"),
        ("python", "ConnectionRefusedError: [Errno 111] Connection refused"),
        ("node", "Error: connect ECONNREFUSED 127.0.0.1:62893"),
    ],
)
def test_refused(program: str, line: str) -> None:
    assert yes(program, "Traceback (most recent call last):", line) == ["client-error-refused"]


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("wget", "http://localhost:619009/: Bad port number."),
        ("ssh", "Bad port '619009'"),
        ("python", "OverflowError: connect(): port must be 0-65535."),
        (
            "node",
            "RangeError [ERR_SOCKET_BAD_PORT]: Port should be >= 0 and < 65536. Received type number (619009).",
        ),
    ],
)
def test_impossible_port(program: str, line: str) -> None:
    assert yes(program, line, target=OUT_OF_RANGE) == ["client-error-port-invalid"]


def test_name_and_route() -> None:
    assert yes("curl", "curl: (6) Could not resolve host: nope") == ["client-error-name"]
    assert yes("nc", "nc: connect to 10.0.0.1 port 62893 (tcp) failed: No route to host") == [
        "client-error-unreachable"
    ]


def test_a_silent_curl_speaks_by_its_status() -> None:
    assert yes("curl", status=7) == ["client-error-refused"]
    assert yes("curl", status=6) == ["client-error-name"]
    assert yes("other", status=7) == []


def test_an_invalid_url_is_an_invalid_port_only_where_the_number_is_none() -> None:
    line = "curl: (3) URL using bad/illegal format or missing URL"
    assert yes("curl", line, status=3, target=OUT_OF_RANGE) == ["client-error-port-invalid"]
    assert yes("curl", status=3, target=OUT_OF_RANGE) == ["client-error-port-invalid"]
    assert yes("curl", line, status=3) == []


def test_another_port_is_about_something_else() -> None:
    line = "Error: connect ECONNREFUSED 127.0.0.1:3128"
    assert yes("node", line) == []
    (refused, *_) = observe_command(("node",), TARGET, lines=(line,), status=1, exit_status=1)
    assert refused.answer is Answer.UNKNOWN
    assert "another port" in refused.text


def test_the_shortened_number_is_the_same_target() -> None:
    assert yes("nc", "connect to localhost port 29185 failed: Connection refused", target=OUT_OF_RANGE)


def test_silence_and_success_say_nothing() -> None:
    silent = answers("curl", status=0)
    assert silent.pop("command-succeeded") is Answer.YES
    assert set(silent.values()) == {Answer.UNKNOWN}
    talking = answers("x", "all is well")
    assert talking.pop("command-succeeded") is Answer.NO
    assert set(talking.values()) == {Answer.UNKNOWN}


def test_the_lines_of_one_error_belong_together() -> None:
    lines = ("Error: listen EADDRINUSE: address already in use 127.0.0.1:9999", "  code: 'EADDRINUSE',")
    assert yes("node", *lines) == []
    own = tuple(line.replace("9999", str(TARGET.port)) for line in lines)
    assert yes("node", *own) == ["bind-failed-in-use", "bind-failure-names-port"]


def test_the_last_word_comes_first_and_each_meaning_once() -> None:
    lines = ("Connection refused", "Could not resolve host: a", "Connection refused again")
    said = CommandView(("x",), TARGET, lines, 1, 1).said
    assert [line.meaning.name for line in said] == ["ECONNREFUSED", "EAI_NONAME"]
    assert said[0].line == "Connection refused again"


BIND = ("Traceback (most recent call last):", "    self.socket.bind(self.server_address)")


def test_what_a_server_beside_the_client_says() -> None:
    refused = "PermissionError: [Errno 13] Permission denied"
    assert yes("sh", *BIND, refused) == ["bind-failed-permission"]
    assert yes("sh", "Error: listen EACCES: permission denied 0.0.0.0:62893") == [
        "bind-failed-permission",
        "bind-failure-names-port",
    ]
    assert yes("sh", "Error: listen EACCES: permission denied 0.0.0.0:443") == []
    assert yes("sh", f"{refused}: '/var/log/it'") == []
    assert yes("sh", *BIND, "OSError: [Errno 98] Address already in use") == ["bind-failed-in-use"]


def test_a_program_of_node_that_dies() -> None:
    """Its last words are followed by the trace and the version."""
    last = ("    at Module._compile (node:internal/modules/cjs/loader:1521:14)", "", "Node.js v20.20.2")
    assert yes("sh", "Error: DATABASE_URL is not set", *last) == ["program-crashed"]
    assert yes("node", "Error: socket hang up", *last) == []
    assert yes("sh", "Error: DATABASE_URL is not set") == []


@pytest.mark.parametrize(
    ("port", "answer"), [(":62893", Answer.YES), (":80", Answer.NO), ("", Answer.UNKNOWN)]
)
def test_which_port_a_bind_was_for(port: str, answer: Answer) -> None:
    line = f"Error: listen EACCES: permission denied 0.0.0.0{port}"
    assert answers("node", line)["bind-failure-names-port"] is answer


def test_a_bind_that_is_not_permitted_is_a_policys() -> None:
    """What a privilege is wanting for is 'permission denied', EACCES."""
    binds = (
        "    self.socket.bind(self.server_address)",
        "PermissionError: [Errno 1] Operation not permitted",
    )
    assert yes("sh", *binds) == ["bind-failed-permission", "bind-failed-policy"]
    denied = ("    self.socket.bind(self.server_address)", "PermissionError: [Errno 13] Permission denied")
    assert yes("sh", *denied) == ["bind-failed-permission"]
    assert "bind-failed-policy" not in yes("python", "PermissionError: [Errno 1] Operation not permitted")


@pytest.mark.parametrize(
    "line",
    [
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB.",
        "INFO 11-21 18:00:01 model_runner.py:1056] Starting to load model meta-llama/Llama-3-70B-Instruct...",
        "Loading checkpoint shards:  25%|##5       | 1/4 [00:01<00:04,  1.40s/it]",
        "load_tensors: loading model tensors, this can take a while...",
    ],
)
def test_a_program_that_tells_of_its_model(line: str) -> None:
    refused = "curl: (7) Failed to connect to localhost port 62893 after 0 ms: Couldn't connect to server"
    assert "model-told-of" in yes("sh", line, refused)


@pytest.mark.parametrize(
    "line", ["loading configuration", "No module named 'models'", "loading data model.py"]
)
def test_what_is_no_model(line: str) -> None:
    assert "model-told-of" not in yes("sh", line)


def test_running_out_is_the_clients_unless_a_server_binds() -> None:
    assert yes("bash", "bash: socket: Too many open files") == ["client-error-resources"]
    assert yes("python", "OSError: [Errno 24] Too many open files") == ["client-error-resources"]
    line = "OSError: [Errno 99] Cannot assign requested address"
    assert yes("python", line) == []
    assert yes("python", *BIND, line) == []


@pytest.mark.parametrize(
    "line",
    [
        "ModuleNotFoundError: No module named 'flask'",
        "app.config.ConfigError: no database",
        "panic: runtime error: index out of range",
        "thread 'main' panicked at src/main.rs:3",
        "bash: line 1:  4242 Segmentation fault      (core dumped) ./server",
        "Error: Cannot find module 'express'",
        "2026-11-29  3:04:48 0 [ERROR] Aborting",
        "ERROR: server failed to start: no such table",
        "app exiting with code 1",
    ],
)
def test_a_program_that_dies_of_itself(line: str) -> None:
    assert yes("sh", "Traceback (most recent call last):", line, "and more") == ["program-crashed"]


@pytest.mark.parametrize(
    "line",
    [
        "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host localhost:62893",
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='localhost'): Connection refused",
        "httpx.ConnectTimeout: timed out",
        "an error: ValueError was mentioned",
        "could not connect to the broker, aborting",
    ],
)
def test_a_clients_own_failure_is_no_crash(line: str) -> None:
    assert "program-crashed" not in yes("python", line)


def test_what_the_client_may_not_and_does_not_trust() -> None:
    assert yes("python", "PermissionError: [Errno 13] Permission denied") == ["client-error-denied"]
    assert yes("bash", "bash: connect: Permission denied") == ["client-error-denied"]
    assert yes("sh", "PermissionError: [Errno 13] Permission denied: '/etc/key.pem'") == []
    line = "read tcp 127.0.0.1:4->127.0.0.1:62893: remote error: tls: certificate required"
    assert yes("etcdctl", line) == ["client-error-own-certificate"]
    for line in ("remote error: tls: bad certificate", "error:0A000418:SSL routines::tlsv1 alert unknown ca"):
        assert yes("etcdctl", line) == ["client-error-own-certificate"]
    line = (
        "SSL_do_handshake() failed (SSL routines::tlsv1 alert unknown ca), client: 127.0.0.1, server: a:62893"
    )
    assert yes("nginx", line) == ["client-error-certificate"]
    line = "curl: (60) SSL certificate problem: self-signed certificate"
    assert yes("curl", line, status=60) == ["client-error-certificate"]


@pytest.mark.parametrize(
    "line",
    [
        "curl: (6) Could not resolve host: db",
        "wget: unable to resolve host address 'db'",
        "wget: bad address 'db:62893'",
        'psql: error: could not translate host name "db" to address: Temporary failure in name resolution',
        "Error: getaddrinfo ENOTFOUND db",
        "dial tcp: lookup db on 10.0.0.2:53: no such host",
        "dial tcp: lookup db on 127.0.0.53:53: server misbehaving",
        "java.net.UnknownHostException: db",
        "ERROR 2005 (HY000): Unknown MySQL server host 'db' (-2)",
        "Could not connect to Redis at db:62893: Name or service not known",
        "nodename nor servname provided, or not known",
    ],
)
def test_a_name_that_does_not_resolve(line: str) -> None:
    assert "client-error-name" in yes("x", line)


def test_a_name_that_another_port_was_asked_with() -> None:
    assert "client-error-name" not in yes("x", "Could not connect to db:99: Name or service not known")
