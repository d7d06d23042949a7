"""The ring against this machine's kernel: what is captured, what is counted, what survives."""

from __future__ import annotations

import errno
import itertools
import os
import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from synscope.capture.live.bpf import filter_program, program_bytes
from synscope.capture.live.interfaces import entered
from synscope.capture.live.ring import GEOMETRIES, Geometry, Ring, RingState, open_largest
from synscope.capture.live.ring_socket import RingMemoryError, open_ring
from synscope.engine.follower import Follower
from synscope.model import Attempt, Label
from tests import kernel
from tests.kernel import Server, frames_of, namespace, ring_on, run, server, talk

BURST = 300
ONE_SECOND = 1_000_000_000


def _followed(ring: Ring) -> list[Attempt]:
    attempts: list[Attempt] = []
    follower = Follower(on_attempt=attempts.append)
    for data, batch in kernel.drained(ring):
        follower.feed(data, batch)  # type: ignore[arg-type]
    follower.tracker.finish()
    assert follower.tracker.duplicates == 0
    assert follower.tracker.strays == 0
    return attempts


@pytest.mark.parametrize("interface", ["lo", "any"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.usefixtures("kernel")
def test_one_attempt_for_each_connection(interface: str, address: str) -> None:
    with namespace(), server(address) as there:
        ring = ring_on(interface, filter_program([there.port]))
        talk(there.address, BURST)
        attempts = _followed(ring)
        assert Counter(attempt.label for attempt in attempts) == {Label.COMPLETED: BURST}
        assert {attempt.server.port for attempt in attempts} == {there.port}
        assert {attempt.server.address for attempt in attempts} == {address}
        assert ring.dropped == 0
        assert ring.damaged == 0
        assert ring.unknown == 0
        assert ring.copies == 0, "the filter leaves them out already"
        assert ring.several == (interface == "any")
        ring.close()


@pytest.mark.parametrize("interface", ["there", "any"])
@pytest.mark.usefixtures("kernel")
def test_the_clients_syn_is_seen_on_a_veth(interface: str) -> None:
    with namespace(inside=False) as far, namespace() as near:
        run("ip", "-n", near, "link", "add", "there", "type", "veth", "peer", "name", "here", "netns", far)
        for name, device, address in ((near, "there", "10.9.0.1/24"), (far, "here", "10.9.0.2/24")):
            run("ip", "-n", name, "addr", "add", address, "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        with entered(Path("/run/netns") / far):
            there = Server("10.9.0.2")
        try:
            ring = ring_on(interface, filter_program([there.port]))
            talk(there.address, 20)
            attempts = _followed(ring)
            assert Counter(attempt.label for attempt in attempts) == {Label.COMPLETED: 20}
            assert all(attempt.frames.syn for attempt in attempts)
            assert ring.copies == 0
            ring.close()
        finally:
            there.close()


@pytest.mark.usefixtures("kernel")
def test_frames_of_a_tun_begin_at_their_ip_header() -> None:
    with namespace() as name:
        run("ip", "-n", name, "tuntap", "add", "mode", "tun", "name", "synscope0")
        run("ip", "-n", name, "addr", "add", "10.8.0.1/24", "dev", "synscope0")
        tun = os.open("/dev/net/tun", os.O_RDWR)
        try:
            _attach_tun(tun, b"synscope0")
            run("ip", "-n", name, "link", "set", "synscope0", "up")
            for interface in ("synscope0", "any"):
                ring = ring_on(interface, filter_program([]))
                with socket.socket() as client:
                    client.setblocking(False)
                    assert client.connect_ex(("10.8.0.2", 80)) == errno.EINPROGRESS
                    (found,) = [
                        (batch.linktype[i], bytes(data[batch.at[i] : batch.at[i] + 1]))
                        for data, batch in kernel.drained(ring)
                        for i in range(batch.count)
                    ]
                assert found == (101, b"\x45")
                ring.close()
        finally:
            os.close(tun)


def _attach_tun(tun: int, name: bytes) -> None:
    import fcntl
    import struct

    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", name, 0x0001 | 0x1000))  # IFF_TUN, IFF_NO_PI


@pytest.mark.usefixtures("kernel")
def test_a_kernel_reset_is_filled_in_and_an_ordinary_syn_is_not() -> None:
    with namespace():
        ring = ring_on("lo", filter_program([]))
        with socket.socket() as refused:
            assert refused.connect_ex(("127.0.0.1", 9)) == errno.ECONNREFUSED
        flags: dict[int, int] = {}
        for data, batch in kernel.drained(ring):
            for i in range(batch.count):
                flags[data[batch.at[i] + 14 + 20 + 13]] = ring.unfilled[i]
                assert ring.interface_name(ring.ifindex[i]) == "lo"
        assert flags == {0x02: 1, 0x14: 0}
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_an_overfull_ring_counts_what_it_lost_and_goes_on() -> None:
    geometry = Geometry(1 << 14, 2, 20)
    with namespace(), server() as there:
        ring = ring_on("lo", geometry=geometry)
        talk(there.address, 100)
        time.sleep(0.1)
        lost = ring.dropped
        assert lost > 0
        assert ring.fullest == 1.0, "known from the loss, before anybody looks at the blocks"
        assert ring.freezes > 0
        assert ring.use == 1.0
        waiting = len(frames_of(ring))
        assert 0 < waiting == ring.received
        assert waiting + lost >= 100 * 9
        assert ring.fullest == 1.0
        before = ring.received
        talk(there.address)
        assert len(frames_of(ring)) == ring.received - before >= 9
        ring.close()
        assert ring.dropped == lost


@pytest.mark.usefixtures("kernel")
def test_times_are_the_clocks_and_in_order() -> None:
    with namespace(), server() as there:
        ring = ring_on("lo")
        before = time.time_ns()
        talk(there.address, 5)
        after = time.time_ns()
        times = [batch.ts_ns[i] for _, batch in kernel.drained(ring) for i in range(batch.count)]
        # Two CPUs stamp, and their clocks may differ by some microseconds.
        assert all(later > earlier - 1_000_000 for earlier, later in itertools.pairwise(times))
        assert before - ONE_SECOND <= times[0] <= times[-1] <= after + ONE_SECOND
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_a_batch_asked_for_twice_goes_on_where_it_was() -> None:
    """Whoever leaves the loop early gets the next batch at the next call, and no block is lost or read twice."""
    with namespace(), server() as there:
        ring = ring_on("lo")
        talk(there.address, 200)
        time.sleep(0.1)
        count = 0
        while True:
            batch = next(ring.batches(0.2), None)
            if batch is None:
                break
            count += batch[1].count
        assert count == ring.received
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_an_interface_that_goes_down_is_a_state() -> None:
    with namespace() as name, server() as there:
        ring = ring_on("lo")
        run("ip", "-n", name, "link", "set", "lo", "down")
        assert list(ring.batches(0.05)) == []
        assert ring.state is RingState.DOWN
        assert list(ring.batches(0.05)) == []
        assert ring.state is RingState.DOWN
        run("ip", "-n", name, "link", "set", "lo", "up")
        talk(there.address)
        assert len(frames_of(ring)) >= 9
        assert ring.state is RingState.CAPTURING
        assert ring.interruptions == 1
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_an_interface_that_is_removed_is_a_state() -> None:
    with namespace() as name:
        run("ip", "-n", name, "link", "add", "there", "type", "bridge")
        run("ip", "-n", name, "link", "set", "there", "up")
        ring = ring_on("there")
        run("ip", "-n", name, "link", "del", "there")
        for _ in range(2):
            assert list(ring.batches(0.05)) == []
            assert ring.state is RingState.GONE
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_closing_twice_and_reading_after_it() -> None:
    with namespace():
        ring = ring_on("lo")
        ring.close()
        ring.close()
        assert list(ring.batches(1)) == []
        assert (ring.received, ring.dropped, ring.use) == (0, 0, 0.0)
        assert ring.interface_name(1) is None


@pytest.mark.usefixtures("kernel")
def test_closing_inside_the_loop() -> None:
    with namespace(), server() as there:
        ring = ring_on("lo")
        talk(there.address)
        seen = 0
        for _ in ring.batches(0.5):
            seen += 1
            ring.close()
        assert seen == 1


@pytest.mark.usefixtures("kernel")
def test_a_ring_made_elsewhere_is_asked_in_its_own_namespace() -> None:
    with namespace(inside=False) as far:
        run("ip", "-n", far, "link", "add", "there", "type", "bridge")
        with entered(Path("/run/netns") / far):
            ring = ring_on("any")
        assert ring.interface_name(1) == "lo"
        assert "there" in {ring.interface_name(number) for number in range(2, 10)}
        ring.close()


@pytest.mark.usefixtures("kernel")
def test_damage_in_a_block_loses_that_block_only() -> None:
    """Whoever scribbles into the ring loses frames, never the reader."""
    with namespace(), server() as there:
        ring = ring_on("lo")
        talk(there.address)
        time.sleep(0.1)
        ring._memory[16:20] = b"\xff\xff\xff\xff"
        assert frames_of(ring) == []
        assert ring.damaged == 1
        talk(there.address)
        assert len(frames_of(ring)) >= 9
        ring.close()


def test_a_smaller_ring_is_tried_when_memory_is_refused() -> None:
    asked: list[Geometry] = []

    def make(geometry: Geometry) -> str:
        asked.append(geometry)
        if len(asked) < 3:
            raise RingMemoryError(errno.ENOMEM, "no memory")
        return "made"

    assert open_largest(make) == ("made", GEOMETRIES[2], GEOMETRIES[:2])


def test_only_lack_of_memory_makes_it_try_a_smaller_ring() -> None:
    def make(geometry: Geometry) -> str:
        raise OSError(errno.EPERM if geometry is GEOMETRIES[0] else errno.ENOMEM, "refused")

    with pytest.raises(PermissionError):
        open_largest(make)
    with pytest.raises(OSError, match="refused") as caught:
        open_largest(make, GEOMETRIES[1:])
    assert caught.value.errno == errno.ENOMEM


@pytest.mark.usefixtures("kernel")
def test_every_geometry_is_one_the_kernel_takes() -> None:
    with namespace():
        for geometry in GEOMETRIES:
            made = open_ring(
                "lo", block_size=geometry.block_size, block_count=geometry.block_count, retire_ms=50,
                program=program_bytes(filter_program([])),
            )  # fmt: skip
            Ring(made.detach(), geometry).close()
