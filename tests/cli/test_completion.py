"""Completion in the shells themselves: each is started, a key is pressed, and what it makes of the line is read."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import synscope
from synscope.cli.main import run

pty = pytest.importorskip("pty", reason="shells that complete need a terminal")
resource = pytest.importorskip("resource", reason="as does what they cost")

_SECONDS = 20.0
_COMPLETED = [
    ("synscope ann", "GOT[annotate]"),
    ("synscope analyze --form", "GOT[analyze][--format]"),
    ("synscope analyze --format jun", "GOT[analyze][--format][junit]"),
    ("synscope doctor we", "GOT[doctor][web]"),
    ("synscope explain client-nev", "GOT[explain][client-never-sent]"),
    ("synscope analyze captu", "GOT[analyze][capture one.pcap]"),
]


def wanted(shell: str) -> str:
    """The shell's path; where it is missing the test is skipped, unless it has to be there."""
    found = shutil.which(shell)
    if found is None:
        if os.environ.get("SYNSCOPE_REQUIRE_KERNEL") == "1":
            pytest.fail(f"{shell} is not installed")
        pytest.skip(f"{shell} is not installed")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a program ``synscope`` that completes, and else says what it was called with."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "synscope"
    program.write_text(
        '#!/bin/sh\nif [ "$1" = completion ] || [ -n "$_SYNSCOPE_COMPLETE" ]; then\n'
        f'  exec "{sys.executable}" -m synscope "$@"\nfi\n'
        "printf GOT; printf '[%s]' \"$@\"; echo\n"
    )
    program.chmod(0o755)
    (tmp_path / "synscope.toml").write_text("[ports]\nweb = 62893\n")
    (tmp_path / "capture one.pcap").touch()
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": str(Path(synscope.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "PS1": "READY>",
    }


@contextlib.contextmanager
def terminal(command: list[str], folder: Path) -> Iterator[int]:
    """A shell on a terminal of its own; yields our end of it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        process.kill()
        os.close(ours)  # else the shell's end of it waits for somebody to read what it wrote
        process.wait(_SECONDS)


def until(ours: int, pattern: str) -> str:
    """What the terminal shows up to a match of ``pattern``."""
    shown = ""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            shown += os.read(ours, 4096).decode(errors="replace")
        if re.search(pattern, shown):
            return shown
    pytest.fail(f"no {pattern!r} within {_SECONDS:g} s in {shown!r}")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_tab_key(shell: str, folder: Path) -> None:
    options, prepared = {
        "bash": (["--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'"),
        "zsh": (["-f", "-i"], "PS1='READY>'; unsetopt ZLE_RPROMPT; autoload -U compinit; compinit -u -D"),
    }[shell]
    with terminal([wanted(shell), *options], folder) as ours:
        until(ours, "READY>")
        os.write(ours, f'{prepared}; eval "$(synscope completion {shell})"; echo DO"NE"\n'.encode())
        until(ours, r"DONE\s+[\s\S]*READY>")
        for typed, expected in _COMPLETED:
            os.write(ours, f"{typed}\t".encode())
            until(ours, re.escape(expected[-4:-1]))
            os.write(ours, b"\n")
            until(ours, re.escape(expected) + r"\s+[\s\S]*READY>")


def test_fish(folder: Path) -> None:
    lines = " ".join(f"'{typed}'" for typed, _ in _COMPLETED)
    done = subprocess.run(
        [
            wanted("fish"),
            "--no-config",
            "-c",
            f"synscope completion fish | source; for line in {lines}; complete -C $line; echo ==; end",
        ],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    for (typed, expected), answer in zip(_COMPLETED, done.stdout.split("==\n"), strict=False):
        words = [line.split("\t")[0].replace("\\ ", " ") for line in answer.splitlines()]
        assert re.findall(r"\[([^]]*)\]", expected)[-1] in words, (typed, done)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_written_whatever_is_installed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_SYNSCOPE_COMPLETE" in capsys.readouterr().out


def test_other_shells_are_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["synscope ", "synscope explain ", "synscope live -p "])
def test_an_answer_comes_at_once(words: str, folder: Path) -> None:
    asked = {
        "_SYNSCOPE_COMPLETE": "zsh_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split())),
    }
    fastest = 1e9
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "synscope"],
            cwd=folder,
            env=environment(folder) | asked,
            capture_output=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Time of the processor: other programs may be busy beside the test.
        fastest = min(fastest, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.stdout
        assert done.stderr == b""
    assert fastest < 0.3, f"{fastest:.2f} s"
