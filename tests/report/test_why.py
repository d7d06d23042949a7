"""``--why`` on the terminal and in Markdown: every candidate with its computation."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from synscope.causes.rank import place
from synscope.cli.main import cli
from synscope.report import markdown, terminal
from synscope.report.page import Look

from .samples import SAMPLES


def test_every_candidate_is_there_with_its_sum() -> None:
    text = terminal.render(SAMPLES["refused"], Look(width=110, why=True))
    (target,) = SAMPLES["refused"].targets
    shown = text[text.index("Why this order") :]
    for each in place(target.facts):
        assert f"{each.candidate.cause.code}\u00a0{each.candidate.cause.slug}" in shown.replace(" ", "\u00a0")
    assert re.search(r"sum \+\d+\.\d\d = prior \+\d+\.\d\d \(listener\) and these:", shown)
    assert "likely, " in shown
    assert "left out" in shown


def test_without_the_option_nothing_is_there() -> None:
    plain = terminal.render(SAMPLES["refused"], Look())
    assert "Why this order" not in plain
    assert "Why this order" not in markdown.render(SAMPLES["refused"], Look())
    assert plain in terminal.render(SAMPLES["refused"], Look(why=True)) or plain.splitlines()[
        0
    ] in terminal.render(SAMPLES["refused"], Look(why=True))


def test_what_is_contradicted_is_quoted() -> None:
    text = terminal.render(SAMPLES["out-of-range"], Look(width=110, why=True))
    assert re.search(r"contradicted by: not port-blocked-by-clients \(", text)


def test_markdown_has_it_in_a_block() -> None:
    text = markdown.render(SAMPLES["refused"], Look(why=True))
    assert "Why this order" in text


@pytest.mark.parametrize("sample", SAMPLES)
def test_any_diagnosis_can_be_asked(sample: str) -> None:
    assert terminal.render(SAMPLES[sample], Look(why=True))


def test_quiet_excludes_it() -> None:
    done = CliRunner().invoke(cli, ["analyze", "--quiet", "--why", "fixtures/refused.pcap"])
    assert done.exit_code == 2
    assert "--why" in done.output
