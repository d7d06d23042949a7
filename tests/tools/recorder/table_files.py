"""The rows about the file itself: incomplete recordings, encapsulations, formats."""

from __future__ import annotations

from recorder import aftermath, containers, crafted, encapsulated, odd_frames
from recorder import scenes_completed as done
from recorder import scenes_failed as failed
from recorder.model import LOCAL6, PORT, Expected, Scenario, many, one, v6

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
    Scenario("payload-missing", "The segments with payload were filtered away.",
             craft=odd_frames.payload_missing, expected=one("silent")),
    Scenario("time-backwards", "The clock is set back by an hour between SYN and SYN-ACK.",
             craft=odd_frames.time_backwards, expected=CLOSED),
    Scenario("merged-files", "Two recordings of one 4-tuple, the later one appended first: a"
             " connection, and a refusal a minute before it.", craft=odd_frames.merged_files,
             expected=one("closed") + one("refused"), cause="startup-race", targets=RST),
    Scenario("merged-sides", "Each direction was recorded for itself; the server's half was"
             " appended first.", craft=odd_frames.merged_sides, expected=CLOSED),
    Scenario("wrong-checksums", "No TCP checksum is right. Refused once, then answered.",
             craft=odd_frames.wrong_checksums, expected=REFUSED_THEN_CLOSED,
             cause="startup-race", targets=RST),
    Scenario("length-zero", "The IP header says length 0 (segmentation offload). Refused once,"
             " then answered.", craft=odd_frames.length_zero, expected=REFUSED_THEN_CLOSED,
             cause="startup-race", targets=RST),
    Scenario("jumbo", "The answer is an IPv6 jumbogram of 70,000 bytes; only its beginning is"
             " captured.", craft=odd_frames.jumbo, expected=v6("still-open")),
    Scenario("ip-options", "IPv4 options before TCP. Refused once, then answered.",
             craft=odd_frames.ip_options, expected=REFUSED_THEN_CLOSED, cause="startup-race",
             targets=RST),
    Scenario("cut-in-tcp", "Every frame ends inside the fixed TCP header, after the window."
             " Refused once, then answered.", craft=odd_frames.cut_in_tcp,
             expected=REFUSED_THEN_CLOSED, cause="startup-race", targets=RST),
    Scenario("bad-offset", "Between SYN and RST a segment claims a TCP header of 12 bytes.",
             craft=odd_frames.bad_offset, expected=one("refused"), cause="service-not-running"),
    Scenario("not-decoded", "Refused; in between, frames that lead to no TCP segment.",
             craft=odd_frames.not_decoded, expected=one("refused"), cause="service-not-running"),
    Scenario("tuple-reuse", "Ten connections one after the other on one 4-tuple.",
             craft=odd_frames.tuple_reuse, expected=CLOSED * odd_frames.REUSES),
    Scenario("syn-flood", "Forty SYNs from as many ports; one of them is answered.",
             craft=odd_frames.syn_flood, targets={str(PORT): "SYN-no-reply"},
             expected=tuple(
                 Expected("closed" if number == odd_frames.FLOOD // 2 else "unanswered",
                          40001 + number)
                 for number in range(odd_frames.FLOOD))),
)  # fmt: skip

_FORMATS = (
    ("link-null-little", "DLT_NULL, little-endian.", containers.null("<"), ".pcap"),
    ("link-null-big", "DLT_NULL, big-endian.", containers.null(">"), ".pcap"),
    ("link-loop", "DLT_LOOP.", containers.loop(), ".pcap"),
    ("link-raw", "DLT_RAW, no link header.", containers.raw, ".pcap"),
    ("link-ipv4", "DLT_IPV4, no link header.", containers.ipv4, ".pcap"),
    ("link-ppp", "PPP.", containers.ppp, ".pcap"),
    ("link-c-hdlc", "Cisco HDLC.", containers.cisco_hdlc, ".pcap"),
    ("link-nflog", "Linux's NFLOG.", containers.nflog, ".pcap"),
    ("link-pktap", "Ethernet behind macOS's PKTAP header, which names processes.", containers.pktap, ".pcap"),
    ("link-radiotap", "802.11 data behind a radiotap header.", containers.radiotap, ".pcap"),
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
    ("pcapng-processes", "pcapng, frames that name processes as ptcpdump and macOS's tcpdump do.",
     containers.pcapng_processes, ".pcapng"),
    ("packed-gzip", "pcap inside gzip.", containers.gzipped, ".pcap.gz"),
    ("packed-zstd", "pcap inside Zstandard.", containers.zstandard, ".pcap.zst"),
)  # fmt: skip

_V6_LINKS = (
    ("link-null-ipv6", "DLT_NULL, IPv6 with Darwin's address family 30.",
     containers.null("<", containers.AF_INET6_DARWIN, LOCAL6)),
    ("link-null-ipv6-netbsd", "DLT_NULL, big-endian, IPv6 with the address family 24 of NetBSD"
     " and OpenBSD.", containers.null(">", containers.AF_INET6_NETBSD, LOCAL6)),
    ("link-null-ipv6-freebsd", "DLT_NULL, IPv6 with FreeBSD's address family 28.",
     containers.null("<", containers.AF_INET6_FREEBSD, LOCAL6)),
    ("link-loop-ipv6", "DLT_LOOP, IPv6 with OpenBSD's address family 24.",
     containers.loop(containers.AF_INET6_NETBSD, LOCAL6)),
    ("link-ipv6", "DLT_IPV6, no link header.", containers.ipv6),
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
    *(
        Scenario(name, story + TWICE, craft=encapsulated.carried(name), cause="startup-race",
                 expected=many("refused", "closed", address=encapsulated.address(name)),
                 targets=RST)
        for name, (story, _) in encapsulated.WRAPS.items()
    ),
    Scenario("link-null-ipv6-linux", "DLT_NULL, IPv6 with Linux's address family 10." + TWICE,
             craft=containers.null("<", containers.AF_INET6_LINUX, LOCAL6),
             twin=containers.null("<", containers.AF_INET6_DARWIN, LOCAL6),
             cause="startup-race", expected=many("refused", "closed", address=LOCAL6),
             targets=RST),
    Scenario("link-sll", "Linux cooked capture on all interfaces: refused.", failed.refused,
             expected=one("refused"), cause="service-not-running",
             tcpdump=("-i", "any", "-y", "LINUX_SLL")),
    Scenario("link-sll2", "Linux cooked capture version 2 on all interfaces: refused.",
             failed.refused, expected=one("refused"), cause="service-not-running",
             tcpdump=("-i", "any", "-y", "LINUX_SLL2")),
    Scenario("refused-cut", "The file ends in the middle of its third record.",
             craft=containers.cut, expected=one("refused"), cause="service-not-running"),
)  # fmt: skip
