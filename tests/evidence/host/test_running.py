"""A server that runs with a Unix socket or UDP alone, or with nothing at all."""

from __future__ import annotations

from synscope.model import Answer
from synscope.probes.host.snapshot import LocalSocket, Owner, RunningServer, Untold
from tests.evidence.host.builders import PORT, answers, listener, observed, snapshot, sockets

UDP = LocalSocket("127.0.0.1", PORT, owners=(Owner(7, "node", "www"),))


def test_udp_alone() -> None:
    found = observed(snapshot(sockets=sockets(udp=(UDP,))))["udp-serves-port"]
    assert found.answer is Answer.YES
    assert "node (pid 7" in found.text
    both = snapshot(listener(), sockets=sockets(listener(), udp=(UDP,)))
    assert answers(both)["udp-serves-port"] is Answer.NO


def test_udp_at_another_address_or_of_nobody_known() -> None:
    other = UDP._replace(address="192.0.2.1")
    assert answers(snapshot(sockets=sockets(udp=(other,))))["udp-serves-port"] is Answer.NO
    hidden = UDP._replace(owners=(), owner_untold="needs root")
    assert answers(snapshot(sockets=sockets(udp=(hidden,))))["udp-serves-port"] is Answer.UNKNOWN


def test_a_server_with_a_unix_socket_alone() -> None:
    server = RunningServer(PORT, "mysqld", 7, files=("/run/m.sock",))
    found = observed(snapshot(running=(server,)))
    assert found["server-on-unix-socket"].answer is Answer.YES
    assert "/run/m.sock" in found["server-on-unix-socket"].text
    assert found["server-without-listener"].answer is Answer.YES


def test_a_server_that_only_runs() -> None:
    found = answers(snapshot(running=(RunningServer(PORT, "mysqld", 7),)))
    assert found["server-on-unix-socket"] is Answer.NO
    assert found["server-without-listener"] is Answer.YES


def test_a_server_that_listens_elsewhere() -> None:
    found = answers(snapshot(running=(RunningServer(PORT, "mysqld", 7, listens=(3307,), files=("/s",)),)))
    assert found["server-on-unix-socket"] is found["server-without-listener"] is Answer.NO


def test_what_could_not_be_seen_is_not_concluded() -> None:
    for running in (Untold("no"), (RunningServer(PORT, "mysqld", 7, untold="closed"),)):
        assert answers(snapshot(running=running))["server-without-listener"] is Answer.UNKNOWN
    assert answers(snapshot(running=()))["server-without-listener"] is Answer.NO


def test_who_is_served_over_tcp_needs_no_other() -> None:
    server = RunningServer(PORT, "mysqld", 7, files=("/run/m.sock",))
    assert answers(snapshot(listener(), running=(server,)))["server-on-unix-socket"] is Answer.NO
