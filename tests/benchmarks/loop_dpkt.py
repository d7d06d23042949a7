"""The hand-written loop with dpkt: SYN, SYN-ACK and RST counts for each 4-tuple."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import dpkt  # type: ignore[import-untyped,import-not-found,unused-ignore]

SYN, RST, ACK = 0x02, 0x04, 0x10


def main(path: str) -> None:
    """Count, and print the totals."""
    seen: dict[tuple[bytes, int, bytes, int], Counter[str]] = {}
    with Path(path).open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(frame).data
            if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.tcp.TCP):
                continue
            tcp = packet.data
            flags = tcp.flags
            if not flags & (SYN | RST):
                continue
            here, there = (packet.src, tcp.sport), (packet.dst, tcp.dport)
            if flags & RST:
                label = "rst"
            elif flags & ACK:
                label = "syn-ack"
                here, there = there, here
            else:
                label = "syn"
            seen.setdefault((*here, *there), Counter())[label] += 1
    totals: Counter[str] = Counter()
    for counts in seen.values():
        totals.update(counts)
    print(len(seen), dict(totals))


main(sys.argv[1])
