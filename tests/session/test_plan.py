"""What follows from a plan before anything is opened."""

from __future__ import annotations

from synscope.evidence.packets.summary import PROXY_PORTS
from synscope.model import Target
from synscope.session.plan import Plan

TARGET = Target("62893", 62893)


def test_of_a_number_beyond_all_ports_what_clients_make_of_it_is_captured() -> None:
    assert Plan((TARGET, Target("65616", 65616))).ports == {62893, 80}


def test_another_network_is_one_that_is_private_or_named() -> None:
    assert not Plan((TARGET,)).is_of_another_network
    assert Plan((TARGET,), isolated=True).is_of_another_network
    assert Plan((TARGET,), namespace="/run/netns/web").is_of_another_network


def test_proxy_ports_are_those_of_the_environment_and_the_usual_ones() -> None:
    """Whatever a variable holds; exceptions name no proxy."""
    environment = {
        "http_proxy": "http://user:secret@127.0.0.1:4711/",
        "HTTPS_PROXY": "localhost:4712",
        "all_proxy": "http://[::1]:99999",
        "no_proxy": "localhost:4713",
    }
    assert Plan((TARGET,), environment=environment).proxy_ports == PROXY_PORTS | {4711, 4712}
