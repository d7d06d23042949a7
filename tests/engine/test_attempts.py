"""Stories of handshakes: what each is called, whose it is, and when it began."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.model import Checksum, Outcome
from tests import strategies, wire
from tests.engine import stories
from tests.follow import FIXTURES, follow, follow_file
from tests.story import CLIENT, CLIENT_ISN, SERVER, SERVER_ISN, frames, names, tell, told

MANIFEST: list[dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text("utf-8"))
WRAPPING = (0xFFFFFFFF, 0xFFFFFFFC)
MILLISECOND = 1_000_000


@pytest.mark.parametrize("story", stories.ALL, ids=lambda story: story.name)
def test_story(story: stories.Story) -> None:
    """Each story is called what it must be."""
    attempts = told(story.text)
    assert names(attempts) == list(story.expected)
    if story.syns is not None:
        assert tuple(attempt.syn_count for attempt in attempts) == story.syns


@pytest.mark.parametrize("story", stories.ALL, ids=lambda story: story.name)
@pytest.mark.parametrize(
    "isns", [WRAPPING, (0, 0), (0x7FFFFFFF, 0x80000000)], ids=lambda isns: f"{isns[0]:x}-{isns[1]:x}"
)
def test_story_anywhere_in_sequence_space(story: stories.Story, isns: tuple[int, int]) -> None:
    """Sequence numbers are modulo 2**32: where a story lies among them does not matter."""
    assert names(told(story.text, isns=isns)) == list(story.expected)


@pytest.mark.parametrize("story", stories.ALL, ids=lambda story: story.name)
def test_story_with_the_ends_swapped(story: stories.Story) -> None:
    """Which end has the higher address or port does not matter."""
    attempts = told(story.text, client=("203.0.113.9", 65535), server=("192.0.2.2", 1))
    assert names(attempts) == list(story.expected)


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_fixture(entry: dict[str, Any]) -> None:
    """Every fixture's attempts are those of the manifest, in their order."""
    run = follow_file(FIXTURES / entry["file"])
    assert run.error is None
    found = [
        {
            "client": [attempt.client.address, attempt.client.port],
            "server": [attempt.server.address, attempt.server.port],
            "label": attempt.label,
            "outcome": attempt.outcome,
            "syn_count": attempt.syn_count,
            "frame": attempt.frames.first,
        }
        for attempt in run.attempts
    ]
    assert found == entry["attempts"]


# -- whose it is, and when it began ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["C S | S RA", "S SA | C A", "S SA", "C PA len=3 | S PA len=3", "C S | S S | C SA | S SA"],
)
def test_direction(text: str) -> None:
    """The client sent the first SYN, received the SYN-ACK, or spoke first; never a guess by port."""
    for client, server in ((CLIENT, SERVER), (SERVER, CLIENT)):
        (attempt,) = told(text, client=client, server=server)
        assert (attempt.client.address, attempt.client.port) == client
        assert (attempt.server.address, attempt.server.port) == server


def test_first_time_stamp_is_that_of_the_first_frame_in_file_order() -> None:
    """A later frame with an earlier stamp does not move it."""
    (attempt,) = told("C S | S SA dt=-3000 | C A")
    assert attempt.first_ts_ns == attempt.times.first == wire.START
    assert attempt.times.answer == wire.START - 3_000_000_000


def test_self_connect() -> None:
    """A socket that connects to its own port completes, and is known as such."""
    end = ("127.0.0.1", 50000)
    (attempt,) = told("C S | C SA ack=c+1 seq=c | C A seq=c+1 ack=c+1", client=end, server=end)
    assert names([attempt]) == ["completed silent"]
    assert "self-connect" in attempt.events


def test_ports_alone_keep_connections_apart() -> None:
    """The same addresses with the ports exchanged are another connection."""
    mirrored = frames("C S | S RA", client=(CLIENT[0], SERVER[1]), server=(SERVER[0], CLIENT[1]))
    run = follow(wire.pcap(frames("C S | S SA | C A") + mirrored))
    assert names(run.attempts) == ["completed silent", "SYN-RST refused"]


def test_address_families_are_kept_apart() -> None:
    """An IPv4 address and the IPv6 address with the same low bytes are different ends."""
    run = follow(
        wire.pcap(
            frames("C S", client=("0.0.0.1", 1), server=("0.0.0.2", 2))
            + frames("C S | S RA", client=("::1", 1), server=("::2", 2))
            + frames("C S", client=("::ffff:0.0.0.1", 1), server=("::ffff:0.0.0.2", 2))
        )
    )
    assert [attempt.client.address for attempt in run.attempts] == ["0.0.0.1", "::1", "::ffff:0:1"]


def test_no_ipv6_address_is_taken_for_an_ipv4_address() -> None:
    """Also not one that looks like the engine's own form of an IPv4 address."""
    run = follow(
        wire.pcap(
            frames("C S", client=("0.0.0.1", 1), server=("0.0.0.2", 2))
            + frames("C S", client=("0:0:0:1::1", 1), server=("0:0:0:1::2", 2))
        )
    )
    assert [attempt.client.address for attempt in run.attempts] == ["0.0.0.1", "::1:0:0:0:1"]


# -- what is kept of an attempt --------------------------------------------------------------------------


def test_key_frames_and_times() -> None:
    """Each key frame is the first of its kind, with its time."""
    (attempt,) = told(
        "C S | C S dt=1000 | S SA | S SA dt=1000 | C A"
        " | C PA len=5 | C PA len=6 | S PA len=7 | C FA | S FA | C R"
    )
    kept = attempt.frames
    assert (kept.first, kept.syn, kept.syn_ack, kept.ack) == (1, 1, 3, 5)
    assert (kept.client_data, kept.server_data, kept.fin, kept.rst, kept.icmp) == (6, 8, 9, None, None)
    assert (attempt.syn_count, attempt.syn_ack_count) == (2, 2)
    assert (attempt.client_bytes, attempt.server_bytes) == (11, 7)
    start, times = wire.START, attempt.times
    assert times.last_syn == start + 1000 * MILLISECOND
    assert times.answer == start + 1010 * MILLISECOND
    assert times.client_data == start + 2030 * MILLISECOND
    assert times.server_data == start + 2050 * MILLISECOND
    assert times.end == times.client_fin == start + 2060 * MILLISECOND


_ASKED = "C S | S SA | C A | C PA len=5 | S PA len=7 | C PA len=5"
_TWICE = f"{_ASKED} | C PA seq=c+6 len=5 dt=200 | C PA seq=c+6 len=5 dt=400"


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        (_TWICE, {"client-data-lost"}),
        (f"{_ASKED} | C PA seq=c+6 len=5 dt=200", set()),
        (f"{_TWICE} | C FA", {"client-data-lost"}),
        (f"{_TWICE} | S A", set()),
        (f"{_TWICE} | S PA len=5 ack=c+6", {"client-data-lost"}),
        (f"{_TWICE} | C PA len=9", set()),
        (f"{_TWICE} | C PA len=9 | C PA seq=c+6 len=5 | C PA seq=c+6 len=5", {"client-data-lost"}),
        (
            f"{_ASKED} | S PA len=5 | S PA seq=s+8 len=5 | S PA seq=s+8 len=5 | C A ack=s+8",
            {"server-data-lost"},
        ),
        (f"{_ASKED} | S PA len=5 | S PA seq=s+8 len=5 | S PA seq=s+8 len=5 | C A", set()),
    ],
)
def test_what_was_repeated_and_never_acknowledged(text: str, lost: set[str]) -> None:
    """Twice, with nothing new since; an acknowledgement of all that was sent takes it back."""
    (attempt,) = told(text)
    assert attempt.events & {"client-data-lost", "server-data-lost"} == lost


@pytest.mark.parametrize(
    ("rest", "late"),
    [
        ("S FA | C PA len=3 | S R", True),
        ("S FA | C PA seq=c+1 len=5", False),
        ("C PA len=3 | S FA | C A | C FA", False),
    ],
)
def test_payload_after_the_servers_fin(rest: str, late: bool) -> None:  # noqa: FBT001
    """Only what is new counts, not what is repeated."""
    (attempt,) = told(f"C S | S SA | C A | C PA len=5 | S PA len=7 | {rest}")
    assert ("client-data-after-server-fin" in attempt.events) is late


def test_forged_rst_is_reported_beside_the_success() -> None:
    """A completed handshake keeps the RST that came before its SYN-ACK."""
    (attempt,) = told("C S | S RA seq=0 | S SA | C A | C PA len=5 | S PA len=7")
    assert names([attempt]) == ["completed still-open"]
    assert attempt.frames.rst == 2
    assert attempt.reset is not None
    assert attempt.reset.from_server


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("from_server", [True, False])
@pytest.mark.parametrize(
    ("state", "payload"),
    [
        (Checksum.CORRECT, b""),
        (Checksum.CORRECT, b"odd"),
        (Checksum.CORRECT, b"even"),
        (Checksum.NOT_FILLED_IN, b""),
        (Checksum.WRONG, b""),
    ],
)
def test_traits_of_a_reset(version: int, state: Checksum, payload: bytes, *, from_server: bool) -> None:
    """Window, IP id, sequence number and checksum state of the RST that counts."""
    client, server = (("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2"))[version == 6]
    ends = (2, 1, server, client) if from_server else (1, 2, client, server)
    segment = wire.tcp(*ends[:2], 0 if from_server else 101, 101, "RA", payload, window=513)
    right = wire.checksummed(segment, *ends[2:])
    pseudo = wire.packed(client) + wire.packed(server) + len(segment).to_bytes(4) + (6).to_bytes(4)
    sums = {
        Checksum.CORRECT: right[16:18],
        Checksum.NOT_FILLED_IN: wire.internet_sum(pseudo).to_bytes(2),
        Checksum.WRONG: bytes([right[16] ^ 0x5A, right[17]]),
    }
    segment = segment[:16] + sums[state] + segment[18:]
    datagram = wire.ipv4(*ends[2:], segment, ident=0xBEEF) if version == 4 else wire.ipv6(*ends[2:], segment)
    syn = wire.ip(client, server, wire.tcp(1, 2, 100, 0, "S"))
    run = follow(wire.pcap([(1, wire.ethernet(syn)), (2, wire.ethernet(datagram))]))
    reset = run.attempts[0].reset
    assert reset is not None
    assert (reset.from_server, reset.window, reset.has_ack) == (from_server, 513, True)
    assert reset.ip_id == (0xBEEF if version == 4 else 0)
    assert reset.seq == (0 if from_server else 101)
    assert reset.checksum is state


def test_checksum_of_a_cut_reset_is_unknown() -> None:
    """Without all of its bytes nobody can tell whether a checksum is right."""
    segment = wire.checksummed(wire.tcp(2, 1, 0, 101, "RA", b"12345678"), "192.0.2.2", "192.0.2.1")
    frame = wire.ethernet(wire.ipv4("192.0.2.2", "192.0.2.1", segment))
    syn = wire.ethernet(wire.ipv4("192.0.2.1", "192.0.2.2", wire.tcp(1, 2, 100, 0, "S")))
    capture = (
        wire.pcap_header() + wire.pcap_record(1, syn) + wire.pcap_record(2, frame[:-4], wirelen=len(frame))
    )
    reset = follow(capture).attempts[0].reset
    assert reset is not None
    assert reset.checksum is Checksum.UNKNOWN


@pytest.mark.parametrize(
    ("client", "server", "what", "version"),
    [("192.0.2.1", "192.0.2.2", "3/13", 4), ("2001:db8::1", "2001:db8::2", "1/4", 6)],
)
def test_icmp_error(client: str, server: str, what: str, version: int) -> None:
    """Type, code and sender of the error that quotes the SYN."""
    (attempt,) = told(f"C S | I {what}", client=(client, 1), server=(server, 2))
    assert attempt.icmp is not None
    assert f"{attempt.icmp.type}/{attempt.icmp.code}" == what
    assert (attempt.icmp.version, attempt.icmp.sender) == (version, server)
    assert attempt.frames.icmp == 2
    assert attempt.times.answer == wire.START + 10 * MILLISECOND


def test_icmp_error_without_its_syn_is_an_orphan() -> None:
    """It makes no attempt, but it is not lost."""
    (_, _), (ts, error) = frames("C S | I 3/3")
    run = follow(wire.pcap([(ts, error)]))
    assert run.attempts == []
    (orphan,) = run.follower.tracker.orphans()
    assert (orphan.client.address, orphan.client.port) == CLIENT
    assert (orphan.server.address, orphan.server.port) == SERVER
    assert (orphan.icmp.type, orphan.icmp.code, orphan.frame) == (3, 3, 1)


def test_icmp_error_that_quotes_another_isn_is_not_this_attempts() -> None:
    """A quoted sequence number that is not the SYN's proves nothing."""
    quoting_another = frames("C S seq=c+5 | I 3/3")[1]
    (attempt,) = follow(wire.pcap([*frames("C S"), quoting_another])).attempts
    assert names([attempt]) == ["SYN-no-reply unanswered"]


def test_first_payloads() -> None:
    """The first bytes of each side are kept, at most 512 of them."""
    opening = frames("C S | S SA | C A")
    request, answer = b"GET / HTTP/1.1\r\n" + b"a" * 600, b"HTTP/1.1 204 No Content\r\n\r\n"
    ends = (CLIENT[1], SERVER[1]), (SERVER[1], CLIENT[1])
    asked = wire.tcp(*ends[0], CLIENT_ISN + 1, SERVER_ISN + 1, "PA", request)
    said = wire.tcp(*ends[1], SERVER_ISN + 1, CLIENT_ISN + 1 + len(request), "PA", answer)
    talk = [
        (wire.START + 1, wire.ethernet(wire.ip(CLIENT[0], SERVER[0], asked))),
        (wire.START + 2, wire.ethernet(wire.ip(SERVER[0], CLIENT[0], said))),
    ]
    (attempt,) = follow(wire.pcap(opening + talk)).attempts
    assert attempt.client_payload == request[:512]
    assert attempt.server_payload == answer
    assert (attempt.client_bytes, attempt.server_bytes) == (len(request), len(answer))


class _Talk:
    """Two sides that speak in turns."""

    def __init__(self) -> None:
        self.frames = frames("C S | S SA | C A")
        self._next = {CLIENT: CLIENT_ISN + 1, SERVER: SERVER_ISN + 1}

    def say(self, side: tuple[str, int], text: bytes, *, again: bool = False) -> None:
        other = SERVER if side == CLIENT else CLIENT
        seq = self._next[side] - (len(text) if again else 0)
        segment = wire.tcp(side[1], other[1], seq, self._next[other], "PA", text)
        self._next[side] = seq + len(text)
        self.frames.append(
            (wire.START + len(self.frames), wire.ethernet(wire.ip(side[0], other[0], segment)))
        )

    def reply(self) -> bytes | None:
        (attempt,) = follow(wire.pcap(self.frames)).attempts
        return attempt.server_reply


def test_the_servers_last_reply() -> None:
    """Its first bytes, not those of its later segments, and only of what came after the client had spoken again."""
    talk = _Talk()
    talk.say(SERVER, b"220 ready\r\n")
    assert talk.reply() is None
    talk.say(CLIENT, b"HELO a\r\n")
    assert talk.reply() is None
    talk.say(SERVER, b"250 a")
    talk.say(SERVER, b" and more\r\n")
    assert talk.reply() == b"250 a"
    talk.say(CLIENT, b"HELO a\r\n", again=True)
    talk.say(SERVER, b"unasked")
    assert talk.reply() == b"250 a"
    talk.say(CLIENT, b"MAIL\r\n")
    talk.say(SERVER, b"5" * 700)
    assert talk.reply() == b"5" * 510


def test_what_was_said_before_the_end() -> None:
    """The client's last word, and the replies before the last one: a refusal stands before a goodbye."""
    talk = _Talk()
    talk.say(SERVER, b"220 ready\r\n")
    kept: list[tuple[bytes | None, tuple[bytes, ...]]] = []
    for asked, answer in (
        (b"HELO", b"250"),
        (b"RCPT", b"554" + b"x" * 200),
        (b"RSET", b"251"),
        (b"QUIT", b"221"),
    ):
        talk.say(CLIENT, asked)
        talk.say(CLIENT, b"more of it")
        talk.say(SERVER, answer)
        talk.say(SERVER, b"more of it")
        (attempt,) = follow(wire.pcap(talk.frames)).attempts
        kept.append((attempt.client_reply, attempt.server_earlier))
    refused = b"554" + b"x" * 124
    assert kept == [
        (None, ()),  # its first bytes
        (b"RCPT", (b"250",)),
        (b"RSET", (refused, b"250")),
        (b"QUIT", (b"251", refused)),
    ]


def test_more_of_the_first_answer_is_no_reply_before_the_last() -> None:
    talk = _Talk()
    talk.say(CLIENT, b"GET")
    talk.say(SERVER, b"HTTP/1.0 503 Wait\r\n\r\n")
    talk.say(SERVER, b"loading")
    talk.say(CLIENT, b"GET")
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert (attempt.client_reply, attempt.server_reply, attempt.server_earlier) == (b"GET", None, ())
    talk.say(SERVER, b"other")
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert (attempt.server_reply, attempt.server_earlier) == (b"other", ())


def test_a_first_answer_in_pieces() -> None:
    """A server that sends head and body apart says one thing."""
    talk = _Talk()
    talk.say(CLIENT, b"GET")
    for piece in (b"HTTP/1.0 503 Wait\r\n\r\n", b"loading ", b"model"):
        talk.say(SERVER, piece)
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert (attempt.server_payload, attempt.server_reply) == (b"HTTP/1.0 503 Wait\r\n\r\nloading model", None)
    talk.say(SERVER, b"x" * 600)
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert attempt.server_payload is not None
    assert len(attempt.server_payload) == 512
    talk.say(CLIENT, b"GET")
    talk.say(SERVER, b"other")
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert (attempt.server_payload, attempt.server_reply) == (b"HTTP/1.0 503 Wait\r\n\r\n", b"other")


def test_a_piece_that_is_missing_ends_the_first_answer() -> None:
    talk = _Talk()
    talk.say(CLIENT, b"GET")
    for piece in (b"HTTP/1.0 503 Wait\r\n\r\n", b"loading ", b"model"):
        talk.say(SERVER, piece)
    del talk.frames[-2]
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert attempt.server_payload == b"HTTP/1.0 503 Wait\r\n\r\n"


def test_a_piece_that_is_stored_in_part_is_the_last_of_the_first_answer() -> None:
    talk = _Talk()
    talk.say(CLIENT, b"GET")
    for piece in (b"HTTP/1.0 200 OK\r\n\r\n", b"a" * 300, b"b"):
        talk.say(SERVER, piece)
    *before, (ts, cut), (last_ts, last) = talk.frames
    stored = wire.pcap(before) + wire.pcap_record(ts, cut[:-290], wirelen=len(cut))
    (attempt,) = follow(stored + wire.pcap_record(last_ts, last)).attempts
    assert attempt.server_payload == b"HTTP/1.0 200 OK\r\n\r\n" + b"a" * 10


def test_what_is_not_the_first_payload_is_not_taken_for_it() -> None:
    """The capture lost the beginning."""
    talk = _Talk()
    talk.say(CLIENT, b"GET")
    for piece in (b"HTTP/1.0 200 OK\r\n\r\n", b"body"):
        talk.say(SERVER, piece)
    del talk.frames[-2]
    (attempt,) = follow(wire.pcap(talk.frames)).attempts
    assert attempt.server_payload is None
    assert attempt.outcome is Outcome.STILL_OPEN


def test_last_replies_are_kept_of_samples_only() -> None:
    """As many as there are kept first payloads."""
    whole = []
    for number in range(40):
        talk = _Talk()
        for side, text in ((CLIENT, b"a"), (SERVER, b"hello"), (CLIENT, b"b"), (SERVER, b"bye")):
            talk.say(side, text)
        whole += [
            (ts, frame.replace(b"\x9c\x41", (40001 + number).to_bytes(2, "big"))) for ts, frame in talk.frames
        ]
    kept = [attempt.server_reply for attempt in follow(wire.pcap(whole)).attempts]
    assert kept == [b"bye"] * 16 + [None] * 24


def test_padding_of_short_ethernet_frames_is_no_payload() -> None:
    """Ethernet pads frames to 60 bytes; the IP header says where the segment ends."""
    padded = [(ts, frame.ljust(60, b"\0")) for ts, frame in frames("C S | S SA | C A")]
    (attempt,) = follow(wire.pcap(padded)).attempts
    assert names([attempt]) == ["completed silent"]
    assert (attempt.client_payload, attempt.client_bytes) == (None, 0)


def test_a_stray_segment_is_counted_and_changes_nothing() -> None:
    """It fits no attempt of its 4-tuple by its numbers."""
    run = tell("C S | S SA | C A | S PA len=9 seq=s+2000000000")
    assert names(run.attempts) == ["completed silent"]
    assert run.follower.tracker.strays == 1


# -- what must not matter --------------------------------------------------------------------------------


def _doubled(capture: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    return [(ts + extra, frame) for ts, frame in capture for extra in (0, 1000)]


@pytest.mark.parametrize("story", stories.ALL, ids=lambda story: story.name)
def test_every_frame_twice(story: stories.Story) -> None:
    """A frame recorded twice within a millisecond is a duplicate, not a retransmission."""
    single = told(story.text)
    double = follow(wire.pcap(_doubled(frames(story.text))))
    assert names(double.attempts) == list(story.expected)
    for once, twice in zip(single, double.attempts, strict=True):
        assert once.syn_count == twice.syn_count
        assert (once.client_bytes, once.server_bytes) == (twice.client_bytes, twice.server_bytes)


@pytest.mark.parametrize("text", ["C S | S SA", "C S | S SA ack=c+5000"])
def test_a_syn_ack_twice_counts_once(text: str) -> None:
    """Whether or not it fits."""
    assert [attempt.syn_ack_count for attempt in follow(wire.pcap(_doubled(frames(text)))).attempts] == [1]


@given(strategies.conversations)
def test_every_frame_twice_whatever_is_said(conversation: list[tuple[int, bytes]]) -> None:
    """Duplicates change no label and no number of SYNs, even in nonsense."""
    once = follow(wire.pcap(conversation)).attempts
    twice = follow(wire.pcap(_doubled(conversation))).attempts
    assert names(twice) == names(once)
    assert [attempt.syn_count for attempt in twice] == [attempt.syn_count for attempt in once]


@given(strategies.conversations, st.integers(0, 2**64 - 1))
def test_hash_seed(conversation: list[tuple[int, bytes]], seed: int) -> None:
    """The seed of the hash index shows in no result."""
    capture = wire.pcap(conversation)
    assert follow(capture, seed=seed).attempts == follow(capture).attempts


@given(strategies.conversations)
def test_invariants_of_any_conversation(conversation: list[tuple[int, bytes]]) -> None:
    """Ids and first frames grow, key frames lie in the capture, and what is named was observed."""
    run = follow(wire.pcap(conversation))
    assert run.error is None
    assert [attempt.id for attempt in run.attempts] == list(range(1, len(run.attempts) + 1))
    for earlier, later in pairwise(run.attempts):
        assert earlier.frames.first < later.frames.first
    for attempt in run.attempts:
        kept = attempt.frames
        for frame in (kept.syn, kept.syn_ack, kept.ack, kept.rst, kept.client_data, kept.fin):
            assert frame is None or kept.first <= frame <= len(conversation)
        assert ("client-syn" in attempt.events) == (attempt.syn_count > 0)
        assert (attempt.outcome is Outcome.MID_STREAM) == (not attempt.events & {"client-syn", "syn-ack"})
    assert sum(group.count for group in run.groups) == len(run.attempts)


EXCHANGE = frames("C S | S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA")


@given(st.permutations(EXCHANGE[3:]))
def test_order_behind_the_handshake(rest: list[tuple[int, bytes]]) -> None:
    """After the handshake the frames may be recorded in any order."""
    assert names(follow(wire.pcap(EXCHANGE[:3] + rest)).attempts) == ["completed closed"]


@given(st.permutations(EXCHANGE[:3]))
def test_order_of_the_handshake(handshake: list[tuple[int, bytes]]) -> None:
    """The handshake is completed in whatever order its frames were recorded, if a SYN comes first."""
    attempts = follow(wire.pcap(handshake + EXCHANGE[3:])).attempts
    first_is_ack = handshake[0] == EXCHANGE[2]
    assert first_is_ack or names(attempts) == ["completed closed"]


@pytest.mark.parametrize("server_first", [False, True])
def test_one_direction_after_the_other(*, server_first: bool) -> None:
    """Two captures of one direction each, joined end to end."""
    sides: dict[bytes, list[tuple[int, bytes]]] = {}
    for ts, frame in EXCHANGE:
        sides.setdefault(frame[26:30], []).append((ts, frame))
    client, server = sides.values()
    joined = server + client if server_first else client + server
    assert names(follow(wire.pcap(joined)).attempts) == ["completed closed"]


def test_massive_reuse_of_a_4_tuple() -> None:
    """Thousands of connections on a few 4-tuples are told apart."""
    capture: list[tuple[int, bytes]] = []
    story = "C S | S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA | C A"
    for turn in range(600):
        client = (CLIENT[0], 40000 + turn % 3)
        isns = (turn * 2_654_435_761 % 2**32, turn * 40_503_977 % 2**32)
        text = "C S | S RA" if turn % 5 == 4 else story
        capture += frames(text, client=client, isns=isns, start=wire.START + turn * 10**9)
    attempts = follow(wire.pcap(capture)).attempts
    expected = ["SYN-RST refused" if turn % 5 == 4 else "completed closed" for turn in range(600)]
    assert names(attempts) == expected


def test_a_4_tuple_reused_without_end() -> None:
    """Unanswered SYNs with ever new ISNs on one 4-tuple: every one an attempt, in bounded time."""
    capture = [
        (wire.START + n, wire.ethernet(wire.ip(CLIENT[0], SERVER[0], wire.tcp(1, 2, n * 100_000, 0, "S"))))
        for n in range(5000)
    ]
    assert len(follow(wire.pcap(capture)).attempts) == 5000


MSS = b"\x02\x04\xff\xd7"
MD5 = b"\x13\x12" + bytes(16)


@pytest.mark.parametrize(
    ("options", "kept", "signed"),
    [
        (MSS + b"\x01\x01" + MD5, None, True),
        (b"\x1d\x10\x01\x02" + bytes(12), None, True),
        (MSS, None, False),
        (b"", None, False),
        # Behind the end of the options nothing counts; a length of 0 or 1 leads nowhere.
        (b"\x00" + MD5 + b"\x01", None, False),
        (b"\x02\x00" + MD5, None, False),
        (b"\x02\x01" + MD5, None, False),
        (MSS[:3] + b"\x13", None, False),
        # What was not stored was not seen.
        (MSS + b"\x01\x01" + MD5, 14 + 20 + 20 + 6, False),
        (MSS + b"\x01\x01" + MD5, 14 + 20 + 20 + 7, True),
    ],
)
def test_a_signed_syn(options: bytes, kept: int | None, *, signed: bool) -> None:
    segment = wire.tcp(CLIENT[1], SERVER[1], CLIENT_ISN, flags="S", options=options)
    frame = wire.ethernet(wire.ip(CLIENT[0], SERVER[0], segment))
    packet = wire.pcap_record(wire.START, frame[:kept], wirelen=len(frame))
    (found,) = follow(wire.pcap_header() + packet).attempts
    assert ("syn-signed" in found.events) is signed
