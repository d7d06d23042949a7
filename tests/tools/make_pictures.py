#!/usr/bin/env python
"""Make the pictures of ``docs/pictures/`` from real runs of the program.

``python tests/tools/make_pictures.py`` makes those of terminals, as SVG: what the program writes, with its colours,
80 columns wide. With ``--check`` it writes nothing, names those whose text is not what the program writes now, and
exits with 1 if there are any. ``--live`` also makes those that need a failure: as root, in a network namespace of its
own; their times and numbers differ from run to run, so they are not checked. ``--pages`` makes the pictures of HTML
reports, with Chromium. The diagram of the rules is made by ``generate_docs.py``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = ROOT / "docs" / "pictures"
COLUMNS: Final = 80

TERMINALS: Final = {
    "refused": "synscope analyze fixtures/refused.pcap -p 62893",
}
"""Name of the picture and the command whose output it shows. The same on every machine."""

LIVE: Final = {
    "live": ("python3 -m http.server 62893 --bind ::1", "synscope run -- curl http://127.0.0.1:62893/"),
}
"""Name, server, and the command that fails to reach it."""

HTML: Final = {
    "report": "synscope analyze fixtures/family-mismatch.pcap -p 62893 --format html",
}
"""Name and the command that writes the HTML report shown."""

_PAGE_SIZE: Final = "1000,900"
_THEME: Final = TerminalTheme(
    (13, 17, 23),
    (230, 237, 243),
    # black, red, green, yellow, blue, magenta, cyan, white; then the bright ones
    [
        *((72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)),
        *((88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)),
    ],
    [
        *((110, 118, 129), (255, 161, 152), (86, 211, 100), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (86, 212, 221), (255, 255, 255)),
    ],
)
_FONT: Final = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" role="img" width="SHOWN_WIDTH" height="SHOWN_HEIGHT"
 viewBox="-12 -8 1000 HEIGHT">
<title>TITLE</title>
<style>g{{font:{char_height}px FONT;white-space:pre}}
{styles}</style>
<rect x="-12" y="-8" width="100%" height="100%" rx="8" fill="#0d1117"/>
<g>{backgrounds}{matrix}</g>
</svg>
"""
"""Rich's own form loads a font from a site, and draws a window."""
_ROW: Final = 24.4
_MARGIN: Final = 24
"""Rich's line, and what is left free above and below."""
_CLIP: Final = re.compile(r' clip-path="[^"]*"|<text [^>]*>\n</text>')
_CLASS: Final = re.compile(r' class="t-matrix"|\bt-(?=r\d)')


def written(command: str, *before: str, **options: object) -> str:
    """Return what ``command`` writes, errors included, in colour."""
    program, *arguments = command.split()
    assert program == "synscope"
    name, *rest = arguments
    colour = [] if "html" in rest else ["--color", "always"]
    variables = {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT / "src")}
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    kept.pop("NO_COLOR", None)
    done = subprocess.run(
        [*before, sys.executable, "-m", "synscope", "--no-config", name, *colour, *rest],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=ROOT,
        env=kept | variables,
        **options,  # type: ignore[call-overload]
    )
    return str(done.stdout)


def terminal(command: str, output: str) -> str:
    """Return the picture of a terminal in which ``command`` was typed."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(
            record=True,
            width=COLUMNS,
            file=nowhere,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
        )
        lines = [Text(f"$ {command}", style="bold"), *Text.from_ansi(output.rstrip("\n")).split("\n")]
        rows = [row for line in lines for row in line.divide(range(COLUMNS, max(len(line), 1), COLUMNS))]
        console.print(*rows, sep="\n", soft_wrap=True)
    svg = console.export_svg(theme=_THEME, code_format=_FORMAT, unique_id="t")
    svg = _CLASS.sub("", _CLIP.sub("", svg)).replace("TITLE", escape(command)).replace("FONT", _FONT)
    height = len(rows) * _ROW + _MARGIN
    for name, size in (("SHOWN_WIDTH", 760), ("SHOWN_HEIGHT", height * 0.76), ("HEIGHT", height)):
        svg = svg.replace(name, str(round(size)))
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def shown(svg: str) -> list[str]:
    """Return the lines of text that a picture shows, without blanks, which no font makes visible."""
    lines: dict[float, str] = {}
    for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        at = float(text.get("y", "0"))
        lines[at] = lines.get(at, "") + "".join("".join(text.itertext()).split())
    return [lines[at] for at in sorted(lines) if lines[at]]


def stale() -> list[Path]:
    """Return the pictures of terminals that do not show what the program writes now."""
    found = []
    for name, command in TERMINALS.items():
        path = PICTURES / f"{name}.svg"
        made = terminal(command, written(command))
        if not path.exists() or shown(path.read_text(encoding="utf-8")) != shown(made):
            found.append(path)
    return found


def live(server: str, command: str) -> str:
    """Return the picture of a failure, made in a network namespace that ends with it."""
    name = f"synscope-picture-{os.getpid()}"
    inside = ("ip", "netns", "exec", name)
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        with subprocess.Popen(
            [*inside, *server.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as up:
            time.sleep(2)
            try:
                output = written(command.replace("-- curl", "-- curl -sS"), *inside)
            finally:
                up.kill()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
    return terminal(command, output.replace("curl -sS", "curl"))


def page(command: str, path: Path) -> None:
    """Make the picture of an HTML report, as Chromium shows it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("pictures of pages need Chromium")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.html")
        report.write_text(written(command), encoding="utf-8")
        subprocess.run(
            [
                *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={folder}/profile", f"--window-size={_PAGE_SIZE}", f"--screenshot={path}"),
                report.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures, or check them; return 1 when a check finds a stale one."""
    parser = argparse.ArgumentParser(description="Make the pictures of docs/pictures from real runs.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if a picture is stale"
    )
    parser.add_argument("--live", action="store_true", help="also those that need a failure, as root")
    parser.add_argument("--pages", action="store_true", help="also those of HTML reports, with Chromium")
    options = parser.parse_args(arguments)
    old = stale()
    if options.check:
        for path in old:
            print(f"stale: {path.relative_to(ROOT)}")
        if old:
            print("'python tests/tools/make_pictures.py' brings them up to date")
        return 1 if old else 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    made = {name: terminal(command, written(command)) for name, command in TERMINALS.items()}
    if options.live:
        made |= {name: live(*how) for name, how in LIVE.items()}
    for name, svg in made.items():
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
        print(f"written: docs/pictures/{name}.svg")
    if options.pages:
        for name, command in HTML.items():
            page(command, PICTURES / f"{name}.png")
            print(f"written: docs/pictures/{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
