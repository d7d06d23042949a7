"""Options and arguments as getopt takes them apart, and a shell's text as commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.command.splitting import options_and_arguments, shell_commands


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-ab", "x"], [("-a", None), ("-b", None), ("", "x")]),
        (["-ao", "x", "y"], [("-a", None), ("-o", "x"), ("", "y")]),
        (["-ox", "y"], [("-o", "x"), ("", "y")]),
        (["-o=x"], [("-o", "x")]),
        (
            ["--out", "x", "--out=y", "--flag", "z"],
            [("--out", "x"), ("--out", "y"), ("--flag", None), ("", "z")],
        ),
        (["a", "--", "-o", "--out"], [("", "a"), ("", "-o"), ("", "--out")]),
        (["-", "-o"], [("", "-"), ("-o", None)]),
    ],
)
def test_parts(words: list[str], expected: list[tuple[str, str | None]]) -> None:
    assert list(options_and_arguments(words, {"-o", "--out"})) == expected


def test_long_options_with_one_dash() -> None:
    found = list(options_and_arguments(["-plaintext", "-d", "x", "-out=y"], {"-d"}, long_with_one_dash=True))
    assert found == [("-plaintext", None), ("-d", "x"), ("-out", "y")]


def test_commands() -> None:
    text = "cd /x && A=1 curl 'a b' | jq .; (nc h 1) &\nlast $X"
    assert shell_commands(text) == (
        ("cd", "/x"),
        ("A=1", "curl", "a b"),
        ("jq", "."),
        ("nc", "h", "1"),
        ("last", "$X"),
    )
    assert shell_commands("unclosed '") == ()


@given(st.text())
def test_any_text(text: str) -> None:
    shell_commands(text)
