"""What ``--since``, ``--until`` and ``--host`` take, and what reaches the analysis of it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from synscope import selection
from synscope.cli.main import cli
from synscope.cli.selection_options import HostType, MomentType
from synscope.selection import Selection


def selected(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Selection:
    """What ``analyze`` is asked to select."""
    found: list[Selection] = []

    def analyze(_capture: str, *_: object, selection: Selection, **_others: object) -> None:
        found.append(selection)
        raise KeyboardInterrupt

    monkeypatch.setattr("synscope.analysis.analyze", analyze)
    CliRunner().invoke(cli, ["analyze", "x.pcap", *arguments])
    return found[0]


def test_nothing_is_left_out_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert selected(monkeypatch) == Selection(None, None, frozenset())


def test_what_is_typed_is_what_is_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = ("127.0.0.1", "::1")
    words = ("--since", "+1s", "--until", "-2s", *(word for host in hosts for word in ("--host", host)))
    assert selected(monkeypatch, *words) == Selection(
        selection.moment("+1s"), selection.moment("-2s"), frozenset(map(selection.host, hosts))
    )


def test_a_converted_moment_stays_what_it_is() -> None:
    moment = selection.moment("+1s")
    assert MomentType().convert(moment, None, None) is moment
    assert HostType().convert("::1", None, None) == selection.host("::1")


@pytest.mark.parametrize(
    ("option", "said"), [("--since", "is no time"), ("--until", "is no time"), ("--host", "is no IP address")]
)
def test_selections_that_mean_nothing(option: str, said: str) -> None:
    found = CliRunner().invoke(cli, ["analyze", "x.pcap", option, "soon"])
    assert found.exit_code == 2
    assert said in found.stderr
