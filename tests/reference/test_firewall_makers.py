"""Who made a rule, by the names that programs give."""

from __future__ import annotations

import pytest

from synscope.reference.firewall_makers import maker_of, maker_of_policy


@pytest.mark.parametrize(
    ("table", "chain", "comments", "maker"),
    [
        ("filter", "DOCKER-USER", "", "Docker"),
        ("filter", "ufw-user-input", "", "ufw"),
        ("firewalld", "filter_IN_public", "", "firewalld"),
        ("filter", "KUBE-SERVICES", "", "Kubernetes"),
        ("filter", "LIBVIRT_FWI", "", "libvirt"),
        ("filter", "FORWARD", '-m comment --comment "kubernetes forwarding rules" -j DROP', "Kubernetes"),
        ("filter", "INPUT", "-j DROP", ""),
        ("mine", "input", "drop", ""),
    ],
)
def test_maker_of(table: str, chain: str, comments: str, maker: str) -> None:
    assert maker_of(table, chain, comments) == maker


def test_a_policy_is_of_the_only_program_in_its_table() -> None:
    ufw, docker = ("filter", "ufw-before-input"), ("filter", "DOCKER-USER")
    assert maker_of_policy("filter", "INPUT", [ufw]) == "ufw"
    assert not maker_of_policy("filter", "INPUT", [ufw, docker])
    assert not maker_of_policy("filter", "INPUT", [("nat", "DOCKER")])
    assert maker_of_policy("firewalld", "filter_INPUT", []) == "firewalld"
