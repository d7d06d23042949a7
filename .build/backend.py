"""The build backend: setuptools, told by ``build.py`` beside this file what to compile and what to pack.

Setuptools looks for a ``setup.py`` at the top of the tree; this one is kept out of the way.
"""

from __future__ import annotations

from typing import Any

from setuptools.build_meta import _BuildMetaBackend


class _Backend(_BuildMetaBackend):
    def run_setup(self, setup_script: str = "setup.py") -> Any:  # noqa: ANN401, ARG002 - as setuptools has it
        return super().run_setup(".build/build.py")


_backend = _Backend()

get_requires_for_build_wheel = _backend.get_requires_for_build_wheel
get_requires_for_build_sdist = _backend.get_requires_for_build_sdist
get_requires_for_build_editable = _backend.get_requires_for_build_editable
prepare_metadata_for_build_wheel = _backend.prepare_metadata_for_build_wheel
prepare_metadata_for_build_editable = _backend.prepare_metadata_for_build_editable
build_wheel = _backend.build_wheel
build_sdist = _backend.build_sdist
build_editable = _backend.build_editable
