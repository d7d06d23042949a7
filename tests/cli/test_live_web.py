"""``--web``: where no page can be had."""

from __future__ import annotations

import socket
import sys

import click
import pytest

from synscope.cli import live_web
from synscope.cli.live_view import TerminalView
from synscope.cli.live_web import PageView
from synscope.process.errors import SessionError
from synscope.targets import parse
from tests.report.samples import refused

TARGETS = [parse("62893"), parse("99999")]


def test_the_terminal_has_the_view_unless_a_page_is_asked_for() -> None:
    assert isinstance(live_web.view(None, TARGETS, drawn=True), TerminalView)
    assert isinstance(live_web.view(0, TARGETS, drawn=True), PageView)


@pytest.mark.parametrize("port", [62893, 62892, 26893, 6289, 99999 - 65536])
def test_a_port_that_the_report_would_be_about_is_refused(port: int) -> None:
    with pytest.raises(click.UsageError, match="Choose another port"):
        PageView(port, TARGETS)
    assert PageView(8000, TARGETS)._is_taken(port)


def test_without_tornado_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith(("tornado", "synscope.web"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tornado", None)
    with pytest.raises(click.UsageError, match=r"pip install 'synscope\[web\]'"):
        PageView(0, TARGETS)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SessionError, match=f"the page cannot have port {port} on 127.0.0.1: Address"):
            PageView(port, []).preloading(lambda: None)()


def test_attempts_are_told_to_the_report_as_well() -> None:
    rows = []
    page = PageView(0, TARGETS)
    told = page.telling(rows.append)
    told(refused(3))
    page.telling(None)(refused(4))
    assert rows == [refused(3)]


def test_it_can_be_closed_at_any_time() -> None:
    page = PageView(0, TARGETS)
    page.close()
    page.preloading(lambda: None)()
    page.close()
