"""The library's interface: what ``synscope`` exports, and that it does what ``docs/api.md`` says."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import itertools
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synscope
from synscope import Analyzer, CaptureError, Confidence, Label, SessionError, TargetError, expect
from synscope.library import wire
from synscope.library.live import obstacle
from synscope.model import Claim, Target
from tests.kernel import namespace

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"
REFUSED = FIXTURES / "refused.pcap"
ALL = sorted(path for path in FIXTURES.iterdir() if path.suffix in {".pcap", ".pcapng"})
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


# -- names ------------------------------------------------------------------------------------------


def test_every_name_is_there_and_documented() -> None:
    assert set(synscope.__all__) <= set(dir(synscope))
    for name in synscope.__all__:
        assert getattr(synscope, name) is not None
        assert f"`{name}" in PAGE or f"`synscope.{name}" in PAGE, name


def test_there_are_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = synscope.analyse  # type: ignore[attr-defined]


def test_importing_it_imports_nothing_else() -> None:
    script = "import sys, synscope; print(sorted(n for n in sys.modules if n.startswith('synscope')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['synscope', 'synscope._version']\n"


# -- captures that are there ------------------------------------------------------------------------


def test_path_and_stream_say_the_same() -> None:
    by_path = synscope.analyze(REFUSED, 62893)
    assert by_path.targets[0].summary.label is Label.SYN_RST
    assert synscope.analyze(str(REFUSED), ["62893"]) == by_path._replace(capture=str(REFUSED))
    with REFUSED.open("rb") as stream:
        assert synscope.analyze(stream, Target("62893", 62893)) == by_path
        assert not stream.closed
    packed = io.BytesIO(gzip.compress(REFUSED.read_bytes()))
    assert synscope.analyze(packed, 62893) == by_path._replace(capture="stream")


def test_a_stream_that_returns_little_at_a_time() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(3, size or 0))

    whole = synscope.analyze(io.BytesIO(REFUSED.read_bytes()))
    assert synscope.analyze(Slow(REFUSED.read_bytes())) == whole
    assert synscope.analyze(Slow(gzip.compress(REFUSED.read_bytes()))) == whole


def test_what_is_no_capture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        synscope.analyze(tmp_path / "missing.pcap")
    with pytest.raises(CaptureError, match="is no pcap or pcapng capture"):
        synscope.analyze(io.BytesIO(b"GET / HTTP/1.1\r\n\r\n"))
    with pytest.raises(CaptureError, match="is empty"):
        synscope.analyze(io.BytesIO())
    with pytest.raises(CaptureError, match="zip, which is not supported"):
        synscope.analyze(io.BytesIO(b"PK\x03\x04 and more"))
    with pytest.raises(TypeError, match="binary stream, and this one returned str"):
        synscope.analyze(io.StringIO("text"))  # type: ignore[arg-type]


def test_a_stream_that_fails_is_an_error() -> None:
    class Broken:
        def read(self, _size: int, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(CaptureError, match="cannot be read: Input/output error"):
        synscope.analyze(Broken())


def test_targets_that_are_none() -> None:
    for wrong in ("", "localhost", -1):
        with pytest.raises(TargetError):
            synscope.analyze(REFUSED, wrong)


# -- captures that come in pieces -------------------------------------------------------------------


def fed(data: bytes, cuts: list[int]) -> synscope.Diagnosis:
    analyzer = Analyzer()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        piece = bytearray(data[start:end])
        analyzer.feed(piece)
        piece.clear()  # a view of it that was kept would forbid this
    return analyzer.finish()


def outcome_of(make: Callable[[], synscope.Diagnosis]) -> object:
    try:
        return make()
    except CaptureError as error:
        return str(error)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_pieces_make_no_difference(path: Path) -> None:
    data = path.read_bytes()
    whole = outcome_of(lambda: synscope.analyze(io.BytesIO(data)))
    for size in (7, 100, 1 << 20):
        cuts = list(range(0, min(len(data), 40_000), size))
        assert outcome_of(lambda cuts=cuts: fed(data, cuts)) == whole, size  # type: ignore[misc]


@given(st.sampled_from(ALL[::7]), st.lists(st.integers(0, 1 << 20), max_size=12), st.integers(0, 1 << 20))
def test_nor_where_the_capture_is_cut(path: Path, cuts: list[int], end: int) -> None:
    data = path.read_bytes()
    data = data[: end % (len(data) + 1)]
    assert outcome_of(lambda: fed(data, cuts)) == outcome_of(lambda: synscope.analyze(io.BytesIO(data)))


def test_memory_does_not_grow_with_the_capture() -> None:
    frame = bytes.fromhex("ffffffffffff00000000000188b5") + bytes(1400)
    record = struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame
    analyzer = Analyzer()
    analyzer.feed(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    block = record * 100
    for _ in range(20):  # the buffer gets its size
        analyzer.feed(block)
    tracemalloc.start()
    try:
        for _ in range(100):
            analyzer.feed(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert analyzer.finish().health.frames == 12_000
    assert peak < 6_000_000  # of 14 MB that were fed


def test_an_analyzer_that_is_finished_or_failed() -> None:
    analyzer = Analyzer(62893, name="mine")
    analyzer.feed(REFUSED.read_bytes())
    assert analyzer.finish().capture == "mine"
    for again in (functools.partial(analyzer.feed, b""), analyzer.finish):
        with pytest.raises(ValueError, match="is finished"):
            again()
    failed = Analyzer()
    with pytest.raises(CaptureError, match="is no pcap"):
        failed.feed(b"GET / HTTP/1.1\r\n")
    with pytest.raises(CaptureError, match="is no pcap"):
        failed.finish()
    with pytest.raises(CaptureError, match="is empty"):
        Analyzer().finish()


# -- the way between two processes ------------------------------------------------------------------


def spelled(diagnosis: synscope.Diagnosis) -> str:
    """With the types of everything, but without the order of sets."""
    return re.sub(r"frozenset\(\{(.*?)\}\)", lambda found: str(sorted(found[1].split(", "))), repr(diagnosis))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_diagnosis_crosses_whole(path: Path) -> None:
    with contextlib.suppress(CaptureError):
        diagnosis = synscope.analyze(path)
        back = wire.from_json(wire.to_json(diagnosis))
        assert back == diagnosis
        assert spelled(back) == spelled(diagnosis)


def changed(document: Any, *, at: list[str | int], to: object) -> str:
    inner = document
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = to
    return json.dumps(document)


@pytest.mark.parametrize(
    ("at", "to"),
    [
        (["capture"], 1),
        (["watched"], 1),
        (["health"], None),
        (["health", "frames"], True),
        (["health", "frames"], "1"),
        (["health", "notes"], "text"),
        (["health", "undecoded"], [["a", 1]]),
        (["health", "more"], 1),
        (["targets", 0, "facts", "summary", "label"], "fine"),
        (["targets", 0, "facts", "summary", "groups", 0, "examples", 0, "client_payload"], "!"),
        (["targets", 0, "facts"], {}),
    ],
)
def test_a_document_with_other_types_is_refused(at: list[str | int], to: object) -> None:
    document = json.loads(wire.to_json(synscope.analyze(REFUSED)))
    with pytest.raises(wire.WireError):
        wire.from_json(changed(document, at=at, to=to))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"capture": 1e999}'])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(wire.WireError):
        wire.from_json(text)


# -- expectations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixture", "port", "method"),
    [("refused", 62893, "refused"), ("http-ok", None, "completed"), ("drop-input", None, "no_reply")],
)
def test_expectations_that_hold(fixture: str, port: int | None, method: str) -> None:
    diagnosis = synscope.analyze(FIXTURES / f"{fixture}.pcap", () if port is None else port)
    target = expect(diagnosis).to(port or diagnosis.targets[0].summary.target)
    assert getattr(target, method)() is target
    others = {"refused", "completed", "no_reply", "never_sent"} - {method}
    for other in others:
        with pytest.raises(AssertionError):
            getattr(target, other)()


def test_a_failed_expectation_shows_the_ladder_and_the_finding() -> None:
    target = expect(synscope.analyze(REFUSED, 62893)).to(62893)
    with pytest.raises(AssertionError) as caught:
        target.completed()
    text = str(caught.value)
    assert text.startswith("port 62893: expected completed, but it is SYN-RST\n")
    assert "SYN ──▶                   frame 1" in text
    assert "◀── RST,ACK       frame 2" in text
    assert "SYN101 service-not-running (likely): Nothing is listening on port 62893" in text


def test_findings_by_code_and_slug() -> None:
    target = expect(synscope.analyze(REFUSED, 62893)).to(62893)
    assert target.refused().finding("service-not-running").finding("SYN101") is target
    with pytest.raises(
        AssertionError, match="expected the finding stack-fault, but its findings are: SYN101"
    ):
        target.finding("stack-fault")
    with pytest.raises(ValueError, match="'no-such' is no cause"):
        target.finding("no-such")
    with pytest.raises(ValueError, match="fine"):
        target.label("fine")


def test_a_finding_that_was_ruled_out_does_not_count() -> None:
    diagnosis = synscope.analyze(REFUSED, 62893)
    (one,) = diagnosis.targets
    out = tuple(item._replace(confidence=Confidence.RULED_OUT) for item in one.findings)
    ruled_out = diagnosis._replace(targets=(one._replace(findings=out),))
    with pytest.raises(AssertionError, match="its findings are: none"):
        expect(ruled_out).to(62893).finding(one.findings[0].code)


def test_nothing_sent_is_asserted_of_files_and_weighed_live() -> None:
    diagnosis = synscope.analyze(REFUSED, 8080)
    expect(diagnosis).to(8080).never_sent()
    with pytest.raises(TargetError, match=r"9 is not one target of this capture \(its targets: 8080\)"):
        expect(diagnosis).to(9)
    with pytest.raises(TargetError):
        expect(diagnosis).to("localhost:8080")


def test_hostile_bytes_are_escaped() -> None:
    evil = Target("a\x1b[31m:1", 1)
    with pytest.raises(AssertionError) as caught:
        expect(synscope.analyze(REFUSED, evil)).to(evil).completed()
    assert "\x1b" not in str(caught.value)


# -- live -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def knock(port: int) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.recv(1)


@pytest.mark.usefixtures("private_network")
def test_live_refused_completed_and_never_sent(tmp_path: Path) -> None:
    rights = Path("/proc/self/status").read_text(encoding="ascii")
    saved = tmp_path / "kept.pcapng"
    with listening() as port, synscope.live([62893, port, "localhost:62894"], save=saved) as capture:
        with pytest.raises(SessionError, match="before the capture is stopped"):
            _ = capture.diagnosis
        knock(62893)
        knock(port)
    expect(capture).to(62893).refused()
    expect(capture).to(port).completed()
    expect(capture).to("localhost:62894").never_sent()
    assert capture.stop() is capture.diagnosis
    assert [one.summary.label for one in synscope.analyze(saved, [62893, port]).targets] == [
        Label.SYN_RST,
        Label.COMPLETED,
    ]
    # The caller has kept what it had.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(("Uid", "Gid", "Cap", "NoNewPrivs")):
            assert line in rights
    with pytest.raises(SessionError, match="started before"):
        capture.start()


@pytest.mark.usefixtures("private_network")
def test_a_capture_that_runs_can_be_entered() -> None:
    begun = synscope.live(62893).start()
    with begun as capture:
        knock(62893)
    assert capture is begun
    expect(capture).to(62893).refused()


@pytest.mark.usefixtures("private_network")
def test_a_blind_capture_proves_no_absence() -> None:
    subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
    with synscope.live(62893) as capture:
        pass
    target = expect(capture).to(62893)
    assert capture.diagnosis.targets[0].summary.claim is Claim.LIVE
    target.label("client-never-sent")
    with pytest.raises(
        AssertionError, match="expected that nothing was sent, but the capture proves no absence"
    ):
        target.never_sent()


@pytest.mark.usefixtures("private_network")
def test_a_capture_that_dies_is_an_error() -> None:
    capture = synscope.live(62893).start()
    assert capture._process is not None
    os.kill(capture._process.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(SessionError, match="ended unexpectedly"):
            capture.stop()
    with pytest.raises(SessionError, match="nosuch0"):
        synscope.live(62893, interface="nosuch0").start()


@pytest.mark.usefixtures("private_network")
def test_an_error_inside_is_not_hidden() -> None:
    def dies() -> None:
        with synscope.live(62893) as capture:
            assert capture._process is not None
            os.kill(capture._process.pid, signal.SIGKILL)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dies()


def test_without_an_interpreter_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(SessionError, match="/nonexistent/python cannot be run: No such file"):
        synscope.live(1).start()
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(SessionError, match="no Python interpreter"):
        synscope.live(1).start()


def test_live_wants_a_target() -> None:
    with pytest.raises(ValueError, match="at least one target"):
        synscope.live([])
    with pytest.raises(TargetError):
        synscope.live("localhost")
    with pytest.raises(SessionError, match="is not running"):
        synscope.live(1).stop()


@pytest.mark.usefixtures("private_network")
def test_without_rights_the_reason_is_told() -> None:
    assert obstacle() is None
    without = ("setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw")
    script = f"import sys; sys.path[:] = {sys.path!r}\nfrom synscope.library.live import obstacle; print(obstacle())"
    done = subprocess.run(
        [*without, sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("capturing needs root or the capability CAP_NET_RAW")


# -- the page ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
@pytest.mark.usefixtures("kernel")
def test_examples_run(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    inside = namespace() if "synscope.live(" in example else contextlib.nullcontext()
    with inside:
        exec(compile(example, "docs/api.md", "exec"), {"__name__": "example"})


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4
