"""What a stop at a stage predicts by itself, whatever its reason: the stages' own part in the ranking.

A cause inherits the predictions of its stage: who speaks of them speaks of all its causes at once. They weigh and
rule nothing out, for a cause may stop a connection at another stage of the bracket.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.causes.cause import Prediction, never, seldom, usually
from synscope.causes.likelihood import factor
from synscope.model import Label, Observation, Stage

PREDICTS: Final[Mapping[Stage, tuple[Prediction, ...]]] = MappingProxyType(
    {
        # A number that stops a client is none of the wire, or the client says so.
        Stage.NUMBER: (usually("port-above-65535", "port-zero", "client-error-port-invalid"),),
        # Whoever is stopped on the way out had set out.
        Stage.OUT: (usually("kernel-saw-own-connect", "kernel-saw-connect-without-syn"),),
        # A stack that finds no socket says so itself, with its own RST, and never in ICMP.
        Stage.LISTENER: (
            usually("kernel-says-no-socket", "kernel-says-stack-reset"),
            usually("rst-looks-like-kernel"),
            never("rst-looks-like-firewall"),
            seldom("refused-by-icmp", "unreachable-by-icmp"),
            seldom("firewall-rule-drops", "firewall-rule-rejects"),
        ),
        # A rule or a policy meets every connection alike.
        Stage.IN: (seldom("accept-queue-full", "kernel-says-queue-full"), seldom("some-completed")),
        Stage.QUEUE: (seldom("refused-by-icmp", "unreachable-by-icmp"), usually("listener-on-target")),
        # The kernel takes the request, and nobody reads it.
        Stage.ACCEPT: (
            usually("server-silent", "answer-stalled"),
            seldom("request-not-acknowledged", "answer-not-acknowledged"),
            seldom("http-client-error", "http-server-error", "http-gateway-error", "http-unavailable"),
        ),
        Stage.CARRY: (usually("request-not-acknowledged", "answer-not-acknowledged", "firewall-rule-drops"),),
    },
)


def stage_factors(stage: Stage, label: Label, observations: Mapping[str, Observation]) -> float:
    """Return the logarithm of what the answers make of a stop at ``stage``."""
    found = (factor(prediction, label, observations) for prediction in PREDICTS.get(stage, ()))
    return sum(each.weight for each in found if each is not None)
