"""A test that fails leaves no instance to the next one of the same process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from synscope.probes.kernel.instance import name_of
from synscope.probes.kernel.tracefs import TracefsError, open_root


@pytest.fixture(autouse=True)
def _no_instance_stays() -> Iterator[None]:
    yield
    name = name_of(os.getpid())
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if f"/{name}/" in str(descriptor.readlink()):
                os.close(int(descriptor.name))
    with contextlib.suppress(TracefsError):
        root = open_root()
        with contextlib.suppress(OSError):
            os.rmdir(f"instances/{name}", dir_fd=root)
        os.close(root)
