"""The table of how to ask a service by hand."""

from __future__ import annotations

import pytest

from synscope.reference.probing import BY_FAMILY, BY_SCHEME, PROBES, USUAL, Probe
from synscope.reference.programs import SERVERS


@pytest.mark.parametrize("probe", PROBES.values(), ids=lambda probe: probe.name)
def test_a_probe_names_the_target_and_what_a_good_answer_is(probe: Probe) -> None:
    for system in ("linux", "macos", "windows"):
        command = probe.on(system)
        assert "{port}" in command
        assert "{host}" in command or "{address}" in command
    assert probe.answer


def test_only_http_is_asked_by_curl() -> None:
    assert {name for name, probe in PROBES.items() if "curl" in probe.unix} == {"http", "h2c", "tls"}


def test_tables_lead_to_rows() -> None:
    assert {USUAL, *BY_FAMILY.values(), *BY_SCHEME.values()} <= set(PROBES)
    families = {family for takes in SERVERS.values() for family in takes}
    unprobed = {"RDP", "SMB", "RPC", "rsync", "distcc", "GDB's remote protocol"}
    assert families - unprobed <= set(BY_FAMILY)
