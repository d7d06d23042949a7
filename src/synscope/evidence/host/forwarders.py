"""Questions about what takes the port's connections for somebody else: containers, tunnels, relays.

A forwarder into a container crosses the boundary of a network namespace; a tunnel or a relay makes a connection of
its own to whatever it was told, here or on another machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synscope.evidence.by_hand import of_listeners, on_any
from synscope.evidence.host.firewall import describe, rulings_on
from synscope.evidence.host.view import HostView, joined
from synscope.evidence.question import Reply, no, question, unknown, yes
from synscope.model import Endpoint, Source, Stage
from synscope.reference.programs import BALANCERS, FORWARDERS, RELAYS, TUNNELS, WEB_SERVERS

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import Forward


@question(
    "container-publishes-port",
    Source.HOST,
    "a container engine, or a forwarder into a container or another network namespace, has the port",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=on_any(
        "docker ps --format 'table {{.Names}}\\t{{.Ports}}'", "a line with {port} before the arrow: yes"
    ),
)
def container_publishes_port(view: HostView) -> Reply:
    from synscope.probes.host.snapshot import RuleVerdict

    inside = [forward for forward in _forwards(view) if _is_inside(view, forward)]
    if inside:
        return yes(joined(_described(forward) for forward in inside))
    redirects = [ruling for ruling in rulings_on(view) if ruling.verdict is RuleVerdict.REDIRECT]
    if redirects:
        return yes(joined(describe(redirect) for redirect in redirects))
    owners = view.programs()
    publishing = [f"{program} (pid {pid})" for program, pid in owners if program in FORWARDERS]
    if publishing:
        return yes(f"{joined(publishing)} has the port, and publishes ports of containers or machines")
    if owners and all(program in BALANCERS | WEB_SERVERS for program, _ in owners):
        return no(f"{joined(f'{program} (pid {pid})' for program, pid in owners)} has the port itself")
    return _unasked(view) or no(
        "no container engine and no forwarder into one that is known here has the port"
    )


@question(
    "forwarder-owns-port",
    Source.HOST,
    "a tunnel or relay has the port: ssh, socat or another program that makes a connection of its own for each",
    stage=Stage.SERVE,
    direct=True,
    by_hand=of_listeners("ssh, socat, ncat or another tunnel or relay: yes"),
)
def forwarder_owns_port(view: HostView) -> Reply:
    relays = [forward for forward in _forwards(view) if not forward.into_container]
    if relays:
        return yes(joined(_described(forward) for forward in relays))
    if inside := _forwards(view):
        return no(f"{joined(_described(forward) for forward in inside)}, inside a container")
    owners = view.programs()
    tunnels = [f"{program} (pid {pid})" for program, pid in owners if program in TUNNELS | RELAYS]
    if tunnels:
        return yes(f"{joined(tunnels)} has the port, and passes connections on")
    if owners:
        return no(f"{joined(f'{program} (pid {pid})' for program, pid in owners)} has the port")
    return _unasked(view) or no("no tunnel and no relay that is known here has the port")


def _forwards(view: HostView) -> list[Forward]:
    told, _ = view.told(snapshot.forwards for snapshot in view.snapshots)
    found = (forward for forwards in told for forward in forwards.found)
    return [forward for forward in found if forward.listen_port == view.target.port]


def _unasked(view: HostView) -> Reply | None:
    """Return why forwarders are not known; ``None`` where everybody could be asked."""
    told, because = view.told(snapshot.forwards for snapshot in view.snapshots)
    unasked = [text for forwards in told for text in forwards.unasked]
    return unknown(because or joined(unasked)) if because or unasked or not told else None


def _is_inside(view: HostView, forward: Forward) -> bool:
    """Whether a forwarder leads into a container: by its own words, or to an address of another namespace."""
    if forward.into_container:
        return True
    spaces, _ = view.told(snapshot.namespaces for snapshot in view.snapshots)
    addresses = {address for space in spaces for address in space.addresses}
    return bool(addresses & {forward.through, *forward.target.split(":")})


def _described(forward: Forward) -> str:
    process = f" (pid {forward.pid})" if forward.pid else ""
    place = Endpoint(forward.listen_address, forward.listen_port)
    by_way_of = f" by way of {forward.through}" if forward.through else ""
    said = f"{forward.program}{process} takes connections to {place} and passes them on to {forward.target}"
    return said + by_way_of
