"""The fields that programs rely on."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from synscope.model import CaptureHealth, Evidence, Kind, Source, Target
from synscope.report import json_records

from .samples import HEALTH, SAMPLES, START, icmp, out_of_range, refused


def test_attempt_has_the_fields_of_the_contract() -> None:
    record = json_records.attempt("dir/refused.pcap", refused(3, address="::1"))
    assert record["type"] == "attempt"
    assert record["capture"] == "dir/refused.pcap"
    assert record["id"] == 3
    assert record["client"] == {"address": "::1", "port": 40003}
    assert record["server"] == {"address": "::1", "port": 62893}
    assert record["first_ts_ns"] == START
    assert (record["label"], record["outcome"], record["syn_count"]) == ("SYN-RST", "refused", 1)
    assert record["frames"] == {"first": 5, "syn": 5, "rst": 6}, "absent frames are left out"


def test_icmp_error_is_told() -> None:
    record = json_records.attempt("x", icmp())
    assert record["icmp"] == {"version": 4, "type": 3, "code": 3, "sender": "127.0.0.1"}
    assert "reset" not in record


def test_target_counts_by_label() -> None:
    (one,) = SAMPLES["refused-often"].targets
    record = json_records.target("x", one)
    assert record["label"] == "SYN-RST"
    assert record["counts"] == {"SYN-no-reply": 150, "SYN-RST": 1200, "half-open": 150}
    assert record["outcomes"] == {"client-vanished": 150, "refused": 1200, "unanswered": 150}
    assert "claim" not in record
    assert "near_misses" not in record


def test_claim_and_near_misses_only_with_client_never_sent() -> None:
    record = json_records.target("x", out_of_range())
    assert (record["target"], record["port"]) == ("localhost:619009", 619009)
    assert record["claim"] == "file"
    assert record["near_misses"] == [
        {
            "kind": "wrapped-port",
            "text": "a SYN went to 29185, which is 619009 modulo 65536",
            "port": 29185,
            "frames": [1, 7],
        }
    ]


def test_finding_has_the_fields_of_the_contract() -> None:
    (one,) = SAMPLES["refused"].targets
    record = json_records.finding("x", one.summary.target, one.findings[0])
    assert {"code", "slug", "kind", "confidence", "title", "evidence", "checks", "fixes"} <= set(record)
    assert isinstance(record["checks"], list)
    assert set(record["checks"][0]) == {"os", "command", "expect", "then"}  # type: ignore[arg-type]


def test_the_request_counts_as_packets() -> None:
    best = out_of_range().findings[0]
    evidence = Evidence(Source.REQUEST, "619009 is larger than 65535")
    record = json_records.finding("x", Target("619009", 619009), best._replace(evidence=(evidence,)))
    assert record["evidence"] == [{"source": "packets", "text": "619009 is larger than 65535", "frames": []}]


def test_health_says_where_a_capture_is_cut() -> None:
    record = json_records.health("cut.pcap", SAMPLES["cut"].health)
    assert (record["frames"], record["truncated"], record["linktypes"]) == (17, True, ["EN10MB"])
    assert record["undecoded"] == {"ARP": 10, "IP header cut by the snap length": 1, "UDP": 2}
    assert record["cut"] == {
        "offset": 1234,
        "frame": 17,
        "reason": "the record says 74 bytes and 12 are left",
    }
    assert "error" not in record


def test_health_says_why_a_capture_could_not_be_read() -> None:
    record = json_records.health("x", CaptureHealth(frames=0, error="no such file"))
    assert (record["error"], record["frames"], record["truncated"]) == ("no such file", 0, False)
    assert "cut" not in record


def test_conclusions_come_in_order() -> None:
    kinds = [str(record["type"]) for record in json_records.conclusions(SAMPLES["many-ports"])]
    assert kinds[0] == "target"
    assert kinds[-1] == "health"
    assert kinds == sorted(kinds, key=["target", "finding", "health"].index)


@given(st.text(st.characters(), max_size=40))
def test_a_line_is_one_line_of_valid_utf8(text: str) -> None:
    health = dataclasses.replace(HEALTH, undecoded={text: 1}, notes=(text,), error=text)
    line = json_records.line(json_records.health(text, health))
    assert line.isascii()
    assert line.isprintable()
    json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "strict")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_the_capture_is_named_exactly_as_given(path: str) -> None:
    assert json.loads(json_records.line(json_records.health(path, HEALTH)))["capture"] == path


def test_kinds_are_spelled_as_published() -> None:
    assert [kind.value for kind in Kind] == ["failure", "warning", "note"]
