"""Snapshots made by hand, and what the tests of this room share."""

from __future__ import annotations

from synscope.evidence.host.observe import observe_host
from synscope.model import Answer, Observation
from synscope.probes.host.snapshot import (
    VERSION,
    Before,
    Firewall,
    Forwards,
    Limits,
    LocalSocket,
    Loopback,
    Names,
    Namespaces,
    Owner,
    PacketKind,
    Policy,
    Process,
    Resolved,
    RuleVerdict,
    Ruling,
    Setting,
    Snapshot,
    Sockets,
)
from synscope.targets import parse

PORT = 8080
NOW = 1_700_000_000_000_000_000
SERVER = Owner(4242, "python3", "www")
BOTH = ("127.0.0.1", "::1")


def listener(address: str = "127.0.0.1", port: int = PORT, **more: object) -> LocalSocket:
    values: dict[str, object] = {
        "v6only": False if ":" in address else None,
        "queued": 0,
        "backlog": 128,
        "user": "www",
        "owners": (SERVER,),
    }
    return LocalSocket(address, port, **{**values, **more})  # type: ignore[arg-type]


def process(pid: int = SERVER.pid, role: str = "listener", **more: object) -> Process:
    values: dict[str, object] = {"state": "S", "descriptors": 10, "descriptor_limit": 1024}
    return Process(pid, "python3", role, **{**values, **more})  # type: ignore[arg-type]


def rulings(
    verdict: RuleVerdict = RuleVerdict.ACCEPT, probe: PacketKind = PacketKind.SYN, **more: object
) -> tuple[Ruling, ...]:
    """Everything passes, but one packet's verdict is given."""
    return tuple(
        Ruling(address, PORT, each, verdict, **more)
        if each is probe  # type: ignore[arg-type]
        else Ruling(address, PORT, each, RuleVerdict.ACCEPT)
        for address in BOTH
        for each in PacketKind
    )


def sockets(*listeners: LocalSocket, **more: object) -> Sockets:
    return Sockets(listeners, **{"bound": (), **more})  # type: ignore[arg-type]


def snapshot(*listeners: LocalSocket, **more: object) -> Snapshot:
    """A healthy machine with these listeners."""
    values: dict[str, object] = {
        "version": VERSION,
        "taken_ns": NOW,
        "duration_ns": 1_000_000,
        "system": "Linux 6.18",
        "privileged": True,
        "ports": (PORT,),
        "sockets": sockets(*listeners),
        "firewall": Firewall(("nft",), rulings()),
        "names": Names((Resolved("localhost", ("::1", "127.0.0.1")),), ()),
        "proxy": (),
        "loopback": Loopback(
            "lo", up=True, addresses=BOTH, route_ipv4="local dev lo", route_ipv6="local dev lo"
        ),
        "processes": tuple(process(owner.pid) for listener in listeners for owner in listener.owners),
        "limits": Limits((Setting("somaxconn", 4096),), "", 32768, 60999),
        "counters": (Setting("TcpExtListenOverflows", 5),),
        "policy": Policy((), ()),
        "forwards": Forwards(()),
        "namespaces": Namespaces((), 0),
        "declared": (),
        "running": (),
        "connections": (),
        "before": Before(()),
        "programs": (),
    }
    return Snapshot(**{**values, **more})  # type: ignore[arg-type]


def observed(
    *snapshots: Snapshot,
    target: str = f"localhost:{PORT}",
    failed_at: tuple[str, ...] = (),
    client: str | None = None,
    spoken: tuple[str, ...] = (),
    failed_within: tuple[int, int] | None = None,
    left: str = "",
) -> dict[str, Observation]:
    found = observe_host(
        parse(target),
        snapshots,
        environment_known=True,
        failed_at=failed_at,
        client=client,
        spoken=spoken,
        failed_within=failed_within,
        left=left,
    )
    return {observation.name: observation for observation in found}


def answers(*snapshots: Snapshot, **more: object) -> dict[str, Answer]:
    return {name: one.answer for name, one in observed(*snapshots, **more).items()}  # type: ignore[arg-type]
