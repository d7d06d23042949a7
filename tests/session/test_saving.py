"""``--save`` against this machine's kernel: what is on the disk while, after and in spite of it all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.capture.write.storage import SaveError
from synscope.model import Canary, Label
from synscope.probes.host.snapshot_json import from_json
from synscope.process import privileges
from synscope.report.carried import carried
from synscope.session.saving import Saving, keeper
from synscope.targets import parse
from tests.capture.kernel import namespace, server
from tests.capture.write.test_save import read, tshark
from tests.session.kernel import SOME_USER, SRC, need

PORT = 62893
BOTH = ["diagnosis", "host-snapshot"]
MAIN = "from synscope.cli.main import main; main()"
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")


@pytest.fixture
def network() -> Iterator[None]:
    with namespace():
        yield


def started(*arguments: str, prefix: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", MAIN, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SRC), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(*arguments: str, prefix: tuple[str, ...] = (), **environment: str) -> tuple[int, str]:
    process = started(*arguments, prefix=prefix, **environment)
    text, _ = process.communicate(timeout=60)
    return process.returncode, text


@contextlib.contextmanager
def attempts(port: int = PORT) -> Iterator[None]:
    """Attempts to connect, ten a second, while it lasts."""
    over = threading.Event()
    ready = threading.Event()

    def go() -> None:
        while not over.wait(0.1):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
            ready.set()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        ready.wait(5)
        yield
    finally:
        over.set()
        thread.join()


def until(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def has(path: Path, size: int) -> Callable[[], bool]:
    return lambda: path.exists() and path.stat().st_size > size


def kinds(path: Path) -> list[str]:
    return [one.kind for one in analyze(str(path)).attachments]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.usefixtures("network")
def test_what_came_before_a_kill_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with attempts():
        process = started("live", "-p", str(PORT), "--save", str(path))
        until(has(path, 3000), process)
        rights = privileges.status(process.pid)
        process.kill()
        process.communicate()
    assert set(rights.uids) == {privileges.nobody().uid}
    assert rights.effective == 0
    frames, reader = read(path)
    assert len(frames) > 10
    assert reader.cut is None
    diagnosis = analyze(str(path), [parse(str(PORT))])
    assert diagnosis.targets[0].summary.label is Label.SYN_RST
    assert diagnosis.attachments == ()
    assert names(tmp_path) == ["a.pcapng"]


@needs_tshark
@pytest.mark.usefixtures("network")
def test_a_clean_end_puts_the_diagnosis_in(tmp_path: Path) -> None:
    """As root, where packets are parsed as nobody."""
    path = tmp_path / "a.pcapng"
    with attempts():
        process = started("live", "-p", str(PORT), "--save", str(path))
        until(has(path, 3000), process)
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=30)
    assert process.returncode == 1, text
    assert str(path) in text
    found = path.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 0o600)
    assert names(tmp_path) == ["a.pcapng"]
    comments = [line for line in tshark(path, "frame.number", "frame.comment") if len(line) > 1 and line[1]]
    assert any("SYN of attempt #" in line[1] and "SYN-RST" in line[1] for line in comments)
    assert any("RST of attempt #" in line[1] and "SYN101" in line[1] for line in comments)
    diagnosis = analyze(str(path), [parse(str(PORT))])
    attachment, snapshot = diagnosis.attachments
    assert from_json(snapshot.text)
    told = carried(attachment)
    assert told is not None
    assert [(one.target, one.label) for one in told.targets] == [(str(PORT), "SYN-RST")]
    assert told.canary == Canary.SEEN.value
    assert told.lost == 0
    (capture,) = json.loads(attachment.text)["captures"]
    assert capture["health"]["frames"] == diagnosis.health.frames
    status, text = finished("analyze", str(path), "-p", str(PORT))
    assert status == 1
    assert "it carries the diagnosis of" in text
    assert "Anyone can write that" in text


@pytest.mark.usefixtures("network")
def test_through_sudo_everything_is_the_users(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    sudo = {"SUDO_UID": str(SOME_USER), "SUDO_GID": str(SOME_USER)}
    arguments = ("live", "-p", str(PORT), "--count", "2", "--save", str(tmp_path / "a.pcapng"))
    status, text = finished(*arguments, **sudo)
    assert (status, names(tmp_path)) == (125, []), text
    assert "Permission denied" in text
    os.chown(tmp_path, SOME_USER, SOME_USER)
    with attempts():
        status, text = finished(*arguments, **sudo)
    assert status == 1, text
    found = (tmp_path / "a.pcapng").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (SOME_USER, SOME_USER, 0o600)
    assert kinds(tmp_path / "a.pcapng") == BOTH


@pytest.mark.usefixtures("network")
def test_a_rotation_goes_on_after_privileges_were_given_up(tmp_path: Path) -> None:
    save = ("--save", str(tmp_path / "a.pcapng"), "--rotate-time", "1")
    with attempts():
        status, text = finished("live", "-p", str(PORT), "--duration", "3.5", *save)
    assert status == 1, text
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files][:3] == ["a_00001.pcapng", "a_00002.pcapng", "a_00003.pcapng"]
    assert [kinds(path) for path in files] == [[]] * (len(files) - 1) + [BOTH]
    whole = analyze("all", files=[str(path) for path in files])
    told = json.loads(whole.attachments[0].text)["captures"][0]
    assert told["health"]["frames"] == whole.health.frames
    assert finished("live", "-p", str(PORT), "--duration", "1", *save)[0] == 125


@pytest.mark.usefixtures("network")
def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(b"precious")
    arguments = ("run", "-p", str(PORT), "--save", str(path))
    status, text = finished(*arguments, "--", "touch", str(tmp_path / "ran"))
    assert (status, path.read_bytes()) == (125, b"precious")
    assert "--force" in text
    assert names(tmp_path) == ["a.pcapng"]
    status, text = finished(*arguments, "--force", "--", "true")
    assert kinds(path) == BOTH, text


@pytest.mark.usefixtures("network")
def test_headers_only_means_the_diagnosis_too(tmp_path: Path) -> None:
    """Neither what was sent nor what the command printed of it is in the file."""
    path = tmp_path / "a.pcapng"
    code = (
        "import os, socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "s.sendall(os.environb[b'WORD'].join([b'GET /', b' HTTP/1.1\\r\\nHost: ', b'\\r\\n\\r\\n']));"
        "sys.exit(os.environ['WORD'])"
    )
    with server() as there:
        arguments = ("run", "-p", str(there.port), "--save", str(path))
        command = ("--", sys.executable, "-c", code, str(there.port))
        finished(*arguments, *command, WORD="SECRET")
        assert path.read_bytes().count(b"SECRET") >= 2  # the test sees what it looks for
        status, text = finished(*arguments, "--force", "--headers-only", *command, WORD="SECRET")
    assert status == 1, text
    assert b"SECRET" not in path.read_bytes()
    assert kinds(path) == BOTH


@pytest.mark.usefixtures("network")
def test_a_full_disk_ends_the_saving_alone(tmp_path: Path) -> None:
    need(None if shutil.which("prlimit") else "prlimit")
    path = tmp_path / "a.pcapng"
    with attempts():
        status, text = finished(
            *("live", "-p", str(PORT), "--duration", "2", "--save", str(path)),
            prefix=("prlimit", "--fsize=2500"),
        )
    assert status == 1, text
    assert "SYN-RST" in text
    assert "nothing is saved from here on" in " ".join(text.split())
    frames, reader = read(path)
    assert frames
    assert reader.cut is None


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="No such file"):
        keeper(Saving(tmp_path / "no" / "a"), privileges.invoking({}))
