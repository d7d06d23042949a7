"""The catalogue as a list on the terminal."""

from __future__ import annotations

from synscope.causes.catalogue import CATALOGUE
from synscope.model import Kind, Label
from synscope.report.explanation import GENERIC
from synscope.report.page import Look, Page


def render(look: Look) -> str:
    """Return all causes: code, slug, kind, title, labels; every line ended by a newline."""
    page = Page(look)
    for kind in Kind:
        causes = [cause for cause in CATALOGUE if cause.kind is kind]
        if not causes:
            continue
        page.blank()
        page.paragraph((f"{kind.value.capitalize()}s", "head"))
        for cause in causes:
            labels = [*cause.labels] if len(cause.labels) < len(Label) else ["every label"]
            page.paragraph("  ", (cause.code, "command"), f"  {GENERIC.fill(cause.title)}", hang=10)
            page.paragraph(" " * 10, cause.slug, (f": {', '.join(labels)}", "dim"), hang=10)
    page.blank()
    page.paragraph(
        "synscope explain CODE tells more about one: what it looks like, how to check it, what to do."
    )
    return page.render()
