"""First bytes and what they are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.evidence.payload.recognise import LIMIT, RECOGNISERS, Authority, Protocol, describe, recognise

CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
SERVER_HELLO = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(117)
FATAL_UNKNOWN_CA = b"\x15\x03\x03\x00\x02\x02\x30"

SAMPLES = [
    (b"", Protocol.EMPTY, "nothing"),
    (CLIENT_HELLO, Protocol.TLS_CLIENT_HELLO, "TLS client hello"),
    (SERVER_HELLO, Protocol.TLS_SERVER_HELLO, "TLS server hello"),
    (FATAL_UNKNOWN_CA, Protocol.TLS_ALERT, "TLS alert unknown_ca (48)"),
    (b"\x15\x03\x01\x00\x02\x02\x99", Protocol.TLS_ALERT, "TLS alert unassigned (153)"),
    (b"\x17\x03\x03\x00\x20" + bytes(32), Protocol.TLS_RECORD, "TLS record"),
    (b"GET / HTTP/1.1\r\nHost: localhost:62893\r\n\r\n", Protocol.HTTP_REQUEST, "HTTP request GET /"),
    (b"GET /" + b"a" * 600, Protocol.HTTP_REQUEST, "HTTP request GET /" + "a" * 59 + "…"),
    (
        b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n",
        Protocol.HTTP_RESPONSE,
        "HTTP 502 Bad Gateway from nginx",
    ),
    (b"HTTP/1.0 200\r\n", Protocol.HTTP_RESPONSE, "HTTP 200"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol.HTTP2_PREFACE, "HTTP/2 preface “PRI * HTTP/2.0”"),
    (
        b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
        Protocol.HTTP2_FRAME,
        "HTTP/2 settings",
    ),
    (b"SSH-2.0-OpenSSH_9.6\r\n", Protocol.SSH, "SSH “SSH-2.0-OpenSSH_9.6”"),
    (b"220 mail.test ESMTP Postfix\r\n", Protocol.SMTP, "SMTP “220 mail.test ESMTP Postfix”"),
    (b"220 (vsFTPd 3.0.5)\r\n", Protocol.FTP, "FTP “220 (vsFTPd 3.0.5)”"),
    (b"220 ready\r\n", Protocol.SMTP_OR_FTP, "SMTP or FTP “220 ready”"),
    (b"EHLO me\r\n", Protocol.SMTP, "SMTP “EHLO me”"),
    (b"-ERR unknown command 'GET'\r\n", Protocol.REDIS, "Redis “-ERR unknown command 'GET'”"),
    (b"*1\r\n$4\r\nPING\r\n", Protocol.REDIS, "Redis “*1”"),
    (b"+OK\r\n", Protocol.REDIS, "Redis “+OK”"),
    (b"+OK POP3 ready\r\n", Protocol.POP3, "POP3 “+OK POP3 ready”"),
    (b"* OK IMAP4rev1 ready\r\n", Protocol.IMAP, "IMAP “* OK IMAP4rev1 ready”"),
    (b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(60), Protocol.MYSQL, "MySQL “8.0.36”"),
    (
        b"\x45\x00\x00\x00\xff\x6a\x04Host 'x' is not allowed",
        Protocol.MYSQL,
        "MySQL “Host 'x' is not allowed”",
    ),
    (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", Protocol.POSTGRES, "PostgreSQL"),
    (b"\x00\x00\x00\x29\x00\x03\x00\x00user\x00me\x00", Protocol.POSTGRES, "PostgreSQL"),
    (b"N", Protocol.POSTGRES, "PostgreSQL"),
    (b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0", Protocol.LDAP, "LDAP"),
    (b"\x30\x84\0\0\0\x10\x02\x01\x01\x61" + bytes(12), Protocol.LDAP, "LDAP"),
    (b"\x30\x26\x02\x01\x01\x04\x06public", Protocol.BINARY, "binary data starting 30 26 02 01 01 04 06 70"),
    (b"ynll5jj7znrjh4jaarnwlp6d6se4rnbd5wkd\0", Protocol.IPERF, "iperf3"),
    (b"E\x00\x00\x00\x55SFATAL\x00", Protocol.POSTGRES, "PostgreSQL “SFATAL ”"),
    (
        b"\x3c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00" + bytes(44),
        Protocol.MONGODB,
        "MongoDB",
    ),
    (b"ERROR\r\n", Protocol.MEMCACHED, "memcached “ERROR”"),
    (b"\x00\x00\x00\x14\x00\x12\x00\x03\x00\x00\x00\x01\x00\x05adminxx", Protocol.KAFKA, "Kafka"),
    (b"AMQP\x00\x00\x09\x01", Protocol.AMQP, "AMQP “AMQP\0\0\t\x01”"),
    (b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c", Protocol.MQTT, "MQTT"),
    (b"\x20\x02\x00\x00", Protocol.MQTT, "MQTT"),
    (b'INFO {"server_id":', Protocol.NATS, 'NATS “INFO {"server_id":”'),
    (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", Protocol.ZEROMQ, "ZeroMQ"),
    (b"JDWP-Handshake", Protocol.JDWP, "JDWP (Java debugger) “JDWP-Handshake”"),
    (
        b"Content-Length: 119\r\n\r\n{}",
        Protocol.DEBUG_ADAPTER,
        "debug adapter or language server “Content-Length: 119”",
    ),
    (b"\xff\xfd\x18\xff\xfd\x20", Protocol.TELNET, "Telnet"),
    (b"\x03\x00\x00\x13\x0e\xe0\x00\x00", Protocol.RDP, "RDP"),
    (b"RFB 003.008\n", Protocol.VNC, "VNC “RFB 003.008”"),
    (b"\x00\x1b\x12\x34\x01\x00\x00\x01" + bytes(21), Protocol.DNS, "DNS over TCP"),
    (b"\x05\x01\x00", Protocol.SOCKS, "SOCKS request"),
    (b"hello there\n", Protocol.TEXT, "text “hello there”"),
    ("grüß dich".encode(), Protocol.TEXT, "text “grüß dich”"),
    (b"\x00\x01\x02\x03\xfe", Protocol.BINARY, "binary data starting 00 01 02 03 fe"),
]


@pytest.mark.parametrize(("data", "protocol", "words"), SAMPLES)
def test_samples(data: bytes, protocol: Protocol, words: str) -> None:
    payload = recognise(data)
    assert payload.protocol is protocol
    assert describe(payload) == words


def test_every_protocol_has_a_sample() -> None:
    assert {protocol for _, protocol, _ in SAMPLES} == set(Protocol)


@pytest.mark.parametrize(
    ("line", "host", "port"),
    [
        ("GET http://localhost:62893/x HTTP/1.1", "localhost", 62893),
        ("GET http://me:secret@localhost:62893/ HTTP/1.1", "localhost", 62893),
        ("GET http://localhost HTTP/1.1", "localhost", 80),
        ("GET https://[::1]/ HTTP/1.1", "::1", 443),
        ("CONNECT localhost:62893 HTTP/1.1", "localhost", 62893),
        ("CONNECT [::1]:443 HTTP/1.1", "::1", 443),
        ("GET http://localhost:619009/ HTTP/1.1", "localhost", 619009),
    ],
)
def test_proxy_form(line: str, host: str, port: int) -> None:
    payload = recognise(f"{line}\r\nHost: x\r\n\r\n".encode())
    assert payload.request is not None
    assert payload.request.is_proxy_form
    assert payload.proxied == Authority(host, port)


@pytest.mark.parametrize(
    "line", ["GET / HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /?u=http://x/ HTTP/1.1", "GET ftp://x/ HTTP/1.1"]
)
def test_not_proxy_form(line: str) -> None:
    assert recognise(f"{line}\r\n\r\n".encode()).proxied is None


@pytest.mark.parametrize(
    ("head", "host"),
    [
        ("Host: localhost:619009\r\n\r\n", Authority("localhost", 619009)),
        ("Accept: */*\r\nHOST:  [::1]:80 \r\n\r\n", Authority("::1", 80)),
        ("Host: localhost\r\n\r\n", Authority("localhost")),
        ("Host: localhost:61", None),  # cut: the number may go on
        ("Host: localhost:" + "9" * 400 + "\r\n\r\n", None),
        ("\r\nHost: body:1\r\n", None),
    ],
)
def test_host_header(head: str, host: Authority | None) -> None:
    request = recognise(f"GET / HTTP/1.1\r\n{head}".encode()).request
    assert request is not None
    assert request.host == host


@pytest.mark.parametrize(
    ("data", "destination"),
    [
        (b"\x04\x01\xf5\xad\x7f\x00\x00\x01me\x00", Authority("127.0.0.1", 62893)),
        (b"\x04\x01\xf5\xad\x00\x00\x00\x01\x00localhost\x00", Authority("localhost", 62893)),
        (b"\x05\x01\x00\x05\x01\x00\x03\x09localhost\xf5\xad", Authority("localhost", 62893)),
        (b"\x05\x02\x00\x02\x05\x01\x00\x01\x7f\x00\x00\x01\xf5\xad", Authority("127.0.0.1", 62893)),
        (b"\x05\x01\x00\x05\x01\x00\x03\x09local", None),
    ],
)
def test_socks(data: bytes, destination: Authority | None) -> None:
    payload = recognise(data)
    assert payload.protocol is Protocol.SOCKS
    assert payload.proxied == destination


def test_alert_after_a_hello() -> None:
    payload = recognise(b"\x16\x03\x01\x00\x04\x01\x00\x00\x00" + FATAL_UNKNOWN_CA)
    assert payload.protocol is Protocol.TLS_CLIENT_HELLO
    assert payload.first_record == 9
    assert describe(payload) == "TLS client hello and then TLS alert unknown_ca (48)"


def test_encrypted_alert_is_not_read() -> None:
    assert recognise(b"\x15\x03\x03\x00\x1a" + bytes(26)).alert is None


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    payload = recognise(data)
    assert payload == recognise(data[:LIMIT])
    assert len(describe(payload)) <= 3 * LIMIT


@given(st.sampled_from([data for data, _, _ in SAMPLES]), st.integers(0, 600), st.binary(max_size=40))
def test_cut_and_spoiled_samples(data: bytes, at: int, noise: bytes) -> None:
    describe(recognise(data[:at] + noise))
    describe(recognise(data[:at]))


@given(st.binary(max_size=40))
def test_each_recogniser_alone(data: bytes) -> None:
    for recogniser in RECOGNISERS:
        recogniser(data)
