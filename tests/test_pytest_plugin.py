"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import synscope
from synscope import Label
from tests.kernel import namespace

ROOT = Path(__file__).resolve().parents[1]
REFUSED = ROOT / "fixtures" / "refused.pcap"
PAGE = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
PLUGIN = "synscope.pytest_plugin"
WITHOUT_RIGHTS = ("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")


def run_pytest(folder: Path, *arguments: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run pytest in a folder; its exit status and what it printed."""
    path = os.pathsep.join([*filter(None, sys.path)])
    done = subprocess.run(
        [*before, sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-rs", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=200,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"},
    )
    return done.returncode, done.stdout + done.stderr


def written(folder: Path, text: str) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    folder = folder / "inner"
    folder.mkdir(exist_ok=True)
    head = "import pytest, socket\nfrom synscope import expect\n\n"
    (folder / "test_it.py").write_text(head + text, encoding="utf-8")
    return folder


def test_captures_are_loaded_from_the_tests_folder_or_the_rootdir(tmp_path: Path) -> None:
    inner = written(
        tmp_path,
        "@pytest.mark.parametrize('name', ['near.pcap', 'far.pcap'])\n"
        "def test_load(synscope_load, name):\n"
        "    expect(synscope_load(name, 62893)).to(62893).refused()\n"
        "def test_missing(synscope_load):\n"
        "    from synscope import CaptureError\n"
        "    with pytest.raises(CaptureError, match='nowhere.pcap: is neither in .*inner nor in '):\n"
        "        synscope_load('nowhere.pcap')\n",
    )
    (inner / "near.pcap").write_bytes(REFUSED.read_bytes())
    (tmp_path / "far.pcap").write_bytes(REFUSED.read_bytes())
    status, output = run_pytest(tmp_path)
    assert (status, "3 passed" in output) == (0, True), output


def test_a_failure_reads_as_the_page_shows_it(tmp_path: Path) -> None:
    inner = written(
        tmp_path,
        "def test_load(synscope_load):\n"
        "    expect(synscope_load('refused.pcap', 62893)).to(62893).completed()\n",
    )
    (inner / "refused.pcap").write_bytes(REFUSED.read_bytes())
    status, output = run_pytest(tmp_path)
    assert status == 1, output
    shown = [line[8:].rstrip() for line in output.splitlines() if re.match("E( |$)", line)]
    promised = re.search(r"<!-- failed assertion -->\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert promised is not None
    assert ["AssertionError: " + promised[1].splitlines()[0], *promised[1].splitlines()[1:]] == shown
    assert "library/expectation.py" not in output, "the traceback ends in the test"


@pytest.mark.usefixtures("private_network")
def test_the_example_of_the_page_passes(tmp_path: Path) -> None:
    example = re.search(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert example is not None
    inner = written(tmp_path, example[1])
    (inner / "captures").mkdir()
    (inner / "captures" / "refused.pcap").write_bytes(REFUSED.read_bytes())
    (inner / "conftest.py").write_text(SERVER, encoding="utf-8")
    status, output = run_pytest(tmp_path)
    assert (status, "2 passed" in output) == (0, True), output


SERVER = """
import socket
import pytest

class Server:
    def __init__(self, listener):
        self.listener = listener
        self.port = listener.getsockname()[1]
    def connect(self):
        with socket.create_connection(("127.0.0.1", self.port)), self.listener.accept()[0]:
            pass

@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Server(listener)
"""


@pytest.mark.usefixtures("kernel")
def test_the_marker_skips_with_the_reason(tmp_path: Path) -> None:
    with namespace():
        written(
            tmp_path,
            "@pytest.mark.synscope_live\ndef test_it():\n    raise AssertionError\ndef test_other():\n    pass\n",
        )
        status, output = run_pytest(tmp_path, before=WITHOUT_RIGHTS)
    assert (status, "1 passed, 1 skipped" in output) == (0, True), output
    assert "synscope cannot capture: capturing needs root or the capability CAP_NET_RAW" in output


LIVE = """
@pytest.mark.synscope_live
@pytest.mark.parametrize("wanted", ["SYN-RST", "completed"])
def test_knock(synscope_capture, wanted):
    capture = synscope_capture(62893)
    with socket.socket() as client:
        client.connect_ex(("127.0.0.1", 62893))
    expect(capture).to(62893).label(wanted)

@pytest.mark.synscope_live
def test_not_asked_for(synscope_capture):
    synscope_capture(62894)
"""


@pytest.mark.usefixtures("private_network")
def test_the_captures_of_failed_tests_are_kept(tmp_path: Path) -> None:
    written(tmp_path, LIVE)
    kept = tmp_path / "kept"
    status, output = run_pytest(tmp_path, "--synscope-record", str(kept))
    assert (status, "1 failed, 2 passed" in output) == (1, True), output
    (path,) = kept.iterdir()
    assert path.name == "inner_test_it.py_test_knock_completed_-1.pcapng"
    assert f"kept {path}" in output
    diagnosis = synscope.analyze(path, 62893)
    assert diagnosis.targets[0].summary.label is Label.SYN_RST
    assert [one.kind for one in diagnosis.attachments] == ["diagnosis", "host-snapshot"]


@pytest.mark.usefixtures("private_network")
def test_without_the_option_nothing_is_kept(tmp_path: Path) -> None:
    inner = written(tmp_path, LIVE)
    status, output = run_pytest(tmp_path, "-k", "SYN-RST")
    assert (status, "1 passed" in output) == (0, True), output
    assert [one.name for one in inner.iterdir() if one.suffix == ".pcapng"] == []


@pytest.mark.usefixtures("private_network")
def test_a_capture_that_fails_is_reported_once(tmp_path: Path) -> None:
    written(tmp_path, "def test_it(synscope_capture):\n    synscope_capture(1, interface='nosuch0')\n")
    status, output = run_pytest(tmp_path)
    assert (status, "1 failed in" in output) == (1, True), output
    assert "nosuch0" in output


def test_it_imports_nothing_until_it_is_used(tmp_path: Path) -> None:
    written(
        tmp_path,
        "def test_it():\n    import sys\n    assert [n for n in sys.modules if n.startswith('synscope.')"
        " and n not in {'synscope._version', 'synscope.pytest_plugin'}] == []\n",
    )
    test = tmp_path / "inner" / "test_it.py"
    test.write_text(test.read_text().replace("from synscope import expect\n", ""))
    status, output = run_pytest(tmp_path)
    assert status == 0, output


def test_it_is_an_entry_point() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {PLUGIN: PLUGIN}
