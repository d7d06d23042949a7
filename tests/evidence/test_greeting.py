"""What is concluded from a greeting of our own, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.evidence.greeting import QUESTIONS, End, Greeted, Try, observe_greeting, speaks_otherwise
from synscope.evidence.payload.recognise import recognise
from synscope.model import Answer, Endpoint, Observation

MS = 1_000_000
SERVER = Endpoint("127.0.0.1", 8443)
OTHERWISE, ANSWERED, SILENCE, HUNG_UP, LINE = (asked.question.name for asked in QUESTIONS)
ALERT = bytes.fromhex("15030100020246")
SETTINGS = bytes.fromhex("000000040000000000")


def http(status: int, reason: str = "x") -> bytes:
    return f"HTTP/1.1 {status} {reason}\r\n\r\n".encode()


def tried(spoke: str, came: End | bytes, took_ms: int = 500) -> Try:
    return (
        Try(spoke, came, took_ms * MS)
        if isinstance(came, End)
        else Try(spoke, End.ANSWERED, took_ms * MS, came)
    )


def answers(client: str, *tries: Try) -> dict[str, Answer]:
    return {each.name: each.answer for each in seen(Greeted(SERVER, client, tries, ""))}


def seen(greeted: Greeted) -> list[Observation]:
    return observe_greeting(greeted)


@pytest.mark.parametrize("again", [End.CLOSED, End.RESET, End.CLOSED_IN_TURN, End.SILENT])
def test_an_answer_in_another_protocol_and_none_in_the_clients_is_a_fact(again: End) -> None:
    found = answers("HTTP/1", tried("TLS", ALERT), tried("HTTP/1", again))
    assert found == {
        OTHERWISE: Answer.YES,
        ANSWERED: Answer.NO,
        SILENCE: Answer.NO,
        HUNG_UP: Answer.NO,
        LINE: Answer.NO,
    }


@pytest.mark.parametrize(
    "again",
    [(), (tried("HTTP/1", End.UNMADE),), (tried("HTTP/1", End.SILENT, 100),), (tried("HTTP/1", b"what?"),)],
)
def test_without_the_clients_own_protocol_once_more_it_is_none(again: tuple[Try, ...]) -> None:
    assert answers("HTTP/1", tried("TLS", ALERT), *again)[OTHERWISE] is Answer.UNKNOWN


@pytest.mark.parametrize("answer", [http(200), http(400), http(501)])
def test_a_port_that_speaks_both(answer: bytes) -> None:
    found = answers("HTTP/1", tried("HTTP/2", SETTINGS), tried("HTTP/1", answer))
    assert (found[OTHERWISE], found[ANSWERED]) == (Answer.NO, Answer.YES)


@pytest.mark.parametrize(
    ("status", "sure"),
    [(200, True), (204, True), (404, True), (405, True), (501, True)]
    + [(status, False) for status in (301, 308, 400, 403, 421, 426, 497, 500, 503)],
)
@pytest.mark.parametrize("client", ["TLS", "HTTP/2"])
def test_errors_that_servers_of_tls_give_too_prove_nothing(client: str, status: int, sure: bool) -> None:  # noqa: FBT001
    assert speaks_otherwise(client, recognise(http(status))) is sure
    found = answers(client, tried("HTTP/1", http(status)), tried(client, End.CLOSED))
    assert found[OTHERWISE] is (Answer.YES if sure else Answer.UNKNOWN)


def test_a_hint_at_tls_is_an_answer_to_its_client() -> None:
    hint = http(404, "Client sent an HTTP request to an HTTPS server.")
    assert answers("TLS", tried("HTTP/1", hint), tried("TLS", End.CLOSED))[OTHERWISE] is Answer.NO


def test_silence_is_one_only_where_nothing_moved() -> None:
    silent = tried("TLS", End.SILENT)
    assert answers("HTTP/1", silent, tried("HTTP/2", End.SILENT))[SILENCE] is Answer.YES
    assert answers("HTTP/1", silent, tried("HTTP/2", End.CLOSED_IN_TURN))[SILENCE] is Answer.NO
    assert answers("HTTP/1", silent, tried("HTTP/2", End.UNMADE))[SILENCE] is Answer.UNKNOWN
    assert answers("HTTP/1", tried("TLS", End.SILENT, 100))[SILENCE] is Answer.UNKNOWN


@pytest.mark.parametrize(
    "greeted", [Greeted(), Greeted(SERVER, "TLS", (tried("HTTP/1", End.UNMADE),), ""), Greeted(because="no")]
)
def test_nothing_follows_where_nobody_was_met(greeted: Greeted) -> None:
    assert {each.answer for each in seen(greeted)} == {Answer.UNKNOWN}
    assert bool(greeted.note) is bool(greeted.tries)


@given(st.lists(st.tuples(st.sampled_from(["TLS", "HTTP/1", "HTTP/2"]), st.binary(max_size=80)), max_size=3))
def test_no_word_of_the_server_is_quoted(came: list[tuple[str, bytes]]) -> None:
    marked = [(spoke, b"zq\x1b" + data) for spoke, data in came]
    greeted = Greeted(SERVER, "HTTP/1", tuple(tried(spoke, data) for spoke, data in marked), "")
    for text in (greeted.note, *(each.text for each in seen(greeted))):
        assert "zq" not in text
        assert text.isprintable()
        assert len(text) < 400


@pytest.mark.parametrize(
    ("came", "answer"), [(http(200), Answer.YES), (b"\x15\x03\x03", Answer.NO), (End.CLOSED, Answer.NO)]
)
def test_an_answer_behind_the_line_of_the_proxy_protocol(came: End | bytes, answer: Answer) -> None:
    hung_up = tuple(tried(spoke, End.CLOSED) for spoke in ("TLS", "HTTP/2"))
    greeted = Greeted(SERVER, "HTTP/1", hung_up, "", tried("HTTP/1", came)._replace(after_line=True))
    found = {each.name: each.answer for each in seen(greeted)}
    assert (found[LINE], found[ANSWERED], found[HUNG_UP]) == (answer, Answer.NO, Answer.YES)
    assert "HTTP/1 after the PROXY protocol's line" in greeted.note
