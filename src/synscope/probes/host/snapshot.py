"""What one look at the host records: plain, frozen, bounded, without secrets.

Every part is either there or an ``Untold`` that says why not. Addresses are textual, ports 0..65535, times
nanoseconds since the epoch. ``snapshot_json`` turns a ``Snapshot`` into JSON and back; strings may hold bytes that
somebody else chose (process names, socket paths, rule comments).
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

VERSION: Final = 1
"""Of the document. A reader refuses any other."""


class Untold(NamedTuple):
    """The answer 'could not tell', and why."""

    could_not_tell: str


class Owner(NamedTuple):
    """A process that holds a socket."""

    pid: int
    program: str
    user: str | None
    uid: int | None = None
    container: str = ""
    """The beginning of its container's number, or its name; empty for none, or where it does not show."""
    unit: str = ""
    """Its systemd unit; empty for none."""


class LocalSocket(NamedTuple):
    """A socket that has a local port: a TCP listener, a bound TCP socket, or a UDP socket."""

    address: str
    port: int
    v6only: bool | None = None
    """IPv6 only: whether it leaves IPv4 alone. ``None`` for IPv4, or where the system does not say."""
    device: str | None = None
    """The interface it is bound to (SO_BINDTODEVICE)."""
    queued: int | None = None
    """Connections that wait for accept(), of a listener."""
    backlog: int | None = None
    user: str | None = None
    """Whose the socket is."""
    owners: tuple[Owner, ...] = ()
    owner_untold: str | None = None
    """Why ``owners`` is empty. Every socket has an owner or the kernel itself."""
    signed_for: tuple[str, ...] | None = None
    """Networks whose segments it takes only with a TCP-MD5 signature; ``None`` where the system does not say."""
    overflows: int | None = None
    """Of a listener in another network namespace: overflows of listeners' queues that were counted there."""

    @property
    def is_ipv6(self) -> bool:
        """Whether it is a socket of the IPv6 family."""
        return ":" in self.address

    @property
    def is_wildcard(self) -> bool:
        """Whether it takes connections at every address of its family."""
        return self.address in {"0.0.0.0", "::"}  # noqa: S104 - addresses to recognise, not to bind


class UnixSocket(NamedTuple):
    """A listening Unix socket whose path speaks of a port."""

    path: str
    port: int


class PortUse(NamedTuple):
    """Connections from and to one port, by their state. On a busy machine each number is a lower bound."""

    port: int
    established: int = 0
    time_wait: int = 0
    close_wait: int = 0
    syn_received: int = 0
    syn_sent: int = 0
    """Clients of this machine that wait for an answer from the port."""
    most_local_ports: int = 0
    """Local ports in use toward the port at one address: the most at any address."""


class Sockets(NamedTuple):
    """The sockets of the network namespace."""

    listeners: tuple[LocalSocket, ...]
    bound: tuple[LocalSocket, ...] | Untold
    """TCP sockets on the watched ports that are bound and neither listen nor are connected."""
    udp: tuple[LocalSocket, ...] = ()
    unix: tuple[UnixSocket, ...] = ()
    uses: tuple[PortUse, ...] = ()
    complete: bool = True
    """False when some listeners were left out, to bound the size."""


class RuleVerdict(enum.StrEnum):
    """What the rules do with a packet."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    REDIRECT = "redirect"
    UNKNOWN = "could not tell"


class PacketKind(enum.StrEnum):
    """The packets of a connection that the rules are asked about."""

    SYN = "SYN"
    ANSWER = "SYN-ACK"
    DATA = "data"
    REPLY = "data of the server"


class Ruling(NamedTuple):
    """What the rules do with one packet over loopback."""

    address: str
    """The server's."""
    port: int
    packet: PacketKind
    verdict: RuleVerdict
    how: str = ""
    """``tcp reset``, the ICMP type, or where it is redirected to."""
    rule: str = ""
    """Its text, or ``policy drop``."""
    place: str = ""
    """``inet filter input``: family, table, chain."""
    packets: int | None = None
    """The rule's counter."""
    because: str = ""
    """Why it could not be told."""


class Firewall(NamedTuple):
    """What the whole set of rules does to the watched ports."""

    tools: tuple[str, ...]
    rulings: tuple[Ruling, ...]
    front_ends: tuple[str, ...] = ()
    """Programs that seem to have written the rules."""


class Resolved(NamedTuple):
    """The addresses of a name, in the order in which a client tries them."""

    name: str
    addresses: tuple[str, ...]
    error: str = ""
    """The resolver's word where there is no address."""
    late: bool = False
    """The resolver did not answer in time."""


class HostsLine(NamedTuple):
    """A line of the hosts file that names a watched name."""

    number: int
    address: str
    names: tuple[str, ...]


class Names(NamedTuple):
    """How names resolve here."""

    resolved: tuple[Resolved, ...]
    hosts: tuple[HostsLine, ...] | Untold
    order: str = ""
    """The ``hosts:`` line of nsswitch.conf."""


class Variable(NamedTuple):
    """A proxy variable of the client's environment, its password left out."""

    name: str
    value: str


class Link(NamedTuple):
    """An interface that a way leads over."""

    name: str
    up: bool
    """Whether it is switched on."""
    carrier: bool | None = None
    """Whether there is a link: a cable with a live end, the other half of a pair that is up."""
    state: str = ""
    """Its operational state (RFC 2863): ``up``, ``down``, ``lower layer down``, …"""
    mtu: int | None = None
    reverse_path_filter: int | None = None
    """0 off, 1 strict, 2 loose: the larger of its own and that of all interfaces."""
    ipv6_disabled: bool | None = None


class Route(NamedTuple):
    """The way to an address, as connect() finds it."""

    address: str
    way: str
    """``local dev lo``, ``unicast dev eth0``, or the error of the look-up."""
    network_device: str = ""
    """The interface that has an address of the same network, where another machine's address was looked up."""
    asked_as: str = ""
    """For whom it was looked up, where that can matter: ``user 1000``."""
    decided_by: str = ""
    """The route or rule that forbids it or leads it away, as far as that could be told:
    ``unreachable 127.0.0.6 in table local``, ``rule 5: to 127.0.0.8 unreachable``."""
    gateway: str = ""
    source: str = ""
    """The address that the kernel takes as the client's."""
    path_mtu: int | None = None
    """What the kernel knows of the way's MTU, where that is less than the interface's."""
    link: Link | None = None
    neighbour: str = ""
    """What is known of the next hop's link-layer address: ``reachable``, ``incomplete``, ``failed``, …; empty for
    nothing, or where none is needed."""
    own_end: str = ""
    """The device or address that the client binds its own end to: ``device eth0``."""
    own_way: str = ""
    """The way from there."""


class Loopback(NamedTuple):
    """The loopback interface, and the way to its addresses."""

    name: str
    up: bool
    addresses: tuple[str, ...]
    route_ipv4: str
    """``local dev lo``, or the error of a look-up of 127.0.0.1."""
    route_ipv6: str
    """The same for ::1."""
    ipv6_disabled: bool | None = None
    extra_rules: int = 0
    """Routing rules beyond the usual ones."""
    others: tuple[str, ...] | None = None
    """The addresses of the machine's other interfaces, where they were asked for."""
    routes: tuple[Route, ...] = ()
    """The ways to the addresses that were asked for."""
    silent_neighbours: tuple[str, ...] | None = None
    """The addresses whose machine or container does not tell its link-layer address: somebody tried to reach it."""
    programs: tuple[str, ...] | None = None
    """What is attached to the interface and may discard frames: ``XDP program 12``, ``tc ingress filter (bpf)``."""


class Program(NamedTuple):
    """A program (eBPF) that is attached where it may discard, deny or redirect."""

    place: str
    """``interface lo: XDP``, ``interface lo: tc ingress``, ``control group /a: egress``, ``network namespace: …``."""
    number: int
    name: str = ""
    """As the one who loaded it calls it, at most 15 bytes."""
    tool: str = ""
    """Whose programs have such names: ``systemd``, ``Cilium``, …; empty where that is not known."""
    owners: tuple[Owner, ...] = ()
    """Processes that hold it; one that is attached needs none."""
    role: str = ""
    """Whose control group it is: ``client``, ``listener`` or ``server``; empty for another place."""


class Process(NamedTuple):
    """A process that matters: the server's, the client's, or a listener's owner."""

    pid: int
    program: str
    role: str
    """``listener``, ``server`` or ``client``."""
    ancestors: tuple[int, ...] = ()
    """Its parent, the parent's parent and so on; at most eight."""
    state: str = ""
    """The letter of proc(5): R, S, D, T, t, Z, …; ``?`` when it cannot be read, empty when it is gone."""
    waits_in: str = ""
    """The kernel function it sleeps in, where readable."""
    descriptors: int | None = None
    """Open file descriptors."""
    descriptor_limit: int | None = None
    tasks: int | None = None
    """Processes and threads that count against ``task_limit``."""
    task_limit: int | None = None
    """How many processes and threads its user, or its cgroup, may have; the one of which less is left."""
    confinement: str = ""
    """Its SELinux or AppArmor label."""
    seccomp: bool | None = None
    """Whether system calls of it are filtered."""
    command: str = ""
    """Its whole command line, only where it was asked for."""


class OwnConnection(NamedTuple):
    """A TCP connection that a process behind a watched port, or one that it started, has to somebody else."""

    pid: int
    program: str
    state: str
    """As ss(8) has it: ``SYN-SENT``, ``ESTAB``, ``CLOSE-WAIT``."""
    address: str
    port: int
    """Its own end."""
    remote_address: str
    remote_port: int
    sent_ns: int | None = None
    """When it last sent data, to a few milliseconds; ``None`` where it never did or the kernel does not say."""
    heard_ns: int | None = None
    """When data last came, likewise."""
    unread: int = 0
    """Bytes that came and that its program has not read."""
    elsewhere: bool = False
    """Whether it is in another network namespace."""


class Incident(NamedTuple):
    """Something that went wrong on this machine in the minutes before, and whom it hit."""

    kind: str
    """``unit``, ``socket unit``, ``container``, ``killed for memory``, ``crash`` or ``core dump``."""
    name: str
    """The unit's, the container's or the program's."""
    text: str
    """What happened: ``exit status 1``, ``signal 11``, ``restarts every 2 s``."""
    ts_ns: int = 0
    """When; 0 where nobody says."""
    pid: int | None = None
    ports: tuple[int, ...] = ()
    """The watched ports that it has to do with, by its own words."""
    lasted_s: int | None = None
    """How long it had run."""


class Before(NamedTuple):
    """What happened in the minutes before the look, and who could not be asked."""

    incidents: tuple[Incident, ...]
    unasked: tuple[str, ...] = ()


class Setting(NamedTuple):
    """A number the kernel keeps: a setting or a counter."""

    name: str
    value: int


class Limits(NamedTuple):
    """What the system allows, and how much of it is used."""

    settings: tuple[Setting, ...]
    reserved_ports: str = ""
    ephemeral_low: int | None = None
    ephemeral_high: int | None = None


class Denial(NamedTuple):
    """A refusal by a security policy, from the kernel's log or the audit log."""

    policy: str
    """``SELinux``, ``AppArmor``, ``seccomp`` or ``Landlock``."""
    program: str
    operation: str
    ts_ns: int
    pid: int | None = None
    port: int | None = None


class Policy(NamedTuple):
    """Security policies, and what they refused of late."""

    active: tuple[str, ...]
    denials: tuple[Denial, ...] | Untold


class Forward(NamedTuple):
    """A program that takes connections on a watched port and passes them on."""

    program: str
    """``docker``, ``podman``, ``ssh``, ``socat``, ``kubectl``, …"""
    listen_address: str
    listen_port: int
    target: str
    """``ADDRESS:PORT`` behind it, or a container's name."""
    pid: int | None = None
    into_container: bool = False
    """Whether what it leads to is inside a container, a pod or another network namespace, as its own words say."""
    through: str = ""
    """The machine from which a tunnel goes on to the target, as written; empty for none."""


class Forwards(NamedTuple):
    """Forwarders on the watched ports, and who could not be asked."""

    found: tuple[Forward, ...]
    unasked: tuple[str, ...] = ()
    """Why an engine or a process could not be asked."""


TLS: Final = "TLS"
PROXY_LINE: Final = "the PROXY protocol's line"
JAVA_DEBUGGER: Final = "JDWP (Java debugger)"
"""As ``payload`` calls this protocol."""


class Declared(NamedTuple):
    """What a program's configuration or command line says that it wants of clients on a port."""

    program: str
    port: int
    wants: tuple[str, ...]
    """``TLS``, ``PROXY_LINE``, ``JAVA_DEBUGGER``."""


class RunningServer(NamedTuple):
    """A process of a server to which clients of a watched port go as a rule, in this network namespace."""

    port: int
    """The watched port: the server's usual one, or one that its command line names."""
    program: str
    pid: int
    listens: tuple[int, ...] = ()
    """TCP ports that it listens on, whichever."""
    udp: tuple[int, ...] = ()
    """UDP ports that it has."""
    files: tuple[str, ...] = ()
    """Unix sockets that it listens on: their paths."""
    untold: str = ""
    """Why its sockets are not known."""


class ElsewhereListener(NamedTuple):
    """A listener on a watched port in another network namespace."""

    namespace: str
    address: str
    port: int
    pid: int | None = None
    program: str = ""
    linked: bool = False
    """Whether the two namespaces share an IPv4 network, as a container and its host do."""
    addresses: tuple[str, ...] = ()
    """The IPv4 addresses of that namespace's own, but for loopback's."""
    queued: int | None = None
    """Connections that wait for accept()."""
    overflows: int | None = None
    """Overflows of listeners' queues that the namespace has counted since it was made."""


class Namespaces(NamedTuple):
    """Network namespaces other than this one."""

    listeners: tuple[ElsewhereListener, ...]
    looked_at: int
    unseen: str = ""
    """Why some could not be looked at."""
    addresses: tuple[str, ...] = ()
    """Addresses inside them that can be reached from here without a router, as a container's from its host."""


class Snapshot(NamedTuple):
    """One bounded look at the host: when and how it was taken, then a field for each section.

    A section that is added has a default, so that older documents can be read:
    ``Untold("older snapshots do not have it")``.
    """

    version: int
    taken_ns: int
    duration_ns: int
    system: str
    privileged: bool
    ports: tuple[int, ...]
    sockets: Sockets | Untold
    firewall: Firewall | Untold
    names: Names | Untold
    proxy: tuple[Variable, ...] | Untold
    loopback: Loopback | Untold
    processes: tuple[Process, ...] | Untold
    limits: Limits | Untold
    counters: tuple[Setting, ...] | Untold
    policy: Policy | Untold
    forwards: Forwards | Untold
    namespaces: Namespaces | Untold
    declared: tuple[Declared, ...] | Untold = Untold("older snapshots do not have it")
    running: tuple[RunningServer, ...] | Untold = Untold("older snapshots do not have it")
    connections: tuple[OwnConnection, ...] | Untold = Untold("older snapshots do not have it")
    before: Before | Untold = Untold("older snapshots do not have it")
    programs: tuple[Program, ...] | Untold = Untold("older snapshots do not have it")


SECTIONS: Final = Snapshot._fields[Snapshot._fields.index("ports") + 1 :]
"""The fields that collectors fill, each of them by one."""
