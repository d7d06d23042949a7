"""Who made the RST."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt, Checksum, Outcome

from .builders import (
    ASKED,
    DONE,
    LOCAL,
    LOCAL_REFUSED,
    REFUSED,
    Situation,
    attempt,
    check,
    observe,
    reset,
    times,
)

SITUATIONS = [
    Situation("kernel's RST", (attempt(REFUSED, reset=reset()),), LOCAL_REFUSED | {"rst-looks-like-kernel"}),
    Situation(
        "firewall's RST",
        (attempt(REFUSED, reset=reset(checksum=Checksum.NOT_FILLED_IN)),),
        LOCAL_REFUSED | {"rst-looks-like-firewall"},
    ),
    Situation(
        "firewall's RST, IPv6",
        (attempt(REFUSED, server="::1", reset=reset()),),
        (LOCAL_REFUSED - {"refused-address-is-ipv4-only"})
        | {"rst-looks-like-firewall", "refused-address-is-ipv6-only"},
    ),
    Situation(
        "RST from another host",
        (attempt(REFUSED, server="10.0.0.2", client="10.0.0.1", reset=reset()),),
        LOCAL_REFUSED - LOCAL,
    ),
    Situation(
        "application aborts",
        (
            attempt(
                Outcome.RESET_BY_SERVER_EARLY,
                reset=reset(window=512, ip_id=7, seq=9, checksum=Checksum.NOT_FILLED_IN),
                events=ASKED | {"server-rst", "server-rst-before-data"},
                times=times(client_data=1, end=2),
            ),
        ),
        DONE | {"reset-before-answer", "rst-looks-like-application"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    ("word", "one", "why"),
    [
        (
            "rst-looks-like-kernel",
            attempt(REFUSED, reset=reset(checksum=Checksum.UNKNOWN)),
            "could not be checked",
        ),
        ("rst-looks-like-firewall", attempt(REFUSED, reset=reset(checksum=Checksum.WRONG)), "none of those"),
        (
            "rst-looks-like-kernel",
            attempt(REFUSED, server="10.0.0.2", client="10.0.0.1", reset=reset()),
            "not a same-host",
        ),
        ("rst-looks-like-kernel", attempt(REFUSED), "not kept"),
    ],
)
def test_could_not_tell(word: str, one: Attempt, why: str) -> None:
    found = observe(one)[word]
    assert found.answer is Answer.UNKNOWN
    assert why in found.text


@pytest.mark.parametrize("has_ack", [False, True])
def test_kernels_reset_after_the_handshake_is_not_the_applications(has_ack: bool) -> None:  # noqa: FBT001
    one = attempt(Outcome.RESET_BY_SERVER, reset=reset(seq=9, has_ack=has_ack))
    answer = observe(one)["rst-looks-like-application"].answer
    assert answer is (Answer.UNKNOWN if has_ack else Answer.NO)
