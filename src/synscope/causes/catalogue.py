"""All causes, in order, and how to find one by code or slug.

The list is explicit: a new cause is a new file and a line in each of the two lists below. A code stays
with its cause for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.causes import (
    accept_queue_overflow,
    address_family_mismatch,
    application_error,
    bind_permission_denied,
    client_blocks_port,
    client_other_transport,
    client_source_address,
    client_timeout_too_short,
    container_mapping,
    context_service,
    control_plane_endpoint,
    crashed_after_bind,
    crashed_before_bind,
    deferred_accept,
    ebpf_program,
    exposure,
    family_disabled,
    firewall_drop,
    firewall_reject,
    gateway_upstream,
    host_refused,
    link_down,
    llm_backend,
    loopback_down,
    name_resolution,
    next_hop_silent,
    one_address_refused,
    packet_discarded,
    port_conflict,
    port_number_shortened,
    port_out_of_range,
    protocol_mismatch,
    proxy_misdirect,
    redirect_elsewhere,
    reset_after_answer,
    resource_limits,
    route_leads_away,
    security_policy,
    self_connection,
    server_hung,
    service_limit,
    service_loading,
    service_not_running,
    source_port_in_use,
    stack_fault,
    startup_race,
    tcp_md5_wanted,
    tls_certificate,
    took_long,
    wrong_bind_address,
    wrong_port,
)
from synscope.causes.cause import Cause

CATALOGUE: Final[tuple[Cause, ...]] = (
    # SYN10x: nobody serves the port, or not here
    service_not_running.CAUSE,
    crashed_before_bind.CAUSE,
    crashed_after_bind.CAUSE,
    wrong_bind_address.CAUSE,
    address_family_mismatch.CAUSE,
    wrong_port.CAUSE,
    startup_race.CAUSE,
    port_conflict.CAUSE,
    bind_permission_denied.CAUSE,
    container_mapping.CAUSE,
    security_policy.CAUSE,
    self_connection.CAUSE,
    # SYN12x: something stands in between
    firewall_reject.CAUSE,
    firewall_drop.CAUSE,
    route_leads_away.CAUSE,
    ebpf_program.CAUSE,
    packet_discarded.CAUSE,
    next_hop_silent.CAUSE,
    link_down.CAUSE,
    # SYN13x: the server is there and cannot keep up
    accept_queue_overflow.CAUSE,
    resource_limits.CAUSE,
    server_hung.CAUSE,
    client_timeout_too_short.CAUSE,
    deferred_accept.CAUSE,
    # SYN14x: the client does not get as far as a SYN
    port_out_of_range.CAUSE,
    client_blocks_port.CAUSE,
    proxy_misdirect.CAUSE,
    name_resolution.CAUSE,
    loopback_down.CAUSE,
    stack_fault.CAUSE,
    client_other_transport.CAUSE,
    client_source_address.CAUSE,
    source_port_in_use.CAUSE,
    family_disabled.CAUSE,
    # SYN15x: the connection works, what is said on it does not
    protocol_mismatch.CAUSE,
    tls_certificate.CAUSE,
    application_error.CAUSE,
    gateway_upstream.CAUSE,
    service_loading.CAUSE,
    service_limit.CAUSE,
    redirect_elsewhere.CAUSE,
    host_refused.CAUSE,
    # Below the protocols, and yet an agreement of the two ends
    tcp_md5_wanted.CAUSE,
    # SYN16x: the usual causes on a port with a role
    llm_backend.CAUSE,
    context_service.CAUSE,
    control_plane_endpoint.CAUSE,
    # SYN17x, SYN18x: warnings and notes
    exposure.CAUSE,
    took_long.CAUSE,
    one_address_refused.CAUSE,
    reset_after_answer.CAUSE,
    port_number_shortened.CAUSE,
)

by_code: Final[Mapping[str, Cause]] = MappingProxyType({cause.code: cause for cause in CATALOGUE})
by_slug: Final[Mapping[str, Cause]] = MappingProxyType({cause.slug: cause for cause in CATALOGUE})


def find(text: str) -> Cause | None:
    """Return the cause that ``text`` names: ``SYN101``, ``syn101``, ``101`` or its slug; else ``None``."""
    word = text.strip().lower().replace("_", "-").replace(" ", "-")
    code = word.upper() if word.startswith("syn") else f"SYN{word}"
    return by_slug.get(word) or by_code.get(code)


def suggest(text: str) -> tuple[str, ...]:
    """Return up to three slugs that resemble ``text``, best first, for a message about a typo."""
    word = text.strip().lower().replace("_", "-").replace(" ", "-")
    import difflib  # noqa: PLC0415 - for a typo only

    parts = [slug for slug in by_slug if word and word in slug]
    close = difflib.get_close_matches(word, list(by_slug), n=3, cutoff=0.5)
    return tuple(dict.fromkeys(parts + close))[:3]
