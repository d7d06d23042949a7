"""What happened before: only what has to do with the target is said of it."""

from __future__ import annotations

import pytest

from synscope.model import Answer
from synscope.probes.host.snapshot import Before, Incident, Untold
from tests.evidence.host.builders import NOW, PORT, SERVER, listener, observed, process, snapshot

S = 1_000_000_000
UNIT = Incident("unit", "api.service", "exit status 3", NOW - 9 * S, ports=(PORT,), lasted_s=1)
KILLED = Incident("killed for memory", "python3", "its cgroup was out of memory", NOW - S, pid=SERVER.pid)
CRASH = Incident("crash", "python3", "segmentation fault", NOW - S, pid=SERVER.pid)
LATER = {"taken_ns": NOW + S}


def before(*incidents: Incident, unasked: tuple[str, ...] = ()) -> Before:
    return Before(incidents, unasked)


def test_a_unit_that_ends_in_its_start_up() -> None:
    found = observed(snapshot(before=before(UNIT)))
    assert found["service-ended-at-start"].answer is Answer.YES
    said = "the unit api.service ended after 1 s: exit status 3, 9 s before the last look"
    assert found["service-ended-at-start"].text == said
    assert found["service-ended"].answer is Answer.NO


def test_a_container_that_had_run() -> None:
    ended = UNIT._replace(kind="container", name="web", lasted_s=60)
    found = observed(snapshot(before=before(ended)))
    assert found["service-ended"].answer is Answer.YES
    assert found["service-ended-at-start"].answer is Answer.NO


@pytest.mark.parametrize("other", [UNIT._replace(ports=(81,)), UNIT._replace(ports=())])
def test_another_unit_says_nothing(other: Incident) -> None:
    found = observed(snapshot(before=before(other)))
    assert found["service-ended-at-start"].answer is Answer.NO
    served = observed(snapshot(listener(), before=before(UNIT)))
    assert served["service-ended-at-start"].answer is Answer.NO


@pytest.mark.parametrize(
    ("incident", "name"), [(KILLED, "server-killed-for-memory"), (CRASH, "server-process-crashed")]
)
def test_who_had_the_port(incident: Incident, name: str) -> None:
    first, last = snapshot(listener(), before=before()), snapshot(before=before(incident), **LATER)
    assert observed(first, last)[name].answer is Answer.YES
    # Nobody knows that it was the server.
    assert observed(snapshot(before=before(incident)))[name].answer is Answer.UNKNOWN
    child = process(99, "listener", ancestors=(SERVER.pid, 1))
    first = snapshot(listener(), before=before(), processes=(process(), child))
    assert observed(first, last)[name].answer is Answer.YES
    assert (
        observed(first, snapshot(before=before(incident._replace(pid=99)), **LATER))[name].answer
        is Answer.YES
    )
    assert (
        observed(first, snapshot(before=before(incident._replace(pid=98)), **LATER))[name].answer
        is not Answer.YES
    )


def test_a_cgroup_in_which_more_were_killed() -> None:
    count = Incident("killed for memory", "/system.slice/api", "2 so far in this cgroup", pid=SERVER.pid)
    first = snapshot(listener(), before=before(count))
    same = observed(first, snapshot(listener(), before=before(count), **LATER))
    assert same["server-killed-for-memory"].answer is Answer.NO
    more = count._replace(text="3 so far in this cgroup")
    risen = observed(first, snapshot(listener(), before=before(more), **LATER))
    assert risen["server-killed-for-memory"].answer is Answer.YES


def test_who_could_not_be_asked() -> None:
    found = observed(snapshot(before=before(unasked=("docker ps did not answer within 0.3 s",))))
    assert found["service-ended-at-start"].answer is Answer.UNKNOWN
    assert "docker ps" in found["service-ended-at-start"].text
    assert observed(snapshot(before=Untold("no time")))["service-ended"].answer is Answer.UNKNOWN
