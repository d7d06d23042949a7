"""What each label means to a person: the texts behind ``explain LABEL`` and the short forms of reports.

``LABEL_TEXTS`` has one entry a label. The rules that assign labels are ``engine.outcome``'s; the likely
causes under a label come from ``causes.priors``. Nothing here decides anything.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

from synscope.model import Claim, Label


class LabelText(NamedTuple):
    """One label in words."""

    short: str
    """A clause for one line of a report: 'the SYN was answered by an RST'."""
    meaning: str
    """When an attempt, or a target, is called this."""
    says: str
    """What may be concluded from it."""
    says_not: str
    """What it is often taken for and does not show."""


LABEL_TEXTS: MappingProxyType[Label, LabelText] = MappingProxyType(
    {
        Label.SYN_NO_REPLY: LabelText(
            "the SYN got no TCP answer",
            "The client's SYN was seen, and no TCP segment of the server followed. An ICMP error that quotes "
            "the SYN may be there; it is no TCP answer.",
            "Something ate the SYN or its answer: a firewall that drops, a full accept queue, a "
            "path that leads "
            "nowhere. On a loopback interface an ordinary stack answers a closed port at once, so "
            "silence there "
            "is never just 'not running'.",
            "That the server never saw the SYN: a capture on the client's side cannot tell a lost SYN from a "
            "lost answer. Nor that it would have failed later on, if the capture ends soon after.",
        ),
        Label.SYN_RST: LabelText(
            "the SYN was answered by an RST",
            "The client's SYN was seen, and the first answer that fits it is an RST of the server. "
            "Clients report "
            "'connection refused'; Windows tries again for about two seconds before it does.",
            "The SYN reached a TCP stack (or a firewall that answers in its name), and that stack "
            "declined. Most "
            "often nothing listens on this address and port.",
            "Why nothing listens there, nor who sent the RST: a stopped service, a wrong port, a "
            "service bound to "
            "another address and a firewall's REJECT are the same bytes. Host evidence tells them apart.",
        ),
        Label.COMPLETED: LabelText(
            "the handshake completed",
            "The server acknowledged the client's SYN and the client acknowledged the server's. A frame the "
            "capture lacks may be inferred from what follows.",
            "The name was resolved, the port is open, no firewall stands between them. What fails now, fails "
            "above TCP.",
            "That the program answered, or even accepted: the kernel completes handshakes on its "
            "own until the "
            "accept queue is full. The outcome tells what came after.",
        ),
        Label.CLIENT_NEVER_SENT: LabelText(
            "no client sent a SYN to the target",
            "About a target, not a connection: in the whole capture no client sent a SYN to it.",
            "What failed, failed before TCP in the client: the name, a proxy, the number itself, "
            "the client's "
            "own checks; or the client went to another port, address or interface.",
            "Much, by itself: a capture on the wrong interface, with a filter, or taken too early is just as "
            "empty. The claim (file, live, strong) says how far it carries.",
        ),
        Label.HALF_OPEN: LabelText(
            "the server's SYN-ACK was never acknowledged",
            "The SYN was answered by a SYN-ACK that fits, and no ACK of the client followed.",
            "The server is there and listens. Its answer did not reach the client, or the client no longer "
            "wanted it: most often a firewall drops the way back.",
            "A completed handshake, although a SYN-ACK carries an ACK. Nor a SYN flood, unless "
            "there are many.",
        ),
        Label.ONE_SIDED: LabelText(
            "only one direction is in the capture",
            "The capture has one side only: a SYN and the client's later segments with nothing of "
            "the server, "
            "or a SYN-ACK without its SYN.",
            "The capture, not the connection, has a gap: a filter on one direction, an asymmetric path, a "
            "mirror port that copies only one way.",
            "Whether the connection worked. Capture both directions and try again.",
        ),
        Label.ODD_REPLY: LabelText(
            "the answer does not fit the SYN",
            "The SYN was answered, but by nothing that answers it: a bare ACK, a SYN-ACK or RST with another "
            "acknowledgement number, or a SYN that crosses it.",
            "The two ends disagree about this pair of addresses and ports: an old connection still "
            "exists on one "
            "side, or something in between translates or invents segments.",
            "A refusal: a client ignores an RST that does not fit.",
        ),
        Label.MID_STREAM: LabelText(
            "the connection began before the capture did",
            "Segments of a connection whose handshake is not in the capture.",
            "The connection existed when the capture started.",
            "How its handshake went, or which end is the server. It is no proof for or against "
            "client-never-sent.",
        ),
    }
)

CLAIM_TEXTS: MappingProxyType[Claim, str] = MappingProxyType(
    {
        Claim.STRONG: "the capture was awake (its own test connection is in it), watched every way to the target "
        "and lost nothing",
        Claim.LIVE: "the capture was live, but could not prove that it saw everything",
        Claim.FILE: "a file cannot prove what it does not hold: it may come from another interface "
        "or have a filter",
    }
)
