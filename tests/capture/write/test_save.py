"""Saving: what the file says read back by our reader and by tshark, and what survives a full disk and a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.write.pcapng import About, section
from synscope.capture.write.save import Rotation, SaveOptions, Saver
from synscope.capture.write.storage import Files, SaveError
from synscope.engine.batch import Batch
from synscope.engine.follower import Follower
from tests import wire

ABOUT = About(hardware="two cores", os="Linux 6", application="synscope")
NAMES = {1: "lo", 2: "eth0"}
T0 = 1_700_000_000_123_456_789

limits_file_size = pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")


class Live:
    """A batch as the ring gives it."""

    def __init__(
        self, frames: Sequence[bytes], *, linktype: int = 1, index: int = 1, start: int = T0
    ) -> None:
        count = len(frames)
        self.frames = frames
        self.data = bytearray(b"\xee" * 7 + b"".join(frames))
        self.batch = Batch(max(1, count))
        self.batch.count = count
        at = 7
        for i, frame in enumerate(frames):
            self.batch.at[i] = at
            self.batch.caplen[i] = len(frame)
            self.batch.wirelen[i] = len(frame) + 3
            self.batch.ts_ns[i] = start + i * 10**9
            self.batch.linktype[i] = linktype
            at += len(frame)
        self.unfilled = array("I", [i % 2 for i in range(count)])
        self.ifindex = array("I", [index] * count)

    def into(self, saver: Saver, comments: dict[int, str] | None = None) -> None:
        saver.write(self.data, self.batch, self.unfilled, self.ifindex, comments or {})


def saver_at(
    path: Path,
    counts: tuple[int, int] = (0, 0),
    *,
    comments: Sequence[str] = (),
    replace: bool = False,
    **options: object,
) -> Saver:
    made = SaveOptions(**options)  # type: ignore[arg-type]
    files = Files(path, section(ABOUT, comments), replace=replace, rotated=made.rotation is not None)
    return Saver(files, made, name_of=NAMES.get, counts=lambda: counts)


def segments(count: int = 5) -> list[bytes]:
    return [
        wire.ethernet(wire.ipv4("127.0.0.1", "127.0.0.1", wire.tcp(1, 2, seq=n, flags="A", payload=b"x" * n)))
        for n in range(count)
    ]


def read(path: Path) -> tuple[list[tuple[bytes, int, int, int]], CaptureReader]:
    """Every frame's bytes, length on the wire, time and link type; and the reader."""
    reader = CaptureReader(open_source(str(path)), str(path))
    found = [
        (bytes(data[b.at[i] : b.at[i] + b.caplen[i]]), b.wirelen[i], b.ts_ns[i], b.linktype[i])
        for data, b in reader.batches()
        for i in range(b.count)
    ]
    reader.close()
    return found, reader


def tshark(path: Path, *fields: str) -> list[list[str]]:
    arguments = [argument for field in fields for argument in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), "-T", "fields", *arguments],
        capture_output=True,
        check=True,
        text=True,
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    live, raw = Live(segments()), Live([frame[14:] for frame in segments(3)], linktype=101, index=2)
    saver = saver_at(path, (10, 4))
    live.into(saver)
    raw.into(saver)
    live.into(saver)
    saver.close()
    found, reader = read(path)
    wanted = [
        (frame, len(frame) + 3, T0 + i * 10**9, one.batch.linktype[0])
        for one in (live, raw, live)
        for i, frame in enumerate(one.frames)
    ]
    assert found == wanted
    assert reader.linktypes == ("EN10MB", "RAW")
    assert reader.cut is None
    assert reader.dropped == 4
    assert saver.frames == 13
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_tshark
def test_tshark_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    saver = saver_at(path, (10, 4), comments=["the host", "über"])
    Live(segments(4)).into(saver, {0: "first", 1: "second, with a “quote”"})
    Live(segments(1), index=2).into(saver)
    saver.close()
    fields = (
        "frame.time_epoch",
        "frame.interface_name",
        "frame.comment",
        "frame.packet_flags",
        "tcp.seq_raw",
    )
    assert tshark(path, *fields) == [
        ["1700000000.123456789", "lo", "first", "", "0"],
        ["1700000001.123456789", "lo", "second, with a “quote”", "0x00000200", "1"],
        ["1700000002.123456789", "lo", "", "", "2"],
        ["1700000003.123456789", "lo", "", "0x00000200", "3"],
        ["1700000000.123456789", "eth0", "", "", "0"],
    ]
    said = subprocess.run(["capinfos", str(path)], capture_output=True, check=True, text=True).stdout
    for text in ("two cores", "Linux 6", "synscope", "the host", "über", "lo", "eth0"):
        assert text in said


def test_no_frames_still_say_what_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    saver_at(path, (0, 7)).close()
    found, reader = read(path)
    assert found == []
    assert reader.dropped == 7


def test_headers_only(tmp_path: Path) -> None:
    """No byte of any payload reaches the file, and the numbers of the frames stay."""
    secret = b"SECRET-" * 30
    with_options = wire.tcp(1, 2, flags="S", payload=secret, options=b"\1" * 12)
    datagram = wire.ipv4("127.0.0.1", "127.0.0.1", wire.tcp(3, 4, flags="S", payload=secret))
    error = wire.ipv4("127.0.0.1", "127.0.0.1", wire.icmp_error(3, 3, datagram), protocol=1)
    short = wire.ipv4("127.0.0.1", "127.0.0.1", wire.icmp_error(3, 3, datagram[:28]), protocol=1)
    lying = wire.ipv4("127.0.0.1", "127.0.0.1", wire.tcp(3, 4, flags="S", payload=secret, offset=0))
    lying = wire.ipv4("127.0.0.1", "127.0.0.1", wire.icmp_error(3, 3, lying), protocol=1)
    fragment = bytearray(datagram)
    fragment[6:8] = b"\x20\x10"
    frames = [
        wire.ethernet(wire.ipv4("127.0.0.1", "127.0.0.1", with_options)),
        wire.ethernet(wire.ip("::1", "::1", with_options)),
        wire.ethernet(error),
        wire.ethernet(short),
        wire.ethernet(lying),
        wire.ethernet(bytes(fragment)),
        wire.ethernet(wire.ipv4("127.0.0.1", "127.0.0.1", wire.udp(1, 2, secret), protocol=17)),
        wire.ethernet(secret, 0x0806),
    ]
    live = Live(frames)
    Follower().feed(live.data, live.batch)
    saver = saver_at(tmp_path / "a.pcapng", headers_only=True)
    live.into(saver)
    saver.close()
    assert b"SECRET" not in (tmp_path / "a.pcapng").read_bytes()
    found, _ = read(tmp_path / "a.pcapng")
    kept = [
        14 + 20 + 32,
        14 + 40 + 32,
        14 + 20 + 8 + 20 + 20,
        14 + 20 + 8 + 20 + 8,
        14 + 20 + 8 + 20 + 20,
        0,
        0,
        0,
    ]
    assert [one[0] for one in found] == [frame[:size] for frame, size in zip(frames, kept, strict=True)]
    assert [one[1] for one in found] == [len(frame) + 3 for frame in frames]


# -- files ------------------------------------------------------------------------------------------------


def test_an_existing_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(b"precious")
    with pytest.raises(SaveError, match="is there already"):
        saver_at(path)
    assert path.read_bytes() == b"precious"


def test_replacing_takes_the_place_and_not_the_target_of_a_link(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "a.pcapng"
    target.write_bytes(b"precious")
    path.symlink_to(target)
    saver = saver_at(path, replace=True)
    Live(segments()).into(saver)
    saver.close()
    assert target.read_bytes() == b"precious"
    assert not path.is_symlink()
    assert len(read(path)[0]) == 5
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.pcapng", "target"]


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.pcapng").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SaveError):
        saver_at(tmp_path / "a.pcapng")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="No such file"):
        saver_at(tmp_path / "no" / "a.pcapng")


def test_rotation_by_size(tmp_path: Path) -> None:
    saver = saver_at(tmp_path / "a.pcapng", (100, 9), rotation=Rotation(size=900))
    live = Live(segments(40))
    live.into(saver)
    live.into(saver)
    saver.close()
    assert [path.name for path in saver.files[:2]] == ["a_00001.pcapng", "a_00002.pcapng"]
    assert sorted(tmp_path.iterdir()) == saver.files
    assert len(saver.files) > 5
    parts = [read(path) for path in saver.files]
    assert [one[0] for found, _ in parts for one in found] == [*live.frames, *live.frames]
    assert all(found and reader.cut is None for found, reader in parts)
    assert sum(reader.dropped or 0 for _, reader in parts) == 9
    assert all(path.stat().st_size <= 900 + 100 for path in saver.files)


def test_rotation_by_time(tmp_path: Path) -> None:
    saver = saver_at(tmp_path / "a.pcapng", rotation=Rotation(seconds=3))
    Live(segments(8)).into(saver)
    saver.close()
    assert [len(read(path)[0]) for path in saver.files] == [3, 3, 2]


def test_a_file_in_the_way_of_a_rotation_ends_the_saving(tmp_path: Path) -> None:
    saver = saver_at(tmp_path / "a.pcapng", rotation=Rotation(seconds=3))
    (tmp_path / "a_00002.pcapng").write_bytes(b"precious")
    live = Live(segments(8))
    with pytest.raises(SaveError, match="the file after this one is there already"):
        live.into(saver)
    live.into(saver)
    saver.close()
    assert len(read(saver.files[0])[0]) == 3
    assert (tmp_path / "a_00002.pcapng").read_bytes() == b"precious"


def test_the_copy_with_comments_takes_the_place(tmp_path: Path) -> None:
    saver = saver_at(tmp_path / "a.pcapng", rotation=Rotation(seconds=3))
    Live(segments(8)).into(saver)
    saver.end()
    before = [path.read_bytes() for path in saver.files]
    saver.annotate({1: "one", 8: "eight"}, ["said"])
    saver.close()
    after = [path.read_bytes() for path in saver.files]
    assert after[:2] == before[:2]
    assert wire.option(1, b"eight") in after[2]
    assert wire.option(1, b"said") in after[2]
    assert len(read(saver.files[2])[0]) == 2
    assert sorted(tmp_path.iterdir()) == saver.files


@limits_file_size
def test_no_room_for_the_copy_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    saver = saver_at(path)
    Live(segments()).into(saver)
    saver.end()
    before = path.read_bytes()
    with small_disk(len(before)), pytest.raises(SaveError, match="it stays as it was captured"):
        saver.annotate({}, ["x" * 1000])
    saver.close()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    saver = saver_at(tmp_path / "a.pcapng")
    saver.end()
    before = (tmp_path / "a.pcapng").read_bytes()
    Live(segments()).into(saver)
    saver.end()
    saver.close()
    saver.annotate({}, ["too late"])
    assert (tmp_path / "a.pcapng").read_bytes() == before


# -- what goes wrong --------------------------------------------------------------------------------------


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Files cannot grow beyond ``size`` bytes: a write then comes back short, and the next one fails."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


@limits_file_size
def test_a_full_disk_leaves_whole_blocks_and_writing_on_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    saver = saver_at(path)
    live = Live(segments())
    live.into(saver)
    with small_disk(path.stat().st_size + 250):
        with pytest.raises(SaveError, match="nothing is saved from here on") as caught:
            live.into(saver)
        assert saver.error is caught.value
        live.into(saver)
        saver.close()
    found, reader = read(path)
    assert [one[0] for one in found] == live.frames
    assert reader.cut is None
    assert saver.frames == 5


@limits_file_size
def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    with small_disk(30), pytest.raises(SaveError, match="cannot be written"):
        saver_at(tmp_path / "a.pcapng")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_program_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    code = """
        import sys, pathlib
        from tests.capture.write.test_save import Live, saver_at, segments
        saver = saver_at(pathlib.Path(sys.argv[1]))
        for turn in range(10**9):
            Live(segments(20)).into(saver)
            if turn == 5:
                print("ready", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3], env=os.environ
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    found, _ = read(path)
    assert len(found) >= 120
    assert {one[0] for one in found} == set(segments(20))


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
@pytest.mark.usefixtures("kernel")
def test_from_the_ring_to_the_file_and_back(tmp_path: Path) -> None:
    """What the file gives is what the live capture gave, attempt by attempt."""
    from tests.kernel import drained, namespace, ring_on, server, talk

    path = tmp_path / "a.pcapng"
    live = Follower()
    with namespace(), server("::1") as there:
        ring = ring_on("any")
        saver = Saver(
            Files(path, section(ABOUT)),
            SaveOptions(),
            name_of=ring.interface_name,
            counts=lambda: (ring.received, ring.dropped),
        )
        talk(there.address, 30)
        for data, batch in drained(ring):
            live.feed(data, batch)
            saver.write(data, batch, ring.unfilled, ring.ifindex)
        saver.close()
        ring.close()
    again = Follower()
    reader = CaptureReader(open_source(str(path)), str(path))
    for data, batch in reader.batches():
        again.feed(data, batch)
    assert reader.dropped == 0
    assert json.dumps(again.undecoded()) == json.dumps(live.undecoded())
    assert [repr(group) for group in again.tracker.finish()] == [
        repr(group) for group in live.tracker.finish()
    ]
