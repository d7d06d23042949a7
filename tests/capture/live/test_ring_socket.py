"""Making the ring's socket: what it may and may not see, and how it fails."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synscope.capture.live import ring_socket
from synscope.capture.live.bpf import DROP_ALL, filter_program, program_bytes
from synscope.capture.live.ring_socket import (
    NoSuchInterfaceError,
    RingError,
    RingMemoryError,
    RingPermissionError,
    RingUnsupportedError,
    open_ring,
)
from tests import wire
from tests.kernel import SMALL, Server, frames_of, namespace, ring_on, run, talk

MEASURES = {"block_size": 1 << 17, "block_count": 8, "retire_ms": 20}
PROGRAM = program_bytes(filter_program(None))


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_only_the_standard_library_is_imported() -> None:
    code = (
        "import sys; before = set(sys.modules); import synscope.capture.live.ring_socket;"
        "print(*sorted(n for n in set(sys.modules) - before if n.startswith('synscope')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    named = done.stdout.split()
    assert set(named) - {"synscope", "synscope._version", "synscope.capture", "synscope.capture.live"} == {
        "synscope.capture.live.ring_socket"
    }
    source = Path(ring_socket.__file__).read_text(encoding="utf-8")
    assert "from synscope" not in source
    assert "import synscope" not in source


@pytest.mark.usefixtures("kernel")
def test_no_such_interface() -> None:
    with namespace(), pytest.raises(NoSuchInterfaceError, match="no interface 'eth77' here") as caught:
        open_ring("eth77", program=PROGRAM, **MEASURES)
    assert caught.value.errno == errno.ENODEV
    assert isinstance(caught.value, OSError)


@pytest.mark.usefixtures("kernel")
def test_without_the_right() -> None:
    # Imported before the privileges go: the checkout may be readable by root alone.
    code = (
        "import os; from synscope.capture.live import ring_socket as r\n"
        "os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "try: r.open_ring('lo', block_size=4096, block_count=1, retire_ms=1, program=b'')\n"
        "except r.RingPermissionError as error: print(error.errno, error.strerror)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.startswith(f"{errno.EPERM} capturing needs root or the capability CAP_NET_RAW")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EPERM, RingPermissionError),
        (errno.EACCES, RingPermissionError),
        (errno.EAFNOSUPPORT, RingUnsupportedError),
        (errno.ENOMEM, RingMemoryError),
        (errno.EMFILE, RingError),
    ],
)
def test_kinds_of_failure(monkeypatch: pytest.MonkeyPatch, number: int, kind: type[RingError]) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(kind) as caught:
        open_ring("lo", program=PROGRAM, **MEASURES)
    assert type(caught.value) is kind
    assert caught.value.errno == number


def test_a_system_without_packet_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_PACKET")
    with pytest.raises(RingUnsupportedError, match="Linux"):
        open_ring("lo", program=PROGRAM, **MEASURES)


@pytest.mark.usefixtures("kernel")
def test_measures_the_kernel_refuses_leave_no_socket_open() -> None:
    before = _open_files()
    with pytest.raises(RingError, match="no packet ring could be made"):
        open_ring("lo", block_size=5000, block_count=2, retire_ms=20, program=PROGRAM)
    with pytest.raises(RingError):
        open_ring("lo", program=b"\xff" * 8, **MEASURES)
    assert _open_files() == before


@pytest.mark.usefixtures("kernel")
def test_too_much_memory_is_a_refusal_of_its_own() -> None:
    with pytest.raises(RingMemoryError, match="no memory for a packet ring of"):
        open_ring("lo", block_size=1 << 20, block_count=1 << 20, retire_ms=20, program=PROGRAM)


@pytest.mark.usefixtures("kernel")
def test_nothing_from_elsewhere_comes_in_before_it_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of another interface, sent at each step of making the ring, is not in it."""
    syn = wire.ethernet(wire.ipv4("10.1.1.1", "10.1.1.2", wire.tcp(1, 2, flags="S")))
    steps: list[str] = []
    with namespace() as name:
        run("ip", "-n", name, "link", "add", "here", "type", "veth", "peer", "name", "there")
        for device in ("here", "there"):
            run("ip", "-n", name, "link", "set", device, "up")
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind(("here", 0))
            for step in ("_attach", "_is_loopback"):
                whole = getattr(ring_socket, step)

                def noisy(*arguments: object, whole: Any = whole, step: str = step) -> Any:
                    steps.append(step)
                    done = whole(*arguments)
                    out.send(syn)
                    return done

                monkeypatch.setattr(ring_socket, step, noisy)
            ring = ring_on("lo")
            out.send(syn)
        assert steps == ["_attach", "_is_loopback"]
        assert frames_of(ring) == []
        assert ring.received == 0
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_the_filter_is_locked() -> None:
    """Whoever gets the descriptor cannot take the filter away, nor put another in its place."""
    with namespace():
        made = open_ring("lo", program=program_bytes(DROP_ALL), **MEASURES)
        with made, pytest.raises(PermissionError):
            made.setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER
        made.close()


@pytest.mark.usefixtures("kernel")
def test_the_snap_length_is_the_filters() -> None:
    with namespace():
        there = Server("127.0.0.1")
        try:
            ring = ring_on("lo", filter_program(None, snap_length=54))
            talk(there.address)
            frames = frames_of(ring)
            assert frames
            assert {len(frame) for frame in frames} == {54}
            assert ring.snapped == len(frames)
            ring.close()
        finally:
            there.close()


@pytest.mark.usefixtures("kernel")
def test_a_block_that_is_not_full_comes_soon() -> None:
    with namespace():
        ring = ring_on("lo", geometry=SMALL)
        with socket.socket() as refused:
            refused.connect_ex(("127.0.0.1", 9))
        before = time.monotonic()
        assert next(ring.batches(30))[1].count >= 1
        assert time.monotonic() - before < 10
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_descriptors_are_not_inherited() -> None:
    with namespace():
        made = open_ring("lo", program=PROGRAM, **MEASURES)
        assert not os.get_inheritable(made.fileno())
        made.close()


@pytest.mark.usefixtures("kernel")
def test_a_closed_ring_gives_its_memory_back() -> None:
    maps = Path("/proc/self/maps")
    with namespace():
        ring = ring_on("lo")
        assert "socket:" in maps.read_text(encoding="utf-8")
        ring.close()
        assert "socket:" not in maps.read_text(encoding="utf-8")
