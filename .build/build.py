"""Which modules are compiled, and what a source distribution holds; ``pyproject.toml`` has everything else.

They are typed Python that Cython compiles too. Each is optional: where there is no C compiler, the same file runs
interpreted. With ``SYNSCOPE_PURE=1`` in the environment nothing is compiled, and the wheel is ``py3-none-any``: one
for every system. A compiler that fails does not lead to such a wheel, which is tagged for its platform as soon as
there is something to compile.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.sdist import sdist

COMPILED = ("records", "headers", "attempts", "fold", "blocks", "copies")

BESIDE = ("CHANGELOG.md", ".build", ".ci", ".github", "docs", "fixtures", "tests")
"""What the tests read, beside the package."""

LEFT_OUT = frozenset({".pyc", ".pyo", ".pyd", ".so"})


class Sources(sdist):
    """A source distribution from which its own tests can be run."""

    def make_distribution(self) -> None:
        """Pack the package's files and those beside it."""
        for top in map(Path, BESIDE):
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file() and path.suffix not in LEFT_OUT:
                    self.filelist.append(str(path))
        super().make_distribution()


wanted = () if os.environ.get("SYNSCOPE_PURE") == "1" else COMPILED
setup(
    cmdclass={"sdist": Sources},
    ext_modules=[
        Extension(f"synscope.engine.{name}", [f"src/synscope/engine/{name}.py"], optional=True)
        for name in wanted
    ],
)
