"""Questions about a server that runs although nothing serves the port over TCP: what it listens on instead.

Which server is meant tells the port: its usual one, or one that the server's own command line names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synscope.evidence.by_hand import on_each, on_linux
from synscope.evidence.host.view import HostView, family_of, is_untold, joined, owner_of
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Endpoint, Source, Stage
from synscope.reference.loopback import parsed

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import LocalSocket, RunningServer


@question(
    "udp-serves-port",
    Source.HOST,
    "a program has the port at the target's address over UDP, and nothing listens on it over TCP",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ss -lunp 'sport = :{port}'; ss -ltnp 'sport = :{port}'",
        macos="lsof -nP -iUDP:{port}; lsof -nP -iTCP:{port} -sTCP:LISTEN",
        windows="Get-NetUDPEndpoint -LocalPort {port} -ErrorAction SilentlyContinue",
        reading="a line of UDP and none of TCP: yes",
    ),
)
def udp_serves_port(view: HostView) -> Reply:
    sockets = view.last.sockets
    if is_untold(sockets):
        return unknown(sockets.could_not_tell)
    here = [socket for socket in sockets.udp if socket.port == view.target.port]
    reached = [socket for socket in here if any(_takes(socket, address) for address in view.addresses)]
    if not reached:
        return no("no UDP socket has the port at the target's address")
    said = joined(
        f"{owner_of(socket)} has {Endpoint(socket.address, socket.port)} over UDP" for socket in reached
    )
    if view.on_port(view.last):
        return no(f"{said}, but TCP is served as well")
    if not any(socket.owners for socket in reached):
        return unknown(f"{said}; which program that is could not be seen")
    return yes(f"{said}, and nothing over TCP")


def _takes(socket: LocalSocket, address: str) -> bool:
    """Whether a UDP socket takes what is sent to an address."""
    here, there = parsed(socket.address), parsed(address)
    if here is None or there is None:
        return False
    if here.is_unspecified:
        return family_of(socket.address) == family_of(address) or (socket.is_ipv6 and not socket.v6only)
    return here == there


@question(
    "server-on-unix-socket",
    Source.HOST,
    "a server to which clients of the port go runs: it listens on a Unix socket, and on no TCP port at all",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux("sudo ss -lxp; sudo ss -ltnp", "the server has a line in the first list alone: yes"),
)
def server_on_unix_socket(view: HostView) -> Reply:
    running = _running(view)
    if isinstance(running, Reply):
        return running
    listening = [server for server in running if server.listens]
    local = [server for server in running if server.files and not server.listens]
    if local and not listening:
        return yes(joined(_local(server) for server in local))
    return no(joined(map(_described, running)))


@question(
    "server-without-listener",
    Source.HOST,
    "a server to which clients of the port go runs, and listens on no TCP port at all",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux("ps -e -o pid,args; sudo ss -ltnp", "the server runs, and no line of ss is its: yes"),
)
def server_without_listener(view: HostView) -> Reply:
    running = _running(view)
    if isinstance(running, Reply):
        return running
    text = joined(map(_described, running))
    return no(text) if any(server.listens for server in running) else yes(text)


def _running(view: HostView) -> Sequence[RunningServer] | Reply:
    """Return the servers that should have the port and run at the last look, or why nothing is known of them."""
    if view.on_port(view.last):
        return no("the port is served over TCP")
    if is_untold(view.last.running):
        return unknown(view.last.running.could_not_tell)
    running = [server for server in view.last.running if server.port == view.target.port]
    if not running:
        return no("no server that usually has the port, or names it, was seen to run")
    closed = next((server for server in running if server.untold), None)
    if closed is not None:
        return unknown(f"{closed.program} (pid {closed.pid}) runs; {closed.untold}")
    return running


def _local(server: RunningServer) -> str:
    return (
        f"{server.program} (pid {server.pid}) listens on the Unix socket {server.files[0]} and on no TCP port"
    )


def _described(server: RunningServer) -> str:
    if server.listens:
        ports = ", ".join(map(str, server.listens[:3]))
        return f"{server.program} (pid {server.pid}) runs, and listens on TCP port {ports}"
    if server.files:
        return _local(server)
    return f"{server.program} (pid {server.pid}) runs, and listens on no TCP port"
