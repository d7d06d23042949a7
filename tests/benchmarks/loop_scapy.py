"""The hand-written loop with Scapy: SYN, SYN-ACK and RST counts for each 4-tuple."""

from __future__ import annotations

import sys
from collections import Counter

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether  # noqa: F401  (registers the link type)
from scapy.utils import PcapReader

SYN, RST, ACK = 0x02, 0x04, 0x10


def main(path: str) -> None:
    """Count, and print the totals."""
    seen: dict[tuple[str, int, str, int], Counter[str]] = {}
    with PcapReader(path) as reader:
        for packet in reader:
            if TCP not in packet or IP not in packet:
                continue
            ip, tcp = packet[IP], packet[TCP]
            flags = int(tcp.flags)
            if not flags & (SYN | RST):
                continue
            here, there = (ip.src, tcp.sport), (ip.dst, tcp.dport)
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
