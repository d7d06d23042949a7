"""The layout of an attempt's rows: every fact has a word of its own."""

from __future__ import annotations

from synscope.engine import layout
from synscope.engine.batch import SIZE

NUMBERS = {name: value for name, value in vars(layout).items() if isinstance(value, int)}
ORDER = list(NUMBERS)


def _between(first: str, last: str) -> dict[str, int]:
    return {name: NUMBERS[name] for name in ORDER[ORDER.index(first) : ORDER.index(last) + 1]}


def _are_places(found: dict[str, int], size: int) -> None:
    assert len(set(found.values())) == len(found), found
    assert all(0 <= place < size for place in found.values()), found


def test_words() -> None:
    """No two facts share a 32-bit word."""
    _are_places(_between("PORTS", "SYN_LENGTH"), layout.WORDS)


def test_longs() -> None:
    """No two facts share a 64-bit word."""
    _are_places(_between("LOW_END_HIGH", "TS_CLIENT_FIN"), layout.LONGS)


def test_state_vector() -> None:
    """No two counters share a word of the tracker's state."""
    _are_places({name: value for name, value in NUMBERS.items() if name.startswith("S_")}, layout.STATE_WORDS)


def test_state_bits() -> None:
    """Each is one bit, and no two are the same."""
    bits = [
        layout.CLIENT_IS_HIGH,
        layout.KNOWS_CLIENT,
        layout.KNOWS_SERVER,
        layout.PENDING_ACK,
        layout.OTHER_ISN,
        layout.SELF,
        layout.OLDER_OVER,
        layout.CLIENT_AGAIN,
        layout.CLIENT_LOST,
        layout.SERVER_AGAIN,
        layout.SERVER_LOST,
        layout.CLIENT_TURN,
        layout.SAMPLED,
        layout.GOES_ON,
        layout.HOLDS_MORE,
    ]
    assert all(bit & (bit - 1) == 0 for bit in bits)
    assert len(set(bits)) == len(bits)
    assert max(bits) < 1 << layout.REPLY_SHIFT
    assert layout.REPLIES < 1 << 16


def test_a_row_of_words_is_whole_cache_lines() -> None:
    """So that following one attempt touches as few as can be."""
    assert layout.WORDS * 4 % 64 == 0


def test_kept_payload_fits_its_index() -> None:
    """An entry's place and size share a 64-bit word, the size in its low 16 bits."""
    assert layout.PAYLOAD_LIMIT < 1 << 16
    assert layout.PAYLOAD_LIMIT <= layout.PAYLOAD_BYTES
    assert SIZE > 0
