from __future__ import annotations

import re
from html.parser import HTMLParser

from synscope.report.html import document
from synscope.report.page import Look
from synscope.web import page_files
from synscope.web.access import STRICT_POLICY
from tests.report.samples import SAMPLES

FILES = page_files.files()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags() -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(FILES[""].body.decode())
    return parser.found


def test_the_page_names_files_that_are_there_and_nothing_else() -> None:
    named = [about.get("src") or about.get("href") or "" for _, about in tags()]
    assert {name for name in named if name and not name.startswith("#")} == {
        "app.js",
        "icon.svg",
        "style.css",
    }
    assert set(FILES) == {"", "app.js", "icon.svg", "style.css"}


def test_nothing_is_inline() -> None:
    for tag, about in tags():
        assert tag != "style"
        assert not [name for name in about if name == "style" or name.startswith("on")]
        assert tag != "script" or about.get("src")


def test_nothing_leads_elsewhere() -> None:
    for name, file in FILES.items():
        addresses = set(re.findall(rb"https?://[^\s\"']+", file.body))
        assert addresses <= {b"http://www.w3.org/2000/svg"}, name
        assert file.policy == STRICT_POLICY


def test_text_of_the_capture_never_becomes_markup() -> None:
    script = FILES["app.js"].body.decode()
    assert "textContent" in script
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|setHTML|srcdoc"
    assert not re.findall(markup, script)


def test_labels_look_as_in_the_report() -> None:
    assert b"--l-rst:" in FILES["style.css"].body


def test_the_report_keeps_its_own_policy() -> None:
    report = page_files.report(document.render([document.ReportedCapture(SAMPLES["refused"])], Look()))
    assert report.policy.startswith("default-src 'none'; style-src 'sha256-")
    assert report.policy.endswith("; frame-ancestors 'self'")
    assert "unsafe" not in report.policy
    assert page_files.report("no policy").policy == "default-src 'none'; frame-ancestors 'self'"
