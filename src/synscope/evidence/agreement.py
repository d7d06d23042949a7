"""Which of several observations of one question stands.

Input: what all observers said about one target, in any order. Output: one observation for each question.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from synscope.evidence.vocabulary import QUESTIONS
from synscope.evidence.vocabulary_table import OBSERVERS
from synscope.model import Answer, Observation, Source

_DIRECT: Final = {(asked.name, asked.source): asked.direct for asked in OBSERVERS}
_ORDER: Final = (Source.REQUEST, Source.KERNEL, Source.HOST, Source.PACKETS, Source.PAYLOAD)
_BELIED: Final = tuple((asked.name, asked.belied_by) for asked in OBSERVERS if asked.belied_by)


class Withdrawal(Observation):
    """Takes back what ``source`` says of a question: its answer would be about this program and not about a client.

    The answer is ``UNKNOWN``, and ``text`` says why.
    """

    __slots__ = ()


def settled(observations: Iterable[Observation]) -> dict[str, Observation]:
    """Return the observation of each question that stands, by the question's name.

    Of several, in this order:

    1. A ``Withdrawal`` voids all that its own source says of the question, and stands in its place.
    2. An answer that was told goes before *could not tell*.
    3. A direct witness goes before an indirect one. Who answers a question that another room declares, as a connect
       of our own answers one about packets, met the connection itself and is direct.
    4. The request goes before the kernel, then the host, the packets, the first bytes.
    5. Of one source the earlier observation goes first. Of several that could not tell, the last one's reason stands:
       it was asked because the others could not.

    A *yes* that another question's *yes* belies (``Question.belied_by``) becomes *could not tell*: something was not
    seen or not understood.
    """
    heard: dict[str, list[Observation]] = {}
    for observation in observations:
        heard.setdefault(observation.name, []).append(observation)
    found = {name: _standing(several) for name, several in heard.items()}
    for name, other in _BELIED:
        belied, witness = found.get(name), found.get(other)
        if belied is not None and witness is not None and belied.answer is witness.answer is Answer.YES:
            found[name] = belied._replace(answer=Answer.UNKNOWN, text=f"{belied.text}, but {witness.text}")
    return found


def _standing(several: list[Observation]) -> Observation:
    if len(several) == 1:
        return several[0]
    void = {observation.source for observation in several if isinstance(observation, Withdrawal)}
    valid = [
        observation
        for observation in several
        if isinstance(observation, Withdrawal) or observation.source not in void
    ]
    told = [observation for observation in valid if observation.answer is not Answer.UNKNOWN]
    return min(told, key=_place) if told else valid[-1]


def _place(observation: Observation) -> tuple[bool, int]:
    """Return where an observation goes among those that were told; of equal ones the earlier is first."""
    direct = _DIRECT.get((observation.name, observation.source), observation.name in QUESTIONS)
    return (not direct, _ORDER.index(observation.source))
