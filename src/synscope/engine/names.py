"""The names of the numbers that frames are made of: what the protocols' registries and headers assign.

The engine's loops compare bytes with these. The compiled ones hold each as a typed C variable: they declare its type,
then import it, for an un-typed one would be a Python object in the loop. The reasons for which a frame is not
followed stand here too, with their texts. Numbers that the engine itself assigns are in ``layout``.

Sources: libpcap's registry of link types; IANA's registries of ethertypes, IP protocols, ICMP types and UDP ports;
the documents named at each block.
"""

from __future__ import annotations

# -- link types: libpcap's registry (LINKTYPE_…) ------------------------------------------------------------

LINKTYPE_NULL = 0
LINKTYPE_EN10MB = 1
LINKTYPE_IEEE802_5 = 6
LINKTYPE_ARCNET = 7
LINKTYPE_SLIP = 8
LINKTYPE_PPP = 9
LINKTYPE_FDDI = 10
DLT_RAW = 12
"""As some systems number LINKTYPE_RAW in their files."""
DLT_RAW_OPENBSD = 14
LINKTYPE_PPP_HDLC = 50
LINKTYPE_PPP_ETHER = 51
LINKTYPE_RAW = 101
LINKTYPE_C_HDLC = 104
LINKTYPE_IEEE802_11 = 105
LINKTYPE_FRELAY = 107
LINKTYPE_LOOP = 108
LINKTYPE_LINUX_SLL = 113
LINKTYPE_PFLOG = 117
LINKTYPE_PRISM_HEADER = 119
LINKTYPE_IEEE802_11_RADIOTAP = 127
LINKTYPE_ARCNET_LINUX = 129
LINKTYPE_APPLE_IP_OVER_IEEE1394 = 138
LINKTYPE_DOCSIS = 143
LINKTYPE_USER0 = 147
LINKTYPE_IEEE802_11_AVS = 163
LINKTYPE_BLUETOOTH_HCI_H4 = 187
LINKTYPE_USB_LINUX = 189
LINKTYPE_PPI = 192
LINKTYPE_IEEE802_15_4_WITHFCS = 195
LINKTYPE_BLUETOOTH_HCI_H4_WITH_PHDR = 201
LINKTYPE_USB_LINUX_MMAPPED = 220
LINKTYPE_CAN_SOCKETCAN = 227
LINKTYPE_IPV4 = 228
LINKTYPE_IPV6 = 229
LINKTYPE_IEEE802_15_4_NOFCS = 230
LINKTYPE_NFLOG = 239
LINKTYPE_USBPCAP = 249
LINKTYPE_WIRESHARK_UPPER_PDU = 252
LINKTYPE_PKTAP = 258
LINKTYPE_LINUX_SLL2 = 276
NO_LINKTYPE = 65535
"""Stands for a link layer that the registry does not know."""

_PREFIX = "LINKTYPE_"
LINKTYPE_NAMES: dict[int, str] = {
    **{
        number: name.removeprefix(_PREFIX)
        for name, number in list(vars().items())
        if name.startswith(_PREFIX)
    },
    DLT_RAW: "RAW",
    DLT_RAW_OPENBSD: "RAW",
}
"""The registry's names without their prefix: the constants above, read back."""


def linktype_name(number: int) -> str:
    """Return the name of a link type, or its number where the registry's part above has none."""
    return LINKTYPE_NAMES.get(number, f"{_PREFIX}{number}")


# Address families in a NULL or LOOP header: IPv6's number differs from system to system.
FAMILY_IPV4 = 2
FAMILY_IPV6_LINUX = 10
FAMILY_IPV6_SOLARIS = 23
FAMILY_IPV6_BSD = 24
FAMILY_IPV6_FREEBSD = 28
FAMILY_IPV6_DARWIN = 30

# Kinds of interface as Linux numbers them (linux/if_arp.h).
ARPHRD_ETHER = 1
ARPHRD_SLIP = 256
ARPHRD_CSLIP6 = 259
ARPHRD_PPP = 512
ARPHRD_RAWIP = 519
ARPHRD_TUNNEL = 768
ARPHRD_TUNNEL6 = 769
ARPHRD_LOOPBACK = 772
ARPHRD_SIT = 776
ARPHRD_IEEE80211 = 801
ARPHRD_IEEE80211_PRISM = 802
ARPHRD_IEEE80211_RADIOTAP = 803
ARPHRD_NONE = 65534

# Sizes of link-layer headers in bytes, and where their parts lie.
NULL_HEADER = 4
SLL_HEADER = 16
SLL_PROTOCOL = 14
SLL2_HEADER = 20
HDLC_HEADER = 4
HDLC_PROTOCOL = 2
PPPOE_HEADER = 6
PPP_ADDRESS = 255
PPP_CONTROL = 3
RADIOTAP_HEADER = 8
PRISM_HEADER = 144
AVS_HEADER = 64
"""That and Prism's by default; one that begins with AVS_MAGIC tells its own size."""
AVS_MAGIC = 0x8021
SHORTEST_AVS_HEADER = 8
LONGEST_AVS_HEADER = 4096
ARCNET_IP = 212
"""ARCNET's IP as RFC 1201 sends it, in fragments."""
ARCNET_IP_RFC1051 = 240
ARCNET_EXCEPTION = 255
"""An exception packet: four bytes more precede its header."""
NFLOG_ATTRIBUTE = 4
"""Size of an attribute's header."""
NFLOG_PAYLOAD = 9
"""The attribute that holds the datagram."""

# IEEE 802.2 (LLC) and SNAP.
SNAP = 170
SNAP_HEADER = 8
SNAP_TYPE = 6
LLC_IP = 6
LLC_HEADER = 3
FDDI_HEADER = 13

# IEEE 802.11: bits of the two bytes of frame control, and sizes.
WLAN_HEADER = 24
WLAN_KIND = 12
WLAN_DATA = 8
WLAN_NO_PAYLOAD = 64
WLAN_QOS = 128
WLAN_BOTH_WAYS = 3
WLAN_PROTECTED = 64
WLAN_HT_CONTROL = 128
WLAN_AGGREGATED = 128

# -- Ethernet and its tags: IANA's and IEEE's ethertypes ----------------------------------------------------

ETHERNET_HEADER = 14
ETHERNET_TYPE = 12
LONGEST_LLC = 1500
"""Up to here an ethertype is a length, and IEEE 802.2 follows."""

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806
ETHERTYPE_ERSPAN_III = 0x22EB
ETHERTYPE_BRIDGED = 0x6558
"""Transparent Ethernet bridging."""
ETHERTYPE_RAW_FRAME_RELAY = 0x6559
ETHERTYPE_RARP = 0x8035
ETHERTYPE_VLAN = 0x8100
ETHERTYPE_PPP = 0x880B
"""PPP, in GRE and over Ethernet."""
ETHERTYPE_WCCP = 0x883E
ETHERTYPE_MPLS = 0x8847
ETHERTYPE_MPLS_UPSTREAM = 0x8848
ETHERTYPE_PPPOE = 0x8864
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_PROVIDER_VLAN = 0x88A8
ETHERTYPE_ERSPAN_II = 0x88BE
ETHERTYPE_MACSEC = 0x88E5
ETHERTYPE_BACKBONE = 0x88E7
"""Provider backbone bridges (IEEE 802.1ah)."""
ETHERTYPE_FABRICPATH = 0x8903
ETHERTYPE_VN_TAG = 0x8926
ETHERTYPE_E_TAG = 0x893F
ETHERTYPE_VLAN_9100 = 0x9100
"""Double tags before IEEE 802.1ad, by several vendors."""
ETHERTYPE_VLAN_9200 = 0x9200
ETHERTYPE_VLAN_9300 = 0x9300

VLAN_TAG = 4
VLAN_TYPE = 2
MPLS_LABEL = 4
MACSEC_TAG = 6
MACSEC_TAG_WITH_SENDER = 14
ERSPAN_II_HEADER = 8
ERSPAN_III_HEADER = 12
ERSPAN_III_HEADER_WITH_PLATFORM = 20

# Protocol numbers of PPP (RFC 1661 and IANA).
PPP_IPV4 = 0x21
PPP_IPV6 = 0x57
PPP_MPLS = 0x0281
PPP_MPLS_MULTICAST = 0x0283

# -- tunnels ------------------------------------------------------------------------------------------------

# GRE (RFC 2784, 2890; version 1: RFC 2637): bits of its first 16-bit word, and vendors' protocol types.
GRE_HEADER = 4
GRE_VERSION = 7
GRE_CHECKSUM_OR_ROUTING = 0xC000
GRE_ROUTING = 0x4000
GRE_KEY = 0x2000
GRE_SEQUENCE = 0x1000
GRE_ACKNOWLEDGEMENT = 0x80
GRE_WLAN_ARUBA = 0x8200
"""Tunnels of access points: the low byte varies."""
GRE_WLAN_CISCO = 0x9000

UDP_HEADER = 8
PORT_L2TP = 1701
PORT_GTP = 2152
PORT_TEREDO = 3544
PORT_VXLAN = 4789
PORT_VXLAN_GPE = 4790
PORT_AYIYA = 5072
PORT_GENEVE = 6081
PORT_VXLAN_LINUX = 8472

VXLAN_HEADER = 8
VXLAN_HAS_ID = 8
VXLAN_GPE_HAS_ID_AND_NEXT = 12
VXLAN_GPE_IPV4 = 1
VXLAN_GPE_IPV6 = 2
GENEVE_HEADER = 8
GTP_HEADER = 8
GTP_VERSION = 1
GTP_G_PDU = 255
"""The message that carries a datagram."""
AYIYA_HEADER = 8
AYIYA_LONGEST_IDENTITY = 5
L2TP_VERSION = 2
TEREDO_AUTHENTICATION = 1
TEREDO_AUTHENTICATION_HEADER = 13
TEREDO_ORIGIN = 8

# -- IP (RFC 791, 8200) ---------------------------------------------------------------------------------------

IPV4 = 4
IPV6 = 6
IPV4_HEADER = 20
IPV4_LENGTH = 2
IPV4_ID = 4
IPV4_FRAGMENT = 6
IPV4_PROTOCOL = 9
IPV4_SOURCE = 12
IPV4_DESTINATION = 16
IPV4_WITHOUT_OPTIONS = 0x45
"""An IPv4 header's first byte: version 4, five 32-bit words."""
FRAGMENT_PLACE_AND_MORE = 0x3FFF
FRAGMENT_PLACE = 0x1FFF
FRAGMENT_MORE = 0x2000
LOOPBACK_NET = 127
"""First byte of the addresses of IPv4's loopback network."""

IPV6_HEADER = 40
IPV6_LENGTH = 4
IPV6_NEXT = 6
IPV6_SOURCE = 8
IPV6_DESTINATION = 24
EXTENSION_HEADER = 8
"""An extension header's first unit."""
FRAGMENT6_PLACE = 0xFFF8

# IP protocols and IPv6 extension headers.
PROTOCOL_HOP_BY_HOP = 0
PROTOCOL_ICMP = 1
PROTOCOL_IPV4 = 4
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17
PROTOCOL_IPV6 = 41
PROTOCOL_ROUTING = 43
PROTOCOL_FRAGMENT = 44
PROTOCOL_GRE = 47
PROTOCOL_ESP = 50
PROTOCOL_AH = 51
PROTOCOL_ICMPV6 = 58
PROTOCOL_DESTINATION_OPTIONS = 60
PROTOCOL_ETHERIP = 97
PROTOCOL_SCTP = 132
PROTOCOL_MOBILITY = 135
PROTOCOL_MPLS = 137
PROTOCOL_HIP = 139
PROTOCOL_SHIM6 = 140
PROTOCOL_ETHERNET = 143

# ICMP and ICMPv6 errors (RFC 792, 4443).
ICMP_HEADER = 8
ICMP_UNREACHABLE = 3
ICMP_SOURCE_QUENCH = 4
ICMP_TIME_EXCEEDED = 11
ICMP_PARAMETER_PROBLEM = 12
ICMPV6_LAST_ERROR = 4
QUOTED_TCP = 8
"""Bytes of a TCP header that an error quotes at least: the ports and the sequence number."""

# -- TCP (RFC 9293 §3.1) --------------------------------------------------------------------------------------

TCP_HEADER = 20
TCP_SEQ = 4
TCP_ACK = 8
TCP_OFFSET_AND_FLAGS = 12
TCP_WINDOW = 14
TCP_CHECKSUM = 16
TCP_OPTION_END = 0
TCP_OPTION_PAD = 1
TCP_OPTION_MD5 = 19
"""RFC 2385."""
TCP_OPTION_AO = 29
"""RFC 5925."""
SHORTEST_OPTION = 2
"""Of those that have a length: kind and length."""
TCP_WORDS = 5
"""Length of a header without options, in 32-bit words."""
TCP_FLAGS = 0x01FF
FIN = 1
SYN = 2
RST = 4
ACK = 16

# -- first bytes of a side's payload ----------------------------------------------------------------------------

TLS_ALERT = 0x15
TLS_HANDSHAKE = 0x16
TLS_MAJOR = 3
ASCII_SPACE = ord(" ")
ASCII_ASTERISK = ord("*")
ASCII_SLASH = ord("/")
ASCII_0 = ord("0")
ASCII_2 = ord("2")
ASCII_4 = ord("4")
ASCII_5 = ord("5")
ASCII_A = ord("A")
ASCII_C = ord("C")
ASCII_H = ord("H")
ASCII_N = ord("N")
ASCII_O = ord("O")
ASCII_T = ord("T")
ASCII_Z = ord("Z")
ASCII_SMALL_H = ord("h")

# -- why a frame is not followed to a TCP header ------------------------------------------------------------------

REASON_CUT = 1
REASON_IP_LENGTH = 2
REASON_IP_VERSION = 3
REASON_FRAGMENT = 4
REASON_TCP_CUT = 5
REASON_TCP_LENGTH = 6
REASON_UDP = 7
REASON_ICMP = 8
REASON_ICMPV6 = 9
REASON_ARP = 10
REASON_OTHER_IP = 11
REASON_ESP = 12
REASON_OTHER_ETHERNET = 13
REASON_LLC = 14
REASON_LINKTYPE = 15
REASON_DEPTH = 16
REASON_TUNNEL = 17
REASON_WLAN = 18
REASON_EXTENSIONS = 19
REASON_SCTP = 20
REASON_PPP = 21
REASON_FAMILY = 22

_TEXT_OF_REASON = {
    REASON_CUT: "frame cut before the IP header ended",
    REASON_IP_LENGTH: "IP header with impossible lengths",
    REASON_IP_VERSION: "IP version neither 4 nor 6",
    REASON_FRAGMENT: "fragment of an IP datagram that adds no TCP header",
    REASON_TCP_CUT: "TCP header cut by the capture's snap length",
    REASON_TCP_LENGTH: "TCP header with impossible length",
    REASON_UDP: "UDP",
    REASON_ICMP: "ICMP",
    REASON_ICMPV6: "ICMPv6",
    REASON_ARP: "ARP",
    REASON_OTHER_IP: "other protocol over IP",
    REASON_ESP: "encrypted (ESP)",
    REASON_OTHER_ETHERNET: "other protocol over Ethernet",
    REASON_LLC: "802.2 LLC without IP",
    REASON_LINKTYPE: "link type not supported",
    REASON_DEPTH: "encapsulation nested too deep",
    REASON_TUNNEL: "tunnel header cut or not understood",
    REASON_WLAN: "802.11 frame without readable IP data",
    REASON_EXTENSIONS: "IPv6 extension headers cut",
    REASON_SCTP: "SCTP",
    REASON_PPP: "PPP control or other PPP protocol",
    REASON_FAMILY: "IPv6 address family unknown",
}
REASONS: tuple[str, ...] = ("", *(_TEXT_OF_REASON[number] for number in range(1, len(_TEXT_OF_REASON) + 1)))
"""The reasons' texts; a reason's number is its index, and what the counters use."""

UNREAD: frozenset[str] = frozenset(
    _TEXT_OF_REASON[number]
    for number in (
        *(
            REASON_CUT,
            REASON_IP_LENGTH,
            REASON_IP_VERSION,
            REASON_TCP_CUT,
            REASON_TCP_LENGTH,
            REASON_LINKTYPE,
        ),
        *(REASON_DEPTH, REASON_TUNNEL, REASON_WLAN, REASON_EXTENSIONS, REASON_FAMILY),
    )
)
"""Why a frame was not read: it may hold TCP. For the other reasons it holds something else."""
