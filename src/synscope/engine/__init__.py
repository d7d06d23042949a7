"""Bytes in, attempts out: no I/O, no clock, no dependency.

Chooses which engine runs. ``MODE`` is ``compiled`` or ``interpreted``; the environment variable
``SYNSCOPE_ENGINE`` forces one, and importing fails clearly where that one is not there.

The same ``.py`` files serve both modes. In a development checkout a compiled module that is older than
its source would win over an edit unnoticed: here that is detected, and the sources run instead.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

COMPILED_MODULES = ("records", "headers", "attempts", "fold", "blocks", "copies")
TABLES = ("batch.py", "layout.py", "names.py", "outcome.py")
"""Files whose numbers the compiled modules take over when they are imported."""
VARIABLE = "SYNSCOPE_ENGINE"
_HERE = os.path.dirname(__file__)  # noqa: PTH120 - pathlib is slow to import


class EngineError(ImportError):
    """The engine that was asked for is not there."""


class _SourceFinder:
    """A meta path finder: loads the engine's modules from their ``.py`` where a compiled one lies beside it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the engine's modules by its source."""
        del path, target
        package, _, name = fullname.rpartition(".")
        if package != __name__ or name not in COMPILED_MODULES:
            return None
        import importlib.util  # noqa: PLC0415 - slow to import, and only needed here

        file = _in_here(f"{name}.py")
        loader = importlib.machinery.SourceFileLoader(fullname, file)
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


def _in_here(name: str) -> str:
    """Return the path of a file of this folder."""
    return f"{_HERE}{os.sep}{name}"


def _changed(file: str) -> float:
    """Return the time of a file's last change in seconds."""
    return os.stat(file).st_mtime  # noqa: PTH116 - pathlib is slow to import


def _binaries() -> dict[str, str]:
    """Return the compiled modules that this interpreter can load, by name."""
    found = {}
    for name in COMPILED_MODULES:
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            file = _in_here(f"{name}{suffix}")
            if os.path.exists(file):  # noqa: PTH110 - pathlib is slow to import
                found[name] = file
                break
    return found


def _stale(binaries: dict[str, str]) -> list[str]:
    """Return the modules that changed after they were compiled, in a checkout: nobody edits an installation."""
    top = os.path.abspath(_in_here(os.path.join("..", "..", "..", "pyproject.toml")))  # noqa: PTH100, PTH118
    if not os.path.exists(top):  # noqa: PTH110 - pathlib is slow to import
        return []
    tables = max(_changed(_in_here(name)) for name in TABLES)
    return [
        name
        for name, file in binaries.items()
        if _changed(file) < max(tables, _changed(_in_here(f"{name}.py")))
    ]


def _choose() -> str:
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in {"", "compiled", "interpreted"}:
        raise EngineError(f"{VARIABLE}={wanted!r}: it takes 'compiled' or 'interpreted'")
    binaries = _binaries()
    missing = [name for name in COMPILED_MODULES if name not in binaries]
    stale = _stale(binaries)
    if wanted == "compiled":
        if missing:
            raise EngineError(
                f"{VARIABLE}=compiled, but this installation has no compiled engine "
                f"({', '.join(missing)} missing). Install synscope again where a C compiler is available."
            )
        if stale:
            raise EngineError(
                f"{VARIABLE}=compiled, but {', '.join(stale)} changed since it was compiled. "
                "Run 'pip install -e .' again."
            )
        return "compiled"
    if wanted == "interpreted" or missing:
        return "interpreted"
    if stale:
        warnings.warn(
            f"synscope.engine: {', '.join(stale)} changed since it was compiled; running the sources. "
            "'pip install -e .' compiles them again.",
            RuntimeWarning,
            stacklevel=2,
        )
        return "interpreted"
    return "compiled"


MODE: str = _choose()
if MODE == "interpreted":
    sys.meta_path.insert(0, _SourceFinder())
