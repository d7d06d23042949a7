"""SYN127: the machine that is next on the way does not answer on the link."""

from __future__ import annotations

from synscope.causes.cause import Cause, Fix, always, on_each_os, seldom, usually, where, yes
from synscope.model import Kind, Stage, Transport

CAUSE = Cause(
    code="SYN127",
    slug="next-hop-silent",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="No machine answers at {address} on the link",
    summary="The kernel asks for the link-layer address of {address}, or of the gateway to it, and nobody answers.",
    meaning=(
        "Before a SYN can leave over Ethernet, Wi-Fi or a bridge, the kernel asks who has the address of the next "
        "hop (ARP, NDP). Where nobody answers, the SYN is never sent; after some three seconds connect() fails with "
        "'No route to host'. Usual reasons: a container or machine that has stopped or has got another address, an "
        "address from an old configuration, the wrong network, a cable or a VLAN. The service is not at fault yet: "
        "nothing has come as far."
    ),
    documented_in=("field",),
    stops=(Stage.ROUTE,),
    predicts=(
        always("next-hop-silent"),
        usually("client-error-unreachable", "kernel-says-route-drop"),
        seldom("kernel-says-no-socket"),
    ),
    decided_by="the entry of the next hop among the neighbours: failed or incomplete",
    checks=on_each_os(
        linux="ip route get {address}; ip neigh show nud failed nud incomplete; arping -c 2 {address}",
        macos="route -n get {address}; arp -an | grep incomplete",
        windows="Find-NetRoute -RemoteIPAddress {address}; Get-NetNeighbor -State Unreachable,Incomplete",
        expect="the address, or the gateway to it, in the list of those that do not answer",
        then="look whether that machine or container runs, and which address it has now. Not in the list: look on",
    ),
    fixes=(
        Fix(
            "Start the container, or ask for its present address: docker inspect NAME | grep IPAddress. Better, use"
            " its name or a published port.",
            where(Transport.HOST_TO_CONTAINER),
        ),
        "Start the machine that has the address, or correct the address that the client uses.",
        "Right address, no answer: the two are not on one link. Look at cable, VLAN, bridge, Wi-Fi isolation.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/ip-neighbour.8.html",
        "https://www.rfc-editor.org/rfc/rfc826.html",
        "https://www.rfc-editor.org/rfc/rfc4861.html",
    ),
    proof=(yes("no-syn-to-target", "next-hop-silent"),),
    # The machine may be another one than is meant, or the client may have gone elsewhere on purpose.
    doubted_by=yes(
        "name-leads-to-another-machine",
        "proxy-request-names-target",
        "proxy-port-tried",
        "client-error-proxy",
        "similar-port-tried",
    ),
    shows_by=(yes("next-hop-silent"),),
    says=(("next-hop-silent", "{observed}."),),
)
