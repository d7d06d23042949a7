"""Answers from snapshots made by hand: each question with a hit, a near miss and what leaves it open."""

from __future__ import annotations

import pytest

from synscope.evidence.host.observe import observe_host
from synscope.evidence.payload.protocols import Protocol
from synscope.model import Answer
from synscope.probes.host.snapshot import (
    JAVA_DEBUGGER,
    Declared,
    Denial,
    ElsewhereListener,
    Firewall,
    Forward,
    Forwards,
    HostsLine,
    Limits,
    LocalSocket,
    Loopback,
    Names,
    Namespaces,
    Owner,
    PacketKind,
    Policy,
    Resolved,
    RuleVerdict,
    Setting,
    Snapshot,
    Untold,
)
from synscope.targets import parse
from tests.evidence.host.builders import (
    BOTH,
    NOW,
    PORT,
    SERVER,
    answers,
    listener,
    observed,
    process,
    rulings,
    snapshot,
    sockets,
)

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
LATER = NOW + 2_000_000_000
SOON = NOW + 1_000_000_000
BLIND = snapshot()._replace(
    **{
        name: Untold("the reason")
        for name in Snapshot._fields
        if name not in {"version", "taken_ns", "duration_ns", "system", "privileged", "ports"}
    }
)


def test_without_a_look_nothing_is_told() -> None:
    found = observe_host(parse("8080"), (), environment_known=True)
    assert {observation.answer for observation in found} == {UNKNOWN}


def test_what_was_not_seen_is_not_denied() -> None:
    found = observed(BLIND)
    assert {name for name, one in found.items() if one.answer is not UNKNOWN} == set()
    assert all(observation.text for observation in found.values())


def test_a_number_that_is_no_port_has_no_listener() -> None:
    found = observed(snapshot(), target="localhost:619009")
    assert found["listener-on-target"].answer is NO
    assert found["loopback-is-down"].answer is NO


def test_a_port_that_was_not_looked_at_is_left_open() -> None:
    assert observed(snapshot(), target="9999")["listener-on-target"].answer is UNKNOWN


@pytest.mark.parametrize(
    ("listeners", "failed_at", "target", "other_address", "other_family"),
    [
        ([listener()], (), YES, NO, NO),
        ([listener()], ("::1",), NO, NO, YES),
        ([listener()], ("127.0.0.1",), YES, NO, NO),
        ([listener("0.0.0.0")], ("127.0.0.1",), YES, NO, NO),
        ([listener("0.0.0.0")], ("::1",), NO, NO, YES),
        ([listener("::")], ("127.0.0.1",), YES, NO, NO),
        ([listener("::", v6only=True)], ("127.0.0.1",), NO, NO, YES),
        ([listener("::", v6only=None)], ("127.0.0.1",), UNKNOWN, UNKNOWN, UNKNOWN),
        ([listener("127.0.0.2")], (), NO, YES, NO),
        ([listener("10.0.0.5")], ("127.0.0.1",), NO, YES, NO),
        ([listener("10.0.0.5")], (), NO, YES, NO),
        ([listener("fe80::1")], ("127.0.0.1",), NO, NO, YES),
        ([listener("127.0.0.2"), listener("::1")], ("127.0.0.1",), NO, YES, NO),
        ([listener("0.0.0.0", device="eth0")], ("127.0.0.1",), NO, YES, NO),
        ([listener("0.0.0.0", device="lo")], ("127.0.0.1",), YES, NO, NO),
        ([listener("::ffff:127.0.0.1")], ("127.0.0.1",), YES, NO, NO),
        ([listener()], BOTH, NO, NO, YES),
        ([listener(), listener("::1")], BOTH, YES, NO, NO),
        ([listener(port=9999)], (), NO, NO, NO),
        ([], (), NO, NO, NO),
    ],
)
def test_where_listeners_are(
    listeners: list[object],
    failed_at: tuple[str, ...],
    target: Answer,
    other_address: Answer,
    other_family: Answer,
) -> None:
    found = answers(snapshot(*listeners), failed_at=failed_at)  # type: ignore[arg-type]
    names = ("listener-on-target", "listener-on-other-address", "listener-on-other-family")
    assert tuple(found[name] for name in names) == (target, other_address, other_family)


def test_an_address_of_another_machine_is_not_said_to_be_without_a_listener() -> None:
    def looked(*others: str) -> Snapshot:
        loopback = Loopback("lo", True, BOTH, "local dev lo", "local dev lo", others=others)
        return snapshot(listener("10.0.0.5"), loopback=loopback)

    assert answers(looked("10.0.0.5"), target="10.0.0.5:8080")["listener-on-target"] is YES
    found = answers(looked("10.0.0.9"), target="10.0.0.5:8080")
    for name in ("listener-on-target", "listener-on-other-address", "listener-on-other-family"):
        assert found[name] is UNKNOWN
    assert answers(looked(), target="localhost:8080")["listener-on-target"] is NO


def test_the_text_names_the_owner() -> None:
    text = observed(snapshot(listener()))["listener-on-target"].text
    assert text == "python3 (pid 4242, user www) is listening on 127.0.0.1:8080"


def test_an_owner_that_is_not_visible_is_not_said_to_be_absent() -> None:
    hidden = listener(owners=(), owner_untold="owner not visible: it needs root")
    found = observed(snapshot(hidden))
    assert "owner not visible: it needs root" in found["listener-on-target"].text
    assert found["server-process-stopped"].answer is UNKNOWN
    assert found["server-out-of-descriptors"].answer is UNKNOWN


def test_listeners_that_were_left_out_are_not_denied() -> None:
    cut = snapshot(sockets=sockets(listener(port=1), complete=False))
    assert observed(cut)["listener-on-target"].answer is UNKNOWN


def test_a_port_like_it() -> None:
    seen = observed(snapshot(listener(port=8085)))["listener-on-similar-port"]
    assert seen.answer is YES
    assert "one digit different" in seen.text
    assert (
        "usual ports of web servers"
        in observed(snapshot(listener(port=5173)))["listener-on-similar-port"].text
    )
    assert answers(snapshot(listener(port=9999)))["listener-on-similar-port"] is NO


def test_appearing_and_vanishing_have_a_time() -> None:
    before, after = snapshot(), snapshot(listener(), taken_ns=LATER)
    assert "2 s" in observed(before, after)["listener-appeared-later"].text
    gone = observed(after._replace(taken_ns=NOW), snapshot(taken_ns=LATER))["listener-vanished"]
    assert (gone.answer, "2 s" in gone.text) == (YES, True)
    back = answers(after, snapshot(), after)
    assert (back["listener-vanished"], back["listener-appeared-later"]) == (NO, YES)


@pytest.mark.parametrize(
    ("verdict", "more", "drops", "rejects", "none"),
    [
        (RuleVerdict.ACCEPT, {}, NO, NO, YES),
        (RuleVerdict.DROP, {"rule": "drop", "place": "inet f i"}, YES, NO, NO),
        (RuleVerdict.REJECT, {"rule": "r", "how": "tcp reset"}, NO, YES, NO),
        (RuleVerdict.REDIRECT, {"how": ":9"}, NO, NO, NO),
        (RuleVerdict.UNKNOWN, {"because": "limit"}, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
@pytest.mark.parametrize("probe", PacketKind)
def test_what_the_firewall_does(
    probe: PacketKind,
    verdict: RuleVerdict,
    more: dict[str, str],
    drops: Answer,
    rejects: Answer,
    none: Answer,
) -> None:
    found = answers(snapshot(firewall=Firewall(("nft",), rulings(verdict, probe, **more))))
    names = ("firewall-rule-drops", "firewall-rule-rejects", "no-firewall-rule")
    assert tuple(found[name] for name in names) == (drops, rejects, none)


def test_a_counter_is_compared() -> None:
    def at(packets: int) -> Firewall:
        rule = f"tcp dport 8080 counter packets {packets} bytes {60 * packets} drop"
        return Firewall(
            ("nft",), rulings(RuleVerdict.DROP, rule=rule, place="inet filter input", packets=packets)
        )

    text = observed(snapshot(firewall=at(4)), snapshot(firewall=at(7)))["firewall-rule-drops"].text
    assert "in inet filter input drops the SYN to 127.0.0.1:8080, counter +3" in text
    assert "counter 7" in observed(snapshot(firewall=at(7)))["firewall-rule-drops"].text


@pytest.mark.parametrize(
    ("before", "after", "failed", "drops", "none"),
    [
        (4, 4, (SOON, SOON), NO, UNKNOWN),
        (4, 5, (SOON, SOON), YES, NO),
        # Near misses: not counted, set back, failed before the first look or after the last, nobody failed.
        (None, None, (SOON, SOON), YES, NO),
        (4, 0, (SOON, SOON), YES, NO),
        (None, 4, (SOON, SOON), YES, NO),
        (4, 4, (NOW, SOON), YES, NO),
        (4, 4, (SOON, LATER + 1), YES, NO),
        (4, 4, None, YES, NO),
    ],
)
def test_a_rule_whose_counter_stood_still_has_not_dropped(
    before: int | None, after: int | None, failed: tuple[int, int] | None, drops: Answer, none: Answer
) -> None:
    def at(packets: int | None, taken_ns: int) -> Snapshot:
        rule = {"rule": "tcp dport 8080 drop", "place": "inet filter input", "packets": packets}
        return snapshot(firewall=Firewall(("nft",), rulings(RuleVerdict.DROP, **rule)), taken_ns=taken_ns)

    found = answers(at(before, NOW), at(after, LATER), failed_at=("127.0.0.1",), failed_within=failed)
    assert (found["firewall-rule-drops"], found["no-firewall-rule"]) == (drops, none)


def test_rules_for_another_address_do_not_count() -> None:
    only_ipv6 = tuple(
        ruling if ruling.address == "::1" else ruling._replace(verdict=RuleVerdict.ACCEPT)
        for ruling in rulings(RuleVerdict.DROP)
    )
    looked = snapshot(firewall=Firewall(("nft",), only_ipv6))
    assert answers(looked, failed_at=("127.0.0.1",))["no-firewall-rule"] is YES
    assert answers(looked, failed_at=("::1",))["firewall-rule-drops"] is YES
    assert answers(looked, failed_at=("10.0.0.5",))["no-firewall-rule"] is UNKNOWN


def test_the_rules_must_have_been_seen_each_time() -> None:
    found = answers(snapshot(), snapshot(firewall=Untold("needs root")))
    assert found["no-firewall-rule"] is UNKNOWN


@pytest.mark.parametrize(
    ("queued", "backlog", "answer"), [(0, 128, NO), (128, 128, NO), (129, 128, YES), (None, None, UNKNOWN)]
)
def test_the_accept_queue(queued: int | None, backlog: int | None, answer: Answer) -> None:
    assert answers(snapshot(listener(queued=queued, backlog=backlog)))["accept-queue-full"] is answer


def test_overflows_point_at_a_listener_only_when_it_is_the_only_one() -> None:
    more = (Setting("TcpExtListenOverflows", 9),)
    alone = answers(snapshot(listener()), snapshot(listener(), counters=more))
    assert alone["accept-queue-full"] is YES
    others = answers(snapshot(listener()), snapshot(listener(), listener(port=9), counters=more))
    assert others["accept-queue-full"] is UNKNOWN
    assert answers(snapshot(), snapshot(counters=more))["accept-queue-full"] is NO


SIGNS = "listener-wants-signature"


@pytest.mark.parametrize(
    ("networks", "failed_at", "answer"),
    [
        (("127.0.0.1/32",), (), YES),
        (("10.9.0.0/16", "127.0.0.0/8"), ("127.0.0.5",), YES),
        (("::1/128",), ("::1",), YES),
        (("fe80::/10",), ("fe80::1%eth0",), UNKNOWN),
        # The client may come from another address than the target's own.
        (("10.9.0.0/16",), (), UNKNOWN),
        ((), (), NO),
        (None, (), UNKNOWN),
    ],
)
def test_a_listener_that_wants_signed_segments(
    networks: tuple[str, ...] | None, failed_at: tuple[str, ...], answer: Answer
) -> None:
    address = failed_at[0] if failed_at else "127.0.0.1"
    looked = snapshot(listener(address, signed_for=networks))
    assert answers(looked, failed_at=failed_at)[SIGNS] is answer


def test_nobody_wants_a_signature_where_nobody_listens() -> None:
    assert answers(snapshot())[SIGNS] is NO
    assert answers(BLIND)[SIGNS] is UNKNOWN


@pytest.mark.parametrize(
    ("first", "last", "answer"),
    [
        ({"TCPMD5NotFound": 3}, {"TCPMD5NotFound": 5}, YES),
        ({"TCPAORequired": 0}, {"TCPAORequired": 1}, YES),
        ({"TCPMD5NotFound": 3}, {"TCPMD5NotFound": 3}, NO),
        ({"ListenOverflows": 3}, {"ListenOverflows": 5}, UNKNOWN),
        (None, {"TCPMD5NotFound": 5}, UNKNOWN),
    ],
)
def test_counted_segments_whose_signature_does_not_fit(
    first: dict[str, int] | None, last: dict[str, int], answer: Answer
) -> None:
    looks = [
        snapshot(counters=tuple(Setting(f"TcpExt{name}", value) for name, value in each.items()))
        for each in (first, last)
        if each is not None
    ]
    assert answers(*looks)["signature-drops-counted"] is answer


@pytest.mark.parametrize(
    ("state", "answer"),
    [("S", NO), ("R", NO), ("T", YES), ("t", YES), ("Z", YES), ("D", YES), ("?", UNKNOWN)],
)
def test_the_state_of_the_server(state: str, answer: Answer) -> None:
    looked = snapshot(listener(), processes=(process(state=state),))
    assert answers(looked)["server-process-stopped"] is answer


def test_one_of_several_servers_that_runs_is_enough() -> None:
    two = listener(owners=(SERVER, Owner(7, "w", "www")))
    looked = snapshot(two, processes=(process(state="T"), process(7)))
    assert answers(looked)["server-process-stopped"] is NO


@pytest.mark.parametrize(("used", "answer"), [(10, NO), (1023, NO), (1024, YES), (None, UNKNOWN)])
def test_descriptors_of_the_server(used: int | None, answer: Answer) -> None:
    looked = snapshot(listener(), processes=(process(descriptors=used),))
    assert answers(looked)["server-out-of-descriptors"] is answer


@pytest.mark.parametrize(
    ("tasks", "limit", "answer"),
    [(20, 20, Answer.YES), (21, 20, Answer.YES), (19, 20, Answer.NO), (None, None, Answer.UNKNOWN)],
)
def test_processes_that_the_server_may_start(tasks: int | None, limit: int | None, answer: Answer) -> None:
    looked = snapshot(listener(), processes=(process(tasks=tasks, task_limit=limit),))
    assert answers(looked)["server-out-of-tasks"] is answer


def test_descriptors_of_the_client() -> None:
    def client(used: int) -> Snapshot:
        return snapshot(processes=(process(9, "client", descriptors=used),))

    assert answers(client(1024))["client-out-of-resources"] is YES
    assert answers(client(10))["client-out-of-resources"] is NO
    assert answers(snapshot())["client-out-of-resources"] is UNKNOWN


@pytest.mark.parametrize(
    ("addresses", "error", "host", "answer"),
    [
        (("127.0.0.1",), "", "localhost", NO),
        (BOTH, "", "localhost", NO),
        (("10.0.0.5",), "", "localhost", YES),
        (("127.0.0.1", "10.0.0.5"), "", "localhost", YES),
        ((), "Name or service not known", "localhost", YES),
        ((), "Name or service not known", "app.test", YES),
        (("10.0.0.5",), "", "app.test", UNKNOWN),
    ],
)
def test_what_the_name_resolves_to(addresses: tuple[str, ...], error: str, host: str, answer: Answer) -> None:
    names = Names((Resolved(host, addresses, error),), (HostsLine(3, "10.0.0.5", (host,)),))
    seen = observed(snapshot(names=names), target=f"{host}:{PORT}")["localhost-resolves-wrong"]
    assert seen.answer is answer
    assert ("hosts file, line 3: 10.0.0.5" in seen.text) is (answer is YES)


def test_a_name_that_leads_to_one_family_leaves_it_open_when_the_listener_is_in_the_other() -> None:
    names = Names((Resolved("localhost", ("127.0.0.1",)),), ())
    assert answers(snapshot(listener("::1"), names=names))["localhost-resolves-wrong"] is UNKNOWN
    assert answers(snapshot(listener("::"), names=names))["localhost-resolves-wrong"] is NO


def test_an_address_needs_no_name() -> None:
    assert answers(snapshot(), target="127.0.0.1:8080")["localhost-resolves-wrong"] is NO
    late = Names((Resolved("localhost", (), late=True),), ())
    assert answers(snapshot(names=late))["localhost-resolves-wrong"] is UNKNOWN


@pytest.mark.parametrize(
    ("loopback", "failed_at", "answer"),
    [
        (Loopback("lo", True, BOTH, "local dev lo", "local dev lo"), (), NO),
        (Loopback("lo", False, BOTH, "local dev lo", "local dev lo"), (), YES),
        (Loopback("lo", True, (), "local dev lo", "local dev lo"), (), YES),
        (Loopback("lo", True, ("127.0.0.1",), "local dev lo", "error: x"), (), NO),
        (Loopback("lo", True, ("127.0.0.1",), "local dev lo", "error: x"), ("::1",), YES),
        (Loopback("lo", True, BOTH, "error: Network is unreachable", "local dev lo"), ("127.0.0.1",), YES),
        (Loopback("lo0", True, BOTH, "", ""), (), NO),
    ],
)
def test_the_loopback_interface(loopback: Loopback, failed_at: tuple[str, ...], answer: Answer) -> None:
    assert answers(snapshot(loopback=loopback), failed_at=failed_at)["loopback-is-down"] is answer


def test_forwarders_and_redirects() -> None:
    forward = Forwards((Forward("docker", "0.0.0.0", PORT, "container web, port 80", into_container=True),))
    seen = observed(snapshot(forwards=forward))["container-publishes-port"]
    assert (seen.answer, "container web, port 80" in seen.text) == (YES, True)
    assert answers(snapshot(forwards=Forwards((), ("docker: no",))))["container-publishes-port"] is UNKNOWN
    redirect = Firewall(("nft",), rulings(RuleVerdict.REDIRECT, how="172.17.0.2:80"))
    assert answers(snapshot(firewall=redirect))["container-publishes-port"] is YES


def _owned_by(program: str, **more: object) -> Snapshot:
    return snapshot(listener(owners=(Owner(77, program, "root"),)), **more)


def test_who_publishes_ports_by_trade_is_a_forwarder() -> None:
    silent = Forwards((), ("docker: no",))
    assert answers(_owned_by("rootlessport", forwards=silent))["container-publishes-port"] is YES
    assert answers(_owned_by("com.docker.back", forwards=silent))["container-publishes-port"] is YES
    assert answers(_owned_by("nginx", forwards=silent))["container-publishes-port"] is NO
    assert answers(_owned_by("python3", forwards=silent))["container-publishes-port"] is UNKNOWN


def test_balancers_answer_for_others() -> None:
    assert answers(_owned_by("haproxy"))["balancer-owns-port"] is YES
    assert answers(_owned_by("nginx"))["balancer-owns-port"] is UNKNOWN
    assert answers(_owned_by("python3"))["balancer-owns-port"] is NO
    assert answers(snapshot())["balancer-owns-port"] is NO
    hidden = snapshot(listener(owners=(), owner_untold="it needs root"))
    assert answers(hidden)["balancer-owns-port"] is UNKNOWN


@pytest.mark.parametrize(
    ("program", "spoken", "answer"),
    [
        ("redis-server", ("HTTP/1",), YES),
        ("redis-server", ("Redis",), NO),
        ("redis-server", ("TLS",), NO),
        ("mysqld", ("TLS",), YES),
        ("redis-server", (), NO),
        ("python3", ("HTTP/1",), UNKNOWN),
        ("beam.smp", ("HTTP/1",), UNKNOWN),
        ("hitch", ("HTTP/1",), YES),
        ("hitch", ("TLS",), NO),
    ],
)
def test_what_the_owner_speaks(program: str, spoken: tuple[str, ...], answer: Answer) -> None:
    assert answers(_owned_by(program), spoken=spoken)["owner-speaks-otherwise"] is answer


def test_a_command_line_tells_what_the_owner_speaks() -> None:
    debugged = _owned_by("java", declared=(Declared("java", PORT, (JAVA_DEBUGGER,)),))
    assert answers(debugged, spoken=("HTTP/1",))["owner-speaks-otherwise"] is YES
    assert answers(debugged, spoken=(Protocol.JDWP,))["owner-speaks-otherwise"] is NO
    elsewhere = _owned_by("java", declared=(Declared("java", PORT + 1, (JAVA_DEBUGGER,)),))
    assert answers(elsewhere, spoken=("HTTP/1",))["owner-speaks-otherwise"] is UNKNOWN


def test_nobody_speaks_where_nobody_listens() -> None:
    assert answers(snapshot(), spoken=("HTTP/1",))["owner-speaks-otherwise"] is NO
    blind = snapshot(sockets=Untold("no /proc"))
    assert answers(blind, spoken=("HTTP/1",))["owner-speaks-otherwise"] is UNKNOWN


def test_other_namespaces() -> None:
    found = Namespaces((ElsewhereListener("blue", "127.0.0.1", PORT),), 1)
    assert answers(snapshot(namespaces=found))["listener-in-other-namespace"] is YES
    assert answers(snapshot(namespaces=found))["listener-in-linked-namespace"] is NO
    container = Namespaces((ElsewhereListener("web", "0.0.0.0", PORT, linked=True),), 1)
    assert answers(snapshot(namespaces=container))["listener-in-linked-namespace"] is YES
    assert answers(snapshot(namespaces=Namespaces((), 2)))["listener-in-other-namespace"] is NO
    unseen = Namespaces((), 2, "those of 9 processes cannot be looked at without root")
    assert answers(snapshot(namespaces=unseen))["listener-in-other-namespace"] is UNKNOWN


def test_what_listens_at_a_containers_own_address_serves_it() -> None:
    own = ("172.17.0.2",)
    wired = {
        "namespaces": Namespaces((), 1, addresses=own),
        "loopback": Loopback(
            "lo", up=True, addresses=BOTH, route_ipv4="", route_ipv6="", others=("172.17.0.1",)
        ),
    }

    def inside(address: str, *more: LocalSocket) -> dict[str, Answer]:
        found = ElsewhereListener("web", address, PORT, 7, "node", linked=True, addresses=own)
        spaces = Namespaces((found,), 1, addresses=own)
        return answers(snapshot(*more, **{**wired, "namespaces": spaces}), target=f"172.17.0.2:{PORT}")

    served = inside("0.0.0.0", listener("0.0.0.0"))
    assert served["listener-on-target"] is YES
    assert served["listener-in-linked-namespace"] is NO
    elsewhere = inside("127.0.0.1")
    assert (elsewhere["listener-on-target"], elsewhere["listener-on-other-address"]) == (NO, YES)
    nobody = answers(snapshot(listener("0.0.0.0"), **wired), target=f"172.17.0.2:{PORT}")
    assert nobody["listener-on-target"] is NO


def test_a_command_in_another_network_does_not_meet_what_is_here() -> None:
    here = snapshot(listener("127.0.0.1"))
    left = answers(here, left="node of the command went into a network namespace of its own")
    assert answers(here)["listener-on-target"] is YES
    assert left["listener-on-target"] is left["route-leads-away"] is UNKNOWN
    assert left["listener-in-other-namespace"] is answers(here)["listener-in-other-namespace"]


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (("127.0.0.1", 7, "python3"), ("::1", 8, "node"), Answer.YES),
        (("127.0.0.1", 7, "node"), ("::1", 8, "node"), Answer.YES),
        (("127.0.0.1", 7, "python3"), ("127.0.0.1", 8, "node"), Answer.YES),
        (("127.0.0.1", 7, "node"), ("127.0.0.1", 8, "node"), Answer.NO),
        (("127.0.0.1", 7, "nginx"), ("::1", 7, "nginx"), Answer.NO),
        (("127.0.0.1", 7, "nginx"), ("::1", None, ""), Answer.UNKNOWN),
    ],
)
def test_two_programs_on_one_port(
    one: tuple[str, int, str], other: tuple[str, int | None, str], answer: Answer
) -> None:
    listeners = [
        listener(address)._replace(owners=() if pid is None else (Owner(pid, program, "root"),))
        for address, pid, program in (one, other)
    ]
    assert answers(snapshot(*listeners))["port-has-two-programs"] is answer


def test_who_owns_the_port() -> None:
    def looked(*ancestors: int) -> Snapshot:
        ours = process(1000, "server")
        return snapshot(listener(), processes=(ours, process(ancestors=ancestors)))

    assert answers(looked(1))["other-program-owns-port"] is YES
    assert answers(looked(1000, 1))["other-program-owns-port"] is NO
    assert answers(snapshot(listener()))["other-program-owns-port"] is UNKNOWN


def test_refusals_count_when_they_are_fresh_and_about_the_target() -> None:
    def looked(**more: object) -> Snapshot:
        values = {
            "policy": "SELinux",
            "program": "nginx",
            "operation": "name_bind",
            "ts_ns": NOW,
            "port": PORT,
        }
        return snapshot(policy=Policy((), (Denial(**{**values, **more}),)))  # type: ignore[arg-type]

    seen = observed(looked())["policy-denied"]
    assert (seen.answer, seen.text) == (YES, "SELinux refused nginx name_bind on port 8080")
    assert answers(looked(port=81))["policy-denied"] is NO
    assert answers(looked(ts_ns=NOW - 10**12))["policy-denied"] is UNKNOWN
    assert answers(snapshot())["policy-denied"] is NO


@pytest.mark.parametrize(
    ("address", "device", "answer"),
    [
        ("0.0.0.0", None, YES),
        ("::", None, YES),
        ("10.0.0.5", None, YES),
        ("127.0.0.1", None, NO),
        ("::1", None, NO),
        ("0.0.0.0", "lo", NO),
    ],
)
def test_exposure(address: str, device: str | None, answer: Answer) -> None:
    assert answers(snapshot(listener(address, device=device)))["listener-exposed"] is answer


@pytest.mark.parametrize(
    ("start", "answer"), [(PORT + 1, Answer.YES), (PORT, Answer.NO), (None, Answer.UNKNOWN)]
)
def test_a_port_that_only_privileged_programs_may_bind(start: int | None, answer: Answer) -> None:
    settings = () if start is None else (Setting("ip_unprivileged_port_start", start),)
    assert answers(snapshot(limits=Limits(settings)))["port-is-privileged"] is answer
    assert answers(snapshot(limits=Untold("no /proc")))["port-is-privileged"] is Answer.UNKNOWN
