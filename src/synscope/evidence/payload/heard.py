"""How questions about first bytes look for an answer, and what they say when there are no bytes.

A connection that said nothing answers most of them with no; bytes that the capture did not keep, or
that are encrypted, leave them open.
"""

from __future__ import annotations

from collections.abc import Callable

from synscope.evidence.packets.view import Exchange, PacketsView, attempts, first_data_frames, is_said, is_tls
from synscope.evidence.payload.recognise import Protocol
from synscope.evidence.question import Reply, no, unknown, yes
from synscope.model import Label
from synscope.units import count


def unheard(view: PacketsView) -> Reply | None:
    """Return why no bytes can be judged, or ``None`` when there are some."""
    if view.exchanges:
        return None
    talked = attempts(view.labelled(Label.COMPLETED, Label.ONE_SIDED))
    if not talked:
        return no("no handshake completed, so no byte was exchanged")
    if any(attempt.client_bytes or attempt.server_bytes for attempt in talked):
        return unknown("the capture holds no payload")
    return no("no byte was exchanged")


def hidden(view: PacketsView) -> Reply | None:
    """Return why what was said inside a connection cannot be read, or ``None`` when it can."""
    mute = unheard(view)
    if mute is not None:
        return mute
    if all(is_tls(x.server) and x.server.protocol is not Protocol.TLS_ALERT for x in view.exchanges):
        return unknown("the connections are encrypted")
    unkept = [x for x in view.exchanges if x.attempt.server_bytes and not is_said(x.server)]
    return unknown("the capture does not hold the server's answer") if unkept else None


def where(
    view: PacketsView, test: Callable[[Exchange], bool], text: Callable[[Exchange], str]
) -> Reply | None:
    """YES with the first exchange that passes ``test`` quoted, or ``None``."""
    found = [exchange for exchange in view.exchanges if test(exchange)]
    if not found:
        return None
    of_all = (
        f" (in {len(found):,} of {count(len(view.exchanges), 'connection')} looked at)"
        if len(view.exchanges) > 1
        else ""
    )
    return yes(text(found[0]) + of_all, first_data_frames(exchange.attempt for exchange in found))
