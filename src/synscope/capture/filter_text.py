"""The filter of a live capture in libpcap's words: what ``filter.build`` lets through, as far as those reach.

Input: the watched ports and the proxy ports. Output: an expression of pcap-filter(7).

What passes is what ``filter`` lists, except: frames with VLAN tags are dropped, for whether libpcap has a word for
them depends on the link type; every IPv6 packet with an extension header passes, for libpcap does not look behind
one; the length of a frame is not cut, for an expression cannot say that.

Source: pcap-filter(7). ``tcp[…]`` reads IPv4 only, so IPv6 is read by offsets into its fixed header.
"""

from __future__ import annotations

from collections.abc import Collection

_ICMP_ERRORS = (3, 4, 11, 12)
_IPV6_EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)

_SYN_FIN_RST = "(tcp[13] & 7 != 0) or (ip6[6] = 6 and ip6[53] & 7 != 0)"
_PAYLOAD = (
    "(ip[2:2] - ((ip[0] & 15) << 2) - ((tcp[12] & 240) >> 2) != 0)"
    " or (ip6[6] = 6 and ip6[4:2] - ((ip6[52] & 240) >> 2) != 0)"
)
_FRAGMENT = "(ip[6:2] & 16383 != 0 and (ip[9] = 6 or ip[9] = 1)) or ip[9] = 51"


def expression(ports: Collection[int] | None, proxy_ports: Collection[int] = ()) -> str:
    """The expression for ``ports`` (``None``: all TCP) and the ports of proxies; the module says what it passes."""
    parts = ["tcp"] if ports is None else [_SYN_FIN_RST, *_of(ports)]
    if ports is not None and proxy_ports:
        parts.append(f"({' or '.join(_of(proxy_ports))}) and ({_PAYLOAD})")
    parts += [
        " or ".join(f"icmp[0] = {kind}" for kind in _ICMP_ERRORS),
        "ip6[6] = 58 and ip6[40] >= 1 and ip6[40] <= 4",
        _FRAGMENT,
        " or ".join(f"ip6[6] = {header}" for header in _IPV6_EXTENSIONS),
    ]
    return " or ".join(f"({part})" for part in parts)


def _of(ports: Collection[int]) -> list[str]:
    """Words for the ports, those in a row as one range."""
    ranges: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if ranges and ranges[-1][1] + 1 == port:
            ranges[-1] = (ranges[-1][0], port)
        else:
            ranges.append((port, port))
    return [f"tcp port {low}" if low == high else f"tcp portrange {low}-{high}" for low, high in ranges]
