"""``synscope annotate``: what Wireshark then shows, and what is kept."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from synscope.cli.main import cli
from tests import wire
from tests.capture.write.test_save import needs_tshark, read, tshark

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = FIXTURES / "refused.pcap"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["annotate", *map(str, arguments)])


@needs_tshark
def test_tshark_shows_the_comments(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    result = run(REFUSED, out, "-p", "62893")
    assert result.exit_code == 0, result.output
    assert "comments on 2 frames" in result.output
    frames, _ = read(REFUSED)
    assert read(out)[0] == frames
    comments = {line[0]: line[1] for line in tshark(out, "frame.number", "frame.comment") if len(line) > 1}
    assert comments["1"].startswith("synscope: SYN of attempt #1: SYN-RST, SYN101")
    assert comments["2"].startswith("synscope: RST of attempt #1: SYN-RST, SYN101")


def _two(path: Path) -> list[bytes]:
    """A refused attempt to port 80, a whole one to 81, taking turns."""

    def one(*arguments: int, flags: str, **numbers: int) -> bytes:
        return wire.ethernet(
            wire.ipv4("127.0.0.1", "127.0.0.1", wire.tcp(*arguments, flags=flags, **numbers))
        )

    frames = [
        one(5000, 80, flags="S", seq=9),
        one(5001, 81, flags="S", seq=1),
        one(80, 5000, flags="RA", ack=10),
        one(81, 5001, flags="SA", seq=7, ack=2),
        one(5001, 81, flags="A", seq=2, ack=8),
    ]
    path.write_bytes(gzip.compress(wire.pcap(list(enumerate(frames)))))
    return frames


@needs_tshark
def test_only_failing(tmp_path: Path) -> None:
    source, out = tmp_path / "in.pcap.gz", tmp_path / "out.pcapng"
    frames = _two(source)
    result = run(source, out, "--only-failing")
    assert result.exit_code == 0, result.output
    assert "2 frames of 5 kept" in result.output
    assert [frame for frame, *_ in read(out)[0]] == [frames[0], frames[2]]
    comments = [line[1] for line in tshark(out, "frame.number", "frame.comment")]
    assert f"frame 3 of {source}, RST of attempt #1" in comments[1]


def test_only_failing_of_a_target_that_is_well(tmp_path: Path) -> None:
    source, out = tmp_path / "in.pcap.gz", tmp_path / "out.pcapng"
    _two(source)
    assert run(source, out, "--only-failing", "-p", "81").exit_code == 0
    assert read(out)[0] == []


def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    out.write_bytes(b"precious")
    result = run(REFUSED, out)
    assert result.exit_code == 1
    assert "--force" in result.output
    assert out.read_bytes() == b"precious"
    assert run(REFUSED, out, "--force").exit_code == 0
    assert run(out, out, "--force").exit_code == 0
    assert read(out)[0] == read(REFUSED)[0]


@pytest.mark.parametrize(
    ("source", "status", "text"),
    [("-", 2, "standard input"), ("none", 3, "cannot be opened"), (__file__, 3, "is no pcap")],
)
def test_what_cannot_be_read(tmp_path: Path, source: str, status: int, text: str) -> None:
    result = run(source, tmp_path / "out")
    assert (result.exit_code, list(tmp_path.iterdir())) == (status, [])
    assert text in result.output


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    assert run(REFUSED, tmp_path / "no" / "out").exit_code == 1
    assert run(REFUSED, "nul\0").exit_code == 2
