"""Answer every question that a capture can answer about one target.

Input: the target's summary, the other targets of the same capture, and when the capture ends. Output:
one ``Observation`` for each word of ``vocabulary`` whose source is packets or payload, and
``target-is-loopback`` when the request leaves it open. Pure: no I/O, no clock; any bytes and any
attempts give an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from synscope.evidence.packets import (
    addresses,
    elsewhere,
    exchange,
    handshake,
    icmp,
    resets,
    timeline,
)
from synscope.evidence.packets.icmp import ICMP_ERRNO
from synscope.evidence.packets.view import Verdict, View
from synscope.evidence.payload import declined, http_answers, mismatch, service_errors, unfinished
from synscope.evidence.vocabulary import WORDS
from synscope.model import Observation, Source, TargetSummary
from synscope.reference.loopback import names_loopback

__all__ = ["ICMP_ERRNO", "QUESTIONS", "observe_packets"]

QUESTIONS: Final[dict[str, Callable[[View], Verdict]]] = {
    "no-syn-to-target": handshake.no_syn_to_target,
    "refused-by-rst": handshake.refused_by_rst,
    "always-refused": handshake.always_refused,
    "refused-by-icmp": icmp.refused_by_icmp,
    "unreachable-by-icmp": icmp.unreachable_by_icmp,
    "syn-unanswered": handshake.syn_unanswered,
    "syn-repeated": handshake.syn_repeated,
    "half-open": handshake.half_open,
    "client-refused-syn-ack": handshake.client_refused_syn_ack,
    "odd-reply": handshake.odd_reply,
    "some-completed": handshake.some_completed,
    "always-completed": handshake.always_completed,
    "success-after-failures": timeline.success_after_failures,
    "failures-after-success": timeline.failures_after_success,
    "mixed-results": timeline.mixed_results,
    "other-family-completed": elsewhere.other_family_completed,
    "other-address-completed": elsewhere.other_address_completed,
    "recovered-at-other-address": timeline.recovered_at_other_address,
    "similar-port-completed": elsewhere.similar_port_completed,
    "similar-port-tried": elsewhere.similar_port_tried,
    "proxy-port-tried": elsewhere.proxy_port_tried,
    "another-port-failed": elsewhere.another_port_failed,
    "another-port-completed": elsewhere.another_port_completed,
    "refused-address-is-ipv6-only": addresses.refused_address_is_ipv6_only,
    "unusual-loopback-address": elsewhere.unusual_loopback_address,
    "refused-address-is-ipv4-only": addresses.refused_address_is_ipv4_only,
    "wrapped-port-seen": elsewhere.wrapped_port_seen,
    "many-completed-before-silence": timeline.many_completed_before_silence,
    "loopback-traffic": addresses.loopback_traffic,
    "rst-looks-like-kernel": resets.rst_looks_like_kernel,
    "rst-looks-like-firewall": resets.rst_looks_like_firewall,
    "rst-looks-like-application": resets.rst_looks_like_application,
    "reset-before-answer": exchange.reset_before_answer,
    "reset-after-answer": exchange.reset_after_answer,
    "closed-before-answer": exchange.closed_before_answer,
    "closed-while-others-stayed": exchange.closed_while_others_stayed,
    "server-silent": exchange.server_silent,
    "request-acknowledged": exchange.request_acknowledged,
    "request-not-acknowledged": exchange.request_not_acknowledged,
    "answer-not-acknowledged": exchange.answer_not_acknowledged,
    "client-gave-up": exchange.client_gave_up,
    "server-closed-in-turn": exchange.server_closed_in_turn,
    "late-answer": exchange.late_answer,
    "reset-by-client": exchange.reset_by_client,
    "tls-to-plain-server": mismatch.tls_to_plain_server,
    "plain-to-tls-server": mismatch.plain_to_tls_server,
    "other-protocol-greeting": mismatch.other_protocol_greeting,
    "answer-not-http": declined.answer_not_http,
    "upgrade-refused": declined.upgrade_refused,
    "tls-declined": declined.tls_declined,
    "tls-certificate-rejected": mismatch.tls_certificate_rejected,
    "tls-alert": mismatch.tls_alert,
    "tls-left-unused": mismatch.tls_left_unused,
    "tls-spoken": mismatch.tls_spoken,
    "tls-hello-unanswered": mismatch.tls_hello_unanswered,
    "port-of-other-protocol": mismatch.port_of_other_protocol,
    "answer-cut-short": unfinished.answer_cut_short,
    "answer-stalled": unfinished.answer_stalled,
    "request-after-close": unfinished.request_after_close,
    "http-client-error": http_answers.http_client_error,
    "http-server-error": http_answers.http_server_error,
    "gateway-names-itself": http_answers.gateway_names_itself,
    "http-gateway-error": http_answers.http_gateway_error,
    "http-unavailable": http_answers.http_unavailable,
    "service-error": service_errors.service_error,
    "service-full": service_errors.service_full,
    "model-failed": http_answers.model_failed,
    "http-loading": http_answers.http_loading,
    "error-then-success": http_answers.error_then_success,
    "llm-api": http_answers.llm_api,
    "context-api": http_answers.context_api,
    "control-plane-api": http_answers.control_plane_api,
    "host-header-out-of-range": elsewhere.host_header_out_of_range,
    "proxy-request-names-target": elsewhere.proxy_request_names_target,
    "gateway-upstream-failed": elsewhere.gateway_upstream_failed,
    "upstream-attempt-failed": elsewhere.upstream_attempt_failed,
    "failed-attempt-before-error": elsewhere.failed_attempt_before_error,
    "dns-query-for-localhost": elsewhere.dns_query_for_localhost,
    "rst-without-syn": handshake.rst_without_syn,
}
"""Every word of the vocabulary that packets and payload answer → the question behind it."""


def observe_packets(
    summary: TargetSummary,
    others: Sequence[TargetSummary],
    *,
    end_ts_ns: int | None,
    linktypes: Sequence[str] = (),
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order.

    ``others`` are the other targets seen in the capture (``summary`` itself is ignored among them);
    ``end_ts_ns`` is the time of the capture's last frame, ``None`` when unknown; ``linktypes`` are those
    of ``CaptureHealth``: they tell whether the capture can be Linux's, where an RST's traits are known.
    """
    view = View(summary, others, end_ts_ns, tuple(linktypes))
    found = [_observation(name, WORDS[name].source, question(view)) for name, question in QUESTIONS.items()]
    if names_loopback(summary.target.host) is None:
        found.append(_observation("target-is-loopback", Source.PACKETS, addresses.target_is_loopback(view)))
    return found


def _observation(name: str, source: Source, verdict: Verdict) -> Observation:
    return Observation(name, verdict.answer, source, verdict.text, verdict.frames)
