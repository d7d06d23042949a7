"""A greeting of our own, where a client's HTTP request or TLS hello got no answer: does the server speak another one?

Input: what a capture that has ended holds, the last look at the host, and what makes sockets in that network. Output:
a ``Greeted`` for each target. The greeting is made by the process without rights. The capture and the kernel's trace
are over by then, so that no frame and no event of it is anybody's.

Invariants: at most ``TOTAL_S`` in all, at most four connections to a target, at most once. Nobody is greeted

- where a client said anything else than HTTP or a TLS hello, or the server spoke before its client;
- outside this machine's own addresses, as the last look at the host has them;
- on a port of printers, which print what they are sent;
- whose process is not known to be there and to run: a stopped one would only find more connections in its queue.

The client's own protocol is tried again only where another one was answered: a port may speak both.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.evidence.greeting import NEITHER, End, Greeted, Try, speaks_otherwise
from synscope.evidence.host.view import is_untold, serves
from synscope.evidence.packets.exchange import Wait, server_spoke, wait_of
from synscope.evidence.packets.summary import summarise
from synscope.evidence.packets.view import PacketsView, attempts
from synscope.evidence.payload.protocols import LIMIT, Protocol
from synscope.evidence.payload.recognise import recognise
from synscope.model import Attempt, AttemptGroup, Diagnosis, Endpoint, Label, Target
from synscope.probes.host import procfs
from synscope.probes.host.snapshot import Snapshot
from synscope.process.errors import HelperError
from synscope.reference.first_words import FIRST_WORDS, proxy_line
from synscope.reference.loopback import is_loopback
from synscope.session.connects import drained, is_itself, received

if TYPE_CHECKING:
    from synscope.session.start import LiveSession

TOTAL_S: Final = 2.0
"""Seconds that all greetings take together, at most."""
PRINTERS: Final = range(9100, 9108)
"""What comes on these ports is printed (PDL data stream, IANA)."""
MOST_GREETED: Final = 4
"""Targets that are greeted, at most."""

_TRY_S: Final = 0.6
"""How long one greeting waits for an answer: what works answers such words within milliseconds."""
_IN_TURN_S: Final = 0.1
"""How long it then waits whether the server closes when we do: one that reads does."""
_LINED: Final = frozenset({"HTTP/1", "TLS"})
"""What services speak that take the PROXY protocol's line."""
_HUNG_UP: Final = frozenset({End.CLOSED, End.RESET})
_MOST_CONNECTIONS: Final = len(FIRST_WORDS) + 1
_GREETED_AFTER: Final = frozenset({Protocol.HTTP_REQUEST, Protocol.HTTP2_PREFACE, Protocol.TLS_CLIENT_HELLO})
_AT_WORK: Final = frozenset("RSDI")
"""States of proc(5) in which a process runs or waits: not stopped, traced, dead or hidden."""
_STATE: Final = "State"

SWITCHED_OFF: Final = "greetings are switched off"

OpenSocket = Callable[[int], socket.socket]
Greetings = Mapping[Target, Greeted]
"""Of each target whether its server was greeted, and what came."""


class Due(NamedTuple):
    """Whom to greet."""

    server: Endpoint
    client: str
    """What the client spoke."""
    host: str
    """What the server is called: the target's host, else its address."""


def greeted(session: LiveSession, why_not: str = "") -> Greetings:
    """End the session's capture, then greet the servers that need it; nobody where there is a ``why_not``."""
    targets = session.targets
    if why_not:
        return {target: Greeted(because=why_not) for target in targets}
    captured = session.analysis.end()
    looks = session.surroundings.snapshots
    return greet(
        targets,
        captured.groups,
        end_ts_ns=captured.health.last_ts_ns,
        look=looks[-1] if looks else None,
        open_socket=session.open_socket,
    )


def noted(diagnosis: Diagnosis, greetings: Greetings) -> Diagnosis:
    """Return the diagnosis with a note of each greeting that was made, and of what came."""
    notes = tuple(each.note for each in greetings.values() if each.note)
    if not notes:
        return diagnosis
    return diagnosis._replace(health=replace(diagnosis.health, notes=(*diagnosis.health.notes, *notes)))


def greet(
    targets: Sequence[Target],
    groups: Sequence[AttemptGroup],
    *,
    end_ts_ns: int | None,
    look: Snapshot | None,
    open_socket: OpenSocket,
) -> Greetings:
    """Greet the servers of the targets that need it, all at the same time; return what came of it, by target."""
    found: dict[Target, Greeted] = {}
    wanted: list[tuple[Target, Due, list[socket.socket]]] = []
    with contextlib.ExitStack() as stack:
        met: set[Endpoint] = set()
        for target in targets:
            due = whom(target, groups, end_ts_ns, look)
            if isinstance(due, str):
                found[target] = Greeted(because=due)
            elif due.server in met or len(met) >= MOST_GREETED:
                found[target] = Greeted(
                    because=f"{due.server} was greeted for another target, or too many were"
                )
            else:
                met.add(due.server)
                try:
                    sockets = [
                        stack.enter_context(open_socket(_family(due.server)))
                        for _ in range(_MOST_CONNECTIONS)
                    ]
                except (OSError, HelperError) as error:
                    found[target] = Greeted(because=f"no socket to do so: {error}")
                    continue
                wanted.append((target, due, sockets))
        found.update(_all_greeted(wanted))
    return found


def whom(
    target: Target, groups: Sequence[AttemptGroup], end_ts_ns: int | None, look: Snapshot | None
) -> Due | str:
    """Return whom to greet for a target, or why nobody is."""
    summary = summarise(target, groups, (), end_ts_ns=end_ts_ns)
    view = PacketsView(summary, (), end_ts_ns)
    completed = attempts(view.labelled(Label.COMPLETED))
    last = max(completed, key=lambda attempt: attempt.first_ts_ns, default=None)
    if last is None or not _asked_in_vain(view, last):
        return NEITHER
    server = last.server
    objection = _of_talk(completed, server) or _of_place(server, look)
    if objection:
        return objection
    host = target.host if target.host is not None else server.address
    return Due(server, recognise(last.client_payload or b"").family, host)


def _asked_in_vain(view: PacketsView, attempt: Attempt) -> bool:
    spoken = recognise(attempt.client_payload or b"").protocol
    over = wait_of(view, attempt) in {Wait.SILENT, Wait.ANSWERED}
    return spoken in _GREETED_AFTER and over and not server_spoke(attempt)


def _of_talk(completed: Iterable[Attempt], server: Endpoint) -> str:
    """Return what was said to or by this server that forbids a greeting; empty when nothing was."""
    for attempt in completed:
        if attempt.server != server:
            continue
        asked, spoke = attempt.times.client_data, attempt.times.server_data
        if spoke is not None and (asked is None or spoke < asked):
            return "the server speaks first"
        said = recognise(attempt.client_payload or b"").protocol
        if attempt.client_bytes and said not in _GREETED_AFTER:
            return "a client said something else than HTTP or a TLS hello"
    return ""


def _of_place(server: Endpoint, look: Snapshot | None) -> str:
    """Return what is known of the place that forbids a greeting, or that too little is; empty when nothing does."""
    if server.port in PRINTERS:
        return f"port {server.port} is one on which printers print what they are sent"
    if look is None:
        return "nobody looked at the host, so whether the server's process runs is not known"
    if not _is_own(server.address, look):
        return f"{server.address} is not known as an address of this machine"
    return _of_listeners(server, look)


def _of_listeners(server: Endpoint, look: Snapshot) -> str:
    if is_untold(look.sockets):
        return f"who listens is not known: {look.sockets.could_not_tell}"
    listening = [listener for listener in look.sockets.listeners if serves(listener, server) is not False]
    if not listening:
        return f"nothing listens on {server} any more"
    if any(not listener.owners for listener in listening):
        return f"whose process listens on {server} is not known"
    return _of_processes({owner.pid for listener in listening for owner in listener.owners}, look)


def _is_own(address: str, look: Snapshot) -> bool:
    if is_loopback(address):
        return True
    known = look.loopback
    return not is_untold(known) and address in {*known.addresses, *(known.others or ())}


def _of_processes(owners: set[int], look: Snapshot) -> str:
    if is_untold(look.processes):
        return f"whether the server's process runs is not known: {look.processes.could_not_tell}"
    states = {process.pid: process.state for process in look.processes}
    for pid in sorted(owners):
        state = states.get(pid, "")
        if state in _AT_WORK and sys.platform == "linux":
            # The look may be seconds old by now.
            state = procfs.status(pid).get(_STATE, "")[:1]
        if state not in _AT_WORK:
            return f"the server's process (pid {pid}) is not known to run"
    return ""


# -- the greeting itself --------------------------------------------------------------------------------


def _all_greeted(
    wanted: Sequence[tuple[Target, Due, list[socket.socket]]],
) -> dict[Target, Greeted]:
    until = time.monotonic() + TOTAL_S
    heard: list[list[Try]] = [[] for _ in wanted]
    threads = [
        threading.Thread(target=_greet_one, args=(due, sockets, until, tries), daemon=True)
        for (_, due, sockets), tries in zip(wanted, heard, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return {target: _summed_up(due, tries) for (target, due, _), tries in zip(wanted, heard, strict=True)}


def _summed_up(due: Due, tries: Sequence[Try]) -> Greeted:
    plain = tuple(each for each in tries if not each.after_line)
    lined = next((each for each in tries if each.after_line), None)
    return Greeted(due.server, due.client, plain, "" if tries else "it was not over in time", lined)


def _greet_one(due: Due, sockets: Sequence[socket.socket], until: float, tries: list[Try]) -> None:
    """Say the words of the other protocols, one after the other, until one answer decides."""
    left = iter(sockets)
    for spoke in (family for family in FIRST_WORDS if family != due.client):
        tries.append(_tried(next(left), due, spoke, until))
        answer = tries[-1].payload
        if tries[-1].end is End.ANSWERED and speaks_otherwise(due.client, answer):
            tries.append(_tried(next(left), due, due.client, until))
            return
        if answer.family == due.client:
            return
    if due.client in _LINED and all(each.end in _HUNG_UP for each in tries):
        tries.append(_tried(next(left), due, due.client, until, after_line=True))


def _tried(made: socket.socket, due: Due, spoke: str, until: float, *, after_line: bool = False) -> Try:
    """Say the first words of one protocol on a connection of its own, and close it in order."""
    words = FIRST_WORDS[spoke](due.host, due.server.port)
    if after_line:
        words = proxy_line(due.server.address, due.server.port) + words
    began = time.monotonic()
    # What is closed after the wait has to fit into the time as well.
    wait = max(0.01, min(_TRY_S, until - began - _IN_TURN_S - 0.02))

    def heard(end: End, first: bytes = b"") -> Try:
        return Try(spoke, end, round((time.monotonic() - began) * 1e9), first, after_line)

    try:
        with made:
            made.settimeout(wait)
            made.connect((due.server.address, due.server.port))
            if is_itself(made):
                return heard(End.UNMADE)
            return _conversation(made, words, heard)
    except (ConnectionRefusedError, TimeoutError):
        return heard(End.UNMADE)
    except OSError as error:
        ended = error.errno in {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}
        return heard(End.RESET if ended else End.UNMADE)


def _conversation(made: socket.socket, words: bytes, heard: Callable[..., Try]) -> Try:
    made.sendall(words)
    first = received(made, LIMIT)
    silence = heard(End.SILENT)
    with contextlib.suppress(OSError):
        made.shutdown(socket.SHUT_WR)
    if first is not None:
        found = heard(End.ANSWERED, first) if first else heard(End.CLOSED)
        if first:
            drained(made, _IN_TURN_S)
        return found
    made.settimeout(_IN_TURN_S)
    try:
        late = received(made, LIMIT)
    except ConnectionResetError:
        return heard(End.CLOSED_IN_TURN)
    if late is None:
        return silence
    return heard(End.ANSWERED, late) if late else heard(End.CLOSED_IN_TURN)


def _family(server: Endpoint) -> int:
    return socket.AF_INET6 if ":" in server.address else socket.AF_INET
