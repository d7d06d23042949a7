"""The rows about the file itself: incomplete recordings, encapsulations, formats."""

from __future__ import annotations

from recorder import aftermath, containers, crafted
from recorder import scenes_completed as done
from recorder import scenes_failed as failed
from recorder.model import LOCAL6, PORT, Scenario, many, one, v6

RST = {str(PORT): "SYN-RST"}
REFUSED_THEN_CLOSED = many("refused", "closed")
CLOSED = one("closed")

INCOMPLETE = (
    Scenario("client-side-only", "Afterwards only the client's frames were kept.", done.http_ok,
             expected=one("client-side-only"), after=aftermath.only("src port 40001")),
    Scenario("server-side-only", "Afterwards only the server's frames were kept.", done.http_ok,
             expected=one("server-side-only", syns=(0, 0)),
             after=aftermath.only("src port 62893")),
    Scenario("mid-stream", "Afterwards the three frames of the handshake were removed.",
             done.http_ok, expected=one("mid-stream", syns=(0, 0)),
             after=aftermath.without(1, 2, 3)),
    Scenario("syn-missing", "Afterwards the SYN was removed; the rest proves it.", done.http_ok,
             expected=one("closed", syns=(0, 0)), after=aftermath.without(1)),
    Scenario("syn-ack-missing", "Afterwards the SYN-ACK was removed; the rest proves it.",
             done.http_ok, expected=CLOSED, after=aftermath.without(2)),
    Scenario("doubled", "Afterwards every frame was written twice, as a raw socket sees it.",
             done.http_ok, expected=CLOSED, after=aftermath.doubled()),
    Scenario("snaplen", "Only the first 54 bytes of each frame: no TCP options, no payload.",
             done.http_ok, expected=CLOSED, tcpdump=("-i", "lo", "-s", "54")),
    Scenario("reordered", "Afterwards SYN-ACK and SYN changed places.", done.http_ok,
             expected=CLOSED, after=aftermath.swap_first_two()),
    Scenario("fragments", "The request travels in IP fragments; the first has the TCP header.",
             craft=crafted.fragments, expected=CLOSED),
    Scenario("ipv6-extension", "IPv6 with hop-by-hop and destination options before TCP.",
             craft=crafted.ipv6_extension, expected=v6("closed")),
    Scenario("vlan", "Inside an 802.1Q tag.", craft=crafted.vlan, expected=CLOSED),
    Scenario("qinq", "Inside an 802.1ad and an 802.1Q tag.", craft=crafted.qinq, expected=CLOSED),
)  # fmt: skip

_FORMATS = (
    ("link-null-little", "DLT_NULL, little-endian.", containers.null("<"), ".pcap"),
    ("link-null-big", "DLT_NULL, big-endian.", containers.null(">"), ".pcap"),
    ("link-loop", "DLT_LOOP.", containers.loop, ".pcap"),
    ("link-raw", "DLT_RAW, no link header.", containers.raw, ".pcap"),
    ("pcap-micro", "pcap, microseconds.", containers.plain(), ".pcap"),
    ("pcap-nano", "pcap, nanoseconds.", containers.plain(nano=True), ".pcap"),
    ("pcap-big", "pcap, big-endian.", containers.plain(order=">"), ".pcap"),
    ("pcap-big-nano", "pcap, big-endian, nanoseconds.",
     containers.plain(order=">", nano=True), ".pcap"),
    ("pcapng-little", "pcapng, two interfaces with different clocks.",
     containers.pcapng("<"), ".pcapng"),
    ("pcapng-big", "pcapng, big-endian, two interfaces with different clocks.",
     containers.pcapng(">"), ".pcapng"),
    ("pcapng-sections",
     ("pcapng, two sections of different byte order; enhanced, simple and"
      " obsolete packet blocks."), containers.pcapng_sections, ".pcapng"),
    ("packed-gzip", "pcap inside gzip.", containers.gzipped, ".pcap.gz"),
    ("packed-zstd", "pcap inside Zstandard.", containers.zstandard, ".pcap.zst"),
)  # fmt: skip

_V6_LINKS = (
    ("link-null-ipv6", "DLT_NULL, IPv6 with Darwin's address family 30.",
     containers.null("<", containers.AF_INET6_DARWIN, LOCAL6)),
    ("link-sll-ipv6", "Linux cooked capture, IPv6.", containers.sll6),
    ("link-sll2-ipv6", "Linux cooked capture version 2, IPv6.", containers.sll2_6),
)  # fmt: skip

TWICE = " Refused once, then answered."

CONTAINERS = (
    *(
        Scenario(name, story + TWICE, craft=craft, file=name + suffix, cause="startup-race",
                 expected=REFUSED_THEN_CLOSED, targets=RST)
        for name, story, craft, suffix in _FORMATS
    ),
    *(
        Scenario(name, story + TWICE, craft=craft, cause="startup-race", targets=RST,
                 expected=many("refused", "closed", address=LOCAL6))
        for name, story, craft in _V6_LINKS
    ),
    Scenario("link-sll", "Linux cooked capture on all interfaces: refused.", failed.refused,
             expected=one("refused"), cause="service-not-running",
             tcpdump=("-i", "any", "-y", "LINUX_SLL")),
    Scenario("link-sll2", "Linux cooked capture version 2 on all interfaces: refused.",
             failed.refused, expected=one("refused"), cause="service-not-running",
             tcpdump=("-i", "any", "-y", "LINUX_SLL2")),
    Scenario("refused-cut", "The file ends in the middle of its third record.",
             craft=containers.cut, expected=one("refused"), cause="service-not-running"),
)  # fmt: skip
