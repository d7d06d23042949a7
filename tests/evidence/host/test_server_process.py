"""Who was at the server's end, by looks before and after: agreement, doubt and what leads elsewhere."""

from __future__ import annotations

import pytest

from synscope.evidence.host import server_process as module
from synscope.evidence.host.server_process import looks_around
from synscope.model import Attempt, Endpoint, EndProcess, ProcessSource
from synscope.probes.host.snapshot import (
    Firewall,
    LocalSocket,
    Loopback,
    Owner,
    RuleVerdict,
    Snapshot,
    Untold,
)
from tests.report import samples

from .builders import BOTH, NOW, PORT, listener, process, rulings, snapshot

NODE = Owner(7, "node", "www", 33, "0123456789ab", "web.service")
OTHER = Owner(8, "python3", "www", 33)
FOUND = EndProcess(7, "node", 33, "0123456789ab", "web.service", ProcessSource.HOST)


def attempt(address: str = "127.0.0.1", *, answered: bool = True) -> Attempt:
    """One that began at ``NOW``."""
    made = samples.answered(1) if answered else samples.refused(1)
    return made._replace(server=Endpoint(address, PORT), first_ts_ns=NOW, syn_ack_count=int(answered))


def look(*listeners: LocalSocket, later_s: float = 0, **more: object) -> Snapshot:
    """A look so many seconds after the attempt."""
    return snapshot(*listeners, taken_ns=NOW + int(later_s * 1e9), **more)


HAS = listener(owners=(NODE,))


def server_process(made: Attempt, looks: list[Snapshot]) -> EndProcess | None:
    """Who was there, by all looks."""
    around = looks_around(made, looks)
    return module.server_process(made.server, *around, answered=made.syn_ack_count > 0)


def test_one_that_answered() -> None:
    assert server_process(attempt(), [look(HAS, later_s=-1)]) == FOUND
    assert server_process(attempt(), [look(later_s=-1), look(HAS, later_s=1)]) == FOUND
    assert server_process(attempt(), [look(HAS, later_s=-1), look(later_s=1)]) == FOUND
    assert server_process(attempt(), []) is None
    assert server_process(attempt(), [look(later_s=-1)]) is None


def test_the_looks_nearest_in_time_count() -> None:
    other = listener(owners=(OTHER,))
    looks = [look(other, later_s=-2), look(HAS, later_s=-1), look(HAS, later_s=1), look(other, later_s=2)]
    assert server_process(attempt(), looks) == FOUND
    assert server_process(attempt(), [look(HAS, later_s=-1), look(other, later_s=1)]) is None


def test_one_that_was_not_answered_needs_both_looks() -> None:
    silent = attempt(answered=False)
    both = [look(HAS, later_s=-1), look(HAS, later_s=1)]
    assert server_process(silent, both) == FOUND
    assert server_process(silent, both[:1]) is None
    assert server_process(silent, both[1:]) is None
    assert server_process(silent, [both[0], look(later_s=1)]) is None


@pytest.mark.parametrize(
    ("listeners", "address", "found"),
    [
        ((listener("0.0.0.0", owners=(NODE,)),), "127.0.0.1", True),
        ((listener("::", owners=(NODE,)),), "127.0.0.1", True),
        ((listener("::", owners=(NODE,), v6only=True),), "127.0.0.1", False),
        ((listener("0.0.0.0", owners=(OTHER,)), HAS), "127.0.0.1", True),
        ((listener("0.0.0.0", owners=(NODE,)), listener("::", owners=(OTHER,))), "127.0.0.1", True),
        ((listener("127.0.0.2", owners=(NODE,)),), "127.0.0.1", False),
        ((listener("0.0.0.0", owners=(NODE,)),), "192.0.2.9", False),
        ((listener("192.0.2.9", owners=(NODE,)),), "192.0.2.9", True),
        ((listener(owners=(), owner_untold="it needs root"),), "127.0.0.1", False),
    ],
)
def test_the_listener_that_the_kernel_would_choose(
    listeners: tuple[LocalSocket, ...], address: str, *, found: bool
) -> None:
    expected = FOUND if found else None
    assert server_process(attempt(address), [look(*listeners, later_s=-1)]) == expected


def test_an_address_of_another_interface() -> None:
    here = Loopback("lo", True, BOTH, "local dev lo", "local dev lo", others=("192.0.2.9",))
    taken = look(listener("0.0.0.0", owners=(NODE,)), later_s=-1, loopback=here)
    assert server_process(attempt("192.0.2.9"), [taken]) == FOUND


def test_several_processes_that_share_a_listener() -> None:
    worker = NODE._replace(pid=9)
    shared = listener(owners=(worker, NODE))
    tree = (process(7), process(9, ancestors=(7, 1)))
    assert server_process(attempt(), [look(shared, later_s=-1, processes=tree)]) == FOUND
    assert server_process(attempt(), [look(shared, later_s=-1)]) == FOUND._replace(pid=None)
    strangers = listener(owners=(NODE, OTHER))
    assert server_process(attempt(), [look(strangers, later_s=-1)]) is None


def test_what_is_redirected_or_not_seen_names_nobody() -> None:
    away = Firewall(("nft",), rulings(RuleVerdict.REDIRECT))
    assert server_process(attempt(), [look(HAS, later_s=-1, firewall=away)]) is None
    assert server_process(attempt(), [look(HAS, later_s=-1, sockets=Untold("no"))]) is None
    unseen = look(HAS, later_s=-1, firewall=Untold("no"), loopback=Untold("no"), processes=Untold("no"))
    assert server_process(attempt(), [unseen]) == FOUND
