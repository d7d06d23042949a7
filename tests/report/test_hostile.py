"""What strangers write, all the way from the bytes of a capture to every form of the report: shown, never obeyed."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from synscope.analysis import analyze
from synscope.capture.write import attachments
from synscope.capture.write.pcapng import comments
from synscope.causes.rank import rank
from synscope.cli.main import cli, run
from synscope.evidence.command.observe import observe_command
from synscope.model import Attachment, Check, Command, Diagnosis
from synscope.probes.host import given as handed_in
from synscope.probes.host.snapshot import Firewall, Names, Resolved, RuleVerdict, Variable
from synscope.probes.host.snapshot_json import from_json, to_json
from synscope.report import csv_report, json_report, markdown, quiet, snapshot_text, terminal
from synscope.report.escape import visible
from synscope.report.page import LABEL_WIDTH, Look
from synscope.targets import parse
from tests import wire
from tests.evidence.host import builders as hosts

from . import test_junit, test_markdown
from .hostile import texts
from .samples import written
from .test_schema_fixtures import validator

PORT = 62893
DOCS = "https://docs.example"
SGR = re.compile(r"\x1b\[[0-9;]*m")
LINK = re.compile(r"\x1b\]8;(?:id=\d+;https://docs\.example/causes/[a-z0-9-]+\.md|;)\x1b\\")
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
NUMBER = re.compile(r"-?\d+")
MARKUP = "[red]x[/red][link=http://x]y[/link] [/] :smile:"
ESCAPES = "\x1b]0;x\x07\x1b[2J\x9b1m\x1b]8;;http://x\x1b\\\r\n 80 completed healthy"

few = settings(max_examples=5, suppress_health_check=list(HealthCheck))


# The capture: everything in it that is text says the same.


def captured(text: str) -> bytes:
    """A pcapng file of several conversations, with comments and names of interfaces."""
    said = text.encode(errors="surrogatepass")
    about = wire.option(2, said) + wire.option(3, said) + wire.option(4, said)
    told = comments([text, *forged(text)])
    names = wire.option(1, said) + wire.option(2, said) + wire.option(3, said) + wire.option(11, b"\0" + said)
    head = wire.section(options=told + about + bytes(4)) + wire.interface(options=names + bytes(4))
    remark = wire.option(1, said) + bytes(4)
    ticks = itertools.count(wire.START // 1000, 1000)
    return head + b"".join(
        wire.enhanced(next(ticks), frame, options=remark) for frame in _conversations(said)
    )


def _conversations(said: bytes) -> Iterator[bytes]:
    """Frames of a refusal, and of services that answer with what ``said`` is part of."""
    word = said.translate(None, b" \r\n") or b"x"
    get = b"GET /%s HTTP/1.1\r\nHost: %s\r\nX: %s\r\n\r\n" % (word, word, said)
    ask = b"CONNECT %s:62893 HTTP/1.1\r\nHost: %s:62893\r\n\r\n" % (word, word)
    through = b"GET http://%s:62893/%s HTTP/1.1\r\nHost: %s\r\n\r\n" % (word, said, said)
    gateway = b"HTTP/1.1 502 %s\r\nServer: %s\r\n\r\n%s" % (word, said, said)
    failed = b"HTTP/1.1 500 %s\r\nServer: %s\r\n\r\nmodel loading %s" % (said, word, said)
    yield _frame(40_000, PORT, flags="S", seq=1)
    yield _frame(PORT, 40_000, flags="RA", ack=2)
    for at, (client, server) in enumerate(
        (
            (get, gateway),
            (get, failed),
            (_hello(said), b"SSH-2.0-%s\r\n" % said),
            (get, b"220 %s SMTP\r\n" % said),
            (ask, gateway),
            (through, failed),
            (said, said),
            (b"hello", b"-ERR %s\r\n" % said),
            (_hello(said), b"HTTP/1.1 400 %s\r\n\r\n" % said),
        )
    ):
        yield from _talk(40_001 + at, 8_000 + at, client, server)


def _talk(client: int, server: int, asked: bytes, told: bytes) -> Iterator[bytes]:
    yield _frame(client, server, flags="S", seq=100)
    yield _frame(server, client, flags="SA", seq=500, ack=101)
    yield _frame(client, server, flags="A", seq=101, ack=501)
    yield _frame(client, server, flags="PA", seq=101, ack=501, payload=asked)
    yield _frame(server, client, flags="PA", seq=501, ack=101 + len(asked), payload=told)
    yield _frame(server, client, flags="FA", seq=501 + len(told), ack=101 + len(asked))


def _frame(source: int, destination: int, **segment: Any) -> bytes:
    return wire.ethernet(wire.ip("127.0.0.1", "127.0.0.1", wire.tcp(source, destination, **segment)))


def _hello(name: bytes) -> bytes:
    """A TLS client hello whose server name is ``name``."""
    entry = b"\0" + struct.pack(">H", len(name)) + name
    extension = struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    body = b"\3\3" + bytes(33) + b"\0\2\x13\1\1\0" + struct.pack(">H", len(extension)) + extension
    message = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + struct.pack(">H", len(message)) + message


def forged(text: str) -> tuple[str, ...]:
    """Comments such as ``annotate`` writes, with other things in them."""
    finding = {
        "target": text,
        "kind": "failure",
        "confidence": "certain",
        "code": "SYN101",
        "title": text,
    }
    target = {"target": text, "label": "completed"}
    health = {"interface": text, "dropped": 7, "canary": "seen"}
    report = {
        "type": "report",
        "captures": [{"targets": [target] * 7, "findings": [finding], "health": health}],
    }
    when = "2026-01-31T12:00:00Z"
    documents = (
        Attachment("diagnosis", "9.9", when, json.dumps(report)),
        Attachment("diagnosis", "9.8", when, text),
        Attachment("host-snapshot", "9.9", when, spoilt_snapshot(text)),
        Attachment("forged-kind", "9.9", when, text),
    )
    return tuple(comment for one in documents for comment in attachments.comments(one))


def spoilt_snapshot(text: str) -> str:
    """A snapshot whose texts, but for a few by which it is understood, are all ``text``."""
    reject = hosts.rulings(RuleVerdict.REJECT, how="tcp reset", rule="x", place="x", packets=3)
    waiting = hosts.listener("127.0.0.1", PORT, queued=129, device="x")
    made = hosts.snapshot(
        hosts.listener("127.0.0.2", PORT),
        waiting,
        hosts.listener("127.0.0.1", 62839),
        ports=(PORT,),
        firewall=Firewall(("x",), tuple(one._replace(port=PORT) for one in reject), ("x",)),
        names=Names((Resolved("localhost", ("127.0.0.1", "x"), "x"),), (), "x"),
        proxy=(Variable("http_proxy", "http://127.0.0.1:3128"), Variable("x", "x")),
        processes=(hosts.process(command="x", state="T", confinement="x", waits_in="x"),),
    )
    return to_json(_spoilt(made, text))


_UNDERSTOOD = {"address", "addresses", "packet", "verdict", "role", "state"}


def _spoilt(value: Any, text: str, field: str = "") -> Any:
    if isinstance(value, str):
        return value if field in _UNDERSTOOD else text
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        if names is None:
            return tuple(_spoilt(item, text, field) for item in value)
        return type(value)(*(_spoilt(item, text, name) for name, item in zip(names, value, strict=True)))
    return value


# The diagnoses: from the capture alone, with a snapshot of its host, with what a command said.


def analysed(folder: Path, text: str, **more: Any) -> Diagnosis:
    path = folder / "capture.pcapng"
    path.write_bytes(captured(text))
    return analyze(str(path), **more)


def with_snapshot(folder: Path, text: str) -> Diagnosis:
    path = folder / "host.json"
    path.write_text(spoilt_snapshot(text.encode(errors="replace").decode()), encoding="utf-8")
    targets = [parse(f"localhost:{PORT}"), parse("8000"), parse("8009"), parse("619009")]
    return analysed(folder, text, targets=targets, snapshots=[handed_in.read(str(path))])


def with_command(folder: Path, text: str) -> Diagnosis:
    """A command that says ``text`` and dies, asked for a port that nobody tried."""
    lines = (text, f"ValueError: {text}", f"curl: (7) Failed to connect to {text}: Connection refused", text)
    found = analysed(folder, text, targets=[parse(f"http://localhost:{PORT}/"), parse("8123")])
    target = found.targets[0].summary.target
    heard = observe_command(("curl", text), target, lines=lines, status=7, exit_status=7)
    targets = []
    for one in found.targets:
        facts = one.facts._replace(observations={**one.facts.observations, **{o.name: o for o in heard}})
        targets.append(one._replace(facts=facts, findings=rank(facts)))
    command = Command(("curl", text), 7, f"was ended by {text}", lines, f"the argument {text}")
    return found._replace(targets=tuple(targets), command=command)


WAYS: dict[str, Callable[[Path, str], Diagnosis]] = {
    "capture": analysed,
    "snapshot": with_snapshot,
    "command": with_command,
}
ways = pytest.mark.parametrize("way", WAYS)


# What each form must keep to.


def shows(text: str) -> str:
    """Assert that a terminal is not steered by ``text``, but for our colours and links; return it without them."""
    plain = SGR.sub("", LINK.sub("", text))
    for line in plain.splitlines():
        assert visible(line) == line
    assert plain.count("\n") == len(plain.splitlines())
    plain.encode()
    return plain


ANSWER = re.compile(
    r"^ \S.*\n(?:   \S.*\n)* (?:[\w-]+) · (?:certain|likely|possible) · SYN\d{3} [a-z0-9-]+$", re.MULTILINE
)
"""The sentence of a target, which may quote anybody, and the words to search for below it."""


def left_column(text: str) -> list[str]:
    """What stands left of the texts: nobody but us writes there, sentences aside, which have no gap as rows do."""
    for answer in ANSWER.findall(text):
        assert not any("  " in line.strip() for line in answer.splitlines()), answer
    text = ANSWER.sub("", text)
    return [line[:LABEL_WIDTH].strip() for line in text.splitlines() if line[:LABEL_WIDTH].strip()]


def parsed_json(text: str) -> Any:
    """The value of strict JSON without half characters."""
    assert text.isascii()
    found = json.loads(text, parse_constant=_no_number, object_pairs_hook=_no_twins)
    json.dumps(found, ensure_ascii=False).encode()
    return found


def _no_number(name: str) -> float:
    raise AssertionError(name)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def tamed(value: Any) -> Any:
    """The same diagnosis with letters for whatever could mean anything in some form; commands stay commands."""
    if isinstance(value, Check):
        return value
    if isinstance(value, str) and type(value) is str:
        return re.sub(r"[^A-Za-z0-9 \u00a0-\u3000.,:;()/-]", "x", value)
    if isinstance(value, tuple):
        parts = map(tamed, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, dict):
        return {key: tamed(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        fields = {field.name: tamed(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)  # type: ignore[type-var]
    return value


@ways
@example(text=ESCAPES, verbose=True)
@example(text=MARKUP, verbose=False)
@few
@given(text=texts, verbose=st.booleans())
def test_the_terminal_shows_and_does_not_obey(
    tmp_path_factory: pytest.TempPathFactory, *, way: str, text: str, verbose: bool
) -> None:
    found = WAYS[way](tmp_path_factory.getbasetemp(), text)
    plain = terminal.render(found, Look(verbose=verbose))
    assert shows(terminal.render(found, Look(verbose=verbose, color=True, docs=DOCS))) == plain
    assert left_column(plain) == left_column(terminal.render(tamed(found), Look(verbose=verbose)))
    shown = quiet.render(found, Look(color=True, docs=DOCS))
    assert len(shows(shown).splitlines()) == len(found.targets)


@ways
@example(text=ESCAPES, verbose=False)
@example(text="1. ```\n# x", verbose=True)
@few
@given(text=texts, verbose=st.booleans())
def test_markdown_keeps_its_structure(
    tmp_path_factory: pytest.TempPathFactory, *, way: str, text: str, verbose: bool
) -> None:
    found = WAYS[way](tmp_path_factory.getbasetemp(), text)
    shown = markdown.render(found, Look(verbose=verbose), headed=True)
    test_markdown.is_tame(shown)
    tame = markdown.render(tamed(found), Look(verbose=verbose), headed=True)
    assert test_markdown.shape(shown) == test_markdown.shape(tame)


@ways
@example(text=ESCAPES)
@example(text="=1+1")
@few
@given(text=texts)
def test_what_programs_read_is_well_formed(
    tmp_path_factory: pytest.TempPathFactory, *, way: str, text: str
) -> None:
    found = WAYS[way](tmp_path_factory.getbasetemp(), text)
    document = parsed_json(json_report.document(found, version="0", engine="compiled", exit_status=1))
    validator().validate(document)
    lines = written("jsonl", found)
    assert lines.endswith("\n")
    for line in lines.removesuffix("\n").split("\n"):
        validator().validate(parsed_json(line))
    suite = written("junit", found)
    assert [one.tag for one in ET.fromstring(suite).iter()] == [
        one.tag for one in ET.fromstring(written("junit", tamed(found))).iter()
    ]
    assert test_junit.keeps_to_schema(suite)
    check_csv(written("csv", found))


def check_csv(text: str) -> list[list[str]]:
    """The rows: as many cells in each, none of them a formula, nothing that steers a terminal."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} == {len(csv_report.COLUMNS)}
    assert len(rows) == text.count("\n")
    for value in itertools.chain.from_iterable(rows):
        assert not FORMULA.match(value) or NUMBER.fullmatch(value)
        assert visible(value) == value
    return rows


@example(text=ESCAPES)
@example(text=MARKUP)
@few
@given(text=texts)
def test_a_snapshot_is_shown(*, text: str) -> None:
    found = from_json(spoilt_snapshot(text.encode(errors="replace").decode() or "x"))
    plain = snapshot_text.render(found, Look(verbose=True))
    assert shows(snapshot_text.render(found, Look(verbose=True, color=True))) == plain
    tame = from_json(spoilt_snapshot("x"))
    assert left_column(plain) == left_column(snapshot_text.render(tame, Look(verbose=True)))


def test_markup_stays_text(tmp_path: Path) -> None:
    found = with_command(tmp_path, MARKUP)
    shown = shows(terminal.render(found, Look(width=110, color=True, verbose=True)))
    assert MARKUP in shown
    assert shown.count(":smile:") > 5


# Names of files and arguments, through the commands themselves.

NAMES = (
    b"=1+1",
    b"-x\x1b[2J",
    b"@a\n 80 completed healthy",
    b"\xff\xfe\x9b1m",
    b"[red]`#1 <b>&\"'",
    "\u202e\ud83d\ude00\u3164.pcap".encode(errors="surrogatepass"),
    b"]]>--;$(x)|\t",
)
FORMS = ("terminal", "markdown", "json", "jsonl", "csv", "junit", "quiet")


@pytest.mark.parametrize("form", FORMS)
def test_names_of_files(tmp_path: Path, form: str) -> None:
    data = captured("x")
    paths = [str(tmp_path / os.fsdecode(name)) for name in NAMES]
    for path in paths:
        Path(path).write_bytes(data)
    paths.append(f"{paths[0]}\x1b[2J\x07\u202e-is-missing")
    arguments = ["--quiet"] if form == "quiet" else ["--format", form]
    relative = [os.path.relpath(path, tmp_path) for path in paths]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        done = CliRunner().invoke(
            cli, ["analyze", "--color", "always", *arguments, "-p", str(PORT), "--", *relative]
        )
    assert done.exit_code == 1
    shows(done.stderr)
    CHECKS[form](done.stdout)


def _check_markdown(text: str) -> None:
    test_markdown.is_tame(text)
    assert test_markdown.shape(text).count("heading_open") == 2 * len(NAMES) + 1


def _check_jsonl(text: str) -> None:
    for line in text.splitlines():
        validator().validate(parsed_json(line))


def _check_csv(text: str) -> None:
    assert len({row[0] for row in check_csv(text)}) == len(NAMES) + 1


def _check_junit(text: str) -> None:
    assert test_junit.keeps_to_schema(text)
    assert len(ET.fromstring(text)) == len(NAMES) + 1


def _check_quiet(text: str) -> None:
    assert len(shows(text).splitlines()) == len(NAMES) + 1


CHECKS: dict[str, Callable[[str], object]] = {
    "terminal": shows,
    "markdown": _check_markdown,
    "json": lambda text: validator().validate(parsed_json(text)),
    "jsonl": _check_jsonl,
    "csv": _check_csv,
    "junit": _check_junit,
    "quiet": _check_quiet,
}


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "-p", "localhost:8000/{}", "CAPTURE"],
        ["analyze", "-p", "localhost:8000/{}", "--quiet", "CAPTURE"],
        ["analyze", "-p", "{}", "CAPTURE"],
        ["analyze", "--{}", "CAPTURE"],
        ["analyze", "--expect", "{}", "CAPTURE"],
        ["analyze", "--since", "{}", "CAPTURE"],
        ["analyze", "--host", "{}", "CAPTURE"],
        ["analyze", "--snapshot", "{}", "CAPTURE"],
        ["analyze", "--snapshot", "CAPTURE", "CAPTURE"],
        ["explain", "{}"],
        ["explain", "ECONNREFUSED {}"],
        ["explain", "curl: (7) Failed to connect to localhost port 619009 {}", "--color", "always"],
        ["snapshot", "-p", "{}"],
        ["annotate", "CAPTURE", "{}"],
        ["{}"],
    ],
)
@pytest.mark.parametrize("text", [ESCAPES, "[red]\udc80\u202e\x85\u2028\xad[/]"])
def test_arguments(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], *, arguments: list[str], text: str
) -> None:
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes(captured("x"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        run([one.replace("{}", text).replace("CAPTURE", str(capture)) for one in arguments])
    told = capfd.readouterr()
    assert shows(told.out) + shows(told.err)


@pytest.mark.parametrize("text", [ESCAPES, MARKUP, "\ud800\udc80\u202e", "=1+1"])
def test_explanations_as_json(text: str) -> None:
    done = CliRunner().invoke(cli, ["explain", f"ECONNREFUSED {text}", "--format", "json"])
    assert parsed_json(done.stdout)["query"].startswith("ECONNREFUSED")
