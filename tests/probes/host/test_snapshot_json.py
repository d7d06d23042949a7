"""Documents of snapshots: what is written can be read, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.probes.host.snapshot import Policy, Snapshot, Untold, Variable
from synscope.probes.host.snapshot_json import (
    LONGEST_DOCUMENT,
    LONGEST_TEXT,
    MOST_ITEMS,
    SnapshotError,
    from_json,
    snapshot_document,
    to_json,
)
from tests.evidence.host.builders import listener, observed, snapshot

HEALTHY = snapshot(listener(), listener("::1"))


def changed(**fields: Any) -> str:
    return json.dumps({**snapshot_document(HEALTHY), **fields})


def test_there_and_back() -> None:
    assert from_json(to_json(HEALTHY)) == HEALTHY
    told = HEALTHY._replace(firewall=Untold("needs root"), policy=Policy(("SELinux",), Untold("no")))
    assert from_json(to_json(told)) == told


def test_what_is_too_long_is_clipped_on_writing() -> None:
    variables = tuple(Variable("http_proxy", "x" * 5000) for _ in range(MOST_ITEMS + 5))
    back = from_json(to_json(HEALTHY._replace(proxy=variables)))
    assert isinstance(back.proxy, tuple)
    assert len(back.proxy) == MOST_ITEMS
    assert len(back.proxy[0].value) == LONGEST_TEXT


def test_half_characters_are_replaced_on_writing() -> None:
    assert from_json(to_json(HEALTHY._replace(system="a\udc80"))).system == "a?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("[1", "not JSON"),
        ("[]", "not an object"),
        ("[" * 100_000, "nested too deeply"),
        ("NaN", "no number"),
        ('{"version": ' + "9" * 5000 + "}", "not JSON"),
        (changed(version=2), "version 2"),
        (changed(version="x" * 1000), "version x"),
        (changed(extra=1), "unknown field 'extra'"),
        (changed(ports=[True]), "not a whole number"),
        (changed(ports=[1.5]), "not a whole number"),
        (changed(ports=[1 << 63]), "too large"),
        (changed(ports=[1] * (MOST_ITEMS + 1)), "more than"),
        (changed(ports={}), "not a list"),
        (changed(system=None), "not a text"),
        (changed(system="x" * (LONGEST_TEXT + 1)), "longer than"),
        (changed(system="\udc80"), "half a character"),
        (changed(privileged=1), "true or false"),
        (changed(firewall={"could_not_tell": "x", "more": 1}), "unknown field 'more'"),
        (changed(firewall=None), "not an object"),
        (changed(sockets={"listeners": []}), "lacks the field 'bound'"),
        (
            changed(firewall={"tools": [], "rulings": [
                {"address": "::1", "port": 1, "packet": "SYN", "verdict": "perhaps"}]}),
            "none of: accept",
        ),
        (" " * (LONGEST_DOCUMENT + 1), "MiB long"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str, words: str) -> None:
    with pytest.raises(SnapshotError, match=words):
        from_json(text)


def test_a_missing_field_is_named() -> None:
    document = snapshot_document(HEALTHY)
    del document["names"]
    with pytest.raises(SnapshotError, match="lacks the field 'names'"):
        from_json(json.dumps(document))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 65), 1 << 65) | st.text(max_size=20) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(Snapshot._fields), values)
def test_hostile_values_are_refused_or_understood(field: str, value: object) -> None:
    try:
        found = from_json(changed(**{field: value}))
    except SnapshotError:
        return
    assert len(observed(found)) > 20


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError):
        from_json(data)


@given(st.text(max_size=30), st.text(max_size=30))
def test_addresses_that_are_none_do_no_harm(address: str, name: str) -> None:
    odd = HEALTHY.sockets._replace(listeners=(listener(address), listener("::ffff:1.2.3.4", device=name)))  # type: ignore[union-attr]
    text = to_json(HEALTHY._replace(sockets=odd))
    assert len(observed(from_json(text), failed_at=("127.0.0.1",))) > 20
