"""What a saved capture says: the report document, comments where they belong, and no payload when none is wanted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from synscope.capture.write.attachments import HOST_SNAPSHOT, MOST_COMMENTS, attachments
from synscope.capture.write.pcapng import LARGEST_COMMENT
from synscope.model import Command, Confidence, Diagnosis, Evidence, NearMiss, Source
from synscope.report.annotation import Made, annotation, packet_comments, without_payload
from synscope.report.json_report import document
from synscope.report.schema import document as schema

from .samples import SAMPLES

MADE = Made("1.2.3", "compiled", 1_769_860_800_999_999_999, 1)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_report_document_is_carried(name: str) -> None:
    diagnosis = SAMPLES[name]
    found = annotation(diagnosis, MADE)
    (one,) = attachments(found.sections)
    assert (one.kind, one.version, one.made) == ("diagnosis", "1.2.3", "2026-01-31T12:00:00Z")
    assert one.text == document(diagnosis, version="1.2.3", engine="compiled", exit_status=1)
    Draft202012Validator(schema()).validate(json.loads(one.text))
    assert found.notes == ()


def test_key_frames_of_reported_attempts() -> None:
    found = annotation(SAMPLES["refused"], MADE).packets
    best = SAMPLES["refused"].targets[0].findings[0]
    cause = f"SYN-RST, {best.code} {best.slug} ({best.confidence.value})"
    assert found[1] == f"synscope: SYN of attempt #1: {cause}"
    assert found[2] == f"synscope: RST of attempt #1: {cause}"


def test_what_completed_has_no_cause() -> None:
    found = annotation(SAMPLES["healthy"], MADE).packets
    assert found
    assert all(text.endswith("completed") for text in found.values())


def test_frames_are_numbered_where_they_will_move() -> None:
    diagnosis = SAMPLES["refused"]
    one = diagnosis.targets[0]
    pairs = [(one, attempt) for group in one.summary.groups for attempt in group.examples]
    text = packet_comments(pairs, diagnosis, numbered=True)[2]
    assert text.startswith(f"synscope: frame 2 of {diagnosis.capture}, RST of attempt #1")
    assert len(packet_comments(pairs * 50, diagnosis)[2].splitlines()) == 5


def test_the_snapshot_is_opaque() -> None:
    text = '{"anything": "ü€"}' + " " * 200_000
    found = annotation(SAMPLES["refused"], MADE, snapshot=text)
    assert attachments(found.sections)[1].kind == HOST_SNAPSHOT
    assert attachments(found.sections)[1].text == text


def test_too_much_is_left_out_and_said() -> None:
    diagnosis = SAMPLES["refused"]
    found = annotation(diagnosis, MADE, snapshot="x" * 2_000_000)
    assert len(attachments(found.sections)) == 1
    assert "nothing about the host" in found.notes[0]
    many = diagnosis._replace(targets=diagnosis.targets * 1_000)
    found = annotation(many, MADE, snapshot="{}")
    assert len(found.sections) <= MOST_COMMENTS
    assert all(len(one.encode()) <= LARGEST_COMMENT for one in found.sections)
    (capture,) = json.loads(attachments(found.sections)[0].text)["captures"]
    assert 0 < len(capture["targets"]) < 1_000
    assert "first of 1,000 targets" in capture["health"]["notes"][-1]
    assert "only some targets" in found.notes[0]


def _secretive() -> Diagnosis:
    diagnosis = SAMPLES["refused"]
    one = diagnosis.targets[0]
    quoting = Evidence(Source.PAYLOAD, "the server said SECRET", (2,))
    finding = one.findings[0]._replace(
        summary="SECRET", reason="SECRET", evidence=(quoting,), against=(quoting,), unknown=("SECRET",)
    )
    miss = NearMiss("proxy-request", "CONNECT SECRET", 3128, (1,))
    summary = one.summary._replace(near_misses=(miss,))
    target = one._replace(findings=(finding,), facts=one.facts._replace(summary=summary))
    command = Command(("curl",), 7, "exit status 7", ("SECRET",))
    return diagnosis._replace(targets=(target,), command=command)


def test_headers_only_quotes_nothing() -> None:
    diagnosis = _secretive()
    assert "SECRET" in "".join(annotation(diagnosis, MADE).sections)
    found = annotation(diagnosis, MADE, headers_only=True)
    assert "SECRET" not in "".join((*found.sections, *found.packets.values()))
    silent = without_payload(diagnosis)
    best = silent.targets[0].findings[0]
    assert best.code == diagnosis.targets[0].findings[0].code
    assert best.evidence[0].frames == (2,)
    assert best.confidence is not Confidence.RULED_OUT


def test_surrogates_are_no_error() -> None:
    diagnosis = SAMPLES["refused"]._replace(capture="\udcff")
    noted = diagnosis._replace(health=replace(diagnosis.health, notes=("\ud800",)))
    assert len(attachments(annotation(noted, MADE, snapshot="\ud800").sections)) == 2
