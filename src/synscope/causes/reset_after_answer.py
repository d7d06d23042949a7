"""SYN182: the server ended an answered connection with an RST."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, on_each_os, yes
from synscope.model import Kind

CAUSE = Cause(
    code="SYN182",
    slug="reset-after-answer",
    kind=Kind.NOTE,
    since="0.1.0",
    title="The server on port {port} reset a connection after it had answered",
    summary="An answer of port {port} may have been cut short by the server's RST.",
    meaning=(
        "A server that closes while unread data waits, with linger 0, or by crashing ends the connection "
        "with an RST instead of a FIN. Often the answer was complete and nobody notices. But data that "
        "was still on its way is lost with an RST, so that a reader may see a cut answer or 'connection "
        "reset'."
    ),
    documented_in=("field",),
    stops=(),
    predicts=(never("request-after-close"),),
    decided_by="whether the client has the whole answer: compare its length with what the server announced",
    checks=on_each_os(
        linux="curl -sS -o /dev/null -w '%{http_code} %{size_download}\\n' \"http://{host}:{port}/\"",
        macos="curl -sS -o /dev/null -w '%{http_code} %{size_download}\\n' \"http://{host}:{port}/\"",
        windows="curl.exe -sS -o NUL -w '%{http_code} %{size_download}' \"http://{host}:{port}/\"",
        expect="(18) transfer closed, (56) connection reset, or fewer bytes than Content-Length says",
        then="the answer is cut: read the service's log. A whole answer: harmless",
    ),
    fixes=(
        "Let the server read the whole request before it closes, and shut down its sending side first.",
        "Look for a crash in the service's log at that time.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc1122#page-87",
        "https://www.rfc-editor.org/rfc/rfc9112.html#section-9.6",
    ),
    proof=(yes("reset-after-answer"),),
    shows_by=(yes("reset-after-answer"),),
)
