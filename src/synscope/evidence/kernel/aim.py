"""Whether an event's address is one the user asked about, or one that is reached in its place. Pure."""

from __future__ import annotations

from synscope.model import Endpoint, Target
from synscope.reference.loopback import is_loopback, names_loopback, parsed

_EVERY: frozenset[str] = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, never bound


def aims_at(target: Target, endpoint: Endpoint | None) -> bool:
    """Whether a connect to ``endpoint`` is one to ``target``."""
    if endpoint is None or endpoint.port != target.port:
        return False
    host = target.host
    if host is None:
        return True
    literal = parsed(host.strip("[]"))
    # A connect to the unspecified address goes to loopback, and the trace says so.
    if literal is not None and not literal.is_unspecified:
        return parsed(endpoint.address) == literal
    return not names_loopback(host) or is_loopback(endpoint.address)


def serves(target: Target, endpoint: Endpoint | None) -> bool:
    """Whether a listener on ``endpoint`` would get connects to ``target``."""
    if endpoint is None or endpoint.port != target.port:
        return False
    return endpoint.address in _EVERY or aims_at(target, endpoint)


def leads_to(address: str, listener: Endpoint) -> bool:
    """Whether a listener would get connects to ``address``, but for its port.

    One on ``::`` is taken to serve IPv4, too, as it does by default: the trace does not say.
    """
    if listener.address in _EVERY:
        return listener.address == "::" or ":" not in address
    return parsed(address) == parsed(listener.address)
