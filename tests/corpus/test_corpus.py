"""The ranking, scored on what was known of every played scenario; and the corpus itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.causes import background as table
from synscope.causes.catalogue import by_slug
from synscope.causes.rank import MOST_STANDING
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Label
from tests.corpus import __main__ as command
from tests.corpus import background, record, score

SETS = sorted(path.stem for path in record.FOLDER.glob("*.jsonl"))
LEAST_FIRST = 0.9
LEAST_NAMED = 0.96
MEDIAN_NAMED = 6


def of(name: str) -> list[record.Recorded]:
    """The lines of a set."""
    return record.read(record.FOLDER / f"{name}.jsonl")


def test_the_known_ones_are_told_live() -> None:
    counted = score.figures(score.scored(of("known"), "live"), "live")
    assert counted.first >= LEAST_FIRST * counted.failures
    assert counted.named == counted.failures
    assert counted.healthy == counted.working
    assert counted.most <= MOST_STANDING


def test_the_known_ones_are_named_by_packets_alone() -> None:
    counted = score.figures(score.scored(of("known"), "packets"), "packets")
    assert counted.named >= counted.whole >= LEAST_NAMED * counted.failures
    assert counted.most <= MOST_STANDING
    assert counted.median <= MEDIAN_NAMED


@pytest.mark.parametrize("view", score.VIEWS)
def test_nothing_false_is_certain(view: str) -> None:
    """In the known ones, of which the answer is agreed."""
    assert [row.record.name for row in score.scored(of("known"), view) if row.is_wrongly_certain] == []


@pytest.mark.parametrize("name", SETS)
def test_lines_speak_of_what_there_is(name: str) -> None:
    lines = of(name)
    assert len({line.name for line in lines}) == len(lines) > 0
    for line in lines:
        assert line.set == name
        assert line.cause in {"", record.UNLISTED, *by_slug}
        assert {*line.right, *line.standing} <= set(by_slug)
        assert line.label in {label.value for label in Label}
        assert set(line.live.answers) & set(QUESTIONS)


def test_a_set_is_written_as_it_was_read(tmp_path: Path) -> None:
    lines = of("known")
    record.write(tmp_path / "known.jsonl", lines[:5])
    record.write(tmp_path / "known.jsonl", [lines[2]._replace(label="completed"), lines[5]])
    again = record.read(tmp_path / "known.jsonl")
    assert [line.name for line in again] == [line.name for line in lines[:6]]
    assert again[2].label == "completed"
    assert again[5] == lines[5]


def test_background_rates_are_counted_by_label() -> None:
    lines = of("known")
    rows = background.counts(lines)
    assert rows["refused-by-rst"][:2] == (
        sum(line.live.answers.get("refused-by-rst") == "yes" for line in lines),
        sum(line.live.answers.get("refused-by-rst") not in {None, "yes"} for line in lines),
    )
    source = background.TABLE.read_text(encoding="utf-8")
    assert background.written(source, table.COUNTS) == source
    assert background.written(background.written(source, {}), table.COUNTS) == source


def test_the_command_prints_figures_and_losses(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["known", "--losses"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("known live: first ")
    assert "\nknown packets: first " in said
    assert "; said: " in said


def test_a_set_is_scored_without_its_own_rates() -> None:
    lines = of("known")
    halves = [line._replace(set="odd" if at % 2 else "even") for at, line in enumerate(lines)]
    said = command.report(halves, ["odd"], all_losses=False)
    assert "odd, left out of the rates, live: first " in said
    assert "even" not in said
