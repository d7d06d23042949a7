"""One target as the snapshots show it: which addresses are meant, which listeners serve them.

Input: the target, the snapshots in order of time, and what the packets add. Each question of this
room takes a ``HostView``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from synscope.evidence.question import Reply, unknown
from synscope.model import FAILURES, Endpoint, Target, TargetSummary
from synscope.reference.loopback import names_loopback, parsed

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from synscope.evidence.waits import Wait
    from synscope.probes.host.asked_packet import Truth
    from synscope.probes.host.snapshot import (
        LocalSocket,
        Process,
        Resolved,
        Setting,
        Snapshot,
        Sockets,
        Untold,
    )

T = TypeVar("T")

LOOPBACK: Final = ("127.0.0.1", "::1")
_SHOWN: Final = 3


def failed_within(summary: TargetSummary) -> tuple[int, int] | None:
    """Return when the first and the last attempt that failed began, by the packets; ``None`` without any."""
    failed = [group for group in summary.groups if group.label in FAILURES and not group.recovered]
    if not failed:
        return None
    return min(group.first_ts_ns for group in failed), max(group.last_ts_ns for group in failed)


class Use(NamedTuple):
    """How a command that did not get as far as the target goes about it."""

    hosts: tuple[str, ...]
    """The hosts that it uses for the target's port, names and addresses; none where it does not tell."""
    tried: Mapping[str, bool] = MappingProxyType({})
    """Other addresses at which a connect to that port ended → whether it was made."""


class _Looked(NamedTuple):
    """What a ``HostView`` is made of."""

    target: Target
    snapshots: Sequence[Snapshot]
    environment_known: bool
    failed_at: tuple[str, ...]
    """Addresses at which attempts failed, by the packets; empty when they do not say."""
    client: str | None
    """The client's program, where it is known."""
    spoken: tuple[str, ...] = ()
    """The families of protocols in which clients got no answer, by the packets."""
    use: Use | None = None
    """``None`` without a command, and where the client got as far as the target: then its names are not at fault."""
    waits: tuple[Wait, ...] = ()
    """When clients waited for the server, by the packets."""
    failed_within: tuple[int, int] | None = None
    """When the first and the last of the attempts that failed began; ``None`` without any."""


class HostView(_Looked):
    """A target and what was seen of the host around it."""

    def with_snapshots(self, snapshots: Sequence[Snapshot]) -> HostView:
        """Return the same view of other looks."""
        return HostView(*self._replace(snapshots=snapshots))

    @property
    def last(self) -> Snapshot:
        """The latest look."""
        return self.snapshots[-1]

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that the target stands for."""
        if self.failed_at:
            return self.failed_at
        host = self.target.host
        literal = None if host is None else parsed(host)
        if literal is not None:
            return (LOOPBACK[literal.version == 6],) if literal.is_unspecified else (str(literal),)  # noqa: PLR2004
        resolved = self.resolved
        return resolved.addresses if resolved is not None and resolved.addresses else LOOPBACK

    @property
    def host(self) -> str:
        """The name to look up."""
        return self.target.host or "localhost"

    @property
    def resolved(self) -> Resolved | None:
        """What the target's name resolved to."""
        return self.resolution_of(self.host)

    def resolution_of(self, name: str) -> Resolved | None:
        """What a name resolved to; ``None`` where nobody asked."""
        names = self.last.names
        if is_untold(names):
            return None
        return next((resolved for resolved in names.resolved if resolved.name == name), None)

    @cached_property
    def unserved(self) -> tuple[str, ...] | Reply:
        """The addresses that no listener serves, or the reply that this is not known.

        Where the packets do not tell at which address attempts failed, one that is served is enough: clients
        go on to the next.
        """
        from synscope.probes.host.asked_packet import all_of, any_of

        sockets = self.last.sockets
        if is_untold(sockets):
            return unknown(sockets.could_not_tell)
        foreign = self._foreign()
        if foreign:
            return unknown(f"{foreign} is not an address of this machine")
        truths = [served(sockets, Endpoint(address, self.target.port)) for address in self.addresses]
        wanted = all_of(truths) if self.failed_at else any_of(truths)
        if wanted:
            return ()
        if wanted is None:
            return unknown("whether the listener on [::] takes IPv4 as well is not known on this system")
        return tuple(address for address, truth in zip(self.addresses, truths, strict=True) if truth is False)

    def _foreign(self) -> str:
        """Name an address of the target that this machine does not have; empty when there is none."""
        loopback = self.last.loopback
        if is_untold(loopback) or loopback.others is None:
            return ""
        have = {*loopback.addresses, *loopback.others}
        return next(
            (address for address in self.addresses if not is_local(address) and address not in have), ""
        )

    def on_port(self, snapshot: Snapshot) -> tuple[LocalSocket, ...]:
        """Return the listeners that have the port at any address."""
        if is_untold(snapshot.sockets):
            return ()
        return tuple(listener for listener in snapshot.sockets.listeners if listener.port == self.target.port)

    def serving(self, snapshot: Snapshot) -> tuple[LocalSocket, ...]:
        """Return the listeners that serve one of the target's addresses."""
        ends = [Endpoint(address, self.target.port) for address in self.addresses]
        return tuple(
            listener for listener in self.on_port(snapshot) if any(serves(listener, end) for end in ends)
        )

    def servers(self, snapshot: Snapshot) -> tuple[Process, ...]:
        """Return the processes behind the target: those of its listeners, else those named as the server's."""
        if is_untold(snapshot.processes):
            return ()
        owners = {owner.pid for listener in self.serving(snapshot) for owner in listener.owners}
        found = tuple(process for process in snapshot.processes if process.pid in owners)
        return found or tuple(process for process in snapshot.processes if process.role == "server")

    def programs(self) -> tuple[tuple[str, int], ...]:
        """Return the names and numbers of the processes that have the port at the target's address, in any look."""
        return tuple(
            dict.fromkeys(
                (owner.program, owner.pid)
                for snapshot in reversed(self.snapshots)
                for listener in self.serving(snapshot)
                for owner in listener.owners
            )
        )

    def told(self, part: Iterable[T | Untold]) -> tuple[list[T], str]:
        """Return the parts that are there, and why the first of the others is not."""
        parts = list(part)
        because = next((part.could_not_tell for part in parts if is_untold(part)), "")
        return [part for part in parts if not is_untold(part)], because

    def names_loopback(self) -> bool | None:
        """Whether the target's host is a name or address of loopback by its spelling."""
        return names_loopback(self.host)


def is_untold(part: object) -> TypeIs[Untold]:
    """Whether a part of a snapshot is only the reason why it could not be seen."""
    from synscope.probes.host.snapshot import Untold

    return isinstance(part, Untold)


def served(sockets: Sockets, end: Endpoint) -> Truth:
    """Whether a listener takes connections to ``end`` that come over loopback."""
    from synscope.probes.host.asked_packet import any_of

    return any_of(serves(listener, end) for listener in sockets.listeners)


def serves(listener: LocalSocket, end: Endpoint) -> Truth:
    """Whether one listener takes them. A socket bound to another device does not."""
    if listener.port != end.port or listener.device not in {None, "lo", "lo0"}:
        return False
    here, there = parsed(listener.address), parsed(end.address)
    if here is None or there is None:
        return False
    # ``parsed`` turns ::ffff:a.b.c.d into a.b.c.d, which is what such a listener serves.
    if here == there:
        return True
    if here.version == there.version:
        return here.is_unspecified
    if here.is_unspecified and listener.is_ipv6:
        return None if listener.v6only is None else not listener.v6only
    return False


def is_local(address: str) -> bool:
    """Whether only this machine can reach a listener at ``address``."""
    ip = parsed(address)
    return ip is not None and ip.is_loopback


def describe(listener: LocalSocket) -> str:
    """Return a listener in words: ``python3 (pid 4242, user www) is listening on 127.0.0.1:8080``."""
    device = f" on device {listener.device}" if listener.device else ""
    only = " (IPv6 only)" if listener.v6only and listener.is_wildcard else ""
    verb = "are" if len(listener.owners) > 1 else "is"
    return (
        f"{owner_of(listener)} {verb} listening on {Endpoint(listener.address, listener.port)}{only}{device}"
    )


def owner_of(socket: LocalSocket) -> str:
    """Return who has a socket, in words; never that nobody has."""
    if not socket.owners:
        return f"a process that is not shown ({socket.owner_untold or 'owner not visible'})"
    shown = [
        f"{owner.program or '?'} (pid {owner.pid}{f', user {owner.user}' if owner.user else ''})"
        for owner in socket.owners[:_SHOWN]
    ]
    more = len(socket.owners) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def listed(listeners: Iterable[LocalSocket]) -> str:
    """Return a few listeners in words."""
    return joined(describe(listener) for listener in listeners)


def joined(texts: Iterable[str]) -> str:
    """Return a few texts in one, each once."""
    every = list(dict.fromkeys(texts))
    more = len(every) - _SHOWN
    return "; ".join(every[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def setting(settings: Sequence[Setting], name: str) -> Setting | None:
    """Return the setting or counter of this name."""
    return next((entry for entry in settings if entry.name == name), None)


def family_of(address: str) -> int:
    """Return the IP version of an address."""
    return 6 if ":" in address else 4
