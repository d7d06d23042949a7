"""Which files there are, which of them are stale, and the command line."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from docgen import (
    api_names,
    blocks,
    causes,
    cli,
    formats,
    labels,
    odd_handshakes,
    questions,
    rule_diagram,
    stages,
    vocabulary,
)
from docgen.markdown import HEADER
from synscope.causes.catalogue import CATALOGUE
from synscope.evidence.rooms import ASKED

ROOT = Path(__file__).resolve().parents[3]
_DOCS = Path("docs")
_CAUSES = _DOCS / "causes"
_WRAPPED = _DOCS / "cli.md"
_COMMAND = Path(__file__).resolve().parents[1] / "generate_docs.py"


def generated() -> dict[Path, str]:
    """Return the generated pages by their path below the root."""
    pages = {_CAUSES / f"{cause.slug}.md": causes.one(cause) for cause in CATALOGUE}
    return pages | {
        _CAUSES / "index.md": causes.index(),
        _DOCS / "labels.md": labels.text(),
        _DOCS / labels.DIAGRAM: rule_diagram.text(),
        _DOCS / "api-names.md": api_names.text(),
        _DOCS / "formats.md": formats.text(),
        _DOCS / "odd-handshakes.md": odd_handshakes.text(),
        _DOCS / "questions.md": questions.text(),
        _DOCS / "stages.md": stages.text(),
        _WRAPPED: cli.text(),
    }


def refreshed(root: Path) -> dict[Path, str]:
    """Return the hand-written pages that have marked parts, with those made anew."""
    texts = {
        path.relative_to(root): path.read_text(encoding="utf-8")
        for path in (root / "README.md", *sorted((root / _DOCS).glob("*.md")))
        if path.exists()
    }
    return {
        path: blocks.refresh(text, root)
        for path, text in texts.items()
        if HEADER not in text and blocks.has_parts(text)
    }


def stale(pages: dict[Path, str], root: Path) -> list[Path]:
    """Return those of ``pages`` whose file says something else, or is not there."""
    return [path for path, text in pages.items() if not _same(path, root, text)]


def left_over(pages: dict[Path, str], root: Path) -> list[Path]:
    """Return generated files that no table asks for any more."""
    found = (path.relative_to(root) for path in (root / _DOCS).rglob("*.md") if _is_generated(path))
    return sorted(path for path in found if path not in pages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; return 1 when a check finds a stale one."""
    parser = argparse.ArgumentParser(description="Write the generated pages of docs/ and the samples.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is stale")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="the project's folder")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    table = {vocabulary.TABLE: vocabulary.text(ASKED)}
    if stale(table, root):
        return _with_table(table, options, root)
    pages = generated() | refreshed(root)
    old, extra = stale(pages, root), left_over(pages, root)
    if options.check:
        return _named(old, extra)
    _write({path: pages[path] for path in old}, root)
    for path in extra:
        (root / path).unlink()
        print(f"removed: {path}")
    return 0


def _with_table(table: dict[Path, str], options: argparse.Namespace, root: Path) -> int:
    """Name or write the table that everything else is made of, and do the rest where it is read anew."""
    if options.check:
        return _named(list(table), ())
    _write(table, root)
    return subprocess.run([sys.executable, _COMMAND, "--root", root], check=False).returncode


def _named(old: Sequence[Path], extra: Sequence[Path]) -> int:
    for path in old:
        print(f"stale: {path}")
    for path in extra:
        print(f"left over: {path}")
    if old or extra:
        print("'python tests/tools/generate_docs.py' brings them up to date")
    return 1 if old or extra else 0


def _write(pages: dict[Path, str], root: Path) -> None:
    for path, text in pages.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8", newline="\n")
        print(f"written: {path}", flush=True)


def _same(path: Path, root: Path, text: str) -> bool:
    try:
        found = (root / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    # Where click breaks its lines differs between its versions.
    return found.split() == text.split() if path == _WRAPPED else found == text


def _is_generated(path: Path) -> bool:
    return path.read_text(encoding="utf-8").startswith(HEADER)
