"""Who takes the port's connections for somebody else, and what gateways are told to expect."""

from __future__ import annotations

from synscope.model import Answer
from synscope.probes.host.snapshot import Declared, Forward, Forwards, Namespaces, Owner, Snapshot
from tests.evidence.host.builders import PORT, answers, listener, process, snapshot

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
SSH = Forward("ssh", "127.0.0.1", PORT, "127.0.0.1:5000", 7, through="10.44.0.2")


def _owned_by(program: str, **more: object) -> Snapshot:
    return snapshot(listener(owners=(Owner(77, program, "root"),)), **more)


def test_a_tunnel_is_no_container() -> None:
    seen = answers(snapshot(forwards=Forwards((SSH,))))
    assert (seen["forwarder-owns-port"], seen["container-publishes-port"]) == (YES, NO)
    assert answers(_owned_by("chisel"))["forwarder-owns-port"] is YES
    assert answers(_owned_by("python3"))["forwarder-owns-port"] is NO


def test_a_tunnel_to_an_address_of_another_namespace_leads_into_a_container() -> None:
    spaces = Namespaces((), 1, addresses=("10.44.0.2",))
    assert answers(snapshot(forwards=Forwards((SSH,)), namespaces=spaces))["container-publishes-port"] is YES


def test_what_enters_a_namespace_by_its_own_words_is_no_relay() -> None:
    inside = Forward("socat", "127.0.0.1", PORT, "a command inside another namespace (nsenter)", 7, True)
    seen = answers(_owned_by("socat", forwards=Forwards((inside,))))
    assert (seen["forwarder-owns-port"], seen["container-publishes-port"]) == (NO, YES)


def test_what_a_gateway_is_told_to_expect_counts_where_a_client_began_otherwise() -> None:
    told = _owned_by("haproxy", declared=(Declared("haproxy", PORT, ("TLS", "the PROXY protocol's line")),))
    plain = answers(told, spoken=("HTTP/1",))
    assert (plain["owner-wants-tls"], plain["owner-wants-proxy-line"]) == (YES, YES)
    tls = answers(told, spoken=("TLS",))
    assert (tls["owner-wants-tls"], tls["owner-wants-proxy-line"]) == (NO, YES)
    assert answers(told)["owner-wants-proxy-line"] is NO
    assert answers(_owned_by("haproxy", declared=()), spoken=("HTTP/1",))["owner-wants-tls"] is UNKNOWN


def test_a_server_that_is_mute_to_its_own_protocol_may_take_tls() -> None:
    assert answers(_owned_by("redis-server"), spoken=("Redis",))["owner-mute-to-own-protocol"] is YES
    assert answers(_owned_by("redis-server"), spoken=("HTTP/1",))["owner-mute-to-own-protocol"] is NO
    assert answers(_owned_by("mysqld"), spoken=("MySQL",))["owner-mute-to-own-protocol"] is NO
    stopped = _owned_by("redis-server", processes=(process(77, state="T"),))
    assert answers(stopped, spoken=("Redis",))["owner-mute-to-own-protocol"] is UNKNOWN
