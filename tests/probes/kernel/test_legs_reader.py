"""The connects of a server's own processes, read within bounds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from synscope.probes.kernel.instance import Handover
from synscope.probes.kernel.legs_instance import LegsHandover
from synscope.probes.kernel.legs_reader import LegsReader
from tests.evidence.kernel.recorded import FORMATS_6_18, REFUSED_6_18

BEGUN, _, _, REFUSED = REFUSED_6_18.splitlines(keepends=True)
OF_A_CLIENT = REFUSED.replace(
    "oldstate=TCP_SYN_SENT newstate=TCP_CLOSE", "oldstate=TCP_ESTABLISHED newstate=TCP_CLOSE_WAIT"
)


@contextlib.contextmanager
def following(most_a_second: int = 100) -> Iterator[tuple[LegsReader, int, int]]:
    """A reader, where its trace is written to, and where its switch is read."""
    pipe, trace = os.pipe()
    off, switch = os.pipe()
    ids_read, ids = os.pipe()
    for descriptor in (pipe, off):
        os.set_blocking(descriptor, False)
    handover = LegsHandover(Handover(pipe, switch, FORMATS_6_18, {}), ids)
    reader = LegsReader(handover, 0, network=None, most_a_second=most_a_second)
    try:
        yield reader, trace, off
    finally:
        reader.close()
        for descriptor in (trace, off, ids_read):
            os.close(descriptor)


def switched(off: int) -> bytes:
    try:
        return os.read(off, 9)
    except BlockingIOError:
        return b""


def test_a_connect_and_its_end() -> None:
    with following() as (reader, trace, off):
        os.write(trace, (BEGUN + REFUSED).encode())
        reader.read()
        (made,) = reader.connects.made
        assert (str(made.server), made.established, made.settled_ns is None) == (
            "127.0.0.1:47881",
            False,
            False,
        )
        assert (reader.connects.untold, switched(off)) == ("", b"")


@pytest.mark.parametrize("line", [BEGUN, OF_A_CLIENT, "nonsense\n"])
def test_too_many_lines_switch_it_off_whatever_they_tell(line: str) -> None:
    """A busy server's clients change their sockets' states in its time as well."""
    with following(most_a_second=5) as (reader, trace, off):
        os.write(trace, (line * 11).encode())
        reader.read()
        assert switched(off) == b"0"
        assert "more than 5 changes" in reader.connects.untold
        kept = len(reader.connects.made)
        os.write(trace, BEGUN.encode())
        reader.read()
        assert len(reader.connects.made) == kept, "what comes later is thrown away"
