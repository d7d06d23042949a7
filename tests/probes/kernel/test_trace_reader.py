"""The reader keeps within its bounds and says what it left out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from synscope.probes.kernel.events import Kind
from synscope.probes.kernel.instance import Handover, Instance
from synscope.probes.kernel.trace_reader import MOST_OTHERS, TraceReader, clock_offset_ns
from tests.evidence.kernel.recorded import FORMATS_6_18, LISTENER_6_18, REFUSED_6_18
from tests.evidence.kernel.stage import attempt, free_port, traced

LINE = REFUSED_6_18.splitlines(keepends=True)[0]


class Fake:
    """Pipes in place of the kernel's files."""

    def __init__(
        self,
        ports: list[int],
        *,
        elsewhere: bool = False,
        **bounds: int,
    ) -> None:
        pipe, self.trace = os.pipe()
        self.switch, switch = os.pipe()
        os.set_blocking(pipe, False)
        os.set_blocking(self.switch, False)
        self.reader = TraceReader(
            Handover(pipe, switch, FORMATS_6_18, {}), ports, elsewhere=elsewhere, **bounds
        )

    def say(self, text: str) -> TraceReader:
        os.write(self.trace, text.encode("utf-8", "surrogateescape"))
        self.reader.read(1)
        return self.reader

    @property
    def switched(self) -> bytes:
        try:
            return os.read(self.switch, 9)
        except BlockingIOError:
            return b""


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake([47881])
    yield made
    made.reader.close()


def test_events_in_the_order_of_time(fake: Fake) -> None:
    lines = REFUSED_6_18.splitlines(keepends=True)
    found = fake.say("".join(reversed(lines)))
    assert [event.kind for event in found.events] == [Kind.CONNECT, Kind.RESET, Kind.DROP, Kind.SETTLED]
    assert found.health.gaps is None
    assert fake.switched == b""


def test_lines_in_pieces(fake: Fake) -> None:
    for piece in (REFUSED_6_18[:100], REFUSED_6_18[100:101], REFUSED_6_18[101:]):
        fake.say(piece)
    assert len(fake.reader.events) == 4
    assert fake.reader.health.unread == 0


def test_other_ports_are_not_kept() -> None:
    fake = Fake([80])
    assert [event.kind for event in fake.say(REFUSED_6_18).events] == [Kind.DROP]
    fake.reader.close()


def test_lost_events_and_nonsense_are_counted(fake: Fake) -> None:
    found = fake.say("CPU:1 [LOST 532 EVENTS]\nnonsense \udcff\n\n" + LISTENER_6_18)
    assert found.health.gaps == "the trace lost 532 events; 1 lines of the trace were not understood"
    assert [event.kind for event in found.events] == [Kind.LISTEN, Kind.UNLISTEN]


def test_the_oldest_are_forgotten() -> None:
    fake = Fake([47881], most_events=2)
    found = fake.say(REFUSED_6_18)
    assert [event.kind for event in found.events] == [Kind.DROP, Kind.SETTLED]
    assert found.health.gaps == "the trace's first 2 events were dropped to bound memory"
    assert found.health.holes is None
    assert found.health.start_ts_ns == found.events[0].ts_ns
    found.close()


def test_too_many_a_second_switch_it_off() -> None:
    fake = Fake([47881], most_a_second=3)
    found = fake.say(LINE * 3 + LINE.replace(" 13320.", " 13321."))
    assert found.health.switched_off is None
    fake.say(LINE.replace(" 13320.", " 13321.") * 10)
    assert found.health.switched_off == "switched off above 3 events/s"
    assert found.health.gaps is not None
    assert fake.switched == b"0"
    assert len(found.events) == 7
    ended = found.health.end_ts_ns
    fake.say(LINE)
    assert len(found.events) == 7, "what comes later is thrown away, and the pipe does not stay readable"
    found.close()
    assert found.health.end_ts_ns == ended


def test_events_that_were_lost_came_in_that_second_too() -> None:
    fake = Fake([47881], most_a_second=30)
    found = fake.say(LINE + "CPU:1 [LOST 5 EVENTS]\n" + LINE)
    assert found.health.switched_off is None
    fake.say("CPU:1 [LOST 532 EVENTS]\n")
    assert found.health.switched_off == "switched off above 30 events/s"
    assert fake.switched == b"0"
    found.close()


def test_closing_switches_off_and_counts() -> None:
    fake = Fake([47881])
    fake.reader.close()
    fake.reader.close()
    assert fake.switched == b"0"
    assert fake.reader.health.overflows == 0
    assert abs(fake.reader.health.clock_step_ns) < 100_000_000
    fake.reader.read()


def test_the_offset_of_the_clock() -> None:
    assert abs(time.monotonic_ns() + clock_offset_ns() - time.time_ns()) < 1_000_000_000


@pytest.mark.usefixtures("trace")
def test_names_of_threads_that_never_left_the_cpu() -> None:
    port = free_port()
    with traced(port) as reader:
        attempt(port)
        reader.read(1)
    name = Path("/proc/thread-self/comm").read_text().strip()
    assert {event.task.comm for event in reader.events if event.kind is Kind.CONNECT} == {name}


@pytest.mark.usefixtures("trace")
def test_whoever_holds_the_descriptors_needs_no_privilege() -> None:
    port = free_port()
    instance = Instance.create()
    handover = instance.start([port])
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setuid(65533)
        reader = TraceReader(handover, [port])
        attempt(port)
        reader.read(1)
        reader.close()
        attempt(port)
        seen = sum(event.kind is Kind.CONNECT for event in reader.events)
        os._exit(0 if seen == 1 and reader.health.gaps is None else 1)
    os.close(handover.pipe)
    os.close(handover.switch)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    instance.remove()
    assert code == 0


def _listening(thread: int | str, port: int, second: int = 13366) -> str:
    line = LISTENER_6_18.splitlines(keepends=True)[0]
    return line.replace("12524", str(thread)).replace("47881", str(port)).replace("13366", str(second))


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A process beside this one; its id is that of the trace."""
    monkeypatch.setattr("synscope.probes.kernel.trace_reader.in_initial_pid_namespace", lambda: True)
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


def test_listeners_on_other_ports_are_kept(sleeper: int) -> None:
    fake = Fake([80])
    found = fake.say(_listening(sleeper, 8080) + _listening(os.getpid(), 8081))
    assert [event.server and event.server.port for event in found.events] == [8080], "but not our own"
    assert not found.events[0].unplaced
    assert found.health.beside is None
    found.close()


@pytest.mark.usefixtures("sleeper")
def test_a_thread_that_is_gone_may_have_been_anywhere() -> None:
    fake = Fake([80])
    found = fake.say(_listening(4_194_304, 8080))
    assert [event.unplaced for event in found.events] == [True]
    found.close()


def test_who_opens_many_listeners_crowds_out_nobody(sleeper: int) -> None:
    fake = Fake([47881])
    fake.say(REFUSED_6_18 + _listening(sleeper, 8080))
    for at in range(8):
        fake.say("".join(_listening(sleeper, 40_000 + at, 13367 + at) for _ in range(MOST_OTHERS // 4)))
    found = fake.reader
    ports = [event.server.port for event in found.events if event.server and event.kind is Kind.LISTEN]
    assert ports == [8080, *(40_004 + at for at in range(4) for _ in range(MOST_OTHERS // 4))]
    assert found.health.crowded == MOST_OTHERS
    assert found.health.gaps is None
    assert len(found.events) == len(ports) + len(REFUSED_6_18.splitlines())
    found.close()


def test_where_the_captured_namespace_is_another_nothing_is_told(sleeper: int) -> None:
    for ports, elsewhere, why in (
        ([80], True, "in the network namespace"),
        ([], False, "every port is watched"),
    ):
        fake = Fake(ports, elsewhere=elsewhere)
        found = fake.say(_listening(sleeper, 8080))
        assert why in (found.health.beside or "")
        assert len(found.events) == (not ports)
        found.close()


_SERVE = "import socket; s = socket.create_server(('127.0.0.1', {})); print(flush=True); input()"


@pytest.mark.usefixtures("trace")
def test_only_listeners_of_this_network_namespace() -> None:
    """The kernel's trace is of all; another program listens here, and one in a namespace of its own."""
    watched, here, there = free_port(), free_port(), free_port()
    with traced(watched) as reader:
        if reader.health.beside:
            pytest.skip(reader.health.beside)
        for port, way in ((here, []), (there, ["unshare", "--net", "--"])):
            up = "import os; os.system('ip link set lo up');" if way else ""
            command = [*way, sys.executable, "-c", up + _SERVE.format(port)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
                assert server.stdout is not None
                assert server.stdout.readline()
                reader.read(1)
                server.communicate(b"\n")
    ports = {event.server.port for event in reader.events if event.kind is Kind.LISTEN and event.server}
    assert here in ports
    assert there not in ports
