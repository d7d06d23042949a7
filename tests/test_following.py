"""One loop follows every source: the same bytes say the same, whichever way they come in."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synscope
from synscope import Analyzer, CaptureError, Diagnosis, Label
from synscope.analysis import analyze
from synscope.capture.read.capture_reader import CaptureReader
from tests import story, wire
from tests.follow import FIXTURES, Bytes, unpacked

SECOND = 1_000_000_000
TRIED_AGAIN = [
    *story.frames("C S | S SA | C A", client=("127.0.0.1", 5000), server=("127.0.0.1", 80)),
    *story.frames("C S", client=("127.0.0.1", 5001), server=("127.0.0.1", 80), start=wire.START + SECOND),
    *story.frames(
        "C S", client=("127.0.0.1", 6000), server=("127.0.0.1", 99), start=wire.START + 30 * SECOND
    ),
]
EARLIER = story.frames(
    "C S", client=("127.0.0.1", 6001), server=("127.0.0.1", 99), start=wire.START + SECOND + SECOND // 10
)
STAMPED_EARLIER = wire.pcap([*TRIED_AGAIN, *EARLIER])
"""An attempt to port 80 of which nobody hears for 29 seconds; the last frame is stamped long before their end."""

PLAIN = sorted(path for path in FIXTURES.iterdir() if path.suffix in {".pcap", ".pcapng"})


def test_a_last_frame_that_is_stamped_earlier(tmp_path: Path) -> None:
    path = tmp_path / "stamped-earlier.pcap"
    path.write_bytes(STAMPED_EARLIER)
    for argument in (str(path), "-"):
        done = subprocess.run(
            [sys.executable, "-m", "synscope", "analyze", argument, "-p", "80"],
            input=STAMPED_EARLIER,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1, done
        assert b"SYN-no-reply" in done.stdout
    for diagnosis in ways(STAMPED_EARLIER, tmp_path, [200, 301]):
        assert isinstance(diagnosis, Diagnosis)
        (target,) = (target for target in diagnosis.targets if target.summary.target.port == 80)
        assert target.summary.label is Label.SYN_NO_REPLY
        assert diagnosis.health.first_ts_ns == wire.START
        assert diagnosis.health.last_ts_ns == wire.START + 30 * SECOND


# -- every way says the same ------------------------------------------------------------------------


@contextlib.contextmanager
def on_standard_input(data: bytes) -> Iterator[None]:
    """Put a pipe into which ``data`` is written in place of standard input."""
    reading, writing = os.pipe()
    before = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        os.dup2(before, 0)  # which closes the pipe, should somebody still write into it
        os.close(before)
        writer.join()


def fed(data: bytes, cuts: list[int]) -> Diagnosis:
    """Analyse ``data`` in pieces that end where ``cuts`` say."""
    analyzer = Analyzer()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        analyzer.feed(data[start:end])
    return analyzer.finish()


def ways(data: bytes, folder: Path, cuts: list[int]) -> list[Diagnosis | str]:
    """Return what a file, a pipe, a stream and pieces say, without the capture's name; or each one's error."""
    path = folder / "capture"
    path.write_bytes(data)
    found: list[Diagnosis | str] = [nameless(analyze(str(path)))]
    with on_standard_input(data):
        found.append(nameless(analyze("-")))
    for make in (lambda: synscope.analyze(io.BytesIO(data)), lambda: fed(data, cuts)):
        try:
            found.append(nameless(make()))
        except CaptureError as error:
            found.append(error.reason)
    return found


def nameless(diagnosis: Diagnosis) -> Diagnosis | str:
    """Return what a diagnosis says, or why its capture could not be read."""
    return diagnosis.health.error or diagnosis._replace(capture="")


def assert_same(data: bytes, folder: Path, cuts: list[int]) -> None:
    first, *others = ways(data, folder, cuts)
    for other in others:
        assert other == first


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.name)
def test_every_fixture(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    assert_same(data, tmp_path, list(range(0, min(len(data), 50_000), 83)))


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.name)
def test_settling_early_changes_no_verdict(path: Path) -> None:
    at_the_end = analyze(str(path))
    with on_standard_input(path.read_bytes()):
        early = analyze("-", live=True)
    for one, other in zip(at_the_end.targets, early.targets, strict=True):
        assert one.summary.label is other.summary.label
        assert one.findings == other.findings
    assert (at_the_end.health.first_ts_ns, at_the_end.health.last_ts_ns) == (
        early.health.first_ts_ns,
        early.health.last_ts_ns,
    )


@given(
    st.sampled_from(PLAIN),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 1 << 20), max_size=12),
)
def test_with_shuffled_time_stamps(
    tmp_path_factory: pytest.TempPathFactory, path: Path, chance: random.Random, cuts: list[int]
) -> None:
    times, frames, linktype = frames_of(path.read_bytes())
    chance.shuffle(times)
    data = wire.pcap(zip(times, frames, strict=True), linktype=linktype)
    assert_same(data, tmp_path_factory.getbasetemp(), cuts)


def frames_of(data: bytes) -> tuple[list[int], list[bytes], int]:
    """Return time stamps, frames and the first link type of a capture; nothing where it cannot be read."""
    times: list[int] = []
    frames: list[bytes] = []
    linktype = 1
    with contextlib.suppress(CaptureError):
        for buffer, batch in CaptureReader(Bytes(data), "test.pcap").batches():
            linktype = linktype if frames else batch.linktype[0]
            for row in range(batch.count):
                times.append(batch.ts_ns[row] % YEAR_2100)
                frames.append(bytes(buffer[batch.at[row] : batch.at[row] + batch.caplen[row]]))
    return times, frames, linktype


YEAR_2100 = 4_102_444_800 * SECOND
"""A pcap's time stamps have 32 bits of seconds."""

MORE = os.environ.get("SYNSCOPE_CAPTURES")


@pytest.mark.skipif(MORE is None, reason="SYNSCOPE_CAPTURES names no folder of further captures")
def test_further_captures(tmp_path: Path) -> None:
    for path in sorted(Path(MORE or "").rglob("*")):
        if path.is_file():
            data = unpacked_or_not(path)
            first, *others = ways(data, tmp_path, list(range(0, min(len(data), 50_000), 983)))
            assert others == [first] * len(others), path


def unpacked_or_not(path: Path) -> bytes:
    """Return what is in a file, without its compression where that can be undone."""
    try:
        return unpacked(path)
    except CaptureError:
        return path.read_bytes()
