"""``synscope run``: whose exit status, whose output, what signals do, and the private network."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kernel import SOME_USER, SYSTEM_PYTHON
from tests.live import program
from tests.live.program import Done, python
from tests.process.test_isolated import possible

pytestmark = pytest.mark.usefixtures("kernel")

TARGET = ("-p", "62893")
CLIENT = "exec 3<>/dev/tcp/127.0.0.1/62893"
NINE = ("sh", "-c", "exit 9")


@dataclass(frozen=True, slots=True)
class Case:
    status: int
    options: tuple[str, ...]
    command: tuple[str, ...]
    says: str = ""


CASES = {
    "the command's own": Case(9, TARGET, NINE),
    "its signal": Case(137, TARGET, ("sh", "-c", "kill -9 $$"), "SIGKILL"),
    "it succeeds, and sent nothing": Case(0, TARGET, ("true",), "client-never-sent"),
    "it succeeds, and its number is no port": Case(1, ("-p", "619009"), ("true",), "SYN141"),
    "it succeeds, a finding is a failure": Case(
        1, TARGET, ("bash", "-c", f"({CLIENT}) 2>/dev/null || true"), "SYN-RST"
    ),
    "its time is up": Case(124, (*TARGET, "--timeout", "0.4"), ("sleep", "30"), "its time was up"),
    "it has to be killed": Case(
        124, (*TARGET, "--timeout", "0.4"), ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    ),
    "the tool's failure": Case(125, (*TARGET, "-i", "nosuch0"), NINE, "nosuch0"),
    "not executable": Case(126, TARGET, ("/etc/passwd",), "Permission denied"),
    "not found": Case(127, TARGET, ("no-such-command",), "No such file"),
    "command alone": Case(0, (*TARGET, "--exit-code", "command"), ("true",)),
    "diagnosis alone": Case(1, (*TARGET, "--exit-code", "diagnosis"), NINE),
    "no target anywhere": Case(2, (), ("true",), "name one with -p"),
    "a server without a network": Case(2, (*TARGET, "--server", "true"), ("true",), "--isolated"),
    "no command": Case(2, TARGET, (), "COMMAND"),
    "lingers": Case(
        1, (*TARGET, "--linger", "2"), ("bash", "-c", f"(sleep 0.8; {CLIENT}) 2>/dev/null &"), "SYN-RST"
    ),
    "does not linger": Case(
        0,
        (*TARGET, "--linger", "0"),
        ("bash", "-c", f"(while kill -0 $PPID; do sleep 0.1; done; {CLIENT}) >/dev/null 2>&1 &"),
        "client-never-sent",
    ),
    "a client of bash": Case(1, TARGET, ("bash", "-c", CLIENT), "SYN-RST"),
    "a client of node": Case(
        1, (), ("node", "-e", "require('http').get('http://127.0.0.1:62893/')"), "SYN-RST"
    ),
}


@pytest.fixture(scope="module")
def done() -> dict[str, Done]:
    """All cases at the same time, each in a namespace of its own."""
    with contextlib.ExitStack() as stack:
        started = {}
        for name, case in CASES.items():
            with program.inside(stack.enter_context(program.namespace(inside=False))):
                command = program.arguments("run", *case.options, "--", *case.command)
                started[name] = stack.enter_context(program.started(command))
        return {name: program.finish(process) for name, process in started.items()}


@pytest.mark.parametrize("name", CASES)
def test_exit_status(name: str, done: dict[str, Done]) -> None:
    case, ended = CASES[name], done[name]
    if case.command[:1] == ("node",) and ended.status == 127:
        pytest.skip("needs node")
    assert ended.status == case.status, ended.err
    assert case.says in " ".join(ended.err.split())
    assert ended.out == ""


NOISE = r"import sys; sys.stdout.buffer.write(b'\xff\0\x1b[2Jout'); sys.stderr.buffer.write(b'\xfe\0err\r')"


@pytest.mark.parametrize("form", ["terminal", "json", "jsonl"])
def test_the_commands_output_is_not_touched(tmp_path: Path, form: str) -> None:
    path = tmp_path / "report"
    typed = ("run", *TARGET, "--format", form)
    settings: dict[str, Any] = {
        "env": program.environment(),
        "capture_output": True,
        "timeout": program.PATIENCE_S,
    }
    with program.namespace():
        command = program.arguments(*typed, "--output", str(path), "--", *python(NOISE))
        filed = subprocess.run(command, check=False, **settings)
        command = program.arguments(*typed, "--", *python(NOISE))
        shown = subprocess.run(command, check=False, **settings)
    assert (filed.stdout, filed.stderr) == (b"\xff\0\x1b[2Jout", b"\xfe\0err\r")
    assert shown.stdout == filed.stdout
    assert shown.stderr.startswith(filed.stderr)
    assert path.stat().st_mode & 0o777 == 0o600
    told = shown.stderr.removeprefix(filed.stderr).decode()
    assert "\x1b" not in told
    if form == "terminal":
        assert "client-never-sent" in told
    else:
        read = program.of_document if form == "json" else program.of_lines
        for report in (read(told), read(path.read_text(encoding="utf-8"))):
            assert report.label == "client-never-sent"
            assert report.command is not None
            assert report.command["last_lines"] != []


TRAP = "trap 'echo trapped; exit 3' INT TERM; echo up; while :; do sleep 0.05; done"


@pytest.mark.parametrize(
    ("number", "script", "status"),
    [(signal.SIGINT, TRAP, 3), (signal.SIGTERM, TRAP, 3), (signal.SIGTERM, "echo up; exec sleep 30", None)],
)
def test_signals_go_to_the_command(number: signal.Signals, script: str, status: int | None) -> None:
    command = program.arguments("run", *TARGET, "--", "sh", "-c", script)
    with program.namespace(), program.started(command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        done = program.finish(process)
    assert done.status == (128 + number if status is None else status)
    assert done.out == ("" if status is None else "trapped\n")
    assert "client-never-sent" in done.err


SERVER = f"exec {SYSTEM_PYTHON} -m http.server --bind 127.0.0.1 8099 --directory /nonexistent"


@pytest.mark.parametrize(
    ("server", "label", "status"),
    [(SERVER, "completed", 0), (SERVER.replace("8099", "8098"), "SYN-RST", 1), ("exit 3", "SYN-RST", 1)],
    ids=["serves", "serves another port", "dies"],
)
def test_an_ordinary_user_in_a_private_network(server: str, label: str, status: int) -> None:
    possible()
    words = ("run", *("-p", "127.0.0.1:8099"), "--isolated", "--server", server, "--format", "jsonl")
    client = ("bash", "-c", "id -u; exec 3<>/dev/tcp/127.0.0.1/8099")
    command = program.arguments(*words, "--", *client)
    ids: dict[str, Any] = {"user": SOME_USER, "group": SOME_USER, "extra_groups": ()}
    with program.started(command, cwd="/", **ids) as process:
        done = program.finish(process)
    report = program.of_lines(
        "".join(line for line in done.err.splitlines(keepends=True) if line.startswith("{"))
    )
    assert (report.label, done.status) == (label, status), done.err
    assert done.out == f"{SOME_USER}\n"
    program.assert_whole(report)


def test_the_kernel_says_which_process_tried(tmp_path: Path) -> None:
    """Also one whose connect failed within microseconds."""
    path = tmp_path / "report.json"
    typed = ("run", "-p", "127.0.0.1:47915", "--format", "json", "--output", str(path), "--")
    with program.namespace():
        program.run(*typed, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/47915")
    report = program.of_document(path.read_text(encoding="utf-8"))
    (attempt,) = {one["id"] for one in report.attempts}
    client = report.attempts[0]["process"]["client"]
    assert (client["name"], client["source"]) == ("bash", "kernel")
    assert report.attempts[0]["process"]["server"] is None
    notes = report.health["notes"]
    assert any(note.startswith(f"#{attempt} was made by bash (") for note in notes), notes


def test_secrets_of_the_command_are_not_recorded(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with program.namespace():
        words = "curl -sv -u bob:hush -H 'X-Api-Key: hush' 'http://127.0.0.1:62893/?token=hush'"
        program.run("run", "--format", "json", "--output", str(report), "--", "sh", "-c", words)
    assert '"label":"SYN-RST"' in report.read_text(encoding="utf-8")
    assert "hush" not in report.read_text(encoding="utf-8")
