"""Assertions about a diagnosis, for tests: ``expect(capture).to(8080).completed()``.

Input: a ``Diagnosis``, or a live capture, which is stopped. Output: nothing, or an ``AssertionError`` whose text has
the ladder of an attempt and the best finding. Texts are escaped: captures hold what strangers sent.
"""

from __future__ import annotations

import sys
from typing import Self

from synscope.library.live import LiveCapture
from synscope.library.named_targets import TargetLike, named_target
from synscope.model import Claim, Confidence, Diagnosis, Label, Target, TargetDiagnosis
from synscope.report import ladder
from synscope.report.escape import visible
from synscope.report.page import Look, Page
from synscope.report.target_view import leading, name_of
from synscope.report.wording import OUTCOME_TEXTS
from synscope.targets import TargetError

_WIDTH = 100
_WAYS_SHOWN = 2
_SYSTEMS = {"darwin": "macos", "win32": "windows"}


def expect(capture: Diagnosis | LiveCapture) -> Expectation:
    """Return what can be asserted about ``capture``. One that is running is stopped.

    Raises ``SessionError`` where a live capture failed.
    """
    return Expectation(capture.stop() if isinstance(capture, LiveCapture) else capture)


class Expectation:
    """Assertions about one capture."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._diagnosis = diagnosis

    def to(self, target: TargetLike) -> TargetExpectation:
        """Return what can be asserted about one target of the capture.

        Raises ``TargetError`` where the capture was not asked about it: name it where the capture is made or read.
        """
        wanted = named_target(target)
        targets = self._diagnosis.targets
        found = [candidate for candidate in targets if _is_meant(wanted, candidate.summary.target)]
        exact = [candidate for candidate in found if candidate.summary.target.text == wanted.text]
        if len(exact or found) != 1:
            known = ", ".join(visible(other.summary.target.text) for other in targets) or "none"
            raise TargetError(
                f"{visible(wanted.text)} is not one target of this capture (its targets: {known}): name it where "
                "the capture is made or read"
            )
        return TargetExpectation(self._diagnosis, (exact or found)[0])


class TargetExpectation:
    """Assertions about one target. Each returns the same object, so that they can be chained."""

    def __init__(self, diagnosis: Diagnosis, target: TargetDiagnosis) -> None:
        self._diagnosis = diagnosis
        self._target = target

    def completed(self) -> Self:
        """Assert that handshakes were completed and none failed for good."""
        __tracebackhide__ = True
        return self.label(Label.COMPLETED)

    def refused(self) -> Self:
        """Assert that SYNs were answered by a reset."""
        __tracebackhide__ = True
        return self.label(Label.SYN_RST)

    def no_reply(self) -> Self:
        """Assert that SYNs were not answered."""
        __tracebackhide__ = True
        return self.label(Label.SYN_NO_REPLY)

    def never_sent(self) -> Self:
        """Assert that no client sent a SYN; of a live capture, that it would have seen one.

        A live capture that lost frames, or did not see its own test connection, proves no absence.
        ``label("client-never-sent")`` asks for the label alone.
        """
        __tracebackhide__ = True
        self.label(Label.CLIENT_NEVER_SENT)
        live = self._diagnosis.health.live
        if live is not None and self._target.summary.claim is not Claim.STRONG:
            self._fail(
                "that nothing was sent",
                f"the capture proves no absence: canary {live.canary.value}, frames lost: "
                f"{'not known' if self._diagnosis.health.dropped is None else self._diagnosis.health.dropped}",
            )
        return self

    def label(self, label: str) -> Self:
        """Assert that the target has this label, spelled as in reports. Raises ``ValueError`` for no label."""
        __tracebackhide__ = True
        wanted = Label(label)
        if self._target.summary.label is not wanted:
            self._fail(wanted.value, f"it is {self._target.summary.label.value}")
        return self

    def finding(self, cause: str) -> Self:
        """Assert that a cause, named by code or slug, was found and not ruled out.

        Raises ``ValueError`` where there is no such cause.
        """
        from synscope.causes.catalogue import CATALOGUE  # noqa: PLC0415 - only for this assertion

        __tracebackhide__ = True
        known = {name for known_cause in CATALOGUE for name in (known_cause.code, known_cause.slug)}
        if cause not in known:
            raise ValueError(f"{cause!r} is no cause: `synscope causes` lists them")
        standing = [
            finding for finding in self._target.findings if finding.confidence is not Confidence.RULED_OUT
        ]
        if not any(cause in {finding.code, finding.slug} for finding in standing):
            names = ", ".join(f"{finding.code} {finding.slug}" for finding in standing) or "none"
            self._fail(f"the finding {cause}", f"its findings are: {names}")
        return self

    def _fail(self, expected: str, found: str) -> None:
        __tracebackhide__ = True
        raise AssertionError(_failure(self._target, expected, found))


def _is_meant(wanted: Target, given: Target) -> bool:
    return wanted.port == given.port and wanted.host in {None, given.host}


def _failure(target: TargetDiagnosis, expected: str, found: str) -> str:
    """Return the text of a failed assertion: the difference, what happened, the best finding."""
    page = Page(Look(width=_WIDTH, os=_SYSTEMS.get(sys.platform, "linux")))
    page.paragraph(f"{name_of(target.summary.target)}: expected {expected}, but {found}", indent=0)
    for group in target.summary.groups[:_WAYS_SHOWN]:
        page.blank()
        page.row(f"{group.count:,} \N{MULTIPLICATION SIGN}", OUTCOME_TEXTS[group.outcome])
        for attempt in group.examples[:1]:
            ladder.show(page, attempt)
    top = leading(target)
    if top is not None:
        page.blank()
        page.row("Finding", f"{top.code} {top.slug} ({top.confidence.value}): {top.title}")
        page.row("", top.summary)
        for fix in top.fixes[:1]:
            page.row("Do", fix)
    return page.render().rstrip("\n")
