"""What is measured as ``scapy.sniff``: count what passes a filter on lo until interrupted.

Usage: live_scapy.py FILTER. Prints when it captures, and at the end what came and what the kernel lost.
"""

from __future__ import annotations

import signal
import struct
import sys

from scapy.config import conf
from scapy.sendrecv import sniff

SOL_PACKET = 263
PACKET_STATISTICS = 6


def main() -> None:
    """Sniff until SIGINT."""
    count = 0

    def tell(_: object) -> None:
        nonlocal count
        count += 1

    heard = conf.L2listen(iface="lo", filter=sys.argv[1])
    heard.ins.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    print("listening", flush=True)
    while not asked:
        sniff(opened_socket=heard, prn=tell, store=False, timeout=1)
    lost = struct.unpack("2I", heard.ins.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
    print(f"{count} frames, {lost} lost", flush=True)


if __name__ == "__main__":
    main()
