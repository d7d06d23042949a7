"""Questions about names: whether those that the client uses lead to the target.

What the client uses is the target's own host where that is a name; else what the command uses for the target's port,
where there is a command and nothing reached the target. A target that is an address says nothing about the name that
a command has for it.
"""

from __future__ import annotations

from synscope.evidence.host.host_view import (
    LOOPBACK,
    Sight,
    Use,
    family_of,
    is_local,
    joined,
    no,
    served,
    unknown,
    yes,
)
from synscope.evidence.packets.view import Verdict
from synscope.model import Answer, Endpoint
from synscope.probes.host.snapshot import Resolved, Untold
from synscope.reference.loopback import names_loopback, parsed


def localhost_resolves_wrong(sight: Sight) -> Verdict:
    """Whether the name that the client uses leads elsewhere than to the target."""
    host = sight.target.host
    is_address = host is not None and parsed(host) is not None
    if sight.use is None or not (is_address or host is None):
        return no("an address was asked for, which needs no resolution") if is_address else _own(sight)
    if sight.use.hosts:
        return _of_command(sight, sight.use.hosts)
    untold = "which host the command uses is not known"
    if is_address:
        return unknown(f"an address was asked for, and {untold}")
    own = _own(sight)
    return unknown(f"{own.text}, but {untold}") if own.answer is Answer.NO else own


def went_where_name_leads(sight: Sight) -> Verdict:
    """Whether a connect to the target's port went to another address, one of the name's, and how it ended."""
    use = sight.use or Use(())
    for name in _names(sight, use):
        found = sight.resolution_of(name)
        leads = () if found is None else found.addresses
        for address, made in use.tried.items():
            if address in leads and not _is_meant(sight, address):
                where = Endpoint(address, sight.target.port)
                text = f"{name} resolves to {', '.join(leads)}, and a connect to {where}"
                return no(f"{text} was made") if made else yes(f"{text} failed")
    return unknown("no connect was seen to another address that the name leads to")


def _names(sight: Sight, use: Use) -> tuple[str, ...]:
    """Return the names of which it is known where they should lead."""
    host = sight.target.host
    if host is None or parsed(host) is not None:
        return use.hosts
    return (host,) if sight.names_loopback() else ()


def _own(sight: Sight) -> Verdict:
    """Of the target's own name."""
    host, resolved = sight.host, sight.resolved
    if isinstance(sight.last.names, Untold):
        return unknown(sight.last.names.could_not_tell)
    if resolved is None or resolved.late:
        return unknown(f"{host} was not resolved in time")
    if not resolved.addresses:
        return yes(f"{host} does not resolve: {resolved.error}{_lines(sight, host)}")
    shown = f"{host} resolves to {', '.join(resolved.addresses)}"
    if not sight.names_loopback():
        return unknown(f"{shown}; whether that is meant is not known")
    if not all(is_local(address) for address in resolved.addresses):
        return yes(f"{shown}{_lines(sight, host)}")
    other = _listener_of_missing_family(sight, resolved)
    return unknown(f"{shown} alone, and {other}") if other else no(shown)


def _of_command(sight: Sight, used: tuple[str, ...]) -> Verdict:
    """Of the hosts that the command uses for the target's port; yes only if none of them leads to it."""
    verdicts = [_of_used(sight, host) for host in used]
    text = joined(one.text for one in verdicts)
    answers = {one.answer for one in verdicts}
    return Verdict(answers.pop() if len(answers) == 1 else Answer.UNKNOWN, text)


def _of_used(sight: Sight, host: str) -> Verdict:
    if parsed(host) is not None:
        return no(f"the command uses the address {host}, which needs no resolution")
    if sight.target.host is None and host == sight.host:
        return _own(sight)
    if isinstance(sight.last.names, Untold):
        return unknown(sight.last.names.could_not_tell)
    resolved = sight.resolution_of(host)
    if resolved is None or resolved.late:
        return unknown(f"{host}, which the command uses, was not resolved in time")
    return _of_resolved(sight, resolved)


def _of_resolved(sight: Sight, resolved: Resolved) -> Verdict:
    """Of another name than the target's own."""
    host, meant = resolved.name, sight.target.host
    if not resolved.addresses:
        return yes(f"{host}, which the command uses, does not resolve: {resolved.error}{_lines(sight, host)}")
    shown = f"{host}, which the command uses, resolves to {', '.join(resolved.addresses)}"
    if any(_is_meant(sight, address) for address in resolved.addresses):
        return no(shown)
    if meant is None and not names_loopback(host):
        return unknown(f"{shown}; whether that is meant is not known")
    return yes(f"{shown}, not to {meant or 'loopback'}{_lines(sight, host)}")


def _is_meant(sight: Sight, address: str) -> bool:
    """Whether an address is the target's; where no host was named, or a name of loopback, one of loopback."""
    host, found = sight.target.host, parsed(address)
    literal = None if host is None else parsed(host)
    if literal is None or literal.is_unspecified:
        return is_local(address)
    return literal == found


def _lines(sight: Sight, host: str) -> str:
    names = sight.last.names
    if isinstance(names, Untold) or isinstance(names.hosts, Untold):
        return ""
    lines = [one for one in names.hosts if host in one.names]
    if not lines:
        return "; no line of the hosts file names it"
    return "; hosts file, " + joined(
        f"line {one.number}: {one.address} {' '.join(one.names)}" for one in lines
    )


def _listener_of_missing_family(sight: Sight, resolved: Resolved) -> str:
    """Name a listener on the loopback address that the name does not lead to, if no other serves the target."""
    sockets = sight.last.sockets
    if isinstance(sockets, Untold):
        return ""
    have = {family_of(address) for address in resolved.addresses}
    ends = [Endpoint(address, sight.target.port) for address in resolved.addresses]
    if any(served(sockets, end) for end in ends):
        return ""
    missing = [Endpoint(one, sight.target.port) for one in LOOPBACK if family_of(one) not in have]
    return next((f"the listener is on {end}" for end in missing if served(sockets, end)), "")
