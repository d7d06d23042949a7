"""``python -m tests.scenarios [--write] [--quick] [--record SET] [WORD ...]``: play scenarios and score them.

Needs root. WORDs choose scenarios by a part of their names; ``--quick`` leaves out those that are not among the
tests; ``--write`` puts the tables into docs/accuracy.md; ``--record`` adds what was known of each to the corpus
(``tests/corpus``). ``--table`` plays the ``SCENARIOS`` of another Python file.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from tests.corpus import record
from tests.scenarios import accuracy
from tests.scenarios.play import Played, play
from tests.scenarios.scenario import Scenario
from tests.scenarios.stage import StageError, missing
from tests.scenarios.table import SCENARIOS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"
BEGIN, END = "<!-- scenarios: begin -->", "<!-- scenarios: end -->"


def _line(played: Played) -> str:
    ranked = ", ".join(f"{slug} ({confidence})" for slug, confidence in played.live.ranked[:2]) or "works"
    word = "ok " if accuracy.right(played, played.live) else "BAD"
    missed = "" if accuracy.named(played, played.packets) else "; not named by packets alone"
    return f"{word} {played.scenario.name}: {played.live.label}, {ranked}{missed}"


def written(page: str, tables: str) -> str:
    """Return the page with these tables between its marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables}\n{END}{tail}"


def _scenarios_of(path: Path) -> tuple[Scenario, ...]:
    return tuple(runpy.run_path(str(path))["SCENARIOS"])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Return 1 when a scenario could not be played."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--record", metavar="SET")
    parser.add_argument("--table", type=Path, metavar="FILE")
    options = parser.parse_args()
    scenarios = SCENARIOS if options.table is None else _scenarios_of(options.table)
    chosen = [
        scenario
        for scenario in scenarios
        if not (options.quick and scenario.long)
        and (not options.words or any(word in scenario.name for word in options.words))
    ]
    played: list[Played] = []
    status = 0
    for scenario in chosen:
        if program := missing(scenario.needs):
            _say(f"--  {scenario.name}: needs {program}")
            continue
        try:
            played.append(play(scenario))
        except StageError as error:
            _say(f"ERR {scenario.name}: {error}")
            status = 1
        else:
            _say(_line(played[-1]))
            if options.record:
                path = record.FOLDER / f"{options.record}.jsonl"
                record.write(path, [record.of_played(options.record, played[-1])])
    tables = accuracy.text(played)
    _say(f"\n{tables}")
    if options.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
