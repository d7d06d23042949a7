"""Whether the names that a client uses lead to the target: with a command, without one, and where it got to."""

from __future__ import annotations

import pytest

from synscope.evidence.host.observe import observe_host
from synscope.evidence.host.view import Use
from synscope.model import Answer, Observation
from synscope.probes.host.snapshot import HostsLine, Loopback, Names, Resolved, Untold
from synscope.targets import parse
from tests.evidence.host.builders import PORT, listener, snapshot

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
NAMES = Names(
    (
        Resolved("localhost", ("127.0.0.1",)),
        Resolved("gone", (), "Name or service not known"),
        Resolved("slow", (), late=True),
        Resolved("web", ("192.0.2.7",)),
        Resolved("both", ("192.0.2.7", "127.0.0.1")),
        Resolved("six", ("::1",)),
    ),
    (HostsLine(3, "192.0.2.7", ("web",)),),
)
HERE = f"127.0.0.1:{PORT}"


def observed(use: Use | None, target: str = HERE, names: Names | Untold = NAMES) -> dict[str, Observation]:
    found = observe_host(parse(target), [snapshot(names=names)], environment_known=True, use=use)
    return {observation.name: observation for observation in found}


def wrong(*hosts: str, target: str = HERE, names: Names | Untold = NAMES) -> Observation:
    return observed(Use(hosts), target, names)["localhost-resolves-wrong"]


@pytest.mark.parametrize(
    ("hosts", "answer", "text"),
    [
        (
            ("gone",),
            YES,
            "gone, which the command uses, does not resolve: Name or service not known; no line",
        ),
        (("web",), YES, "resolves to 192.0.2.7, not to 127.0.0.1; hosts file, line 3: 192.0.2.7 web"),
        (("six",), YES, "six, which the command uses, resolves to ::1, not to 127.0.0.1"),
        (("both",), NO, "resolves to 192.0.2.7, 127.0.0.1"),
        (("localhost",), NO, "resolves to 127.0.0.1"),
        (("127.0.0.1",), NO, "the command uses the address 127.0.0.1"),
        (("10.0.0.5",), NO, "the command uses the address 10.0.0.5"),
        (("slow",), UNKNOWN, "not resolved in time"),
        (("unasked",), UNKNOWN, "not resolved in time"),
        (("gone", "web"), YES, "does not resolve"),
        (("gone", "localhost"), UNKNOWN, "does not resolve"),
        (("gone", "127.0.0.1"), UNKNOWN, "does not resolve"),
        ((), UNKNOWN, "which host the command uses is not known"),
    ],
)
def test_names_that_a_command_uses_for_an_address(hosts: tuple[str, ...], answer: Answer, text: str) -> None:
    seen = wrong(*hosts)
    assert (seen.answer, text in seen.text) == (answer, True), seen.text


@pytest.mark.parametrize(
    ("hosts", "answer"),
    [
        (("gone",), YES),
        (("web",), UNKNOWN),
        (("six",), NO),
        (("localhost",), NO),
        (("127.0.0.1",), NO),
        ((), UNKNOWN),
    ],
)
def test_names_that_a_command_uses_for_a_bare_port(hosts: tuple[str, ...], answer: Answer) -> None:
    assert wrong(*hosts, target=str(PORT)).answer is answer


def test_localhost_that_leads_elsewhere_is_wrong_for_a_bare_port_whatever_the_command_uses() -> None:
    names = Names((Resolved("localhost", ("192.0.2.7",)),), ())
    assert wrong("localhost", target=str(PORT), names=names).answer is YES
    assert wrong(target=str(PORT), names=names).answer is YES
    assert wrong("127.0.0.1", target=str(PORT), names=names).answer is NO


def test_a_target_that_is_a_name_is_judged_by_that_name_and_by_another_that_the_command_uses() -> None:
    assert wrong("localhost", target=f"localhost:{PORT}").answer is NO
    assert wrong(target=f"localhost:{PORT}").answer is NO
    assert wrong("gone", target=f"localhost:{PORT}").answer is YES
    assert wrong("localhost", "gone", target=f"localhost:{PORT}").answer is NO
    assert wrong("localhost", target=f"gone:{PORT}").answer is YES


def test_without_a_command_an_address_needs_no_name() -> None:
    assert observed(None)["localhost-resolves-wrong"].answer is NO
    assert wrong("gone", names=Untold("the reason")).answer is UNKNOWN


@pytest.mark.parametrize(
    ("hosts", "tried", "target", "answer"),
    [
        (("web",), {"192.0.2.7": False}, HERE, YES),
        (("web",), {"192.0.2.7": True}, HERE, NO),
        (("web",), {"192.0.2.8": False}, HERE, UNKNOWN),
        (("web",), {}, HERE, UNKNOWN),
        (("gone",), {"192.0.2.7": False}, HERE, UNKNOWN),
        (("six",), {"::1": False}, HERE, YES),
        (("six",), {"::1": False}, str(PORT), UNKNOWN),
        (("localhost",), {"127.0.0.1": False}, HERE, UNKNOWN),
        ((), {"192.0.2.7": False}, HERE, UNKNOWN),
        (("web",), {"192.0.2.7": False}, f"localhost:{PORT}", UNKNOWN),
        (("web",), {"192.0.2.7": False}, f"web:{PORT}", UNKNOWN),
    ],
)
def test_a_connect_to_where_the_name_leads(
    hosts: tuple[str, ...], tried: dict[str, bool], target: str, answer: Answer
) -> None:
    assert observed(Use(hosts, tried), target)["went-where-name-leads"].answer is answer


def test_a_connect_to_where_localhost_leads() -> None:
    names = Names((Resolved("localhost", ("192.0.2.7",)),), ())
    seen = observed(Use((), {"192.0.2.7": False}), f"localhost:{PORT}", names)["went-where-name-leads"]
    assert (seen.answer, f"192.0.2.7:{PORT} failed" in seen.text) == (YES, True)


@pytest.mark.parametrize(
    ("target", "own", "served", "answer"),
    [
        (f"web:{PORT}", (), True, YES),
        (f"web:{PORT}", ("192.0.2.7",), True, NO),
        (f"web:{PORT}", (), False, NO),
        (f"both:{PORT}", (), True, NO),
        (f"slow:{PORT}", (), True, UNKNOWN),
        (f"localhost:{PORT}", (), True, NO),
        (f"192.0.2.7:{PORT}", (), True, NO),
        (f"web:{PORT}", None, True, UNKNOWN),
    ],
)
def test_a_name_of_another_machine_where_the_service_is_here(
    target: str, own: tuple[str, ...] | None, answer: Answer, *, served: bool
) -> None:
    loopback = Loopback(
        "lo", True, ("127.0.0.1",), route_ipv4="local dev lo", route_ipv6="local dev lo", others=own
    )
    looked = snapshot(*((listener(),) if served else ()), names=NAMES, loopback=loopback)
    seen = {one.name: one for one in observe_host(parse(target), [looked], environment_known=True)}
    assert seen["name-leads-to-another-machine"].answer is answer
