"""SYN104: the server listens, but on another address of the machine."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, always, listeners, never, no, usually, where, yes
from synscope.model import Kind, Stage, Transport

CAUSE = Cause(
    code="SYN104",
    slug="wrong-bind-address",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Port {port} is served on another address than the one the client uses",
    summary="The service listens on port {port}, but not on {address}.",
    meaning=(
        "A socket bound to one address takes connections to that address only. A server on an external "
        "address, on another address of 127/8 (127.0.0.2) or on a device is refused at 127.0.0.1, with the "
        "same RST as if it did not run. Bound to 0.0.0.0 or [::] it would take them all."
    ),
    documented_in=("A", "B"),
    stops=(Stage.LISTENER,),
    predicts=(
        always("listener-on-other-address"),
        usually("other-address-completed"),
        never("listener-on-target"),
    ),
    decided_by="the address in the listener's line: 127.0.0.2 or 10.… does not serve 127.0.0.1",
    checks=listeners(
        "a line for another address only, such as 127.0.0.2:{port} or 10.0.0.5:{port}",
        "name that address in the client, or bind the server to the one the client uses",
    ),
    fixes=(
        Fix(
            "Let the service on the host listen on the address that containers use ({address}), or on 0.0.0.0.",
            where(Transport.CONTAINER_TO_HOST),
        ),
        Fix(
            "In the container, let the service listen on 0.0.0.0, not on 127.0.0.1.",
            where(Transport.HOST_TO_CONTAINER, Transport.POD),
        ),
        "Bind the server to {address} (or 0.0.0.0 and [::], on purpose: then the network reaches it too).",
        "Or connect to the address that the server listens on.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man2/bind.2.html",
        "https://man7.org/linux/man-pages/man7/ip.7.html",
        "https://www.rfc-editor.org/rfc/rfc1122#page-31",
    ),
    proof=(yes("refused-by-rst", "listener-on-other-address") + no("listener-on-target"),),
    refines=("service-not-running",),
    says=(
        ("other-address-completed", "The same port answered at another address."),
        ("listener-on-other-address", "A listener has the port on another address."),
    ),
    headlines=(("listener-on-other-address", "Not at the client's address: {observed}"),),
)
