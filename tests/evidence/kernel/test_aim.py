"""Which addresses the user asked about."""

from __future__ import annotations

import pytest

from synscope.evidence.kernel.aim import aims_at, leads_to, serves
from synscope.model import Endpoint, Target


@pytest.mark.parametrize(
    ("host", "address", "aims", "serving"),
    [
        ("localhost", "127.0.0.1", True, True),
        ("localhost", "::1", True, True),
        ("localhost", "10.0.0.1", False, False),
        ("localhost", "0.0.0.0", False, True),
        ("127.0.0.1", "127.0.0.1", True, True),
        ("127.0.0.1", "127.0.0.2", False, False),
        ("[::1]", "::1", True, True),
        ("0.0.0.0", "127.0.0.1", True, True),
        ("db.example", "10.0.0.1", True, True),
        (None, "10.0.0.1", True, True),
    ],
)
def test_hosts(host: str | None, address: str, *, aims: bool, serving: bool) -> None:
    target = Target("x", 80, host)
    assert aims_at(target, Endpoint(address, 80)) == aims
    assert serves(target, Endpoint(address, 80)) == serving
    assert not aims_at(target, Endpoint(address, 81))
    assert not serves(target, None)


@pytest.mark.parametrize(
    ("address", "bound", "reached"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "::", True),
        ("127.0.0.1", "::1", False),
        ("::1", "::1", True),
        ("::1", "::", True),
        ("::1", "0.0.0.0", False),
    ],
)
def test_what_an_address_leads_to(address: str, bound: str, *, reached: bool) -> None:
    assert leads_to(address, Endpoint(bound, 81)) is reached
