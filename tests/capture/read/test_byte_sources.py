"""Files, pipes and compressed streams as byte sources."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.read.byte_sources import open_source
from synscope.capture.source import CaptureError
from tests import wire
from tests.follow import follow_file, unpacked
from tests.story import frames, names

STORY = frames("C S | S RA | C S seq=c+90000 | S SA | C A | C PA len=900 | S PA len=700") * 3
CAPTURE = wire.pcap(STORY)


def _zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    packed: bytes = zstd.compress(data)
    return packed


def _lz4(data: bytes) -> bytes:
    import lz4.frame

    packed: bytes = lz4.frame.compress(data, block_size=lz4.frame.BLOCKSIZE_MAX64KB, content_checksum=True)
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": _zstd,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lz4": _lz4,
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_compressed(packer: str, parts: int, tmp_path: Path) -> None:
    """Streams, and several of them one after another, whatever the file is called."""
    step = -(-len(CAPTURE) // parts)
    packed = b"".join(PACKERS[packer](CAPTURE[at : at + step]) for at in range(0, len(CAPTURE), step))
    path = tmp_path / "capture.txt"
    path.write_bytes(packed)
    assert unpacked(path) == CAPTURE
    assert follow_file(path).reader.cut is None


@pytest.mark.parametrize("packer", PACKERS)
def test_empty_parts_and_padding(packer: str, tmp_path: Path) -> None:
    """An empty stream in the middle, and zeros at the end as tapes have them."""
    pack = PACKERS[packer]
    path = tmp_path / "capture"
    path.write_bytes(pack(CAPTURE[:1000]) + pack(b"") + pack(CAPTURE[1000:]) + bytes(512))
    run = follow_file(path)
    assert unpacked(path) == CAPTURE
    assert run.reader.cut is None


@pytest.mark.parametrize("packer", PACKERS)
def test_large_compressed_stream(packer: str, tmp_path: Path) -> None:
    """More than any buffer on the way, and well compressed."""
    data = wire.pcap([(ts, frame + bytes(40_000)) for ts, frame in STORY * 4])
    path = tmp_path / "capture"
    path.write_bytes(PACKERS[packer](data))
    assert unpacked(path) == data


@pytest.mark.parametrize("packer", PACKERS)
def test_compressed_stream_cut_anywhere(packer: str, tmp_path: Path) -> None:
    """What can be unpacked is read; the rest is an error at the beginning or a cut with a reason."""
    packed = PACKERS[packer](CAPTURE)
    path = tmp_path / "capture"
    for size in range(len(packed)):
        path.write_bytes(packed[:size])
        run = follow_file(path)
        if run.error is None:
            assert run.reader.cut is not None, size
            assert packer in run.reader.cut.reason
            assert run.reader.cut.frame == run.reader.frames <= len(STORY)
        else:
            assert run.reader.frames == 0
            assert size < 6 or packer in run.error.reason


@pytest.mark.parametrize("packer", PACKERS)
@given(st.data())
def test_damaged_compressed_stream(
    packer: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Flipped bits never raise anything but the typed error, and never hang."""
    packed = bytearray(PACKERS[packer](CAPTURE))
    for place, bit in data.draw(
        st.lists(st.tuples(st.integers(6, len(packed) - 1), st.integers(0, 7)), min_size=1)
    ):
        packed[place] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / f"damaged-{packer}"
    path.write_bytes(packed)
    run = follow_file(path)
    assert run.reader.frames <= len(STORY)


def test_garbage_behind_a_compressed_stream(tmp_path: Path) -> None:
    """The capture is whole; the damage is told."""
    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(CAPTURE) + b"garbage")
    run = follow_file(path)
    assert run.reader.frames == len(STORY)
    assert run.reader.cut is not None
    assert "gzip" in run.reader.cut.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04" + bytes(40), "zip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z"),
    ],
)
def test_compression_that_is_not_supported(data: bytes, reason: str, tmp_path: Path) -> None:
    """The error names it and says what to do."""
    path = tmp_path / "capture"
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=f"{reason}.*unpack it first"):
        open_source(str(path))


@pytest.mark.parametrize("capture", ["/nonexistent/x.pcap", "a\0b"])
def test_what_cannot_be_opened(capture: str) -> None:
    """A typed error with the path as given."""
    with pytest.raises(CaptureError) as caught:
        open_source(capture)
    assert caught.value.capture == capture


def test_a_folder(tmp_path: Path) -> None:
    """Is no capture, and leaves no descriptor open."""
    with pytest.raises(CaptureError, match="directory"):
        open_source(str(tmp_path))


def test_descriptors_are_closed(tmp_path: Path) -> None:
    """By ``close``, and when opening fails."""
    path = tmp_path / "capture"
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else None
    for data in (CAPTURE, gzip.compress(CAPTURE), b"PK\x03\x04" + bytes(9), b""):
        path.write_bytes(data)
        with contextlib.suppress(CaptureError):
            open_source(str(path)).close()
    if before is not None:
        assert len(list(Path("/proc/self/fd").iterdir())) == before


_PIPED = """
import sys
from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
reader = CaptureReader(open_source("-"), "-")
for _ in reader.batches():
    pass
print(reader.frames, reader.cut)
"""


@pytest.mark.parametrize("packer", ["", *PACKERS])
def test_standard_input(packer: str) -> None:
    """A pipe, compressed or not."""
    data = PACKERS[packer](CAPTURE) if packer else CAPTURE
    done = subprocess.run([sys.executable, "-c", _PIPED], input=data, capture_output=True, check=True)
    assert done.stdout.decode().split() == [str(len(STORY)), "None"]


def test_a_pipe_is_followed_as_it_goes() -> None:
    """What is there is delivered before the rest has come."""
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, CAPTURE[:500])
        with contextlib.closing(open_source(f"/dev/fd/{read_end}")) as source:
            with memoryview(bytearray(4096)) as buffer:
                found = source.readinto(buffer) + source.readinto(buffer)
            assert found == 500
    finally:
        os.close(read_end)
        os.close(write_end)


def test_the_story_itself(tmp_path: Path) -> None:
    """Through a file, from bytes to labels."""
    path = tmp_path / "story.pcap"
    path.write_bytes(wire.pcap(STORY[:7]))
    assert names(follow_file(path).attempts) == ["SYN-RST refused", "completed still-open"]


@pytest.mark.parametrize("packer", ["", "gzip", "lz4"])
def test_whether_a_pipe_has_something(packer: str) -> None:
    """A source tells a pause of a pipe from bytes in hand; a file never pauses."""
    data = PACKERS[packer](CAPTURE) if packer else CAPTURE
    read_end, write_end = os.pipe()
    try:
        os.write(write_end, data)
        with contextlib.closing(open_source(f"/dev/fd/{read_end}")) as source:
            assert source.live
            found = b""
            with memoryview(bytearray(500)) as buffer:
                while source.ready(0.05):
                    found += buffer[: source.readinto(buffer)]
            assert found == CAPTURE
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_file_has_always_something(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(CAPTURE)
    with contextlib.closing(open_source(str(path))) as source:
        assert not source.live
        assert source.ready(0)
