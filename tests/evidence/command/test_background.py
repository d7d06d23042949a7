"""A command that starts in the background what it may then ask, and servers that want IPv6."""

from __future__ import annotations

import pytest

from synscope.evidence.command.observe import observe_command
from synscope.model import Answer, Target

TARGET = Target("127.0.0.1:8095", 8095, "127.0.0.1")


def answer(name: str, command: tuple[str, ...], *lines: str) -> Answer:
    seen = observe_command(command, TARGET, lines=lines, status=1, exit_status=1)
    return next(said for said in seen if said.name == name).answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./server & sleep 1; curl http://127.0.0.1:8095/", Answer.YES),
        ("(python3 -m http.server 8095 &); curl 127.0.0.1:8095", Answer.YES),
        ("curl 'http://127.0.0.1:8095/?a=1&b=2' && echo well 2>&1", Answer.NO),
        ("sleep 9 & curl http://127.0.0.1:8095/", Answer.NO),
    ],
)
def test_in_the_background(text: str, expected: Answer) -> None:
    assert answer("command-starts-background", ("sh", "-c", text)) is expected


@pytest.mark.parametrize(
    "line",
    [
        "nginx: [emerg] bind() to [::1]:8095 failed (99: Cannot assign requested address)",
        "Error: listen EADDRNOTAVAIL: address not available ::1:8095",
        "nginx: [emerg] socket() [::]:8095 failed (97: Address family not supported by protocol)",
    ],
)
def test_a_server_that_wants_ipv6(line: str) -> None:
    assert answer("bind-failed-no-ipv6", ("run.sh",), line) is Answer.YES
    assert answer("client-error-no-ipv6", ("run.sh",), line) is not Answer.YES


def test_a_client_that_wants_ipv6() -> None:
    line = 'Cannot assign requested address - connect(2) for "::1" port 8095 (Errno::EADDRNOTAVAIL)'
    assert answer("client-error-no-ipv6", ("ruby",), line) is Answer.YES
    assert answer("bind-failed-no-ipv6", ("ruby",), line) is not Answer.YES
    four = "bind() to 127.0.0.2:8095 failed (99: Cannot assign requested address)"
    assert answer("bind-failed-no-ipv6", ("run.sh",), four) is not Answer.YES
