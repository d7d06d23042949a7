"""Which modules are compiled; ``pyproject.toml`` has everything else.

They are typed Python that Cython compiles too. Each is optional: where there is no C compiler, the same file runs
interpreted. With ``SYNSCOPE_PURE=1`` in the environment nothing is compiled, and the wheel is ``py3-none-any``: one
for every system. A compiler that fails does not lead to such a wheel, which is tagged for its platform as soon as
there is something to compile.
"""

from __future__ import annotations

import os

from setuptools import Extension, setup

COMPILED = ("records", "headers", "attempts", "fold", "blocks")

wanted = () if os.environ.get("SYNSCOPE_PURE") == "1" else COMPILED
setup(
    ext_modules=[
        Extension(f"synscope.engine.{name}", [f"src/synscope/engine/{name}.py"], optional=True)
        for name in wanted
    ]
)
