"""The live view on a terminal: what it shows, and that it leaves the terminal as it was."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import termios

import pytest

from tests.kernel import server, talk
from tests.live import program
from tests.live.screen import Screen

pytestmark = pytest.mark.usefixtures("kernel")

REFUSED = 62893
_CURSOR = re.compile(r"\x1b\[\?25([hl])")
_LFLAG = 3


def refuse() -> None:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", REFUSED))


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (140, 40), (40, 6)])
def test_attempts_are_shown_and_the_terminal_is_left_as_it_was(columns: int, lines: int) -> None:
    with program.namespace(), server() as served:
        command = program.arguments("live", "-p", str(REFUSED), "-p", str(served.port))
        with Screen(command, program.environment(), columns, lines) as screen:
            screen.until("no attempt yet")
            refuse()
            talk(served.address)
            screen.until("completed 1")
            screen.until("SYN-RST 1")
            longest = screen.longest_line()
            screen.press(b"\x03")
            status = screen.end()
            after = screen.settings()
    assert status == 1
    assert longest <= columns
    assert "Traceback" not in screen.text
    assert _CURSOR.findall(screen.text)[-1] == "h"
    assert after == screen.before
    assert after[_LFLAG] & termios.ECHO
    assert after[_LFLAG] & termios.ICANON
    report = screen.text.rpartition("\x1b[2K")[2]
    assert "SYN-RST" in report
    assert "watching" not in report


def test_it_is_kept_up_after_the_engine_has_forgotten_the_attempt() -> None:
    with (
        program.namespace(),
        Screen(program.arguments("live", "-p", str(REFUSED)), program.environment(), 140) as screen,
    ):
        screen.until("no attempt yet")
        refuse()
        screen.until("3 s ago")
        assert f"127.0.0.1:{REFUSED}" in screen.text.rpartition("watching")[2]
        screen.press(b"\x03")
        assert screen.end() == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_restores_the_cursor(number: signal.Signals) -> None:
    with (
        program.namespace(),
        Screen(program.arguments("live", "-p", str(REFUSED)), program.environment()) as screen,
    ):
        screen.until("no attempt yet")
        os.kill(screen.pid, number)
        assert screen.end() == 1
        assert screen.settings() == screen.before
    assert _CURSOR.findall(screen.text)[-1] == "h"
