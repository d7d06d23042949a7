"""The commands that the documentation shows, and what the tests do with each: run it, or say why not.

Input: the Markdown pages. Output: ``Page``s with their commands, one a line of a fenced block of kind ``sh``. The
tables below are all there is of exceptions; everything that is not in ``NOT_RUN`` is run as it stands.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from synscope.cli import main

ROOT: Final = Path(__file__).resolve().parents[1]
CAUSES: Final = ROOT / "docs" / "causes"
PAGES: Final = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "fixtures/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

_INSTALLS: Final = "installs from PyPI; .ci/run does it"
_CHECKS: Final = ".ci/run does it, and it takes minutes"
_WRITES: Final = "takes minutes as root, and writes the page it stands on"
_PROJECT: Final = "tests/test_example_project.py runs it in the project"
_DOCKER: Final = "needs Docker and a container of that name; tests/live/test_namespaces.py has a stand-in"
_NAMESPACE: Final = "needs a namespace of that name; tests/live/test_namespaces.py makes one"
_SITE: Final = "needs Sphinx; .ci/run does it"

NOT_RUN: Final = {
    "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/synscope analyze fixtures/refused.pcap -p 62893 "
    "--expect SYN-RST": _INSTALLS,
    "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/python -m pytest": _INSTALLS,
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]'": _INSTALLS,
    "python3 -m venv .venv": _INSTALLS,
    ".venv/bin/pip install .": _INSTALLS,
    ".venv/bin/pip install '.[docs]'": _INSTALLS,
    "pip install pytest synscope": _INSTALLS,
    ".venv/bin/python -m pytest": _CHECKS,
    "SYNSCOPE_ENGINE=interpreted .venv/bin/python -m pytest": _CHECKS,
    "HYPOTHESIS_PROFILE=thorough .venv/bin/python -m pytest tests/engine": "takes long; for by hand",
    ".venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports": _CHECKS,
    ".venv/bin/python -m sphinx -W --keep-going -n -q -j auto -c docs . site": _SITE,
    "python3 -m venv .venv && .venv/bin/pip install build twine": _INSTALLS,
    ".venv/bin/python -m build": _CHECKS,
    "SYNSCOPE_PURE=1 .venv/bin/python -m build --wheel --outdir dist dist/synscope-*.tar.gz": _CHECKS,
    ".venv/bin/python tests/tools/check_distributions.py dist": _CHECKS,
    ".venv/bin/twine check --strict dist/*": "needs twine and what was built",
    "python -m tests.scenarios --write": _WRITES,
    "python -m tests.benchmarks --write": _WRITES,
    "python -m tests.benchmarks --only plugin --write": _WRITES,
    "python -m tests.benchmarks --live --write": _WRITES,
    "python -m tests.benchmarks.calls": "takes long; for by hand",
    "python -m pytest": _PROJECT,
    "python -m pytest --synscope-record failures": _PROJECT,
    "synscope live -p 62893 --netns web --duration 30": _NAMESPACE,
    "synscope live -p 62893 --container web --duration 30": _DOCKER,
}
"""Commands that are not run, each with the reason. Their syntax and synscope's options are checked all the same."""

STORIES: Final = {"docs/tutorial.md", "docs/howto-colleague.md", "docs/howto-ci.md"}
"""Pages whose commands rest on those before them. On the others, each block stands for itself."""

STATUS: Final = {
    "synscope analyze fixtures/refused.pcap -p 62893": 1,
    "synscope analyze fixtures/refused.pcap -p 62893 --expect": 0,
    "synscope analyze fixtures/refused.pcap fixtures/http-ok.pcap": 1,
    "synscope analyze trace.pcap": 1,
    "synscope analyze trace.pcap --quiet": 1,
    "synscope analyze --as-one": 1,
    "synscope doctor": 1,
    "synscope live": 1,
    "synscope live -p 62893 --until-failure --format jsonl | jq": 0,
    "sudo setpriv": 1,
    "sudo tcpdump -i lo -U -w - 'tcp port 62893 or icmp or icmp6' | synscope": 1,
    "synscope run": 7,
    "sudo synscope run": 7,
    "synscope run --isolated --server 'python3 -m http.server 8000'": 0,
    "synscope run -- curl --silent": 0,
    "synscope run -p 5432": 1,
}
"""Exit statuses other than 0, by how commands begin; the longest beginning counts. In a pipe, the last one's."""

NEEDS_THE_KERNEL: Final = re.compile(
    r"\bsynscope (?:live|run|doctor)\b|\bsudo\b|^python3 -m http\.server|^kill "
)
"""What is only run as root, in a network namespace of its own."""

NOT_HERE: Final = {
    "docker": "needs Docker",
    "lsof": "needs lsof, which a minimal Debian lacks",
    "arping": "needs arping, which a minimal Debian lacks",
    "ping": "needs ping, which a minimal Debian lacks",
    "journalctl": "needs systemd",
    "systemctl": "needs systemd",
    "ufw": "needs ufw and firewalld",
    "ausearch": "needs the audit tools and SELinux",
    "nvidia-smi": "needs a graphics card",
    "strace": "needs strace, which a minimal Debian lacks",
    "bpftool": "needs bpftool, which a minimal Debian lacks",
    "monitor": "waits for packets",
    "perf": "needs perf, which a minimal Debian lacks",
    "redis-cli": "needs Redis",
    "kcat": "needs kcat",
}
"""Programs of the checks of causes: a check that calls one is not run, only its syntax is checked."""

_BLOCK: Final = re.compile(
    r"^(?P<margin> *)(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=margin)(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
_SPAN: Final = re.compile(r"(?<!`)`(synscope [^`\n]+)`(?!`)")
_META: Final = re.compile(r"[\[\]…]|\.\.\.|\bFORM\b")
_SEPARATORS: Final = frozenset("|&;><()")


@dataclass(frozen=True, slots=True)
class Page:
    """A page's blocks by language, and its commands in order."""

    path: Path

    @property
    def name(self) -> str:
        """Its path below the root."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """What it says."""
        return self.path.read_text(encoding="utf-8")

    @property
    def languages(self) -> set[str]:
        """What is said behind the opening fences."""
        return {block["language"] for block in _BLOCK.finditer(self.text)}

    @property
    def blocks(self) -> list[list[str]]:
        """Its shell blocks, each as its lines; continued lines are joined."""
        texts = (block["text"] for block in _BLOCK.finditer(self.text) if block["language"] == "sh")
        split = ([line.strip() for line in text.replace("\\\n", " ").splitlines()] for text in texts)
        return [[line for line in lines if line] for lines in split]

    @property
    def commands(self) -> list[str]:
        """The lines of all its shell blocks."""
        return [command for block in self.blocks for command in block]

    @property
    def spans(self) -> list[str]:
        """Whole command lines in running text; those with placeholders such as ``[-p TARGET]`` are left out."""
        found = _SPAN.findall(_BLOCK.sub("", self.text))
        return [span for span in found if not _META.search(span)]


def status_of(command: str) -> int:
    """Return the exit status that ``command`` has to have."""
    known = [beginning for beginning in STATUS if command.startswith(beginning)]
    return STATUS[max(known, key=len)] if known else 0


def words(command: str) -> list[list[str]]:
    """Return the simple commands of a command line, each as its words, without what starts with its rights."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= _SEPARATORS:
            found.append([])
        else:
            found[-1].append(word)
    return [one for one in found if one]


def check_options(command: str) -> None:
    """Raise ``click.UsageError`` where a call of ``synscope`` has an option, or a choice, that there is not."""
    for simple in words(command):
        calls = [place for place, word in enumerate(simple) if Path(word).name == "synscope"]
        before = simple[: calls[0]] if calls else []
        if calls and (not before or before[0] in {"sudo", "setpriv"} or "=" in before[0]):
            _check(simple[calls[0] + 1 :])


def _check(arguments: list[str]) -> None:
    rest = _parse(main.cli, arguments)
    if not rest:
        return
    command = main.cli.get_command(click.Context(main.cli), rest[0])
    if command is None:
        raise click.UsageError(f"there is no command {rest[0]}")
    _parse(command, rest[1:])


def _parse(command: click.Command, arguments: list[str]) -> list[str]:
    """Check the options of one command; return what is left for the next. Nothing is called or opened."""
    context = click.Context(command, **command.context_settings)
    given, rest, _ = command.make_parser(context).parse_args(list(arguments))
    for parameter in command.params:
        value = given.get(parameter.name or "")
        if isinstance(parameter.type, click.Choice) and isinstance(value, str):
            parameter.type.convert(value, parameter, context)
    return rest
