"""What the words of a prediction weigh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.causes.cause import Prediction, Sign, Word, always, never, seldom, usually
from synscope.causes.likelihood import EXPECTING, LARGEST, LEAST_AGAINST, PROBABILITY, Factor, factor
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Label
from tests.causes.builders import facts, observe


def weighed(prediction: Prediction, told: str = "", denied: str = "") -> Factor:
    found = factor(prediction, Label.SYN_RST, facts(Label.SYN_RST, told, denied).observations)
    assert found is not None
    return found


def test_the_words_are_in_order() -> None:
    order = [PROBABILITY[word] for word in (Word.ALWAYS, Word.USUALLY, Word.SELDOM, Word.NEVER)]
    assert order == sorted(order, reverse=True)


def test_nobody_could_tell() -> None:
    known = facts(Label.SYN_RST, unknown="program-crashed").observations
    assert factor(usually("program-crashed", "listener-vanished"), Label.SYN_RST, known) is None


def test_a_rare_sign_tells_more_than_a_common_one() -> None:
    rare = weighed(usually("program-crashed"), "program-crashed").weight
    common = weighed(usually("refused-by-rst"), "refused-by-rst").weight
    assert rare > 2 > common >= 0


def test_ways_of_showing_the_same_count_once() -> None:
    both = weighed(usually("program-crashed", "listener-vanished"), "program-crashed listener-vanished")
    each = [weighed(usually(name), name).weight for name in ("program-crashed", "listener-vanished")]
    assert both.weight == max(each)
    assert {sign.name for sign in both.holding} == {"program-crashed", "listener-vanished"}


def test_a_denial_counts_for_the_part_that_was_looked_for() -> None:
    prediction = usually("program-crashed", "listener-vanished")
    part = weighed(prediction, denied="program-crashed")
    whole = weighed(prediction, denied="program-crashed listener-vanished")
    assert whole.weight < part.weight < 0
    assert whole.is_denied
    assert not part.is_denied


def test_what_it_seldom_shows_speaks_against_it_however_rare_it_is() -> None:
    assert weighed(seldom("program-crashed"), "program-crashed").weight <= -LEAST_AGAINST
    assert weighed(never("program-crashed"), "program-crashed").weight <= -LEAST_AGAINST


def test_a_sign_can_be_a_no() -> None:
    prediction = always(Sign("program-crashed", Answer.NO))
    assert weighed(prediction, denied="program-crashed").holding
    assert weighed(prediction, "program-crashed").is_denied


def test_packets_deny_nothing_behind_the_place_where_they_end() -> None:
    known = {"syn-repeated": observe("syn-repeated", Answer.NO)}
    assert factor(usually("syn-repeated"), Label.CLIENT_NEVER_SENT, known) is None
    assert factor(usually("syn-repeated"), Label.SYN_NO_REPLY, known) is not None
    seen = {"syn-repeated": observe("syn-repeated", Answer.YES)}
    assert factor(usually("syn-repeated"), Label.CLIENT_NEVER_SENT, seen) is not None
    host = {"listener-on-target": observe("listener-on-target", Answer.NO)}
    assert factor(usually("listener-on-target"), Label.CLIENT_NEVER_SENT, host) is not None


names = st.sampled_from(sorted(QUESTIONS))


@given(
    st.sampled_from(Word),
    st.lists(st.builds(Sign, names, st.sampled_from([Answer.YES, Answer.NO])), min_size=1, max_size=4),
    st.dictionaries(names, st.sampled_from(Answer)),
    st.sampled_from(Label),
)
def test_no_word_speaks_against_its_meaning(
    word: Word, signs: list[Sign], given_answers: dict[str, Answer], label: Label
) -> None:
    known = {name: observe(name, answer) for name, answer in given_answers.items()}
    found = factor(Prediction(word, tuple(signs)), label, known)
    if found is None:
        assert all(given_answers.get(sign.name) is not Answer.YES for sign in signs)
        return
    assert abs(found.weight) <= LARGEST
    speaks_for = bool(found.holding) is (word in EXPECTING)
    assert found.weight >= 0 if speaks_for else found.weight <= 0


def test_every_word_has_its_number() -> None:
    assert set(PROBABILITY) == set(Word)
    assert pytest.approx(0.75) == PROBABILITY[Word.USUALLY]
