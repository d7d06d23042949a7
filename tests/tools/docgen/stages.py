"""``docs/stages.md``: the path that a connection walks, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable

from docgen.markdown import block, bullets, page, prose, sentence
from synscope.model import Stage
from synscope.report.explanation import GENERIC
from synscope.report.path_view import MILESTONES
from synscope.report.stages_text import STAGE_TEXTS, HandLook, causes_at, labels_at, looks_at
from synscope.report.wording import SYSTEMS

_SHELLS = {"windows": "powershell"}


def text() -> str:
    """Return the page."""
    return page(
        "Stages",
        "A connection walks a path of stages in order, or stops at one of them. The report's *Path* says which "
        "stages it passed and where it stopped. A stage that was passed proves that those before it were, so packets "
        "alone give a bracket; what the machine and its kernel say narrows it. `synscope explain STAGE` prints the "
        "gist of one stage. In commands, PORT stands for the target's port, FILE for a capture, PID for a process.",
        "Each stage has a state: *passed*, *stopped*, *took long* (it was passed late, or only after a repetition: a "
        "warning), *not known* or *not reached*.",
        bullets(_line(stage) for stage in Stage),
        *(_stage(stage) for stage in Stage),
    )


def _line(stage: Stage) -> str:
    after = f"; then the {MILESTONES[stage]}" if stage in MILESTONES else ""
    done = {"SYN": " is on the wire", "handshake": " is complete"}.get(MILESTONES.get(stage, ""), "")
    return f"[{stage.value}](#{stage.value}): {prose(STAGE_TEXTS[stage].short)}{after}{done}"


def _stage(stage: Stage) -> str:
    words = STAGE_TEXTS[stage]
    labels = " · ".join(f"[{label.value}](labels.md#{label.value.lower()})" for label in labels_at(stage))
    causes = " · ".join(f"[{cause.code} {cause.slug}](causes/{cause.slug}.md)" for cause in causes_at(stage))
    return "\n\n".join(
        (
            f"## {stage.value}",
            f"{sentence(words.short)} {prose(words.happens)}",
            f"**What proves that it was passed.** {prose(words.passed)}",
            f"**A stop here shows as** {labels}.",
            *([f"**Causes**, the most usual first: {causes}"] if causes else []),
            *_by_hand(looks_at(stage)),
        )
    )


def _by_hand(looks: Iterable[HandLook]) -> Iterable[str]:
    found = [*looks]
    for system, name in SYSTEMS.items():
        own = [look for look in found if look.os == system]
        if own:
            yield f"**By hand, on {name}:**"
        for look in own:
            # Indented as an item of a list, so that the command belongs to its question.
            command = block(GENERIC.fill(look.command, system), _SHELLS.get(system, "text")).replace(
                "\n", "\n  "
            )
            asks = prose(GENERIC.fill(look.asks))
            yield f"- Whether {asks}:\n\n  {command}\n\n  {sentence(GENERIC.fill(look.reading))}"
