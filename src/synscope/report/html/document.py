"""The document: what is shown of each capture, put into the templates; its style, script and policy.

Input: what ``Shown`` needs of each capture. Output: one HTML document, complete in itself. Every value passes
``escape.visible`` and then Jinja2's escaping; only the style and the script of this package do not.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Final, NamedTuple

import jinja2
from markupsafe import Markup

from synscope._version import VERSION
from synscope.capture.write.attachments import HOST_SNAPSHOT
from synscope.engine.moments import Moments
from synscope.model import Attempt, Diagnosis, Label
from synscope.probes.host.snapshot_json import SnapshotError, from_json
from synscope.report import snapshot_text, target_view, terminal
from synscope.report.escape import visible
from synscope.report.html import palette, shown_target, timeline
from synscope.report.html.collected import LabelledLines, StyledLine, StyledText, recorded
from synscope.report.labels_text import LABEL_TEXTS
from synscope.report.page import Look, preload_rich
from synscope.report.text_report import attempt_line
from synscope.report.writer import ReportSettings, ReportWriter
from synscope.units import count

MOST_ATTEMPTS: Final = 1000
"""Lines of attempts that are listed, where all were asked for."""

_FULL: Final = 5
_WELL: Final = 10
"""Targets that are well and were named, shown in full."""
_FULL_WHEN_NAMED: Final = 40
_BRIEF: Final = 500
_SNAPSHOTS: Final = 3
_LINES: Final = 60
"""Lines shown under one label of what a file carries."""


class ReportedCapture(NamedTuple):
    """What one capture's part of the document is made from."""

    diagnosis: Diagnosis
    moments: Moments | None = None
    attempts: Sequence[str] = ()
    """Lines of ``text_report.attempt_line`` to list, at most ``MOST_ATTEMPTS``."""
    more_attempts: int = 0


class ShownCapture(NamedTuple):
    """What is shown of one capture."""

    number: int
    name: str
    began: str
    """When its first frame was captured, empty where it has none."""
    error: str | None
    overview: str
    """How many targets there are, and how many failed, where there are several."""
    full: tuple[shown_target.ShownTarget, ...]
    brief: tuple[shown_target.BriefTarget, ...]
    more: str
    nothing: tuple[LabelledLines, ...]
    timeline: timeline.Figure | None
    health: tuple[LabelledLines, ...]
    carried: tuple[LabelledLines, ...]
    hosts: tuple[tuple[LabelledLines, ...], ...]
    attempts: tuple[str, ...]
    more_attempts: str

    @property
    def single(self) -> shown_target.ShownTarget | None:
        """The one target that there is, if it is one."""
        return self.full[0] if len(self.full) == 1 and not self.brief else None

    @property
    def title(self) -> str:
        """The answer in a line."""
        if self.error is not None:
            return f"{self.name} could not be read"
        if self.single is None:
            return self.overview or f"no attempt to connect in {self.name}"
        top = self.single.top
        return f"{self.single.name}: {self.single.state if top is None else top.title}"


class HtmlReport(ReportWriter):
    """Writes one page of all captures, at the end."""

    def __init__(self, settings: ReportSettings) -> None:
        super().__init__(settings)
        self._captures: list[ReportedCapture] = []
        self._moments: Moments | None = None
        self._attempts: list[str] = []
        self._more_attempts = 0

    @classmethod
    def preload(cls) -> None:
        """Read the templates, and load what Rich loads only when it is needed."""
        _parts()
        preload_rich()

    def attempt(self, capture: str, attempt: Attempt) -> str:  # noqa: ARG002
        """Keep the attempt's line for the page, or count the attempt where the page lists enough of them."""
        if not self.concerns(attempt):
            return ""
        if len(self._attempts) < MOST_ATTEMPTS:
            self._attempts.append(attempt_line(attempt))
        else:
            self._more_attempts += 1
        return ""

    def begin_capture(self, capture: str, moments: Moments | None = None) -> str:  # noqa: ARG002
        """Keep what counts when attempts begin."""
        self._moments = moments
        return ""

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Keep the capture's part of the page."""
        self._captures.append(ReportedCapture(diagnosis, self._moments, self._attempts, self._more_attempts))
        self._attempts, self._more_attempts = [], 0
        return ""

    def end(self, exit_status: int) -> str:  # noqa: ARG002
        """Return the page."""
        return render(self._captures, self.settings.look())


def render(reported: Iterable[ReportedCapture], look: Look) -> str:
    """Return the document for some captures."""
    captures = [_capture(number, capture, look) for number, capture in enumerate(reported, 1)]
    labels = {target.label for capture in captures for target in capture.full}
    labels.update(target.label for capture in captures for target in capture.brief)
    labels.update(lane.label for capture in captures if capture.timeline for lane in capture.timeline.lanes)
    parts = _parts()
    return parts.template.render(
        captures=captures,
        title=captures[0].title if len(captures) == 1 else count(len(captures), "capture"),
        labels=[(label, LABEL_TEXTS[label]) for label in Label if label in labels],
        paints=palette.PAINTS,
        style=Markup(parts.style),  # noqa: S704 - the package's own file
        script=Markup(parts.script),  # noqa: S704 - the package's own file
        policy=policy(parts.style, parts.script),
        version=VERSION,
    )


def policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy that allows one style and one script, and nothing else at all."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


class _Parts(NamedTuple):
    """The files of this package that go into every document."""

    template: jinja2.Template
    style: str
    script: str


@functools.cache
def _parts() -> _Parts:
    files = resources.files("synscope.report.html") / "templates"
    names = ("document.html.j2", "parts.html.j2")
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({name: (files / name).read_text("utf-8") for name in names}),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.get_template("parts.html.j2")
    style = palette.style() + (files / "report.css").read_text("utf-8")
    return _Parts(
        environment.get_template("document.html.j2"), style, (files / "report.js").read_text("utf-8")
    )


def _shown(value: object) -> object:
    """Return a value as it may be shown; markup is made by the templates alone, from values shown before."""
    return value if isinstance(value, Markup) else visible(str(value))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _capture(number: int, reported: ReportedCapture, look: Look) -> ShownCapture:
    diagnosis = reported.diagnosis
    look = Look(verbose=True, os=look.os)
    failing = [target for target in diagnosis.targets if target_view.leading(target) is not None]
    rest = [target for target in diagnosis.targets if target_view.leading(target) is None]
    if not diagnosis.watched:
        failing.sort(key=lambda target: -sum(target.summary.counts.values()))
    full = failing[: _FULL_WHEN_NAMED if diagnosis.watched else _FULL]
    others = [*failing[len(full) :], *rest]
    if diagnosis.watched or len(diagnosis.targets) == 1:
        # In the order in which they were named. One that is well is worth more than a line, too.
        chosen = {id(target) for target in (*full, *rest[:_WELL])}
        full = [target for target in diagnosis.targets if id(target) in chosen]
        others = [target for target in diagnosis.targets if id(target) not in chosen]
    left = len(others) - _BRIEF
    return ShownCapture(
        number=number,
        name="standard input" if diagnosis.capture == "-" else diagnosis.capture,
        began="" if diagnosis.health.first_ts_ns is None else timeline.moment(diagnosis.health.first_ts_ns),
        error=diagnosis.health.error,
        overview=terminal.overview(len(failing), len(diagnosis.targets)) if diagnosis.targets else "",
        full=tuple(shown_target.shown(target, look) for target in full),
        brief=tuple(map(shown_target.brief, others[:_BRIEF])),
        more=f"and {count(left, 'more port')}: name one with -p" if left > 0 else "",
        nothing=()
        if diagnosis.targets
        else tuple(recorded(look, lambda page: terminal.nothing(page, diagnosis.health))),
        timeline=timeline.figure(diagnosis, reported.moments),
        health=tuple(recorded(look, lambda page: terminal.about_capture(page, diagnosis))),
        carried=tuple(recorded(look, lambda page: terminal.carried_documents(page, diagnosis.attachments)))
        if diagnosis.attachments
        else (),
        hosts=tuple(_hosts(diagnosis, look)),
        attempts=tuple(reported.attempts[:MOST_ATTEMPTS]),
        more_attempts=f"and {reported.more_attempts:,} more: --format csv writes all"
        if reported.more_attempts
        else "",
    )


def _hosts(diagnosis: Diagnosis, look: Look) -> Iterable[tuple[LabelledLines, ...]]:
    """Yield what the file carries about a host, as ``synscope snapshot`` shows it."""
    documents = [attachment for attachment in diagnosis.attachments if attachment.kind == HOST_SNAPSHOT]
    for attachment in documents[:_SNAPSHOTS]:
        try:
            snapshot = from_json(attachment.text)
        except SnapshotError:
            continue
        items = recorded(look, functools.partial(snapshot_text.show, snapshot=snapshot))
        yield tuple(item._replace(lines=_bounded(item.lines)) for item in items)


def _bounded(lines: Sequence[StyledLine]) -> list[StyledLine]:
    left = len(lines) - _LINES
    more: list[StyledLine] = [(StyledText(f"and {left:,} more", "dim"),)] if left > 0 else []
    return [*lines[:_LINES], *more]
