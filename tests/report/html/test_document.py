"""The HTML report: what is in it, that it is valid, and that nobody else's text becomes part of its structure."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import example, given, settings

from synscope.analysis import analyze
from synscope.capture.write.attachments import DIAGNOSIS, HOST_SNAPSHOT
from synscope.engine.moments import Moments
from synscope.model import Attachment, Diagnosis
from synscope.probes.host.snapshot import HostsLine, Names, Owner, Resolved, Variable
from synscope.probes.host.snapshot_json import to_json
from synscope.report.html import document
from synscope.report.page import Look
from synscope.targets import parse
from tests.evidence.host.builders import listener, snapshot
from tests.report.hostile import everywhere, texts
from tests.report.samples import SAMPLES

FIXTURES = Path(__file__).parents[3] / "fixtures"
POLICY = "Content-Security-Policy"
ADDRESSES = {"href", "src", "action", "data", "formaction", "poster", "srcset", "xlink:href"}


def report(*diagnoses: Diagnosis, os: str = "linux") -> str:
    return document.render([document.ReportedCapture(one) for one in diagnoses], Look(os=os))


def fixture(name: str, *wanted: str) -> str:
    targets = [parse(text) for text in wanted]
    moments = Moments(target.port for target in targets)
    diagnosis = analyze(str(FIXTURES / name), targets, moments=moments)
    return document.render([document.ReportedCapture(diagnosis, moments)], Look())


def parsed(text: str) -> Element:
    """The tree, by a parser that takes nothing which the standard calls an error."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return tree


def words(element: Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def one(tree: Element, tag: str) -> Element:
    (found,) = tree.iter(tag)
    return found


def test_answer_first_then_the_parts_in_order() -> None:
    tree = parsed(fixture("refused.pcap", "62893"))
    assert words(one(tree, "h1")) == "Nothing is listening on port 62893"
    assert [words(found) for found in tree.iter("h2")] == [
        *("Path", "What happened", "Why", "What to do", "Also possible", "Capture", "Words")
    ]
    text = words(one(tree, "main"))
    order = ["SYN-RST", "likely SYN101", "1 attempt", "RST,ACK", "packets", "ss -ltnp", "2 frames"]
    assert sorted(order, key=text.index) == order
    assert words(one(tree, "title")) == "port 62893: Nothing is listening on port 62893 – synscope"


def test_evidence_has_its_source_and_frames() -> None:
    items = [words(found) for found in parsed(fixture("refused.pcap", "62893")).iter("li")]
    assert "packets the SYN of 1 attempt was answered by an RST, 9 µs after it frames 1 and 2" in items


def test_commands_can_be_copied_and_the_readers_system_comes_first() -> None:
    tree = parsed(report(SAMPLES["refused"], os="windows"))
    copies = [found for found in tree.iter("div") if found.get("class") == "copy"]
    assert all([child.tag for child in found] == ["code", "button"] for found in copies)
    commands = [words(found[0]) for found in copies]
    assert next(n for n, text in enumerate(commands) if "Get-Net" in text) < next(
        n for n, text in enumerate(commands) if "ss -ltnp" in text
    )


def test_buttons_are_hidden_until_a_script_shows_them() -> None:
    buttons = [*parsed(report(SAMPLES["refused"])).iter("button")]
    assert buttons
    assert all(button.get("hidden") is not None and button.get("type") == "button" for button in buttons)


def test_what_was_ruled_out_has_its_reason() -> None:
    text = words(parsed(fixture("wrapped-port.pcap", "619009")))
    assert "What it is not SYN142 client-blocks-port" in text
    assert "619009 is not on the list of ports that browsers and fetch refuse" in text


def test_words_of_confidence_promise_what_the_documentation_does() -> None:
    rows = (FIXTURES.parent / "docs" / "confidence.md").read_text(encoding="utf-8")
    tree = parsed(report(SAMPLES["refused"]))
    (terms,) = [found for found in tree.iter("dl") if words(found).startswith("certain ")]
    for word, promise in zip(terms.iter("dt"), terms.iter("dd"), strict=True):
        assert f"| {words(word)} | {words(promise)}" in rows


def test_capture_health() -> None:
    text = words(parsed(report(SAMPLES["cut"])))
    assert "cut short after frame 17, at byte 1,234: the record says 74 bytes and 12 are left" in text
    assert "12 lost while capturing" in text


def test_unreadable_and_empty_captures() -> None:
    assert words(one(parsed(report(SAMPLES["unreadable"])), "h1")) == "notes.txt could not be read"
    assert "no magic number" in report(SAMPLES["unreadable"])
    assert "none of the 12 frames in this capture carries TCP" in report(SAMPLES["no-tcp"])


def test_several_captures_are_one_document() -> None:
    tree = parsed(report(SAMPLES["refused"], SAMPLES["healthy"], SAMPLES["unreadable"]))
    assert words(one(tree, "h1")) == "3 captures"
    anchors = {found.get("id") for found in tree.iter() if found.get("id")}
    links = [found.get("href", "") for found in tree.iter("a")]
    assert len(links) == 4
    assert {link.removeprefix("#") for link in links} <= anchors


def test_few_ports_in_full_unless_named() -> None:
    many = SAMPLES["many-ports"]
    assert report(many).count("What to do</h") == 5
    assert "60 server ports, 30 with a failure" in report(many)
    named = parsed(report(many._replace(watched=True)))
    titles = [words(found) for found in named.iter("h2")]
    assert titles[:2] == ["Timeline", "Nothing is listening on port 9000"]
    assert titles.count("Healthy") == 10


def test_attempts_are_listed_and_counted() -> None:
    given_lines = [f"#{n} frame {n}" for n in range(3)]
    text = document.render([document.ReportedCapture(SAMPLES["refused"], None, given_lines, 7)], Look())
    assert "<li>#2 frame 2</li>" in text
    assert "and 7 more: --format csv writes all" in text


def test_what_a_file_carries_is_shown_as_its_claim() -> None:
    made = "2026-01-31T12:00:00Z"
    target_record = {"type": "target", "target": "<b>localhost:1</b>", "label": "SYN-RST"}
    inner = {"type": "report", "captures": [{"targets": [target_record], "findings": [], "health": {}}]}
    documents = (
        Attachment("diagnosis", "0.1.0", made, json.dumps(inner)),
        Attachment(HOST_SNAPSHOT, "0.1.0", made, "no snapshot"),
    )
    text = words(parsed(report(SAMPLES["refused"]._replace(attachments=documents))))
    assert "What the file says" in text
    assert "it carries the diagnosis of <b>localhost:1</b>" in text
    assert "Anyone can write that into a file" in text


@pytest.mark.parametrize("name", SAMPLES)
def test_valid_complete_and_bound_by_its_policy(name: str) -> None:
    text = report(SAMPLES[name])
    tree = parsed(text)
    _has_no_way_out(tree)
    _policy_holds(text, tree)
    _is_accessible(tree)


def _has_no_way_out(tree: Element) -> None:
    """Nothing loads, links elsewhere, styles or runs by itself."""
    for found in tree.iter():
        for name, value in found.attrib.items():
            plain = name.rsplit("}", 1)[-1].lower()
            assert not plain.startswith("on")
            assert plain != "style"
            if plain in ADDRESSES:
                assert re.fullmatch(r"#[a-z0-9-]+", value), (found.tag, name, value)
    tags = {str(found.tag) for found in tree.iter()}
    assert not tags & {"img", "iframe", "object", "embed", "link", "base", "form", "input", "audio", "video"}


def _policy_holds(text: str, tree: Element) -> None:
    (policy,) = [found.get("content", "") for found in tree.iter("meta") if found.get("http-equiv") == POLICY]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    head = [str(found.tag) for found in one(tree, "head")]
    assert head.index("meta") < head.index("style")
    assert text.index(POLICY) < text.index("<style>")


def _is_accessible(tree: Element) -> None:
    identifiers = [found.get("id") for found in tree.iter() if found.get("id")]
    assert len(identifiers) == len(set(identifiers))
    for found in tree.iter():
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(found.get(name, "").split()) <= {*identifiers}
    levels = [int(str(found.tag)[1]) for found in tree.iter() if re.fullmatch("h[1-6]", str(found.tag))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@example(text="</style><script>alert(1)</script>")
@example(text='"><img src=x onerror=alert(1)>')
@example(text="{{ 7 * 7 }}{% raw %}")
@example(text="]]></title></svg><svg onload=alert(1)>")
@settings(max_examples=25, deadline=None)
@given(text=texts)
def test_hostile_text_changes_no_structure(text: str) -> None:
    hostile = parsed(report(_carrying(text)))
    _has_no_way_out(hostile)
    if text.strip():
        assert [*_shape(hostile)] == [*_shape(parsed(report(_carrying("word"))))]


def _carrying(text: str) -> Diagnosis:
    """``everywhere``, in a file that carries a diagnosis and a host snapshot with ``text`` in them as well."""
    health = {"interface": text, "dropped": 1, "canary": "seen"}
    record = {"target": text, "label": "SYN-RST"}
    said = {"target": text, "kind": "failure", "confidence": "likely", "code": "SYN101", "title": text}
    inner = {
        "type": "report",
        "captures": [{"targets": [record], "findings": [said], "health": health}],
    }
    host = snapshot(
        listener(owners=(Owner(7, text, text),)),
        system=text,
        names=Names((Resolved(text, (text,)),), (HostsLine(1, text, (text,)),), text),
        proxy=(Variable(text, text),),
    )
    documents = (
        Attachment(DIAGNOSIS, text, "2026-01-31T12:00:00Z", json.dumps(inner)),
        Attachment(HOST_SNAPSHOT, text, "2026-01-31T12:00:00Z", to_json(host)),
    )
    return everywhere(text)._replace(attachments=documents)


def test_what_a_file_carries_about_a_host_is_shown() -> None:
    shown = words(parsed(report(_carrying("word"))))
    assert "What it says about the host" in shown
    assert "hosts file, line 1: word word" in shown
    assert "word=word" in shown


def _shape(tree: Element) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Elements in order, with the names of their attributes and the values no text may reach."""
    for found in tree.iter():
        yield str(found.tag), tuple(sorted(found.attrib)), found.get("class", ""), found.get("href", "")


def test_hostile_text_is_shown() -> None:
    shown = words(parsed(report(everywhere("<b>\u202e\x1b[31m&amp;{{7*7}}"))))
    assert r"<b>\u202e\x1b[31m&amp;{{7*7}}" in shown


def test_a_page_is_the_same_each_time() -> None:
    assert report(SAMPLES["refused-often"]) == report(SAMPLES["refused-often"])


def test_bounded_however_much_there_is() -> None:
    often = SAMPLES["refused-often"]
    (target,) = often.targets
    groups = tuple(
        dataclasses.replace(
            group, examples=tuple(group.examples[0]._replace(id=n) for n in range(100)), count=250_000
        )
        for group in target.summary.groups
        for _ in range(20)
    )
    summary = target.summary._replace(groups=groups)
    crowded = target._replace(facts=target.facts._replace(summary=summary))
    assert len(report(often._replace(targets=(crowded,) * 300))) < 2_000_000


def test_other_forms_do_without_jinja() -> None:
    script = (
        "import sys; from synscope.cli.main import main; sys.argv = ['synscope', 'analyze', "
        f"{str(FIXTURES / 'refused.pcap')!r}, '--format', 'json'];\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit('jinja2' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False).returncode == 0
    )


def test_the_path_is_a_row_of_stages_with_state_in_a_word() -> None:
    tree = parsed(fixture("refused.pcap", "62893"))
    (row,) = (found for found in tree.iter("ol") if found.get("class") == "path")
    items = [words(item) for item in row]
    assert items[:1] + items[5:10] == [
        *("number passed", "out passed", "SYN", "in not known", "listener not known", "queue not known")
    ]
    assert items[11:13] == ["no handshake", "carry not reached"]
    shapes = {
        item.get("class"): next(item.iter("{http://www.w3.org/2000/svg}path")).get("d")
        for item in row
        if "stage" in item.get("class")
    }
    assert len(set(shapes.values())) == len(shapes) == 3
