"""SYN150: the address family is switched off, or loopback has no address of it."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN150",
    slug="family-disabled",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="This machine has no loopback address of the family that the client uses",
    summary="The client goes to port {port} over an IP version that is switched off or has no address here.",
    meaning=(
        "Containers and hardened machines often switch IPv6 off (net.ipv6.conf.all.disable_ipv6, ipv6.disable=1): "
        "then ::1 is nobody's address. connect() fails at once with 'Cannot assign requested address', 'Network is "
        "unreachable' or 'Address family not supported', and no packet shows it. A client that tries one address "
        "only does not go on to the other family."
    ),
    documented_in=("field",),
    stops=(Stage.SOCKET, Stage.ROUTE),
    predicts=(
        always("family-not-on-loopback"),
        usually(
            "client-error-no-address",
            "client-error-family",
            "client-error-unreachable",
            "kernel-saw-family-refused",
        ),
    ),
    decided_by="the addresses of the loopback interface",
    checks=on_each_os(
        linux="ip address show lo; sysctl net.ipv6.conf.all.disable_ipv6 net.ipv6.conf.lo.disable_ipv6",
        macos="ifconfig lo0",
        windows="ping -n 1 ::1; ping -n 1 127.0.0.1; Get-NetAdapterBinding -ComponentID ms_tcpip6",
        expect="no ::1 (or no 127.0.0.1) on the interface, or disable_ipv6 = 1",
        then="use the other address, or switch the family on. Both addresses there: this is not the cause",
    ),
    fixes=(
        "Let the client use the address that is there: 127.0.0.1 instead of ::1 or localhost.",
        "Or switch IPv6 on: sudo sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0.",
        "Docker: --sysctl net.ipv6.conf.all.disable_ipv6=0; remove the line '::1 localhost' where IPv6 stays off.",
    ),
    references=(
        "https://docs.kernel.org/networking/ip-sysctl.html",
        "https://docs.kernel.org/networking/ipv6.html",
        "https://www.rfc-editor.org/rfc/rfc4291.html#section-2.5.3",
    ),
    proof=(
        yes("no-syn-to-target", "family-not-on-loopback"),
        yes("family-not-on-loopback", "client-error-no-address"),
        yes("family-not-on-loopback", "client-error-family"),
    ),
    shows_by=(
        yes(
            "family-not-on-loopback",
            "client-error-family",
            "client-error-no-address",
            "kernel-saw-family-refused",
        ),
    ),
    refines=("loopback-down", "address-family-mismatch"),
    says=(("client-error-family", "The client says that the system has not this address family."),),
)
