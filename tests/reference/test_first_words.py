"""The first words are those of their protocol, for judges of their own."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from synscope.evidence.payload.protocols import FAMILY
from synscope.evidence.payload.recognise import recognise
from synscope.reference.first_words import FIRST_WORDS, client_hello, options


@pytest.mark.parametrize("family", FIRST_WORDS)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "a.example", "é.example"])
def test_they_are_recognised(family: str, host: str) -> None:
    words = FIRST_WORDS[family](host, 8443)
    assert FAMILY[recognise(words).protocol] == family
    assert len(words) < 1200


def test_an_ipv6_address_is_in_brackets() -> None:
    assert b"\r\nHost: [::1]:80\r\n" in options("::1", 80)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_openssl_answers_the_hello(version: ssl.TLSVersion, host: str, tmp_path: Path) -> None:
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pem -out crt -subj /CN=x"
    subprocess.run(make.split(), check=True, capture_output=True, cwd=tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "pem")
    context.minimum_version = context.maximum_version = version
    named = []
    context.sni_callback = lambda _, name, __: named.append(name)
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(heard, said, server_side=True)
    heard.write(client_hello(host, 1))
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    assert FAMILY[recognise(said.read()).protocol] == "TLS"
    assert named == ["localhost" if host == "localhost" else None]
