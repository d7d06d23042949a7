"""Answer every question that a capture can answer about one target.

Input: the target's summary, the other targets of the same capture, and when the capture ends. Output: one
``Observation`` for each of ``QUESTIONS``. Pure: no I/O, no clock; any bytes and any attempts give an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synscope.evidence.packets import (
    addresses,
    delays,
    elsewhere,
    endings,
    exchange,
    handshake,
    icmp,
    intermediaries,
    resets,
    signatures,
    timeline,
)
from synscope.evidence.packets.view import PacketsView
from synscope.evidence.payload import (
    declined,
    host_headers,
    http_answers,
    limits,
    mismatch,
    redirects,
    service_errors,
    starting,
    tls_refusals,
    unfinished,
    usual_owner,
)
from synscope.evidence.question import Asked, collected
from synscope.model import Observation, TargetSummary

QUESTIONS: Final[tuple[Asked, ...]] = collected(
    handshake,
    icmp,
    timeline,
    delays,
    addresses,
    elsewhere,
    intermediaries,
    resets,
    signatures,
    exchange,
    endings,
    mismatch,
    tls_refusals,
    declined,
    unfinished,
    http_answers,
    starting,
    service_errors,
    limits,
    redirects,
    host_headers,
    usual_owner,
)
"""What packets and first bytes answer."""


def observe_packets(
    summary: TargetSummary,
    others: Sequence[TargetSummary],
    *,
    end_ts_ns: int | None,
    linktypes: Sequence[str] = (),
    missing: str = "",
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order.

    ``others`` are the other targets seen in the capture (``summary`` itself is ignored among them);
    ``end_ts_ns`` is the time of the capture's last frame, ``None`` when unknown; ``linktypes`` are those
    of ``CaptureHealth``: they tell whether the capture can be Linux's, where an RST's traits are known.
    ``missing`` says what the capture lacks: a cut end, frames that could not be read.
    """
    view = PacketsView(summary, others, end_ts_ns, tuple(linktypes), missing)
    return [asked.question.observed(asked.answer(view)) for asked in QUESTIONS]
