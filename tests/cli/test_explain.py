"""``synscope explain``: several words, two formats, did-you-mean."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from synscope.cli.main import cli


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["explain", *arguments])


@pytest.mark.parametrize(
    ("arguments", "about", "said"),
    [
        (["SYN101"], "cause", "service-not-running"),
        (["firewall-drop"], "cause", "SYN122"),
        (["SYN-RST"], "label", "answered by an RST"),
        (["client-vanished"], "outcome", "half-open"),
        (["listener"], "stage", "ss -ltnp 'sport = :PORT'"),
        (["OUT"], "stage", "firewall-drop"),
        (["ECONNREFUSED"], "error", "SYN101"),
        (["[Errno", "111]", "Connection", "refused"], "error", "ECONNREFUSED"),
        (["curl:", "(7)", "Failed to connect to localhost port 62893"], "error", "-p 62893"),
        (["ERR_UNSAFE_PORT"], "error", "SYN142"),
        (["-111", "ECONNREFUSED"], "error", "Linux 111"),
        (["619009"], "port", "29185"),
        (["8080"], "port", "registered"),
    ],
)
def test_explains(arguments: list[str], about: str, said: str) -> None:
    found = explain(*arguments)
    assert found.exit_code == 0, found.output
    assert said in " ".join(found.stdout.split())
    record = json.loads(explain(*arguments, "--format", "json").stdout)
    assert (record["about"], record["query"]) == (about, " ".join(arguments))


def test_unknown_is_a_usage_error_with_suggestions() -> None:
    found = explain("ECONNREFUSD")
    assert found.exit_code == 2
    assert "Did you mean ECONNREFUSED" in found.stderr
    assert "synscope causes" in found.stderr
    assert explain("x" * 500).stderr.count("x") < 100


def test_without_a_question_there_is_help() -> None:
    found = explain()
    assert found.exit_code == 2
    assert "synscope explain 619009" in found.output


def test_colour_on_request() -> None:
    runner = CliRunner()
    assert "\x1b[" in runner.invoke(cli, ["explain", "SYN101", "--color", "always"], color=True).stdout
    assert "\x1b[" not in runner.invoke(cli, ["explain", "SYN101"], color=True).stdout
