"""The page's own files, read once: by the time they are asked for this process may not be able to read them.

Output: files as ``server`` hands them out. Colours and shapes of labels are those of the HTML report.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Final

from synscope.report.html import palette
from synscope.web.server import File

_HERE: Final = Path(__file__).resolve().parent
_TYPES: Final = {
    "page.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy" content="(?P<policy>[^"]*)">')


def files() -> dict[str, File]:
    """Return the files by the name they are asked for; the page itself has none."""
    found = {
        "" if name == "page.html" else name: File(content_type, (_HERE / name).read_bytes())
        for name, content_type in _TYPES.items()
    }
    style = found["style.css"]
    found["style.css"] = style._replace(body=palette.style().encode() + style.body)
    return found


def report(text: str) -> File:
    """Return the HTML report as a file. It keeps its own policy, and may be shown within the page alone."""
    found = _POLICY.search(text)
    policy = html.unescape(found["policy"]) if found else "default-src 'none'"
    return File("text/html; charset=utf-8", text.encode(), f"{policy}; frame-ancestors 'self'")
