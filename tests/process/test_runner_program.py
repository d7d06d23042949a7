"""Running a command: what it sees, how it ends, which signals reach it. Real processes throughout.

Most tests start a driver: a fresh process that plays the tool, with its own process group or terminal.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synscope.process import privileges
from synscope.process.errors import SessionError
from synscope.process.runner import Ended, ExitFrom, Runner
from tests.kernel import SRC

ENOUGH_S = 1.5
"""A shell's first command is over by then, on a busy machine too."""
DRIVER = textwrap.dedent(
    """
    import json, os, sys
    sys.path.insert(0, sys.argv[1])
    from synscope.process import privileges
    from synscope.process.runner import Runner
    timeout = float(sys.argv[2]) or None
    with Runner.start(sys.argv[4:], privileges.invoking()) as runner:
        with runner.passing_signals_on():
            pid = runner.go(timeout)
            ended = runner.ended()
    with open(sys.argv[3], "w") as out:
        json.dump([pid, ended.status, ended.signal, ended.timed_out, ended.lines, ended.exit_status], out)
    sys.exit(ended.exit_status)
    """
)


class Play:
    """The tool, running a command."""

    def __init__(self, tmp_path: Path, *command: str, timeout: float = 0, **popen: Any) -> None:
        self._out = tmp_path / f"ended-{time.monotonic_ns()}"
        arguments = [sys.executable, "-c", DRIVER, str(SRC), str(timeout), str(self._out), *command]
        popen = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        self.process = subprocess.Popen(arguments, process_group=0, **popen)

    def ended(self) -> tuple[Ended, int]:
        self.stdout, self.stderr = self.process.communicate(timeout=20)
        assert self._out.exists(), self.stderr
        _, status, number, timed_out, lines, exit_status = json.loads(self._out.read_text())
        assert exit_status == self.process.returncode
        return Ended(status, number, None, timed_out, tuple(lines)), exit_status

    def saw(self, word: bytes) -> None:
        """Wait for the command to print a line."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word


def run(*command: str, timeout: float | None = None) -> Ended:
    with Runner.start(command, privileges.invoking()) as runner:
        runner.go(timeout)
        return runner.ended()


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def gone(pid: int, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# how it ended


@pytest.mark.parametrize("status", [0, 1, 42, 124, 255])
def test_exit_status(status: int) -> None:
    ended = run("sh", "-c", f"exit {status}")
    assert (ended.status, ended.signal, ended.exit_status) == (status, None, status)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_killed_by_a_signal(number: int) -> None:
    ended = run("sh", "-c", f"kill -{int(number)} $$")
    assert (ended.status, ended.signal, ended.exit_status) == (None, number, 128 + number)


def test_not_found_and_not_executable(tmp_path: Path) -> None:
    assert run("./no-such-program").exit_status == 127
    assert run("no-such-program-anywhere").exit_status == 127
    assert run(str(tmp_path)).exit_status == 126
    plain = tmp_path / "plain"
    plain.write_text("echo\n")
    assert run(str(plain)).exit_status == 126


def test_script_without_interpreter_line_runs_as_in_a_shell(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("exit $1\n")
    script.chmod(0o755)
    assert run(str(script), "7").exit_status == 7


def test_combined_status() -> None:
    assert [Ended(status=0).combined(3), Ended(status=2).combined(3), Ended(signal=9).combined(0)] == [
        3,
        2,
        137,
    ]
    assert Ended(status=2).combined(3, ExitFrom.DIAGNOSIS) == 3
    assert Ended(status=0).combined(3, ExitFrom.COMMAND) == 0


def test_runner_that_dies_is_our_own_failure() -> None:
    with Runner.start(["sleep", "30"], privileges.invoking()) as runner:
        pid = runner.go()
        assert pid is not None
        assert runner._process is not None
        runner._process.kill()
        with pytest.raises(SessionError):
            runner.ended()
    os.kill(pid, signal.SIGKILL)


def test_command_waits_for_go(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with Runner.start(["touch", str(mark)], privileges.invoking()) as runner:
        time.sleep(0.3)
        assert not mark.exists()
        runner.go()
        runner.ended()
    assert mark.exists()


def test_leaving_early_ends_the_command_and_what_it_started() -> None:
    script = "sleep 60 & echo $! >&2; wait"
    with Runner.start(["sh", "-c", script], privileges.invoking()) as runner:
        pid = runner.go()
        assert pid is not None
        until(lambda: children_of(pid))
        children = children_of(pid)
    assert gone(pid)
    assert all(gone(child) for child in children)


# time


def test_timeout_terminates() -> None:
    began = time.monotonic()
    ended = run("sh", "-c", "echo last words >&2; exec sleep 60", timeout=ENOUGH_S)
    assert time.monotonic() - began < 20
    assert (ended.timed_out, ended.signal, ended.exit_status) == (True, signal.SIGTERM, 124)
    assert ended.lines == ("last words",)


def test_timeout_kills_what_ignores_it() -> None:
    ended = run("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done", timeout=ENOUGH_S)
    assert (ended.timed_out, ended.signal, ended.exit_status) == (True, signal.SIGKILL, 124)


def test_timeout_reaches_what_the_command_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    run("sh", "-c", f"sleep 60 & echo $! > {note}; wait", timeout=ENOUGH_S)
    assert gone(int(note.read_text()))


def test_in_time() -> None:
    ended = run("sh", "-c", "sleep 0.1; exit 5", timeout=20)
    assert (ended.timed_out, ended.exit_status) == (False, 5)


# what it sees

LOOK = (
    "import json,os,signal,sys;"
    "print(json.dumps({'env': open('/proc/self/environ', encoding='latin-1').read(),"
    "'cwd': os.getcwd(), 'pgid': os.getpgid(0),"
    "'sid': os.getsid(0), 'umask': os.umask(0), 'nonew': [l for l in open('/proc/self/status') if l[:3] in"
    "('NoN', 'Sig', 'Shd', 'Cap')][1:], 'fds': sorted(os.listdir('/proc/self/fd'))}))"
)


def looked(tmp_path: Path, *, through_us: bool, **popen: Any) -> dict[str, Any]:
    command = [sys.executable, "-S", "-c", LOOK]
    if not through_us:
        arguments = command
        seen = subprocess.run(arguments, capture_output=True, check=True, process_group=0, **popen).stdout
    else:
        play = Play(tmp_path, *command, **popen)
        play.ended()
        seen = play.stdout
    return json.loads(seen)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_same_environment_directory_descriptors_and_dispositions(tmp_path: Path, locale: str) -> None:
    environment = {
        b"PATH": os.environb[b"PATH"],
        b"LANG": locale.encode(),
        b"ODD": b"\xff=\x01",
        b"EMPTY": b"",
    }
    extra = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(extra, True)
    try:
        popen = {"env": environment, "cwd": tmp_path, "close_fds": False, "umask": 0o027}
        direct = looked(tmp_path, through_us=False, **popen)
        ours = looked(tmp_path, through_us=True, **popen)
    finally:
        os.close(extra)
    for varying in ("pgid", "sid"):
        direct.pop(varying), ours.pop(varying)
    assert ours == direct


def test_same_process_group_and_session_as_the_tool(tmp_path: Path) -> None:
    play = Play(tmp_path, sys.executable, "-S", "-c", LOOK)
    play.ended()
    seen = json.loads(play.stdout)
    assert seen["pgid"] == play.process.pid
    assert seen["sid"] == os.getsid(0)


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    command = ["sh", "-c", "grep SigIgn /proc/self/status"]
    nohup = ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh"]
    direct = subprocess.run([*nohup, *command], capture_output=True, check=True, text=True).stdout
    tool = [sys.executable, "-c", DRIVER, str(SRC), "0", str(tmp_path / "o"), *command]
    ours = subprocess.run([*nohup, *tool], capture_output=True, check=True, text=True).stdout
    assert ours == direct


def test_standard_input_is_the_commands(tmp_path: Path) -> None:
    play = Play(tmp_path, "cat", stdin=subprocess.PIPE)
    assert play.process.stdin is not None
    play.process.stdin.write(b"all of it\n" * 1000)
    play.ended()
    assert play.stdout == b"all of it\n" * 1000


# standard error


def test_standard_error_is_unchanged_and_its_end_is_kept(tmp_path: Path) -> None:
    script = "import sys; sys.stderr.buffer.write(bytes(range(256)) * 5000 + b'\\nlast\\n')"
    play = Play(tmp_path, sys.executable, "-c", script)
    ended, _ = play.ended()
    assert play.stderr == bytes(range(256)) * 5000 + b"\nlast\n"
    assert ended.lines[-1] == "last"


def test_standard_error_comes_at_once(tmp_path: Path) -> None:
    play = Play(tmp_path, "sh", "-c", "printf now >&2; read line", stdin=subprocess.PIPE)
    assert play.process.stderr is not None
    assert select.select([play.process.stderr], [], [], 20)[0]
    assert os.read(play.process.stderr.fileno(), 10) == b"now"
    play.ended()


def test_what_the_command_left_running_may_still_speak(tmp_path: Path) -> None:
    script = "(until test -e go; do sleep 0.05; done; echo late >&2; echo alive > mark) & echo early >&2"
    play = Play(tmp_path, "sh", "-c", script, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert play.process.wait(timeout=20) == 0, "it does not wait for what the command left"
    (tmp_path / "go").touch()
    with play.process:
        assert play.process.stderr is not None
        assert play.process.stderr.read() == b"early\nlate\n"
    assert (tmp_path / "mark").exists()


def test_nobody_reads_standard_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    play = Play(
        tmp_path, "sh", "-c", "sleep 0.3; echo x >&2; echo y >&2; sleep 0.1; echo z >&2", stderr=writing
    )
    os.close(reading)
    os.close(writing)
    ended, _ = play.ended()
    assert ended.signal == signal.SIGPIPE or ended.status


# signals


@pytest.fixture(autouse=True)
def _hang_ups_count() -> Iterator[None]:
    """What is started here shall be able to catch SIGHUP, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signal_to_the_tool_reaches_the_command(tmp_path: Path, number: int) -> None:
    play = Play(tmp_path, "sh", "-c", f"trap 'exit 33' {int(number)}; echo up; while :; do sleep 0.05; done")
    play.saw(b"up")
    play.process.send_signal(number)
    assert play.ended()[1] == 33


COUNT = (
    "import signal,sys,time\ngot=[]\nsignal.signal(signal.SIGINT, lambda *_: got.append(1))\n"
    "print('up', flush=True)\nend=time.monotonic()+15\n"
    "while not got and time.monotonic()<end: time.sleep(0.05)\ntime.sleep(0.7)\nsys.exit(len(got))"
)


def test_signal_to_the_group_reaches_the_command_once(tmp_path: Path) -> None:
    play = Play(tmp_path, sys.executable, "-c", COUNT)
    play.saw(b"up")
    os.killpg(play.process.pid, signal.SIGINT)
    assert play.ended()[1] == 1


def test_stop_and_continue_the_group(tmp_path: Path) -> None:
    play = Play(tmp_path, "sh", "-c", "echo $$; read line; exit 9", stdin=subprocess.PIPE)
    assert play.process.stdout is not None
    command = int(play.process.stdout.readline())
    group = [play.process.pid, *children_of(play.process.pid), command]
    os.killpg(play.process.pid, signal.SIGTSTP)
    until(lambda: all(state_of(pid) == "T" for pid in group))
    os.killpg(play.process.pid, signal.SIGCONT)
    until(lambda: "T" not in {state_of(pid) for pid in group})
    assert play.ended()[1] == 9


def test_tool_killed_takes_the_command_along(tmp_path: Path) -> None:
    play = Play(tmp_path, "sh", "-c", "echo $$; exec sleep 60")
    assert play.process.stdout is not None
    pid = int(play.process.stdout.readline())
    play.process.kill()
    play.process.communicate(timeout=10)
    assert gone(pid)


# on a terminal


class Terminal:
    """The tool in a terminal of its own, 101 columns wide."""

    def __init__(self, *command: str, tmp_path: Path) -> None:
        self._out = tmp_path / "ended"
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 37, 101, 0, 0))
            arguments = [sys.executable, "-c", DRIVER, str(SRC), "0", str(self._out), *command]
            os.execv(sys.executable, arguments)

    def until(self, word: bytes = b"\0never") -> bytes:
        seen = b""
        deadline = time.monotonic() + 30
        while word not in seen and time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    piece = os.read(self.fd, 65536)
                except OSError:
                    break
                seen += piece
        return seen

    def status(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_terminal_stays_a_terminal_of_the_same_size(tmp_path: Path) -> None:
    script = (
        "import os,sys\n"
        "print([os.isatty(n) for n in (0,1,2)], os.get_terminal_size(2), os.tcgetpgrp(0)==os.getpgrp(),"
        " os.ttyname(0)==os.ttyname(1), open('/dev/tty').isatty())\n"
        "os.write(2, b'two\\nlines\\n')"
    )
    terminal = Terminal(sys.executable, "-c", script, tmp_path=tmp_path)
    seen = terminal.until()
    assert terminal.status() == 0
    assert b"[True, True, True] os.terminal_size(columns=101, lines=37) True True True" in seen
    assert b"two\r\nlines\r\n" in seen
    assert b"\r\r\n" not in seen


def test_control_c_reaches_the_command_once(tmp_path: Path) -> None:
    terminal = Terminal(sys.executable, "-c", COUNT, tmp_path=tmp_path)
    terminal.until(b"up")
    os.write(terminal.fd, b"\x03")
    terminal.until()
    assert terminal.status() == 1


def test_window_size_changes_reach_the_command(tmp_path: Path) -> None:
    script = (
        "import os,signal,time\ngot=[]\n"
        "signal.signal(signal.SIGWINCH, lambda *_: got.append(os.get_terminal_size(2).columns))\n"
        "print('up', flush=True)\nend=time.monotonic()+15\n"
        "while time.monotonic()<end and 77 not in got: time.sleep(0.05)\nprint('saw', got[-1:])"
    )
    terminal = Terminal(sys.executable, "-c", script, tmp_path=tmp_path)
    terminal.until(b"up")
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 77, 0, 0))
    assert b"saw [77]" in terminal.until()
    terminal.status()


def test_hanging_up_ends_the_command(tmp_path: Path) -> None:
    terminal = Terminal("sh", "-c", "echo pid $$ up; exec sleep 60", tmp_path=tmp_path)
    pid = int(terminal.until(b"up").split()[1])
    os.close(terminal.fd)
    os.waitpid(terminal.pid, 0)
    assert gone(pid)


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", "import nothing_of_this_name"],
        ["sh", "-c", "printf 'abc\\nx\\n' | grep --color=auto -n b"],
        ["sh", "-c", "ls --color=auto -d /tmp; stty -a <&0; stty -a <&2 | head -1; tty"],
        [
            sys.executable,
            "-c",
            "import getpass,os; os.write(2, b'a\\tb\\x1b[31mc\\r\\nd'); getpass.getuser()",
        ],
    ],
    ids=["traceback", "grep", "ls and stty", "control sequences"],
)
def test_on_a_terminal_programs_behave_as_without_us(tmp_path: Path, command: list[str]) -> None:
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 37, 101, 0, 0))
        os.execvp(command[0], command)
    direct = Terminal.__new__(Terminal)
    direct.pid, direct.fd = pid, fd
    seen = direct.until()
    status = direct.status()
    ours = Terminal(*command, tmp_path=tmp_path)
    assert re.sub(rb"/dev/pts/\d+", b"", ours.until()) == re.sub(rb"/dev/pts/\d+", b"", seen)
    assert ours.status() == status


def test_progress_meter_of_curl(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    source = tmp_path / "data"
    source.write_bytes(b"x" * 100_000)
    terminal = Terminal("curl", "-o", os.devnull, source.as_uri(), tmp_path=tmp_path)
    seen = terminal.until()
    assert terminal.status() == 0
    assert b"% Total" in seen
    assert b"100" in seen
