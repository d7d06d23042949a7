"""The server's own connects, tied to its clients by time and by their end."""

from __future__ import annotations

import pytest

from synscope.evidence.kernel.observe import observe_kernel
from synscope.model import Answer, Attempt, Endpoint, Observation, Target
from synscope.probes.kernel.events import OwnConnect, OwnConnects, Task
from tests.evidence import builders
from tests.evidence.builders import MS, START, Outcome, times
from tests.evidence.kernel.events import PORT, US, WHOLE

FAR = Endpoint("127.0.0.1", 3000)
NGINX = Task(813, "nginx")
REFUSED = OwnConnect(
    NGINX,
    812,
    FAR,
    START + 2 * MS,
    Endpoint("127.0.0.1", 40_000),
    START + 2 * MS + 30 * US,
    refused=True,
    elsewhere=False,
)
PENDING = OwnConnect(NGINX, 812, FAR, START + 2 * MS, elsewhere=False)
ANSWERED = builders.attempt(Outcome.STILL_OPEN, port=PORT, times=times(client_data=MS, server_data=3 * MS))
MUTE = builders.attempt(
    Outcome.SERVER_SILENT, port=PORT, times=times(client_data=MS, client_fin=2000 * MS, end=2000 * MS)
)
HUNG_UP = builders.attempt(
    Outcome.RESET_BY_SERVER_EARLY,
    port=PORT,
    times=times(client_data=MS, end=3 * MS),
    events=frozenset({"server-rst-before-data", "server-rst"}),
)


def observed(
    attempt: Attempt, *made: OwnConnect, untold: str = "", inside: frozenset[str] = frozenset()
) -> dict[str, Observation]:
    own = OwnConnects(made, START - 1000 * MS, untold, inside)
    found = observe_kernel(Target(str(PORT), PORT), builders.grouped([attempt]), [], WHOLE, own=own)
    return {each.name: each for each in found}


FAILED, HERE, WAITS = (
    "kernel-saw-own-connect-fail",
    "kernel-saw-own-connect-fail-here",
    "server-waits-for-upstream",
)


@pytest.mark.parametrize("attempt", [ANSWERED, HUNG_UP])
def test_an_end_that_follows_upon_a_refusal(attempt: Attempt) -> None:
    found = observed(attempt, REFUSED)
    assert found[FAILED].answer is found[HERE].answer is Answer.YES
    assert found[FAILED].text.startswith(
        "the server's nginx (812) connected to 127.0.0.1:3000: refused, says the kernel"
    )
    assert found[FAILED].about == ("127.0.0.1:3000", "SYN-RST", "nginx (812)")


@pytest.mark.parametrize(
    "other",
    [
        REFUSED._replace(began_ns=START - 5 * MS, settled_ns=START - 4 * MS),  # before the client came
        REFUSED._replace(began_ns=START + 4 * MS, settled_ns=START + 5 * MS),  # after its answer
        REFUSED._replace(established=True),
        REFUSED._replace(settled_ns=None),
    ],
)
def test_others_are_no_reason(other: OwnConnect) -> None:
    assert observed(ANSWERED, other)[FAILED].answer is Answer.NO
    assert observed(MUTE, REFUSED)[FAILED].answer is Answer.NO


def test_an_answer_long_after_it() -> None:
    late = ANSWERED._replace(times=times(client_data=MS, server_data=500 * MS))
    assert observed(late, REFUSED)[FAILED].answer is Answer.NO


def test_a_pooler_that_tries_again_until_it_gives_up_on_its_client() -> None:
    """Its first words, PostgreSQL's log-in, are no answer; the last refusal lies a second before its error."""
    login = ANSWERED._replace(
        server_payload=b"R\0\0\0\x08\0\0\0\0", times=times(client_data=MS, server_data=2 * MS, end=2000 * MS)
    )
    again = REFUSED._replace(began_ns=START + 1000 * MS, settled_ns=START + 1001 * MS)
    assert observed(login, REFUSED, again)[FAILED].answer is Answer.YES
    assert observed(login, REFUSED)[FAILED].answer is Answer.NO
    taken = again._replace(refused=False, established=True)
    assert observed(login, REFUSED, again, taken)[FAILED].answer is Answer.NO
    asked = login._replace(server_payload=b"N", client_payload=b"\0\0\0\x08\x04\xd2\x16\x2f")
    assert observed(asked, REFUSED, again)[FAILED].answer is Answer.YES


def test_what_it_does_without_a_client_too_says_nothing() -> None:
    habit = REFUSED._replace(began_ns=START - 50 * MS, settled_ns=START - 50 * MS)
    assert observed(ANSWERED, habit, REFUSED)[FAILED].answer is Answer.UNKNOWN
    assert observed(MUTE, PENDING._replace(began_ns=START - 50 * MS), PENDING)[WAITS].answer is Answer.UNKNOWN


def test_a_connect_that_hangs_as_long_as_the_client_waits() -> None:
    found = observed(MUTE, PENDING)[WAITS]
    assert found.answer is Answer.YES
    assert "no answer for 2 s, says the kernel" in found.text
    ended = PENDING._replace(settled_ns=START + 500 * MS)
    assert observed(MUTE, ended)[WAITS].answer is Answer.UNKNOWN
    assert observed(MUTE, PENDING._replace(began_ns=START + 900 * MS))[WAITS].answer is Answer.UNKNOWN
    assert observed(ANSWERED, PENDING)[WAITS].answer is Answer.UNKNOWN


def test_a_relay_that_got_through() -> None:
    taken = REFUSED._replace(refused=False, established=True)
    assert observed(HUNG_UP, taken)["relay-got-through"].answer is Answer.YES
    assert observed(HUNG_UP, taken, REFUSED)["relay-got-through"].answer is Answer.NO
    assert observed(HUNG_UP, REFUSED)["relay-got-through"].answer is Answer.NO
    assert observed(HUNG_UP, taken, untold="lost")["relay-got-through"].answer is Answer.UNKNOWN


def test_a_relay_to_the_same_port_of_a_container() -> None:
    """It is a leg of its own where the address is another."""
    published = REFUSED._replace(server=Endpoint("172.17.0.2", PORT), elsewhere=False)
    assert observed(HUNG_UP, published)[FAILED].answer is Answer.YES
    assert observed(MUTE, PENDING._replace(server=MUTE.server))[WAITS].answer is Answer.UNKNOWN


def test_a_client_that_the_server_started_is_no_leg() -> None:
    """It tries the port at the other family's loopback address as well."""
    other = REFUSED._replace(server=Endpoint("::1", PORT))
    assert observed(HUNG_UP, other)[FAILED].answer is Answer.NO
    assert observed(HUNG_UP, other._replace(elsewhere=True))[FAILED].answer is Answer.YES


def test_a_relay_whose_sockets_are_in_another_network() -> None:
    """It connects to the target's own address there, and is refused while the target takes connections here."""
    assert observed(HUNG_UP, REFUSED._replace(server=HUNG_UP.server))[FAILED].answer is Answer.YES


def test_what_could_not_be_followed_is_not_told() -> None:
    assert observed(ANSWERED, REFUSED, untold="lost")[FAILED].answer is Answer.UNKNOWN


def test_a_relay_by_what_it_does() -> None:
    silent = MUTE._replace(times=times(client_fin=2000 * MS, end=2000 * MS))
    relay = PENDING._replace(task=Task(5, "thing"), pid=5)
    assert observed(silent, relay)["forwarder-owns-port"].answer is Answer.YES
    assert observed(MUTE, relay)["forwarder-owns-port"].answer is Answer.UNKNOWN
    inside = frozenset({FAR.address})
    assert observed(silent, relay, inside=inside)["container-publishes-port"].answer is Answer.YES
    assert observed(MUTE, relay, inside=inside)["container-publishes-port"].answer is Answer.UNKNOWN
    elsewhere = relay._replace(elsewhere=True)
    assert observed(MUTE, elsewhere)["container-publishes-port"].answer is Answer.YES
    assert observed(HUNG_UP, REFUSED._replace(elsewhere=True))[HERE].answer is Answer.NO
