"""``python -m tests.corpus [--background] [--losses] [SET ...]``: score the recorded scenarios in seconds.

Each set is scored as it is and, where there are others, with background rates in which it does not count.
``--losses`` names what is lost by packets alone too. ``--background`` measures the rates anew instead, on all sets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from unittest import mock

from synscope.causes import background as table
from tests.corpus import background, score
from tests.corpus.record import Recorded, read_all


def report(records: Sequence[Recorded], names: Sequence[str], *, all_losses: bool) -> str:
    """Return the figures of the sets, and the losses."""
    lines = []
    sets = list(dict.fromkeys(record.set for record in records))
    for name in names or sets:
        own = [record for record in records if record.set == name]
        for view in score.VIEWS:
            rows = score.scored(own, view)
            lines.append(score.words(name, view, score.figures(rows, view)))
            if view == "live" or all_losses:
                lines.extend(score.losses(rows, view))
        others = [record for record in records if record.set != name]
        if not others:
            continue
        with mock.patch.object(table, "COUNTS", background.counts(others)):
            for view in score.VIEWS:
                rows = score.scored(own, view)
                lines.append(score.words(f"{name}, left out of the rates,", view, score.figures(rows, view)))
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures, or write the table of background rates."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus")
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--background", action="store_true", help="measure the background rates anew")
    parser.add_argument("--losses", action="store_true", help="name what is lost by packets alone too")
    options = parser.parse_args(arguments)
    records = read_all()
    if options.background:
        rows = background.counts(records)
        source = background.TABLE.read_text(encoding="utf-8")
        background.TABLE.write_text(background.written(source, rows), encoding="utf-8", newline="\n")
        sys.stdout.write(f"{len(rows)} questions in {background.TABLE}\n")
        return 0
    sys.stdout.write(report(records, options.sets, all_losses=options.losses))
    return 0


if __name__ == "__main__":
    sys.exit(main())
