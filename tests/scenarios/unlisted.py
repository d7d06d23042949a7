"""Failures whose reason is in no catalogue: something odd at each stage, for which only a general word is true."""

from __future__ import annotations

from typing import Final

from tests.scenarios.scenario import Scenario
from tests.scenarios.silent import NEVER, SILENT, chain

COMPLETED: Final = "completed"
ODD: Final = "odd-reply"
DISCARDED: Final = "packet-discarded"
"""The general word for what the kernel drops: true where it names a reason."""
_NO_SHORT_CUT: Final = "sysctl -qw net.ipv4.conf.lo.disable_policy=0 net.ipv4.conf.lo.disable_xfrm=0"
_IPSEC: Final = "ip xfrm policy add dir {} dst 127.0.0.1/32 proto tcp dport 8080 action block"


def unlisted(
    name: str, cause: str, label: str, setup: str, *, serve: str = "http 127.0.0.1 8080"
) -> Scenario:
    """Return a failure; ``cause`` is the general word that may be certain, or nothing."""
    return Scenario(name, cause, label, serve=(serve,), then=(setup,) if setup else (), in_packets=False)


UNLISTED: Final = (
    unlisted(
        "a queue that has room for nothing",
        DISCARDED,
        NEVER,
        "tc qdisc add dev lo root tbf rate 8bit burst 20 limit 20",
    ),
    unlisted("an IPsec policy on the way in", DISCARDED, SILENT, f"{_NO_SHORT_CUT}; {_IPSEC.format('in')}"),
    unlisted("an IPsec policy on the way out", "", NEVER, f"{_NO_SHORT_CUT}; {_IPSEC.format('out')}"),
    unlisted(
        "a listener that wants a nearer client",
        DISCARDED,
        SILENT,
        "",
        serve="http 127.0.0.1 8080 --min-ttl 255",
    ),
    unlisted("a SYN that lost its flags", "", SILENT, chain("input", "tcp dport 8080 tcp flags set 0")),
    unlisted(
        "a SYN that turned into another", "", SILENT, chain("input", "tcp dport 8080 tcp flags set fin | syn")
    ),
    unlisted("a length that is no header's", "", SILENT, chain("input", "tcp dport 8080 tcp doff set 3")),
    unlisted("a window of nothing", "", COMPLETED, chain("output", "tcp sport 8080 tcp window set 0")),
    unlisted(
        "an answer to another SYN",
        "",
        ODD,
        chain("output", "tcp sport 8080 tcp flags syn,ack / syn,ack tcp ackseq set 77"),
    ),
    unlisted(
        "an answer that comes from elsewhere",
        "",
        SILENT,
        chain("output", "tcp sport 8080 ip saddr set 127.0.0.77"),
    ),
)
