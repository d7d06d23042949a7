"""The report as a person reads it."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from synscope.model import Attachment, Diagnosis, Endpoint, Evidence, NearMiss, Outcome, Source, Target
from synscope.report import terminal
from synscope.report.json_report import document
from synscope.report.page import Look
from synscope.report.text_report import attempt_line

from .samples import HEALTH, SAMPLES, answered, cut, diagnosis, out_of_range, refused, target

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ANY_TEXT = st.text(st.characters(), max_size=40)


def report(name: str, **look: object) -> str:
    return terminal.render(SAMPLES[name], Look(**look))  # type: ignore[arg-type]


def sections(text: str) -> list[str]:
    """The labels of the left column, in order."""
    return [match.group(1) for match in re.finditer(r"^ (\S[^\n]{0,15}?)  +\S", text, re.MULTILINE)]


def test_answer_first_then_what_why_do_capture() -> None:
    text = report("refused")
    assert text.splitlines()[:3] == [
        " Nothing is listening on port 62893.",
        " SYN-RST · likely · SYN101 service-not-running",
        "",
    ]
    assert sections(text) == ["Path", "What happened", "Why", "Decide", "If SYN101", "Capture"]
    everything = sections(report("refused", verbose=True))
    assert [label for label in everything if label in {"Usually there", "Also possible"}]


def test_a_sentence_that_does_not_name_the_port_is_given_it() -> None:
    (one,) = SAMPLES["refused"].targets
    best = one._replace(findings=(one.findings[0]._replace(title="Nobody is there"), *one.findings[1:]))
    assert terminal.render(diagnosis(best), Look()).startswith(" port 62893: Nobody is there.\n")


def test_confidence_and_code_are_in_the_answer() -> None:
    (one,) = SAMPLES["refused"].targets
    best = one.findings[0]
    answer = report("refused").split("\n\n")[0]
    assert f" · {best.confidence.value} · {best.code} {best.slug}" in answer
    assert best.title.split()[0] in answer


def test_frames_and_times_of_one_example() -> None:
    text = report("refused")
    assert re.search(r"SYN ──▶ +frame 1\n +◀── RST,ACK +frame 2 +\+49 µs", text)


def test_look_alikes_come_with_the_commands_that_decide() -> None:
    text = report("refused")
    assert re.search(r"\d+ other causes would look the same. What tells them apart:", text)
    assert "ss -ltnp 'sport = :62893'" in text
    assert re.search(r"a TCP listener serves the target's address and\s+port\s+→ SYN\d{3}", text)


def test_the_readers_system_comes_first() -> None:
    assert "lsof -nP -iTCP:62893 -sTCP:LISTEN" in report("refused", os="macos")
    assert "ss -ltnp" not in report("refused", os="macos")
    everything = report("refused", os="macos", verbose=True)
    assert everything.index("lsof -nP") < everything.index("ss -ltnp")


def test_healthy_is_one_line() -> None:
    text = report("healthy")
    assert text.split("\n\n")[0] == " port 8080        completed   healthy   2 attempts, closed"


def test_a_title_is_not_broken_where_a_line_can_hold_it() -> None:
    (one,) = SAMPLES["refused"].targets
    for length in (30, 45, 62):
        title = "x" * (length - 2) + " y"
        best = one._replace(findings=(one.findings[0]._replace(title=title), *one.findings[1:]))
        answer = terminal.render(diagnosis(best), Look()).split("\n\n")[0]
        assert f"port 62893: {title}." in " ".join(answer.split())
        assert f" · likely · {one.findings[0].code} " in answer


def test_what_is_said_twice_is_shown_once() -> None:
    (one,) = SAMPLES["refused"].targets
    evidence = (Evidence(Source.PAYLOAD, "the same", (1,)), Evidence(Source.PAYLOAD, "the same", (2,)))
    best = one._replace(findings=(one.findings[0]._replace(evidence=(*evidence, *evidence)),))
    assert terminal.render(diagnosis(best), Look()).count("the same (frame") == 2


def test_frames_in_a_row_are_a_range() -> None:
    (one,) = SAMPLES["refused"].targets
    evidence = (Evidence(Source.PACKETS, "seen", (1, 2, 3, 7, 8)),)
    best = one._replace(findings=(one.findings[0]._replace(evidence=evidence),))
    assert "seen (frames 1–3, 7 and 8)" in terminal.render(diagnosis(best), Look())
    assert "seen (frames 1-3, 7 and 8)" in terminal.render(diagnosis(best), Look(unicode=False))


def test_many_attempts_are_counted() -> None:
    text = report("refused-often")
    assert "1,500 attempts, 3 ways it ended" in text
    assert "127.0.0.1:40001 → 127.0.0.1:62893  #1" in text
    assert text.count("──▶") == 1, "one ladder, that of the first way"


def test_out_of_range_is_explained() -> None:
    text = report("out-of-range")
    for words in (
        "client-never-sent",
        "certain · SYN141",
        "curl",
        "create_connection",
        "→ 29185 by",
        "frames 1",
    ):
        assert words in text, words
    quiet = terminal.render(diagnosis(target(wanted=Target("619009", 619009))), Look())
    assert "this capture has no SYN to 29185 either" in quiet


def test_many_ports_fit_on_a_few_screens() -> None:
    text = report("many-ports")
    assert text.startswith(" 60 server ports, 30 with a failure\n")
    assert text.count("What happened") == 5
    assert text.count("Decide ") == 1
    assert text.count("the same as for port 9000 above") == 4
    assert text.count("healthy") == 10
    assert "and 35 more ports: name one with -p" in text
    assert len(text.splitlines()) < 140


def test_verbose_leaves_nothing_out() -> None:
    text = report("many-ports", verbose=True)
    assert text.count("What happened") == 30
    assert text.count("healthy") == 30
    assert "--verbose" not in text


def test_targets_asked_for_come_in_their_order() -> None:
    asked = diagnosis(target(answered(9, port=8080)), target(refused(1)), target(answered(20, port=8081)))
    text = terminal.render(asked, Look())
    assert text.index("port 8080") < text.index("port 62893") < text.index("port 8081")


def test_cut_and_undecoded_are_named() -> None:
    text = report("cut")
    assert "after frame 17, at byte 1,234: the record says 74 bytes and 12" in text
    assert "10 ARP, 2 UDP and 1 IP header cut by the snap length" in text
    assert "12 lost while" in text
    assert "2 time stamps go backwards" in text


def test_unreadable_says_why() -> None:
    assert report("unreadable").startswith(" notes.txt        could not be read\n")
    assert "no magic number" in report("unreadable")


@pytest.mark.parametrize(
    ("name", "said"), [("no-tcp", "none of the 12 frames"), ("empty", "holds no frames")]
)
def test_nothing_to_see_is_said(name: str, said: str) -> None:
    assert said in report(name)
    assert "-p" in report(name)


def test_several_captures_have_headers() -> None:
    text = terminal.render(cut("-"), Look(), headed=True)
    assert text.startswith(" ── standard input ──\n")


def test_attempts_are_listed_on_request() -> None:
    line = attempt_line(refused(7))
    assert line == (
        "#7 frame 13  127.0.0.1:40007 → 127.0.0.1:62893  SYN-RST: the server answered the SYN with an RST"
    )
    text = terminal.render(SAMPLES["refused"], Look(), attempts=[line])
    assert "Attempts         1\n #7" in text
    assert "#7 frame 13" in text


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("verbose", [False, True])
def test_80_columns_hold_everything_but_commands(name: str, *, verbose: bool) -> None:
    for line in report(name, verbose=verbose).splitlines():
        assert cell_len(line) <= 80 or re.match(r"   \S", line), line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", SAMPLES)
def test_colour_carries_nothing_alone(name: str) -> None:
    assert COLOUR.sub("", report(name, color=True)) == report(name)


@pytest.mark.parametrize("name", SAMPLES)
def test_ascii_is_enough(name: str) -> None:
    assert report(name, unicode=False).isascii()
    assert "\\u" not in report(name, unicode=False)


def hostile(text: str) -> Diagnosis:
    """A diagnosis in which everything that comes from outside is ``text``."""
    (one,) = SAMPLES["refused"].targets
    attempt = refused()._replace(client=Endpoint(text, 1), server=Endpoint(text, 2))
    summary = one.summary
    group = dataclasses.replace(summary.groups[0], server=Endpoint(text, 2), examples=(attempt,))
    summary = summary._replace(
        target=Target(text, 62893, text, text),
        groups=(group,),
        near_misses=(NearMiss("similar-port", text, 1, (1,)),),
    )
    evidence = (Evidence(Source.PAYLOAD, text, (1,)),)
    found = tuple(
        item._replace(title=text, summary=text, reason=text, evidence=evidence, against=evidence)
        for item in one.findings
    )
    health = dataclasses.replace(HEALTH, undecoded={text: 1}, notes=(text,), format=text, linktypes=(text,))
    facts = one.facts._replace(summary=summary)
    return Diagnosis(text, health, (one._replace(facts=facts, findings=found),), watched=True)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
@given(text=ANY_TEXT, verbose=st.booleans(), unicode=st.booleans())
def test_hostile_text_is_shown_not_obeyed(*, text: str, verbose: bool, unicode: bool) -> None:
    shown = terminal.render(hostile(text), Look(verbose=verbose, unicode=unicode), headed=True)
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown
    )
    shown.encode("ascii" if not unicode else "utf-8")


def test_an_escape_sequence_is_visible() -> None:
    text = terminal.render(hostile("\x1b]0;owned\x07[red]x[/red]"), Look())
    assert "\\x1b]0;owned\\x07[red]x[/red]" in text


def test_silence_is_not_called_healthy() -> None:
    quiet = answered()._replace(outcome=Outcome.SILENT)
    text = terminal.render(diagnosis(target(quiet, wanted=Target("8080", 8080))), Look())
    assert "healthy" not in text
    assert "no failure found   1 attempt, silent" in text


def test_failures_that_nobody_ranked_come_before_what_works() -> None:
    (one,) = diagnosis(target(refused(1, port=5000))).targets
    unranked = one._replace(findings=())
    well = [target(answered(number, port=number)) for number in range(7000, 7030)]
    text = terminal.render(diagnosis(*well, unranked, watched=False), Look())
    assert text.startswith(" 31 server ports, 1 with a failure\n")
    assert "port 5000        SYN-RST   the SYN was answered by an RST" in text


def test_mid_stream_is_no_failure() -> None:
    assert "mid-stream   the connection began before the capture did" in report("mid-stream")


def test_every_outcome_can_be_listed() -> None:
    for outcome in Outcome:
        line = attempt_line(refused()._replace(outcome=outcome))
        assert line.split(": ", 1)[1]


def test_out_of_range_sample_is_certain() -> None:
    assert out_of_range().failed


def _carrying(*attachments: Attachment) -> str:
    return terminal.render(SAMPLES["refused"]._replace(attachments=attachments), Look(width=80))


def test_what_the_file_says_is_marked_as_that() -> None:
    carried = SAMPLES["unanswered"]
    text = document(carried, version="9.9", engine="compiled", exit_status=1)
    found = _carrying(
        Attachment("diagnosis", "9.9", "2026-01-31T12:00:00Z", text),
        Attachment("host-snapshot", "9.9", "2026-01-31T12:00:00Z", "{}"),
    )
    own, _, said = found.partition(" The file says")
    plain = " ".join(said.split())
    assert "the diagnosis of localhost:62893, made on 2026-01-31 12:00:00 UTC by synscope 9.9" in plain
    assert "SYN-no-reply" in plain
    assert "it carries also what was known about the host" in plain
    assert plain.endswith("Anyone can write that into a file: the report above does not rest on it.")
    assert own.rstrip() == report("refused", width=80).rstrip()


def test_what_the_file_says_steers_nothing() -> None:
    hostile = {
        "type": "report",
        "captures": [
            {
                "targets": [{"target": "\x1b[2J\n 80 completed", "label": "completed"}],
                "health": {"interface": "lo\u202e\x07", "canary": "seen"},
            }
        ],
    }
    found = _carrying(Attachment("diagnosis", "9", "2026-01-31T12:00:00Z", json.dumps(hostile)))
    assert not set(found) & {"\x1b", "\x07", "\u202e"}
    assert r"\x1b[2J\x0a 80" in found
    found = _carrying(Attachment("diagnosis", "9", "2026-01-31T12:00:00Z", "\x1b nonsense"))
    assert "a diagnosis that cannot be read" in found


def test_the_sentence_stands_last_as_well_where_the_first_line_has_scrolled_away() -> None:
    sentence = " Nothing is listening on port 62893.\n"
    text = report("refused", height=20, verbose=True)
    assert text.startswith(sentence)
    assert text.endswith("\n" + sentence)
    for look in ({"height": 200}, {"height": 0}):
        assert report("refused", verbose=True, **look).count(sentence) == 1
    assert "--verbose" in report("refused").splitlines()[-1]
    assert "--verbose" not in report("healthy")
