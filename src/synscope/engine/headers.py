# cython: language_level=3, wraparound=False
"""Link type → IPv4/IPv6 → TCP or an ICMP error that quotes TCP: fills the header columns of a ``Batch``.

Input: the buffer and the columns ``records`` filled. Output: the remaining columns, and for every frame
that is not followed to a TCP header one count under a named reason (``REASONS``). A header that is cut
or lies about a length is such a reason, never an exception.

Invariants: no byte outside the frame's captured length is read; lengths on the wire come from the IP
header (from the record where that says 0, as with segmentation offload); of a fragmented datagram only
the first fragment carries the TCP header: a fragment that needs others to be understood is only marked
(``KIND_FRAGMENT``), for ``fragments`` to put together. Addresses are two 64-bit halves; an IPv4 address has the high
half ``layout.V4_HIGH``.

The functions that skip a header return what follows it in one number, ``offset << 24 | ethertype << 8 | layer``, or
``-REASON_…``. The ethertype counts with ``LAYER_ETHERTYPE`` alone.

Sources: RFC 791, 8200 (extension headers), 9293 §3.1, 792 and 4443 (quoted datagrams), 2784/2890 (GRE),
7348 (VXLAN), 8926 (Geneve), 2516 (PPPoE), 3032 (MPLS), 3931/2661 (L2TP), IEEE 802.1Q/ad/ah,
3GPP TS 29.281 (GTP-U), libpcap's list of link-layer header types.
"""

from __future__ import annotations

import struct

try:
    import cython
    from cython import Py_ssize_t, declare, uint, ulonglong
except ImportError:  # Cython is not there at run time
    from synscope.engine import shim as cython
    from synscope.engine.shim import Py_ssize_t, declare, uint, ulonglong

COMPILED = cython.compiled

# Each name's C type, then its number: imported without a type, it would be a Python object in the loops.
declare(V4_HIGH=ulonglong)
declare(
    REASON_CUT=Py_ssize_t, REASON_IP_LENGTH=Py_ssize_t, REASON_IP_VERSION=Py_ssize_t,
    REASON_FRAGMENT=Py_ssize_t, REASON_TCP_CUT=Py_ssize_t, REASON_TCP_LENGTH=Py_ssize_t,
    REASON_UDP=Py_ssize_t, REASON_ICMP=Py_ssize_t, REASON_ICMPV6=Py_ssize_t, REASON_ARP=Py_ssize_t,
    REASON_OTHER_IP=Py_ssize_t, REASON_ESP=Py_ssize_t, REASON_OTHER_ETHERNET=Py_ssize_t,
    REASON_LLC=Py_ssize_t, REASON_LINKTYPE=Py_ssize_t, REASON_DEPTH=Py_ssize_t, REASON_TUNNEL=Py_ssize_t,
    REASON_WLAN=Py_ssize_t, REASON_EXTENSIONS=Py_ssize_t, REASON_SCTP=Py_ssize_t, REASON_PPP=Py_ssize_t,
    REASON_FAMILY=Py_ssize_t,
)  # fmt: skip
declare(
    KIND_SKIP=uint, KIND_TCP=uint, KIND_ICMP=uint, KIND_FRAGMENT=uint, LINKTYPE_NULL=uint,
    LINKTYPE_EN10MB=uint, LINKTYPE_ARCNET=uint, LINKTYPE_PPP=uint, LINKTYPE_FDDI=uint, DLT_RAW=uint,
    DLT_RAW_OPENBSD=uint, LINKTYPE_PPP_HDLC=uint, LINKTYPE_PPP_ETHER=uint, LINKTYPE_RAW=uint,
    LINKTYPE_C_HDLC=uint, LINKTYPE_IEEE802_11=uint, LINKTYPE_LOOP=uint, LINKTYPE_LINUX_SLL=uint,
    LINKTYPE_PRISM_HEADER=uint, LINKTYPE_IEEE802_11_RADIOTAP=uint, LINKTYPE_ARCNET_LINUX=uint,
    LINKTYPE_IEEE802_11_AVS=uint, LINKTYPE_PPI=uint, LINKTYPE_IPV4=uint, LINKTYPE_IPV6=uint,
    LINKTYPE_NFLOG=uint, LINKTYPE_LINUX_SLL2=uint, FAMILY_IPV4=uint, FAMILY_IPV6_LINUX=uint,
    FAMILY_IPV6_SOLARIS=uint, FAMILY_IPV6_BSD=uint, FAMILY_IPV6_FREEBSD=uint, FAMILY_IPV6_DARWIN=uint,
    NULL_HEADER=uint, SLL_HEADER=uint, SLL_PROTOCOL=uint, SLL2_HEADER=uint, HDLC_HEADER=uint,
    HDLC_PROTOCOL=uint, PPPOE_HEADER=uint, PPP_ADDRESS=uint, PPP_CONTROL=uint, RADIOTAP_HEADER=uint,
    PRISM_HEADER=uint, AVS_HEADER=uint, AVS_MAGIC=uint, SHORTEST_AVS_HEADER=uint, LONGEST_AVS_HEADER=uint,
    ARCNET_IP=uint, ARCNET_IP_RFC1051=uint, ARCNET_EXCEPTION=uint, NFLOG_ATTRIBUTE=uint, NFLOG_PAYLOAD=uint,
    SNAP=uint, SNAP_HEADER=uint, SNAP_TYPE=uint, LLC_IP=uint, LLC_HEADER=uint, FDDI_HEADER=uint,
    WLAN_HEADER=uint, WLAN_KIND=uint, WLAN_DATA=uint, WLAN_NO_PAYLOAD=uint, WLAN_QOS=uint,
    WLAN_BOTH_WAYS=uint, WLAN_PROTECTED=uint, WLAN_HT_CONTROL=uint, WLAN_AGGREGATED=uint,
    ETHERNET_HEADER=uint, ETHERNET_TYPE=uint, LONGEST_LLC=uint, ETHERTYPE_IPV4=uint, ETHERTYPE_ARP=uint,
    ETHERTYPE_ERSPAN_III=uint, ETHERTYPE_BRIDGED=uint, ETHERTYPE_RAW_FRAME_RELAY=uint, ETHERTYPE_RARP=uint,
    ETHERTYPE_VLAN=uint, ETHERTYPE_PPP=uint, ETHERTYPE_WCCP=uint, ETHERTYPE_MPLS=uint,
    ETHERTYPE_MPLS_UPSTREAM=uint, ETHERTYPE_PPPOE=uint, ETHERTYPE_IPV6=uint, ETHERTYPE_PROVIDER_VLAN=uint,
    ETHERTYPE_ERSPAN_II=uint, ETHERTYPE_MACSEC=uint, ETHERTYPE_BACKBONE=uint, ETHERTYPE_FABRICPATH=uint,
    ETHERTYPE_VN_TAG=uint, ETHERTYPE_E_TAG=uint, ETHERTYPE_VLAN_9100=uint, ETHERTYPE_VLAN_9200=uint,
    ETHERTYPE_VLAN_9300=uint, VLAN_TAG=uint, VLAN_TYPE=uint, MPLS_LABEL=uint, MACSEC_TAG=uint,
    MACSEC_TAG_WITH_SENDER=uint, ERSPAN_II_HEADER=uint, ERSPAN_III_HEADER=uint,
    ERSPAN_III_HEADER_WITH_PLATFORM=uint, PPP_IPV4=uint, PPP_IPV6=uint, PPP_MPLS=uint,
    PPP_MPLS_MULTICAST=uint, GRE_HEADER=uint, GRE_VERSION=uint, GRE_CHECKSUM_OR_ROUTING=uint,
    GRE_ROUTING=uint, GRE_KEY=uint, GRE_SEQUENCE=uint, GRE_ACKNOWLEDGEMENT=uint, GRE_WLAN_ARUBA=uint,
    GRE_WLAN_CISCO=uint, UDP_HEADER=uint, PORT_L2TP=uint, PORT_GTP=uint, PORT_TEREDO=uint, PORT_VXLAN=uint,
    PORT_VXLAN_GPE=uint, PORT_AYIYA=uint, PORT_GENEVE=uint, PORT_VXLAN_LINUX=uint, VXLAN_HEADER=uint,
    VXLAN_HAS_ID=uint, VXLAN_GPE_HAS_ID_AND_NEXT=uint, VXLAN_GPE_IPV4=uint, VXLAN_GPE_IPV6=uint,
    GENEVE_HEADER=uint, GTP_HEADER=uint, GTP_VERSION=uint, GTP_G_PDU=uint, AYIYA_HEADER=uint,
    AYIYA_LONGEST_IDENTITY=uint, L2TP_VERSION=uint, TEREDO_AUTHENTICATION=uint,
    TEREDO_AUTHENTICATION_HEADER=uint, TEREDO_ORIGIN=uint, IPV4=uint, IPV6=uint, IPV4_HEADER=uint,
    IPV4_LENGTH=uint, IPV4_FRAGMENT=uint, IPV4_PROTOCOL=uint, IPV4_SOURCE=uint, IPV4_DESTINATION=uint,
    IPV4_WITHOUT_OPTIONS=uint, FRAGMENT_PLACE_AND_MORE=uint, FRAGMENT_PLACE=uint, IPV6_HEADER=uint,
    IPV6_LENGTH=uint, IPV6_NEXT=uint, IPV6_SOURCE=uint, IPV6_DESTINATION=uint, EXTENSION_HEADER=uint,
    FRAGMENT6_PLACE=uint, PROTOCOL_HOP_BY_HOP=uint, PROTOCOL_ICMP=uint, PROTOCOL_IPV4=uint, PROTOCOL_TCP=uint,
    PROTOCOL_UDP=uint, PROTOCOL_IPV6=uint, PROTOCOL_ROUTING=uint, PROTOCOL_FRAGMENT=uint, PROTOCOL_GRE=uint,
    PROTOCOL_ESP=uint, PROTOCOL_AH=uint, PROTOCOL_ICMPV6=uint, PROTOCOL_DESTINATION_OPTIONS=uint,
    PROTOCOL_ETHERIP=uint, PROTOCOL_SCTP=uint, PROTOCOL_MOBILITY=uint, PROTOCOL_MPLS=uint, PROTOCOL_HIP=uint,
    PROTOCOL_SHIM6=uint, PROTOCOL_ETHERNET=uint, ICMP_HEADER=uint, ICMP_UNREACHABLE=uint,
    ICMP_SOURCE_QUENCH=uint, ICMP_TIME_EXCEEDED=uint, ICMP_PARAMETER_PROBLEM=uint, ICMPV6_LAST_ERROR=uint,
    QUOTED_TCP=uint, TCP_HEADER=uint, TCP_SEQ=uint, TCP_ACK=uint, TCP_OFFSET_AND_FLAGS=uint, TCP_WINDOW=uint,
    TCP_WORDS=uint, TCP_FLAGS=uint,
)  # fmt: skip
# isort: off
from synscope.engine.batch import KIND_SKIP, KIND_TCP, KIND_ICMP, KIND_FRAGMENT
from synscope.engine.layout import V4_HIGH
from synscope.engine.names import (
    LINKTYPE_NULL, LINKTYPE_EN10MB, LINKTYPE_ARCNET, LINKTYPE_PPP, LINKTYPE_FDDI, DLT_RAW, DLT_RAW_OPENBSD,
    LINKTYPE_PPP_HDLC, LINKTYPE_PPP_ETHER, LINKTYPE_RAW, LINKTYPE_C_HDLC, LINKTYPE_IEEE802_11, LINKTYPE_LOOP,
    LINKTYPE_LINUX_SLL, LINKTYPE_PRISM_HEADER, LINKTYPE_IEEE802_11_RADIOTAP, LINKTYPE_ARCNET_LINUX,
    LINKTYPE_IEEE802_11_AVS, LINKTYPE_PPI, LINKTYPE_IPV4, LINKTYPE_IPV6, LINKTYPE_NFLOG, LINKTYPE_LINUX_SLL2,
    FAMILY_IPV4, FAMILY_IPV6_LINUX, FAMILY_IPV6_SOLARIS, FAMILY_IPV6_BSD, FAMILY_IPV6_FREEBSD,
    FAMILY_IPV6_DARWIN, NULL_HEADER, SLL_HEADER, SLL_PROTOCOL, SLL2_HEADER, HDLC_HEADER, HDLC_PROTOCOL,
    PPPOE_HEADER, PPP_ADDRESS, PPP_CONTROL, RADIOTAP_HEADER, PRISM_HEADER, AVS_HEADER, AVS_MAGIC,
    SHORTEST_AVS_HEADER, LONGEST_AVS_HEADER, ARCNET_IP, ARCNET_IP_RFC1051, ARCNET_EXCEPTION, NFLOG_ATTRIBUTE,
    NFLOG_PAYLOAD, SNAP, SNAP_HEADER, SNAP_TYPE, LLC_IP, LLC_HEADER, FDDI_HEADER, WLAN_HEADER, WLAN_KIND,
    WLAN_DATA, WLAN_NO_PAYLOAD, WLAN_QOS, WLAN_BOTH_WAYS, WLAN_PROTECTED, WLAN_HT_CONTROL, WLAN_AGGREGATED,
    ETHERNET_HEADER, ETHERNET_TYPE, LONGEST_LLC, ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_ERSPAN_III,
    ETHERTYPE_BRIDGED, ETHERTYPE_RAW_FRAME_RELAY, ETHERTYPE_RARP, ETHERTYPE_VLAN, ETHERTYPE_PPP,
    ETHERTYPE_WCCP, ETHERTYPE_MPLS, ETHERTYPE_MPLS_UPSTREAM, ETHERTYPE_PPPOE, ETHERTYPE_IPV6,
    ETHERTYPE_PROVIDER_VLAN, ETHERTYPE_ERSPAN_II, ETHERTYPE_MACSEC, ETHERTYPE_BACKBONE, ETHERTYPE_FABRICPATH,
    ETHERTYPE_VN_TAG, ETHERTYPE_E_TAG, ETHERTYPE_VLAN_9100, ETHERTYPE_VLAN_9200, ETHERTYPE_VLAN_9300,
    VLAN_TAG, VLAN_TYPE, MPLS_LABEL, MACSEC_TAG, MACSEC_TAG_WITH_SENDER, ERSPAN_II_HEADER, ERSPAN_III_HEADER,
    ERSPAN_III_HEADER_WITH_PLATFORM, PPP_IPV4, PPP_IPV6, PPP_MPLS, PPP_MPLS_MULTICAST, GRE_HEADER,
    GRE_VERSION, GRE_CHECKSUM_OR_ROUTING, GRE_ROUTING, GRE_KEY, GRE_SEQUENCE, GRE_ACKNOWLEDGEMENT,
    GRE_WLAN_ARUBA, GRE_WLAN_CISCO, UDP_HEADER, PORT_L2TP, PORT_GTP, PORT_TEREDO, PORT_VXLAN, PORT_VXLAN_GPE,
    PORT_AYIYA, PORT_GENEVE, PORT_VXLAN_LINUX, VXLAN_HEADER, VXLAN_HAS_ID, VXLAN_GPE_HAS_ID_AND_NEXT,
    VXLAN_GPE_IPV4, VXLAN_GPE_IPV6, GENEVE_HEADER, GTP_HEADER, GTP_VERSION, GTP_G_PDU, AYIYA_HEADER,
    AYIYA_LONGEST_IDENTITY, L2TP_VERSION, TEREDO_AUTHENTICATION, TEREDO_AUTHENTICATION_HEADER, TEREDO_ORIGIN,
    IPV4, IPV6, IPV4_HEADER, IPV4_LENGTH, IPV4_FRAGMENT, IPV4_PROTOCOL, IPV4_SOURCE, IPV4_DESTINATION,
    IPV4_WITHOUT_OPTIONS, FRAGMENT_PLACE_AND_MORE, FRAGMENT_PLACE, IPV6_HEADER, IPV6_LENGTH, IPV6_NEXT,
    IPV6_SOURCE, IPV6_DESTINATION, EXTENSION_HEADER, FRAGMENT6_PLACE, PROTOCOL_HOP_BY_HOP, PROTOCOL_ICMP,
    PROTOCOL_IPV4, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_IPV6, PROTOCOL_ROUTING, PROTOCOL_FRAGMENT,
    PROTOCOL_GRE, PROTOCOL_ESP, PROTOCOL_AH, PROTOCOL_ICMPV6, PROTOCOL_DESTINATION_OPTIONS, PROTOCOL_ETHERIP,
    PROTOCOL_SCTP, PROTOCOL_MOBILITY, PROTOCOL_MPLS, PROTOCOL_HIP, PROTOCOL_SHIM6, PROTOCOL_ETHERNET,
    ICMP_HEADER, ICMP_UNREACHABLE, ICMP_SOURCE_QUENCH, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM,
    ICMPV6_LAST_ERROR, QUOTED_TCP, TCP_HEADER, TCP_SEQ, TCP_ACK, TCP_OFFSET_AND_FLAGS, TCP_WINDOW, TCP_WORDS,
    TCP_FLAGS, REASON_CUT, REASON_IP_LENGTH, REASON_IP_VERSION, REASON_FRAGMENT, REASON_TCP_CUT,
    REASON_TCP_LENGTH, REASON_UDP, REASON_ICMP, REASON_ICMPV6, REASON_ARP, REASON_OTHER_IP, REASON_ESP,
    REASON_OTHER_ETHERNET, REASON_LLC, REASON_LINKTYPE, REASON_DEPTH, REASON_TUNNEL, REASON_WLAN,
    REASON_EXTENSIONS, REASON_SCTP, REASON_PPP, REASON_FAMILY,
)  # fmt: skip
# isort: on

# What lies at an offset.
LAYER_IP = declare(uint, 0)
LAYER_ETHERNET = declare(uint, 1)
LAYER_ETHERTYPE = declare(uint, 2)
LAYER_PPP = declare(uint, 3)

_M8 = declare(uint, 0xFF)
_M16 = declare(uint, 0xFFFF)
_DEEPEST = declare(uint, 24)
"""Headers followed in one frame."""
_PLAIN_SIZE = declare(uint, ETHERNET_HEADER + IPV4_HEADER + TCP_HEADER)

_WORD16 = struct.Struct(">H").unpack_from
_WORD32 = struct.Struct(">I").unpack_from
_WORD64 = struct.Struct(">Q").unpack_from
_PLAIN = struct.Struct(">12xHBxHxxHxBxxIIIIIH").unpack_from


@cython.cfunc
@cython.nogil
@cython.inline
@cython.boundscheck(False)  # both ends are checked here, at once
def _u16(data: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.uint:
    """Return the big-endian 16-bit word at ``at``."""
    a: cython.uint
    if not cython.compiled:
        return _WORD16(data, at)[0]
    if at < 0 or at + 2 > len(data):
        return _beyond(data)
    a = data[at]
    return (a << 8) | data[at + 1]


@cython.cfunc
@cython.nogil
@cython.inline
@cython.boundscheck(False)
def _u32(data: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.uint:
    """Return the big-endian 32-bit word at ``at``."""
    a: cython.uint
    b: cython.uint
    c: cython.uint
    if not cython.compiled:
        return _WORD32(data, at)[0]
    if at < 0 or at + 4 > len(data):
        return _beyond(data)
    a = data[at]
    b = data[at + 1]
    c = data[at + 2]
    return (a << 24) | (b << 16) | (c << 8) | data[at + 3]


@cython.cfunc
@cython.nogil
@cython.inline
def _u64(data: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.ulonglong:
    """Return the big-endian 64-bit word at ``at``."""
    high: cython.ulonglong
    if not cython.compiled:
        return _WORD64(data, at)[0]
    high = _u32(data, at)
    return (high << 32) | _u32(data, at + 4)


@cython.cfunc
@cython.nogil
def _beyond(data: cython.uchar[::1]) -> cython.uint:
    """Raise the error of an index outside the buffer: the callers' own checks have failed."""
    return data[len(data)]


@cython.cfunc
@cython.nogil
def _from_linktype(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, linktype: cython.uint
) -> cython.longlong:
    """Skip a link header."""
    kind: cython.uint
    size: cython.Py_ssize_t
    if linktype == LINKTYPE_NULL or linktype == LINKTYPE_LOOP:  # in either byte order
        if at + NULL_HEADER > end:
            return -REASON_CUT
        kind = _u32(data, at)
        if kind > _M16:
            kind = data[at]
        if (
            kind == FAMILY_IPV4
            or kind == FAMILY_IPV6_LINUX
            or kind == FAMILY_IPV6_BSD
            or kind == FAMILY_IPV6_FREEBSD
            or kind == FAMILY_IPV6_DARWIN
            or kind == FAMILY_IPV6_SOLARIS
        ):
            return ((at + NULL_HEADER) << 24) | LAYER_IP
        return -REASON_FAMILY
    if (
        linktype == LINKTYPE_RAW
        or linktype == LINKTYPE_IPV4
        or linktype == LINKTYPE_IPV6
        or linktype == DLT_RAW
        or linktype == DLT_RAW_OPENBSD
    ):
        return (at << 24) | LAYER_IP
    if linktype == LINKTYPE_LINUX_SLL:
        if at + SLL_HEADER > end:
            return -REASON_CUT
        return ((at + SLL_HEADER) << 24) | (_u16(data, at + SLL_PROTOCOL) << 8) | LAYER_ETHERTYPE
    if linktype == LINKTYPE_LINUX_SLL2:
        if at + SLL2_HEADER > end:
            return -REASON_CUT
        return ((at + SLL2_HEADER) << 24) | (_u16(data, at) << 8) | LAYER_ETHERTYPE
    if linktype == LINKTYPE_PPP:  # with or without address and control
        if at + 4 > end:
            return -REASON_CUT
        if data[at] == PPP_ADDRESS and data[at + 1] == PPP_CONTROL:
            return ((at + 2) << 24) | LAYER_PPP
        return (at << 24) | LAYER_PPP
    if linktype == LINKTYPE_PPP_HDLC:  # PPP in HDLC-like framing, or Cisco HDLC
        if at + HDLC_HEADER > end:
            return -REASON_CUT
        if data[at] == PPP_ADDRESS:
            return ((at + 2) << 24) | LAYER_PPP
        return ((at + HDLC_HEADER) << 24) | (_u16(data, at + HDLC_PROTOCOL) << 8) | LAYER_ETHERTYPE
    if linktype == LINKTYPE_PPP_ETHER:
        if at + PPPOE_HEADER + 2 > end:
            return -REASON_CUT
        return ((at + PPPOE_HEADER) << 24) | LAYER_PPP
    if linktype == LINKTYPE_C_HDLC:
        if at + HDLC_HEADER > end:
            return -REASON_CUT
        return ((at + HDLC_HEADER) << 24) | (_u16(data, at + HDLC_PROTOCOL) << 8) | LAYER_ETHERTYPE
    if linktype == LINKTYPE_IEEE802_11:
        return _from_wlan(data, at, end)
    if linktype == LINKTYPE_IEEE802_11_RADIOTAP or linktype == LINKTYPE_PPI:
        if at + 4 > end:
            return -REASON_CUT
        kind = data[at + 3]
        size = data[at + 2]
        size |= kind << 8
        if size < RADIOTAP_HEADER or at + size > end:
            return -REASON_TUNNEL
        if linktype == LINKTYPE_PPI and at + RADIOTAP_HEADER <= end:
            kind = data[at + 4]  # the link type that follows
            if kind == LINKTYPE_EN10MB:
                return ((at + size) << 24) | LAYER_ETHERNET
            if kind != LINKTYPE_IEEE802_11:
                return -REASON_LINKTYPE
        return _from_wlan(data, at + size, end)
    if linktype == LINKTYPE_PRISM_HEADER or linktype == LINKTYPE_IEEE802_11_AVS:
        size = PRISM_HEADER if linktype == LINKTYPE_PRISM_HEADER else AVS_HEADER
        if at + size > end:
            return -REASON_CUT
        if _u16(data, at) == AVS_MAGIC:
            size = _u32(data, at + 4)
            if size < SHORTEST_AVS_HEADER or size > LONGEST_AVS_HEADER or at + size > end:
                return -REASON_TUNNEL
        return _from_wlan(data, at + size, end)
    if linktype == LINKTYPE_FDDI:
        at += FDDI_HEADER
        if at + SNAP_HEADER > end or data[at] != SNAP or data[at + 1] != SNAP:
            return -REASON_LLC
        return ((at + SNAP_HEADER) << 24) | (_u16(data, at + SNAP_TYPE) << 8) | LAYER_ETHERTYPE
    if linktype == LINKTYPE_ARCNET or linktype == LINKTYPE_ARCNET_LINUX:
        at += 2 if linktype == LINKTYPE_ARCNET else 4  # Linux adds an offset
        if at + 4 > end:
            return -REASON_CUT
        kind = data[at]
        if kind == ARCNET_IP_RFC1051:
            return ((at + 1) << 24) | LAYER_IP
        if kind == ARCNET_IP:
            if data[at + 1] == ARCNET_EXCEPTION:
                at += 4
            return ((at + 4) << 24) | LAYER_IP
        return -REASON_OTHER_ETHERNET
    if linktype == LINKTYPE_NFLOG:
        return _from_nflog(data, at, end)
    return -REASON_LINKTYPE


@cython.cfunc
@cython.nogil
def _from_nflog(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip an NFLOG header to its payload attribute, which is an IP datagram."""
    low: cython.Py_ssize_t
    high: cython.Py_ssize_t
    kind: cython.uint
    at += 4
    while at + NFLOG_ATTRIBUTE <= end:
        low = data[at]
        high = data[at + 1]
        high = (high << 8) | low
        kind = data[at + 2]
        if data[at + 3] & 127 != 0 or high < NFLOG_ATTRIBUTE:
            return -REASON_TUNNEL
        if kind == NFLOG_PAYLOAD:
            return ((at + NFLOG_ATTRIBUTE) << 24) | LAYER_IP
        at += (high + 3) & 0xFFFFFC
    return -REASON_TUNNEL


@cython.cfunc
@cython.nogil
def _from_wlan(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip an 802.11 data header and its LLC/SNAP."""
    control: cython.uint
    flags: cython.uint
    size: cython.Py_ssize_t = WLAN_HEADER
    if at + WLAN_HEADER > end:
        return -REASON_WLAN
    control = data[at]
    flags = data[at + 1]
    if control & WLAN_KIND != WLAN_DATA or flags & WLAN_PROTECTED != 0 or control & WLAN_NO_PAYLOAD != 0:
        return -REASON_WLAN
    if flags & WLAN_BOTH_WAYS == WLAN_BOTH_WAYS:
        size += 6
    if control & WLAN_QOS != 0:
        if at + size < end and data[at + size] & WLAN_AGGREGATED != 0:
            size += ETHERNET_HEADER  # the first subframe of an aggregate (A-MSDU) has its own addresses and length
        size += 2
        if flags & WLAN_HT_CONTROL != 0:
            size += 4
    at += size
    if at + SNAP_HEADER > end:
        return -REASON_WLAN
    if data[at] != SNAP or data[at + 1] != SNAP:
        return -REASON_WLAN
    return ((at + SNAP_HEADER) << 24) | (_u16(data, at + SNAP_TYPE) << 8) | LAYER_ETHERTYPE


@cython.cfunc
@cython.nogil
def _from_ethertype(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, ethertype: cython.uint
) -> cython.longlong:
    """Skip what follows an ethertype other than IP."""
    kind: cython.uint
    size: cython.Py_ssize_t
    if (
        ethertype == ETHERTYPE_VLAN
        or ethertype == ETHERTYPE_PROVIDER_VLAN
        or ethertype == ETHERTYPE_VLAN_9100
        or ethertype == ETHERTYPE_VLAN_9200
        or ethertype == ETHERTYPE_VLAN_9300
    ):
        if at + VLAN_TAG > end:
            return -REASON_CUT
        return ((at + VLAN_TAG) << 24) | (_u16(data, at + VLAN_TYPE) << 8) | LAYER_ETHERTYPE
    if ethertype == ETHERTYPE_ARP or ethertype == ETHERTYPE_RARP:
        return -REASON_ARP
    if ethertype <= LONGEST_LLC:
        if at + SNAP_HEADER > end:
            return -REASON_LLC
        if data[at] == SNAP and data[at + 1] == SNAP:
            return ((at + SNAP_HEADER) << 24) | (_u16(data, at + SNAP_TYPE) << 8) | LAYER_ETHERTYPE
        if data[at] == LLC_IP and data[at + 1] == LLC_IP:
            return ((at + LLC_HEADER) << 24) | LAYER_IP
        return -REASON_LLC
    if ethertype == ETHERTYPE_PPPOE:
        if at + PPPOE_HEADER + 2 > end:
            return -REASON_CUT
        return ((at + PPPOE_HEADER) << 24) | LAYER_PPP
    if ethertype == ETHERTYPE_PPP:
        if at + 4 > end:
            return -REASON_CUT
        if data[at] == PPP_ADDRESS and data[at + 1] == PPP_CONTROL:
            at += 2
        return (at << 24) | LAYER_PPP
    if ethertype == ETHERTYPE_MPLS or ethertype == ETHERTYPE_MPLS_UPSTREAM:
        while at + MPLS_LABEL <= end:
            at += MPLS_LABEL
            if data[at - 2] & 1 != 0:  # the bottom of the stack
                if at >= end:
                    return -REASON_CUT
                kind = data[at] >> 4
                if kind == IPV4 or kind == IPV6:
                    return (at << 24) | LAYER_IP
                if kind == 0 and at + 4 <= end:  # pseudo-wire control word
                    return ((at + 4) << 24) | LAYER_ETHERNET
                return (at << 24) | LAYER_ETHERNET
        return -REASON_CUT
    if ethertype == ETHERTYPE_BACKBONE:  # the I-TAG, customer addresses, ethertype
        if at + 4 + ETHERNET_HEADER > end:
            return -REASON_CUT
        return ((at + 4) << 24) | LAYER_ETHERNET
    if ethertype == ETHERTYPE_E_TAG:
        if at + 8 > end:
            return -REASON_CUT
        return ((at + 8) << 24) | (_u16(data, at + 6) << 8) | LAYER_ETHERTYPE
    if ethertype == ETHERTYPE_FABRICPATH:
        if at + 2 > end:
            return -REASON_CUT
        return ((at + 2) << 24) | LAYER_ETHERNET
    if ethertype == ETHERTYPE_BRIDGED or ethertype == ETHERTYPE_RAW_FRAME_RELAY:
        return (at << 24) | LAYER_ETHERNET
    if ethertype == ETHERTYPE_ERSPAN_II:
        if at + ERSPAN_II_HEADER > end:
            return -REASON_TUNNEL
        return ((at + ERSPAN_II_HEADER) << 24) | LAYER_ETHERNET
    if ethertype == ETHERTYPE_ERSPAN_III:
        if at + ERSPAN_III_HEADER > end:
            return -REASON_TUNNEL
        size = ERSPAN_III_HEADER
        if data[at + 11] & 1 != 0:
            size = ERSPAN_III_HEADER_WITH_PLATFORM
        return ((at + size) << 24) | LAYER_ETHERNET
    if ethertype == ETHERTYPE_VN_TAG:
        if at + 6 > end:
            return -REASON_CUT
        return ((at + 6) << 24) | (_u16(data, at + 4) << 8) | LAYER_ETHERTYPE
    if ethertype == ETHERTYPE_MACSEC:  # only where it authenticates and does not encrypt
        if at + MACSEC_TAG > end or data[at] & 12 != 0:
            return -REASON_OTHER_ETHERNET
        size = MACSEC_TAG
        if data[at] & 32 != 0:
            size = MACSEC_TAG_WITH_SENDER
        if at + size + 2 > end:
            return -REASON_CUT
        return ((at + size + 2) << 24) | (_u16(data, at + size) << 8) | LAYER_ETHERTYPE
    return -REASON_OTHER_ETHERNET


@cython.cfunc
@cython.nogil
def _from_gre(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip a GRE header (versions 0 and 1)."""
    flags: cython.uint
    kind: cython.uint
    start: cython.Py_ssize_t = at
    if at + GRE_HEADER > end:
        return -REASON_TUNNEL
    flags = _u16(data, at)
    kind = _u16(data, at + 2)
    at += GRE_HEADER
    if flags & GRE_VERSION == 1:  # enhanced GRE (PPTP)
        at += 4
        if flags & GRE_SEQUENCE != 0:
            at += 4
        if flags & GRE_ACKNOWLEDGEMENT != 0:
            at += 4
        if at + 2 > end:
            return -REASON_TUNNEL
        if data[at] == PPP_ADDRESS and data[at + 1] == PPP_CONTROL:
            at += 2
        return (at << 24) | LAYER_PPP
    if flags & GRE_CHECKSUM_OR_ROUTING != 0:
        at += 4
    if flags & GRE_KEY != 0:
        at += 4
    if flags & GRE_SEQUENCE != 0:
        at += 4
    if flags & GRE_ROUTING != 0:  # source routes, ended by an empty one
        while at + 4 <= end and data[at + 3] != 0:
            at += 4 + data[at + 3]
        at += 4
    if at >= end:
        return -REASON_TUNNEL
    if kind == ETHERTYPE_ERSPAN_II and flags & GRE_SEQUENCE == 0:  # type I has no header of its own
        return ((start + GRE_HEADER) << 24) | LAYER_ETHERNET
    if kind == ETHERTYPE_WCCP:  # with or without a redirect header
        if data[at] >> 4 != IPV4:
            at += 4
        return (at << 24) | LAYER_IP
    if kind == 0 and data[at] >> 4 == IPV4:
        return (at << 24) | LAYER_IP
    if kind & 0xFF00 == GRE_WLAN_ARUBA or kind == GRE_WLAN_CISCO:
        return _from_wlan(data, at, end)
    return (at << 24) | (kind << 8) | LAYER_ETHERTYPE


@cython.cfunc
@cython.nogil
def _from_udp(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip a UDP tunnel's headers, recognised by port and shape. Return ``-REASON_UDP`` for plain UDP."""
    source: cython.uint
    port: cython.uint
    flags: cython.uint
    kind: cython.uint
    size: cython.Py_ssize_t
    if at + UDP_HEADER > end:
        return -REASON_UDP
    source = _u16(data, at)
    port = _u16(data, at + 2)
    at += UDP_HEADER
    if port == PORT_VXLAN or port == PORT_VXLAN_LINUX or source == PORT_VXLAN:
        if at + VXLAN_HEADER + ETHERNET_HEADER <= end and data[at] & VXLAN_HAS_ID != 0:
            return ((at + VXLAN_HEADER) << 24) | LAYER_ETHERNET
        return -REASON_UDP
    if (
        port == PORT_VXLAN_GPE
        and at + VXLAN_HEADER <= end
        and data[at] & VXLAN_GPE_HAS_ID_AND_NEXT == VXLAN_GPE_HAS_ID_AND_NEXT
    ):
        kind = data[at + 3]
        if kind == VXLAN_GPE_IPV4 or kind == VXLAN_GPE_IPV6:
            return ((at + VXLAN_HEADER) << 24) | LAYER_IP
        return ((at + VXLAN_HEADER) << 24) | LAYER_ETHERNET
    if port == PORT_GENEVE:
        if at + GENEVE_HEADER > end or data[at] >> 6 != 0:
            return -REASON_UDP
        size = data[at] & 63
        size = GENEVE_HEADER + size * 4
        if at + size > end:
            return -REASON_TUNNEL
        return ((at + size) << 24) | (_u16(data, at + 2) << 8) | LAYER_ETHERTYPE
    if port == PORT_GTP or source == PORT_GTP:
        if at + GTP_HEADER > end or data[at] >> 5 != GTP_VERSION or data[at + 1] != GTP_G_PDU:
            return -REASON_UDP
        flags = data[at]
        at += GTP_HEADER
        if flags & 7 != 0:
            at += 4
            if flags & 4 != 0:
                if at > end:
                    return -REASON_TUNNEL
                flags = data[at - 1]
                while flags != 0:
                    if at + 4 > end or data[at] == 0:
                        return -REASON_TUNNEL
                    size = data[at]
                    at += size * 4
                    if at > end:
                        return -REASON_TUNNEL
                    flags = data[at - 1]
        if at < end and (data[at] >> 4 == IPV4 or data[at] >> 4 == IPV6):
            return (at << 24) | LAYER_IP
        return -REASON_UDP
    if port == PORT_L2TP or source == PORT_L2TP:
        return _from_l2tp(data, at, end)
    if (port == PORT_AYIYA or source == PORT_AYIYA) and at + AYIYA_HEADER <= end:
        size = data[at] >> 4
        if size > AYIYA_LONGEST_IDENTITY:
            return -REASON_UDP
        size = AYIYA_HEADER + (1 << size) + 4 * (data[at + 1] >> 4)
        if data[at + 3] == PROTOCOL_IPV6 and at + size < end:
            return ((at + size) << 24) | LAYER_IP
        return -REASON_UDP
    if (port == PORT_TEREDO or source == PORT_TEREDO) and at + 1 < end:
        if data[at] == 0 and data[at + 1] == TEREDO_AUTHENTICATION and at + 4 <= end:
            size = TEREDO_AUTHENTICATION_HEADER + data[at + 2] + data[at + 3]
            at += size
        if at + 1 < end and data[at] == 0 and data[at + 1] == 0:
            at += TEREDO_ORIGIN
        if at + IPV6_HEADER <= end and data[at] >> 4 == IPV6:
            return (at << 24) | LAYER_IP
    return -REASON_UDP


@cython.cfunc
@cython.nogil
def _from_l2tp(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip an L2TP version 2 data header (RFC 2661 §3.1) to the PPP frame it carries."""
    flags: cython.uint
    if at + 6 > end:
        return -REASON_UDP
    flags = _u16(data, at)
    if flags & 15 != L2TP_VERSION or flags & 0x8000 != 0:
        return -REASON_UDP
    at += 2
    if flags & 0x4000 != 0:
        at += 2
    at += 4
    if flags & 0x0800 != 0:
        at += 4
    if flags & 0x0200 != 0:
        if at + 2 > end:
            return -REASON_TUNNEL
        at += 2 + _u16(data, at)
    if at + 4 > end:
        return -REASON_TUNNEL
    if data[at] == PPP_ADDRESS and data[at + 1] == PPP_CONTROL:
        at += 2
    return (at << 24) | LAYER_PPP


@cython.cfunc
@cython.nogil
def _from_ppp(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Read a PPP protocol field, compressed to one byte or not."""
    kind: cython.uint
    if at + 2 > end:
        return -REASON_CUT
    kind = data[at]
    if kind & 1 != 0:
        at += 1
    else:
        kind = _u16(data, at)
        at += 2
    if kind == PPP_IPV4 or kind == PPP_IPV6:
        return (at << 24) | LAYER_IP
    if kind == PPP_MPLS or kind == PPP_MPLS_MULTICAST:
        return (at << 24) | (ETHERTYPE_MPLS << 8) | LAYER_ETHERTYPE
    return -REASON_PPP


@cython.cfunc
@cython.nogil
def _past_extensions(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, following: cython.uint
) -> cython.longlong:
    """Skip IPv6 extension headers. Return ``offset << 8 | protocol``, or ``-reason``."""
    size: cython.Py_ssize_t
    while True:
        if (
            following == PROTOCOL_HOP_BY_HOP
            or following == PROTOCOL_ROUTING
            or following == PROTOCOL_DESTINATION_OPTIONS
            or following == PROTOCOL_MOBILITY
            or following == PROTOCOL_HIP
            or following == PROTOCOL_SHIM6
        ):
            if at + EXTENSION_HEADER > end:
                return -REASON_EXTENSIONS
            size = data[at + 1]
            following = data[at]
            at += EXTENSION_HEADER + 8 * size
        elif following == PROTOCOL_FRAGMENT:
            if at + EXTENSION_HEADER > end:
                return -REASON_EXTENSIONS
            if _u16(data, at + 2) & FRAGMENT6_PLACE != 0:
                return -REASON_FRAGMENT
            following = data[at]
            at += EXTENSION_HEADER
        elif following == PROTOCOL_AH:
            if at + EXTENSION_HEADER > end:
                return -REASON_EXTENSIONS
            size = data[at + 1]
            following = data[at]
            at += EXTENSION_HEADER + 4 * size
        else:
            return (at << 8) | following
        if at > end:
            return -REASON_EXTENSIONS


@cython.cfunc
@cython.nogil
def _tcp_header_ends(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Return where the TCP header at ``at`` ends by its own word; ``at`` when that word is not captured."""
    words: cython.Py_ssize_t
    if at + TCP_OFFSET_AND_FLAGS + 1 > end:
        return at
    words = data[at + TCP_OFFSET_AND_FLAGS] >> 4
    return at + words * 4


def decode_batch(
    data: cython.uchar[::1],
    count: cython.Py_ssize_t,
    reasons: cython.ulonglong[::1],
    starts: cython.uint[::1],
    caplens: cython.uint[::1],
    wirelens: cython.uint[::1],
    linktypes: cython.uint[::1],
    kinds: cython.uint[::1],
    src_high: cython.ulonglong[::1],
    src_low: cython.ulonglong[::1],
    dst_high: cython.ulonglong[::1],
    dst_low: cython.ulonglong[::1],
    ports: cython.uint[::1],
    seqs: cython.uint[::1],
    acks: cython.uint[::1],
    flags: cython.uint[::1],
    lengths: cython.uint[::1],
    ip_ats: cython.uint[::1],
    tcp_ats: cython.uint[::1],
) -> int:
    """Decode ``count`` frames; return how many hold a TCP segment.

    ``reasons[r]`` is increased for each frame that ends for reason ``r``.
    """
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    ip_at: cython.Py_ssize_t
    wire_end: cython.Py_ssize_t
    header: cython.Py_ssize_t
    total: cython.Py_ssize_t
    layer: cython.uint
    ethertype: cython.uint
    depth: cython.uint
    byte: cython.uint
    protocol: cython.uint
    fragment: cython.uint
    linktype: cython.uint
    reason: cython.Py_ssize_t
    packed: cython.longlong
    segments: cython.Py_ssize_t = 0
    with cython.nogil:
        for i in range(count):
            at = starts[i]
            end = at + caplens[i]
            wire_end = at + wirelens[i]
            kinds[i] = KIND_SKIP
            linktype = linktypes[i]
            reason = 0
            depth = 0
            layer = LAYER_IP
            ethertype = 0
            if linktype == LINKTYPE_EN10MB:
                # Interpreted, every step is dear: take the commonest frame, TCP over IPv4 over Ethernet, at once.
                if not cython.compiled and caplens[i] >= _PLAIN_SIZE and wirelens[i] >= _PLAIN_SIZE:
                    plain = _PLAIN(data, at)
                    total = plain[2]
                    header = plain[10] >> 12
                    if (
                        plain[0] == ETHERTYPE_IPV4
                        and plain[1] == IPV4_WITHOUT_OPTIONS
                        and plain[3] & FRAGMENT_PLACE_AND_MORE == 0
                        and plain[4] == PROTOCOL_TCP
                        and total >= IPV4_HEADER + TCP_HEADER
                        and header >= TCP_WORDS
                        and IPV4_HEADER + header * 4 <= total <= wirelens[i] - ETHERNET_HEADER
                    ):
                        kinds[i] = KIND_TCP
                        src_high[i] = dst_high[i] = V4_HIGH
                        src_low[i], dst_low[i], ports[i], seqs[i], acks[i], byte = plain[5:]
                        flags[i] = byte & TCP_FLAGS
                        lengths[i] = total - IPV4_HEADER - header * 4
                        ip_ats[i] = at + ETHERNET_HEADER
                        tcp_ats[i] = at + ETHERNET_HEADER + IPV4_HEADER
                        segments += 1
                        continue
                layer = LAYER_ETHERNET
            elif linktype != LINKTYPE_RAW:
                packed = _from_linktype(data, at, end, linktype)
                if packed < 0:
                    reasons[-packed] += 1
                    continue
                at = packed >> 24
                ethertype = (packed >> 8) & 0xFFFF
                layer = packed & 0xFF
            while reason == 0:
                depth += 1
                if depth > _DEEPEST:
                    reason = REASON_DEPTH
                    break
                if layer == LAYER_ETHERNET:
                    if at + ETHERNET_HEADER > end:
                        reason = REASON_CUT
                        break
                    ethertype = _u16(data, at + ETHERNET_TYPE)
                    at += ETHERNET_HEADER
                    layer = LAYER_ETHERTYPE
                if layer == LAYER_ETHERTYPE:
                    if ethertype == ETHERTYPE_IPV4 or ethertype == ETHERTYPE_IPV6:
                        layer = LAYER_IP
                    else:
                        packed = _from_ethertype(data, at, end, ethertype)
                        if packed < 0:
                            reason = -packed
                            break
                        at = packed >> 24
                        ethertype = (packed >> 8) & 0xFFFF
                        layer = packed & 0xFF
                        continue
                elif layer == LAYER_PPP:
                    packed = _from_ppp(data, at, end)
                    if packed < 0:
                        reason = -packed
                        break
                    at = packed >> 24
                    ethertype = (packed >> 8) & 0xFFFF
                    layer = packed & 0xFF
                    continue
                # IP
                if at + IPV4_HEADER > end:
                    reason = REASON_CUT
                    break
                ip_at = at
                byte = data[at]
                if byte >> 4 == IPV4:
                    header = (byte & 15) * 4
                    if header < IPV4_HEADER:
                        reason = REASON_IP_LENGTH
                        break
                    total = _u16(data, at + IPV4_LENGTH)
                    if total == 0:
                        total = wire_end - at
                    if total < header:
                        reason = REASON_IP_LENGTH
                        break
                    wire_end = min(wire_end, at + total)
                    end = min(end, wire_end)
                    fragment = _u16(data, at + IPV4_FRAGMENT) & FRAGMENT_PLACE_AND_MORE
                    if fragment & FRAGMENT_PLACE != 0:
                        kinds[i] = KIND_FRAGMENT
                        ip_ats[i] = ip_at
                        reason = REASON_FRAGMENT
                        break
                    protocol = data[at + IPV4_PROTOCOL]
                    at += header
                    if fragment != 0 and (
                        protocol == PROTOCOL_UDP
                        or (
                            protocol == PROTOCOL_TCP
                            and (at + TCP_HEADER > wire_end or _tcp_header_ends(data, at, end) > wire_end)
                        )
                    ):
                        kinds[i] = KIND_FRAGMENT
                        ip_ats[i] = ip_at
                        reason = REASON_FRAGMENT
                        break
                    if protocol == PROTOCOL_AH:
                        packed = _past_extensions(data, at, end, protocol)
                        if packed < 0:
                            reason = -packed
                            break
                        at = packed >> 8
                        protocol = packed & 0xFF
                elif byte >> 4 == IPV6:
                    if at + IPV6_HEADER > end:
                        reason = REASON_CUT
                        break
                    total = _u16(data, at + IPV6_LENGTH)
                    if total != 0:
                        wire_end = min(wire_end, at + IPV6_HEADER + total)
                        end = min(end, wire_end)
                    protocol = data[at + IPV6_NEXT]
                    at += IPV6_HEADER
                    if protocol != PROTOCOL_TCP and protocol != PROTOCOL_ICMPV6:
                        fragment = protocol
                        packed = _past_extensions(data, at, end, protocol)
                        if packed < 0:
                            reason = -packed
                            if reason == REASON_FRAGMENT:
                                kinds[i] = KIND_FRAGMENT
                                ip_ats[i] = ip_at
                            break
                        protocol = packed & 0xFF
                        if (
                            fragment == PROTOCOL_FRAGMENT
                            and data[at + 3] & 1 != 0
                            and (
                                protocol == PROTOCOL_UDP
                                or (
                                    protocol == PROTOCOL_TCP
                                    and (
                                        (packed >> 8) + TCP_HEADER > wire_end
                                        or _tcp_header_ends(data, packed >> 8, end) > wire_end
                                    )
                                )
                            )
                        ):
                            kinds[i] = KIND_FRAGMENT
                            ip_ats[i] = ip_at
                            reason = REASON_FRAGMENT
                            break
                        at = packed >> 8
                        protocol = packed & 0xFF
                else:
                    reason = REASON_IP_VERSION
                    break
                if protocol == PROTOCOL_TCP:
                    if at + TCP_WINDOW > end:
                        reason = REASON_TCP_CUT
                        break
                    byte = _u16(data, at + TCP_OFFSET_AND_FLAGS)
                    header = (byte >> 12) * 4
                    if header < TCP_HEADER or at + header > wire_end:
                        reason = REASON_TCP_LENGTH
                        break
                    kinds[i] = KIND_TCP
                    ports[i] = _u32(data, at)
                    seqs[i] = _u32(data, at + TCP_SEQ)
                    acks[i] = _u32(data, at + TCP_ACK)
                    flags[i] = byte & TCP_FLAGS
                    lengths[i] = wire_end - at - header
                    tcp_ats[i] = at
                    ip_ats[i] = ip_at
                    if data[ip_at] >> 4 == IPV4:
                        src_high[i] = V4_HIGH
                        src_low[i] = _u32(data, ip_at + IPV4_SOURCE)
                        dst_high[i] = V4_HIGH
                        dst_low[i] = _u32(data, ip_at + IPV4_DESTINATION)
                    else:
                        src_high[i] = _u64(data, ip_at + IPV6_SOURCE)
                        src_low[i] = _u64(data, ip_at + IPV6_SOURCE + 8)
                        dst_high[i] = _u64(data, ip_at + IPV6_DESTINATION)
                        dst_low[i] = _u64(data, ip_at + IPV6_DESTINATION + 8)
                    segments += 1
                    break
                if protocol == PROTOCOL_ICMP or protocol == PROTOCOL_ICMPV6:
                    packed = _quoted(data, at, end, protocol)
                    if packed < 0:
                        reason = -packed
                        break
                    # The columns describe the quoted segment; the outer header stays in ip_at.
                    at = packed >> 8
                    kinds[i] = KIND_ICMP
                    byte = data[at]
                    ip_ats[i] = ip_at
                    if byte >> 4 == IPV4:
                        src_high[i] = V4_HIGH
                        src_low[i] = _u32(data, at + IPV4_SOURCE)
                        dst_high[i] = V4_HIGH
                        dst_low[i] = _u32(data, at + IPV4_DESTINATION)
                    else:
                        src_high[i] = _u64(data, at + IPV6_SOURCE)
                        src_low[i] = _u64(data, at + IPV6_SOURCE + 8)
                        dst_high[i] = _u64(data, at + IPV6_DESTINATION)
                        dst_low[i] = _u64(data, at + IPV6_DESTINATION + 8)
                    header = packed & 0xFF
                    ports[i] = _u32(data, at + header)
                    seqs[i] = _u32(data, at + header + TCP_SEQ)
                    acks[i] = 0
                    lengths[i] = 0
                    tcp_ats[i] = at + header
                    total = at - ICMP_HEADER
                    byte = IPV4 if protocol == PROTOCOL_ICMP else IPV6
                    protocol = data[total]
                    flags[i] = (byte << 16) | (protocol << 8) | data[total + 1]
                    reasons[REASON_ICMP if byte == IPV4 else REASON_ICMPV6] += 1
                    break
                if protocol == PROTOCOL_UDP:
                    packed = _from_udp(data, at, end)
                elif protocol == PROTOCOL_GRE:
                    packed = _from_gre(data, at, end)
                elif protocol == PROTOCOL_IPV4 or protocol == PROTOCOL_IPV6:
                    packed = (at << 24) | LAYER_IP
                elif protocol == PROTOCOL_ESP:
                    packed = -REASON_ESP
                elif protocol == PROTOCOL_SCTP:
                    packed = -REASON_SCTP
                elif protocol == PROTOCOL_MPLS:
                    packed = (at << 24) | (ETHERTYPE_MPLS << 8) | LAYER_ETHERTYPE
                elif protocol == PROTOCOL_ETHERIP:
                    packed = ((at + 2) << 24) | LAYER_ETHERNET
                elif protocol == PROTOCOL_ETHERNET:
                    packed = (at << 24) | LAYER_ETHERNET
                else:
                    packed = -REASON_OTHER_IP
                if packed < 0:
                    reason = -packed
                    break
                at = packed >> 24
                ethertype = (packed >> 8) & 0xFFFF
                layer = packed & 0xFF
            if reason != 0:
                reasons[reason] += 1
    return segments


@cython.cfunc
@cython.nogil
def _quoted(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, protocol: cython.uint
) -> cython.longlong:
    """Find the TCP segment an ICMP or ICMPv6 error quotes.

    Return ``offset of the quoted IP header << 8 | offset of the TCP header in it``, or ``-reason`` when
    the message is no error, or quotes no TCP (at least its ports and sequence number are needed).
    """
    kind: cython.uint
    header: cython.Py_ssize_t
    skipped: cython.longlong
    if at + ICMP_HEADER > end:
        return -REASON_ICMP if protocol == PROTOCOL_ICMP else -REASON_ICMPV6
    kind = data[at]
    at += ICMP_HEADER
    if protocol == PROTOCOL_ICMP:
        if (
            kind != ICMP_UNREACHABLE
            and kind != ICMP_SOURCE_QUENCH
            and kind != ICMP_TIME_EXCEEDED
            and kind != ICMP_PARAMETER_PROBLEM
        ):
            return -REASON_ICMP
        if at + IPV4_HEADER + QUOTED_TCP > end or data[at] >> 4 != IPV4:
            return -REASON_ICMP
        header = (data[at] & 15) * 4
        if header < IPV4_HEADER or at + header + QUOTED_TCP > end or data[at + IPV4_PROTOCOL] != PROTOCOL_TCP:
            return -REASON_ICMP
        if _u16(data, at + IPV4_FRAGMENT) & FRAGMENT_PLACE != 0:
            return -REASON_ICMP
        return (at << 8) | header
    if kind == 0 or kind > ICMPV6_LAST_ERROR or at + IPV6_HEADER + QUOTED_TCP > end or data[at] >> 4 != IPV6:
        return -REASON_ICMPV6
    if data[at + IPV6_NEXT] == PROTOCOL_TCP:
        return (at << 8) | IPV6_HEADER
    skipped = _past_extensions(data, at + IPV6_HEADER, end, data[at + IPV6_NEXT])
    if skipped < 0 or skipped & 0xFF != PROTOCOL_TCP:
        return -REASON_ICMPV6
    header = (skipped >> 8) - at
    if header > _M8 or (skipped >> 8) + QUOTED_TCP > end:
        return -REASON_ICMPV6
    return (at << 8) | header
