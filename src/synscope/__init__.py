"""Why can't my client connect to localhost:PORT? A packet-level answer.

These names are the library's interface: ``docs/api.md`` shows them and says what is promised about them. Each is
imported when it is first used, so that ``import synscope`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from synscope._version import VERSION

if TYPE_CHECKING:
    from synscope.capture.source import CaptureError
    from synscope.library.analyzer import Analyzer, analyze
    from synscope.library.expectation import expect
    from synscope.library.live import LiveCapture, live
    from synscope.model import (
        Attempt,
        Confidence,
        Diagnosis,
        Finding,
        Kind,
        Label,
        Outcome,
        Target,
        TargetDiagnosis,
    )
    from synscope.process.errors import SessionError
    from synscope.targets import TargetError

__version__ = VERSION

__all__ = [
    "Analyzer",
    "Attempt",
    "CaptureError",
    "Confidence",
    "Diagnosis",
    "Finding",
    "Kind",
    "Label",
    "LiveCapture",
    "Outcome",
    "SessionError",
    "Target",
    "TargetDiagnosis",
    "TargetError",
    "__version__",
    "analyze",
    "expect",
    "live",
]

_HOMES = {
    "Analyzer": "library.analyzer",
    "Attempt": "model",
    "CaptureError": "capture.source",
    "Confidence": "model",
    "Diagnosis": "model",
    "Finding": "model",
    "Kind": "model",
    "Label": "model",
    "LiveCapture": "library.live",
    "Outcome": "model",
    "SessionError": "process.errors",
    "Target": "model",
    "TargetDiagnosis": "model",
    "TargetError": "targets",
    "analyze": "library.analyzer",
    "expect": "library.expectation",
    "live": "library.live",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
