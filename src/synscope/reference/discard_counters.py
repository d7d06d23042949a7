"""Counters of the kernel that rise when it discards a segment, each with its stage and what it counts.

The names are those of nstat(8) for /proc/net/netstat, snmp and snmp6; of /proc/net/xfrm_stat as they stand there;
those of /proc/net/stat/nf_conntrack and /proc/net/softnet_stat have a prefix of their own. A counter is of a whole
network namespace, that of softnet of the whole machine: it never names a port.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Counter(NamedTuple):
    """What one counter counts."""

    stage: str
    """The value of ``model.Stage`` at which what it counts stops a connection."""
    meaning: str
    """A clause about what was discarded."""
    has_question: bool = False
    """Whether a question of its own asks for it."""


COUNTERS: Final[Mapping[str, Counter]] = MappingProxyType(
    {
        "TcpExtListenOverflows": Counter("queue", "the accept queue of a listener was full", True),
        "TcpExtListenDrops": Counter("queue", "a listener discarded a SYN or an ACK", True),
        "TcpExtTCPReqQFullDrop": Counter("queue", "the SYN queue of a listener was full", True),
        "TcpExtTCPAbortOnOverflow": Counter("queue", "a listener with a full queue sent an RST", True),
        "TcpExtTCPMD5NotFound": Counter("in", "the TCP-MD5 signature was missing", True),
        "TcpExtTCPMD5Unexpected": Counter("in", "a TCP-MD5 signature was not asked for", True),
        "TcpExtTCPMD5Failure": Counter("in", "the TCP-MD5 signature was wrong", True),
        "TcpExtTCPAORequired": Counter("in", "the TCP-AO signature was missing", True),
        "TcpExtTCPAOBad": Counter("in", "the TCP-AO signature was wrong", True),
        "TcpExtTCPAOKeyNotFound": Counter("in", "the key of a TCP-AO signature was unknown", True),
        "TcpExtIPReversePathFilter": Counter("in", "the reverse-path filter discarded it"),
        "TcpExtTCPMinTTLDrop": Counter("in", "its TTL was below what the socket wants"),
        "TcpExtTCPBacklogDrop": Counter("in", "the backlog of a socket was full"),
        "TcpExtPFMemallocDrop": Counter("in", "memory was too short for it"),
        "TcpExtTCPRcvQDrop": Counter("carry", "the receive queue of a socket was full"),
        "TcpExtTCPZeroWindowDrop": Counter("carry", "the window of a socket was closed"),
        "TcpExtPAWSActive": Counter("in", "a SYN-ACK's time stamp was too old"),
        "TcpExtPAWSTimewait": Counter("in", "its time stamp was older than the ended connection's"),
        "TcpInCsumErrors": Counter("in", "its TCP checksum was wrong"),
        "IpExtInCsumErrors": Counter("in", "its IP checksum was wrong"),
        "IpExtInNoRoutes": Counter("in", "the receiver had no route for it"),
        "IpExtInTruncatedPkts": Counter("in", "it was shorter than its headers say"),
        "IpInHdrErrors": Counter("in", "its IP header was malformed"),
        "IpInAddrErrors": Counter("in", "the receiver does not take packets for its address"),
        "IpOutNoRoutes": Counter("route", "no route led to its destination"),
        "IpOutDiscards": Counter("out", "it was discarded on its way out"),
        "IpInDiscards": Counter("in", "it was discarded on its way in"),
        "IpFragFails": Counter("carry", "it was larger than the way takes"),
        "Ip6OutNoRoutes": Counter("route", "no IPv6 route led to its destination"),
        "Ip6OutDiscards": Counter("out", "it was discarded on its way out over IPv6"),
        "Ip6InAddrErrors": Counter("in", "the receiver does not take IPv6 packets for its address"),
        "Ip6InTooBigErrors": Counter("carry", "it was larger than the way takes over IPv6"),
        "XfrmInPolBlock": Counter("in", "an IPsec policy forbade it on its way in"),
        "XfrmInNoPols": Counter("in", "it was not encrypted as an IPsec policy wants it"),
        "XfrmInTmplMismatch": Counter("in", "it was encrypted in another way than an IPsec policy wants it"),
        "XfrmInNoStates": Counter("in", "no IPsec state fits it"),
        "XfrmOutPolBlock": Counter("out", "an IPsec policy forbade it on its way out"),
        "XfrmOutNoStates": Counter("out", "an IPsec policy wants it encrypted, and no state is there for it"),
        "NfConntrackDrop": Counter("in", "connection tracking had no room for it", True),
        "NfConntrackEarlyDrop": Counter("in", "connection tracking gave up another connection for it", True),
        "NfConntrackInsertFailed": Counter("in", "connection tracking had the same connection already"),
        "SoftnetDropped": Counter("in", "the machine's backlog of received packets was full"),
    }
)
"""Name → what it counts."""
