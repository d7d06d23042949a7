"""What tests of this room need from the machine, and how they say that it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
SOME_USER = 65_533
"""A user without a name."""
SYSTEM_PYTHON = next(
    (path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), ""
)
"""An interpreter that every user may execute."""


def need(reason: str | None) -> None:
    """Skip, or fail where the kernel's tests are required."""
    if reason is None:
        return
    if os.environ.get("SYNSCOPE_REQUIRE_KERNEL") == "1":
        pytest.fail(f"SYNSCOPE_REQUIRE_KERNEL=1, but this needs {reason}")
    pytest.skip(f"needs {reason}")


def need_root() -> None:
    need(None if os.geteuid() == 0 else "root")
    need(None if shutil.which("setpriv") and SYSTEM_PYTHON else "setpriv and an interpreter for every user")


def as_user(script: str, *arguments: str, setpriv: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run Python as an ordinary user; ``synscope`` can be imported in it."""
    needed = f"import sys; sys.path.append({str(SRC)!r})\n"
    ids = ["--reuid", str(SOME_USER), "--regid", str(SOME_USER), "--clear-groups", *setpriv]
    command = ["setpriv", *ids, SYSTEM_PYTHON, "-B", "-c", needed + script, *arguments]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd="/", env=environment
    )
