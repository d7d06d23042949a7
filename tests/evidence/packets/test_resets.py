"""Who made the RST."""

from __future__ import annotations

import pytest

from synscope.evidence.packets.observe import observe_packets
from synscope.model import Answer, Attempt, Checksum, Outcome
from tests.evidence.builders import (
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
    summary,
    times,
)


def _reset_later(checksum: Checksum) -> Attempt:
    """The client's request is answered by an RST that no program made."""
    return attempt(
        Outcome.RESET_BY_SERVER_EARLY,
        reset=reset(seq=9, has_ack=False, checksum=checksum),
        events=ASKED | {"server-rst", "server-rst-before-data"},
        times=times(client_data=1, end=2),
    )


SITUATIONS = [
    Situation("kernel's RST", (attempt(REFUSED, reset=reset()),), LOCAL_REFUSED | {"rst-looks-like-kernel"}),
    Situation(
        "firewall's RST",
        (attempt(REFUSED, reset=reset(checksum=Checksum.NOT_FILLED_IN)),),
        LOCAL_REFUSED | {"rst-looks-like-firewall"},
    ),
    Situation(
        "firewall's RST, both families",
        (
            attempt(REFUSED, server="::1", reset=reset()),
            attempt(REFUSED, reset=reset(checksum=Checksum.NOT_FILLED_IN)),
        ),
        (LOCAL_REFUSED - {"refused-address-is-ipv4-only"}) | {"rst-looks-like-firewall"},
    ),
    Situation(
        "kernel's RST, IPv6",
        (attempt(REFUSED, server="::1", reset=reset(checksum=Checksum.NOT_FILLED_IN)),),
        (LOCAL_REFUSED - {"refused-address-is-ipv4-only"})
        | {"rst-looks-like-kernel", "refused-address-is-ipv6-only"},
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
    Situation(
        "a rule resets what follows the handshake",
        (_reset_later(Checksum.NOT_FILLED_IN),),
        DONE | {"reset-before-answer", "rst-looks-like-firewall"},
    ),
    Situation(
        "the kernel resets what follows the handshake",
        (_reset_later(Checksum.CORRECT),),
        DONE | {"reset-before-answer"},
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
            "only the checksum could tell",
        ),
        (
            "rst-looks-like-firewall",
            attempt(REFUSED, reset=reset(checksum=Checksum.WRONG)),
            "nobody that was measured",
        ),
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


def test_a_capture_with_all_checksums_mended_accuses_no_firewall() -> None:
    found = observe(attempt(REFUSED, server="::1", reset=reset()))
    assert found["rst-looks-like-firewall"].answer is Answer.UNKNOWN


@pytest.mark.parametrize("linktype", ["NULL", "LOOP"])
def test_other_systems_leave_other_traits(linktype: str) -> None:
    refused = summary(attempt(REFUSED, reset=reset(checksum=Checksum.NOT_FILLED_IN)))
    for each in observe_packets(refused, (), end_ts_ns=None, linktypes=["EN10MB", linktype]):
        if each.name in {"rst-looks-like-kernel", "rst-looks-like-firewall"}:
            assert each.answer is Answer.UNKNOWN
            assert linktype in each.text
