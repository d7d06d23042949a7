"""The nouns every room shares: endpoints, attempts, targets, observations, findings, the diagnosis.

Plain named tuples and enums; no behaviour beyond small conversions, no I/O. Named tuples, because a frozen
dataclass takes seven times as long to define and every run pays that; the two dataclasses are those whose
fields a tuple cannot have.
Times are nanoseconds since the epoch (``…_ns``); frame numbers are 1-based, as Wireshark counts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

PORT_MAX = 65535
"""The largest TCP port: the header's field has 16 bits (RFC 9293 §3.1)."""


class Label(enum.StrEnum):
    """What a handshake is called. The first four are the usual ones; the others keep them honest."""

    SYN_NO_REPLY = "SYN-no-reply"
    SYN_RST = "SYN-RST"
    COMPLETED = "completed"
    CLIENT_NEVER_SENT = "client-never-sent"
    HALF_OPEN = "half-open"
    ONE_SIDED = "one-sided"
    ODD_REPLY = "odd-reply"
    MID_STREAM = "mid-stream"


class Stage(enum.StrEnum):
    """A stretch of the path that a connection walks, in the order of the path; ``PASSED_WHEN`` says what each is.

    The SYN is on the wire after ``OUT``; the handshake is completed after ``BACK``.
    """

    NUMBER = "number"
    CLIENT = "client"
    NAME = "name"
    SOCKET = "socket"
    ROUTE = "route"
    OUT = "out"
    IN = "in"
    LISTENER = "listener"
    QUEUE = "queue"
    BACK = "back"
    CARRY = "carry"
    ACCEPT = "accept"
    TALK = "talk"
    SERVE = "serve"


PASSED_WHEN: dict[Stage, str] = {
    Stage.NUMBER: "the number can be a port, and this client takes it",
    Stage.CLIENT: "the client sets out for this very target, over TCP",
    Stage.NAME: "the name leads to the address that is meant",
    Stage.SOCKET: "the kernel grants the client a socket, a local port and the family",
    Stage.ROUTE: "there is a way to the address",
    Stage.OUT: "nothing on the way out throws the SYN away",
    Stage.IN: "nothing on the way in throws it away or answers in the listener's place",
    Stage.LISTENER: "a listening socket fits address, port, device and namespace",
    Stage.QUEUE: "sYN queue and accept queue have room",
    Stage.BACK: "the SYN-ACK reaches the client, and its ACK the server",
    Stage.CARRY: "segments are acknowledged both ways",
    Stage.ACCEPT: "a process takes the connection and reads",
    Stage.TALK: "both sides speak one protocol, and trust each other",
    Stage.SERVE: "the service does its work in time",
}
"""When a connection has passed a stage, as a clause."""

FAILURES: frozenset[Label] = frozenset({Label.SYN_NO_REPLY, Label.SYN_RST, Label.HALF_OPEN, Label.ODD_REPLY})
"""Labels of attempts that failed to connect."""


class Outcome(enum.StrEnum):
    """The fine result under a label. The rules that assign them are ``engine.outcome``'s."""

    RESET_BY_SERVER_EARLY = "reset-by-server-early"
    RESET_BY_SERVER = "reset-by-server"
    RESET_BY_CLIENT = "reset-by-client"
    SILENT = "silent"
    SERVER_SILENT = "server-silent"
    CLOSED = "closed"
    STILL_OPEN = "still-open"
    ANSWERED = "answered"
    CLIENT_RESET = "client-reset"
    SERVER_GAVE_UP = "server-gave-up"
    CLIENT_VANISHED = "client-vanished"
    REFUSED = "refused"
    REFUSED_REPEATEDLY = "refused-repeatedly"
    CHALLENGE_ACK = "challenge-ack"
    UNFITTING_SYN_ACK = "unfitting-syn-ack"
    UNFITTING_RST = "unfitting-rst"
    CROSSING_SYN = "crossing-syn"
    CLIENT_SIDE_ONLY = "client-side-only"
    SERVER_SIDE_ONLY = "server-side-only"
    ICMP_ERROR = "icmp-error"
    CLIENT_WITHDREW = "client-withdrew"
    UNANSWERED = "unanswered"
    MID_STREAM = "mid-stream"


class Endpoint(NamedTuple):
    """One side of a connection. ``address`` is the textual IPv4 or IPv6 address, ``port`` 0..65535."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Frames(NamedTuple):
    """1-based numbers of an attempt's key frames; ``None`` where the capture has no such frame."""

    first: int
    syn: int | None = None
    syn_ack: int | None = None
    ack: int | None = None
    rst: int | None = None
    icmp: int | None = None
    client_data: int | None = None
    server_data: int | None = None
    fin: int | None = None


class Checksum(enum.StrEnum):
    """State of a segment's TCP checksum. On loopback it hints at who made the segment."""

    CORRECT = "correct"
    NOT_FILLED_IN = "not filled in"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Reset(NamedTuple):
    """What the first RST that counts looked like: the traits that tell who sent it."""

    from_server: bool
    window: int
    ip_id: int
    seq: int
    has_ack: bool
    checksum: Checksum


class IcmpError(NamedTuple):
    """An ICMP (``version`` 4) or ICMPv6 (6) error that quotes a segment of the attempt."""

    version: int
    type: int
    code: int
    sender: str


class Times(NamedTuple):
    """When the key frames were seen, ns since the epoch; ``None`` where there is no such frame."""

    first: int
    last_syn: int | None = None
    answer: int | None = None
    """First valid SYN-ACK, RST or ICMP error."""
    client_data: int | None = None
    server_data: int | None = None
    end: int | None = None
    """First FIN or RST after the handshake."""
    client_fin: int | None = None


class ProcessSource(enum.StrEnum):
    """Who says which process is at an end of an attempt."""

    KERNEL = "kernel"
    """The kernel's trace saw it connect or listen."""
    HOST = "host"
    """A look at this machine found the port in its hands."""
    CAPTURE = "capture"
    """The program that wrote the capture claims it."""


class EndProcess(NamedTuple):
    """The process at one end of an attempt; ``None`` is what is not known. It chooses its own name: unescaped."""

    pid: int | None
    """Its number; of one that was gone before anybody could ask, the number of the thread that acted."""
    name: str | None
    uid: int | None
    """The number of its user."""
    container: str | None
    """The name of its container, or the beginning of its number."""
    unit: str | None
    """Its systemd unit."""
    source: ProcessSource


class EndProcesses(NamedTuple):
    """The processes at both ends of an attempt, as far as they are known."""

    client: EndProcess | None = None
    server: EndProcess | None = None


NO_PROCESSES = EndProcesses()


class Attempt(NamedTuple):
    """One try to connect, as observed."""

    id: int
    client: Endpoint
    server: Endpoint
    first_ts_ns: int
    label: Label
    outcome: Outcome
    syn_count: int
    syn_ack_count: int
    frames: Frames
    times: Times
    events: frozenset[str] = frozenset()
    """Names of ``engine.outcome.EVENTS`` that were observed."""
    client_bytes: int = 0
    server_bytes: int = 0
    """Payload bytes by sequence numbers; a lower bound when frames are missing."""
    reset: Reset | None = None
    icmp: IcmpError | None = None
    client_payload: bytes | None = None
    server_payload: bytes | None = None
    """First payload bytes each way (at most 512), where they were kept. Attacker-chosen.

    The client's are those of its first segment; the server's go on until the client spoke again.
    """
    server_reply: bytes | None = None
    """The beginning (at most 510 bytes) of the last thing that the server said after the client had spoken again.

    ``None`` where it was not kept, or nothing was said after the server's first payload. Attacker-chosen.
    """
    server_earlier: tuple[bytes, ...] = ()
    """The beginnings (at most 127 bytes) of up to two replies before that one, the latest first. Attacker-chosen."""
    client_reply: bytes | None = None
    """The beginning (at most 127 bytes) of what the client said last after the server had spoken. Attacker-chosen."""
    recovered: bool = False
    """It failed, but the same client then reached the port at another address, in the same try."""
    process: EndProcesses = NO_PROCESSES
    """Which processes were at its ends."""


@dataclass(frozen=True, slots=True)
class AttemptGroup:
    """Attempts to one server endpoint that ended the same way."""

    server: Endpoint
    label: Label
    outcome: Outcome
    recovered: bool
    count: int
    first_ts_ns: int
    last_ts_ns: int
    examples: tuple[Attempt, ...]
    """The first few and the last one; ``count`` says how many there were."""
    unfinished: bool = False
    """The capture ended so soon after they began that their answers may only be missing in it."""

    @property
    def failed(self) -> bool:
        """Whether they failed to connect, and neither a later attempt made good for it nor the end came first."""
        return self.label in FAILURES and not self.recovered and not self.unfinished


class Target(NamedTuple):
    """What the user asked about, e.g. ``62893``, ``localhost:62893`` or a URL.

    ``port`` is the number as given, which may lie outside 0..65535 (then nothing can match it);
    ``host`` is ``None`` when only a port was given.
    """

    text: str
    port: int
    host: str | None = None
    scheme: str | None = None
    given: bool = True
    """False when the target was found in the capture, not asked for."""

    @property
    def is_port(self) -> bool:
        """Whether the number is a TCP port a client can connect to (1..65535)."""
        return 1 <= self.port <= PORT_MAX

    @property
    def wrapped(self) -> int:
        """The port that clients which keep only 16 bits go to instead."""
        return self.port % 65536


class Claim(enum.StrEnum):
    """How strong *client-never-sent* is."""

    STRONG = "strong"
    LIVE = "live"
    FILE = "file"


class NearMiss(NamedTuple):
    """Traffic that may be what the user meant although it did not go to the target."""

    kind: str
    """``wrapped-port``, ``similar-port``, ``other-address``, ``proxy-request``, ``proxy-port``,
    ``icmp-without-syn``, ``rst-without-syn``."""
    text: str
    port: int
    frames: tuple[int, ...] = ()
    address: str = ""
    """``other-address``: where it went."""
    completed: bool = False
    """``other-address``: whether a connection was made there."""


class Source(enum.StrEnum):
    """Where a piece of evidence comes from."""

    PACKETS = "packets"
    PAYLOAD = "payload"
    HOST = "host"
    KERNEL = "kernel"
    REQUEST = "request"
    """The target as the user wrote it. Reported as ``packets`` has no frame for it."""


class Answer(enum.StrEnum):
    """What an observer can say."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "could not tell"


class Observation(NamedTuple):
    """One fact about a target, named in ``evidence.vocabulary``, with what shows it."""

    name: str
    answer: Answer
    source: Source
    text: str
    """For a person: why the answer is what it is. May quote attacker-chosen bytes, unescaped."""
    frames: tuple[int, ...] = ()
    about: tuple[str, ...] = ()
    """Names that the answer found, for programs: those of the processes that have the port, say."""


class Transport(enum.StrEnum):
    """What lies between the client and the service, or what the client uses in place of TCP."""

    LOOPBACK = "loopback"
    CONTAINER_TO_HOST = "container to host"
    HOST_TO_CONTAINER = "host to container"
    TUNNEL = "tunnel"
    """A program such as ``ssh -L`` or ``kubectl port-forward`` has the port, and passes connections on."""
    POD = "pod"
    REMOTE = "remote"
    UNIX_SOCKET = "Unix socket"
    UDP = "UDP"


class Setting(NamedTuple):
    """Where a failure plays: what advice has to fit. Empty where it is not known."""

    transport: Transport | None = None
    protocol: str = ""
    """What the server speaks, or should: a name of ``reference.probing``."""
    system: str = ""
    """``linux``, ``macos`` or ``windows``: where the capture was made, if that is not the reader's own."""


class Where(NamedTuple):
    """The settings in which a piece of advice applies; what is empty leaves it open."""

    transports: frozenset[Transport] = frozenset()
    protocols: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    """Questions, of which one has to have the answer yes."""


ANYWHERE = Where()


class TargetSummary(NamedTuple):
    """What happened to one target in one capture."""

    target: Target
    label: Label
    counts: dict[Label, int]
    groups: tuple[AttemptGroup, ...]
    claim: Claim | None = None
    near_misses: tuple[NearMiss, ...] = ()

    @property
    def failed(self) -> int:
        """Attempts that failed to connect (see ``AttemptGroup.failed``)."""
        return sum(group.count for group in self.groups if group.failed)


class Facts(NamedTuple):
    """All that is known about one target: the input of the ranker."""

    summary: TargetSummary
    observations: dict[str, Observation]
    """By name; a name that is missing was not looked for: it counts as could-not-tell."""
    setting: Setting = Setting()
    """Where it plays, for advice that fits."""


class Kind(enum.StrEnum):
    """How bad a finding is. Only failures turn the exit status."""

    FAILURE = "failure"
    WARNING = "warning"
    NOTE = "note"


class Confidence(enum.StrEnum):
    """How sure a finding is; ``docs/confidence.md`` says what each word promises."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    RULED_OUT = "ruled out"


class Evidence(NamedTuple):
    """One sentence that supports a finding, where it comes from, and the frames that show it."""

    source: Source
    text: str
    frames: tuple[int, ...] = ()


class Check(NamedTuple):
    """A command that decides something. ``{port}``, ``{host}`` and ``{address}`` are filled in."""

    os: str
    """``linux``, ``macos``, ``windows`` or ``any``."""
    command: str
    expect: str
    """What it prints when this cause is the true one."""
    then: str
    """What that means and what to do next, also for the other result."""
    where: Where = ANYWHERE
    """The settings in which it applies."""


class Finding(NamedTuple):
    """A cause applied to a target: how sure, why, what to check, what to do."""

    code: str
    slug: str
    kind: Kind
    confidence: Confidence
    title: str
    summary: str
    """One or two sentences for this target, placeholders filled in."""
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...]
    """What contradicts it, or speaks against it."""
    unknown: tuple[str, ...]
    """What could not be checked here, in words."""
    reason: str
    """Why it has this confidence and place, or why it lost or was ruled out."""
    checks: tuple[Check, ...]
    fixes: tuple[str, ...]
    decided_by: str | None = None
    """The check that decides between it and its look-alikes."""
    look_alikes: tuple[str, ...] = ()
    """Codes of the causes that this one cannot be told from here."""


class State(enum.StrEnum):
    """What is known of a stage, or of a whole leg."""

    PASSED = "passed"
    STOPPED = "stopped"
    TOOK_LONG = "took long"
    """Passed, but late or only after a repetition."""
    UNKNOWN = "not known"
    NOT_REACHED = "not reached"


class Witness(NamedTuple):
    """What shows that a stage was passed, stopped the connection or took long."""

    source: Source
    text: str
    """For a person. May quote attacker-chosen bytes, unescaped."""
    frames: tuple[int, ...]
    says: State
    direct: bool
    """Whether it met this very connection."""


class StageState(NamedTuple):
    """One stage of a path, and who says so."""

    stage: Stage
    state: State
    witnesses: tuple[Witness, ...] = ()
    took_ns: int | None = None
    """How long it took, where it took long and that is known."""


class Role(enum.StrEnum):
    """What a leg is to the path that names it."""

    LEADING = "leading"
    """The path's stages are about it."""
    OTHER_ADDRESS = "other address"
    """The same client's way to another address: a remark."""
    CHILD = "child"
    """The way on from the server, while the client waited."""


class Leg(NamedTuple):
    """One client's way to one address and port."""

    address: str
    port: int
    label: Label
    state: State
    role: Role
    stages: tuple[Stage, ...] = ()
    """Where it stopped or may have stopped, in the order of the path."""
    took_ns: int | None = None
    """How long the client went on trying, where it repeated its SYN and then went elsewhere."""
    frames: tuple[int, ...] = ()
    maker: str = ""
    """Who made it, where a witness says: ``nginx (812)``. Its name is its own choice."""


class Path(NamedTuple):
    """How far the connections to a target came: the stages of the leading leg, and the other legs."""

    stages: tuple[StageState, ...] = ()
    possible: tuple[Stage, ...] = ()
    """Where it may have stopped; empty when nothing says that it stopped at all."""
    legs: tuple[Leg, ...] = ()

    @property
    def stopped_at(self) -> Stage | None:
        """The stage at which it stopped, where that is known."""
        return self.possible[0] if len(self.possible) == 1 else None


class Cut(NamedTuple):
    """Where a capture ends early, and why."""

    offset: int
    """Byte offset in the (decompressed) capture of the record that is not whole."""
    frame: int
    """The last whole frame, 0 when there is none."""
    reason: str


class CaptureFile(NamedTuple):
    """One of several files that were analysed as one capture."""

    path: str
    first_frame: int | None = None
    """The number its first frame has in the whole, ``None`` without frames."""
    frames: int = 0
    cut: Cut | None = None
    """Where it ends early; offset and frame are its own."""
    error: str | None = None
    """Why it could not be read at all."""


class Canary(enum.StrEnum):
    """What the capture's own test connection proves about it."""

    SEEN = "seen"
    NOT_SEEN = "not seen"
    UNSENT = "could not be sent"


class Live(NamedTuple):
    """How a capture that this program made itself went."""

    interface: str
    received: int
    """Frames that passed the kernel's filter and came into the ring."""
    canary: Canary
    canary_text: str = ""
    """Why it was not seen or could not be sent."""
    ring_use: float = 0.0
    """The largest share of the ring that was ever found waiting, 0 to 1."""
    saved: tuple[str, ...] = ()
    """Paths of the files the frames were saved to."""


@dataclass(frozen=True, slots=True)
class CaptureHealth:
    """How complete the observation was."""

    frames: int
    undecoded: dict[str, int] = field(default_factory=dict)
    """Frames that were not followed to a TCP header, by reason."""
    cut: Cut | None = None
    linktypes: tuple[str, ...] = ()
    system: str = ""
    """``linux``, ``macos`` or ``windows``, where the capture says on which it was made."""
    format: str = ""
    error: str | None = None
    """Why the capture could not be read at all."""
    tcp_segments: int = 0
    duplicates: int = 0
    strays: int = 0
    """Segments that fit no attempt of their 4-tuple by their numbers."""
    snapped: int = 0
    """Frames that the capture stored only in part."""
    first_ts_ns: int | None = None
    last_ts_ns: int | None = None
    aggregated: int = 0
    """Attempts that were settled before the end of the capture, to bound memory."""
    dropped: int | None = None
    """Frames the capturing program says it lost (pcapng interface statistics)."""
    notes: tuple[str, ...] = ()
    """What else the reader should know: bad time stamps, unknown blocks, other oddities."""
    files: tuple[CaptureFile, ...] = ()
    """The files in order of time, where several were analysed as one capture."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Frames left out because they were not asked for, by reason."""
    live: Live | None = None
    """Where the capture was not read from a file but made."""

    @property
    def truncated(self) -> bool:
        """Whether the capture, or one of its files, ends before its last record does."""
        return self.cut is not None or any(file.cut is not None for file in self.files)


class TargetDiagnosis(NamedTuple):
    """A target with its findings, best first."""

    facts: Facts
    findings: tuple[Finding, ...]
    path: Path = Path()
    """How far its connections came; without stages where the target was only counted."""

    @property
    def summary(self) -> TargetSummary:
        """The target's attempts and label."""
        return self.facts.summary

    @property
    def failed(self) -> bool:
        """Whether any finding that is not ruled out is a failure."""
        return any(
            finding.kind is Kind.FAILURE and finding.confidence is not Confidence.RULED_OUT
            for finding in self.findings
        )

    @property
    def warned(self) -> bool:
        """Whether any finding that is not ruled out is a warning."""
        return any(
            finding.kind is Kind.WARNING and finding.confidence is not Confidence.RULED_OUT
            for finding in self.findings
        )


class Command(NamedTuple):
    """The command that was watched, and how it ended."""

    argv: tuple[str, ...]
    exit_status: int
    """As a shell shows it: 124 when its time was up, 128 + n when signal n ended it."""
    ended: str
    """How it ended, in words."""
    lines: tuple[str, ...] = ()
    """The last lines of its standard error. May hold attacker-chosen bytes."""
    target_from: str | None = None
    """Where in the command the target was found, when it was not named."""


class Attachment(NamedTuple):
    """A document that a capture file carries in its comments: the claim of whoever wrote the file."""

    kind: str
    """``diagnosis`` or ``host-snapshot``."""
    version: str
    """Version of the program that wrote it, as it says itself."""
    made: str
    """When it was written, as it says itself: ``2026-01-31T12:00:00Z``."""
    text: str
    """JSON, if it is what it says. May hold anything."""


class Diagnosis(NamedTuple):
    """The whole answer for one capture."""

    capture: str
    health: CaptureHealth
    targets: tuple[TargetDiagnosis, ...]
    watched: bool
    """Whether the user named targets."""
    command: Command | None = None
    attachments: tuple[Attachment, ...] = ()
    """What the capture file carries. Nothing in the diagnosis rests on it."""

    @property
    def failed(self) -> bool:
        """Whether any target has a finding of kind failure."""
        return any(target.failed for target in self.targets)

    @property
    def warned(self) -> bool:
        """Whether any target has a finding of kind warning."""
        return any(target.warned for target in self.targets)
