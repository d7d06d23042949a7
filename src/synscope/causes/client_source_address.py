"""SYN148: the client is bound to an address or a device that is not there."""

from __future__ import annotations

from synscope.causes.cause import Cause, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN148",
    slug="client-source-address",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client cannot take its own address or device, so it never asks port {port}",
    summary="The client was told from which address or device to connect, and this machine does not have it.",
    meaning=(
        "A client can bind its own end before it connects: curl --interface, ssh -b, nc -s, wget --bind-address, "
        "localAddress or source_address in programs. Where no interface has that address, or no device has that "
        "name, bind() fails with 'Cannot assign requested address' or 'No such device', and no SYN is sent. Bound to "
        "a device that does not lead to the target, such as eth0 for 127.0.0.1, the SYN goes nowhere. The server is "
        "well."
    ),
    documented_in=("field",),
    stops=(Stage.SOCKET, Stage.ROUTE),
    predicts=(
        usually(
            "client-source-missing",
            "client-error-no-address",
            "kernel-saw-bind-no-address",
            "client-end-leads-away",
        ),
        usually("command-sets-own-end"),
        seldom("client-out-of-resources"),
        seldom("loopback-is-down"),
        seldom("family-not-on-loopback"),
    ),
    decided_by="the client's message about bind, and the addresses of this machine",
    checks=on_each_os(
        linux="ip -br address",
        macos="ifconfig",
        windows="Get-NetIPAddress | Select-Object InterfaceAlias, IPAddress",
        expect="no line has the address or the device that the client is told to use",
        then="correct the client's setting. If the line is there: its state must be up",
    ),
    fixes=(
        "Leave the setting out: the system chooses an address that fits.",
        "Or name an address that this machine has, and for a loopback target one of loopback.",
        "In a container the host's addresses and devices are not there: use the container's own.",
    ),
    references=(
        "https://curl.se/docs/manpage.html#--interface",
        "https://man7.org/linux/man-pages/man2/bind.2.html",
        "https://man7.org/linux/man-pages/man7/socket.7.html",
    ),
    proof=(
        yes("client-source-missing"),
        yes("no-syn-to-target", "kernel-saw-bind-no-address", "command-sets-own-end"),
        yes("no-syn-to-target", "client-end-leads-away"),
    ),
    shows_by=(
        yes(
            "client-source-missing",
            "client-error-no-address",
            "kernel-saw-bind-no-address",
            "client-end-leads-away",
        ),
        yes(
            "client-source-missing",
            "command-sets-own-end",
            "kernel-saw-bind-no-address",
            "client-end-leads-away",
        ),
    ),
    refines=("resource-limits",),
    says=(
        (
            "kernel-saw-bind-no-address",
            "The kernel refused a bind of the client: no interface has the address.",
        ),
        ("client-end-leads-away", "{observed}."),
        ("command-sets-own-end", "The command line has the setting."),
    ),
)
