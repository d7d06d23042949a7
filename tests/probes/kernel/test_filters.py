"""Filters name this kernel's numbers, and refuse events that lack a field."""

from __future__ import annotations

import pytest

from synscope.probes.kernel.filters import (
    BIND,
    DROP,
    END,
    FORK,
    KILLED,
    MOST_PORTS,
    RESET,
    ROUTE_4,
    STATE,
    UNSHARE,
    UnusableError,
    filter_of,
    legs_filter_of,
    tree_filter_of,
)
from tests.evidence.kernel.recorded import (
    FORMATS_6_18,
    KFREE_SKB_5_17,
    KFREE_SKB_6_18,
    KFREE_SKB_WITHOUT_REASON,
)

TEXT = FORMATS_6_18[STATE]


def test_ordinary_reasons_have_each_kernels_own_numbers() -> None:
    families = "(protocol == 2048 || protocol == 34525)"
    assert filter_of(DROP, KFREE_SKB_5_17, []) == families
    some = KFREE_SKB_6_18.replace(
        "{ 12,", '{ 29, "TCP_OLD_ACK" }, { 99, "A_NEW_ONE" }, { 104, "QUEUE_PURGE" }, { 12,'
    )
    assert filter_of(DROP, some, []) == f"{families} && reason != 29 && reason != 104"


def test_connects_of_the_watched_ports_only() -> None:
    text = filter_of(STATE, TEXT, [8080, 80])
    assert text.startswith("protocol == 6 && (")
    assert "(dport == 80 || dport == 8080)" in text
    assert "sport" not in text, "listeners are wanted of every port"
    assert "port" not in filter_of(STATE, TEXT, [])
    assert "port" not in filter_of(STATE, TEXT, range(MOST_PORTS + 1))
    assert len(filter_of(STATE, TEXT, range(60_000, 60_000 + MOST_PORTS))) < 4096


def test_of_a_servers_processes_connects_and_their_ends_alone() -> None:
    """1 is ESTABLISHED, 2 SYN_SENT, 4 FIN_WAIT1, 7 CLOSE, 8 CLOSE_WAIT, 9 LAST_ACK (tcp_states.h)."""
    text = legs_filter_of(STATE, TEXT, [8080])
    assert "(oldstate == 7 && newstate == 2) || oldstate == 2" in text
    assert "(oldstate == 1 && (newstate == 4 || newstate == 7))" in text
    assert "(oldstate == 8 && (newstate == 9 || newstate == 7))" in text
    assert text.count("sport != 8080") == 1, "connections that it took are no connects of its own"


def test_resets_are_all_wanted() -> None:
    assert filter_of(RESET, FORMATS_6_18[RESET], [80]) == ""


@pytest.mark.parametrize("text", [KFREE_SKB_WITHOUT_REASON, "", KFREE_SKB_6_18.replace("{", "(")])
def test_an_event_of_no_use(text: str) -> None:
    with pytest.raises(UnusableError):
        filter_of(DROP, text, [])


def test_of_a_command_its_calls() -> None:
    result = "\tfield:long ret;\n"
    assert filter_of(BIND, result, []) == "ret < 0"
    assert tree_filter_of(f"{END}socket", result) == ""
    assert tree_filter_of(FORK, "") == ""
    assert tree_filter_of(UNSHARE, "\tfield:unsigned long unshare_flags;\n") == "unshare_flags & 1073741824"
    assert tree_filter_of(KILLED, "\tfield:int sig;\n") == "sig == 31"
    assert tree_filter_of(STATE, TEXT) == "protocol == 6 && oldstate == 7 && newstate == 2"
    with pytest.raises(UnusableError):
        tree_filter_of(ROUTE_4, "\tfield:int err;\n")
