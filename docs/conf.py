"""How Sphinx builds the site: ``python -m sphinx -W -n -j auto -c docs . site`` in the checkout's root.

Input: the Markdown pages as they are, which a code host shows as well; so nothing in them is Sphinx's own syntax.
The navigation is made from the lists of links in ``docs/index.md`` and ``docs/causes/index.md``: a heading of the
first is a group of the navigation. Every page has to be linked there, or the build warns; warnings are errors.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

from synscope._version import VERSION

project = "synscope"
author = "The synscope authors"
version = release = VERSION
language = "en"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "docs/**/*.md", "docs/*.md", "fixtures/README.md"]
exclude_patterns = ["site", "build", "src", "tests", "**/.*"]

smartquotes = False
"""Options begin with two dashes, also in running text."""

myst_heading_anchors = 4
"""Headings get the anchors that code hosts give them, and links to others are warnings."""

html_theme = "furo"
html_title = "synscope"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]

START: Final = (
    '<!doctype html><title>synscope</title><meta http-equiv="refresh" content="0; url=docs/index.html">\n'
)
_GROUP = re.compile(r"^## (?P<name>.+)$", re.MULTILINE)
_LINK = re.compile(r"\[(?P<title>[^\]]+)\]\((?P<page>[^)#:]+)\.md\)")


def navigation(text: str) -> str:
    """Return the table of contents, in Sphinx's syntax, of what an index page links to."""
    names = [None, *(match["name"] for match in _GROUP.finditer(text))]
    seen: set[str] = set()
    parts = []
    for name, section in zip(names, _GROUP.split(text)[:: _GROUP.groups + 1], strict=True):
        entries = [f"{link['title']} <{link['page']}>" for link in _new(section, seen)]
        if entries:
            caption = [f":caption: {name}"] if name else []
            parts.append("\n".join(["```{toctree}", ":hidden:", *caption, "", *entries, "```"]))
    return "\n\n".join(parts)


def _new(section: str, seen: set[str]) -> list[re.Match[str]]:
    found = []
    for link in _LINK.finditer(section):
        if link["page"] not in seen:
            seen.add(link["page"])
            found.append(link)
    return found


def _add_navigation(_app: Sphinx, name: str, source: list[str]) -> None:
    if name in {"docs/index", "docs/causes/index"}:
        source[0] += "\n" + navigation(source[0])


def _add_start(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        Path(app.outdir, "index.html").write_text(START, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _add_navigation)
    app.connect("build-finished", _add_start)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
