"""What the causes share that say 'the usual causes, on a port with a role' (SYN161 to SYN163).

A model server, a vector store or a sidecar is refused, silent or broken for the same reasons as any other
service. Its role is worth naming, for its own log and its long start; it never explains more than the
underlying cause does, unless its own words are in the answer.
"""

from __future__ import annotations

from synscope.causes.cause import Signature, Signs, shows, yes
from synscope.model import Label

_TROUBLE: tuple[tuple[Label, str], ...] = (
    (Label.SYN_RST, "refused-by-rst"),
    (Label.SYN_NO_REPLY, "syn-unanswered"),
    (Label.HALF_OPEN, "half-open"),
    (Label.ODD_REPLY, "odd-reply"),
    (Label.COMPLETED, "reset-before-answer"),
    (Label.COMPLETED, "closed-before-answer"),
    (Label.COMPLETED, "server-silent"),
    (Label.COMPLETED, "late-answer"),
    (Label.COMPLETED, "http-server-error"),
    (Label.COMPLETED, "http-gateway-error"),
    (Label.COMPLETED, "http-unavailable"),
)

UNDERLYING: tuple[str, ...] = (
    "service-not-running",
    "crashed-before-bind",
    "crashed-after-bind",
    "startup-race",
    "resource-limits",
    "server-hung",
    "client-timeout-too-short",
    "application-error",
    "gateway-upstream",
)
"""Slugs of the causes that can lie under a role."""


def in_role(role: Signs) -> tuple[Signature, ...]:
    """Return the signatures of trouble on a port of which one of ``role`` tells the role."""
    return tuple(shows(label, requires=yes(sign), any_of=role) for label, sign in _TROUBLE)
