"""How our own programs are started: isolated from the user's Python, with what the user gave the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synscope.process.errors import SessionError
from synscope.process.launch import inheritable, program, start_program
from synscope.process.privileges import Identity, invoking
from tests.kernel import SRC


@pytest.mark.parametrize("name", ["runner_program", "helper", "isolated_init"])
def test_programs_are_files_run_in_isolation(name: str) -> None:
    interpreter, *options, path, last = program(name, "x")
    assert Path(interpreter).is_absolute()
    assert options == ["-I", "-S", "-B"]
    assert Path(path).is_file()
    assert last == "x"


def test_the_environment_is_the_one_the_process_started_with() -> None:
    script = (
        "import os, sys; sys.path.append(sys.argv[1])\nfrom synscope.process.launch import invoking_environment\n"
        "os.environ['ADDED'] = '1'; print(sorted(invoking_environment().items()))"
    )
    environment = {b"LANG": b"C", b"X": b"\xff=y", b"": b"z"}
    environment.pop(b"")
    done = subprocess.run(
        [sys.executable, "-c", script, str(SRC)], env=environment, capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == str(sorted(environment.items()))


def test_inheritable_descriptors_are_found(tmp_path: Path) -> None:
    opened = os.open(tmp_path, os.O_RDONLY)
    try:
        assert opened not in inheritable()
        os.set_inheritable(opened, True)
        assert opened in inheritable()
    finally:
        os.close(opened)


def test_what_cannot_be_started_is_a_typed_error() -> None:
    with pytest.raises(SessionError, match="no-such-interpreter"):
        start_program(["/no-such-interpreter"], invoking())
    if os.geteuid() == 0:
        with pytest.raises(SessionError, match="as user 65533"):
            start_program(["/proc/1/mem"], Identity(65533, 65533, (), "test"))
