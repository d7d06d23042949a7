"""The greeting as ``synscope run`` and ``doctor`` make it: in whose network, how often, what is told."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.targets import parse
from tests.kernel import need
from tests.live import program
from tests.live.program import Done, python

pytestmark = pytest.mark.usefixtures("kernel")

PORT = 8443
HERE = f"127.0.0.1:{PORT}"
SERVER = f"""
import socket, sys
with socket.create_server(("127.0.0.1", {PORT})) as server:
    print("ready", flush=True)
    while True:
        made, _ = server.accept()
        with made:
            first = made.recv(4096)
            with open(sys.argv[1], "ab") as heard:
                heard.write(first[:3] + b"\\n")
            if first[:1] == b"\\x16":
                made.sendall(bytes.fromhex("15030100020246"))
"""
"""It answers TLS with an alert and hangs up on everything else."""
CLIENT = f"""
import socket
with socket.create_connection(("127.0.0.1", {PORT})) as made:
    made.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    raise SystemExit(not made.recv(100))
"""
THRICE = f"for n in 1 2 3; do {' '.join(python('0')[:1])} -c '{CLIENT}'; done; false"
GREETED = [b"GET", b"\x16\x03\x01", b"OPT"]


def ready(stack: contextlib.ExitStack, heard: Path) -> None:
    """Serve in the calling thread's namespace."""
    server = stack.enter_context(program.started(python(SERVER, str(heard)), stderr=subprocess.STDOUT))
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"


RUN = ("run", "-p", HERE, "--format", "json")
WAYS = {
    "run": (*RUN, "--save", "SAVED", "--", "sh", "-c", THRICE),
    "no-greeting": (*RUN, "--no-greeting", "--", *python(CLIENT)),
    "doctor": ("doctor", f"http://{HERE}/", "--probe", "--format", "json", "--output", "REPORT"),
    "netns": (*RUN, "--netns", "NAME", "--", "ip", "netns", "exec", "NAME", *python(CLIENT)),
}
SAID = {
    "run": [b"GET"] * 2 + GREETED,
    "no-greeting": [b"GET"],
    "doctor": [b"HEA", *GREETED[1:]],
    "netns": GREETED,
    "isolated": GREETED,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Done, Path]]:
    """One way after the other, for each looks at the host in bounded time, in a namespace of its own."""
    folder = tmp_path_factory.mktemp("greeting")
    with contextlib.ExitStack() as stack:
        ended = {}
        for way, words in WAYS.items():
            name = stack.enter_context(program.namespace(inside=False))
            here = {"NAME": name, "SAVED": str(folder / "saved.pcapng"), "REPORT": str(folder / way)}
            with program.inside(name):
                ready(stack, folder / f"{way}.heard")
            outside = contextlib.nullcontext() if way == "netns" else program.inside(name)
            with outside:
                command = program.arguments(*(here.get(word, word) for word in words))
                ended[way] = program.finish(stack.enter_context(program.started(command)))
        served = " ".join(
            f"'{word}'" for word in python(SERVER.replace("'", '"'), str(folder / "isolated.heard"))
        )
        command = program.arguments(*RUN, "--isolated", "--server", served, "--", *python(CLIENT))
        ended["isolated"] = program.finish(stack.enter_context(program.started(command)))
        return {way: (each, folder) for way, each in ended.items()}


@pytest.mark.parametrize("way", SAID)
def test_what_the_server_hears_and_the_report_has(way: str, done: dict[str, tuple[Done, Path]]) -> None:
    need(None if Path("/usr/sbin/ip").exists() or Path("/sbin/ip").exists() else "iproute2")
    ended, folder = done[way]
    assert (folder / f"{way}.heard").read_bytes().split(b"\n")[:-1] == SAID[way], ended.err
    written = (folder / way).read_text() if way == "doctor" else ended.err[ended.err.index("{") :]
    report = program.of_document(written)
    asked = [said for said in SAID[way] if said in {b"GET", b"HEA"}]
    assert len(report.attempts) == len(asked), "no frame of ours is an attempt"
    notes = [note for note in report.health["notes"] if "greeted" in note]
    if len(asked) == len(SAID[way]):
        assert notes == []
        return
    (note,) = notes
    assert note.startswith(
        f"synscope greeted {HERE} once more, where the client had spoken HTTP/1: TLS: TLS alert"
    )
    assert report.best == "protocol-mismatch"
    # Certain only where the kernel told that nobody else had wanted the port.
    assert report.findings[0]["confidence"] == (
        "certain" if way == "run" else report.findings[0]["confidence"]
    )
    assert report.findings[0]["title"] == f"Port {PORT} speaks TLS, and the client something else"


def test_what_is_saved_has_the_attempts_alone(done: dict[str, tuple[Done, Path]]) -> None:
    _, folder = done["run"]
    (target,) = analyze(str(folder / "saved.pcapng"), [parse(HERE)]).targets
    assert sum(target.summary.counts.values()) == 3
