"""Filters select what they say, by Wireshark's own word."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.model import Attempt, Endpoint, Evidence, Frames, Source, Target
from synscope.report import display_filter
from tests import story, wire

from .samples import SAMPLES, answered, icmp, refused, target, unanswered

FIXTURES = Path(__file__).parents[2] / "fixtures"

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None and not os.environ.get("SYNSCOPE_REQUIRE_KERNEL"), reason="needs tshark"
)


def selected(capture: Path, text: str) -> set[int]:
    command = ["tshark", "-n", "-r", str(capture), "-Y", text, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return {int(number) for number in done.stdout.split()}


def attempts_of(capture: Path) -> list[Attempt]:
    found: list[Attempt] = []
    analyze(str(capture), (), on_attempt=found.append)
    return sorted(found, key=lambda one: one.frames.first)


def key_frames(one: Attempt) -> set[int]:
    return {number for number in one.frames if number is not None}


def test_all_between_first_and_last_are_key_frames() -> None:
    assert display_filter.attempt(refused(3)) == "frame.number in {5, 6}"
    assert display_filter.attempt(icmp()) == "frame.number in {1, 2}"


def test_an_end_closes_the_range() -> None:
    one = answered()._replace(frames=Frames(1, 1, 2, 3, client_data=4, server_data=6, fin=9))
    assert display_filter.attempt(one) == (
        "(frame.number >= 1 && frame.number <= 9 && ip.addr == 127.0.0.1 && tcp.port == 40001 && tcp.port == 8080)"
        " || frame.number in {1..4, 6, 9}"
    )


def test_without_an_end_the_range_is_open() -> None:
    one = unanswered(5)._replace(client=Endpoint("fd00::2", 4), server=Endpoint("fd00::1", 4))
    assert display_filter.attempt(one) == (
        "(frame.number >= 5 && ipv6.addr == fd00::2 && ipv6.addr == fd00::1 && tcp.port == 4) || frame.number == 5"
    )


def test_a_finding_selects_the_frames_it_names() -> None:
    best = target(refused()).findings[0]
    named = best._replace(
        evidence=(Evidence(Source.PACKETS, "", (9, 4)), Evidence(Source.PACKETS, "", (4, 3))),
        against=(Evidence(Source.PACKETS, "", (5,)),),
    )
    assert display_filter.finding(Target("1", 1), named) == "frame.number in {3..5, 9}"


@pytest.mark.parametrize(("port", "shown"), [(62893, 62893), (619009, 29185), (-1, 65535)])
def test_without_frames_it_selects_the_port(port: int, shown: int) -> None:
    best = target(refused()).findings[0]._replace(evidence=(), against=())
    assert display_filter.finding(Target(str(port), port), best) == f"tcp.port == {shown}"


@needs_tshark
@pytest.mark.parametrize(
    "name",
    [
        *(
            "refused",
            "http-ok",
            "happy-eyeballs",
            "drop-input",
            "late-answer",
            "link-sll2-ipv6",
            "link-null-ipv6",
        ),
        *("gre", "ip-in-ip", "geneve", "mpls", "fragments", "length-zero"),
    ],
)
def test_wireshark_selects_the_key_frames(name: str) -> None:
    capture = FIXTURES / f"{name}.pcap"
    found = attempts_of(capture)
    assert found
    for one in found[:2]:
        assert key_frames(one) <= selected(capture, display_filter.attempt(one))


@needs_tshark
@pytest.mark.parametrize("name", ["refused", "never-sent", "wrapped-port", "http-500"])
def test_wireshark_takes_the_filters_of_findings(name: str) -> None:
    capture = FIXTURES / f"{name}.pcap"
    diagnosis = analyze(str(capture), (Target("62893", 62893), Target("619009", 619009)))
    for one in diagnosis.targets:
        for item in one.findings[:2]:
            named = {frame for evidence in item.evidence for frame in evidence.frames}
            assert named <= selected(capture, display_filter.finding(one.summary.target, item))


@needs_tshark
def test_the_next_attempt_on_the_same_ports_is_left_out(tmp_path: Path) -> None:
    talk = "C S | S SA | C A | C PA len=5 | S A | S PA len=9 | C A | C FA"
    again = story.frames(talk, start=wire.START + 2_000_000_000, isns=(70_000_000, 80_000_000))
    capture = tmp_path / "reused.pcap"
    capture.write_bytes(wire.pcap([*story.frames(talk), *again]))
    before, after = attempts_of(capture)
    assert before.client == after.client
    assert selected(capture, display_filter.attempt(before)) == set(range(1, 9))
    assert selected(capture, display_filter.attempt(after)) == set(range(9, 17))


def test_every_sample_has_one() -> None:
    for diagnosis in SAMPLES.values():
        for one in diagnosis.targets:
            assert all(display_filter.finding(one.summary.target, item) for item in one.findings)
