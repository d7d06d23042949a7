"""The documentation is current: generated pages, samples of output, commands, links, versions."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import synscope
from synscope._version import VERSION
from synscope.causes.catalogue import CATALOGUE
from synscope.cli import main
from synscope.cli.output import ExitStatus
from synscope.engine.names import REASONS
from synscope.engine.outcome import EVENTS, OUTCOME_RULES
from synscope.model import Confidence, Label

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GENERATOR = ROOT / "tests" / "tools" / "generate_docs.py"
PAINTER = ROOT / "tests" / "tools" / "make_pictures.py"
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "fixtures" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+).+?\1")
_LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
_IMAGE = re.compile(r"!\[(?P<words>[^\]]*)\]")
_SVG = "{http://www.w3.org/2000/svg}"
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)

by_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GENERATOR), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def shell_lines(page: Path) -> list[str]:
    blocks = [block["text"] for block in _BLOCK.finditer(text_of(page)) if block["language"] == "sh"]
    return [line for block in blocks for line in block.splitlines()]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = (heading["text"].lower() for heading in _HEADING.finditer(_BLOCK.sub("", text_of(page))))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def test_generated_pages_and_samples_are_current() -> None:
    checked = generate("--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_stale_page_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(GENERATOR.parent)
    from docgen import build, vocabulary

    pages = build.generated()
    monkeypatch.setattr(build, "generated", lambda: pages)

    def main(*arguments: str) -> tuple[int, list[str]]:
        status = build.main([*arguments, "--root", str(tmp_path)])
        return status, capsys.readouterr().out.splitlines()

    table = tmp_path / vocabulary.TABLE
    table.parent.mkdir(parents=True)
    table.write_text(text_of(ROOT / vocabulary.TABLE), encoding="utf-8")
    assert main()[0] == 0
    assert main("--check") == (0, [])
    labels = tmp_path / "docs" / "labels.md"
    labels.write_text(text_of(labels) + "edited\n", encoding="utf-8")
    (tmp_path / "docs" / "causes" / "gone.md").write_text(text_of(labels), encoding="utf-8")
    status, named = main("--check")
    assert status == 1
    assert named[:-1] == [f"stale: {Path('docs/labels.md')}", f"left over: {Path('docs/causes/gone.md')}"]
    assert main()[0] == 0
    assert main("--check") == (0, [])


def test_the_words_come_before_the_pages_that_are_made_of_them(tmp_path: Path) -> None:
    table = tmp_path / "src" / "synscope" / "evidence" / "vocabulary_table.py"
    named = generate("--check", "--root", str(tmp_path)).stdout.splitlines()
    assert named[:-1] == [f"stale: {table.relative_to(tmp_path)}"]
    first, second, *_ = generate("--root", str(tmp_path)).stdout.splitlines()
    assert first == f"written: {table.relative_to(tmp_path)}"
    assert Path(second.removeprefix("written: ")).parts[0] == "docs"
    assert text_of(table) == text_of(ROOT / table.relative_to(tmp_path))


def test_labels_page_is_complete() -> None:
    page = text_of(DOCS / "labels.md")
    names = [*Label, *(rule.outcome for rule in OUTCOME_RULES), *(name for name, _ in EVENTS)]
    assert [name for name in names if name not in page] == []


def test_the_diagram_shows_every_rule_and_says_what_it_is() -> None:
    root = ET.parse(DOCS / "pictures" / "rules.svg").getroot()
    texts = list(root.iter(f"{_SVG}text"))
    outcomes = [text.text for text in texts if text.get("class") == "outcome"]
    assert outcomes == [rule.outcome for rule in OUTCOME_RULES]
    shown = " ".join(text.text or "" for text in texts).replace(",", "")
    needed = {name for rule in OUTCOME_RULES for name in (*rule.needs, *rule.any_of, *rule.unless)}
    assert needed <= set(shown.split())
    assert root.findtext(f"{_SVG}title")
    assert root.findtext(f"{_SVG}desc")


def test_pictures_of_terminals_are_current() -> None:
    checked = subprocess.run(
        [sys.executable, str(PAINTER), "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_text_of_a_picture_can_be_read() -> None:
    spec = importlib.util.spec_from_file_location("make_pictures", PAINTER)
    assert spec is not None
    assert spec.loader is not None
    painter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(painter)
    picture = painter.terminal("synscope causes", "\x1b[31mone  <two>\x1b[0m\n\n" + "x" * 81)
    assert painter.shown(picture) == ["$synscopecauses", "one<two>", "x" * 80, "x"]
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_every_name_of_the_library_is_described() -> None:
    headings = set(_HEADING.findall(_BLOCK.sub("", text_of(DOCS / "api-names.md"))))
    assert {*synscope.__all__} - {"__version__"} <= headings


def test_every_cause_has_a_page_and_is_in_the_index() -> None:
    index = text_of(DOCS / "causes" / "index.md")
    for cause in CATALOGUE:
        assert f"[{cause.code} {cause.slug}]({cause.slug}.md)" in index
        page = text_of(DOCS / "causes" / f"{cause.slug}.md")
        assert f"# {cause.code} {cause.slug}\n" in page
        for reference in cause.references:
            assert f"<{reference}>" in page


def test_formats_page_names_every_reason() -> None:
    page = text_of(DOCS / "formats.md")
    assert [reason for reason in REASONS if reason and f"- {reason}\n" not in page] == []


def test_confidence_words_are_defined() -> None:
    page = text_of(DOCS / "confidence.md")
    assert [word for word in Confidence if f"| {word} |" not in page] == []


def test_exit_statuses_are_listed() -> None:
    rows = re.findall(r"^\| (\d+) \|", text_of(ROOT / "README.md"), re.MULTILINE)
    assert [int(row) for row in rows] == [status.value for status in ExitStatus]


def test_readme_begins_with_a_sentence_and_two_commands() -> None:
    first, second, *_ = shell_lines(ROOT / "README.md")
    for line in (first, second):
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert second.endswith(" && .venv/bin/python -m pytest")
    assert second in text_of(ROOT / ".ci" / "run").splitlines()


def test_readme_command_does_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = shell_lines(ROOT / "README.md")[0].rpartition(" && ")[2]
    program, *arguments = shlex.split(command)
    assert program == ".venv/bin/synscope"
    monkeypatch.chdir(ROOT)
    assert main.run(arguments) == ExitStatus.FINE
    assert "SYN-RST" in capsys.readouterr().out


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    prose = _CODE.sub("", _BLOCK.sub("", text_of(page)))
    for link in _LINK.finditer(prose):
        target = link["target"]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_relative_to(ROOT), target
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


@by_page
def test_pictures_are_described(page: Path) -> None:
    assert all(len(image["words"]) > 40 for image in _IMAGE.finditer(text_of(page)))


@by_page
def test_pages_are_plain(page: Path) -> None:
    prose = _CODE.sub("", _BLOCK.sub("", text_of(page)))
    assert "/work/" not in text_of(page)
    assert not re.search(r"\w!(\s|$)", prose), "an exclamation mark"


def test_pages_of_docs_are_in_the_index() -> None:
    index = text_of(DOCS / "index.md")
    missing = [page.name for page in DOCS.glob("*.md") if f"({page.name})" not in index]
    assert missing == ["index.md"]


def test_changelog_names_the_version() -> None:
    versions = re.findall(r"^## \[([^\]]+)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert VERSION in versions


def test_licence_is_unmodified() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_the_steps_that_take_long_are_those_of_the_table() -> None:
    steps = re.findall(
        r"^ *step (\w+) (\d+)(h|m) ", (ROOT / ".ci" / "extended").read_text(encoding="utf-8"), re.MULTILINE
    )
    table = re.findall(
        r"^\| `(\w+)` \| .* \| (\d+) (h|m)(?:in)? \|$",
        (ROOT / "docs" / "development.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert table == steps
    assert len(steps) == 7
