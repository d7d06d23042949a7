"""Port numbers: classes, usual listeners, blocked ports, the 16-bit wrap and typing errors."""

from __future__ import annotations

import pytest

from synscope.reference.port_uses import PORT_TAGS
from synscope.reference.ports import (
    BLOCKED_BY_BROWSERS,
    EPHEMERAL_RANGES,
    PORT_MAX,
    PORT_USES,
    PROXY_PORTS,
    REFUSING_CLIENTS,
    WRAPPING_CLIENTS,
    PortClass,
    classify,
    describe,
    usual,
    wrap,
)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (-1, PortClass.NOT_A_PORT),
        (0, PortClass.WELL_KNOWN),
        (80, PortClass.WELL_KNOWN),
        (1023, PortClass.WELL_KNOWN),
        (1024, PortClass.REGISTERED),
        (49151, PortClass.REGISTERED),
        (49152, PortClass.DYNAMIC),
        (62893, PortClass.DYNAMIC),
        (65535, PortClass.DYNAMIC),
        (65536, PortClass.NOT_A_PORT),
        (619009, PortClass.NOT_A_PORT),
    ],
)
def test_class(port: int, expected: PortClass) -> None:
    assert classify(port) is expected


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (0, "any free port"),
        (80, "privilege"),
        (8080, "any user may bind it"),
        (62893, "may differ after the next start"),
        (619009, "try port 29185 instead"),
        (-1, "not a port"),
    ],
)
def test_description(port: int, words: str) -> None:
    assert describe(port).startswith(f"{port} is ")
    assert words in describe(port)


def test_a_negative_number_is_not_said_to_wrap() -> None:
    assert "instead" not in describe(-1)


@pytest.mark.parametrize(
    ("port", "tag"),
    [
        (11434, "llm"),
        (8000, "llm"),
        (1234, "llm"),
        (7860, "llm"),
        (6333, "context"),
        (19530, "context"),
        (9901, "control-plane"),
        (15021, "control-plane"),
        (8500, "control-plane"),
        (10250, "control-plane"),
        (9229, "debug"),
        (5005, "debug"),
        (3128, "proxy"),
        (1080, "proxy"),
        (5432, "database"),
        (5173, "web"),
        (7000, "system"),
    ],
)
def test_usual_listeners(port: int, tag: str) -> None:
    assert any(tag in use.tags for use in usual(port))


def test_the_most_usual_listener_comes_first() -> None:
    assert usual(8000)[0].name.startswith("Django")


def test_an_unknown_port_has_no_usual_listener() -> None:
    assert usual(62893) == ()
    assert usual(619009) == ()


def test_the_table_is_in_order_and_well_formed() -> None:
    assert [use.port for use in PORT_USES] == sorted(use.port for use in PORT_USES)
    assert len({(use.port, use.name) for use in PORT_USES}) == len(PORT_USES)
    for use in PORT_USES:
        assert 0 < use.port <= PORT_MAX
        assert use.tags
        assert set(use.tags) <= PORT_TAGS
        assert use.name
        assert use.what
    assert {tag for use in PORT_USES for tag in use.tags} == PORT_TAGS


def test_proxy_ports() -> None:
    """What a capture looks for is in the table of habits."""
    assert {1080, 3128, 8080, 8118, 8888} <= PROXY_PORTS
    assert {use.port for use in PORT_USES if "proxy" in use.tags} >= PROXY_PORTS


def test_blocked_ports_are_those_of_the_fetch_standard() -> None:
    assert len(BLOCKED_BY_BROWSERS) == 83
    assert {0, 1, 22, 25, 6000, 6665, 6669, 6697, 10080, 4190, 6679, 989, 990} <= BLOCKED_BY_BROWSERS
    assert not {80, 443, 3000, 5000, 8000, 8080, 6379, 5432} & BLOCKED_BY_BROWSERS


def test_wrap() -> None:
    assert wrap(619009) == 29185
    assert wrap(65536) == 0
    assert wrap(8080) == 8080


def test_no_client_both_refuses_and_wraps() -> None:
    refusing = {row.client for row in REFUSING_CLIENTS}
    wrapping = {row.client for row in WRAPPING_CLIENTS}
    assert not refusing & wrapping
    assert all(row.says for row in (*REFUSING_CLIENTS, *WRAPPING_CLIENTS))


def test_ephemeral_ranges_name_their_source() -> None:
    assert {row.system for row in EPHEMERAL_RANGES} == {"Linux", "Windows", "macOS"}
    for row in EPHEMERAL_RANGES:
        assert 0 < row.first < row.last <= PORT_MAX
        assert row.source.startswith("https://")
