"""Wireshark as an independent judge of handshakes: which segments each fixture's attempts have shown.

``sharkd`` is tshark's dissector as a server and comes with it on Debian (``wireshark-common``). One process
reads all fixtures, where tshark would have to start for each; like ``tshark -2`` it knows the whole file
before it prints a frame. ``tcp.completeness`` collects, for each conversation, six bits: SYN, SYN-ACK,
ACK, DATA, FIN, RST. An attempt is compared with the conversation that begins with the same frame.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any

import pytest

from synscope.model import Attempt, Label
from tests.follow import FIXTURES, follow_file

MANIFEST: list[dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text("utf-8"))
FILES = [entry["file"] for entry in MANIFEST]

SYN, SYN_ACK, ACK, DATA, FIN, RST = (1 << place for place in range(6))
EVENTS = {
    SYN: {"client-syn", "server-syn"},
    SYN_ACK: {"syn-ack", "client-syn-ack", "odd-syn-ack"},
    DATA: {"client-data", "server-data", "syn-carries-data"},
    FIN: {"client-fin", "server-fin"},
    RST: {"rst-to-syn", "server-rst", "client-rst", "client-rst-early", "odd-rst"},
}
"""Bit → the events that amount to it. ACK is not among them: Wireshark sets it for any segment without SYN
that has the flag, also for the RST,ACK of a refusal, so that it does not tell whether a handshake completed.
The other way round it must hold, see ``test_what_completed_has_an_ack``."""

_IN_ORDER = "Wireshark counts a SYN or SYN-ACK only at the beginning of the conversation, in that order"
DIFFERENCES = {
    "reject-output.pcap": (RST, "Wireshark counts nothing where a conversation is one RST"),
    "refused-with-payload.pcap": (DATA, "the RST's payload is no data of the connection for us"),
    "rst-after-fin.pcap": (RST, "an RST when both sides have closed resets nothing for us"),
    "server-side-only.pcap": (SYN_ACK, _IN_ORDER),
    "syn-missing.pcap": (SYN_ACK, _IN_ORDER),
    "reordered.pcap": (SYN | SYN_ACK, _IN_ORDER),
    "merged-sides.pcap": (SYN | SYN_ACK, _IN_ORDER),
}
"""Fixture → the bits in which one of its attempts differs, and why. All others agree in all bits."""

UNREAD = {"link-null-ipv6-linux.pcap": "Wireshark does not take 10 for the address family of IPv6"}
"""Fixtures that Wireshark does not read, and why."""


@pytest.fixture(scope="module")
def streams() -> dict[str, dict[int, int]]:
    """Of each fixture: the first frame of each conversation, and the conversation's bits."""
    if shutil.which("sharkd") is None:
        reason = "needs sharkd, which comes with tshark"
        if os.environ.get("SYNSCOPE_REQUIRE_KERNEL") == "1":
            pytest.fail(f"SYNSCOPE_REQUIRE_KERNEL=1, but this {reason}")
        pytest.skip(reason)
    columns = {"column0": "tcp.stream:1", "column1": "tcp.completeness:1"}
    requests = []
    for place, name in enumerate(FILES):
        load = {"method": "load", "params": {"file": str(FIXTURES / name)}}
        show = {"method": "frames", "params": columns}
        requests += [
            {"jsonrpc": "2.0", "id": number, **ask}
            for number, ask in enumerate((load, show), 2 * place + 1)  # sharkd does not take 0
        ]
    done = subprocess.run(
        ["sharkd", "-"],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    return {name: _streams(answers[2 * place + 2]["result"]) for place, name in enumerate(FILES)}


def _streams(frames: list[dict[str, Any]]) -> dict[int, int]:
    found: dict[str, tuple[int, int]] = {}
    for frame in frames:
        stream, words = frame["c"]
        if bits := re.search(r"\((\d+)\)$", words):
            found.setdefault(stream, (frame["num"], int(bits[1])))
    return dict(found.values())


def _attempts(name: str) -> dict[int, Attempt]:
    return {attempt.frames.first: attempt for attempt in follow_file(FIXTURES / name).attempts}


def _bits(attempt: Attempt) -> int:
    return sum(bit for bit, events in EVENTS.items() if attempt.events & events)


@pytest.mark.parametrize("name", FILES)
def test_attempts_are_conversations(name: str, streams: dict[str, dict[int, int]]) -> None:
    """Wireshark parts the frames of a 4-tuple where we do."""
    assert set(streams[name]) == (set() if name in UNREAD else set(_attempts(name)))


@pytest.mark.parametrize("name", [name for name in FILES if name not in UNREAD])
def test_same_segments_were_seen(name: str, streams: dict[str, dict[int, int]]) -> None:
    """All bits but ACK agree; where they do not, the difference is exactly the one that is named."""
    found = {_bits(attempt) ^ streams[name][first] & ~ACK for first, attempt in _attempts(name).items()}
    accepted, _ = DIFFERENCES.get(name, (0, ""))
    assert found - {0} == {accepted} - {0}


@pytest.mark.parametrize("name", [name for name in FILES if name not in UNREAD])
def test_what_completed_has_an_ack(name: str, streams: dict[str, dict[int, int]]) -> None:
    """No handshake is called completed without a segment that acknowledges."""
    for first, attempt in _attempts(name).items():
        assert attempt.label is not Label.COMPLETED or streams[name][first] & ACK
