"""The filter in libpcap's words, as tcpdump understands it, beside the kernel filter's own program."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from synscope.capture.live.bpf import filter_program
from synscope.capture.live.filter_expression import filter_expression
from tests import wire
from tests.capture.live.test_bpf import Frame, execute
from tests.kernel import need

WATCHED = (5432, 8000, 8001, 8002, 65535)
PROXIES = (3128, 8080)
OTHER = 50_000
SAID = (
    b"CONNECT a:1 HTTP/1.1", b"CONNECT", b"GET http", b"POST http", b"POST htt", b"PATCH http://a/", b"OPTIONS http",
    b"OPTIONS *", b"\x05", b"\x05\x01\x00", b"\x05\x01\x01", b"\x05\x02\x00\x01", b"\x05\x03\x00\x01\x02",
    b"\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x40", b"\x05\x01\x00\x04" + bytes(18), b"\x05\x01\x00\x04" + bytes(17),
)  # fmt: skip
PAIRS = (
    (OTHER, 40_000),
    (OTHER, 5432),
    (8001, OTHER),
    (OTHER, 8003),
    (OTHER, 7999),
    (65535, 1),
    (3128, OTHER),
    (OTHER, 8080),
)


def _packets(*, v6: bool) -> Iterator[bytes]:
    source, destination = ("::1", "::1") if v6 else ("127.0.0.1", "127.0.0.1")
    for ports in PAIRS:
        for flags in ("S", "SA", "A", "FA", "R", "RA", "PA"):
            for payload in (b"", b"x", b"GET / HTTP/1.1\r\n", *SAID):
                yield wire.ip(source, destination, wire.tcp(*ports, flags=flags, payload=payload))
    for kind in range(16):
        yield wire.ip(source, destination, bytes([kind]) + bytes(47), 58 if v6 else 1)
    for protocol in (17, 50, 51, 132):
        yield wire.ip(source, destination, struct.pack("!HH", 8000, 8000) + bytes(40), protocol)
    if not v6:
        whole = wire.ip(source, destination, wire.tcp(OTHER, 40_000, flags="A", payload=bytes(64)))
        for word in (0x2000, 0x2008, 0x0008, 0x4000):
            yield whole[:6] + word.to_bytes(2, "big") + whole[8:]
            for protocol in (1, 17):
                yield whole[:6] + word.to_bytes(2, "big") + whole[8:9] + bytes([protocol]) + whole[10:]
        options = bytearray(
            wire.ip(source, destination, bytes(4) + wire.tcp(OTHER, 3128, flags="A", payload=b"x"))
        )
        options[0] = 0x46
        yield bytes(options)


def passed(frames: Sequence[bytes], text: str, folder: Path, linktype: int = 1) -> list[bool]:
    """Whether tcpdump keeps each frame; it tells them apart by their times."""
    need(None if shutil.which("tcpdump") else "tcpdump")
    path = folder / "frames.pcap"
    path.write_bytes(wire.pcap([(1_000 * at, frame) for at, frame in enumerate(frames)], linktype=linktype))
    command = ["tcpdump", "-r", str(path), "-w", "-", text]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    kept, at = set(), 24
    while at < len(out):
        seconds, fraction, length, _ = struct.unpack_from("<4I", out, at)
        kept.add((seconds * 1_000_000_000 + fraction * 1_000) // 1_000)
        at += 16 + length
    return [at in kept for at in range(len(frames))]


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize(("ports", "proxies"), [(WATCHED, PROXIES), (WATCHED, ()), ((), ()), (None, PROXIES)])
def test_it_passes_what_the_kernel_filter_passes(
    ports: tuple[int, ...] | None,
    proxies: tuple[int, ...],
    v6: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    frames = [wire.ethernet(packet) for packet in _packets(v6=v6)]
    program = filter_program(ports, proxies)
    wanted = [execute(program, Frame(frame)) > 0 for frame in frames]
    assert True in wanted
    assert False in wanted
    assert passed(frames, filter_expression(ports, proxies), tmp_path) == wanted


@pytest.mark.parametrize(("linktype", "header"), [(0, b"\x02\0\0\0"), (108, b"\0\0\0\x02"), (101, b"")])
def test_link_types_of_other_systems(linktype: int, header: bytes, tmp_path: Path) -> None:
    packets = list(_packets(v6=False))
    program = filter_program(WATCHED, PROXIES)
    wanted = [execute(program, Frame(wire.ethernet(packet))) > 0 for packet in packets]
    assert (
        passed([header + one for one in packets], filter_expression(WATCHED, PROXIES), tmp_path, linktype)
        == wanted
    )


def test_every_packet_with_an_extension_header_passes(tmp_path: Path) -> None:
    segment = wire.tcp(OTHER, 40_000, flags="A")
    frames = [
        wire.ethernet(wire.ip("::1", "::1", bytes([6, 0]) + bytes(6) + segment, header))
        for header in (0, 43, 44, 51, 60, 135, 139, 140)
    ]
    assert all(passed(frames, filter_expression(WATCHED), tmp_path))


def test_ports_in_a_row_are_one_range() -> None:
    text = filter_expression((8002, 80, 8001, 8000))
    assert "tcp port 80)" in text.replace(" or", ")")
    assert "tcp portrange 8000-8002" in text
    assert "8001" not in text
