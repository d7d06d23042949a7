"""The greeter can be reached, and what was once captured is still understood."""

import urllib.error
import urllib.request

import pytest
from greeter import running

from synscope import expect


def fetch(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
        body: bytes = response.read()
        return body


def test_recorded_failure_is_explained(synscope_load):
    expect(synscope_load("captures/refused.pcap", 62893)).to(62893).refused().finding("service-not-running")


@pytest.mark.synscope_live
def test_greeter_is_reached(synscope_capture):
    with running() as port:
        capture = synscope_capture(port)
        assert fetch(port) == b"hello\n"
    expect(capture).to(port).completed()


@pytest.mark.synscope_live
def test_greeter_that_has_ended_refuses(synscope_capture):
    with running() as port:
        pass
    with synscope_capture(port) as capture, pytest.raises(urllib.error.URLError):
        fetch(port)
    expect(capture).to(port).refused()
