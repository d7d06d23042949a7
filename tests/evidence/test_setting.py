"""Where a failure plays is read from addresses, first bytes, programs, and what the capture says of itself."""

from __future__ import annotations

import pytest

from synscope.evidence.setting import setting_of
from synscope.model import Answer, Observation, Outcome, Setting, Source, TargetSummary, Transport
from synscope.reference.probing import PROBES
from tests.evidence.builders import GET, HELLO, REFUSED, attempt, said, summary


def seen(name: str, *about: str) -> dict[str, Observation]:
    return {name: Observation(name, Answer.YES, Source.HOST, "", (), about)}


def between(client: str, server: str) -> TargetSummary:
    return summary(attempt(REFUSED, client=client, server=server), host=server)


@pytest.mark.parametrize(
    ("client", "server", "transport"),
    [
        ("127.0.0.1", "127.0.0.1", Transport.LOOPBACK),
        ("::1", "::1", Transport.LOOPBACK),
        ("192.0.2.7", "192.0.2.7", Transport.LOOPBACK),
        ("172.17.0.2", "172.17.0.1", Transport.CONTAINER_TO_HOST),
        ("172.20.0.5", "172.20.0.1", Transport.CONTAINER_TO_HOST),
        ("10.88.0.3", "10.88.0.1", Transport.CONTAINER_TO_HOST),
        ("192.168.65.3", "192.168.65.254", Transport.CONTAINER_TO_HOST),
        ("172.17.0.1", "172.17.0.2", Transport.HOST_TO_CONTAINER),
        ("10.244.1.3", "10.244.2.9", Transport.POD),
        ("10.244.1.3", "10.96.0.1", Transport.POD),
        ("192.0.2.7", "192.0.2.8", Transport.REMOTE),
    ],
)
def test_addresses_tell_the_transport(client: str, server: str, transport: Transport) -> None:
    assert setting_of(between(client, server), {}).transport is transport


@pytest.mark.parametrize("program", ["ssh", "kubectl", "chisel"])
def test_a_tunnel_is_told_by_its_program(program: str) -> None:
    found = setting_of(between("127.0.0.1", "127.0.0.1"), seen("port-owner-shown", program))
    assert found.transport is Transport.TUNNEL


def test_a_forwarder_of_containers_is_told_by_its_program() -> None:
    found = setting_of(between("127.0.0.1", "127.0.0.1"), seen("port-owner-shown", "docker-proxy"))
    assert found.transport is Transport.HOST_TO_CONTAINER


def test_a_client_without_tcp_is_told_by_its_command_or_its_message() -> None:
    nothing = summary()
    asked = seen("command-asks-other-transport", Transport.UDP.value)
    assert setting_of(nothing, asked).transport is Transport.UDP
    assert setting_of(nothing, seen("client-error-socket-file")).transport is Transport.UNIX_SOCKET
    assert setting_of(nothing, {}).transport is Transport.LOOPBACK
    assert setting_of(summary(host=None), {}).transport is None


@pytest.mark.parametrize(
    ("client", "server", "protocol"),
    [
        (GET, b"HTTP/1.1 200 OK\r\n\r\n", "http"),
        (GET, b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18), "h2c"),
        (GET, b"-DENIED Redis is running in protected mode\r\n", "redis"),
        (GET, b"SSH-2.0-OpenSSH_9.2\r\n", "ssh"),
        (HELLO, b"HTTP/1.1 400 Bad Request\r\n\r\n", "http"),
        (HELLO, None, "tls"),
        (None, None, ""),
    ],
)
def test_the_server_s_words_go_before_the_client_s(
    client: bytes | None, server: bytes | None, protocol: str
) -> None:
    assert setting_of(summary(said(client, server)), {}).protocol == protocol


def test_without_a_word_the_program_and_the_number_tell() -> None:
    silent = summary(attempt(REFUSED))
    assert setting_of(silent, seen("port-owner-shown", "redis-server")).protocol == "redis"
    assert setting_of(summary(attempt(REFUSED, port=5432), port=5432), {}).protocol == "postgres"
    assert setting_of(summary(attempt(REFUSED, port=8080), port=8080), {}).protocol == "http"


def test_a_server_that_wants_tls_says_so_in_plain_http() -> None:
    told = summary(said(GET, b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert setting_of(told, seen("plain-to-tls-server")).protocol == "tls"


@pytest.mark.parametrize(
    ("linktypes", "outcome", "system"),
    [
        (("NULL",), REFUSED, "macos"),
        (("LOOP",), REFUSED, "macos"),
        (("NULL",), Outcome.REFUSED_REPEATEDLY, "windows"),
        (("EN10MB",), REFUSED, "linux"),
        (("LINUX_SLL2",), REFUSED, "linux"),
        (("RAW",), REFUSED, ""),
        ((), REFUSED, ""),
    ],
)
def test_the_link_type_tells_the_system(linktypes: tuple[str, ...], outcome: Outcome, system: str) -> None:
    assert setting_of(summary(attempt(outcome)), {}, linktypes=linktypes).system == system


def test_ethernet_between_hosts_tells_no_system_and_the_capture_s_own_word_holds() -> None:
    remote = between("192.0.2.7", "192.0.2.8")
    assert setting_of(remote, {}, linktypes=("EN10MB",)).system == ""
    assert setting_of(remote, {}, linktypes=("EN10MB",), system="windows").system == "windows"


def test_every_protocol_has_a_probe() -> None:
    assert Setting() == setting_of(summary(host=None), {})
    for protocol in ("http", "h2c", "tls", "redis", "postgres", "mysql", "ssh", "smtp", "memcached", "mqtt"):
        assert PROBES[protocol].unix
        assert PROBES[protocol].windows
        assert PROBES[protocol].answer
