"""``docs/formats.md``: what is read, what is decoded, and under which names the rest is counted.

File formats, compressions and reasons come from the code's tables. Link types, ethertypes and protocols
are decoded by branches; ``probe`` finds them. The tables below name ethertypes and protocols: one that is
decoded and not named, or named and not decoded, is an error, so that the page cannot be wrong about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from docgen import probe
from docgen.markdown import bullets, page, prose, table
from synscope.capture.read import byte_sources, capture_reader
from synscope.engine.names import REASONS, linktype_name
from synscope.engine.records import FAULT_TEXT

ETHERTYPES: Mapping[int, str] = {
    0x0800: "IPv4",
    0x0806: "ARP: counted, not followed",
    0x22EB: "ERSPAN type III",
    0x6558: "transparent Ethernet bridging",
    0x6559: "raw Frame Relay, read as bridged Ethernet",
    0x8035: "reverse ARP: counted as ARP",
    0x8100: "802.1Q VLAN tag",
    0x86DD: "IPv6",
    0x880B: "PPP",
    0x8847: "MPLS, with IP or Ethernet inside",
    0x8848: "MPLS, multicast",
    0x8864: "PPPoE session",
    0x88A8: "802.1ad VLAN tag (QinQ)",
    0x88BE: "ERSPAN types I and II",
    0x88E5: "MACsec, where it authenticates and does not encrypt",
    0x88E7: "provider backbone bridge (802.1ah)",
    0x8903: "FabricPath",
    0x8926: "VN-Tag",
    0x893F: "E-Tag (802.1BR)",
    0x9100: "VLAN tag, older number",
    0x9200: "VLAN tag, older number",
    0x9300: "VLAN tag, older number",
}

PROTOCOLS: Mapping[int, str] = {
    0: "IPv6 hop-by-hop options",
    1: "ICMP: errors that quote a TCP segment are tied to its attempt",
    4: "IPv4 in IP",
    6: "TCP",
    17: "UDP: tunnels are followed, see below; else counted",
    41: "IPv6 in IP (6in4)",
    43: "IPv6 routing header",
    44: "IPv6 fragment header; see [limits](limits.md#tcp)",
    47: "GRE, versions 0 and 1, with IP, Ethernet, PPP, ERSPAN, WCCP or 802.11 inside",
    50: "ESP: counted, it is encrypted",
    51: "authentication header (AH)",
    58: "ICMPv6: as ICMP",
    60: "IPv6 destination options",
    97: "EtherIP",
    132: "SCTP: counted, not followed",
    135: "IPv6 mobility header",
    137: "MPLS in IP",
    139: "host identity protocol (HIP)",
    140: "Shim6",
    143: "Ethernet in IPv6 segment routing",
}

UDP_TUNNELS: tuple[tuple[str, str], ...] = (
    ("1701", "L2TP version 2"),
    ("2152", "GTP-U"),
    ("3544", "Teredo"),
    ("4789, 8472", "VXLAN"),
    ("4790", "VXLAN-GPE"),
    ("5072", "AYIYA"),
    ("6081", "Geneve"),
)
"""Recognised by port and by the shape of the header."""


PROCESS_CLAIMS: tuple[tuple[str, str, str], ...] = (
    (
        "macOS tcpdump (`pktap`, `-k`)",
        "process information blocks (0x80000001) and the options 0x8001 and 0x8003 of frames; PKTAP headers",
        "number and name of the sending process for frames that go out, of the receiving one for those that "
        "come in",
    ),
    (
        "ptcpdump",
        "comments of frames (`PID: …`)",
        "number, name, user, container. On loopback it names one process for both directions: the client's, "
        "unless the server's frames name another. What it says on a container's link on the host's side "
        "(`veth…`, `docker0`, `br-…`) may be of either end and is left out",
    ),
    (
        "etl2pcapng, pktmon",
        "comments of frames (`PID=… TID=…`), the option `epb_processid_threadid`",
        "number of the process that ran when the frame was recorded, only for a SYN and payload that go out. "
        "Often it is another process, says etl2pcapng",
    ),
)


def text() -> str:
    """Return the page."""
    formats = dict.fromkeys(magic.name for magic in capture_reader._PCAP_MAGICS.values())
    compressions = [name for _, name, _ in byte_sources._FORMATS]
    unsupported = [name for _, name in byte_sources._KNOWN_OTHERS]
    return page(
        "Formats",
        "What synscope reads, what it decodes, and under which names it counts the rest. Nothing is skipped "
        "silently: the health record names every reason with its count, and so does the end of the report "
        "(all of them with `--verbose`).",
        "## Files",
        f"""- {"; ".join(formats)}. Both byte orders. *Modified* has longer record headers.
- pcapng: both byte orders, several sections and interfaces, enhanced, simple and obsolete packet blocks, \
`if_tsresol` and `if_tsoffset`, lost frames from interface statistics.
- Compressed with {", ".join(compressions)}: recognised by the first bytes and not by the name. Standard \
input is the path `-`.
- Recognised and refused, with the advice to unpack them: {", ".join(unsupported)}.""",
        "A capture that is cut or damaged is analysed up to there, and the report says where that is. "
        "Besides a record that is not whole, these end the reading:",
        bullets(prose(fault) for fault in FAULT_TEXT.values()),
        "## Link types",
        table(
            ("number", "link type"),
            ((str(number), linktype_name(number)) for number in probe.linktypes()),
        ),
        "PPI (192) is followed where it carries Ethernet or 802.11. Frames of 802.11 are followed where they "
        "are unencrypted data with a SNAP header. Of PKTAP (258), as macOS writes it, the link type inside is "
        "followed.",
        "## Processes",
        "What the program that wrote a capture says about processes becomes `process` of an attempt, with the "
        "source `capture`. It is a claim: nothing in the diagnosis rests on it.",
        table(("written by", "where", "what is taken"), PROCESS_CLAIMS),
        "## Ethertypes",
        table(
            ("number", "what it is"),
            _checked("ethertype", probe.ethertypes, ETHERTYPES, lambda number: f"0x{number:04x}"),
        ),
        "Numbers up to 1500 are lengths: the 802.2 LLC header behind them is followed to IP where there is "
        "one.",
        "## Protocols over IP",
        table(("number", "what it is"), _checked("protocol", probe.protocols, PROTOCOLS, str)),
        "## Tunnels over UDP",
        table(("port", "tunnel"), UDP_TUNNELS),
        "Where tunnels are nested, the innermost IP and TCP headers are those of the attempt.",
        "## What is not decoded",
        "Reasons under which frames are counted that do not lead to a TCP header (`undecoded` in the health "
        "record):",
        bullets(prose(reason) for reason in REASONS if reason),
        "An ICMP or ICMPv6 error that is tied to an attempt is counted under its reason as well.",
    )


def _checked(
    what: str,
    ask: Callable[[], list[int]],
    names: Mapping[int, str],
    spell: Callable[[int], str],
) -> Iterable[tuple[str, str]]:
    """Return the rows for the numbers that the decoder knows.

    Raises ``ValueError`` when one has no name, or when a named one is not decoded.
    """
    known = ask()
    nameless = [spell(number) for number in known if number not in names]
    idle = [spell(number) for number in names if number not in known]
    if nameless or idle:
        raise ValueError(
            f"{what}: decoded, but not named in {__file__}: {nameless}; named, but not decoded: {idle}"
        )
    return [(spell(number), prose(names[number])) for number in known]
