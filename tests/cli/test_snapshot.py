"""``synscope snapshot``, and what ``synscope analyze --snapshot`` makes of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from synscope.cli.main import cli
from synscope.probes.host.snapshot import Firewall, Probe, Ruling, Setting, Untold, Variable, Verdict
from synscope.probes.host.snapshot_json import from_json, to_json
from tests.evidence.host import builders
from tests.live import program
from tests.session.kernel import SOME_USER, need_root

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = str(FIXTURES / "refused.pcap")
PORT = 62893
NS = 1_000_000_000
NO_RULE = Firewall(("nft",), tuple(Ruling("127.0.0.1", PORT, packet, Verdict.ACCEPT) for packet in Probe))


def run(*arguments: str, **variables: str | None) -> Result:
    return CliRunner().invoke(cli, list(arguments), env=variables)


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def capture_began() -> int:
    report = json.loads(run("analyze", REFUSED, "--format", "json").stdout)
    return int(report["captures"][0]["health"]["first_ts_ns"])


def written(path: Path, taken_ns: int = NS, **more: object) -> str:
    healthy = builders.snapshot(**{"ports": (PORT,), "taken_ns": taken_ns, **more})
    path.write_text(to_json(healthy), encoding="ascii")
    return str(path)


def test_what_is_written_can_be_read(port: int) -> None:
    result = run("snapshot", "-p", str(port), http_proxy="http://me:secret@proxy:3128")
    assert result.exit_code == 0, result.output
    assert "secret" not in result.output
    found = from_json(result.stdout)
    assert found.ports == (port,)
    assert not isinstance(found.sockets, Untold)
    assert any(one.port == port for one in found.sockets.listeners)
    assert found.proxy == (Variable("http_proxy", "http://***@proxy:3128"),)


def test_command_lines_only_on_demand(port: int) -> None:
    need_root()  # else the owner of the socket is this process anyway, but not on every system
    hidden = from_json(run("snapshot", "-p", str(port)).stdout).processes
    shown = from_json(run("snapshot", "-p", str(port), "--command-lines").stdout).processes
    assert not isinstance(hidden, Untold)
    assert not isinstance(shown, Untold)
    assert [one.command for one in hidden if one.pid == os.getpid()] == [""]
    assert "python" in next(one.command for one in shown if one.pid == os.getpid())


def test_the_environment_that_sudo_leaves_is_not_the_clients() -> None:
    stripped = {name: None for name in os.environ if "_proxy" in name.lower()}
    found = from_json(run("snapshot", SUDO_UID="1000", **stripped).stdout)
    assert isinstance(found.proxy, Untold)
    kept = from_json(run("snapshot", SUDO_UID="1000", **{**stripped, "no_proxy": "localhost"}).stdout)
    assert kept.proxy == (Variable("no_proxy", "localhost"),)


def test_a_file_of_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    result = run("snapshot", "--output", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert from_json(path.read_text(encoding="ascii")).ports == ()


def test_for_people(port: int) -> None:
    result = run("snapshot", "-p", str(port), "--format", "terminal")
    assert result.exit_code == 0
    for word in ("Listeners", "Firewall", "Names", "Proxy", "Loopback", "Limits", "Processes", "Containers"):
        assert f"\n {word}" in result.stdout, word
    assert f"127.0.0.1:{port}" in result.stdout


def test_a_user_is_told_what_is_missing() -> None:
    need_root()
    with program.started(
        program.arguments("snapshot", "-p", "62893"),
        user=SOME_USER,
        group=SOME_USER,
        extra_groups=(),
        cwd="/",
        stdin=subprocess.DEVNULL,
    ) as process:
        done = program.finish(process)
    assert done.status == 0, done.err
    assert not from_json(done.out).privileged
    assert "synscope: not in the snapshot: " in done.err
    assert "synscope: root sees more: sudo synscope snapshot -p 62893\n" in done.err


def test_no_password_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    real = subprocess.Popen.__init__

    def watched(self: object, command: object, *more: object, **others: object) -> None:
        started.append(command)
        real(self, command, *more, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(subprocess.Popen, "__init__", watched)
    run("snapshot", "-p", "80")
    assert not [one for one in started if "sudo" in str(one)]


# -- beside a capture --------------------------------------------------------------------------------------


def test_a_snapshot_decides(tmp_path: Path) -> None:
    command = ("analyze", REFUSED, "-p", str(PORT), "--format", "json")
    host = written(tmp_path / "host.json", capture_began() + 2 * NS, firewall=NO_RULE)
    result = run(*command, "--snapshot", host)
    assert result.exit_code == 1
    (alone,) = json.loads(run(*command).stdout)["captures"]
    (beside,) = json.loads(result.stdout)["captures"]
    assert (alone["findings"][0]["code"], alone["findings"][0]["confidence"]) == ("SYN101", "likely")
    assert (beside["findings"][0]["code"], beside["findings"][0]["confidence"]) == ("SYN101", "certain")
    texts = [one["text"] for one in beside["findings"][0]["evidence"]]
    assert f"nothing listens on 127.0.0.1:{PORT} (says {host})" in texts
    assert beside["health"]["notes"] == [
        f"the host as {host} has it, taken 2 s after the capture's last frame on Linux 6.18 with root's rights: "
        "the claim of whoever made that file"
    ]


@pytest.mark.parametrize(
    ("offset", "words"),
    [(-3 * NS, "3 s before the capture's first frame"), (0, "during the capture")],
)
def test_when_it_was_taken(offset: int, words: str, tmp_path: Path) -> None:
    host = written(tmp_path / "h", capture_began() + offset)
    report = json.loads(run("analyze", REFUSED, "--snapshot", host, "--format", "json").stdout)
    assert words in report["captures"][0]["health"]["notes"][-1]


def test_before_and_after_in_order_of_time(tmp_path: Path) -> None:
    began = capture_began()
    listener = builders.listener(port=PORT)
    with_it = builders.sockets(listener)
    late = written(tmp_path / "late", began + NS, sockets=with_it)
    early = written(tmp_path / "early", began - NS)
    command = ("analyze", REFUSED, "-p", str(PORT), "--format", "json")
    report = json.loads(run(*command, "--snapshot", late, "--snapshot", early).stdout)
    findings = report["captures"][0]["findings"]
    texts = [one["text"] for finding in findings for one in finding["evidence"]]
    assert findings[0]["slug"] == "startup-race", [finding["slug"] for finding in findings]
    assert any(f"(says {early}, {late})" in text for text in texts)


def test_the_environment_is_known_only_where_it_was_recorded(tmp_path: Path) -> None:
    command = ("analyze", REFUSED, "-p", "http://app.test:8081/", "--format", "json")
    proxied = (Variable("http_proxy", "http://127.0.0.1:3128"),)
    for proxy, expected in ((proxied, True), (Untold("not known"), False)):
        host = written(tmp_path / "h", NS, proxy=proxy, ports=(8081,))
        assert ("127.0.0.1:3128" in run(*command, "--snapshot", host).stdout) is expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[]", "snapshot is not an object"),
        ('{"version": 2}', "version 2 of host snapshots is unknown"),
        ('{"version": 1}', "snapshot lacks the field"),
    ],
)
def test_a_bad_file(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="ascii")
    result = run("analyze", REFUSED, "--snapshot", str(path))
    assert result.exit_code == 2
    assert f"--snapshot {path}: " in result.output
    assert words in result.output


def test_the_wrong_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    fields = json.loads(to_json(builders.snapshot()))
    fields["loopback"]["up"] = "yes"
    path.write_text(json.dumps(fields), encoding="ascii")
    assert (
        "snapshot.loopback.up is not true or false" in run("analyze", REFUSED, "--snapshot", str(path)).output
    )


def test_a_missing_file(tmp_path: Path) -> None:
    result = run("analyze", REFUSED, "--snapshot", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "No such file" in result.output


EVIL = "\x1b]0;owned\x07\x1b[2J\r\u202e\u200b"


def test_a_hostile_snapshot_cannot_steer_a_terminal(tmp_path: Path) -> None:
    owner = builders.Owner(1, EVIL, EVIL)
    host = written(
        tmp_path / "evil.json",
        system=EVIL,
        sockets=builders.sockets(builders.listener(address="::1", port=PORT, owners=(owner,), user=EVIL)),
        proxy=(Variable(EVIL, EVIL),),
        limits=Untold(EVIL),
        counters=(Setting(EVIL, 1),),
    )
    result = run("analyze", REFUSED, "-p", str(PORT), "--snapshot", host, "-v")
    assert result.exit_code == 1
    assert "owned" in result.stdout
    for character in EVIL:
        if not character.isprintable():
            assert character not in result.stdout, ascii(character)
