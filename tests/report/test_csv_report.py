"""A row an attempt, for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.model import Attempt, Endpoint, EndProcess, EndProcesses, ProcessSource
from synscope.report import csv_report
from synscope.report.escape import visible
from synscope.report.writer import ReportSettings

from .hostile import texts
from .samples import answered, half_open, icmp, refused, unanswered

ATTEMPTS = {
    "refused": refused(3),
    "icmp": icmp(),
    "answered": answered(7),
    "silent": unanswered(),
    "half": half_open(),
}
FORMULA = tuple("=+-@\t\r＝＋－＠")


REPORT = csv_report.CsvReport(ReportSettings(listed="all"))


def rows(*lines: str) -> list[dict[str, str]]:
    text = REPORT.begin() + "".join(lines)
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def row(one: Attempt, capture: str = "refused.pcap") -> dict[str, str]:
    (found,) = rows(REPORT.attempt(capture, one))
    return found


def test_columns_are_a_promise() -> None:
    assert REPORT.begin() == (
        "capture,id,client_address,client_port,server_address,server_port,first_ts_ns,first_utc,label,outcome,"
        "recovered,syn_count,syn_ack_count,client_bytes,server_bytes,frame_first,frame_syn,frame_syn_ack,frame_ack,"
        "frame_rst,frame_icmp,frame_client_data,frame_server_data,frame_fin,ts_ns_last_syn,ts_ns_answer,"
        "ts_ns_client_data,ts_ns_server_data,ts_ns_end,ts_ns_client_fin,reset_from_server,reset_window,"
        "reset_checksum,icmp_version,icmp_type,icmp_code,icmp_sender,display_filter,client_pid,client_process,"
        "client_uid,client_container,client_unit,client_process_source,server_pid,server_process,server_uid,"
        "server_container,server_unit,server_process_source\n"
    )


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")
    assert [name for name in csv_report.COLUMNS if f"`{name}`" not in page] == []


def test_a_refused_attempt() -> None:
    found = row(refused(3, address="::1"))
    assert found["client_address"] == "::1"
    assert (found["client_port"], found["server_port"]) == ("40003", "62893")
    assert (found["label"], found["outcome"], found["recovered"]) == ("SYN-RST", "refused", "false")
    assert (found["frame_syn"], found["frame_rst"], found["frame_ack"]) == ("5", "6", "")
    assert (found["first_ts_ns"], found["first_utc"]) == ("1700000000000000000", "2023-11-14T22:13:20Z")
    assert (found["reset_from_server"], found["reset_checksum"]) == ("true", "correct")
    assert found["display_filter"] == "frame.number in {5, 6}"


def test_an_icmp_error() -> None:
    found = row(icmp())
    assert [found[f"icmp_{name}"] for name in ("version", "type", "code", "sender")] == [
        "4",
        "3",
        "3",
        "127.0.0.1",
    ]
    assert found["reset_from_server"] == ""


@pytest.mark.parametrize("name", ATTEMPTS)
def test_numbers_come_back(name: str) -> None:
    one = ATTEMPTS[name]
    found = row(one)
    for prefix, numbers in (("frame_", one.frames), ("ts_ns_", one.times)):
        for field, value in numbers._asdict().items():
            if (prefix, field) != ("ts_ns_", "first"):
                assert found[prefix + field] == ("" if value is None else str(value))
    assert Endpoint(found["server_address"], int(found["server_port"])) == one.server


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-", "'-"),
        ("@SUM", "'@SUM"),
        ("\tx", "'\\x09x"),
        ("\rx", "'\\x0dx"),
        ("＝1", "'＝1"),
        ("'quoted", "''quoted"),
        ("a=b", "a=b"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(text: str, shown: str) -> None:
    assert csv_report.cell(text) == shown


def test_the_processes_at_both_ends() -> None:
    client = EndProcess(4711, "=curl", 1000, None, "cron.service", ProcessSource.KERNEL)
    found = row(refused()._replace(process=EndProcesses(client)))
    assert (found["client_pid"], found["client_process"], found["client_uid"]) == ("4711", "'=curl", "1000")
    assert (found["client_container"], found["client_unit"]) == ("", "cron.service")
    assert found["client_process_source"] == "kernel"
    assert {found[name] for name in csv_report.COLUMNS if name.startswith("server_p")} - {"62893"} == {""}


@given(texts)
def test_any_text_comes_back_as_it_shows(text: str) -> None:
    found = row(refused(), capture=text)["capture"]
    assert not found.startswith(FORMULA)
    assert found.removeprefix("'") == visible(text).removeprefix("'") or found == "'" + visible(text)
    assert len(REPORT.attempt(text, refused()).splitlines()) == 1


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_time_has_a_row(ts_ns: int) -> None:
    assert row(refused()._replace(first_ts_ns=ts_ns))["first_ts_ns"] == str(ts_ns)
