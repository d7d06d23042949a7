"""Every label, produced live: a real client against this machine's kernel, and what the report calls it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.kernel import need
from tests.live import program
from tests.live.program import Done, python

pytestmark = pytest.mark.usefixtures("kernel")

SERVER = """
import socket, struct, sys, time
address, port, what, backlog = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
if what == "late":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waiting:
        waiting.bind((address, port))
        print("waiting", flush=True)
        waiting.recv(1)
    time.sleep(1)
made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
made.bind((address, port))
made.listen(backlog)
print("listening", flush=True)
if what == "sleep":
    time.sleep(60)
while True:
    got, _ = made.accept()
    asked = got.recv(4096)
    if what == "reset":
        got.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    else:
        got.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    got.close()
"""
CONNECT = """
import socket, sys
for address in sys.argv[2:]:
    try:
        made = socket.create_connection((address, int(sys.argv[1])), 1.5)
        made.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        while made.recv(4096):
            pass
        break
    except OSError as error:
        said = error
else:
    sys.exit(f"{type(said).__name__}: {said}")
"""
FILL = """
import socket, sys, time
held = []
for _ in range(4):
    try:
        held.append(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1.5))
    except TimeoutError as error:
        sys.exit(f"TimeoutError: {error}")
    time.sleep(0.1)
"""
RETRY = """
import socket, sys, time
address = ("127.0.0.1", int(sys.argv[1]))
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"!", address)
while True:
    try:
        made = socket.create_connection(address, 1.5)
        break
    except ConnectionRefusedError:
        time.sleep(0.3)
made.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
while made.recv(4096):
    pass
"""


def curl(*words: str) -> tuple[str, ...]:
    return ("curl", "-sS", "-o", "/dev/null", *words)


@dataclass(frozen=True, slots=True)
class Server:
    address: str = "127.0.0.1"
    port: int = 8000
    what: str = "answer"
    backlog: int = 16

    @property
    def command(self) -> Sequence[str]:
        return python(SERVER, self.address, str(self.port), self.what, str(self.backlog))


@dataclass(frozen=True, slots=True)
class Story:
    """What is set up, what the client does, and what the report must say."""

    command: Sequence[str]
    label: str
    outcomes: dict[str, int] | None
    best: frozenset[str]
    command_status: int
    status: int
    servers: tuple[Server, ...] = ()
    rule: str = ""
    """An nft rule of the chain ``input``."""
    target: str = ""
    """Where the command does not say."""
    variables: tuple[tuple[str, str], ...] = ()


def story(
    command: Sequence[str],
    label: str,
    outcomes: dict[str, int] | None,
    best: str,
    *,
    exits: int,
    status: int | None = None,
    servers: tuple[Server, ...] = (),
    rule: str = "",
    target: str = "",
    variables: tuple[tuple[str, str], ...] = (),
) -> Story:
    return Story(
        command,
        label,
        outcomes,
        frozenset(best.split()),
        exits,
        (exits or 1) if status is None else status,
        servers,
        rule,
        target,
        variables,
    )


DROPPED = "tcp dport 8000 drop"
SERVED = (Server(),)
STORIES = {
    "refused": story(
        curl("http://127.0.0.1:62893/"), "SYN-RST", {"refused": 1}, "service-not-running", exits=7
    ),
    "dropped": story(
        curl("--connect-timeout", "1.5", "http://127.0.0.1:8000/"),
        "SYN-no-reply",
        {"unanswered": 1},
        "firewall-drop",
        exits=28,
        servers=SERVED,
        rule=DROPPED,
    ),
    "rejected with RST": story(
        curl("http://127.0.0.1:8000/"),
        "SYN-RST",
        {"refused": 1},
        "firewall-reject",
        exits=7,
        servers=SERVED,
        rule="tcp dport 8000 reject with tcp reset",
    ),
    "rejected with ICMP": story(
        python(CONNECT, "8000", "127.0.0.1"),
        "SYN-no-reply",
        {"icmp-error": 1},
        "firewall-reject",
        exits=1,
        servers=SERVED,
        rule="tcp dport 8000 reject with icmp port-unreachable",
        target="8000",
    ),
    "rejected with ICMPv6": story(
        python(CONNECT, "8000", "::1"),
        "SYN-no-reply",
        {"icmp-error": 1},
        "firewall-reject",
        exits=1,
        servers=(Server("::1"),),
        rule="tcp dport 8000 reject with icmpv6 admin-prohibited",
        target="8000",
    ),
    "answer dropped": story(
        # Shorter than a second, when both sides would repeat what they sent at the same moment.
        curl("--connect-timeout", "0.8", "http://127.0.0.1:8000/"),
        "half-open",
        None,
        "firewall-drop",
        exits=28,
        servers=SERVED,
        rule="tcp sport 8000 drop",
    ),
    "accept queue full": story(
        python(FILL, "8000"),
        "SYN-no-reply",
        None,
        "firewall-drop accept-queue-overflow",
        exits=1,
        servers=(Server(what="sleep", backlog=1),),
        target="8000",
    ),
    "no such port, curl": story(
        curl("http://localhost:619009/"), "client-never-sent", {}, "port-out-of-range", exits=3
    ),
    "no such port, create_connection": story(
        python(CONNECT, "619009", "127.0.0.1"),
        "client-never-sent",
        {},
        "port-out-of-range port-number-shortened",
        exits=1,
        target="127.0.0.1:619009",
    ),
    "through a proxy": story(
        curl("http://localhost:8000/"),
        "client-never-sent",
        {},
        "proxy-misdirect",
        exits=0,
        servers=(Server(), Server(port=3128)),
        variables=(("http_proxy", "http://127.0.0.1:3128"),),
    ),
    "no such name": story(
        curl("http://no-such-name.invalid:8000/"), "client-never-sent", {}, "name-resolution", exits=6
    ),
    "completed": story(
        curl("http://127.0.0.1:8000/"), "completed", {"closed": 1}, "", exits=0, status=0, servers=SERVED
    ),
    "completed and reset": story(
        curl("http://127.0.0.1:8000/"),
        "completed",
        {"reset-by-server-early": 1},
        "application-error",
        exits=56,
        servers=(Server(what="reset"),),
    ),
    "the other address completes": story(
        python(CONNECT, "8000", "::1", "127.0.0.1"),
        "completed",
        {"closed": 1, "refused": 1},
        "one-address-refused",
        exits=0,
        status=0,
        servers=SERVED,
        target="8000",
    ),
    "server starts late": story(
        python(RETRY, "8000"),
        "SYN-RST",
        None,
        "took-long",
        exits=0,
        status=0,
        servers=(Server(what="late"),),
        target="8000",
    ),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Done, Path]]:
    """All stories, each in a namespace of its own, at the same time."""
    need(None if shutil.which("nft") and shutil.which("curl") else "nft and curl")
    folder = tmp_path_factory.mktemp("reports")
    with contextlib.ExitStack() as stack:
        started = {}
        for number, (name, one) in enumerate(STORIES.items()):
            path = folder / f"{number}.json"
            # A listener with the same number in another namespace would be evidence.
            mine = _at_port(one, 8100 + number)
            started[name] = path, stack.enter_context(_played(mine, path))
        found = {}
        for name, (path, process) in started.items():
            done = program.finish(process)
            found[name] = done, path
    return found


def _at_port(one: Story, port: int) -> Story:
    """The same story, with another number instead of 8000."""

    def changed(text: str) -> str:
        return text.replace("8000", str(port))

    return replace(
        one,
        command=[changed(word) for word in one.command],
        servers=tuple(replace(server, port=int(changed(str(server.port)))) for server in one.servers),
        rule=changed(one.rule),
        target=changed(one.target),
    )


@contextlib.contextmanager
def _played(one: Story, path: Path) -> Iterator[subprocess.Popen[str]]:
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(program.namespace(inside=False))
        with program.inside(name):
            if one.rule:
                rules = (
                    f"table inet t {{ chain input {{ type filter hook input priority 0; {one.rule}; }}\n}}\n"
                )
                subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
            for server in one.servers:
                made = stack.enter_context(program.started(server.command))
                assert made.stdout is not None
                assert made.stdout.readline() in {"listening\n", "waiting\n"}
            options = ("-p", one.target) if one.target else ()
            typed = ("run", "--format", "json", "--output", str(path), *options, "--", *one.command)
            environ = program.environment(**dict(one.variables))
            process = stack.enter_context(program.started(program.arguments(*typed), environ))
        yield process


@pytest.mark.parametrize("name", STORIES)
def test_label_exit_status_and_first_finding(name: str, told: dict[str, tuple[Done, Path]]) -> None:
    one, (done, path) = STORIES[name], told[name]
    assert done.status == one.status, done.err
    report = program.of_document(path.read_text(encoding="utf-8"))
    assert report.label == one.label
    if one.outcomes is not None:
        assert report.targets[0]["outcomes"] == one.outcomes
    assert report.best in (one.best or {""}), [finding["slug"] for finding in report.findings]
    assert report.command is not None
    assert report.command["exit_status"] == one.command_status
    program.assert_whole(report)
