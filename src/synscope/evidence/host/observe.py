"""Answer every question about the host that the vocabulary has, from one snapshot or several.

Input: the target, the snapshots in order of time (before, during, after), and what the packets say about where
attempts failed. Output: one ``Observation`` for each of ``QUESTIONS``. Pure: nothing is looked up, whatever the
snapshots hold. The words about errors that a program printed are answered by ``session.client_errors``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from synscope.evidence.host import firewall as observe_firewall
from synscope.evidence.host import limits as observe_limits
from synscope.evidence.host import listeners as observe_listeners
from synscope.evidence.host import names as observe_names
from synscope.evidence.host import surroundings as observe_surroundings
from synscope.evidence.host.host_view import NO_SNAPSHOT, Sight, Use, no, unknown
from synscope.evidence.packets.view import Verdict
from synscope.model import Observation, Source, Target
from synscope.probes.host.snapshot import Snapshot

QUESTIONS: Final[dict[str, Callable[[Sight], Verdict]]] = {
    "listener-on-target": observe_listeners.listener_on_target,
    "listener-on-other-address": observe_listeners.listener_on_other_address,
    "listener-on-other-family": observe_listeners.listener_on_other_family,
    "listener-on-similar-port": observe_listeners.listener_on_similar_port,
    "listener-on-another-port": observe_listeners.listener_on_another_port,
    "listener-appeared-later": observe_listeners.listener_appeared_later,
    "listener-vanished": observe_listeners.listener_vanished,
    "listener-in-other-namespace": observe_listeners.listener_in_other_namespace,
    "listener-in-linked-namespace": observe_listeners.listener_in_linked_namespace,
    "bound-not-listening": observe_listeners.bound_not_listening,
    "port-held": observe_listeners.port_held,
    "port-is-privileged": observe_limits.port_is_privileged,
    "udp-or-unix-lookalike": observe_listeners.udp_or_unix_lookalike,
    "firewall-rule-drops": observe_firewall.firewall_rule_drops,
    "firewall-rule-rejects": observe_firewall.firewall_rule_rejects,
    "no-firewall-rule": observe_firewall.no_firewall_rule,
    "accept-queue-full": observe_listeners.accept_queue_full,
    "server-process-stopped": observe_listeners.server_process_stopped,
    "server-out-of-descriptors": observe_listeners.server_out_of_descriptors,
    "client-out-of-resources": observe_listeners.client_out_of_resources,
    "proxy-configured": observe_surroundings.proxy_configured,
    "localhost-resolves-wrong": observe_names.localhost_resolves_wrong,
    "went-where-name-leads": observe_names.went_where_name_leads,
    "loopback-is-down": observe_surroundings.loopback_is_down,
    "container-publishes-port": observe_firewall.container_publishes_port,
    "port-has-two-programs": observe_listeners.port_has_two_programs,
    "other-program-owns-port": observe_listeners.other_program_owns_port,
    "balancer-owns-port": observe_listeners.balancer_owns_port,
    "owner-speaks-otherwise": observe_listeners.owner_speaks_otherwise,
    "policy-denied": observe_surroundings.policy_denied,
    "listener-exposed": observe_listeners.listener_exposed,
}
"""Every word of the vocabulary that a look at the host answers → the question behind it."""

_OF_A_PORT: Final = frozenset(
    QUESTIONS.keys()
    - {"listener-on-similar-port", "proxy-configured", "localhost-resolves-wrong", "loopback-is-down"}
    - {"client-out-of-resources", "went-where-name-leads"}
)
"""Questions that make sense only for a number that is a TCP port."""


def observe_host(  # noqa: PLR0913 - each is something else that the caller may know
    target: Target,
    snapshots: Sequence[Snapshot],
    *,
    environment_known: bool,
    failed_at: Sequence[str] = (),
    client: str | None = None,
    spoken: Sequence[str] = (),
    use: Use | None = None,
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order.

    ``environment_known`` says that the snapshots hold the client's proxy variables. ``failed_at`` are the server
    addresses of the attempts that failed: a listener counts only when it serves them. ``client`` is one of
    ``proxy.CLIENTS``, where the client's kind is known. ``spoken`` are the families of protocols (``payload``) in
    which clients asked and got no answer. ``use`` is how the command goes about the target, where there is one.
    """
    sight = Sight(target, tuple(snapshots), environment_known, tuple(failed_at), client, tuple(spoken), use)
    return [_observation(name, question, sight) for name, question in QUESTIONS.items()]


def _observation(name: str, question: Callable[[Sight], Verdict], sight: Sight) -> Observation:
    target = sight.target
    if not sight.snapshots:
        verdict = unknown(NO_SNAPSHOT)
    elif name in _OF_A_PORT and not target.is_port:
        verdict = no(f"{target.port} is no TCP port")
    elif name in _OF_A_PORT and target.port not in sight.last.ports:
        verdict = unknown(f"port {target.port} was not among those looked at")
    else:
        verdict = question(sight)
    return Observation(name, verdict.answer, Source.HOST, verdict.text)
