"""SYN150: the address family is switched off, or loopback has no address of it."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, always, on_each_os, seldom, usually, where, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN150",
    slug="family-disabled",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="This machine has no loopback address of the family that client or server use",
    summary="Client or server use an IP version for port {port} that is switched off or has no address here.",
    meaning=(
        "Containers and hardened machines often switch IPv6 off (net.ipv6.conf.all.disable_ipv6, ipv6.disable=1): "
        "then ::1 is nobody's address. connect() fails at once with 'Cannot assign requested address', 'Network is "
        "unreachable' or 'Address family not supported', and no packet shows it. A client that tries one address "
        "only does not go on to the other family. A server that is told to listen on ::1 or [::] as well fails in "
        "its bind(), and many then give up the address that they have, too: the client is refused over IPv4."
    ),
    documented_in=("field",),
    stops=(Stage.SOCKET, Stage.ROUTE, Stage.LISTENER),
    predicts=(
        always("family-not-on-loopback"),
        usually(
            "client-error-no-address",
            "client-error-family",
            "client-error-unreachable",
            "client-error-no-ipv6",
            "bind-failed-no-ipv6",
            "kernel-saw-family-refused",
            "kernel-saw-no-source-address",
        ),
        seldom("some-completed"),
        seldom("kernel-saw-call-filtered"),
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
        Fix(
            "Take the IPv6 address out of the server's settings: listen [::1]:{port}, bind ::1, host: '::'.",
            where(sign="bind-failed-no-ipv6"),
        ),
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
        yes("no-syn-to-target", "family-not-on-loopback", "kernel-saw-no-source-address"),
        yes("no-syn-to-target", "family-not-on-loopback", "kernel-saw-family-refused"),
        yes("family-not-on-loopback", "client-error-family"),
        yes("no-syn-to-target", "ipv6-not-on-loopback", "client-error-no-ipv6"),
    ),
    # A client that was refused had the family that it used: then it is the server's bind that failed.
    shows_by=(
        yes(
            "family-not-on-loopback",
            "client-error-family",
            "client-error-no-address",
            "client-error-no-ipv6",
            "bind-failed-no-ipv6",
            "kernel-saw-family-refused",
            "kernel-saw-no-source-address",
        ),
        yes("no-syn-to-target", "bind-failed-no-ipv6"),
    ),
    refines=(
        "loopback-down",
        "address-family-mismatch",
        "service-not-running",
        "crashed-before-bind",
        "crashed-after-bind",
    ),
    says=(
        (
            "bind-failed-no-ipv6",
            "The server wants to listen at an IPv6 address, which this machine has not, and ends there.",
        ),
        ("client-error-family", "The client says that the system has not this address family."),
    ),
)
