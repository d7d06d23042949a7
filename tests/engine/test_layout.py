"""The layout of an attempt's rows: every fact has a word of its own."""

from __future__ import annotations

from synscope.engine import layout as rows
from synscope.engine.batch import SIZE

NUMBERS = {name: value for name, value in vars(rows).items() if isinstance(value, int)}
ORDER = list(NUMBERS)


def _between(first: str, last: str) -> dict[str, int]:
    return {name: NUMBERS[name] for name in ORDER[ORDER.index(first) : ORDER.index(last) + 1]}


def _are_places(found: dict[str, int], size: int) -> None:
    assert len(set(found.values())) == len(found), found
    assert all(0 <= place < size for place in found.values()), found


def test_words() -> None:
    """No two facts share a 32-bit word."""
    _are_places(_between("PORTS", "SYN_LENGTH"), rows.WORDS)


def test_longs() -> None:
    """No two facts share a 64-bit word."""
    _are_places(_between("LOW_END_HIGH", "TS_CLIENT_FIN"), rows.LONGS)


def test_state_vector() -> None:
    """No two counters share a word of the tracker's state."""
    _are_places({name: value for name, value in NUMBERS.items() if name.startswith("S_")}, rows.STATE_WORDS)


def test_state_bits() -> None:
    """Each is one bit, and no two are the same."""
    bits = [
        rows.CLIENT_IS_HIGH,
        rows.KNOWS_CLIENT,
        rows.KNOWS_SERVER,
        rows.PENDING_ACK,
        rows.OTHER_ISN,
        rows.SELF,
        rows.OLDER_OVER,
        rows.CLIENT_AGAIN,
        rows.CLIENT_LOST,
        rows.SERVER_AGAIN,
        rows.SERVER_LOST,
        rows.CLIENT_TURN,
        rows.SAMPLED,
        rows.GOES_ON,
        rows.HOLDS_MORE,
    ]
    assert all(bit & (bit - 1) == 0 for bit in bits)
    assert len(set(bits)) == len(bits)
    assert max(bits) < 1 << rows.REPLY_SHIFT
    assert rows.REPLIES < 1 << 16


def test_a_row_of_words_is_whole_cache_lines() -> None:
    """So that following one attempt touches as few as can be."""
    assert rows.WORDS * 4 % 64 == 0


def test_kept_payload_fits_its_index() -> None:
    """An entry's place and size share a 64-bit word, the size in its low 16 bits."""
    assert rows.PAYLOAD_LIMIT < 1 << 16
    assert rows.PAYLOAD_LIMIT <= rows.PAYLOAD_BYTES
    assert SIZE > 0
