"""What an ICMP error that quotes a SYN makes of ``connect``: type and code to the client's errno.

Measured rows are IPv4 3/0, 3/1, 3/2, 3/3, 3/9, 3/10, 3/13 and IPv6 1/0, 1/1, 1/3 to 1/6 on Linux 6.18;
the others are Linux's own tables (``icmp_err_convert`` in net/ipv4/icmp.c, ``icmpv6_err_convert`` in
net/ipv6/icmp.c). Types and codes: RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.view import PacketsView, frames_of, matching
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import IcmpError, Outcome, Source, Stage

ICMP_ERRNO: Final[dict[tuple[int, int, int], str]] = {
    (4, 3, 0): "ENETUNREACH",
    (4, 3, 1): "EHOSTUNREACH",
    (4, 3, 2): "ENOPROTOOPT",
    (4, 3, 3): "ECONNREFUSED",
    (4, 3, 4): "EMSGSIZE",
    (4, 3, 5): "EOPNOTSUPP",
    (4, 3, 6): "ENETUNREACH",
    (4, 3, 7): "EHOSTDOWN",
    (4, 3, 8): "ENONET",
    (4, 3, 9): "ENETUNREACH",
    (4, 3, 10): "EHOSTUNREACH",
    (4, 3, 11): "ENETUNREACH",
    (4, 3, 12): "EHOSTUNREACH",
    (4, 3, 13): "EHOSTUNREACH",
    (4, 3, 14): "EHOSTUNREACH",
    (4, 3, 15): "EHOSTUNREACH",
    (4, 11, 0): "EHOSTUNREACH",
    (6, 1, 0): "ENETUNREACH",
    (6, 1, 1): "EACCES",
    (6, 1, 2): "EHOSTUNREACH",
    (6, 1, 3): "EHOSTUNREACH",
    (6, 1, 4): "ECONNREFUSED",
    (6, 1, 5): "EACCES",
    (6, 1, 6): "EACCES",
    (6, 2, 0): "EMSGSIZE",
    (6, 3, 0): "EHOSTUNREACH",
}
"""IP version, ICMP type and code → the error that the client's ``connect`` reports on Linux."""

_IPV6: Final = 6

REFUSED: Final = "ECONNREFUSED"
TOO_BIG: Final = "EMSGSIZE"
"""Asks for smaller packets; it does not fail a connect."""

MEANINGS: Final[dict[str, str]] = {
    "ECONNREFUSED": "connection refused",
    "EHOSTUNREACH": "no route to host",
    "EHOSTDOWN": "host is down",
    "ENONET": "machine is not on the network",
    "ENETUNREACH": "network is unreachable",
    "ENOPROTOOPT": "protocol not available",
    "EOPNOTSUPP": "operation not supported",
    "EACCES": "permission denied",
    "EMSGSIZE": "message too long",
}
"""The words that clients print for an errno."""


def errno_of(error: IcmpError) -> str | None:
    """Return the errno that ``error`` gives the client, or ``None`` when it is not in the table."""
    return ICMP_ERRNO.get((error.version, error.type, error.code))


def icmp_name(error: IcmpError) -> str:
    """Return ``ICMP 3/3`` or ``ICMPv6 1/4``: type and code."""
    return f"ICMP{'v6' if error.version == _IPV6 else ''} {error.type}/{error.code}"


def _icmp(view: PacketsView, wanted: Callable[[str], bool], what: str) -> Reply:
    """Whether an ICMP error with a wanted errno answered a SYN."""
    groups = [group for group in view.failing if group.outcome is Outcome.ICMP_ERROR]
    found = matching(groups, lambda a: a.icmp is not None and wanted(errno_of(a.icmp) or ""))
    if found:
        first = found.attempts[0].icmp
        assert first is not None  # noqa: S101 - the predicate above
        meaning = MEANINGS[errno_of(first) or ""]
        text = (
            f"{icmp_name(first)} from {first.sender} answered {found.phrase()}: the client reads “{meaning}”"
        )
        return yes(text, frames_of(found.attempts, lambda f: f.syn, lambda f: f.icmp))
    strange = matching(groups, lambda a: a.icmp is None or errno_of(a.icmp) is None)
    if strange:
        error = strange.attempts[0].icmp
        name = icmp_name(error) if error else "an ICMP error that was not kept"
        return unknown(
            f"{name} answered a SYN; what the client makes of it is not known",
            frames_of(strange.attempts, lambda f: f.icmp),
        )
    return no(f"no ICMP error that {what} quotes a SYN to the target")


@question(
    "refused-by-icmp",
    Source.PACKETS,
    "an ICMP error that the client reports as 'connection refused' quotes the SYN",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture("(icmp.type == 3 && icmp.code in {2, 3}) || (icmpv6.type == 1 && icmpv6.code == 4)"),
)
def refused_by_icmp(view: PacketsView) -> Reply:
    return _icmp(view, lambda errno: errno == REFUSED, "reads as “connection refused”")


@question(
    "unreachable-by-icmp",
    Source.PACKETS,
    "an ICMP error that reports host, network or policy quotes the SYN",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "(icmp.type == 3 || icmpv6.type == 1)", "one whose code is not 'port unreachable': yes; none: no"
    ),
)
def unreachable_by_icmp(view: PacketsView) -> Reply:
    return _icmp(view, lambda errno: errno not in {"", REFUSED, TOO_BIG}, "reports host, network or policy")
