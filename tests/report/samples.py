"""Diagnoses as the engine and the ranker would return them, built by hand for the reports to show."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from synscope.causes.rank import rank
from synscope.evidence.agreement import settled
from synscope.evidence.packets.observe import observe_packets
from synscope.evidence.path import path_of
from synscope.evidence.target_number import observe_request
from synscope.model import (
    Attempt,
    AttemptGroup,
    CaptureHealth,
    Checksum,
    Claim,
    Cut,
    Diagnosis,
    Endpoint,
    Facts,
    Frames,
    IcmpError,
    Label,
    NearMiss,
    Outcome,
    Reset,
    Target,
    TargetDiagnosis,
    TargetSummary,
    Times,
)
from synscope.report import formats
from synscope.report.writer import ReportSettings

START = 1_700_000_000_000_000_000
US = 1_000
MS = 1_000_000
SECOND = 1_000_000_000
SERVER = Endpoint("127.0.0.1", 62893)
REFUSAL = Reset(True, 0, 0, 0, True, Checksum.CORRECT)
HEALTH = CaptureHealth(
    frames=4,
    linktypes=("EN10MB",),
    format="pcap",
    tcp_segments=4,
    first_ts_ns=START,
    last_ts_ns=START + 1_200 * MS,
)


def written(form: str, diagnosis: Diagnosis, **settings: object) -> str:
    """The whole report of ``diagnosis`` in the format ``form``."""
    report = formats.named(form).load()(ReportSettings(**settings))  # type: ignore[arg-type]
    return report.whole(diagnosis, exit_status=1)


def attempt(
    number: int,
    label: Label,
    outcome: Outcome,
    *,
    server: Endpoint = SERVER,
    frames: Frames,
    times: Times,
    **fields: object,
) -> Attempt:
    """One attempt; its client has a port of its own."""
    base = Attempt(
        id=number,
        client=Endpoint(server.address, 40_000 + number % 20_000),
        server=server,
        first_ts_ns=times.first,
        label=label,
        outcome=outcome,
        syn_count=1,
        syn_ack_count=0,
        frames=frames,
        times=times,
    )
    return base._replace(**fields)  # type: ignore[arg-type]


def refused(number: int = 1, *, address: str = "127.0.0.1", port: int = 62893, at: int = 0) -> Attempt:
    """SYN, RST after 49 µs."""
    first = START + at
    return attempt(
        number,
        Label.SYN_RST,
        Outcome.REFUSED,
        server=Endpoint(address, port),
        frames=Frames(first=2 * number - 1, syn=2 * number - 1, rst=2 * number),
        times=Times(first=first, last_syn=first, answer=first + 49 * US),
        reset=REFUSAL,
    )


def unanswered(number: int = 1, *, port: int = 62893) -> Attempt:
    """Four SYNs and nothing."""
    return attempt(
        number,
        Label.SYN_NO_REPLY,
        Outcome.UNANSWERED,
        server=Endpoint("127.0.0.1", port),
        frames=Frames(first=number, syn=number),
        times=Times(first=START, last_syn=START + 7 * SECOND),
        syn_count=4,
    )


def half_open(number: int = 1) -> Attempt:
    """SYN-ACK three times, no ACK."""
    return attempt(
        number,
        Label.HALF_OPEN,
        Outcome.CLIENT_VANISHED,
        frames=Frames(first=number, syn=number, syn_ack=number + 1),
        times=Times(first=START, last_syn=START, answer=START + 31 * US),
        syn_ack_count=3,
    )


def icmp(number: int = 1) -> Attempt:
    """An ICMP port unreachable quotes the SYN."""
    return attempt(
        number,
        Label.SYN_NO_REPLY,
        Outcome.ICMP_ERROR,
        frames=Frames(first=number, syn=number, icmp=number + 1),
        times=Times(first=START, last_syn=START, answer=START + 20 * US),
        icmp=IcmpError(4, 3, 3, "127.0.0.1"),
    )


def answered(
    number: int = 1,
    *,
    port: int = 8080,
    address: str = "127.0.0.1",
    request: bytes = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n",
    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n",
    outcome: Outcome = Outcome.CLOSED,
) -> Attempt:
    """A whole conversation."""
    return attempt(
        number,
        Label.COMPLETED,
        outcome,
        server=Endpoint(address, port),
        frames=Frames(number, number, number + 1, number + 2, None, None, number + 3, number + 4, number + 5),
        times=Times(
            START, START, START + 20 * US, START + 90 * US, START + 3 * MS, START + 4 * MS, START + 4 * MS
        ),
        syn_ack_count=1,
        client_bytes=len(request),
        server_bytes=len(answer),
        client_payload=request,
        server_payload=answer,
    )


def silent_server(number: int = 1, *, port: int = 8080) -> Attempt:
    """The request is acknowledged and never answered; the client closes after 10 s."""
    return attempt(
        number,
        Label.COMPLETED,
        Outcome.SERVER_SILENT,
        server=Endpoint("127.0.0.1", port),
        frames=Frames(number, number, number + 1, number + 2, client_data=number + 3, fin=number + 5),
        times=Times(
            START, START, START + 20 * US, START + 90 * US, None, START + 10 * SECOND, START + 10 * SECOND
        ),
        events=frozenset(
            {"client-syn", "syn-ack", "server-acks", "client-acks", "client-data", "client-data-acked"}
        ),
        syn_ack_count=1,
        client_bytes=40,
        client_payload=b"GET / HTTP/1.1\r\n\r\n",
    )


def grouped(attempts: Sequence[Attempt], times_each: int = 1) -> tuple[AttemptGroup, ...]:
    """Group attempts by server and way; each counts ``times_each`` times."""
    found: dict[tuple[Endpoint, Outcome], list[Attempt]] = {}
    for one in attempts:
        found.setdefault((one.server, one.outcome), []).append(one)
    return tuple(
        AttemptGroup(
            server=server,
            label=some[0].label,
            outcome=outcome,
            recovered=some[0].recovered,
            count=len(some) * times_each,
            first_ts_ns=some[0].first_ts_ns,
            last_ts_ns=some[-1].first_ts_ns,
            examples=(*some[:2], some[-1]) if len(some) > 3 else tuple(some),
        )
        for (server, outcome), some in found.items()
    )


def target(
    *attempts: Attempt,
    wanted: Target | None = None,
    misses: Sequence[NearMiss] = (),
    times_each: int = 1,
) -> TargetDiagnosis:
    """A target with real observations, ranked for real."""
    if wanted is None:
        number = attempts[0].server.port
        wanted = Target(str(number), number, given=False)
    label = attempts[0].label if attempts else Label.CLIENT_NEVER_SENT
    counts = Counter({label: 0})
    for one in attempts:
        counts[one.label] += times_each
    summary = TargetSummary(
        target=wanted,
        label=label,
        counts={label: count for label, count in counts.items() if count},
        groups=grouped(attempts, times_each),
        claim=None if attempts else Claim.FILE,
        near_misses=tuple(misses),
    )
    seen = observe_packets(summary, [], end_ts_ns=START + 60 * SECOND)
    # Ports of samples are numbers without a role.
    said = [each for each in observe_request(wanted) if not each.name.startswith("port-usual")]
    facts = Facts(summary, settled([*said, *seen]))
    return TargetDiagnosis(facts, rank(facts), path_of(facts))


def diagnosis(
    *targets: TargetDiagnosis,
    capture: str = "refused.pcap",
    health: CaptureHealth = HEALTH,
    watched: bool = True,
) -> Diagnosis:
    """The diagnosis of one capture."""
    return Diagnosis(capture, health, tuple(targets), watched)


def out_of_range() -> TargetDiagnosis:
    """``-p localhost:619009``, with a SYN to the wrapped port."""
    miss = NearMiss("wrapped-port", "a SYN went to 29185, which is 619009 modulo 65536", 29185, (1, 7))
    return target(wanted=Target("localhost:619009", 619009, "localhost"), misses=[miss])


def unreadable(capture: str = "notes.txt") -> Diagnosis:
    """A file that is no capture."""
    health = CaptureHealth(
        frames=0, error="it starts with 'Hello', which is no magic number of pcap or pcapng"
    )
    return Diagnosis(capture, health, (), watched=False)


def cut(capture: str = "cut.pcap") -> Diagnosis:
    """A capture that ends inside a record, with frames that carry no TCP."""
    health = dataclasses.replace(
        HEALTH,
        frames=17,
        undecoded={"ARP": 10, "UDP": 2, "IP header cut by the snap length": 1},
        cut=Cut(1234, 17, "the record says 74 bytes and 12 are left"),
        duplicates=3,
        snapped=1,
        dropped=12,
        notes=("2 time stamps go backwards",),
    )
    return diagnosis(target(refused()), capture=capture, health=health, watched=False)


SAMPLES: dict[str, Diagnosis] = {
    "refused": diagnosis(target(refused(), refused(2, address="::1"), wanted=Target("62893", 62893))),
    "refused-often": diagnosis(
        target(*(refused(n) for n in range(1, 9)), unanswered(90), half_open(95), times_each=150),
        watched=False,
    ),
    "unanswered": diagnosis(target(unanswered(), wanted=Target("localhost:62893", 62893, "localhost"))),
    "half-open": diagnosis(target(half_open(), wanted=Target("62893", 62893))),
    "icmp": diagnosis(target(icmp(), wanted=Target("62893", 62893))),
    "silent-server": diagnosis(
        target(silent_server(), wanted=Target("http://localhost:8080/", 8080, "localhost", "http"))
    ),
    "healthy": diagnosis(target(answered(), answered(11), wanted=Target("8080", 8080))),
    "http-500": diagnosis(
        target(answered(answer=b"HTTP/1.1 503 Service Unavailable\r\nServer: nginx\r\n\r\n"))
    ),
    "tls-to-plain": diagnosis(
        target(
            answered(
                port=8443,
                request=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                answer=b"HTTP/1.1 400 Bad Request\r\n\r\n",
            )
        )
    ),
    "out-of-range": diagnosis(out_of_range()),
    "never-sent": diagnosis(target(wanted=Target("localhost:62893", 62893, "localhost"))),
    "mid-stream": diagnosis(
        target(
            attempt(1, Label.MID_STREAM, Outcome.MID_STREAM, frames=Frames(1), times=Times(START)),
        ),
        watched=False,
    ),
    "many-ports": diagnosis(
        *(target(refused(port, port=port)) for port in range(9000, 9030)),
        *(target(answered(port, port=port)) for port in range(7000, 7030)),
        watched=False,
    ),
    "unreadable": unreadable(),
    "cut": cut(),
    "no-tcp": diagnosis(
        health=CaptureHealth(frames=12, undecoded={"ARP": 12}, linktypes=("EN10MB",), format="pcapng"),
        watched=False,
    ),
    "empty": diagnosis(health=CaptureHealth(frames=0, format="pcap", linktypes=("EN10MB",)), watched=False),
}
