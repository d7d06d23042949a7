"""Who made the RST: what a same-host capture hints at by window, IP id, seq, ACK flag and checksum.

Measured on Linux 6.18, on loopback. A kernel without a listener and netfilter's REJECT send the same
segment but leave its checksum in different states, and the other way round for IPv6. Nothing follows
from it elsewhere: between hosts the checksum is filled in on the way, other systems leave it in one
state for every segment (public captures of macOS hold both), and so do tools that mend checksums.
"""

from __future__ import annotations

import enum
from typing import Final

from synscope.evidence.by_hand import in_capture, on_any
from synscope.evidence.packets.view import PacketsView, attempts, frames_of, is_ipv6, is_local
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, Checksum, Label, Outcome, Reset, Source, Stage


class Maker(enum.StrEnum):
    """Who the traits of an RST point at. The values read well after 'the traits of'."""

    KERNEL = "a kernel with no listener"
    KERNEL_LATER = "a kernel after the handshake"
    FIREWALL = "a firewall's REJECT"
    APPLICATION = "an application's abort"
    NOBODY = "nobody that was measured"
    HIDDEN = "a sender that only the checksum could tell, and here it does not"


OTHER_SYSTEMS: Final = frozenset({"NULL", "LOOP"})
"""Link types of loopback on macOS, BSD and Windows; Linux has none of its own and says EN10MB."""

_BY_SERVER: Final = frozenset(
    {
        Outcome.REFUSED,
        Outcome.REFUSED_REPEATEDLY,
        Outcome.RESET_BY_SERVER_EARLY,
        Outcome.RESET_BY_SERVER,
    }
)

MAKERS: Final[dict[tuple[bool, Checksum], Maker]] = {
    (False, Checksum.CORRECT): Maker.KERNEL,
    (False, Checksum.NOT_FILLED_IN): Maker.FIREWALL,
    (True, Checksum.NOT_FILLED_IN): Maker.KERNEL,
    (True, Checksum.CORRECT): Maker.FIREWALL,
    (False, Checksum.UNKNOWN): Maker.HIDDEN,
    (True, Checksum.UNKNOWN): Maker.HIDDEN,
}
"""(IPv6?, state of the checksum) → who answered a SYN with window 0, seq 0, IP id 0 and RST,ACK."""


def maker(reset: Reset, *, ipv6: bool, answers_syn: bool) -> Maker:
    """Return whom a same-host RST of the server points at; IPv6 has no IP id to look at.

    After the handshake, too, the kernel and netfilter send the same segment but for its checksum.
    """
    blank_id = ipv6 or reset.ip_id == 0
    if answers_syn:
        bare = reset.window == 0 and reset.seq == 0 and reset.has_ack and blank_id
        return MAKERS.get((ipv6, reset.checksum), Maker.NOBODY) if bare else Maker.NOBODY
    if reset.has_ack and reset.window and reset.seq and (ipv6 or reset.ip_id):
        return Maker.APPLICATION
    if not reset.has_ack and not reset.window and reset.seq and blank_id:
        found = MAKERS.get((ipv6, reset.checksum), Maker.KERNEL)
        return Maker.KERNEL_LATER if found is Maker.KERNEL else found
    return Maker.NOBODY


def _looks_like(view: PacketsView, wanted: Maker, labels: tuple[Label, ...], where: str) -> Reply:
    """Whether a server's RST in attempts of ``labels`` points at ``wanted``."""
    ended = [a for a in attempts(view.labelled(*labels)) if a.outcome in _BY_SERVER]
    if not ended:
        return no(f"no RST of the server {where}")
    resets = [a for a in ended if a.reset is not None and a.reset.from_server]
    if not resets:
        return unknown("what the RST looked like was not kept")
    local = [attempt for attempt in resets if is_local(attempt)]
    mute = _why_mute(view, local)
    if mute:
        return unknown(mute)
    unfilled = _has_unfilled(view)
    made = [(attempt, _maker_of(attempt, unfilled=unfilled)) for attempt in local]
    hits = [attempt for attempt, by in made if by is wanted]
    if hits:
        return yes(_traits(hits[0], wanted), frames_of(hits, lambda f: f.rst))
    others = {by for _, by in made}
    if others <= {Maker.HIDDEN, Maker.NOBODY}:
        return unknown(f"the RST has the traits of {min(others)}")
    other = min(others - {Maker.HIDDEN, Maker.NOBODY})
    shown = [attempt for attempt, by in made if by is other]
    return no(_traits(shown[0], other), frames_of(shown, lambda f: f.rst))


def _why_mute(view: PacketsView, local: list[Attempt]) -> str:
    """Return why the traits of an RST say nothing in this capture, empty when they may."""
    if not local:
        return "not a same-host capture: the traits of an RST say nothing about its sender"
    foreign = sorted(OTHER_SYSTEMS & set(view.linktypes))
    return f"the traits of an RST are known for Linux, not for link type {foreign[0]}" if foreign else ""


def _has_unfilled(view: PacketsView) -> bool:
    """Whether any same-host RST of the capture lacks its checksum: then it was not mended afterwards."""
    groups = (group for summary in (view.summary, *view.others) for group in summary.groups)
    resets = (attempt.reset for attempt in attempts(groups) if is_local(attempt))
    return any(reset is not None and reset.checksum is Checksum.NOT_FILLED_IN for reset in resets)


def _maker_of(attempt: Attempt, *, unfilled: bool) -> Maker:
    assert attempt.reset is not None  # noqa: S101 - callers choose attempts with an RST
    ipv6 = is_ipv6(attempt.server.address)
    found = maker(attempt.reset, ipv6=ipv6, answers_syn=attempt.label is Label.SYN_RST)
    # A firewall is accused by a correct checksum only where checksums are known to stay empty.
    accused = found is Maker.FIREWALL and attempt.reset.checksum is Checksum.CORRECT
    return Maker.HIDDEN if accused and not unfilled else found


def _traits(attempt: Attempt, by: Maker) -> str:
    reset = attempt.reset
    assert reset is not None  # noqa: S101 - callers choose attempts with an RST
    flags = "RST,ACK" if reset.has_ack else "RST"
    seq = "seq 0" if reset.seq == 0 else "seq in the stream"
    checksum = f", checksum {reset.checksum}" if by in {Maker.KERNEL, Maker.FIREWALL} else ""
    return f"{flags} with window {reset.window}, {seq}{checksum}: the traits of {by}"


@question(
    "rst-looks-like-kernel",
    Source.PACKETS,
    "the RST has the traits of a kernel with no listener (checksum filled in as the kernel does)",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=on_any(
        'tshark -r FILE -o tcp.check_checksum:TRUE -Y "tcp.port == {port} && tcp.flags.reset == 1" -V',
        "on Linux's loopback, window 0 and a correct checksum over IPv4, a partial one over IPv6: yes",
    ),
)
def rst_looks_like_kernel(view: PacketsView) -> Reply:
    return _looks_like(view, Maker.KERNEL, (Label.SYN_RST,), "answers a SYN")


@question(
    "rst-looks-like-firewall",
    Source.PACKETS,
    "the RST has the traits of a firewall's REJECT (checksum as netfilter leaves it)",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=on_any(
        'tshark -r FILE -o tcp.check_checksum:TRUE -Y "tcp.port == {port} && tcp.flags.reset == 1" -V',
        "on Linux's loopback, window 0 and a partial checksum over IPv4, a correct one over IPv6: yes",
    ),
)
def rst_looks_like_firewall(view: PacketsView) -> Reply:
    found = _looks_like(view, Maker.FIREWALL, (Label.SYN_RST,), "answers a SYN")
    if view.labelled(Label.SYN_RST):
        return found
    return _looks_like(view, Maker.FIREWALL, (Label.COMPLETED,), "follows a handshake")


@question(
    "rst-looks-like-application",
    Source.PACKETS,
    "the RST has the traits of an application's abort",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.flags.reset == 1 && tcp.flags.ack == 1 && tcp.seq > 1",
        "on Linux's loopback, a window that is not 0: yes",
    ),
)
def rst_looks_like_application(view: PacketsView) -> Reply:
    return _looks_like(view, Maker.APPLICATION, (Label.COMPLETED,), "follows a handshake")
