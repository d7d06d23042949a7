"""The most specific fact is the headline, with the words of the server and of the client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.causes.catalogue import CATALOGUE, by_slug
from synscope.causes.cause import Cause
from synscope.causes.placeholders import Placeholders
from synscope.causes.wording import LONGEST_HEADLINE, MOST_QUOTED, Words, words_of
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Observation

WHERE = Placeholders("6379", "localhost", "127.0.0.1", "6379")


def told(slug: str, **texts: str) -> Words:
    """The words for a cause where these questions have the answer yes, with these texts."""
    observations = {
        name: Observation(name, Answer.YES, QUESTIONS[name].source, text)
        for name, text in ((name.replace("_", "-"), text) for name, text in texts.items())
    }
    return words_of(by_slug[slug], observations, WHERE)


def last_word(words: str) -> str:
    return f"the server said \u201c{words}\u201d, and that was all"


DENIED = "DENIED Redis is running in protected mode because protected mode is enabled"


def test_the_server_s_words_are_the_headline_and_what_they_ask_for_is_the_first_fix() -> None:
    found = told("application-error", service_error=last_word(DENIED))
    assert found.title == f"The service on port 6379 says: \u201c{DENIED}\u201d"
    assert "requirepass" in found.fixes[0]
    assert "has no password" in found.summary
    assert DENIED not in found.summary, "it is said once"


@pytest.mark.parametrize(
    ("slug", "name", "words", "remedy"),
    [
        ("service-limit", "service_full", "Exceeded MaxStartups", "MaxStartups"),
        ("service-limit", "limit_named", "ERR max number of clients reached", "maxclients"),
        ("service-loading", "service_starting", "LOADING Redis is loading the dataset in memory", "PONG"),
        (
            "application-error",
            "service_error",
            "FATAL 28000 no pg_hba.conf entry for host \u2026",
            "Add a line",
        ),
    ],
)
def test_limits_and_loading_too(slug: str, name: str, words: str, remedy: str) -> None:
    found = told(slug, **{name: last_word(words)})
    assert words in found.title
    assert remedy in found.fixes[0]


def test_without_words_the_title_stays() -> None:
    assert told("application-error").title == "The service on port 6379 answers with an error or hangs up"
    assert told("service-loading", service_starting="no quote").title == by_slug[
        "service-loading"
    ].title.replace("{port}", "6379")


def test_another_cause_passes_the_service_s_last_words_on() -> None:
    found = told("container-mapping", service_error=last_word(DENIED), container_publishes_port="a forwarder")
    assert DENIED in found.summary


def test_who_usually_has_the_port_is_the_headline() -> None:
    text = "the AirPlay receiver has port 5000 and answered HTTP 403 Forbidden from AirTunes/1"
    found = told("application-error", usual_owner_answered=f"{text} (in 2 of 2 connections looked at)")
    assert found.title == "The AirPlay receiver has port 5000 and answered HTTP 403 Forbidden from AirTunes/1"
    assert "switch the receiver off" in found.fixes[0]


def test_a_shared_port_is_the_headline() -> None:
    found = told("server-hung", port_sharer_stopped="a and b share 127.0.0.1:8000 \u2026")
    assert found.title == "Two processes share port 6379, and one of them is stopped"


def test_a_text_that_is_too_long_is_no_headline() -> None:
    found = told("application-error", http_server_error="x" * (LONGEST_HEADLINE + 1))
    assert found.title == "The service on port 6379 answers with an error or hangs up"


@given(
    st.sampled_from(CATALOGUE),
    st.text(max_size=600) | st.text(max_size=600).map(last_word),
)
def test_any_words_make_a_bounded_headline_on_one_line(cause: Cause, text: str) -> None:
    observations = {
        name: Observation(name, Answer.YES, QUESTIONS[name].source, text)
        for name, _ in (*cause.headlines, *cause.says)
    }
    found = words_of(cause, observations, WHERE)
    assert "\n" not in found.title
    assert len(found.title) <= LONGEST_HEADLINE + 60
    assert len(found.summary) <= 2 * MOST_QUOTED + 800


def test_what_a_stranger_wrote_has_no_placeholders() -> None:
    found = told("application-error", service_error=last_word("ERR {port} {observed} {quoted}"))
    assert "ERR {port} {observed} {quoted}" in found.title
