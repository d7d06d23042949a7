"""Questions that a greeting of our own answers, made once the client had got no answer.

Input: a ``Greeted``: what was said to the server, and what came. Output: one observation for each of ``QUESTIONS``.
Pure. A server that answers in another protocol, and again not in the client's, speaks that other one. That is a
fact. Silence on everything is none: a server that works on one request for long is as silent as one that hangs.

The texts hold names of protocols and status codes, and no word of the server's.
"""

from __future__ import annotations

import enum
import sys
from typing import Final, NamedTuple

from synscope.evidence.by_hand import on_each
from synscope.evidence.payload.mismatch import hints_at_tls
from synscope.evidence.payload.protocols import NAMELESS, Payload
from synscope.evidence.payload.recognise import recognise
from synscope.evidence.question import Asked, Reply, Says, collected, no, question, unknown, yes
from synscope.model import Endpoint, Observation, Source, Stage
from synscope.reference.probing import BY_FAMILY
from synscope.units import duration

NEITHER: Final = "no HTTP request or TLS hello that this machine could have answered went without an answer"

_LEAST_WAIT_NS: Final = 300_000_000
"""A silence that is shorter says nothing."""
_OF_PLAIN_HTTP: Final = frozenset({*range(200, 300), 404, 405, 501})
"""What a server answers that takes HTTP without TLS. One that wants TLS may say 400, 426, or where to go instead."""
_BY_HAND: Final = on_each(
    linux='curl -vk --max-time 2 "https://{host}:{port}/"; curl -v --max-time 2 -X OPTIONS --request-target "*"'
    ' "http://{host}:{port}/"; curl -v --max-time 2 --http2-prior-knowledge "http://{host}:{port}/"',
    macos='curl -vk --max-time 2 "https://{host}:{port}/"; curl -v --max-time 2 -X OPTIONS --request-target "*"'
    ' "http://{host}:{port}/"; curl -v --max-time 2 --http2-prior-knowledge "http://{host}:{port}/"',
    windows='curl.exe -vk --max-time 2 "https://{host}:{port}/"; curl.exe -v --max-time 2 -X OPTIONS'
    ' --request-target "*" "http://{host}:{port}/"; curl.exe -v --max-time 2 --http2-prior-knowledge'
    ' "http://{host}:{port}/"',
    reading="one is answered in its own protocol and the client's is not: the server speaks that one; each ends"
    " without a byte: it hangs up; all time out: it is silent",
)


class End(enum.Enum):
    """How one connection of ours went on."""

    ANSWERED = "an answer"
    CLOSED = "closed without a byte"
    RESET = "reset without a byte"
    CLOSED_IN_TURN = "no byte; it closed when synscope did"
    SILENT = "neither a byte nor a close"
    UNMADE = "no connection"


class Try(NamedTuple):
    """One connection of ours."""

    spoke: str
    """What was said: a family of ``payload``."""
    end: End
    took_ns: int
    """Until the answer or the end; of a silence, how long it was waited for."""
    first: bytes = b""
    """The first bytes of the answer. Attacker-chosen."""
    after_line: bool = False
    """Whether the PROXY protocol's line stood before."""

    @property
    def payload(self) -> Payload:
        """What the answer is."""
        return recognise(self.first)

    @property
    def text(self) -> str:
        """Say what was said and what came: ``TLS: TLS server hello after 2 ms``."""
        spoke = f"{self.spoke} after the PROXY protocol's line" if self.after_line else self.spoke
        if self.end is not End.ANSWERED:
            return f"{spoke}: {self.end.value}"
        response = self.payload.response
        what = str(self.payload.protocol) if response is None else f"HTTP {response.status}"
        return f"{spoke}: {what} after {duration(self.took_ns)}"


class Greeted(NamedTuple):
    """A greeting, or why there was none."""

    server: Endpoint | None = None
    client: str = ""
    """What the client had spoken: a family of ``payload``."""
    tries: tuple[Try, ...] = ()
    because: str = NEITHER
    """Why there was none, where there was none."""
    after_line: Try | None = None
    """The client's protocol once more, behind the PROXY protocol's line; ``None`` where that was not tried."""

    @property
    def text(self) -> str:
        """Say what was done and what came."""
        came = "; ".join(each.text for each in (*self.tries, *filter(None, (self.after_line,))))
        return f"synscope greeted {self.server} once more, where the client had spoken {self.client}: {came}"

    @property
    def note(self) -> str:
        """Say it as a note of the report; empty where nothing was sent."""
        return f"{self.text}. These connections count in no attempt" if self.tries else ""


def _is_unmade(greeted: Greeted) -> Reply | None:
    if not greeted.tries:
        return unknown(f"not greeted: {greeted.because}")
    if all(each.end is End.UNMADE for each in greeted.tries):
        return unknown(greeted.text)
    return None


def speaks_otherwise(client: str, answer: Payload) -> bool:
    """Whether an answer is of a protocol that is not the client's, beyond doubt."""
    if answer.protocol in NAMELESS or answer.family == client:
        return False
    response = answer.response
    if response is None:
        return True
    return response.status in _OF_PLAIN_HTTP and not hints_at_tls(response)


def _answers_client(client: str, answer: Payload) -> bool:
    hint = answer.response is not None and hints_at_tls(answer.response)
    return answer.family == client or (hint and client == "TLS")


@question(
    "greeting-answered-otherwise",
    Source.HOST,
    "the server, greeted once more, answered in another protocol than the client's, and again not in the client's",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=_BY_HAND,
)
def greeting_answered_otherwise(greeted: Greeted) -> Reply:
    """Want two things: an answer in another protocol, and none to the client's own, asked once more.

    A port may speak both: then the request at hand is at fault, and not the protocol.
    """
    unmade = _is_unmade(greeted)
    if unmade is not None:
        return unmade
    answers = [each for each in greeted.tries if each.end is End.ANSWERED]
    if any(_answers_client(greeted.client, each.payload) for each in answers):
        return no(f"the server answers in the client's own protocol; {greeted.text}")
    other = next((each for each in answers if speaks_otherwise(greeted.client, each.payload)), None)
    if other is None:
        if answers:
            return unknown(f"the answer is one that servers of several protocols give; {greeted.text}")
        return no(greeted.text)
    again = [each for each in greeted.tries if each.spoke == greeted.client]
    if not again or any(not _is_mute(each) for each in again):
        return unknown(
            f"whether the server speaks the client's protocol as well is not known; {greeted.text}"
        )
    family = other.payload.family
    name = BY_FAMILY.get(family)
    text = f"the server answers to {family}, and the client spoke {greeted.client}; {greeted.text}"
    return yes(text, about=() if name is None else (name,))


def _is_mute(each: Try) -> bool:
    closed = each.end in {End.CLOSED, End.RESET, End.CLOSED_IN_TURN}
    return closed or (each.end is End.SILENT and each.took_ns >= _LEAST_WAIT_NS)


@question(
    "greeting-answered",
    Source.HOST,
    "the server, greeted once more, answered: it is at work now, and not only in another protocol",
    stage=Stage.ACCEPT,
    if_yes=Says.PASSED,
    by_hand=_BY_HAND,
)
def greeting_answered(greeted: Greeted) -> Reply:
    unmade = _is_unmade(greeted)
    if unmade is not None:
        return unmade
    answers = [each.payload for each in greeted.tries if each.end is End.ANSWERED]
    if any(_answers_client(greeted.client, answer) for answer in answers):
        return yes(f"the server answers now; {greeted.text}")
    if any(speaks_otherwise(greeted.client, answer) for answer in answers):
        return no(f"it answers in another protocol alone; {greeted.text}")
    return yes(f"the server answers now; {greeted.text}") if answers else no(greeted.text)


@question(
    "greeting-met-silence",
    Source.HOST,
    "the server, greeted once more in other protocols, sent no byte and did not close either",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=_BY_HAND,
)
def greeting_met_silence(greeted: Greeted) -> Reply:
    unmade = _is_unmade(greeted)
    if unmade is not None:
        return unmade
    if all(each.end is End.SILENT and each.took_ns >= _LEAST_WAIT_NS for each in greeted.tries):
        return yes(f"the server does not answer other greetings either; {greeted.text}")
    moved = any(each.end not in {End.SILENT, End.UNMADE} for each in greeted.tries)
    return no(greeted.text) if moved else unknown(greeted.text)


@question(
    "greeting-hung-up-on",
    Source.HOST,
    "the server, greeted once more in other protocols, ended each connection without a byte",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=_BY_HAND,
)
def greeting_hung_up_on(greeted: Greeted) -> Reply:
    unmade = _is_unmade(greeted)
    if unmade is not None:
        return unmade
    if all(each.end in {End.CLOSED, End.RESET} for each in greeted.tries):
        return yes(f"the server hangs up on other greetings as well; {greeted.text}")
    return no(greeted.text)


@question(
    "greeting-wants-proxy-line",
    Source.HOST,
    "the server hangs up on every greeting, but answers in the client's protocol behind the PROXY protocol's line",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux='curl -v --max-time 2 --haproxy-protocol "http://{host}:{port}/"',
        macos='curl -v --max-time 2 --haproxy-protocol "http://{host}:{port}/"',
        windows='curl.exe -v --max-time 2 --haproxy-protocol "http://{host}:{port}/"',
        reading="an answer, where there is none without that option: yes",
    ),
)
def greeting_wants_proxy_line(greeted: Greeted) -> Reply:
    unmade = _is_unmade(greeted)
    if unmade is not None:
        return unmade
    tried = greeted.after_line
    if tried is None:
        return no(greeted.text)
    if tried.end is End.ANSWERED and _answers_client(greeted.client, tried.payload):
        return yes(f"the server wants the PROXY protocol's line before all else; {greeted.text}")
    return no(greeted.text)


QUESTIONS: Final[tuple[Asked, ...]] = collected(sys.modules[__name__])
"""What a greeting of our own answers."""


def observe_greeting(greeted: Greeted) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order."""
    return [asked.question.observed(asked.answer(greeted)) for asked in QUESTIONS]
