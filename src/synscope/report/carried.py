"""What a diagnosis that a capture file carries says, taken apart for a person.

Input: an ``Attachment``, whose text may be anything. Output: the few facts that are shown of it, or ``None`` where
it is no report of ours. Labels, codes and words of confidence are only taken where they are ones we use; every
other text is cut short, and shown escaped like everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from synscope.model import Attachment, Canary, Confidence, Kind, Label

_MOST_TARGETS: Final = 5
_LONGEST: Final = 100
_CODE = re.compile("SYN[0-9]{3}")
_LABELS: Final = frozenset(label.value for label in Label)
_CONFIDENCES: Final = frozenset(word.value for word in Confidence if word is not Confidence.RULED_OUT)
_CANARY: Final = frozenset(state.value for state in Canary)


class CarriedTarget(NamedTuple):
    """What it says of one target."""

    target: str
    label: str
    title: str = ""
    """Of the best finding that is a failure."""
    verdict: str = ""
    """That finding's confidence and code."""


class Carried(NamedTuple):
    """What it says."""

    targets: tuple[CarriedTarget, ...]
    more: int
    """How many further targets there are."""
    interface: str
    lost: int | None
    canary: str
    """A value of ``model.Canary``, empty where it says none."""


def carried(attachment: Attachment) -> Carried | None:
    """Return what ``attachment`` says, ``None`` when it is no report with a capture in it."""
    import json  # noqa: PLC0415 - few captures carry anything

    try:
        document = json.loads(attachment.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("type") != "report":
        return None
    capture = next(_objects(document, "captures"), None)
    if capture is None:
        return None
    health = capture.get("health")
    health = health if isinstance(health, dict) else {}
    targets = [record for record in _objects(capture, "targets") if _is_target(record)]
    canary = health.get("canary")
    lost = health.get("dropped")
    return Carried(
        targets=tuple(_target(record, capture) for record in targets[:_MOST_TARGETS]),
        more=max(0, len(targets) - _MOST_TARGETS),
        interface=_text(health, "interface"),
        lost=lost if type(lost) is int and 0 <= lost < 1 << 63 else None,
        canary=canary if isinstance(canary, str) and canary in _CANARY else "",
    )


def _is_target(record: Mapping[str, object]) -> bool:
    return bool(_text(record, "target")) and _text(record, "label") in _LABELS


def _target(record: Mapping[str, object], capture: Mapping[str, object]) -> CarriedTarget:
    name, label = _text(record, "target"), _text(record, "label")
    for finding in _objects(capture, "findings"):
        confidence, code = finding.get("confidence"), finding.get("code")
        if (
            finding.get("target") == record.get("target")
            and finding.get("kind") == Kind.FAILURE.value
            and isinstance(confidence, str)
            and confidence in _CONFIDENCES
            and isinstance(code, str)
            and _CODE.fullmatch(code)
        ):
            return CarriedTarget(name, label, _text(finding, "title"), f"{confidence} · {code}")
    return CarriedTarget(name, label)


def _objects(record: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    items = record.get(name)
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            yield item


def _text(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    text = value if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
