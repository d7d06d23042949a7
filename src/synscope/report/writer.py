"""What a report of every format does: it is told what becomes known, and returns the text to write.

A command calls, in this order: ``begin``; for each capture ``begin_capture``, ``attempt`` for each attempt as it
settles, ``end_capture`` and ``remarks``; at last ``end``. The texts joined are the report. Attempts need not be told
where ``takes_attempts`` is false. A format is a subclass that overrides the steps at which it has something to write.

Everything that a report needs once a capture is over must be loaded by then, because the process may have given up
the rights to read the installation: importing the subclass's module and calling ``preload`` loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from synscope.model import Attempt, Confidence, Diagnosis, Frames, Label, Target

if TYPE_CHECKING:
    from synscope.engine.moments import Moments
    from synscope.report.page import Look

Listed = Literal["findings", "all", "none"]
"""Which attempts a report lists: those that support a finding, all, or none."""


def _plain_look() -> Look:
    from synscope.report.page import Look  # noqa: PLC0415 - rich is slow to import; JSON does without it

    return Look()


class ReportSettings(NamedTuple):
    """What was asked of a report."""

    look: Callable[[], Look] = _plain_look
    """Returns how to write for people. Formats for programs do not call it."""
    listed: Listed = "findings"
    verbose: bool = False
    why: bool = False
    """Whether to show how the order of the causes was computed."""
    targets: tuple[Target, ...] = ()
    """What the user asked about."""
    expected: Label | None = None
    """The label that every target should have."""
    several: bool = False
    """Whether the report is about several captures."""
    below_text: bool = False
    """Whether other text stands right above the report."""


class ReportWriter:
    """Returns the text of one report piece by piece. This class has nothing to write."""

    lists_attempts: ClassVar[bool] = True
    """Whether the format has a place for attempts."""

    def __init__(self, settings: ReportSettings) -> None:
        self.settings = settings
        self._ports = {port for target in settings.targets for port in (target.port, target.wrapped)}

    @classmethod
    def preload(cls) -> None:
        """Load what the end of a report needs and what importing this module has not loaded."""

    @property
    def takes_attempts(self) -> bool:
        """Whether ``attempt`` wants to be told of every attempt."""
        return self.lists_attempts and self.settings.listed == "all"

    def begin(self) -> str:
        """Return the opening of the report."""
        return ""

    def begin_capture(self, capture: str, moments: Moments | None = None) -> str:  # noqa: ARG002
        """Return the opening of one capture's part.

        ``moments`` is what will have counted, when the capture ends, at which times attempts began.
        """
        return ""

    def attempt(self, capture: str, attempt: Attempt) -> str:  # noqa: ARG002
        """Return what is to be written of an attempt that has settled."""
        return ""

    def end_capture(self, diagnosis: Diagnosis) -> str:  # noqa: ARG002
        """Return the rest of one capture's part."""
        return ""

    def remarks(self, diagnosis: Diagnosis) -> Iterable[str]:  # noqa: ARG002
        """Return what the reader has to know about the capture and this format cannot hold."""
        return ()

    def end(self, exit_status: int) -> str:  # noqa: ARG002
        """Return the end of the report."""
        return ""

    def whole(self, diagnosis: Diagnosis, exit_status: int, moments: Moments | None = None) -> str:
        """Return the whole report of one capture, of whose attempts only the diagnosis tells."""
        return "".join(
            (
                self.begin(),
                self.begin_capture(diagnosis.capture, moments),
                self.end_capture(diagnosis),
                self.end(exit_status),
            )
        )

    def listed_afterwards(self, diagnosis: Diagnosis) -> tuple[Attempt, ...]:
        """Return what to list once a capture is read: the attempts that support a finding, where these are wanted."""
        return supporting_attempts(diagnosis) if self.settings.listed == "findings" else ()

    def concerns(self, attempt: Attempt) -> bool:
        """Whether ``attempt`` went to a port that the user asked about; if they named none, all do."""
        return not self._ports or attempt.server.port in self._ports


def supporting_attempts(diagnosis: Diagnosis) -> tuple[Attempt, ...]:
    """Return the attempts that support a finding, by id: examples whose frames its evidence names.

    A finding that names no frames, or none of an example, rests on its target's failing attempts.
    """
    chosen: dict[int, Attempt] = {}
    for target in diagnosis.targets:
        examples = [example for group in target.summary.groups for example in group.examples]
        for finding in target.findings:
            if finding.confidence is Confidence.RULED_OUT:
                continue
            named = {frame for evidence in finding.evidence for frame in evidence.frames}
            backing = [example for example in examples if named.intersection(_numbers(example.frames))]
            backing = backing or [example for example in examples if example.label is target.summary.label]
            chosen.update((example.id, example) for example in backing)
    return tuple(chosen[number] for number in sorted(chosen))


def _numbers(frames: Frames) -> frozenset[int]:
    return frozenset(number for number in frames if number is not None)
