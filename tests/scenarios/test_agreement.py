"""``run``, ``live``, ``doctor`` and ``analyze`` of one failure: who knows more says more, never the opposite.

The command is played once. ``run`` watches and saves it, ``live`` watches beside and ends by itself, ``analyze`` has
the saved files, and ``doctor`` examines the port in the same state.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("namespaces are Linux's", allow_module_level=True)

from synscope.causes.catalogue import by_slug
from tests.scenarios.play import SOURCE, Answer, of_json
from tests.scenarios.scenario import CURL, Scenario, chosen
from tests.scenarios.silent import chain
from tests.scenarios.stage import Stage, missing, stage

LIVE_S = 4
LONGEST_S = 30
URL = "http://127.0.0.1:8080/"
COMPLETED, REFUSED, SILENT, NEVER = "completed", "SYN-RST", "SYN-no-reply", "client-never-sent"
HTTP = ("http 127.0.0.1 8080",)


def kind(name: str, cause: str, label: str, **fields: Any) -> Scenario:
    """Return a scenario whose target is a URL, as all of these have it."""
    target = fields.pop("target", URL)
    return Scenario(name, cause, label, f"{CURL} {fields.pop('flags', '')} {target}", target, **fields)


SCENARIOS = (
    kind("works", "", COMPLETED, serve=HTTP),
    kind("works at the second address", "", COMPLETED, target="http://localhost:8080/", serve=HTTP),
    kind("nobody listens", "service-not-running", REFUSED),
    kind("listens at another address", "wrong-bind-address", REFUSED, serve=("http 127.0.0.2 8080",)),
    kind(
        "listens in the other family", "address-family-mismatch", REFUSED, serve=("http ::1 8080 --v6only",)
    ),
    kind(
        "dropped on its way in",
        "firewall-drop",
        SILENT,
        serve=HTTP,
        setup=(chain("input", "tcp dport 8080 drop"),),
    ),
    kind(
        "dropped on its way out",
        "firewall-drop",
        NEVER,
        serve=HTTP,
        setup=(chain("output", "tcp dport 8080 drop"),),
    ),
    kind(
        "rejected with a reset",
        "firewall-reject",
        REFUSED,
        serve=HTTP,
        setup=(chain("input", "tcp dport 8080 reject with tcp reset"),),
    ),
    kind(
        "rejected with ICMP",
        "firewall-reject",
        SILENT,
        serve=HTTP,
        setup=(chain("input", "tcp dport 8080 reject"),),
    ),
    kind("signed TCP wanted", "tcp-md5-wanted", SILENT, serve=("http 127.0.0.1 8080 --key-for 127.0.0.1",)),
    kind("stopped", "server-hung", COMPLETED, serve=HTTP, then=("kill -STOP $S1",)),
    kind("hangs up", "application-error", COMPLETED, serve=("close 127.0.0.1 8080",)),
    kind("resets", "application-error", COMPLETED, serve=("reset 127.0.0.1 8080",)),
    kind("fails", "application-error", COMPLETED, flags="-f", serve=("http 127.0.0.1 8080 --status 500",)),
    kind(
        "speaks SMTP",
        "protocol-mismatch",
        COMPLETED,
        serve=(r"greet 127.0.0.1 8080 --text '220 mail ESMTP\r\n'",),
    ),
    kind(
        "speaks TLS", "protocol-mismatch", COMPLETED, target="https://127.0.0.1:8080/", flags="-k", serve=HTTP
    ),
    kind("crashes while it answers", "crashed-after-bind", COMPLETED, serve=("crash 127.0.0.1 8080",)),
    kind(
        "answers are dropped",
        "firewall-drop",
        COMPLETED,
        serve=HTTP,
        setup=(chain("output", "tcp sport 8080 tcp flags & psh == psh drop"),),
    ),
    kind(
        "no way there",
        "route-leads-away",
        NEVER,
        serve=HTTP,
        setup=(
            "ip rule add pref 1 lookup local; ip rule del pref 0; ip rule add pref 0 to 127.0.0.1 prohibit",
        ),
    ),
    kind("loopback is down", "loopback-down", NEVER, then=("ip link set lo down",)),
    Scenario(
        "listens later",
        "startup-race",
        REFUSED,
        f"(sleep .5; exec $SERVER http 127.0.0.1 8080) >/dev/null 2>&1 & {CURL} --retry 4 --retry-delay 1"
        f" --retry-connrefused {URL}",
        URL,
    ),
    kind(
        "the source port is taken",
        "source-port-in-use",
        NEVER,
        flags="--local-port 40040",
        serve=("http 127.0.0.1 8080", "idle 127.0.0.1 40040"),
    ),
)

QUICK = frozenset(
    {
        *("works", "nobody listens", "hangs up", "loopback is down"),
    }
)
"""Those that are played with all other tests; with ``SYNSCOPE_LONG=1`` every one is."""
CHANGED = frozenset({"crashes while it answers", "listens later", "the source port is taken"})
"""Of these the doctor meets another state, or is another client than the one that failed."""
GOT_OVER = frozenset({"listens later"})
"""The command ended well in the end, and only who watched the command knows that."""


@dataclass(frozen=True)
class Said:
    """What one command said of the target."""

    by: str
    answer: Answer
    outcomes: frozenset[str]


def said(by: str, report: Path) -> Said:
    """Read a report of one target."""
    document = json.loads(report.read_text(encoding="utf-8"))
    target = document["captures"][0]["targets"][0]
    return Said(by, of_json(document), frozenset(target["outcomes"]))


def synscope(here: Stage, report: Path, *words: str) -> list[str]:
    """Return a command line whose report goes to a file."""
    command, *rest = words
    return here.inside(
        sys.executable, "-m", "synscope", command, "--format", "json", "--output", str(report), *rest
    )  # fmt: skip


def run_of_all(scenario: Scenario) -> list[Said]:
    """Play it, and return what each command says."""
    with stage(scenario) as here:
        environment = here.environment({"PYTHONPATH": str(SOURCE), **scenario.environment})
        reports = {
            name: here.directory / f"{name}.json"
            for name in ("run", "live", "doctor", "run-file", "live-file")
        }
        files = {name: here.directory / f"{name}.pcapng" for name in ("run", "live")}

        def end(command: Sequence[str]) -> None:
            subprocess.run(command, check=False, capture_output=True, timeout=LONGEST_S, env=environment)

        beside = subprocess.Popen(
            synscope(
                here, reports["live"], "live", "-p", scenario.target, "--duration", str(LIVE_S),
                "--save", str(files["live"]),
            ),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        try:
            _await(files["live"])
            end(
                synscope(
                    here, reports["run"], "run", "-p", scenario.target, "--save", str(files["run"]),
                    "--", "bash", "-c", scenario.client,
                )
            )  # fmt: skip
            beside.wait(LONGEST_S)
        finally:
            beside.kill()
            beside.wait()
        for name, file in files.items():
            command = (sys.executable, "-m", "synscope", "analyze", "--format", "json", "-p", scenario.target)
            with reports[f"{name}-file"].open("wb") as report:
                subprocess.run(
                    (*command, str(file)), check=False, stdout=report, timeout=LONGEST_S, env=environment
                )
        end(synscope(here, reports["doctor"], "doctor", "--probe", scenario.target))
        return [said(name, report) for name, report in reports.items()]


def _await(file: Path) -> None:
    """Wait until a capture has begun: its file is there."""
    until = time.monotonic() + LONGEST_S
    while not (file.exists() and file.stat().st_size):
        assert time.monotonic() < until, f"{file.name} did not appear"
        time.sleep(0.02)


def opposite(one: Said, other: Said) -> set[str]:
    """Return the causes that one is certain of and the other rules out."""
    return set(one.answer.certain) & set(other.answer.out)


@pytest.mark.parametrize("scenario", chosen(SCENARIOS, QUICK), ids=lambda scenario: scenario.name)
@pytest.mark.usefixtures("kernel")
def test_all_commands_agree(scenario: Scenario) -> None:
    if program := missing(("tcpdump", "nft", "ip", "curl")):
        pytest.skip(f"needs {program}")
    every = run_of_all(scenario)
    run, live, doctor, *files = every
    told = "\n".join(map(str, every))
    if scenario.name in CHANGED:
        every.remove(doctor)
    elif scenario.label != COMPLETED:
        assert doctor.outcomes == run.outcomes, told
    assert {each.answer.label for each in every} == {scenario.label}, told
    assert {each.outcomes for each in (live, *files)} == {run.outcomes}, told
    for one, other in itertools.permutations(every, 2):
        assert not opposite(one, other), told
    if scenario.name in GOT_OVER:
        assert not run.answer.slugs, told
        every.remove(run)
    for each in every:
        assert bool(each.answer.slugs) is bool(scenario.cause), told
        assert not scenario.cause or scenario.cause not in each.answer.out, told
        assert set(each.answer.certain) <= {*scenario.right, *general(scenario)}, told
    if scenario.cause and scenario.name not in GOT_OVER:
        assert run.answer.slugs[0] == scenario.cause, told


def general(scenario: Scenario) -> tuple[str, ...]:
    """Return the more general causes that are true at the same time."""
    return by_slug[scenario.cause].refines if scenario.cause else ()
