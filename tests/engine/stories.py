"""Named stories and what each must be called: the cases that separate a good classifier from a toy.

The notation is ``tests.story``'s. ``expected`` lists each attempt's label and outcome in the order in
which they began; ``syns`` their numbers of SYNs where that matters.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """One case."""

    name: str
    text: str
    expected: tuple[str, ...]
    syns: tuple[int, ...] | None = None


def _story(name: str, text: str, *expected: str, syns: tuple[int, ...] | None = None) -> Story:
    return Story(name, text, expected, syns)


_OPEN = "C S | S SA | C A"
_TALK = f"{_OPEN} | C PA len=5 | S PA len=7"
_CLOSED = f"{_TALK} | C FA | S FA | C A"

REFUSED = "SYN-RST refused"
UNANSWERED = "SYN-no-reply unanswered"
CLOSED = "completed closed"

ANSWERS: tuple[Story, ...] = (
    _story("rst-ack is no client ack", "C S | S RA", REFUSED),
    _story("rst without ack", "C S | S R seq=0", REFUSED),
    _story("rst that carries payload", "C S | S RA len=12", REFUSED),
    _story(
        "refused again and again",
        "C S | S RA | C S dt=500 | S RA | C S dt=500 | S RA",
        "SYN-RST refused-repeatedly",
        syns=(3,),
    ),
    _story("refused, then another isn", "C S | S RA | C S seq=c+70000 | S RA ack=c+70001", REFUSED, REFUSED),
    _story("rst recorded before the syn", "S RA seq=0 ack=c+1 | C S", REFUSED),
    _story("rst recorded before a syn with data", "S RA seq=0 ack=c+6 | C S len=5", REFUSED),
    _story(
        "an rst before the syn that refuses another",
        "S RA seq=0 ack=c+5000 | C S",
        "mid-stream mid-stream",
        UNANSWERED,
    ),
    _story("unanswered", "C S | C S dt=1000 | C S dt=2000", UNANSWERED, syns=(3,)),
    _story("signed, and unanswered", "C S opt=md5 | C S opt=md5 dt=1000", UNANSWERED, syns=(2,)),
    _story("signed, recorded behind its answer", "S SA ack=c+1 | C S opt=ao | C A", "completed silent"),
    _story("icmp port unreachable", "C S | I 3/3", "SYN-no-reply icmp-error"),
    _story(
        "icmp, then success all the same",
        "C S | I 3/1 | C S dt=1000 | S SA | C A",
        "completed silent",
        syns=(2,),
    ),
    _story("icmp and rst", "C S | I 3/10 | S RA", REFUSED),
    _story("client withdrew", "C S | C S dt=1000 | C R seq=c+1", "SYN-no-reply client-withdrew", syns=(2,)),
    _story("client withdrew with the isn", "C S | C R seq=c", "SYN-no-reply client-withdrew"),
    _story("syn-ack is no client ack", "C S | S SA", "half-open client-vanished"),
    _story("syn-ack repeated", "C S | S SA | S SA dt=1000 | S SA dt=2000", "half-open client-vanished"),
    _story(
        "syn repeated behind a syn-ack",
        "C S | S SA | C S dt=1000 | S SA",
        "half-open client-vanished",
        syns=(2,),
    ),
    _story("client resets the syn-ack", "C S | S SA | C R seq=c+1", "half-open client-reset"),
    _story("server gave up", "C S | S SA | S SA dt=1000 | S R seq=s+1", "half-open server-gave-up"),
    _story("server gave up with ack", "C S | S SA | S SA dt=1000 | S RA seq=s+1", "half-open server-gave-up"),
    _story("refusal forged behind a syn-ack", "C S | S RA | S SA", "half-open server-gave-up"),
    _story("challenge ack", "C S | S A seq=s+900 ack=c-5000", "odd-reply challenge-ack"),
    _story(
        "challenge ack and the client's rst",
        "C S | S A seq=s+900 ack=c-5000 | C R seq=c-5000",
        "odd-reply challenge-ack",
    ),
    _story("unfitting syn-ack", "C S | S SA ack=c+5000", "odd-reply unfitting-syn-ack"),
    _story("syn-ack that acknowledges nothing", "C S | S SA ack=c", "odd-reply unfitting-syn-ack"),
    _story(
        "unfitting syn-ack and the client's rst",
        "C S | S SA ack=c+5000 | C R seq=c+5000",
        "odd-reply unfitting-syn-ack",
    ),
    _story(
        "unfitting syn-ack, then a fitting one",
        "C S | S SA ack=c+5000 | S SA seq=s | C A",
        "completed silent",
    ),
    _story("unfitting rst", "C S | S RA seq=0 ack=c+5000", "odd-reply unfitting-rst"),
    _story("rst that acknowledges nothing", "C S | S RA seq=0 ack=c", "odd-reply unfitting-rst"),
    _story("unfitting rst, then refused", "C S | S RA seq=0 ack=c+5000 | S RA seq=0 ack=c+1", REFUSED),
    _story("unfitting rst, then success", "C S | S RA seq=0 ack=c+5000 | S SA | C A", "completed silent"),
    _story("crossing syn", "C S | S S", "odd-reply crossing-syn"),
    _story("only the client's side", "C S | C A ack=s+1 | C PA len=5", "one-sided client-side-only"),
    _story(
        "only the client's side, with data in the first ack",
        "C S | C PA ack=s+1 len=5",
        "one-sided client-side-only",
    ),
    _story(
        "only the client's side, to its end",
        "C S | C A ack=s+1 | C PA len=5 ack=s+1 | C FA ack=s+9 | C A",
        "one-sided client-side-only",
    ),
    _story("only the server's side", "S SA | S PA len=7", "one-sided server-side-only"),
    _story("a syn-ack alone", "S SA", "one-sided server-side-only"),
    _story("a syn-ack and the server's rst", "S SA | S R seq=s+1", "one-sided server-side-only"),
    _story("a syn-ack and the client's rst", "S SA | C R seq=c+1", "one-sided server-side-only"),
    _story("mid-stream", "C PA len=5 | S PA len=7", "mid-stream mid-stream"),
    _story("a lone rst", "S RA", "mid-stream mid-stream"),
    _story("a lone fin", "C FA | S FA | C A", "mid-stream mid-stream"),
)
"""What a SYN can get for an answer."""

COMPLETED: tuple[Story, ...] = (
    _story("silent", _OPEN, "completed silent"),
    _story("silent to its end", f"{_OPEN} | C FA | S FA | C A", "completed silent"),
    _story("client spoke", f"{_OPEN} | C PA len=5 | S A", "completed server-silent"),
    _story("the completing ack carries data", "C S | S SA | C PA len=5", "completed server-silent"),
    _story("still open", _TALK, "completed still-open"),
    _story("server speaks first", f"{_OPEN} | S PA len=20 | C A", "completed still-open"),
    _story(
        "a later request is never acknowledged",
        f"{_TALK} | C PA len=5 | C PA seq=c+6 len=5 dt=200 | C PA seq=c+6 len=5 dt=400",
        "completed still-open",
    ),
    _story(
        "a later answer is never acknowledged",
        f"{_TALK} | C A | S PA len=5 | S PA seq=s+8 len=5 dt=200 | S PA seq=s+8 len=5 dt=400 | C FA ack=s+8",
        "completed answered",
    ),
    _story("client closed", f"{_TALK} | C FA", "completed answered"),
    _story("server closed", f"{_TALK} | S FA", "completed answered"),
    _story("closed", _CLOSED, CLOSED),
    _story("rst after data", f"{_TALK} | S RA", "completed reset-by-server"),
    _story("rst before data", f"{_OPEN} | C PA len=5 | S RA", "completed reset-by-server-early"),
    _story("rst at once", f"{_OPEN} | S RA", "completed reset-by-server-early"),
    _story("rst without ack after data", f"{_TALK} | S R", "completed reset-by-server"),
    _story("rst of the server with payload", f"{_TALK} | S RA len=9", "completed reset-by-server"),
    _story("rst after the server's fin", f"{_TALK} | S FA | C PA len=3 | S R", "completed reset-by-server"),
    _story("rst after the client's fin", f"{_TALK} | C FA | S RA", "completed reset-by-server"),
    _story("rst of the client", f"{_TALK} | C RA", "completed reset-by-client"),
    _story("rst of the client after both fins", f"{_TALK} | S FA | C FA | C R", "completed closed"),
    _story("rst of the client at once", f"{_OPEN} | C R", "completed reset-by-client"),
    _story(
        "server answers after the client has closed",
        f"{_OPEN} | C PA len=5 | C FA | S PA len=7",
        "completed answered",
    ),
    _story("fast open accepted", "C S len=5 | S SA | C A | S PA len=7", "completed still-open"),
    _story("fast open with an early answer", "C S len=5 | S SA | S PA len=7 | C A", "completed still-open"),
    _story(
        "fast open ignored",
        "C S len=5 | S SA ack=c+1 | C PA seq=c+1 len=5 | S PA ack=c+6 len=7",
        "completed still-open",
    ),
    _story("fast open accepted, then nothing", "C S len=5 | S SA | C A", "completed server-silent"),
    _story("fast open refused", "C S len=5 | S RA seq=0 ack=c+6", REFUSED),
    _story("fast open refused without its data", "C S len=5 | S RA seq=0 ack=c+1", REFUSED),
    _story("fast open refused beyond its data", "C S len=5 | S RA seq=0 ack=c+7", "odd-reply unfitting-rst"),
    _story(
        "fast open unanswered, repeated without data", "C S len=5 | C S seq=c dt=1000", UNANSWERED, syns=(2,)
    ),
    _story("fast open answered beyond its data", "C S len=5 | S SA ack=c+7", "odd-reply unfitting-syn-ack"),
    _story(
        "syn-ack repeated late",
        "C S | S SA | S SA dt=1000 | C A | C PA len=5 | S PA len=7",
        "completed still-open",
    ),
    _story("syn repeated late", "C S | C S dt=1000 | S SA | C A", "completed silent", syns=(2,)),
    _story("syn repeated after success", f"{_OPEN} | C S dt=1000 | S A", "completed silent", syns=(2,)),
    _story(
        "two syn-acks, the second counts",
        "C S | S SA | S SA seq=s+90000 | C A ack=s+90001 | C PA len=5",
        "completed server-silent",
    ),
    _story(
        "two syn-acks, the first counts",
        "C S | S SA | S SA seq=s+90000 | C A ack=s+1 | C PA ack=s+1 len=5",
        "completed server-silent",
    ),
    _story(
        "two syn-acks, neither counts",
        "C S | S SA | S SA seq=s+90000 | C A ack=s+700000",
        "half-open client-vanished",
    ),
    _story(
        "forged rst before the syn-ack",
        "C S | S RA seq=0 | S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA",
        CLOSED,
    ),
    _story(
        "forged rst between syn-ack and ack",
        "C S | S SA | S RA seq=s+900000000 ack=c+90000 | C A",
        "completed silent",
    ),
    _story(
        "challenge ack, rst, the same syn, success",
        "C S | S A seq=s+900 ack=c-5000 | C R seq=c-5000 | C S dt=1000 | S SA | C A"
        " | C PA len=5 | S PA len=7 | C FA | S FA | C A",
        CLOSED,
        syns=(2,),
    ),
    _story(
        "client rst before the handshake does not reset it",
        "C S | S SA ack=c+5000 | C R seq=c+5000"
        " | C S dt=1000 | S SA seq=s | C A ack=s+1 | C PA len=5 ack=s+1 | S PA len=7",
        "completed still-open",
        syns=(2,),
    ),
    _story(
        "split open",
        "C S | S A seq=s+1 | S S seq=s | C SA ack=s+1 | S A seq=s+1 | C PA seq=c+1 len=5 ack=s+1",
        "completed server-silent",
    ),
    _story("split open of three", "C S | S S | C SA | S A", "completed silent"),
    _story("simultaneous open", "C S | S S | C SA | S SA", "completed silent"),
    _story("simultaneous open, other order", "C S | S S | S SA | C SA", "completed silent"),
    _story("simultaneous open with plain acks", "C S | S S | C A | S A", "completed silent"),
    _story(
        "the other end opens after a lost syn",
        "C S | S S dt=500 | C SA | S A | S PA len=7",
        "completed still-open",
    ),
    _story(
        "syn-ack recorded before the syn",
        "S SA | C S | C A | C PA len=5 | S PA len=7",
        "completed still-open",
        syns=(1,),
    ),
    _story(
        "ack recorded before the syn-ack",
        "C S | C A ack=s+1 | S SA ack=c+1 | C PA len=5 | S PA len=7",
        "completed still-open",
    ),
    _story(
        "the syn-ack's stamp is earlier than the syn's", "C S | S SA dt=-3000 | C A dt=1", "completed silent"
    ),
    _story(
        "server data and fin before the client's ack",
        "C S | S SA | S PA len=7 | S FA | C A",
        "completed answered",
    ),
    _story(
        "ack recorded before the bytes it acknowledges",
        "C S | S SA | C A ack=s+9 | S PA len=7 | S FA",
        "completed answered",
    ),
    _story(
        "syn-ack recorded before a syn with data", "S SA ack=c+6 | C S len=5 | C A", "completed server-silent"
    ),
    _story("server fin before the client's ack", "C S | S SA | S FA | C A", "completed silent"),
    _story("syn missing", "S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA", CLOSED, syns=(0,)),
    _story(
        "syn-ack missing", "C S | C A ack=s+1 | C PA len=5 ack=s+1 | S A | S PA len=7 | C FA | S FA", CLOSED
    ),
    _story(
        "syn-ack missing, server data proves it",
        "C S | C PA len=5 ack=s+1 | S PA len=7",
        "completed still-open",
    ),
    _story(
        "client's acks missing, server's ack of its data proves them",
        "C S | S SA | S PA ack=c+6 len=7",
        "completed still-open",
    ),
    _story(
        "payload packets missing",
        f"{_OPEN} | C FA seq=c+500 | S FA seq=s+800 ack=c+501 | C A",
        "completed silent",
    ),
    _story("stray rst far from the window", f"{_TALK} | S R seq=s+2000000000", "completed still-open"),
    _story("stray ack far from the window", "C S | S SA | C A ack=s+2000000000", "half-open client-vanished"),
    _story("ack of the isn alone", "C S | S SA | C A ack=s", "half-open client-vanished"),
    _story("ack of a byte the server has not sent", "C S | S SA | C A ack=s+2", "half-open client-vanished"),
    _story("icmp behind the handshake", f"{_TALK} | I 3/4", "completed still-open"),
    _story("ecn handshake", "C SEC | S SAE | C A", "completed silent"),
    _story("keep-alive", f"{_TALK} | C A seq=c+5 | S A", "completed still-open"),
)
"""Handshakes that complete, and those that only seem to."""

BOUNDARIES: tuple[Story, ...] = (
    _story(
        "port reuse after a close",
        f"{_CLOSED} | C S seq=c+90000 dt=60000 | S RA ack=c+90001",
        CLOSED,
        REFUSED,
    ),
    _story(
        "port reuse after a reset",
        f"{_TALK} | C R | C S seq=c+90000 | S SA seq=s+90000 | C A",
        "completed reset-by-client",
        "completed silent",
    ),
    _story(
        "another isn while nobody answers",
        "C S | C S seq=c+90000 | C S seq=c+180000",
        UNANSWERED,
        UNANSWERED,
        UNANSWERED,
    ),
    _story(
        "late retransmission of an older attempt",
        "C S | C S seq=c+90000 | C S seq=c dt=1000",
        UNANSWERED,
        UNANSWERED,
        syns=(2, 1),
    ),
    _story(
        "late answer to an older attempt", "C S | C S seq=c+90000 | S RA seq=0 ack=c+1", REFUSED, UNANSWERED
    ),
    _story(
        "the same isn after a close",
        f"{_CLOSED} | C S seq=c dt=1000 | S RA seq=0 ack=c+1",
        CLOSED,
        REFUSED,
        syns=(1, 1),
    ),
    _story(
        "the same isn after a fin", f"{_TALK} | S FA | C S seq=c dt=1000", "completed answered", UNANSWERED
    ),
    _story(
        "the same isn after a reset",
        f"{_OPEN} | S RA | C S seq=c dt=1000",
        "completed reset-by-server-early",
        UNANSWERED,
    ),
    _story(
        "the same isn after the client refused the syn-ack",
        "C S | S SA | C R seq=c+1 | C S seq=c dt=1000",
        "half-open client-reset",
        UNANSWERED,
    ),
    _story("the same isn while open", f"{_TALK} | C S seq=c dt=1000", "completed still-open", syns=(2,)),
    _story(
        "the same isn after a withdrawal",
        "C S | C R seq=c+1 | C S seq=c dt=1000",
        "SYN-no-reply client-withdrew",
        syns=(2,),
    ),
    _story(
        "the server opens back after a close",
        f"{_CLOSED} | S S seq=s+90000 dt=1000 | C RA seq=0 ack=s+90001",
        CLOSED,
        REFUSED,
    ),
    _story(
        "a late fin goes to the older connection",
        f"{_TALK} | C S seq=c+900000 dt=1000 | C FA seq=c+6 ack=s+8 | S FA seq=s+8 ack=c+7",
        CLOSED,
        UNANSWERED,
    ),
    _story(
        "syn-ack after a mid-stream beginning",
        "C PA seq=c-90000 len=5 ack=s-90000 | C S seq=c | S SA | C A",
        "mid-stream mid-stream",
        "completed silent",
    ),
    _story(
        "syn-ack without syn after a close",
        f"{_CLOSED} | S SA seq=s+90000 ack=c+90001 dt=1000 | C A seq=c+90001 ack=s+90001",
        CLOSED,
        "completed silent",
    ),
)
"""Where one attempt ends and the next begins."""

ALL = (*ANSWERS, *COMPLETED, *BOUNDARIES)
