"""``docs/questions.md``: every question by its stage, who answers it, and how a person asks it by hand."""

from __future__ import annotations

from collections.abc import Iterable

from docgen.markdown import bullets, code, page, prose, sentence
from synscope.evidence.by_hand import ByHand
from synscope.evidence.question import Question, Says
from synscope.evidence.vocabulary import QUESTIONS
from synscope.evidence.vocabulary_table import OBSERVERS
from synscope.model import PASSED_WHEN, Source, Stage
from synscope.report.explanation import GENERIC
from synscope.report.wording import SYSTEMS

_WHO = {
    Source.REQUEST: "the target as it is written",
    Source.PACKETS: "packets",
    Source.PAYLOAD: "first bytes",
    Source.HOST: "the host, or the watched command",
    Source.KERNEL: "the kernel",
}
_SAYS = {
    Says.PASSED: "passed",
    Says.STOPPED: "stopped here, or not come further",
    Says.TOOK_LONG: "passed, but it took long",
}


def text() -> str:
    """Return the page."""
    return page(
        "Questions",
        "A diagnosis rests on answers to the questions of this page, and on nothing else. Each belongs to a stage of "
        "the path that a connection walks, in their order here, or to none. An answer is *yes*, *no* or *could not "
        "tell*. A *direct* witness met this very connection: the kernel dropped its segment, a look-up was made for "
        "its address. An *indirect* one was told of it, or draws a conclusion.",
        "Each can be asked by hand. PORT, HOST and ADDRESS stand for the target's, FILE for a capture, PID for a "
        "process that another command named, COMMAND for the client or server in question. Commands for Windows are "
        "PowerShell. The display filters are Wireshark's; *could not tell* is an answer there, too, where the "
        "capture lacks a direction, an interface or the time.",
        *(part for stage in Stage for part in _stage(stage)),
        "## About no stage",
        "The role of a port, what happened how often, remarks.",
        *(_question(asked) for asked in QUESTIONS.values() if asked.stage is None),
    )


def _stage(stage: Stage) -> Iterable[str]:
    yield f"## {stage.value}"
    yield f"Passed when {prose(PASSED_WHEN[stage])}."
    for asked in QUESTIONS.values():
        if asked.stage is stage:
            yield _question(asked)


def _question(asked: Question) -> str:
    who = [_WHO[observer.source] for observer in OBSERVERS if observer.name == asked.name]
    how = f", {'directly' if asked.direct else 'indirectly'}" if asked.stage is not None else ""
    facts = [f"answered by {' and by '.join(who)}{how}"]
    for answer, says in (("yes", asked.if_yes), ("no", asked.if_no)):
        if says is not None:
            facts.append(f"*{answer}* says of the stage: {_SAYS[says]}")
    facts += (_by_hand(by_hand) for by_hand in asked.by_hand)
    return f"### {asked.name}\n\n{sentence(asked.meaning)}\n\n{bullets(facts)}"


def _by_hand(by_hand: ByHand) -> str:
    name = "any system" if by_hand.os == "any" else SYSTEMS[by_hand.os]
    return (
        f"{name}: {code(GENERIC.fill(by_hand.command, by_hand.os))}: {prose(GENERIC.fill(by_hand.reading))}"
    )
