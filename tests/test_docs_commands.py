"""Every command that a page shows is run as it stands, or is an exception with its reason and correct options.

The commands of a block, on some pages of the whole page, are run one after the other by one shell, in a folder of
their own with the fixtures in it. Those that capture, or start a server, get a network namespace of their own, as
root; elsewhere they are skipped. A few shells run at a time, for most of them wait.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest

from synscope.causes.catalogue import CATALOGUE
from synscope.evidence.vocabulary import QUESTIONS
from synscope.report.explanation import GENERIC
from tests.docs_commands import (
    CAUSES,
    NEEDS_THE_KERNEL,
    NOT_HERE,
    NOT_RUN,
    PAGES,
    ROOT,
    STATUS,
    STORIES,
    Page,
    check_options,
    status_of,
)

LANGUAGES = {"sh", "powershell", "python", "json", "text"}
"""powershell needs Windows; python is run by tests/test_api.py and tests/test_pytest_plugin.py."""
READ = [Page(path) for path in PAGES]
HAND_WRITTEN = [page for page in READ if page.path.parent != CAUSES]
RUN = [page for page in HAND_WRITTEN if set(page.commands) - set(NOT_RUN)]
AT_ONCE = 4
WAIT_S = 120

GIVEN = {
    "capture.pcap": "family-mismatch.pcap",
    "trace.pcap": "family-mismatch.pcap",
    "failure.pcapng": "refused.pcap",
    "page.html": "README.md",
    "ring_00001.pcap": "refused.pcap",
    "ring_00002.pcap": "http-ok.pcap",
}
"""Files that pages take for granted, by the fixture that stands for them where no command makes them."""

MAKES = ("--save", "--output", "-w")

PROGRAMS = {
    "sudo": '#!/bin/sh\nexec "$@"\n',
    "integration-test": "#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/5432\n",
}

UNTIL_STOPPED = """\
#!{python}
# Runs a program that goes on until Ctrl-C, lets a client fail, and presses Ctrl-C.
import signal, socket, subprocess, sys, threading
command, ready = {command!r} + sys.argv[1:], {ready!r}
process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace")
def fail_and_stop():
    for address in ("127.0.0.1", "::1", "127.0.0.1"):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
            client.connect_ex((address, 62893))
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
for line in process.stderr:
    print(line, end="", file=sys.stderr)
    if ready in line:
        threading.Thread(target=fail_and_stop).start()
sys.exit(process.wait())
"""

SYNSCOPE = """\
#!/bin/sh
case " $* " in
*" --duration "*) ;;
*) if [ "$1" = live ]; then exec {folder}/synscope-live "$@"; fi ;;
esac
exec {python} -m synscope "$@"
"""

LISTENS = "for _ in $(seq 300); do sleep 0.1; ss -Hltn 'sport = :62893' | grep -q . && break; done"
"""Waits until the server that was started in the background listens."""

Results = list[tuple[str, int, str]]
"""Commands, each with its exit status and what it said."""

of_page = pytest.mark.parametrize("page", READ, ids=[page.name for page in READ])


def put_files(folder: Path, commands: list[str]) -> None:
    """Make what pages take for granted: the fixtures, and captures whose names are theirs."""
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    for name, fixture in GIVEN.items():
        if not any(f"{option} {name}" in one for option in MAKES for one in commands):
            shutil.copyfile(ROOT / "fixtures" / fixture, folder / name)


def put_programs(folder: Path) -> Path:
    """Make the programs that pages call: this checkout's ``synscope``, and stand-ins that end by themselves."""
    from tests.live import program

    bin_ = folder / "bin"
    bin_.mkdir()
    python = program.interpreter()
    live = {"python": python, "command": [python, "-m", "synscope"], "ready": program.READY}
    dump = {"python": python, "command": [shutil.which("tcpdump")], "ready": "listening on"}
    texts = PROGRAMS | {
        "synscope": SYNSCOPE.format(folder=bin_, python=python),
        "synscope-live": UNTIL_STOPPED.format(**live),
        "tcpdump": UNTIL_STOPPED.format(**dump),
        "python3": f'#!/bin/sh\nexec {python} "$@"\n',
    }
    for name, text in texts.items():
        path = bin_ / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    (folder / "integration-test").symlink_to(bin_ / "integration-test")
    return bin_


def session(folder: Path, commands: list[str]) -> Results:
    """Run ``commands`` in one shell; the exit status and what was said, of each."""
    from tests.live import program

    put_files(folder, commands)
    bin_ = put_programs(folder)
    script = ["set -m"]
    for place, command in enumerate(commands):
        script += [f"exec >{place}.out 2>&1", command, f'echo "$?" >{place}.status']
        if command.endswith("&"):
            script.append(LISTENS)
    environ = program.environment(PATH=f"{bin_}:{os.environ['PATH']}", TERM="dumb", HOME=str(folder))
    process = subprocess.Popen(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(WAIT_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return [(command, *result(folder, place)) for place, command in enumerate(commands)]


def result(folder: Path, place: int) -> tuple[int, str]:
    said = (folder / f"{place}.out").read_text(encoding="utf-8", errors="replace")
    return int((folder / f"{place}.status").read_text(encoding="ascii")), said


def wrong(done: Results) -> list[tuple[str, str, str]]:
    """Return the commands that ended otherwise than they have to: both statuses, the end of what they said."""
    return [
        (command, f"{status}, not {status_of(command)}", said[-600:])
        for command, status, said in done
        if status != status_of(command) or "Traceback" in said
    ]


def sessions() -> dict[str, list[list[str]]]:
    """What each shell runs, by page; on pages that are no stories a command that was there before is left out."""
    seen: set[str] = set()
    found = {}
    for page in RUN:
        story = page.name in STORIES
        blocks = [page.commands] if story else page.blocks
        wanted = [[one for one in block if one not in NOT_RUN and one not in seen] for block in blocks]
        found[page.name] = [block for block in wanted if block]
        if not story:
            seen.update(page.commands)
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Results]:
    """The results of all commands that can be run here, by page."""

    def run(commands: list[str]) -> Results:
        alive = any(map(NEEDS_THE_KERNEL.search, commands))
        folder = tmp_path_factory.mktemp("page")
        with private_network() if alive else contextlib.nullcontext():
            return session(folder, commands)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {
            name: [pool.submit(run, commands) for commands in blocks] for name, blocks in sessions().items()
        }
        ended = {name: [waited.result() for waited in blocks] for name, blocks in waiting.items()}
    return {name: [one for block in blocks for one in block] for name, blocks in ended.items()}


@pytest.mark.parametrize("page", RUN, ids=[page.name for page in RUN])
@pytest.mark.usefixtures("kernel")
def test_commands_do_what_the_page_says(page: Page, done: dict[str, Results]) -> None:
    assert wrong(done[page.name]) == []


@pytest.mark.usefixtures("kernel")
def test_the_tutorial_comes_to_its_answers(done: dict[str, Results]) -> None:
    said = [" ".join(text.split()) for command, _, text in done["docs/tutorial.md"] if " run " in command]
    assert ["certain · SYN105" in text for text in said] == [True, True, False]
    assert "completed healthy" in said[-1]


@contextlib.contextmanager
def private_network() -> Iterator[None]:
    from tests import kernel

    with kernel.namespace():
        yield


@of_page
def test_shell_syntax_and_options_are_right(page: Page) -> None:
    script = "\n".join(page.commands)
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    for command in (*page.commands, *page.spans):
        try:
            check_options(command)
        except click.UsageError as error:
            # A sentence may name an option without a value for it.
            if command in page.commands or not isinstance(error, click.BadOptionUsage):
                pytest.fail(f"{command}: {error.format_message()}")


@pytest.mark.parametrize(
    "command",
    [
        "synscope analyze x --no-such",
        "sudo synscope nothing",
        "synscope analyze x --expect nonsense | jq .",
        "cat x | synscope analyze --quite -",
    ],
)
def test_a_wrong_option_is_found(command: str) -> None:
    with pytest.raises(click.UsageError):
        check_options(command)


@of_page
def test_every_block_says_what_it_is(page: Page) -> None:
    assert page.languages <= LANGUAGES


def test_exceptions_are_of_commands_that_are_shown() -> None:
    shown = {command for page in READ for command in page.commands}
    assert set(NOT_RUN) - shown == set()
    assert [one for one in STATUS if not any(command.startswith(one) for command in shown)] == []


def catalogue(system: str) -> set[str]:
    """Return the commands of causes and of questions for a system, as the pages show them."""
    checks = [check for cause in CATALOGUE for check in cause.checks]
    questions = [by_hand for question in QUESTIONS.values() for by_hand in question.by_hand]
    commands = {one.command for one in (*checks, *questions) if one.os in {system, "any"}}
    return set(map(GENERIC.fill, commands))


def test_checks_of_causes_are_those_of_the_catalogue() -> None:
    shown = {command for page in READ if page.path.parent == CAUSES for command in page.commands}
    assert shown <= catalogue("linux") | catalogue("macos")


FILLED = {
    "PORT": "62893",
    "COMMAND": "true",
    "PID": "1",
    "FILE": str(ROOT / "fixtures" / "refused.pcap"),
}
"""What stands for a reader's own, and what the test writes there."""
MISUSED = re.compile(r"command not found|syntax error|(?:invalid|unrecognized|unknown) option|[Uu]sage:")


@pytest.mark.skipif(not os.environ.get("SYNSCOPE_LONG"), reason="takes long: SYNSCOPE_LONG=1")
@pytest.mark.usefixtures("kernel")
def test_checks_of_causes_run_on_linux(tmp_path: Path) -> None:
    commands = {
        re.sub(r"\b(PORT|COMMAND|PID|FILE)\b", lambda found: FILLED[found[0]], command)
        for command in catalogue("linux")
    }
    here = sorted(one for one in commands if not set(re.findall(r"[\w-]+", one)) & set(NOT_HERE))
    assert len(here) >= 25
    with private_network():
        # Some wait for the listener, and some speak to it.
        done = session(tmp_path, ["python3 -m http.server 62893 --bind 127.0.0.1 &", *here])
    assert [(one, said) for one, status, said in done if status in {126, 127}] == []
    assert [(one, said) for one, _, said in done if MISUSED.search(said)] == []
