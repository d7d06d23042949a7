"""The columns that the stages share."""

from __future__ import annotations

from array import array

import pytest

from synscope.engine.batch import SIZE, Batch

LONGS = {"ts_ns", "src_high", "src_low", "dst_high", "dst_low"}


@pytest.mark.parametrize("size", [1, SIZE])
def test_columns(size: int) -> None:
    """Each has a place for every frame, of the width that its facts need."""
    batch = Batch(size)
    assert (batch.count, batch.fragments) == (0, 0)
    for name in batch.__slots__:
        if name not in {"count", "fragments"}:
            column = getattr(batch, name)
            assert isinstance(column, array)
            assert len(column) == size
            assert column.itemsize == (8 if name in LONGS else 4), name
