"""Where each fact lies in the tracker's tables, and the numbers that the engine itself gives to what it finds.

An attempt is one row of 32-bit words (``WORDS`` wide) and one row of 64-bit words (``LONGS`` wide): ``attempts``
writes them, ``fold`` and ``tracker`` read them. Beside them lie the tracker's counters (``S_…``), the ICMP errors
without an attempt (``ORPHAN_…``), the groups (``G_…``) and the counts by time (``M_…``). No two facts share a word.
"""

from __future__ import annotations

V4_HIGH = 0xFFFFFFFFFFFFFFFF
"""The high half that marks an IPv4 address: in IPv6 it begins a multicast address, no TCP peer's."""

WORDS = 32
PORTS = 0
STATE = 1
EVENTS = 2
ISN_CLIENT = 3
ISN_SERVER = 4
NEXT_CLIENT = 5
NEXT_SERVER = 6
PREVIOUS = 7
FRAME_FIRST = 8
FRAME_SYN = 9
FRAME_SYN_ACK = 10
FRAME_ACK = 11
FRAME_RST = 12
FRAME_ICMP = 13
FRAME_CLIENT_DATA = 14
FRAME_SERVER_DATA = 15
FRAME_FIN = 16
LAST_SYN_US = 17
LAST_SYN_ACK_US = 18
SYN_COUNT = 19
SYN_ACK_COUNT = 20
RST_WINDOW_ID = 21
RST_SEQ = 22
RST_TRAITS = 23
ICMP = 24
ICMP_SENDER = 25
ID = 26
OTHER = 27
CLASSES = 28
OUTCOME = 29
LINK = 30
SYN_LENGTH = 31

LONGS = 10
LOW_END_HIGH = 0
LOW_END_LOW = 1
HIGH_END_HIGH = 2
HIGH_END_LOW = 3
TS_FIRST = 4
TS_ANSWER = 5
TS_CLIENT_DATA = 6
TS_SERVER_DATA = 7
TS_END = 8
TS_CLIENT_FIN = 9

# Bits of STATE.
CLIENT_IS_HIGH = 1
"""The client is the end whose (address, port) sorts higher."""
KNOWS_CLIENT = 2
KNOWS_SERVER = 4
PENDING_ACK = 8
"""OTHER holds an acknowledgement of the client's, seen before any number of the server."""
OTHER_ISN = 16
"""OTHER holds a second ISN that the server offered."""
SELF = 32
OLDER_OVER = 64
"""Every older attempt of the 4-tuple was finished when this one began."""
CLIENT_AGAIN = 128
"""The client's last payload was sent again, and nothing has acknowledged all it sent."""
CLIENT_LOST = 256
"""The same once more."""
SERVER_AGAIN = 512
SERVER_LOST = 1024
CLIENT_TURN = 2048
"""The server has spoken, then the client, and the server not since."""
SAMPLED = 4096
"""The server's first payload is kept, and so its last reply will be."""
GOES_ON = 8192
"""The server's first payload may have more to come: it was kept whole, and the client has not spoken since."""
HOLDS_MORE = 16384
"""What is kept as the reply is not a later one but more of the first payload."""
REPLY_SHIFT = 16
"""From here up: which of REPLIES is this attempt's, plus one."""

# Bits of RST_TRAITS.
RST_FROM_SERVER = 1
RST_HAS_ACK = 2
CHECKSUM_SHIFT = 2
"""From here, two bits: the state of the RST's checksum, an index into CHECKSUMS."""
RST_SEEN = 128

CHECKSUM_UNKNOWN = 0
CHECKSUM_CORRECT = 1
CHECKSUM_NOT_FILLED_IN = 2
CHECKSUM_WRONG = 3
CHECKSUMS = ("unknown", "correct", "not filled in", "wrong")

# Classes of a side's first payload: the server's in the low half of CLASSES, the client's in the high half.
CLASS_OTHER = 1
CLASS_HTTP_REQUEST = 2
CLASS_PROXY_REQUEST = 3
CLASS_TLS_HANDSHAKE = 4
CLASS_TLS_ALERT = 5
CLASS_HTTP_SUCCESS = 6
"""Status 1xx to 3xx."""
CLASS_HTTP_4XX = 7
CLASS_HTTP_5XX = 8
CLASS_HTTP_GATEWAY = 9
"""Status 502, 503 or 504."""

# OUTCOME: the index of the outcome's rule, and two bits.
RULE = 0xFF
RECOVERED = 256
"""It failed, but the same client got through at another address in the same try: see ``fold.pair_tries``."""
PAIRED = 512
"""It completed, and stands for the failed attempts of the same try."""

FAILING = 1
COMPLETED = 2

# State vector of the tracker (64-bit words).
STATE_WORDS = 14
S_ROWS = 0
S_NEXT_ID = 1
S_STRAYS = 2
S_DUPLICATES = 3
S_SENDERS = 4
S_ORPHANS = 5
S_PAYLOAD_ENTRIES = 6
S_PAYLOAD_BYTES = 7
S_SEED = 8
S_SETTLED = 9
"""Settled 4-tuples that are remembered."""
S_LATE = 10
S_FRAMES = 11
S_TOUCHED = 12
S_REPLIES = 13

# An ICMP error that quotes a SYN which is not in the capture (64-bit words).
ORPHAN_LONGS = 8
ORPHAN_SERVER_HIGH = 0
ORPHAN_SERVER_LOW = 1
ORPHAN_CLIENT_HIGH = 2
ORPHAN_CLIENT_LOW = 3
ORPHAN_PORTS = 4
ORPHAN_ICMP = 5
ORPHAN_FRAME = 6
ORPHAN_TS = 7

ORPHAN_LIMIT = 256
SENDER_LIMIT = 16384
PAYLOAD_LIMIT = 512
"""Bytes kept of a side's first payload."""
PAYLOAD_ENTRY_LONGS = 2
PAYLOAD_ENTRIES = 16384
PAYLOAD_BYTES = 4 << 20
REPLIES = 4096
REPLY_BYTES = 512
"""Of the server's last reply; the first two are its size and EARLIER_TURN."""
REPLY_SIZE = 0x1FF
EARLIER_TURN = 0x80
"""In a reply's second byte: the next one goes to OLDER_AT, not to EARLIER_AT."""
WORD_BYTES = 128
"""Of the client's last word, and of each of the two replies before the last; the first is its size."""
CLIENT_AT = REPLY_BYTES
EARLIER_AT = CLIENT_AT + WORD_BYTES
OLDER_AT = EARLIER_AT + WORD_BYTES
TALK_BYTES = OLDER_AT + WORD_BYTES
"""All that is kept of the later words of an attempt."""
SAMPLES_A_CLASS = 16
"""First payloads kept of each (server port, side, first bytes): enough for any report."""

# A group of alike attempts (64-bit words).
GROUP_LONGS = 8
G_HIGH = 0
G_LOW = 1
G_KEY = 2
"""port << 32 | outcome word << 16 | client class << 8 | server class"""
G_COUNT = 3
G_FIRST = 4
G_LAST = 5
G_LAST_ROW = 6
G_KEPT = 7

WIDE = 1 << 16
"""Groups from which on the servers of a port are counted together, under the address ``::``."""
WIDEST = 1 << 17
"""Groups from which on the ports are counted together too, as port 0."""

# State vector of ``fold.count_moments`` (64-bit words).
MOMENT_LONGS = 7
M_SHIFT = 0
"""A bin is 1 << shift nanoseconds."""
M_FIRST = 1
"""Number of the first bin, counted from the epoch."""
M_TOTAL = 2
M_EARLIEST = 3
M_LATEST = 4
M_WANTED = 5
M_BESIDE = 6
"""The time that lies beside the bins, where counting stopped."""
