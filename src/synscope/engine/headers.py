# cython: language_level=3, wraparound=False
"""Link type → IPv4/IPv6 → TCP or an ICMP error that quotes TCP: fills the header columns of a ``Batch``.

Input: the buffer and the columns ``records`` filled. Output: the remaining columns, and for every frame
that is not followed to a TCP header one count under a named reason (``REASONS``). A header that is cut
or lies about a length is such a reason, never an exception.

Invariants: no byte outside the frame's captured length is read; lengths on the wire come from the IP
header (from the record where that says 0, as with segmentation offload); of a fragmented datagram only
the first fragment carries the TCP header: a fragment that needs others to be understood is only marked
(kind 3), for ``fragments`` to put together. Addresses are two 64-bit halves; an IPv4 address has the high half ``rows.V4_HIGH``.

Sources: RFC 791, 8200 (extension headers), 9293 §3.1, 792 and 4443 (quoted datagrams), 2784/2890 (GRE),
7348 (VXLAN), 8926 (Geneve), 2516 (PPPoE), 3032 (MPLS), 3931/2661 (L2TP), IEEE 802.1Q/ad/ah,
3GPP TS 29.281 (GTP-U), libpcap's list of link-layer header types.
"""

from __future__ import annotations

import struct

from synscope.engine.layout import V4_HIGH

try:
    import cython
except ImportError:
    from synscope.engine import shim as cython

COMPILED = cython.compiled

REASONS = (
    "",
    "frame cut before the IP header ended",
    "IP header with impossible lengths",
    "IP version neither 4 nor 6",
    "fragment of an IP datagram that adds no TCP header",
    "TCP header cut by the capture's snap length",
    "TCP header with impossible length",
    "UDP",
    "ICMP",
    "ICMPv6",
    "ARP",
    "other protocol over IP",
    "encrypted (ESP)",
    "other protocol over Ethernet",
    "802.2 LLC without IP",
    "link type not supported",
    "encapsulation nested too deep",
    "tunnel header cut or not understood",
    "802.11 frame without readable IP data",
    "IPv6 extension headers cut",
    "SCTP",
    "PPP control or other PPP protocol",
    "IPv6 address family unknown",
)
"""Why a frame was not followed to a TCP header; the index is what the counters use."""

R_CUT = 1
R_IP_LENGTH = 2
R_IP_VERSION = 3
R_FRAGMENT = 4
R_TCP_CUT = 5
R_TCP_LENGTH = 6
R_UDP = 7
R_ICMP = 8
R_ICMP6 = 9
R_ARP = 10
R_OTHER_IP = 11
R_ESP = 12
R_OTHER_ETHER = 13
R_LLC = 14
R_LINKTYPE = 15
R_DEPTH = 16
R_TUNNEL = 17
R_WLAN = 18
R_EXT = 19
R_SCTP = 20
R_PPP = 21
R_FAMILY = 22

# What the next bytes are. Plain small integers: they are used as literals in the loops below.
#   0 IP of either version   1 Ethernet   2 an ethertype is known   3 PPP protocol field   4 done

_HIGH4 = cython.declare(cython.ulonglong, V4_HIGH)

_WORD16 = struct.Struct(">H").unpack_from
_WORD32 = struct.Struct(">I").unpack_from
_WORD64 = struct.Struct(">Q").unpack_from
_PLAIN = struct.Struct(">12xHBxHxxHxBxxIIIIIH").unpack_from


@cython.cfunc
@cython.nogil
@cython.inline
@cython.boundscheck(False)  # both ends are checked here, at once
def _u16(data: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.uint:
    """The big-endian 16-bit word at ``at``."""
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
    """The big-endian 32-bit word at ``at``."""
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
    """The big-endian 64-bit word at ``at``."""
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
    """Skip a link header. Return ``next offset << 24 | ethertype << 8 | layer``, or ``-reason``."""
    kind: cython.uint
    size: cython.Py_ssize_t
    if linktype == 0 or linktype == 108:  # NULL (either byte order), LOOP
        if at + 4 > end:
            return -1
        kind = _u32(data, at)
        if kind > 65535:
            kind = data[at]
        if kind == 2 or kind == 10 or kind == 24 or kind == 28 or kind == 30 or kind == 23:
            return ((at + 4) << 24) | 0
        return -22
    if linktype == 12 or linktype == 14 or linktype == 101 or linktype == 228 or linktype == 229:
        return (at << 24) | 0
    if linktype == 113:  # SLL
        if at + 16 > end:
            return -1
        return ((at + 16) << 24) | (_u16(data, at + 14) << 8) | 2
    if linktype == 276:  # SLL2
        if at + 20 > end:
            return -1
        return ((at + 20) << 24) | (_u16(data, at) << 8) | 2
    if linktype == 9:  # PPP, with or without address and control
        if at + 4 > end:
            return -1
        if data[at] == 255 and data[at + 1] == 3:
            return ((at + 2) << 24) | 3
        return (at << 24) | 3
    if linktype == 50:  # PPP in HDLC-like framing, or Cisco HDLC
        if at + 4 > end:
            return -1
        if data[at] == 255:
            return ((at + 2) << 24) | 3
        return ((at + 4) << 24) | (_u16(data, at + 2) << 8) | 2
    if linktype == 51:  # PPPoE
        if at + 8 > end:
            return -1
        return ((at + 6) << 24) | 3
    if linktype == 104:  # C_HDLC
        if at + 4 > end:
            return -1
        return ((at + 4) << 24) | (_u16(data, at + 2) << 8) | 2
    if linktype == 105:  # 802.11
        return _from_wlan(data, at, end)
    if linktype == 127 or linktype == 192:  # radiotap, PPI
        if at + 4 > end:
            return -1
        kind = data[at + 3]
        size = data[at + 2]
        size |= kind << 8
        if size < 8 or at + size > end:
            return -17
        if linktype == 192 and at + 8 <= end:
            kind = data[at + 4]
            if kind == 1:
                return ((at + size) << 24) | 1
            if kind != 105:
                return -15
        return _from_wlan(data, at + size, end)
    if linktype == 119 or linktype == 163:  # Prism and AVS headers, 144 and 64 bytes by default
        size = 144 if linktype == 119 else 64
        if at + size > end:
            return -1
        if _u16(data, at) == 0x8021:
            size = _u32(data, at + 4)
            if size < 8 or size > 4096 or at + size > end:
                return -17
        return _from_wlan(data, at + size, end)
    if linktype == 10:  # FDDI, then LLC
        if at + 21 > end or data[at + 13] != 170 or data[at + 14] != 170:
            return -14
        return ((at + 21) << 24) | (_u16(data, at + 19) << 8) | 2
    if linktype == 7 or linktype == 129:  # ARCNET; Linux adds an offset
        at += 2 if linktype == 7 else 4
        if at + 4 > end:
            return -1
        kind = data[at]
        if kind == 240:  # IP as RFC 1051 sends it
            return ((at + 1) << 24) | 0
        if kind == 212:  # and as RFC 1201 does, unless it is a later fragment
            if data[at + 1] == 255:
                at += 4
            return ((at + 4) << 24) | 0
        return -13
    if linktype == 239:
        return _from_nflog(data, at, end)
    return -15


@cython.cfunc
@cython.nogil
def _from_nflog(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip an NFLOG header to its payload attribute (type 9), which is an IP datagram."""
    low: cython.Py_ssize_t
    high: cython.Py_ssize_t
    kind: cython.uint
    at += 4
    while at + 4 <= end:
        low = data[at]
        high = data[at + 1]
        high = (high << 8) | low
        kind = data[at + 2]
        if data[at + 3] & 127 != 0 or high < 4:
            return -17
        if kind == 9:
            return ((at + 4) << 24) | 0
        at += (high + 3) & 0xFFFFFC
    return -17


@cython.cfunc
@cython.nogil
def _from_wlan(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip an 802.11 data header and its LLC/SNAP. Same result as ``_from_linktype``."""
    control: cython.uint
    flags: cython.uint
    size: cython.Py_ssize_t = 24
    if at + 24 > end:
        return -18
    control = data[at]
    flags = data[at + 1]
    if control & 12 != 8 or flags & 64 != 0 or control & 64 != 0:
        return -18  # not data, encrypted, or without payload
    if flags & 3 == 3:
        size += 6
    if control & 128 != 0:
        if at + size < end and data[at + size] & 128 != 0:
            size += 14  # the first subframe of an aggregate (A-MSDU) has its own addresses and length
        size += 2
        if flags & 128 != 0:
            size += 4
    if at + size + 8 > end:
        return -18
    if data[at + size] != 170 or data[at + size + 1] != 170:
        return -18
    return ((at + size + 8) << 24) | (_u16(data, at + size + 6) << 8) | 2


@cython.cfunc
@cython.nogil
def _from_ethertype(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, ethertype: cython.uint
) -> cython.longlong:
    """Skip what follows an ethertype other than IP. Same result as ``_from_linktype``."""
    kind: cython.uint
    if (
        ethertype == 0x8100
        or ethertype == 0x88A8
        or ethertype == 0x9100
        or ethertype == 0x9200
        or ethertype == 0x9300
    ):
        if at + 4 > end:
            return -1
        return ((at + 4) << 24) | (_u16(data, at + 2) << 8) | 2
    if ethertype == 0x0806 or ethertype == 0x8035:
        return -10
    if ethertype <= 1500:  # a length: 802.2 LLC
        if at + 8 > end:
            return -14
        if data[at] == 170 and data[at + 1] == 170:
            return ((at + 8) << 24) | (_u16(data, at + 6) << 8) | 2
        if data[at] == 6 and data[at + 1] == 6:
            return ((at + 3) << 24) | 0
        return -14
    if ethertype == 0x8864:  # PPPoE session
        if at + 8 > end:
            return -1
        return ((at + 6) << 24) | 3
    if ethertype == 0x880B:  # PPP, in GRE and over Ethernet
        if at + 4 > end:
            return -1
        if data[at] == 255 and data[at + 1] == 3:
            at += 2
        return (at << 24) | 3
    if ethertype == 0x8847 or ethertype == 0x8848:
        while at + 4 <= end:
            at += 4
            if data[at - 2] & 1 != 0:
                if at >= end:
                    return -1
                kind = data[at] >> 4
                if kind == 4 or kind == 6:
                    return (at << 24) | 0
                if kind == 0 and at + 4 <= end:  # pseudo-wire control word
                    return ((at + 4) << 24) | 1
                return (at << 24) | 1
        return -1
    if ethertype == 0x88E7:  # provider backbone bridge: I-TAG, customer addresses, ethertype
        if at + 18 > end:
            return -1
        return ((at + 4) << 24) | 1
    if ethertype == 0x893F:  # E-TAG
        if at + 8 > end:
            return -1
        return ((at + 8) << 24) | (_u16(data, at + 6) << 8) | 2
    if ethertype == 0x8903:  # FabricPath or data-centre bridging tag
        if at + 2 > end:
            return -1
        return ((at + 2) << 24) | 1
    if ethertype == 0x6558 or ethertype == 0x6559:  # transparent Ethernet bridging
        return (at << 24) | 1
    if ethertype == 0x88BE:  # ERSPAN type II
        if at + 8 > end:
            return -17
        return ((at + 8) << 24) | 1
    if ethertype == 0x22EB:  # ERSPAN type III, with an optional platform header
        if at + 12 > end:
            return -17
        kind = 12
        if data[at + 11] & 1 != 0:
            kind = 20
        return ((at + kind) << 24) | 1
    if ethertype == 0x8926:  # VN-Tag
        if at + 6 > end:
            return -1
        return ((at + 6) << 24) | (_u16(data, at + 4) << 8) | 2
    if ethertype == 0x88E5:  # MACsec, when it only authenticates
        if at + 6 > end or data[at] & 12 != 0:
            return -13
        kind = 6
        if data[at] & 32 != 0:
            kind = 14
        if at + kind + 2 > end:
            return -1
        return ((at + kind + 2) << 24) | (_u16(data, at + kind) << 8) | 2
    return -13


@cython.cfunc
@cython.nogil
def _from_gre(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip a GRE header (versions 0 and 1). Same result as ``_from_linktype``."""
    flags: cython.uint
    kind: cython.uint
    start: cython.Py_ssize_t = at
    if at + 4 > end:
        return -17
    flags = _u16(data, at)
    kind = _u16(data, at + 2)
    at += 4
    if flags & 7 == 1:  # enhanced GRE (PPTP)
        at += 4
        if flags & 0x1000 != 0:
            at += 4
        if flags & 0x80 != 0:
            at += 4
        if at + 2 > end:
            return -17
        if data[at] == 255 and data[at + 1] == 3:
            at += 2
        return (at << 24) | 3
    if flags & 0xC000 != 0:
        at += 4
    if flags & 0x2000 != 0:
        at += 4
    if flags & 0x1000 != 0:
        at += 4
    if flags & 0x4000 != 0:  # source routes, ended by an empty one
        while at + 4 <= end and data[at + 3] != 0:
            at += 4 + data[at + 3]
        at += 4
    if at >= end:
        return -17
    if kind == 0x88BE and flags & 0x1000 == 0:  # ERSPAN type I has no header of its own
        return ((start + 4) << 24) | 1
    if kind == 0x883E:  # WCCP redirects, with or without a redirect header
        if data[at] >> 4 != 4:
            at += 4
        return (at << 24) | 0
    if kind == 0 and data[at] >> 4 == 4:
        return (at << 24) | 0
    if kind & 0xFF00 == 0x8200 or kind == 0x9000:  # 802.11 in the tunnels of access points
        return _from_wlan(data, at, end)
    return (at << 24) | (kind << 8) | 2


@cython.cfunc
@cython.nogil
def _from_udp(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip a UDP tunnel's headers, recognised by port and shape. Same result; ``-7`` for plain UDP."""
    source: cython.uint
    port: cython.uint
    flags: cython.uint
    size: cython.Py_ssize_t
    if at + 8 > end:
        return -7
    source = _u16(data, at)
    port = _u16(data, at + 2)
    at += 8
    if port == 4789 or port == 8472 or source == 4789:  # VXLAN
        if at + 8 + 14 <= end and data[at] & 8 != 0:
            return ((at + 8) << 24) | 1
        return -7
    if port == 4790 and at + 8 <= end and data[at] & 12 == 12:  # VXLAN-GPE
        flags = data[at + 3]
        if flags == 1 or flags == 2:
            return ((at + 8) << 24) | 0
        return ((at + 8) << 24) | 1
    if port == 6081:  # Geneve
        if at + 8 > end or data[at] >> 6 != 0:
            return -7
        size = data[at] & 63
        size = 8 + size * 4
        if at + size > end:
            return -17
        return ((at + size) << 24) | (_u16(data, at + 2) << 8) | 2
    if port == 2152 or source == 2152:  # GTP-U
        if at + 8 > end or data[at] >> 5 != 1 or data[at + 1] != 255:
            return -7
        flags = data[at]
        at += 8
        if flags & 7 != 0:
            at += 4
            if flags & 4 != 0:
                if at > end:
                    return -17
                flags = data[at - 1]
                while flags != 0:
                    if at + 4 > end or data[at] == 0:
                        return -17
                    size = data[at]
                    at += size * 4
                    if at > end:
                        return -17
                    flags = data[at - 1]
        if at < end and (data[at] >> 4 == 4 or data[at] >> 4 == 6):
            return (at << 24) | 0
        return -7
    if port == 1701 or source == 1701:  # L2TP version 2
        return _from_l2tp(data, at, end)
    if (port == 5072 or source == 5072) and at + 8 <= end:  # AYIYA
        size = data[at] >> 4
        if size > 5:
            return -7
        size = 8 + (1 << size) + 4 * (data[at + 1] >> 4)
        if data[at + 3] == 41 and at + size < end:
            return ((at + size) << 24) | 0
        return -7
    if (port == 3544 or source == 3544) and at + 1 < end:  # Teredo
        if data[at] == 0 and data[at + 1] == 1 and at + 4 <= end:
            size = 13 + data[at + 2] + data[at + 3]
            at += size
        if at + 1 < end and data[at] == 0 and data[at + 1] == 0:
            at += 8
        if at + 40 <= end and data[at] >> 4 == 6:
            return (at << 24) | 0
    return -7


@cython.cfunc
@cython.nogil
def _from_l2tp(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Skip an L2TP version 2 data header (RFC 2661 §3.1) to the PPP frame it carries."""
    flags: cython.uint
    if at + 6 > end:
        return -7
    flags = _u16(data, at)
    if flags & 15 != 2 or flags & 0x8000 != 0:
        return -7
    at += 2
    if flags & 0x4000 != 0:
        at += 2
    at += 4
    if flags & 0x0800 != 0:
        at += 4
    if flags & 0x0200 != 0:
        if at + 2 > end:
            return -17
        at += 2 + _u16(data, at)
    if at + 4 > end:
        return -17
    if data[at] == 255 and data[at + 1] == 3:
        at += 2
    return (at << 24) | 3


@cython.cfunc
@cython.nogil
def _from_ppp(data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Read a PPP protocol field, compressed to one byte or not. Same result as ``_from_linktype``."""
    kind: cython.uint
    if at + 2 > end:
        return -1
    kind = data[at]
    if kind & 1 != 0:
        at += 1
    else:
        kind = _u16(data, at)
        at += 2
    if kind == 0x21 or kind == 0x57:
        return (at << 24) | 0
    if kind == 0x0281 or kind == 0x0283:
        return (at << 24) | (0x8847 << 8) | 2
    return -21


@cython.cfunc
@cython.nogil
def _past_extensions(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, following: cython.uint
) -> cython.longlong:
    """Skip IPv6 extension headers. Return ``offset << 8 | protocol``, or ``-reason``."""
    size: cython.Py_ssize_t
    while True:
        if following == 0 or following == 43 or following == 60 or following == 135 or following == 139:
            if at + 8 > end:
                return -19
            size = data[at + 1]
            following = data[at]
            at += 8 + 8 * size
        elif following == 140:
            if at + 8 > end:
                return -19
            size = data[at + 1]
            following = data[at]
            at += 8 + 8 * size
        elif following == 44:
            if at + 8 > end:
                return -19
            if _u16(data, at + 2) & 0xFFF8 != 0:
                return -4
            following = data[at]
            at += 8
        elif following == 51:
            if at + 8 > end:
                return -19
            size = data[at + 1]
            following = data[at]
            at += 8 + 4 * size
        else:
            return (at << 8) | following
        if at > end:
            return -19


@cython.cfunc
@cython.nogil
def _tcp_header_ends(
    data: cython.uchar[::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Where the TCP header at ``at`` ends by its own word; ``at`` when that word is not captured."""
    words: cython.Py_ssize_t
    if at + 13 > end:
        return at
    words = data[at + 12] >> 4
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
            kinds[i] = 0
            linktype = linktypes[i]
            reason = 0
            depth = 0
            layer = 0
            ethertype = 0
            if linktype == 1:
                # Interpreted, every step is dear: take the commonest frame, TCP over IPv4 over Ethernet, at once.
                if not cython.compiled and caplens[i] >= 54 and wirelens[i] >= 54:
                    plain = _PLAIN(data, at)
                    total = plain[2]
                    header = plain[10] >> 12
                    if (
                        plain[0] == 0x0800
                        and plain[1] == 0x45
                        and plain[3] & 0x3FFF == 0
                        and plain[4] == 6
                        and total >= 40
                        and header >= 5
                        and 20 + header * 4 <= total <= wirelens[i] - 14
                    ):
                        kinds[i] = 1
                        src_high[i] = dst_high[i] = _HIGH4
                        src_low[i], dst_low[i], ports[i], seqs[i], acks[i], byte = plain[5:]
                        flags[i] = byte & 0x01FF
                        lengths[i] = total - 20 - header * 4
                        ip_ats[i] = at + 14
                        tcp_ats[i] = at + 34
                        segments += 1
                        continue
                layer = 1
            elif linktype != 101:
                packed = _from_linktype(data, at, end, linktype)
                if packed < 0:
                    reasons[-packed] += 1
                    continue
                at = packed >> 24
                ethertype = (packed >> 8) & 0xFFFF
                layer = packed & 0xFF
            while reason == 0:
                depth += 1
                if depth > 24:
                    reason = 16
                    break
                if layer == 1:
                    if at + 14 > end:
                        reason = 1
                        break
                    ethertype = _u16(data, at + 12)
                    at += 14
                    layer = 2
                if layer == 2:
                    if ethertype == 0x0800 or ethertype == 0x86DD:
                        layer = 0
                    else:
                        packed = _from_ethertype(data, at, end, ethertype)
                        if packed < 0:
                            reason = -packed
                            break
                        at = packed >> 24
                        ethertype = (packed >> 8) & 0xFFFF
                        layer = packed & 0xFF
                        continue
                elif layer == 3:
                    packed = _from_ppp(data, at, end)
                    if packed < 0:
                        reason = -packed
                        break
                    at = packed >> 24
                    ethertype = (packed >> 8) & 0xFFFF
                    layer = packed & 0xFF
                    continue
                # IP
                if at + 20 > end:
                    reason = 1
                    break
                ip_at = at
                byte = data[at]
                if byte >> 4 == 4:
                    header = (byte & 15) * 4
                    if header < 20:
                        reason = 2
                        break
                    total = _u16(data, at + 2)
                    if total == 0:
                        total = wire_end - at
                    if total < header:
                        reason = 2
                        break
                    wire_end = min(wire_end, at + total)
                    end = min(end, wire_end)
                    fragment = _u16(data, at + 6) & 0x3FFF
                    if fragment & 0x1FFF != 0:
                        kinds[i] = 3
                        ip_ats[i] = ip_at
                        reason = 4
                        break
                    protocol = data[at + 9]
                    at += header
                    if fragment != 0 and (
                        protocol == 17
                        or (
                            protocol == 6
                            and (at + 20 > wire_end or _tcp_header_ends(data, at, end) > wire_end)
                        )
                    ):
                        kinds[i] = 3
                        ip_ats[i] = ip_at
                        reason = 4
                        break
                    if protocol == 51:
                        packed = _past_extensions(data, at, end, protocol)
                        if packed < 0:
                            reason = -packed
                            break
                        at = packed >> 8
                        protocol = packed & 0xFF
                elif byte >> 4 == 6:
                    if at + 40 > end:
                        reason = 1
                        break
                    total = _u16(data, at + 4)
                    if total != 0:
                        wire_end = min(wire_end, at + 40 + total)
                        end = min(end, wire_end)
                    protocol = data[at + 6]
                    at += 40
                    if protocol != 6 and protocol != 58:
                        fragment = protocol
                        packed = _past_extensions(data, at, end, protocol)
                        if packed < 0:
                            reason = -packed
                            if reason == 4:
                                kinds[i] = 3
                                ip_ats[i] = ip_at
                            break
                        protocol = packed & 0xFF
                        if (
                            fragment == 44
                            and data[at + 3] & 1 != 0
                            and (
                                protocol == 17
                                or (
                                    protocol == 6
                                    and (
                                        (packed >> 8) + 20 > wire_end
                                        or _tcp_header_ends(data, packed >> 8, end) > wire_end
                                    )
                                )
                            )
                        ):
                            kinds[i] = 3
                            ip_ats[i] = ip_at
                            reason = 4
                            break
                        at = packed >> 8
                        protocol = packed & 0xFF
                else:
                    reason = 3
                    break
                if protocol == 6:
                    if at + 14 > end:
                        reason = 5
                        break
                    byte = _u16(data, at + 12)
                    header = (byte >> 12) * 4
                    if header < 20 or at + header > wire_end:
                        reason = 6
                        break
                    kinds[i] = 1
                    ports[i] = _u32(data, at)
                    seqs[i] = _u32(data, at + 4)
                    acks[i] = _u32(data, at + 8)
                    flags[i] = byte & 0x01FF
                    lengths[i] = wire_end - at - header
                    tcp_ats[i] = at
                    ip_ats[i] = ip_at
                    if data[ip_at] >> 4 == 4:
                        src_high[i] = _HIGH4
                        src_low[i] = _u32(data, ip_at + 12)
                        dst_high[i] = _HIGH4
                        dst_low[i] = _u32(data, ip_at + 16)
                    else:
                        src_high[i] = _u64(data, ip_at + 8)
                        src_low[i] = _u64(data, ip_at + 16)
                        dst_high[i] = _u64(data, ip_at + 24)
                        dst_low[i] = _u64(data, ip_at + 32)
                    segments += 1
                    break
                if protocol == 1 or protocol == 58:
                    packed = _quoted(data, at, end, protocol)
                    if packed < 0:
                        reason = -packed
                        break
                    # The columns describe the quoted segment; the outer header stays in ip_at.
                    at = packed >> 8
                    kinds[i] = 2
                    byte = data[at]
                    ip_ats[i] = ip_at
                    if byte >> 4 == 4:
                        src_high[i] = _HIGH4
                        src_low[i] = _u32(data, at + 12)
                        dst_high[i] = _HIGH4
                        dst_low[i] = _u32(data, at + 16)
                    else:
                        src_high[i] = _u64(data, at + 8)
                        src_low[i] = _u64(data, at + 16)
                        dst_high[i] = _u64(data, at + 24)
                        dst_low[i] = _u64(data, at + 32)
                    header = packed & 0xFF
                    ports[i] = _u32(data, at + header)
                    seqs[i] = _u32(data, at + header + 4)
                    acks[i] = 0
                    lengths[i] = 0
                    tcp_ats[i] = at + header
                    total = at - 8
                    byte = 4 if protocol == 1 else 6
                    protocol = data[total]
                    flags[i] = (byte << 16) | (protocol << 8) | data[total + 1]
                    reasons[8 if byte == 4 else 9] += 1
                    break
                if protocol == 17:
                    packed = _from_udp(data, at, end)
                elif protocol == 47:
                    packed = _from_gre(data, at, end)
                elif protocol == 4 or protocol == 41:
                    packed = at << 24
                elif protocol == 50:
                    packed = -12
                elif protocol == 132:
                    packed = -20
                elif protocol == 137:  # MPLS in IP
                    packed = (at << 24) | (0x8847 << 8) | 2
                elif protocol == 97:  # EtherIP
                    packed = ((at + 2) << 24) | 1
                elif protocol == 143:  # Ethernet in SRv6
                    packed = (at << 24) | 1
                else:
                    packed = -11
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
    if at + 8 > end:
        return -8 if protocol == 1 else -9
    kind = data[at]
    at += 8
    if protocol == 1:
        if (kind != 3 and kind != 4 and kind != 11 and kind != 12) or at + 28 > end or data[at] >> 4 != 4:
            return -8
        header = (data[at] & 15) * 4
        if header < 20 or at + header + 8 > end or data[at + 9] != 6 or _u16(data, at + 6) & 0x1FFF != 0:
            return -8
        return (at << 8) | header
    if kind == 0 or kind > 4 or at + 48 > end or data[at] >> 4 != 6:
        return -9
    if data[at + 6] == 6:
        return (at << 8) | 40
    skipped = _past_extensions(data, at + 40, end, data[at + 6])
    if skipped < 0 or skipped & 0xFF != 6:
        return -9
    header = (skipped >> 8) - at
    if header > 255 or (skipped >> 8) + 8 > end:
        return -9
    return (at << 8) | header
