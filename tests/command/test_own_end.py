"""A client's own end, from the command lines of those that can be told of one."""

from __future__ import annotations

import pytest

from synscope.command.own_end import OwnEnd, own_end


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (["curl", "--interface", "eth0", "http://a:1"], OwnEnd(device="eth0")),
        (["curl", "--interface=host!10.0.0.7", "a:1"], OwnEnd(source="10.0.0.7")),
        (["sh", "-c", "sleep 1; ssh -b 10.0.0.7 a"], OwnEnd(source="10.0.0.7")),
        (["nc", "-s", "::1", "localhost", "1"], OwnEnd(source="::1")),
        (["socat", "-", "TCP:a:1,bind=10.0.0.7:0,fork"], OwnEnd(source="10.0.0.7")),
        (["socat", "-", "TCP:a:1,so-bindtodevice=wg0"], OwnEnd(device="wg0")),
        (["curl", "a:1"], OwnEnd()),
        (["curl", "--interface"], OwnEnd()),
        (["curl", "--interface", "x/../y z", "a:1"], OwnEnd()),
        (["docker", "exec", "c", "curl", "--interface", "eth0", "a:1"], OwnEnd()),
        # Two clients with two ends: which one is meant is not known.
        (["sh", "-c", "curl --interface a b:1; curl --interface c d:1"], OwnEnd()),
    ],
)
def test_own_end(command: list[str], end: OwnEnd) -> None:
    assert own_end(command) == end
