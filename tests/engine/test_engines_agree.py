"""Both engines say the same of every capture there is."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from synscope.engine import VARIABLE
from tests import wire
from tests.engine import stories
from tests.follow import FIXTURES
from tests.story import frames

TOOL = Path(__file__).parent.parent / "tools" / "compare_engines.py"


@pytest.fixture(scope="module")
def both_engines() -> None:
    """Skip, with the engine's own reason, where one of the two cannot run."""
    for mode in ("compiled", "interpreted"):
        done = subprocess.run(
            [sys.executable, "-c", "import synscope.engine.attempts"],
            capture_output=True,
            check=False,
            env={**os.environ, VARIABLE: mode},
            text=True,
        )
        if done.returncode:
            pytest.skip(done.stderr.strip().rpartition("\n")[2])


def _compare(*paths: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), *map(str, paths)], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("both_engines")
def test_fixtures() -> None:
    """Attempts, groups and all counts of every fixture."""
    _compare(FIXTURES)


@pytest.mark.usefixtures("both_engines")
def test_stories_and_damage(tmp_path: Path) -> None:
    """Every story anywhere in sequence space, and noise on top of them."""
    dice = random.Random(793)
    for place, story in enumerate(stories.ALL):
        isns = (dice.randrange(1 << 32), dice.choice([0, 0xFFFFFFFF, 0x80000000]))
        capture = bytearray(wire.pcap(frames(story.text, isns=isns)))
        (tmp_path / f"{place}-whole.pcap").write_bytes(capture)
        for _ in range(12):
            capture[dice.randrange(24, len(capture))] = dice.randrange(256)
        (tmp_path / f"{place}-damaged.pcap").write_bytes(capture)
    for place in range(200):
        linktype = dice.choice([0, 1, 9, 50, 51, 101, 104, 105, 113, 119, 127, 163, 192, 239, 276])
        noise = [(wire.START + n, dice.randbytes(dice.randrange(120))) for n in range(20)]
        (tmp_path / f"{place}-noise.pcap").write_bytes(wire.pcap(noise, linktype=linktype))
    _compare(tmp_path)


@pytest.mark.usefixtures("both_engines")
def test_a_long_capture(tmp_path: Path) -> None:
    """One in which attempts are settled on the way."""
    capture: list[tuple[int, bytes]] = []
    for turn in range(9000):
        story = stories.ALL[turn % len(stories.ALL)]
        client = (f"10.0.{turn >> 8 & 255}.{turn & 255}", 1024 + turn)
        capture += frames(story.text, client=client, start=wire.START + turn * 10**8)
    path = tmp_path / "long.pcap"
    path.write_bytes(wire.pcap(capture))
    _compare(path)
