"""Measures how often each question is answered yes, and writes the table of ``causes/background.py``.

Only live answers count: there somebody looked for nearly everything. What could not be told counts as not yes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from synscope.causes import background
from tests.corpus.record import Recorded

TABLE: Final = Path(background.__file__).with_suffix(".py")
_ROWS: Final = re.compile(r"(?<=MappingProxyType\(\{\n).*?(?=\}\)\n# fmt: on)", re.DOTALL)


def counts(records: Iterable[Recorded]) -> dict[str, tuple[int, ...]]:
    """Return for each question (yes, not yes) over all records, then for those with each label of the table."""
    labels = (None, *(label.value for label in background.LABELS))
    found: dict[str, list[int]] = {}
    for record in records:
        for name, answer in record.live.answers.items():
            row = found.setdefault(name, [0] * (2 * len(labels)))
            for at, label in enumerate(labels):
                if label is None or label == record.live.label:
                    row[2 * at + (answer != "yes")] += 1
    return {name: tuple(found[name]) for name in sorted(found)}


def written(source: str, rows: Mapping[str, tuple[int, ...]]) -> str:
    """Return the table's source with these rows."""
    text = "".join(f'    "{name}": {row},\n' for name, row in rows.items())
    return _ROWS.sub(lambda _: text, source)
