"""The kernel's reasons for a drop (``skb:kfree_skb``), each with its stage, its kind and its meaning.

The names are those of include/net/dropreason-core.h up to Linux 6.18; their numbers differ between kernels, the names
do not. A name that is not in the table is a reason of a kernel that is newer: it is shown by its name.

Standard library only: the helper with rights reads it to make the kernel's filter.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Kind(enum.Enum):
    """What sort of thing drops. Questions ask for kinds, never for single names."""

    SOCKET = "no socket takes it"
    FIREWALL = "a firewall's rule"
    QUEUE = "the listener's queue is full"
    ATTACHED = "a program or filter that somebody attached"
    SECURITY = "a security module"
    SIGNATURE = "a TCP signature is missing, wrong or not asked for"
    ROUTE = "there is no way on, or the way is not usable"
    AWAY = "a loopback address outside of loopback"
    SOURCE = "its source or destination may not be there"
    IPSEC = "an IPsec policy"
    SHAPING = "a queue of an interface"
    DAMAGED = "it is malformed, or a checksum is wrong"
    FLAGS = "its flags or numbers fit no connection"
    MEMORY = "no memory, or no room in a backlog"
    LINK = "the layer below IP"
    TTL = "the socket wants a nearer client"
    ORDINARY = "it happens in sound exchanges, or to no TCP segment"
    """Never let into the trace: there would be too many."""
    UNTOLD = "the kernel gives no reason"


class Drop(NamedTuple):
    """One reason."""

    stage: str
    """The value of ``model.Stage`` at which it stops a SYN; the way out and the way in meet the same queues."""
    kind: Kind
    meaning: str
    """A clause that says what happened to the segment."""


def _table() -> dict[str, Drop]:
    made: dict[str, Drop] = {}

    def at(stage: str, kind: Kind, **meanings: str) -> None:
        made.update({name: Drop(stage, kind, meaning) for name, meaning in meanings.items()})

    at("listener", Kind.SOCKET, NO_SOCKET="no socket listens there")
    at("in", Kind.FIREWALL, NETFILTER_DROP="a firewall's rule discarded it")
    at(
        "queue",
        Kind.QUEUE,
        TCP_LISTEN_OVERFLOW="the listener's queue of connections that wait to be accepted is full",
    )
    at(
        "in",
        Kind.ATTACHED,
        SOCKET_FILTER="a filter that is attached to the listener's socket discarded it",
        TC_INGRESS="a program or filter of traffic control discarded it where it came in",
        XDP="an XDP program at the interface discarded it",
        TAP_FILTER="a filter that is attached to a tap device discarded it",
        TC_COOKIE_ERROR="traffic control could not keep its state for it",
        TC_CHAIN_NOTFOUND="a filter of traffic control leads to a chain that is not there",
        TC_RECLASSIFY_LOOP="the filters of traffic control go round in a circle",
    )
    at(
        "out",
        Kind.ATTACHED,
        BPF_CGROUP_EGRESS="a program at the sender's control group discarded it",
        TC_EGRESS="a program or filter of traffic control discarded it where it went out",
        TAP_TXFILTER="a filter that is attached to a tap device discarded it on its way out",
    )
    at("in", Kind.SECURITY, SECURITY_HOOK="a security module (SELinux, AppArmor, BPF LSM) denied it")
    at(
        "in",
        Kind.SIGNATURE,
        TCP_AUTH_HDR="its TCP options hold a signature that cannot be read",
        TCP_MD5NOTFOUND="the listener wants a TCP-MD5 signature, and it has none",
        TCP_MD5UNEXPECTED="it has a TCP-MD5 signature that the listener did not ask for",
        TCP_MD5FAILURE="its TCP-MD5 signature is wrong",
        TCP_AONOTFOUND="the listener wants a TCP-AO signature, and it has none",
        TCP_AOUNEXPECTED="it has a TCP-AO signature that the listener did not ask for",
        TCP_AOKEYNOTFOUND="it is signed with a TCP-AO key that the listener does not have",
        TCP_AOFAILURE="its TCP-AO signature is wrong",
    )
    at(
        "route",
        Kind.ROUTE,
        IP_OUTNOROUTES="no route leads to its destination",
        IPV6DISABLED="IPv6 is switched off on the interface",
        DEV_READY="the interface is not up",
        NEIGH_CREATEFAIL="the table of neighbours has no room for the next hop",
        NEIGH_FAILED="the next hop does not tell its link-layer address (ARP, NDP)",
        NEIGH_QUEUEFULL="too many packets wait for the next hop's link-layer address (ARP, NDP)",
        NEIGH_DEAD="the entry of the next hop is being removed",
        NEIGH_HH_FILLFAIL="the link-layer header of the next hop cannot be made",
    )
    at("in", Kind.AWAY, IP_LOCALNET="a loopback address came in from, or goes out to, another interface")
    at(
        "in",
        Kind.SOURCE,
        IP_RPFILTER="the reverse-path filter: the way back to its source is not the way that it came",
        IP_INNOROUTES="the receiver has no route for it, or one that forbids it",
        IP_INADDRERRORS="the receiver does not take packets for that address",
        IP_LOCAL_SOURCE="it came from outside with an address of this machine as its source",
        IP_INVALID_SOURCE="its source is no address that a packet may come from",
        IP_INVALID_DEST="its destination is no address that a packet may go to",
        UNICAST_IN_L2_MULTICAST="it came in a broadcast frame, and is for one machine",
        NO_TX_TARGET="no port of the virtual interface leads to its destination",
        MAC_INVALID_SOURCE="its link-layer source is no address of a machine",
        LOCAL_MAC="it came from outside with this machine's own link-layer address",
    )
    at(
        "in",
        Kind.IPSEC,
        XFRM_POLICY="an IPsec policy forbids it, or wants it encrypted",
        PSP_INPUT="the socket wants it encrypted (PSP)",
        PSP_OUTPUT="it should go out encrypted (PSP), and is not",
    )
    at(
        "out",
        Kind.SHAPING,
        QDISC_DROP="the queue of the interface discarded it (tc, a shaper, an interface that is down)",
        QDISC_OVERLIMIT="the queue of the interface is longer than it may be",
        QDISC_CONGESTED="the queue of the interface discarded it for congestion",
        CAKE_FLOOD="the queue of the interface takes it for a flood",
        FQ_BAND_LIMIT="the queue of the interface has no room for its class",
        FQ_HORIZON_LIMIT="it is to be sent at a time too far away",
        FQ_FLOW_LIMIT="the queue of the interface has no room for its connection",
        DUALPI2_STEP_DROP="the queue of the interface discarded it for its delay",
    )
    at(
        "in",
        Kind.DAMAGED,
        TCP_CSUM="its TCP checksum is wrong",
        IP_CSUM="its IP checksum is wrong",
        SKB_CSUM="its checksum cannot be computed",
        IP_INHDR="its IP header is malformed",
        PKT_TOO_SMALL="it is shorter than its headers say",
        PKT_TOO_BIG="it is larger than the way takes (path MTU)",
        HDR_TRUNC="its headers are cut",
        IP_NOPROTO="no protocol of its number is known",
        UNHANDLED_PROTO="nobody takes its protocol",
        INVALID_PROTO="its protocol does not fit the tunnel",
        IPV6_BAD_EXTHDR="its IPv6 extension headers are malformed",
        DUP_FRAG="a fragment of it came twice",
        FRAG_REASM_TIMEOUT="some of its fragments did not come in time",
        FRAG_TOO_FAR="its fragments are too far apart",
        SKB_GSO_SEG="it cannot be cut into segments",
        SKB_UCOPY_FAULT="it cannot be copied from the program's memory",
    )
    at(
        "in",
        Kind.FLAGS,
        TCP_FLAGS="its TCP flags are none that the socket takes in its state",
        TCP_INVALID_SYN="it is a SYN within a connection",
        TCP_RFC7323_TW_PAWS="its time stamp is older than that of an ended connection between the same ports",
        TCP_FASTOPEN="TCP Fast Open was not agreed on",
    )
    at(
        "in",
        Kind.MEMORY,
        NOMEM="the kernel has no memory for it",
        PROTO_MEM="TCP has used the memory that it may have (tcp_mem)",
        SOCKET_BACKLOG="the socket's backlog is full",
        CPU_BACKLOG="the backlog of received packets is full (netdev_max_backlog)",
        FULL_RING="the ring of a virtual interface is full: its reader is too slow",
        PFMEMALLOC="memory is so short that only the system's own traffic is taken",
    )
    at("in", Kind.TTL, TCP_MINTTL="its TTL is below what the socket wants (IP_MINTTL)")
    at(
        "in",
        Kind.LINK,
        DEV_HDR="its link-layer header cannot be made or read",
        RECURSION_LIMIT="virtual interfaces lead to each other in a circle",
        VXLAN_INVALID_HDR="its VXLAN header is malformed",
        VXLAN_VNI_NOT_FOUND="no VXLAN network has its number",
        VXLAN_ENTRY_EXISTS="its link-layer source is fixed at another place of the VXLAN",
        IP_TUNNEL_ECN="a tunnel's congestion marks contradict each other",
        TUNNEL_TXINFO="a tunnel does not know where to send it",
        ARP_PVLAN_DISABLE="the bridge's port answers no ARP",
        MAC_IEEE_MAC_CONTROL="it is addressed to the link's own control",
        BRIDGE_INGRESS_STP_STATE="the bridge's port does not forward (spanning tree)",
        IPV6_NDISC_FRAG="a neighbour's message was in fragments",
        IPV6_NDISC_HOP_LIMIT="a neighbour's message came from further away",
        IPV6_NDISC_BAD_CODE="a neighbour's message is malformed",
        IPV6_NDISC_BAD_OPTIONS="a neighbour's message is malformed",
        IPV6_NDISC_NS_OTHERHOST="a neighbour asks for another machine",
    )
    ordinary = (
        "NOT_DROPPED_YET CONSUMED OTHERHOST SOCKET_CLOSE SOCKET_RCVBUFF UNIX_DISCONNECT UNIX_SKIP_OOB UDP_CSUM "
        "ICMP_CSUM TCP_ABORT_ON_DATA TCP_ZEROWINDOW TCP_OLD_DATA TCP_OVERWINDOW TCP_OFOMERGE TCP_RFC7323_PAWS "
        "TCP_RFC7323_PAWS_ACK TCP_RFC7323_TSECR TCP_OLD_SEQUENCE TCP_INVALID_SEQUENCE TCP_INVALID_END_SEQUENCE "
        "TCP_INVALID_ACK_SEQUENCE TCP_RESET TCP_CLOSE TCP_OLD_ACK TCP_TOO_OLD_ACK TCP_ACK_UNSENT_DATA "
        "TCP_OFO_QUEUE_PRUNE TCP_OFO_DROP QUEUE_PURGE PACKET_SOCK_ERROR CAN_RX_INVALID_FRAME "
        "CANFD_RX_INVALID_FRAME CANXL_RX_INVALID_FRAME MAX SUBSYS_MASK"
    )
    for name in ordinary.split():
        at("carry", Kind.ORDINARY, **{name: "the exchange went on without it"})
    at("in", Kind.UNTOLD, NOT_SPECIFIED="the kernel gives no reason")
    return made


REASONS: Final[Mapping[str, Drop]] = MappingProxyType(_table())
"""The kernel's name → what it means."""

UNSPECIFIED: Final = "NOT_SPECIFIED"

_PLACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "do_xdp_generic": "XDP",
        "netif_receive_generic_xdp": "XDP",
        "bpf_prog_run_generic_xdp": "XDP",
        "veth_xdp_rcv_skb": "XDP",
        "veth_xdp_rcv_one": "XDP",
        "sch_handle_ingress": "TC_INGRESS",
        "sch_handle_egress": "TC_EGRESS",
        "nf_hook_slow": "NETFILTER_DROP",
        "neigh_invalidate": "NEIGH_FAILED",
        "noop_enqueue": "QDISC_DROP",
    }
)
"""Functions of the kernel that drop for one reason only, where the kernel does not specify it."""
_FUNCTION: Final = re.compile(r"([A-Za-z_]\w{0,80}?)(?:\.\w+)*\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[\w+\])?")


def specified(reason: str, location: str) -> str:
    """Return a drop's reason; where the kernel specified none, that of the function which dropped, if it has one."""
    if reason != UNSPECIFIED:
        return reason
    found = _FUNCTION.fullmatch(location)
    return _PLACES.get(found[1], reason) if found else reason


def kind_of(reason: str) -> Kind | None:
    """Return the kind of a reason; ``None`` for one that only a newer kernel knows."""
    found = REASONS.get(reason)
    return found.kind if found else None


def in_words(reason: str) -> str:
    """Return a reason's name, with what it means where that is known."""
    found = REASONS.get(reason)
    return f"{reason}: {found.meaning}" if found else reason


def named(*kinds: Kind) -> str:
    """Return the names of all reasons of some kinds, for a person."""
    return ", ".join(name for name, drop in REASONS.items() if drop.kind in kinds)
