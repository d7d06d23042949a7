"""Facts made by hand for the tests of this room."""

from __future__ import annotations

from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import (
    Answer,
    AttemptGroup,
    Confidence,
    Endpoint,
    Facts,
    Finding,
    Kind,
    Label,
    Observation,
    Outcome,
    Target,
    TargetSummary,
)

PORT = Target("62893", 62893)


def observe(name: str, answer: Answer) -> Observation:
    """An observation that says of itself what it is."""
    return Observation(name, answer, QUESTIONS[name].source, f"{name}: {answer.value}", (7,))


def facts(
    label: Label,
    yes: str = "",
    no: str = "",
    *,
    unknown: str = "",
    target: Target = PORT,
    groups: tuple[AttemptGroup, ...] = (),
) -> Facts:
    """Facts from names separated by blanks."""
    answers = [(yes, Answer.YES), (no, Answer.NO), (unknown, Answer.UNKNOWN)]
    observations = {name: observe(name, answer) for names, answer in answers for name in names.split()}
    return Facts(TargetSummary(target, label, {label: 1}, groups), observations)


def group(address: str, label: Label) -> AttemptGroup:
    """One attempt to the port at ``address``."""
    server = Endpoint(address, 62893)
    return AttemptGroup(
        server, label, Outcome.REFUSED, recovered=False, count=1, first_ts_ns=0, last_ts_ns=0, examples=()
    )


def standing(findings: tuple[Finding, ...]) -> dict[str, Confidence]:
    """Slug to confidence of the failures that are not ruled out, best first."""
    return {
        finding.slug: finding.confidence
        for finding in findings
        if finding.kind is Kind.FAILURE and finding.confidence is not Confidence.RULED_OUT
    }
