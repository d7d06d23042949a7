"""What is imported where there is no fcntl, pwd and their kin: a process in which they cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import synscope

SOURCE = Path(synscope.__file__).parents[1]
ROOT = Path(__file__).parents[1]

POSIX_ONLY = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty")

# Everything a library needs of these modules is imported before they go; then what Windows lacks goes too.
PREPARED = f"""
import sys
import click, rich.console, rich.live, rich.table, subprocess, socket, signal, select, os, tempfile, logging, asyncio
import rich.progress, getpass, ctypes, platform, lz4.frame
for name in {POSIX_ONLY!r}:
    sys.modules[name] = None
for module, names in (
    (socket, ("AF_PACKET", "AF_UNIX", "SOCK_SEQPACKET", "SOCK_CLOEXEC",
              "MSG_CMSG_CLOEXEC", "CMSG_LEN", "SCM_RIGHTS")),
    (select, ("poll", "epoll", "POLLIN", "POLLOUT", "POLLERR", "POLLHUP")),
    (signal, ("SIGHUP", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGCONT", "SIGCHLD", "SIGPIPE",
              "SIGWINCH", "SIGALRM", "pthread_sigmask")),
    (os, ("geteuid", "getuid", "getgid", "getegid", "getgroups", "setuid", "setgid", "setgroups", "setresuid",
          "setresgid", "setns", "unshare", "fork", "environb", "getgrouplist", "O_CLOEXEC", "O_NOFOLLOW",
          "O_DIRECTORY", "O_NONBLOCK", "WIFEXITED", "sysconf", "setpriority", "memfd_create", "openpty")),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
from synscope.cli import main
status = main.run(sys.argv[1:])
import json
found = sorted(name for name in sys.modules if name.startswith("synscope") and sys.modules[name] is not None)
print("\\n" + json.dumps([int(status), found]))
"""


def run(*arguments: str, script: str = PREPARED) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
        env={"PYTHONPATH": str(SOURCE)},
    )
    assert "Traceback" not in done.stderr, done.stderr
    status, modules = json.loads(done.stdout.splitlines()[-1])
    return status, modules, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["analyze", "fixtures/refused.pcap", "-p", "62893", "--expect", "SYN-RST"], 0),
        (["analyze", "fixtures/refused.pcap", "--format", "json"], 1),
        (["explain", "ECONNREFUSED"], 0),
        (["causes"], 0),
        (["live", "--help"], 0),
        (["run", "--help"], 0),
    ],
)
def test_commands_do_without(arguments: list[str], status: int) -> None:
    assert run(*arguments)[0] == status


IMPORTED = PREPARED.replace(
    "from synscope.cli import main\nstatus = main.run(sys.argv[1:])",
    "import importlib\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\nstatus = 0",
)


def test_what_a_portable_capture_needs_can_be_imported() -> None:
    names = (
        "synscope.cli.live",
        "synscope.session.start",
        "synscope.session.portable_source",
        "synscope.session.live_analysis",
    )
    assert run(*names, script=IMPORTED)[0] == 0


def test_the_test_would_notice() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, "synscope.process.relay"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(SOURCE)},
    )
    assert "fcntl" in done.stderr
