"""The JUnit report, for CI systems: a test suite a capture, a test case a target.

Input: diagnoses. Output: XML 1.0 in ASCII, whatever the capture holds: what XML cannot hold is spelled out, what
ASCII cannot is a character reference. A case fails as the exit status does: by a finding of kind failure, with
``expected`` by another label. The shape is that of ``docs/schema/synscope-junit-1.xsd``, part of what Jenkins, GitLab
and others read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from synscope.model import Diagnosis, Label, TargetDiagnosis
from synscope.report import target_view, terminal
from synscope.report.escape import visible
from synscope.report.page import Look, preload_rich
from synscope.report.writer import ReportWriter

XSD_NAME = "synscope-junit-1.xsd"

_NOT_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters outside XML 1.0's Char."""

_NO_ATTEMPT = "this capture holds no attempt to connect"
_LOOK = Look(width=100)


class _Case(NamedTuple):
    """One test case: how it went, in the element of that name."""

    name: str
    verdict: str
    """``failure``, ``error``, ``skipped`` or empty."""
    type: str = ""
    message: str = ""
    output: str = ""


class JUnitReport(ReportWriter):
    """Writes one document with a test suite for each capture."""

    lists_attempts = False

    @classmethod
    def preload(cls) -> None:
        """Load what Rich loads only when it is needed."""
        preload_rich()

    def begin(self) -> str:
        """Return the opening of the document."""
        return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="synscope">\n'

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return the test suite of one capture."""
        return _suite(diagnosis, self.settings.expected)

    def end(self, exit_status: int) -> str:  # noqa: ARG002
        """Return the end of the document."""
        return "</testsuites>\n"


def _suite(diagnosis: Diagnosis, expected: Label | None) -> str:
    cases = [*_cases(diagnosis, expected)]
    counts = "".join(
        f' {name}="{sum(case.verdict == verdict for case in cases)}"'
        for name, verdict in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    )
    name = _attribute(_capture_name(diagnosis))
    lines = "".join(_element(case, name) for case in cases)
    return f'  <testsuite name={name} tests="{len(cases)}"{counts}>\n{lines}  </testsuite>\n'


def _capture_name(diagnosis: Diagnosis) -> str:
    return "standard input" if diagnosis.capture == "-" else diagnosis.capture or "capture"


def _cases(diagnosis: Diagnosis, expected: Label | None) -> Iterator[_Case]:
    output = terminal.render(diagnosis, _LOOK) if diagnosis.health.error or not diagnosis.targets else ""
    if diagnosis.health.error is not None:
        yield _Case("capture", "error", "unreadable", diagnosis.health.error, output)
    elif not diagnosis.targets:
        verdict = "skipped" if expected is None else "failure"
        message = _NO_ATTEMPT if expected is None else f"expected {expected}, but {_NO_ATTEMPT}"
        yield _Case("capture", verdict, "no-attempt", message, output)
    else:
        for target in diagnosis.targets:
            yield _target(diagnosis, target, expected)


def _target(diagnosis: Diagnosis, target: TargetDiagnosis, expected: Label | None) -> _Case:
    name = target_view.name_of(target.summary.target) or "target"
    output = terminal.render(diagnosis._replace(targets=(target,)), _LOOK)
    top = target_view.leading(target)
    label = target.summary.label
    told = f"{label}: {top.title} ({top.confidence}, {top.code})" if top is not None else label.value
    if expected is None and top is not None:
        return _Case(name, "failure", top.code, told, output)
    if expected is not None and label is not expected:
        return _Case(name, "failure", "expectation", f"expected {expected}, but {told}", output)
    return _Case(name, "", output=output)


def _element(case: _Case, classname: str) -> str:
    kind = f" type={_attribute(case.type)}" if case.type else ""
    verdict = f"      <{case.verdict}{kind} message={_attribute(case.message)}/>\n" if case.verdict else ""
    return (
        f"    <testcase classname={classname} name={_attribute(case.name)}>\n{verdict}"
        f"      <system-out>{_ascii(escape(_legal(case.output)))}</system-out>\n    </testcase>\n"
    )


def _attribute(text: str) -> str:
    return _ascii(quoteattr(_legal(visible(text))))


def _legal(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _ascii(text: str) -> str:
    """Return ``text`` with character references: it is then the same in whatever encoding it is written."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
