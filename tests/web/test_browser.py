"""The page in a browser, over a real capture: what appears, what can be done with it, and what it never does."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kernel import server, talk
from tests.live import program
from tests.report.browser import Browser, executable
from tests.web.test_live import TARGET, live, refuse

pytestmark = pytest.mark.usefixtures("kernel")

_HOSTILE = "<img src=x onerror=alert(1)>"[:15]
_ROWS = "[...document.querySelectorAll('#rows tr')].map(row => row.innerText)"
_WIDTHS = (360, 400, 768, 1280, 1600)


class Page(Browser):
    """The page of one capture."""

    def go(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.until("document.getElementById('phase')?.className.includes('is-capturing')")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; return it."""
        deadline = time.monotonic() + program.PATIENCE_S
        while not (found := self.evaluate(expression)):
            assert time.monotonic() < deadline, (expression, self.text("body"), self.complaints())
            time.sleep(0.05)
        return found

    def text(self, selector: str) -> str:
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def press(self, key: str) -> None:
        """Press Tab or the space bar."""
        code = {"Tab": 9, " ": 32}[key]
        about = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="" if key == "Tab" else key, **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def tab_to(self, expression: str) -> None:
        """Press Tab until the element that has the focus fits."""
        for _ in range(20):
            self.press("Tab")
            if self.evaluate(f"(it => {expression})(document.activeElement)"):
                return
        raise AssertionError(f"the keyboard does not lead to {expression}")


@pytest.fixture(scope="module")
def axe() -> str:
    pytest.importorskip("axe_core_python", reason="needs axe-core-python")
    return resources.files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")


@contextlib.contextmanager
def shown() -> Iterator[tuple[Page, subprocess.Popen[str], str, int]]:
    """A capture of two ports, of which one has a server, and its page in a browser."""
    if executable() is None:
        if os.environ.get("SYNSCOPE_REQUIRE_KERNEL") == "1":
            pytest.fail("SYNSCOPE_REQUIRE_KERNEL=1, but this needs chromium")
        pytest.skip("needs chromium")
    with (
        program.namespace(),
        server() as served,
        live("-p", str(served.port)) as (process, url),
        Page() as page,
    ):
        yield page, process, url, served.port


def fail_under_a_hostile_name() -> None:
    script = (
        "import ctypes, socket\n"
        f"ctypes.CDLL(None).prctl(15, {_HOSTILE.encode()!r}, 0, 0, 0)\n"
        f"try: socket.create_connection(('127.0.0.1', {TARGET}))\n"
        "except OSError: pass\n"
    )
    subprocess.run(program.python(script), check=True)


def violations(page: Page, axe: str) -> list[object]:
    """What axe finds wrong; the page's own policy forbids the markup that axe makes for some checks."""
    page.evaluate(f"{axe};0")
    options = {
        "iframes": False,
        "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
    found = page.evaluate(f"axe.run(document, {json.dumps(options)}).then(r => JSON.stringify(r.violations))")
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in json.loads(found)]


def test_the_page_from_the_first_attempt_to_the_report(axe: str, tmp_path: Path) -> None:
    with shown() as (page, process, url, port):
        page.look(1280)
        page.go(url)
        assert page.text("h1") == f"Watching {TARGET}, {port} on every interface"
        assert page.text("#shown").startswith("No attempt yet.")
        attempts_appear(page, port)
        the_keyboard_is_enough(page)
        assert violations(page, axe) == []
        it_fits_every_window(page)
        assert violations(page, axe) == []

        process.send_signal(2)
        done = program.finish(process)
        assert done.status == 1
        the_report_stays(page, tmp_path)
        assert violations(page, axe) == []
        assert page.complaints() == []
        nothing_else_was_asked(page, url)


def attempts_appear(page: Page, port: int) -> None:
    fail_under_a_hostile_name()
    for _ in range(3):
        talk(("127.0.0.1", port))
    page.until("document.querySelectorAll('#rows tr').length === 4")
    page.until("!document.querySelector('.so-far')")
    rows = page.evaluate(_ROWS)
    assert [("completed" in row, f"127.0.0.1:{port}" in row) for row in rows[:3]] == [(True, True)] * 3
    assert "the server answered the SYN with an RST" in rows[3]
    assert _HOSTILE in rows[3]
    assert page.evaluate("document.images.length") == 0
    assert page.text("#shown") == "4 attempts."
    assert page.text("#lost") == "0"
    page.until("document.getElementById('canary').innerText === 'seen'")
    page.until("document.getElementById('summary').textContent === 'Attempts: 1 SYN-RST, 3 completed.'")


def the_keyboard_is_enough(page: Page) -> None:
    page.tab_to("it.type === 'checkbox' && it.parentElement.innerText.includes('completed')")
    page.press(" ")
    page.until("document.querySelectorAll('#rows tr').length === 1")
    assert page.text("#shown") == "1 attempt with these labels."
    page.press(" ")
    page.until("document.querySelectorAll('#rows tr').length === 4")
    page.evaluate("document.activeElement.blur()")
    page.tab_to("it.id === 'pause'")
    page.press(" ")
    refuse()
    page.until("document.getElementById('shown').innerText.endsWith('paused; 1 attempt came since.')")
    assert len(page.evaluate(_ROWS)) == 4
    page.press(" ")
    page.until("document.querySelectorAll('#rows tr').length === 5")


def it_fits_every_window(page: Page) -> None:
    for scheme in ("light", "dark"):
        for width in _WIDTHS:
            page.look(width, scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.look(_WIDTHS[0], scheme="dark")


def the_report_stays(page: Page, folder: Path) -> None:
    """It is there and can be saved although the server is gone."""
    page.until("document.getElementById('save').href.startsWith('blob:')")
    assert page.text("#phase") == "over; synscope has ended"
    assert page.evaluate("document.activeElement.id") == "report-title"
    inside = page.evaluate("document.getElementById('frame').contentDocument.body.innerText")
    assert f"Nothing is listening on port {TARGET}" in inside
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    page.evaluate("document.getElementById('save').click()")
    saved = folder / "synscope-report.html"
    program.until(saved.exists, "the report is not saved")
    assert f"Nothing is listening on port {TARGET}" in saved.read_text("utf-8")


def nothing_else_was_asked(page: Page, url: str) -> None:
    own = urlsplit(url)
    asked = [urlsplit(one) for one in page.requested() if not one.startswith(("data:", "blob:"))]
    assert {(one.hostname, one.port) for one in asked} == {("127.0.0.1", own.port)}
    assert all(one.path.startswith(own.path) for one in asked)
