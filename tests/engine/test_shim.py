"""The stand-in for Cython's module has all that the engine uses of it."""

from __future__ import annotations

import re
from pathlib import Path

from synscope.engine import COMPILED_MODULES, shim

ENGINE = Path(shim.__file__).parent


def test_every_name_that_runs_exists() -> None:
    """Names in annotations are never evaluated; arguments of ``declare`` and decorators are."""
    for name in COMPILED_MODULES:
        text = (ENGINE / f"{name}.py").read_text("utf-8")
        used = set(re.findall(r"@cython\.(\w+)", text)) | set(re.findall(r"\w=cython\.(\w+)", text))
        for names in re.findall(r"from synscope\.engine\.shim import (.+)", text):
            used.update(names.split(", "))
        assert used
        for attribute in {*used, "declare", "compiled"}:
            assert hasattr(shim, attribute), f"cython.{attribute} in {name}.py"


def test_decorators_change_nothing() -> None:
    """The functions stay the functions they are."""

    def function() -> int:
        return 7

    assert shim.cfunc(function) is shim.inline(function) is function
    assert shim.declare(shim.uint, 7) == 7
    assert shim.declare(name=shim.uint) is None
    assert shim.compiled is False
