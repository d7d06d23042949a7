"""Which engine runs: the one that was asked for, and never one older than its source."""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import synscope
from synscope import engine
from synscope.engine import COMPILED_MODULES, MODE, TABLES, VARIABLE
from tests.follow import FIXTURES

PACKAGE = Path(synscope.__file__).parent
BINARIES = [
    path for name in COMPILED_MODULES for path in (PACKAGE / "engine").glob(f"{name}.*")
    if path.name.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))
]  # fmt: skip
_TELL = """
import sys
from synscope import engine
from synscope.engine import attempts, fold, headers, records
print(engine.MODE, *(module.COMPILED for module in (records, headers, attempts, fold)))
"""


def _python(code: str, *paths: Path, mode: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    environment["PYTHONPATH"] = os.pathsep.join(str(path) for path in paths or (PACKAGE.parent,))
    if mode is not None:
        environment[VARIABLE] = mode
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package's sources in something that looks like a checkout; its ``src``."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", "*.c")
    shutil.copytree(PACKAGE, tmp_path / "src" / "synscope", ignore=ignored)
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path / "src"


def _pretend_to_compile(source: Path, *, age: float = -60) -> None:
    """Put files where compiled modules would lie, ``age`` seconds older than now."""
    for name in COMPILED_MODULES:
        file = source / "synscope" / "engine" / f"{name}{importlib.machinery.EXTENSION_SUFFIXES[0]}"
        file.write_bytes(b"no real module")
        os.utime(file, (time.time() - age,) * 2)


def test_this_process_runs_what_was_asked_for() -> None:
    """``MODE`` tells the truth about every module."""
    wanted = os.environ.get(VARIABLE)
    assert wanted in {None, "", MODE}
    for name in COMPILED_MODULES:
        module = importlib.import_module(f"synscope.engine.{name}")
        assert (MODE == "compiled") == module.COMPILED


@pytest.mark.parametrize("path", BINARIES, ids=lambda path: path.name)
def test_no_compiled_module_is_older_than_its_source(path: Path) -> None:
    """A stale one would win over an edited source unnoticed; an installation is not edited."""
    if not (PACKAGE.parents[1] / "pyproject.toml").exists():
        pytest.skip("not a checkout")
    sources = [f"{path.name.split('.')[0]}.py", *TABLES]
    assert path.stat().st_mtime >= max((path.parent / name).stat().st_mtime for name in sources)


@pytest.mark.parametrize("mode", ["interpreted", "", None])
def test_sources_alone_run_interpreted(checkout: Path, mode: str | None) -> None:
    """Asked for, or because there is nothing else."""
    done = _python(_TELL, checkout, mode=mode)
    assert done.stdout.split() == ["interpreted", "False", "False", "False", "False"]
    assert done.stderr == ""


def test_compiled_where_there_is_none(checkout: Path) -> None:
    """Importing fails, and says what is missing and what to do."""
    done = _python(_TELL, checkout, mode="compiled")
    assert done.returncode != 0
    assert "EngineError" in done.stderr
    for word in (*COMPILED_MODULES, "no compiled engine", "C compiler"):
        assert word in done.stderr


def test_unknown_mode(checkout: Path) -> None:
    """The error names the variable, the value and the two that it takes."""
    done = _python(_TELL, checkout, mode="fast")
    assert done.returncode != 0
    assert f"{VARIABLE}='fast': it takes 'compiled' or 'interpreted'" in done.stderr


def test_partly_compiled_runs_interpreted(checkout: Path) -> None:
    """All modules or none."""
    _pretend_to_compile(checkout)
    next((checkout / "synscope" / "engine").glob("fold.c*")).unlink()
    assert _python(_TELL, checkout).stdout.split()[0] == "interpreted"
    done = _python(_TELL, checkout, mode="compiled")
    assert "EngineError" in done.stderr
    assert "(fold missing)" in done.stderr


@pytest.mark.parametrize("edited", ["records.py", *TABLES])
def test_stale_modules_are_not_loaded_in_a_checkout(checkout: Path, edited: str) -> None:
    """An edit after the last compilation: the sources run, with a warning; asking for compiled fails."""
    _pretend_to_compile(checkout)
    later = time.time() + 3600
    os.utime(checkout / "synscope" / "engine" / edited, (later, later))
    done = _python(_TELL, checkout)
    assert done.stdout.split() == ["interpreted", "False", "False", "False", "False"]
    assert "RuntimeWarning" in done.stderr
    assert "records" in done.stderr
    assert "pip install -e ." in done.stderr
    done = _python(_TELL, checkout, mode="compiled")
    assert "EngineError" in done.stderr
    assert "changed since it was compiled" in done.stderr


def test_interpreted_wins_over_fresh_modules(checkout: Path) -> None:
    """The sources are loaded although compiled modules lie beside them."""
    _pretend_to_compile(checkout)
    done = _python(_TELL, checkout, mode="interpreted")
    assert done.stdout.split() == ["interpreted", "False", "False", "False", "False"]
    assert done.stderr == ""


def test_fresh_modules_are_loaded(checkout: Path) -> None:
    """These are no real ones, so loading them fails: that it is tried is what shows."""
    _pretend_to_compile(checkout)
    assert "EngineError" not in _python(_TELL, checkout).stderr
    assert "ImportError" in _python(_TELL, checkout).stderr


def test_an_installation_is_not_looked_at(checkout: Path) -> None:
    """Installers do not keep file times, so age means nothing there."""
    (checkout.parent / "pyproject.toml").unlink()
    _pretend_to_compile(checkout, age=3600)
    assert "RuntimeWarning" not in _python(_TELL, checkout).stderr


def test_without_cython_the_shim_stands_in(checkout: Path) -> None:
    """The interpreted engine needs no Cython at run time."""
    hidden = "import sys\nsys.modules['cython'] = None\n"
    done = _python(hidden + _TELL, checkout)
    assert done.stdout.split()[0] == "interpreted", done.stderr
    follow = hidden + (
        "from synscope.capture.read.byte_sources import open_source\n"
        "from synscope.capture.read.capture_reader import CaptureReader\n"
        "from synscope.engine.follower import Follower\n"
        "import sys\n"
        "reader, follower = CaptureReader(open_source(sys.argv[1]), ''), Follower()\n"
        "for data, batch in reader.batches(): follower.feed(data, batch)\n"
        "print(*(group.outcome for group in follower.tracker.finish()))\n"
    )
    code = f"import sys; sys.argv.append({str(FIXTURES / 'refused.pcap')!r})\n{follow}"
    assert _python(code, checkout).stdout.split() == ["refused"]


def test_engine_does_no_input_or_output() -> None:
    """It never opens a file or reads a clock; only ``__init__`` looks at its own files."""
    for path in (PACKAGE / "engine").glob("*.py"):
        if path.name != "__init__.py":
            text = path.read_text("utf-8")
            for word in ("import os", "import time", "import socket", "open(", "print("):
                assert word not in text.replace("_open(", ""), path.name


def test_mode_is_one_of_two() -> None:
    """Nothing in between."""
    assert engine.MODE in {"compiled", "interpreted"}
