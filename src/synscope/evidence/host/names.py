"""Questions about names: whether those that the client uses lead to the target.

What the client uses is the target's own host where that is a name; else what the command uses for the target's port,
where there is a command and nothing reached the target. What was asked for says nothing about another name that a
command has for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synscope.evidence.by_hand import on_each
from synscope.evidence.host.view import (
    LOOPBACK,
    HostView,
    Use,
    family_of,
    is_local,
    is_untold,
    joined,
    listed,
    served,
)
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Answer, Endpoint, Source, Stage
from synscope.reference.loopback import names_loopback, parsed

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import Resolved


@question(
    "localhost-resolves-wrong",
    Source.HOST,
    "the name that the client uses does not resolve, or not to the target's addresses",
    stage=Stage.NAME,
    if_yes=Says.STOPPED,
    if_no=Says.PASSED,
    direct=True,
    by_hand=on_each(
        linux="getent ahosts {host}",
        macos="dscacheutil -q host -a name {host}",
        windows="Resolve-DnsName {host}",
        reading="nothing, or other addresses than are meant: yes",
    ),
    always=True,
)
def localhost_resolves_wrong(view: HostView) -> Reply:
    host = view.target.host
    is_address = host is not None and parsed(host) is not None
    if view.use is None:
        return no("an address was asked for, which needs no resolution") if is_address else _own(view)
    if host is not None and not is_address:
        own = _own(view)
        others = view.use.hosts if host not in view.use.hosts else ()
        return _of_command(view, others) if own.answer is Answer.NO and others else own
    if view.use.hosts:
        return _of_command(view, view.use.hosts)
    untold = "which host the command uses is not known"
    if is_address:
        return unknown(f"an address was asked for, and {untold}")
    own = _own(view)
    return unknown(f"{own.text}, but {untold}") if own.answer is Answer.NO else own


@question(
    "went-where-name-leads",
    Source.HOST,
    "a connect to the target's port went to another address that the name leads to, and failed",
    stage=Stage.NAME,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="getent ahosts {host}",
        macos="dscacheutil -q host -a name {host}",
        windows="Resolve-DnsName {host}",
        reading="the address that the failed connect went to, and not the target's: yes",
    ),
    always=True,
)
def went_where_name_leads(view: HostView) -> Reply:
    use = view.use or Use(())
    for name in _names(view, use):
        found = view.resolution_of(name)
        leads = () if found is None else found.addresses
        for address, made in use.tried.items():
            if address in leads and not _is_meant(view, address):
                where = Endpoint(address, view.target.port)
                text = f"{name} resolves to {', '.join(leads)}, and a connect to {where}"
                return no(f"{text} was made") if made else yes(f"{text} failed")
    return unknown("no connect was seen to another address that the name leads to")


@question(
    "name-leads-to-another-machine",
    Source.HOST,
    "the target's name leads to another machine only, and a server on this one has the port",
    stage=Stage.NAME,
    if_yes=Says.STOPPED,
    by_hand=on_each(
        linux="getent ahosts {host}; ip -br address; ss -ltn 'sport = :{port}'",
        macos="dscacheutil -q host -a name {host}; ifconfig; lsof -nP -iTCP:{port} -sTCP:LISTEN",
        windows="Resolve-DnsName {host}; Get-NetIPAddress; Get-NetTCPConnection -LocalPort {port} -State Listen",
        reading="no address of the name is one of this machine's, and a line has the port: yes",
    ),
)
def name_leads_to_another_machine(view: HostView) -> Reply:
    """Recognise an old line of a hosts file, or a name that means something elsewhere: the service is here."""
    host, resolved, loopback = view.target.host, view.resolved, view.last.loopback
    if is_untold(loopback):
        return unknown(loopback.could_not_tell)
    if host is None or parsed(host) is not None or view.names_loopback():
        return no("no name of another machine was asked for")
    if resolved is None or resolved.late or loopback.others is None:
        return unknown(f"whose addresses {host} has is not known")
    own = {*loopback.addresses, *loopback.others}
    text = f"{host} resolves to {', '.join(resolved.addresses) or 'nothing'}"
    if not resolved.addresses or any(is_local(each) or each in own for each in resolved.addresses):
        return no(f"{text}: not to another machine alone")
    here = view.on_port(view.last)
    if not here:
        return no(f"{text}, and no server on this machine has port {view.target.port}")
    return yes(f"{text}, of another machine{_lines(view, host)}; {listed(here)} here")


def _names(view: HostView, use: Use) -> tuple[str, ...]:
    """Return the names of which it is known where they should lead."""
    host = view.target.host
    if host is None or parsed(host) is not None:
        return use.hosts
    return (host,) if view.names_loopback() else ()


def _own(view: HostView) -> Reply:
    """Of the target's own name."""
    host, resolved = view.host, view.resolved
    if is_untold(view.last.names):
        return unknown(view.last.names.could_not_tell)
    if resolved is None or resolved.late:
        return unknown(f"{host} was not resolved in time")
    if not resolved.addresses:
        return yes(f"{host} does not resolve: {resolved.error}{_lines(view, host)}")
    shown = f"{host} resolves to {', '.join(resolved.addresses)}"
    if not view.names_loopback():
        return unknown(f"{shown}; whether that is meant is not known")
    if not all(is_local(address) for address in resolved.addresses):
        return yes(f"{shown}{_lines(view, host)}")
    other = _listener_of_missing_family(view, resolved)
    return unknown(f"{shown} alone, and {other}") if other else no(shown)


def _of_command(view: HostView, used: tuple[str, ...]) -> Reply:
    """Of the hosts that the command uses for the target's port; yes only if none of them leads to it."""
    verdicts = [_of_used(view, host) for host in used]
    text = joined(reply.text for reply in verdicts)
    answers = {reply.answer for reply in verdicts}
    return Reply(answers.pop() if len(answers) == 1 else Answer.UNKNOWN, text)


def _of_used(view: HostView, host: str) -> Reply:
    if parsed(host) is not None:
        return no(f"the command uses the address {host}, which needs no resolution")
    if view.target.host is None and host == view.host:
        return _own(view)
    if is_untold(view.last.names):
        return unknown(view.last.names.could_not_tell)
    resolved = view.resolution_of(host)
    if resolved is None or resolved.late:
        return unknown(f"{host}, which the command uses, was not resolved in time")
    return _of_resolved(view, resolved)


def _of_resolved(view: HostView, resolved: Resolved) -> Reply:
    """Of another name than the target's own."""
    host, meant = resolved.name, view.target.host
    if not resolved.addresses:
        return yes(f"{host}, which the command uses, does not resolve: {resolved.error}{_lines(view, host)}")
    shown = f"{host}, which the command uses, resolves to {', '.join(resolved.addresses)}"
    if any(_is_meant(view, address) for address in resolved.addresses):
        return no(shown)
    if meant is None and not names_loopback(host):
        return unknown(f"{shown}; whether that is meant is not known")
    return yes(f"{shown}, not to {meant or 'loopback'}{_lines(view, host)}")


def _is_meant(view: HostView, address: str) -> bool:
    """Whether an address is the target's; where no host was named, or a name of loopback, one of loopback."""
    host, found = view.target.host, parsed(address)
    literal = None if host is None else parsed(host)
    if literal is None or literal.is_unspecified:
        return is_local(address)
    return literal == found


def _lines(view: HostView, host: str) -> str:
    names = view.last.names
    if is_untold(names) or is_untold(names.hosts):
        return ""
    lines = [line for line in names.hosts if host in line.names]
    if not lines:
        return "; no line of the hosts file names it"
    return "; hosts file, " + joined(
        f"line {line.number}: {line.address} {' '.join(line.names)}" for line in lines
    )


def _listener_of_missing_family(view: HostView, resolved: Resolved) -> str:
    """Name a listener on the loopback address that the name does not lead to, if no other serves the target."""
    sockets = view.last.sockets
    if is_untold(sockets):
        return ""
    have = {family_of(address) for address in resolved.addresses}
    ends = [Endpoint(address, view.target.port) for address in resolved.addresses]
    if any(served(sockets, end) for end in ends):
        return ""
    missing = [Endpoint(address, view.target.port) for address in LOOPBACK if family_of(address) not in have]
    return next((f"the listener is on {end}" for end in missing if served(sockets, end)), "")
