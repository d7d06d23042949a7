"""``docs/odd-handshakes.md``: the cases in which a classifier goes wrong, and the captures that show them.

The first two columns are written here; what each capture is called is asked of the program while the page
is made. The section on reordering comes from ``tests.engine.reorderings``, its results from the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import wire
from tests.engine import stories
from tests.engine.reorderings import KEPT, LOST, Reason, order_of
from tests.follow import follow
from tests.story import frames

from docgen.markdown import code, page, prose, table
from synscope.analysis import analyze
from synscope.model import Attempt

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


@dataclass(frozen=True)
class Case:
    """One line of a table; ``files`` are names in ``fixtures/``, without ``.pcap``."""

    what: str
    done: str
    files: tuple[str, ...]


def _case(what: str, done: str, *files: str) -> Case:
    return Case(what, done, files)


ANSWERS = (
    _case("A refusal carries RST and ACK", "The ACK flag of an RST acknowledges nothing of a handshake.",
          "refused", "reject-reset"),
    _case("A SYN-ACK carries ACK as well", "Only a segment of the client completes; a repeated SYN-ACK"
          " does not.", "drop-syn-ack", "server-gave-up", "syn-scan"),
    _case("Data in the completing ACK", "The segment completes and is the client's first data.",
          "ack-with-data"),
    _case("Data in the SYN", "Accepted, ignored and refused are told apart by what the answer"
          " acknowledges; a refusal may acknowledge the SYN alone or its data too.", "fast-open",
          "fast-open-ignored", "fast-open-refused", "fast-open-half-refused"),
    _case("SYN or SYN-ACK repeated", "One attempt, whatever the TCP timestamps say.", "drop-input",
          "drop-syn-ack"),
    _case("A refused SYN repeated with the same number", "One attempt, refused repeatedly.",
          "windows-retry"),
    _case("Two SYN-ACKs with different numbers", "The one that the client acknowledges counts.",
          "syn-ack-twice"),
    _case("An RST before the real SYN-ACK, forged or stray", "The handshake completes; the RST is kept and"
          " shown.", "forged-rst", "stray-rst"),
    _case("An answer whose numbers do not fit", "It is no answer: an odd reply if nothing better comes.",
          "unfitting-syn-ack", "unfitting-rst", "challenge-ack"),
    _case("Challenge ACK, RST of the client, the same SYN, success", "One attempt that completes.",
          "challenge-ack-recovered"),
    _case("Both ends open", "One attempt; the client is who sent the first SYN.", "split-open",
          "simultaneous-open", "crossing-syn"),
    _case("A socket connects to itself", "Both ends are one address and port, and it completes.",
          "self-connect"),
)  # fmt: skip
ENDS = (
    _case("Server data and FIN before the client's ACK", "An ACK up to the last byte the server sent"
          " completes.", "early-fin"),
    _case("An RST with payload", "Its payload is no data of the connection.", "refused-with-payload",
          "reset-with-payload"),
    _case("An RST after data", "Completed; whether the server had sent a byte is told apart.",
          "reset-later", "reset-early"),
    _case("An RST after a FIN", "It counts until both sides have closed; afterwards nothing is left to"
          " reset.", "rst-after-fin", "late-answer"),
)  # fmt: skip
RECORDING = (
    _case("SYN-ACK recorded before the SYN", "The numbers put them together; see below.", "reordered"),
    _case("Time stamps that go back", "Time parts nothing and joins nothing.", "time-backwards"),
    _case("Files merged out of order", "The number of the SYN starts an attempt, not its time.",
          "merged-files", "merged-sides"),
    _case("One side filtered away", "Not enough to say whether it completed.", "client-side-only",
          "server-side-only"),
    _case("Segments with payload filtered away", "Completed, with no byte seen.", "payload-missing"),
    _case("A frame of the handshake is missing", "Inferred, where later numbers of both sides prove it.",
          "syn-missing", "syn-ack-missing"),
    _case("The beginning is missing", "The label says so and nothing more.", "mid-stream"),
    _case("Every frame twice", "A copy within a millisecond is a duplicate and no retransmission.",
          "doubled"),
    _case("A 4-tuple used again and again", "Each new number of a SYN is an attempt.", "port-reuse",
          "tuple-reuse"),
    _case("SYNs that nobody answers, without end", "Each is counted; what is settled is folded into"
          " counts to bound memory.", "syn-flood"),
)  # fmt: skip
HEADERS = (
    _case("Wrong checksums", "Noted for an RST; no segment is dropped for it.", "wrong-checksums"),
    _case("IP length 0", "The frame's own length counts.", "length-zero"),
    _case("A segment beyond 65,535 bytes", "The frame's length on the wire counts, however little of it"
          " is captured.", "jumbo"),
    _case("A snap length that cuts the TCP header", "Fourteen bytes of it suffice; less is counted.",
          "snaplen", "cut-in-tcp"),
    _case("A TCP header that claims to be too short", "The segment is dropped and counted.", "bad-offset"),
    _case("IP fragments", "The first has the TCP header; the others are counted.", "fragments"),
    _case("IP options, IPv6 extension headers", "Skipped by their own lengths.", "ip-options",
          "ipv6-extension"),
    _case("Frames that lead to no TCP", "Each is counted under the reason.", "not-decoded"),
    _case("A file that ends in mid-record", "Analysed up to there.", "refused-cut"),
)  # fmt: skip
ENCAPSULATIONS = (
    _case("VLAN tags", "One or several are skipped.", "vlan", "qinq"),
    *(
        _case(what, "Followed to the innermost IP and TCP headers.", *files)
        for what, *files in (
            ("PPPoE", "pppoe"),
            ("MPLS", "mpls"),
            ("GRE", "gre"),
            ("ERSPAN I, II and III", "erspan-1", "erspan-2", "erspan-3"),
            ("VXLAN", "vxlan"),
            ("Geneve", "geneve"),
            ("IP in IP, 6in4", "ip-in-ip", "6in4"),
            ("GTP-U", "gtp"),
            ("L2TP", "l2tp"),
            ("Provider backbone bridge", "pbb"),
            ("E-Tag", "e-tag"),
            ("FabricPath", "fabricpath"),
            ("Authentication header", "ah"),
        )
    ),
)
LINKS = tuple(
    _case(what, done, *files)
    for what, done, *files in (
        ("Ethernet (EN10MB)", "Read in every file format.", "pcap-micro", "pcap-nano", "pcap-big",
         "pcap-big-nano", "pcapng-little.pcapng", "pcapng-big.pcapng", "pcapng-sections.pcapng",
         "packed-gzip.pcap.gz", "packed-zstd.pcap.zst"),
        ("NULL, LOOP", "Either byte order.", "link-null-little", "link-null-big", "link-loop"),
        ("NULL, LOOP with IPv6", "The address family of each system: 10, 24, 28, 30.",
         "link-null-ipv6-linux", "link-null-ipv6-netbsd", "link-null-ipv6-freebsd", "link-null-ipv6",
         "link-loop-ipv6"),
        ("RAW, IPV4, IPV6", "The version is in the IP header.", "link-raw", "link-ipv4", "link-ipv6"),
        ("Linux cooked, both versions", "The ethertype is in the link header.", "link-sll",
         "link-sll-ipv6", "link-sll2", "link-sll2-ipv6"),
        ("PPP", "With or without address and control.", "link-ppp"),
        ("Cisco HDLC", "The ethertype is in the link header.", "link-c-hdlc"),
        ("NFLOG", "The packet is one of its attributes.", "link-nflog"),
        ("802.11 behind radiotap", "Unencrypted data with a SNAP header.", "link-radiotap"),
    )
)  # fmt: skip
SECTIONS = (
    ("Answers", ANSWERS),
    ("Ends", ENDS),
    ("Recordings", RECORDING),
    ("Headers", HEADERS),
    ("Encapsulations", ENCAPSULATIONS),
    ("Link types", LINKS),
)

_STORIES = {story.name: story for story in stories.ALL}


def text() -> str:
    """Return the page."""
    return page(
        "Odd handshakes",
        "Cases in which it is easy to call a handshake by the wrong name, what synscope does, and a capture "
        "for each. The captures are in [fixtures](../fixtures/README.md), their names here are without "
        "`.pcap`. The last column is what synscope says of each of them, in their order: the outcome of "
        "every attempt, and how many frames are counted instead of followed. What the names mean is in "
        "[labels](labels.md), what is decoded in [formats](formats.md).",
        *(part for title, cases in SECTIONS for part in (f"## {title}", _table(cases))),
        "## Reordering",
        "Inside an attempt, events are collected in a set, so order matters only where a segment is given to "
        "its attempt and its side. The client is who sent the first SYN in the order of the file; to which "
        "attempt a segment belongs, and whether it answers the SYN, is decided by its numbers. Time stamps "
        "take no part.",
        f"**What keeps the label.** A capture with several queues, or one file for each direction appended "
        f"to the other, keeps the order within each side and interleaves the sides in any way. {len(KEPT)} "
        f"of {len(KEPT) + sum(len(reason.names) for reason in LOST)} stories of one attempt in the tests "
        f"keep their label in every such order: among them complete handshakes with whatever follows them, "
        f"half-open ones, crossing SYNs that nobody acknowledges, and recordings of one side.",
        "**What keeps the label and not the outcome.** Whether a client's RST came when both sides had "
        "closed, or withdrew its SYN or refused the SYN-ACK, shows only in what is recorded before it; so "
        "does whether a refused SYN was repeated.",
        "**What loses the label.** In each line, an example in order, then as it is recorded. `C` is the "
        "client, `S` the server, `c` and `s` their initial sequence numbers; the letters are TCP flags.",
        table(("why", "in order", "recorded as"), map(_lost, LOST)),
        "The order within one side is not changed by any of these recordings. Where the network changed it, "
        "a client's segment before its own SYN begins an attempt of its own, for the direction is not known "
        "then.",
    )


def _table(cases: Iterable[Case]) -> str:
    return table(
        ("case", "what synscope does", "captures", "what it says"),
        (
            (
                prose(case.what),
                prose(case.done),
                ", ".join(map(code, case.files)),
                _all_said([_said(name if "." in name else f"{name}.pcap") for name in case.files]),
            )
            for case in cases
        ),
    )


def _all_said(said: Sequence[str]) -> str:
    return f"each: {said[0]}" if len(said) > 1 and len(set(said)) == 1 else "; ".join(said)


def _said(name: str) -> str:
    """Say what the attempts of a capture are called, and what is counted of it."""
    attempts: list[Attempt] = []
    health = analyze(str(FIXTURES / name), on_attempt=attempts.append).health
    ordered = sorted(attempts, key=lambda attempt: attempt.frames.first)
    called = [f"{attempt.label} {attempt.outcome}" for attempt in ordered]
    parts = [
        label if called.count(label) == 1 else f"{called.count(label)} × {label}"
        for label in dict.fromkeys(called)
    ]
    parts += [f"{count} × {prose(reason)}" for reason, count in health.undecoded.items()]
    return ", ".join(parts)


def _lost(reason: Reason) -> tuple[str, ...]:
    name, order = reason.example
    story = _STORIES[name]
    told = frames(story.text)
    moved = follow(wire.pcap([told[place] for place in order_of(story, order)])).attempts
    called = ", ".join(f"{attempt.label} {attempt.outcome}" for attempt in moved)
    return (
        prose(reason.text),
        f"{code(story.text)}: {', '.join(story.expected)}",
        f"{code(order)}: {called}",
    )
