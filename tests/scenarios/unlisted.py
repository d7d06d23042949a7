"""Failures whose reason is in no catalogue: something odd at each stage, for which only a general word is true."""

from __future__ import annotations

from tests.scenarios.scenario import CURL, HERE, Scenario
from tests.scenarios.silent import NEVER, SILENT, chain

COMPLETED = "completed"
HTTP = ("http 127.0.0.1 8080",)


def unlisted(name: str, label: str, *setup: str, **fields: object) -> Scenario:
    """Return a failure that no cause of the catalogue is the reason of."""
    return Scenario(name, "", label, serve=HTTP, then=setup, **fields)  # type: ignore[arg-type]


UNLISTED = (
    # The queueing discipline of the interface discards what is sent.
    unlisted("netem loses everything", NEVER, "tc qdisc add dev lo root netem loss 100%"),
    unlisted("netem corrupts everything", SILENT, "tc qdisc add dev lo root netem corrupt 100%"),
    unlisted("a queue without room", NEVER, "tc qdisc add dev lo root pfifo limit 1; tc qdisc replace dev lo root tbf rate 8bit burst 20 limit 20"),
    # Late, not lost: nobody waits for so long.
    unlisted("netem delays by minutes", NEVER, "tc qdisc add dev lo root netem delay 100s"),
    # An MTU that the SYN itself does not fit.
    unlisted("a lookup in an empty table", NEVER, "ip rule add pref 2 lookup local; ip rule del pref 0; ip rule add pref 1 to 127.0.0.1 unreachable"),
    unlisted("encryption wanted, and no key", NEVER, "ip xfrm policy add dir out dst 127.0.0.1/32 proto tcp dport 8080 action block"),
    unlisted("encryption wanted on the way in", SILENT, "ip xfrm policy add dir in dst 127.0.0.1/32 proto tcp dport 8080 action block"),
    unlisted("checksums spoilt by a rule", SILENT, chain("output", "tcp dport 8080 @th,128,16 set 0x1234")),
    unlisted("the ports exchanged by a rule", SILENT, chain("input", "tcp dport 8080 tcp flags set 0")),
    unlisted("no window for data", COMPLETED, chain("output", "tcp sport 8080 tcp window set 0")),
    unlisted("netem after the handshake", COMPLETED, "(sleep 0; tc qdisc add dev lo root handle 1: prio; tc qdisc add dev lo parent 1:3 handle 30: netem loss 100%; tc filter add dev lo parent 1: protocol ip u32 match ip protocol 6 0xff match u16 0x0080 0xff00 at 2 flowid 1:3) || true"),
    unlisted("sequence numbers spoilt", SILENT, chain("output", "tcp sport 8080 tcp flags syn,ack / syn,ack tcp ackseq set 77")),
)
