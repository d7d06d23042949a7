"""What a shell is offered: what fits, quickly, and never a word that a shell would act on."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete
from hypothesis import given
from hypothesis import strategies as st

from synscope.causes.catalogue import CATALOGUE
from synscope.cli import candidates
from synscope.cli.main import COMPLETION_VARIABLE, cli
from synscope.model import Label
from synscope.report.escape import visible

_CONTEXT = click.Context(cli)
_PARAMETER = click.Argument(["x"])


def offered(*words: str) -> list[str]:
    """What is offered for the last of ``words``."""
    complete = BashComplete(cli, {}, "synscope", COMPLETION_VARIABLE)
    return [
        f"<{item.type}>" if item.type != "plain" else item.value
        for item in complete.get_completions(list(words[:-1]), words[-1])
    ]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "synscope.toml"
    path.write_text('[ports]\nweb = 62893\napi = "localhost:8080"\n')
    monkeypatch.setenv("SYNSCOPE_CONFIG", str(path))
    return path


def test_commands() -> None:
    assert offered("") == sorted(cli.commands)
    assert offered("an") == ["analyze", "annotate"]


def test_options_and_choices() -> None:
    assert "--until-failure" in offered("live", "--unt")
    assert offered("analyze", "--format", "js") == ["json", "jsonl"]
    assert offered("run", "--exit-code", "") == ["both", "command", "diagnosis"]
    assert offered("completion", "") == ["bash", "zsh", "fish"]
    assert offered("help", "sn") == ["snapshot"]


@pytest.mark.parametrize(
    "words",
    [
        ("analyze", ""),
        ("analyze", "--snapshot", "x"),
        ("annotate", "in.pcap", ""),
        ("live", "--save", ""),
        ("live", "--output", ""),
        ("run", "-p", "1", "--", "x"),
        ("--config", ""),
    ],
)
def test_files_are_left_to_the_shell(words: tuple[str, ...]) -> None:
    assert offered(*words) == ["<file>"]


def test_explain() -> None:
    everything = offered("explain", "")
    assert {cause.code for cause in CATALOGUE} | {cause.slug for cause in CATALOGUE} <= {
        *everything,
        *offered("explain", "SYN"),
        *(word for cause in CATALOGUE for word in offered("explain", cause.slug)),
    }
    assert offered("explain", "syn101") == ["SYN101"]
    assert {label.value for label in Label} <= {
        word for label in Label for word in offered("explain", label.value)
    }


@pytest.mark.parametrize(
    "words", [("analyze", "-p", "w"), ("live", "--port", "w"), ("doctor", "w"), ("snapshot", "-p", "W")]
)
@pytest.mark.usefixtures("config")
def test_named_ports(words: tuple[str, ...]) -> None:
    assert offered(*words) == ["web"]


def test_a_broken_file_offers_no_names(config: Path) -> None:
    config.write_text("broken")
    assert offered("analyze", "-p", "w") == []
    assert offered("analyze", "--format", "cs") == ["csv"]


def test_a_file_named_on_the_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text("[ports]\nother = 1")
    assert offered("--config", str(path), "analyze", "-p", "o") == ["other"]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the tables of sockets are Linux's")
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_listening_ports(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as server:
        server.bind((address, 0))
        port = server.getsockname()[1]
        assert port not in candidates.listening()
        server.listen()
        assert port in candidates.listening()
        assert str(port) in offered("doctor", str(port)[:3])


def test_tables_that_are_cut_or_absent_offer_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "tcp"
    table.write_text(
        "  sl  local\n   0: 0100007F:1F90 00000000:0000 0A 0\n   1: 0100007F:1F91 0000\n   2: 01"
    )
    monkeypatch.setattr(candidates, "_TABLES", (str(table), str(tmp_path / "absent")))
    assert candidates.listening() == (8080,)


def test_interfaces_and_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0.100"), (3, "$(reboot)")])
    assert offered("live", "-i", "") == ["any", "lo", "eth0.100"]
    for name in ("web", "a b", "`id`", "-rf", "x\x1b[2J"):
        (tmp_path / name).touch()
    monkeypatch.setattr(candidates, "_NAMESPACES", str(tmp_path))
    assert offered("run", "--netns", "") == ["web"]
    monkeypatch.setattr(candidates, "_NAMESPACES", str(tmp_path / "absent"))
    assert offered("run", "--netns", "") == []


@given(st.lists(st.text(max_size=20), max_size=5), st.text(max_size=20))
def test_no_name_of_the_system_can_make_a_shell_act(names: list[str], text: str) -> None:
    items = candidates._items([(name, text) for name in names], "")
    for item in items:
        assert re.fullmatch(r"[\w.@+-]+", item.value, re.ASCII)
        assert item.value[0] not in "-+@."
        assert visible(item.help or "") == (item.help or "")
        for shell, lines in ((BashComplete, 1), (FishComplete, 1), (ZshComplete, 3)):
            formatted = shell(cli, {}, "synscope", COMPLETION_VARIABLE).format_completion(item)
            assert len(formatted.split("\n")) == lines
            assert "\x1b" not in formatted
    assert {item.value for item in items} <= set(names)


def test_files_are_offered_as_the_word_so_far() -> None:
    (item,) = candidates.files(_CONTEXT, _PARAMETER, "fix")
    assert isinstance(item, CompletionItem)
    assert (item.type, item.value) == ("file", "fix")
