"""``synscope causes``: the whole catalogue."""

from __future__ import annotations

import json

from click.testing import CliRunner

from synscope.causes.catalogue import CATALOGUE
from synscope.cli.main import cli


def test_lists_every_cause() -> None:
    found = CliRunner().invoke(cli, ["causes"])
    assert found.exit_code == 0
    for cause in CATALOGUE:
        assert cause.code in found.stdout
        assert cause.slug in found.stdout


def test_as_json() -> None:
    found = json.loads(CliRunner().invoke(cli, ["causes", "--format", "json"]).stdout)
    assert [item["code"] for item in found["causes"]] == [cause.code for cause in CATALOGUE]
    assert set(found["causes"][0]) == {"code", "slug", "kind", "title", "labels"}
