"""A snapshot as a page for people."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.probes.host.snapshot import (
    VERSION,
    Denial,
    ElsewhereListener,
    Firewall,
    Forward,
    Forwards,
    HostsLine,
    Limits,
    LocalSocket,
    Names,
    Namespaces,
    Policy,
    Process,
    Resolved,
    RuleVerdict,
    Setting,
    Snapshot,
    Sockets,
    UnixSocket,
    Untold,
    Variable,
)
from synscope.report import snapshot_text
from synscope.report.page import Look
from synscope.report.snapshot_text import render, unseen
from tests.evidence.host import builders
from tests.evidence.host.builders import PORT, listener, rulings, snapshot, sockets

EVIL = "\x1b[31m\u202e\n\r"


def shown(one: Snapshot, **look: Any) -> str:
    return " ".join(render(one, Look(**look)).split())


def test_a_healthy_machine() -> None:
    text = shown(snapshot(listener()))
    assert "Linux 6.18, 2023-11-14 22:13:20 UTC, in 1 ms, with root's rights" in text
    assert "Ports 8080" in text
    assert "127.0.0.1:8080 python3 (pid 4242, user www)" in text
    assert "Firewall asked: nft it lets them pass" in text
    assert "localhost: ::1, 127.0.0.1" in text
    assert "lo is up: 127.0.0.1, ::1" in text
    assert "no proxy variable is set" in text
    assert "clients' ports: 32768 to 60999" in text
    assert "python3 (pid 4242): listener, state S, 10 of 1,024 descriptors" in text
    assert "Not seen" not in text


def test_a_rule_is_told_and_what_passes_is_not() -> None:
    firewall = Firewall(
        ("nft",), rulings(RuleVerdict.DROP, rule="tcp dport 8080 drop", place="inet t c", packets=7)
    )
    text = shown(snapshot(firewall=firewall))
    drops = "SYN to 127.0.0.1:8080: drop by 'tcp dport 8080 drop' in inet t c, 7 packets so far"
    assert drops in text
    assert "accept" not in text


def test_the_ports_asked_about_come_first() -> None:
    others = [listener(port=10_000 + number) for number in range(30)]
    text = shown(snapshot(*others, listener()))
    assert "Listeners 127.0.0.1:8080" in text
    assert "19 more with --verbose" in text
    assert "127.0.0.1:10029" in shown(snapshot(*others, listener()), verbose=True)


def test_what_could_not_be_seen() -> None:
    one = snapshot(
        sockets=sockets(listener(owners=(), owner_untold="another user's"), bound=Untold("too old")),
        firewall=Untold("needs root"),
        names=Names((), Untold("unreadable")),
        policy=Policy((), Untold("no log")),
        forwards=Forwards((), ("docker is not for you",)),
        namespaces=Namespaces((), 0, "those of others"),
    )
    assert list(unseen(one)) == [
        "firewall: needs root",
        "bound sockets: too old",
        "the hosts file: unreadable",
        "refusals by security policies: no log",
        "the owners of 1 listener: another user's",
        "docker is not for you",
        "network namespaces: those of others",
    ]
    assert "Firewall could not tell: see below" in shown(one)
    assert "Not seen firewall: needs root" in shown(one)
    unclear = Firewall(("nft",), rulings(RuleVerdict.UNKNOWN, because="a rate limit"))
    assert list(unseen(snapshot(firewall=unclear))) == ["what the firewall does: a rate limit"]


def test_nothing_of_a_snapshot_can_steer_a_terminal() -> None:
    socket = LocalSocket("::", PORT, device=EVIL, owners=(builders.Owner(1, EVIL, EVIL),))
    one = Snapshot(
        version=VERSION,
        taken_ns=-1,
        duration_ns=-1,
        system=EVIL,
        privileged=False,
        ports=(),
        sockets=Sockets((socket,), (socket,), (socket,), (UnixSocket(EVIL, 1),), complete=False),
        firewall=Firewall((EVIL,), rulings(RuleVerdict.REJECT, how=EVIL, rule=EVIL, place=EVIL), (EVIL,)),
        names=Names((Resolved(EVIL, (), EVIL),), (HostsLine(1, EVIL, (EVIL,)),), EVIL),
        proxy=(Variable(EVIL, EVIL),),
        loopback=builders.Loopback(EVIL, up=False, addresses=(EVIL,), route_ipv4=EVIL, route_ipv6=EVIL),
        processes=(Process(1, EVIL, EVIL, command=EVIL, state=EVIL),),
        limits=Limits((Setting(EVIL, 1),)),
        counters=Untold(EVIL),
        policy=Policy((EVIL,), (Denial(EVIL, EVIL, EVIL, 0, None, 1),)),
        forwards=Forwards((Forward(EVIL, EVIL, 1, EVIL),), (EVIL,)),
        namespaces=Namespaces((ElsewhereListener(EVIL, EVIL, 1, None, EVIL),), 1, EVIL),
    )
    for color in (False, True):
        page = render(one, Look(color=color, verbose=True))
        assert "\u202e" not in page
        assert "\r" not in page
        assert "\x1b[31m" not in page
        assert "\\x1b[31m" in page


def test_a_section_without_words_of_its_own_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_text, "_NOT_SHOWN", frozenset())
    counted = (Setting("TcpOutRsts", 3), Setting("TcpActiveOpens", 1))
    text = shown(snapshot(counters=counted))
    assert "Counters name: TcpOutRsts, value: 3 name: TcpActiveOpens, value: 1" in text
    assert "Counters could not tell: see below" in shown(snapshot(counters=Untold("no")))
    assert list(snapshot_text._as_it_is(Policy((), Untold("no log")))) == [
        "active: none",
        "denials: could not tell: no log",
    ]
    assert list(snapshot_text._as_it_is(LocalSocket("::1", 80, v6only=True)))[2:5] == [
        "v6only: yes",
        "device: not known",
        "queued: not known",
    ]
