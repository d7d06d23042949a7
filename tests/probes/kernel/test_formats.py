"""The print format says how a line is taken apart."""

from __future__ import annotations

import pytest

from synscope.probes.kernel.formats import FormatError, pattern_of
from tests.evidence.kernel.recorded import FORMATS_5_17, FORMATS_6_18


def test_names_are_those_printed() -> None:
    names = {event: set(pattern_of(text).groupindex) for event, text in FORMATS_6_18.items()}
    assert names["skb/kfree_skb"] == {"skbaddr", "rx_sk", "protocol", "location", "reason"}
    assert names["tcp/tcp_send_reset"] == {"skbaddr", "skaddr", "src", "dest", "state", "reason"}
    assert {"sport", "daddrv6", "newstate"} <= names["sock/inet_sock_set_state"]
    assert set(pattern_of(FORMATS_5_17["skb/kfree_skb"]).groupindex) == names["skb/kfree_skb"] - {"rx_sk"}


def test_conversions_with_a_tail() -> None:
    pattern = pattern_of('print fmt: "a=%pISpc b=%pI6c c=%#010llx %d x=%s", 1')
    found = pattern.fullmatch("a=[::1]:80 b=::1 c=0x1 7 x=end")
    assert found is not None
    assert found.groupdict() == {"a": "[::1]:80", "b": "::1", "c": "0x1", "x": "end"}


@pytest.mark.parametrize("text", ["", "name: x\nformat:\n", 'print fmt: "a=%d a=%d", 1'])
def test_no_usable_format(text: str) -> None:
    with pytest.raises(FormatError):
        pattern_of(text)
