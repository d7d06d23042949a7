"""A question and the function that answers it are one thing.

``question`` is the decorator that makes them one: it attaches a ``Question`` to the function and returns the
function. A room (``packets``, ``host``, ``command``, ``kernel``, the request) collects the questions of its modules
with ``collected`` and asks them; ``rooms`` is the collection of all rooms, and ``vocabulary`` knows the questions
without those who answer them. There is no registry: a question that no room collects does not exist.

The function takes its room's view of one target and returns a ``Reply``. The same room's views and the replies
are pure data, so that asking twice gives the same answer.

``stage``, ``if_yes`` and ``if_no`` say what an answer means for the path of the connection (``model.Stage``); they
speak of a stage and never of a cause. A question about no stage (a port's role, a remark) has none.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple, TypeVar

from synscope.evidence.by_hand import ByHand
from synscope.model import Answer, Observation, Source, Stage

_ATTACHED: Final = "question"


class Reply(NamedTuple):
    """The answer to one question, why, and the frames that show it."""

    answer: Answer
    text: str
    frames: tuple[int, ...] = ()
    about: tuple[str, ...] = ()
    """Names that the answer found, for programs."""


def yes(text: str, frames: Iterable[int] = (), about: Iterable[str] = ()) -> Reply:
    """Return the answer yes; ``frames`` show it, and ``about`` are the names that it found."""
    return Reply(Answer.YES, text, tuple(frames), tuple(about))


def no(text: str, frames: Iterable[int] = ()) -> Reply:
    """Return the answer no."""
    return Reply(Answer.NO, text, tuple(frames))


def unknown(because: str, frames: Iterable[int] = ()) -> Reply:
    """Return the answer 'could not tell' with its reason."""
    return Reply(Answer.UNKNOWN, because, tuple(frames))


class Says(enum.StrEnum):
    """What an answer says of the question's stage."""

    PASSED = "passed"
    STOPPED = "stopped"
    """Stopped here, or no further than here."""
    TOOK_LONG = "took long"


class OwnConnect(enum.Enum):
    """What a connect of this program's own, without a client and without a capture, does to a question."""

    SHOWS = enum.auto()
    """Its result is an answer."""
    FAKES = enum.auto()
    """Its close without a word looks like a client's: where it was the only client, nothing is known."""


class Question(NamedTuple):
    """One thing that can be known about a target, and from which source."""

    name: str
    source: Source
    meaning: str
    """What *yes* says, as a clause: 'the server answered the SYN with an RST'."""
    stage: Stage | None = None
    if_yes: Says | None = None
    """What *yes* says of the stage, ``None`` for nothing."""
    if_no: Says | None = None
    direct: bool = False
    """Whether the witness met this very connection: the kernel's word on this segment, a look-up for this address."""
    by_hand: tuple[ByHand, ...] = ()
    """How a person asks it, at most once a system."""
    always: bool = False
    """Whether it is asked although the room's ground is missing: a port that is none, a trace that was not on."""
    own_connect: OwnConnect | None = None
    errors: frozenset[str] = frozenset()
    """Rows of the error table by which a program that prints one of them, or meets it, says yes."""
    belied_by: str = ""
    """Another question of which a *yes* shows that a *yes* to this one did not see everything."""
    is_second: bool = False
    """Whether another room declares the question and this is one more observer of it."""

    def observed(self, reply: Reply) -> Observation:
        """Return a reply to this question as an observation."""
        return Observation(self.name, reply.answer, self.source, reply.text, reply.frames, reply.about)


class Asked(NamedTuple):
    """A question, and the function that answers it."""

    question: Question
    answer: Callable[..., Reply]
    """Takes the view of the room that asks."""


Observer = TypeVar("Observer", bound=Callable[..., Reply])


def question(  # noqa: PLR0913 - one parameter for each thing that is known about a question
    name: str,
    source: Source,
    meaning: str,
    *,
    stage: Stage | None = None,
    if_yes: Says | None = None,
    if_no: Says | None = None,
    direct: bool = False,
    by_hand: tuple[ByHand, ...] = (),
    always: bool = False,
    own_connect: OwnConnect | None = None,
    errors: frozenset[str] = frozenset(),
    belied_by: str = "",
) -> Callable[[Observer], Observer]:
    """Declare that the decorated function answers this question; see ``Question`` for the parameters."""

    def declare(answer: Observer) -> Observer:
        return _attach(
            answer,
            Question(
                name,
                source,
                meaning,
                stage,
                if_yes,
                if_no,
                direct,
                by_hand,
                always,
                own_connect,
                errors,
                belied_by,
            ),
        )

    return declare


def second_observer(
    of: Callable[..., Reply], source: Source, *, direct: bool = False
) -> Callable[[Observer], Observer]:
    """Declare that the decorated function answers the question of ``of`` too, from another source."""

    def declare(answer: Observer) -> Observer:
        declared = question_of(of)
        again = declared._replace(source=source, direct=direct, by_hand=(), is_second=True)
        return _attach(answer, again)

    return declare


def _attach(answer: Observer, declared: Question) -> Observer:
    vars(answer)[_ATTACHED] = declared
    return answer


def question_of(answer: Callable[..., Any]) -> Question:
    """Return the question that a function answers. Raises ``AttributeError`` where it answers none."""
    found = getattr(answer, _ATTACHED)
    assert isinstance(found, Question)  # noqa: S101 - only ``question`` attaches one
    return found


def collected(*modules: ModuleType) -> tuple[Asked, ...]:
    """Return the questions that the modules' own functions answer, in the order of the modules and of their lines."""
    return tuple(
        Asked(found, value)
        for module in modules
        for value in vars(module).values()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and isinstance(found := vars(value).get(_ATTACHED), Question)
    )
