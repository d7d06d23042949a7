"""Whether a terminal shows hyperlinks (OSC 8), and where the documentation is that they lead to.

No terminal can be asked. Those that do not know OSC 8 may print it, so links are for terminals that are
known to show them, by what they say of themselves in the environment. A multiplexer inherits the words of
the terminal around it and may not pass links on: there are none in it.
"""

from __future__ import annotations

import os
from typing import Final, TextIO

_PROGRAMS: Final = frozenset({"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby"})
"""Values of TERM_PROGRAM."""

_TERMS: Final = frozenset({"xterm-kitty", "xterm-ghostty", "foot", "foot-extra", "alacritty", "contour"})
"""Values of TERM."""

_VARIABLES: Final = ("WT_SESSION", "DOMTERM", "KONSOLE_VERSION")
"""Set by Windows Terminal, DomTerm and Konsole."""

_SWITCHES: Final = ("NO_COLOR", "NO_HYPERLINKS")
"""A user who sets one of these wants no links."""

_FIRST_VTE: Final = 5001
"""VTE_VERSION 0.50.1: 0.50.0 crashed on some links."""


def shown(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal known to show hyperlinks, and nobody asked for plain text."""
    environment = os.environ
    term = environment.get("TERM", "")
    if not stream.isatty() or term == "dumb" or any(environment.get(name) for name in _SWITCHES):
        return False
    if term.startswith(("screen", "tmux")) or "TMUX" in environment or "STY" in environment:
        return False
    vte = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS
        or term in _TERMS
        or any(name in environment for name in _VARIABLES)
        or (vte.isascii() and vte.isdecimal() and int(vte[:6]) >= _FIRST_VTE)
    )


def documentation() -> str:
    """Return where the documentation is, without a slash at the end; empty where that is not known.

    The installed package says so in its metadata (``Documentation``); a checkout has the pages itself.
    """
    import platform  # noqa: PLC0415 - these are slow to import, and few terminals show links
    from pathlib import Path  # noqa: PLC0415
    from urllib.parse import quote  # noqa: PLC0415

    root = Path(__file__).resolve().parents[3]
    if (root / "docs" / "causes").is_dir():
        # Terminals want a host in it: over ssh, the file is not on the machine of the terminal.
        return (root / "docs").as_uri().replace("file://", f"file://{quote(platform.node())}", 1)
    from importlib import metadata  # noqa: PLC0415 - slow to import

    try:
        urls = metadata.metadata("synscope").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    found = dict(url.split(", ", 1) for url in urls if ", " in url)
    return quote(found.get("Documentation", "").rstrip("/"), safe=":/?#[]@!$&'()*+,;=%~")
