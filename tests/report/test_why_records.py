"""The field ``why`` of a target's record."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from synscope.model import TargetDiagnosis
from synscope.report import json_records, schema, why_records

from .samples import SAMPLES


def why(target: TargetDiagnosis) -> dict[str, Any]:
    return cast("dict[str, Any]", json_records.target("x", target, why=True)["why"])


def test_it_is_there_only_when_it_is_asked_for() -> None:
    (target,) = SAMPLES["refused"].targets
    assert "why" not in json_records.target("x", target)
    assert set(why(target)) == {"stages", "answers", "candidates"}


def test_it_has_the_answers_to_all_questions() -> None:
    (target,) = SAMPLES["refused"].targets
    answers = why(target)["answers"]
    assert set(answers) == set(target.facts.observations)
    assert answers["refused-by-rst"] == "yes"
    assert set(answers.values()) <= set(why_records.WORDS.values())


@pytest.mark.parametrize("sample", SAMPLES)
def test_sums_are_those_of_their_parts(sample: str) -> None:
    for target in SAMPLES[sample].targets:
        for candidate in why(target)["candidates"]:
            parts = candidate["prior"] + sum(factor["weight"] for factor in candidate["factors"])
            assert abs(candidate["sum"] - parts) <= 1 + len(candidate["factors"])


def test_candidates_are_in_the_order_of_the_findings() -> None:
    for diagnosis in SAMPLES.values():
        for target in diagnosis.targets:
            named = [each["code"] for each in why(target)["candidates"] if each["named"]]
            if target.findings:
                assert named == [finding.code for finding in target.findings]


def test_the_schema_knows_it() -> None:
    definitions = cast("dict[str, dict[str, dict[str, object]]]", schema.document()["$defs"])
    (target,) = SAMPLES["refused"].targets
    record = json.loads(json_records.line(json_records.target("x", target, why=True)))
    assert set(record["why"]) == set(definitions["why"]["properties"])
    candidates = cast("dict[str, dict[str, object]]", definitions["why"]["properties"]["candidates"])
    properties = cast("dict[str, object]", candidates["items"]["properties"])
    assert set(record["why"]["candidates"][0]) == set(properties)
