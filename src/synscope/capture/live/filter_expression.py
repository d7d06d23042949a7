"""The filter of a live capture in libpcap's words: what ``bpf.filter_program`` lets through, as far as those reach.

Input: the watched ports and the proxy ports. Output: an expression of pcap-filter(7).

What passes is what ``bpf`` lists, except: frames with VLAN tags are dropped, for whether libpcap has a word for
them depends on the link type; every IPv6 packet with an extension header passes, for libpcap does not look behind
one; the length of a frame is not cut, for an expression cannot say that; of SOCKS only the messages of version 5 pass
whose size is fixed.

Invariant: what reads payload comes last. A packet that ends before what is read is dropped there and then, whatever
else the expression says. Source: pcap-filter(7). ``tcp[…]`` reads IPv4 only, so IPv6 is read by offsets into its
fixed header.
"""

from __future__ import annotations

from collections.abc import Collection

from synscope.capture.live.bpf import REQUESTS, SOCKS5_CONNECT, SOCKS5_GREETINGS, SOCKS5_SIZES

_ICMP_ERRORS = (3, 4, 11, 12)
_IPV6_EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)

_SYN_FIN_RST = "(tcp[13] & 7 != 0) or (ip6[6] = 6 and ip6[53] & 7 != 0)"
_AT_IPV4, _AT_IPV6 = "((tcp[12] & 240) >> 2)", "((ip6[52] & 240) >> 2) + 40"
_SIZE_IPV4 = f"ip[2:2] - ((ip[0] & 15) << 2) - {_AT_IPV4}"
_SIZE_IPV6 = "ip6[4:2] - ((ip6[52] & 240) >> 2)"
_PAYLOAD = f"({_SIZE_IPV4} != 0) or (ip6[6] = 6 and {_SIZE_IPV6} != 0)"
_FRAGMENT = "(ip[6:2] & 16383 != 0 and (ip[9] = 6 or ip[9] = 1)) or ip[9] = 51"


def filter_expression(ports: Collection[int] | None, proxy_ports: Collection[int] = ()) -> str:
    """Return the expression for ``ports`` (``None``: all TCP) and the ports of proxies."""
    parts = ["tcp"] if ports is None else [_SYN_FIN_RST, *_of(ports)]
    if ports is not None and proxy_ports:
        parts.append(f"({' or '.join(_of(proxy_ports))}) and ({_PAYLOAD})")
    parts += [
        " or ".join(f"icmp[0] = {kind}" for kind in _ICMP_ERRORS),
        "ip6[6] = 58 and ip6[40] >= 1 and ip6[40] <= 4",
        _FRAGMENT,
        " or ".join(f"ip6[6] = {header}" for header in _IPV6_EXTENSIONS),
    ]
    if ports is not None:
        parts += [
            _said("tcp", _AT_IPV4, _SIZE_IPV4),
            f"ip6[6] = 6 and ({_said('ip6', _AT_IPV6, _SIZE_IPV6)})",
        ]
    return " or ".join(f"({part})" for part in parts)


def _said(header: str, at: str, size: str) -> str:
    """Return words for a payload that begins as what a client says to a proxy; it is ``at`` bytes into ``header``."""
    greetings = [f"{size} = {len(text)} and {_begins(header, at, text)}" for text in SOCKS5_GREETINGS]
    asked = [
        f"{size} = {long} and {_begins(header, at, SOCKS5_CONNECT + bytes([kind]))}"
        for kind, long in SOCKS5_SIZES.items()
    ]
    return " or ".join(
        f"({part})" for part in (*greetings, *asked, *(_begins(header, at, text) for text in REQUESTS))
    )


def _begins(header: str, at: str, text: bytes) -> str:
    """Return words for ``text`` at an offset. Longest pieces first: libpcap reads 4, 2 or 1 bytes at once."""
    found, place = [], 0
    while place < len(text):
        size = next(size for size in (4, 2, 1) if size <= len(text) - place)
        value = int.from_bytes(text[place : place + size])
        found.append(f"{header}[{at} + {place}:{size}] = {value}")
        place += size
    return " and ".join(found)


def _of(ports: Collection[int]) -> list[str]:
    """Return words for the ports, those in a row as one range."""
    ranges: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if ranges and ranges[-1][1] + 1 == port:
            ranges[-1] = (ranges[-1][0], port)
        else:
            ranges.append((port, port))
    return [f"tcp port {low}" if low == high else f"tcp portrange {low}-{high}" for low, high in ranges]
