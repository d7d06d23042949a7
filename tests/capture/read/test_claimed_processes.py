"""To which end of an attempt a claim belongs, all the way from the file to the report."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

import synscope
from synscope.analysis import analyze
from synscope.capture.read import claimed_processes
from synscope.model import Attempt, ProcessSource
from tests import wire
from tests.capture.read.test_process_claims import CURL, IN, OUT, direction, packet
from tests.story import frames

STORY = frames("C S | S SA | C A | C PA len=5 | S PA len=7")
SERVER = b"PID: 77\nCmd: /usr/bin/python3"
Told = tuple[Sequence[tuple[int, bytes]], int]


def capture(*told: Told, interface: bytes = b"eth0", application: bytes = b"", blocks: bytes = b"") -> bytes:
    """The story, with options and a direction for each of its frames."""
    head = wire.section(options=wire.option(4, application) + wire.option(0, b""))
    described = wire.interface(options=wire.option(2, interface) + wire.option(0, b""))
    return (
        head
        + described
        + blocks
        + b"".join(
            packet(frame, [*options, direction(flags)])
            for (_, frame), (options, flags) in zip(STORY, told, strict=False)
        )
    )


def attempt(data: bytes) -> Attempt:
    """The only attempt of a capture."""
    (target,) = synscope.analyze(io.BytesIO(data)).targets
    return target.summary.groups[0].examples[0]


def pids(data: bytes) -> tuple[int | None, int | None]:
    """The process numbers at both ends."""
    return tuple(None if end is None else end.pid for end in attempt(data).process)  # type: ignore[return-value]


def ptcpdump(*comments: tuple[bytes, int], interface: bytes = b"lo") -> bytes:
    """The story as ptcpdump wrote it."""
    told = [([(1, comment)] if comment else [], flags) for comment, flags in comments]
    return capture(*told, interface=interface, application=b"ptcpdump v0.31.0")


def test_one_process_for_a_whole_flow_is_the_clients() -> None:
    assert pids(ptcpdump((CURL, OUT), (CURL, OUT), (CURL, OUT))) == (345650, None)


def test_another_process_that_answers_is_the_servers() -> None:
    assert pids(ptcpdump((CURL, OUT), (SERVER, OUT), (CURL, OUT))) == (345650, 77)


def test_of_a_flow_on_loopback_whose_client_is_not_told_nobody_is_known() -> None:
    assert pids(ptcpdump((b"", OUT), (SERVER, OUT))) == (None, None)


def test_what_comes_in_from_elsewhere_is_the_servers() -> None:
    assert pids(ptcpdump((SERVER, IN), (SERVER, OUT), interface=b"eth0")) == (None, 77)


def test_frames_that_disagree_say_nothing() -> None:
    assert pids(ptcpdump((CURL, OUT), (b"", OUT), (SERVER, OUT))) == (None, None)


def test_apple_names_both_ends() -> None:
    blocks = b"".join(
        wire.block(0x80000001, struct.pack("<I", pid) + wire.option(2, name) + wire.option(0, b""))
        for pid, name in ((501, b"curl"), (88, b"node"))
    )
    first, second = ([(0x8001, struct.pack("<I", index))] for index in (0, 1))
    found = attempt(capture((first, OUT), (second, OUT), blocks=blocks)).process
    assert found.client is not None
    assert found.server is not None
    assert (found.client.name, found.server.name) == ("curl", "node")
    assert found.client.source is ProcessSource.CAPTURE


def test_of_windows_only_what_a_process_sends_itself_counts() -> None:
    """A SYN and payload are sent by the process that runs; a SYN-ACK and an ACK are not."""
    asks, other, answers = ([(1, f"PID={pid} TID=1".encode())] for pid in (4711, 666, 88))
    told: list[Told] = [(asks, OUT), (other, OUT), (other, OUT), (asks, OUT), (answers, OUT)]
    assert pids(capture(*told)) == (4711, 88)
    assert pids(capture(*told[:3])) == (4711, None)


def test_what_is_told_as_it_settles_has_them_too(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(ptcpdump((CURL, OUT)))
    told: list[Attempt] = []
    analyze(str(path), on_attempt=told.append)
    assert [one.process.client is not None for one in told] == [True]


def test_a_set_of_files_has_them_too(tmp_path: Path) -> None:
    """Frames have other numbers there; the second file's begin where the first one's end."""
    data = ptcpdump((CURL, OUT), (b"", OUT))
    for name, content in (("a", wire.pcap(STORY)), ("b", data)):
        (tmp_path / name).write_bytes(content)
    found = analyze("both", files=[str(tmp_path / name) for name in "ab"])
    ends = [
        example.process.client
        for target in found.targets
        for group in target.summary.groups
        for example in group.examples
    ]
    assert [end.pid for end in ends if end is not None] == [345650]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claimed_processes, "_MOST_ENDS", 0)
    assert pids(ptcpdump((CURL, OUT))) == (None, None)
