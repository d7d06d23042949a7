"""Runs a command line of ``synscope`` inside this process and returns what it writes.

Everything that could make the output differ between machines is fixed: the folder, the width, the
encoding, the system whose commands come first, and that no configuration file is read.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from pathlib import Path
from unittest import mock

from synscope.cli import main

_FIXED = {"COLUMNS": "", "NO_COLOR": "1", "TERM": "dumb"}


def run(line: str, root: Path) -> tuple[str, int]:
    """Return the output (errors included) and the exit status of ``line``, run in the folder ``root``.

    Raises ``ValueError`` when it is not a command line of ``synscope``.
    """
    program, *arguments = shlex.split(line)
    if program != "synscope":
        raise ValueError(f"a sample has to run synscope: {line}")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)
    with (
        contextlib.chdir(root),
        mock.patch.dict(os.environ, _FIXED),
        mock.patch("synscope.cli.output._system", return_value="linux"),
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        status = main.run(["--no-config", *arguments])
        stream.flush()
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8"), status
