"""All frames of an attempt: both directions, the ICMP error about it, and none of the next one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.capture.read.attempt_frames import BEGINS, CHOSEN, attempt_frames
from synscope.capture.source import CaptureError
from tests import wire

HOST = "127.0.0.1"


def datagram(source: int, destination: int, flags: str, address: str = HOST) -> bytes:
    return wire.ip(address, address, wire.tcp(source, destination, flags=flags))


def capture(path: Path, packets: list[bytes]) -> str:
    path.write_bytes(
        wire.pcap(
            [(n, wire.ethernet(p, 0x86DD if p[0] >> 4 == 6 else 0x0800)) for n, p in enumerate(packets)]
        )
    )
    return str(path)


def test_both_directions_and_the_error_until_the_next_attempt(tmp_path: Path) -> None:
    syn, answer = datagram(5000, 80, "S"), datagram(80, 5000, "RA")
    error = wire.ipv4(HOST, HOST, wire.icmp_error(3, 3, syn), protocol=1)
    packets = [
        *(syn, datagram(5001, 80, "S"), answer, error, datagram(80, 5001, "RA")),
        *(datagram(5000, 80, "S", "::1"), wire.ipv4(HOST, HOST, wire.udp(5000, 80, b""), protocol=17)),
        *(syn, datagram(80, 5000, "SA"), datagram(5000, 80, "S"), answer),
    ]
    marks = bytearray([CHOSEN, BEGINS, 0, 0, 0, BEGINS, 0, BEGINS, 0, CHOSEN])
    found = attempt_frames(capture(tmp_path / "a.pcap", packets), marks)
    assert list(found) == [1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        attempt_frames(str(tmp_path / "none"), bytearray())
