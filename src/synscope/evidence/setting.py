"""Where a failure plays: what lies between client and service, what the service speaks, on which system.

Input: a target's summary, the answers to all questions, and what the capture says of its making. Output: a
``Setting``, each part of it from facts and empty where there is none. It decides what advice fits, never what the
reason is. Pure.

Sources: Docker's default address pools (docs.docker.com, daemon configuration), podman's (10.88.0.0/16), Docker
Desktop's and slirp4netns's address of the host, the default pod and service networks of kubeadm, flannel and k3s. A
capture of link type NULL is made on a BSD, macOS or Windows and never on Linux, whose loopback has Ethernet headers
(tcpdump.org, link-layer header types); Windows repeats a refused SYN, macOS does not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from synscope.evidence.payload.protocols import Protocol
from synscope.evidence.payload.recognise import recognise
from synscope.model import (
    Answer,
    Attempt,
    Label,
    Observation,
    Outcome,
    Setting,
    TargetSummary,
    Transport,
)
from synscope.reference.loopback import is_loopback
from synscope.reference.ports import USUAL_PROTOCOLS, WEB_PORTS
from synscope.reference.probing import BY_FAMILY, BY_SCHEME
from synscope.reference.programs import FORWARDERS, SERVERS, TUNNELS

Observations = Mapping[str, Observation]
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HOSTS_TO_CONTAINERS: Final = frozenset({"10.0.2.2", "192.168.65.1", "192.168.65.2", "192.168.65.254"})
"""By these Docker Desktop, slirp4netns and VirtualBox show the host to what runs inside."""
_BSD: Final = frozenset({"NULL", "LOOP"})
_LINUX: Final = frozenset({"LINUX_SLL", "LINUX_SLL2", "NETLINK", "NFLOG"})
_GATEWAY: Final = 1
"""The host has the first address of a container network."""


@cache
def _container_networks() -> tuple[_Network, ...]:
    return tuple(map(ipaddress.ip_network, (*(f"172.{net}.0.0/16" for net in range(17, 32)), "10.88.0.0/16")))


@cache
def _pod_networks() -> tuple[_Network, ...]:
    return tuple(map(ipaddress.ip_network, ("10.244.0.0/16", "10.42.0.0/15", "10.96.0.0/12")))


def setting_of(
    summary: TargetSummary, observations: Observations, *, linktypes: tuple[str, ...] = (), system: str = ""
) -> Setting:
    """Return where the failure of a target plays. ``system`` is what the capture itself says, if it does."""
    return Setting(
        _transport(summary, observations),
        _protocol(summary, observations),
        system or _made_on(summary, linktypes),
    )


# -- transport ----------------------------------------------------------------------------------------


def _transport(summary: TargetSummary, observations: Observations) -> Transport | None:
    asked = _about(observations, "command-asks-other-transport")
    if asked:
        return Transport(min(asked))
    if _holds(observations, "client-error-socket-file"):
        return Transport.UNIX_SOCKET
    return _of_owner(observations) or _of_addresses(summary)


def _of_owner(observations: Observations) -> Transport | None:
    """Return what the port's owner makes of the way: its program passes connections on."""
    owners = _about(observations, "port-owner-shown")
    if owners & TUNNELS:
        return Transport.TUNNEL
    if owners & FORWARDERS or _holds(observations, "container-publishes-port"):
        return Transport.HOST_TO_CONTAINER
    return None


def _of_addresses(summary: TargetSummary) -> Transport | None:
    ways = {_way(each.client.address, each.server.address) for each in _attempts(summary)}
    if len(ways) == 1:
        return ways.pop()
    host = summary.target.host
    if not ways and host is not None and (host == "localhost" or is_loopback(host)):
        return Transport.LOOPBACK
    return None


def _way(client: str, server: str) -> Transport:
    if client == server or (is_loopback(client) and is_loopback(server)):
        return Transport.LOOPBACK
    if server in _HOSTS_TO_CONTAINERS:
        return Transport.CONTAINER_TO_HOST
    for network in _container_networks():
        inside = [_address(each) for each in (client, server) if _in(each, network)]
        if not inside:
            continue
        if _is_first(server, network):
            return Transport.CONTAINER_TO_HOST
        return Transport.HOST_TO_CONTAINER
    if any(_in(each, network) for each in (client, server) for network in _pod_networks()):
        return Transport.POD
    return Transport.REMOTE


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _in(text: str, network: _Network) -> bool:
    address = _address(text)
    return address is not None and address in network


def _is_first(text: str, network: _Network) -> bool:
    address = _address(text)
    return address is not None and int(address) - int(network.network_address) == _GATEWAY


# -- protocol -----------------------------------------------------------------------------------------


def _protocol(summary: TargetSummary, observations: Observations) -> str:
    """Return what the service speaks: by its own bytes, its program, its client's bytes, the request, its number."""
    if _holds(observations, "plain-to-tls-server"):
        return "tls"  # a server that says so in plain HTTP
    greeted = _about(observations, "greeting-answered-otherwise")
    if greeted:
        return min(greeted)
    examples = [each for each in _attempts(summary) if each.label in {Label.COMPLETED, Label.ONE_SIDED}]
    for found in (
        *(_spoken(each.server_payload) for each in examples),
        *_of_programs(_about(observations, "port-owner-shown")),
        *(_spoken(each.client_payload) for each in examples),
    ):
        if found:
            return found
    target = summary.target
    if target.scheme is not None and target.scheme in BY_SCHEME:
        return BY_SCHEME[target.scheme]
    usual = BY_FAMILY.get(USUAL_PROTOCOLS.get(target.port, ""), "")
    return usual or ("http" if target.port in WEB_PORTS else "")


def _spoken(data: bytes | None) -> str:
    if not data:
        return ""
    found = recognise(data)
    return "" if found.protocol is Protocol.EMPTY else BY_FAMILY.get(found.family, "")


def _of_programs(programs: frozenset[str]) -> Iterator[str]:
    for program in sorted(programs):
        for family in sorted(SERVERS.get(program, frozenset()) - {"TLS"}):
            yield BY_FAMILY.get(family, "")


# -- system -------------------------------------------------------------------------------------------


def _made_on(summary: TargetSummary, linktypes: tuple[str, ...]) -> str:
    """Return the system that alone can have made the capture; empty where several can."""
    met = frozenset(linktypes)
    if met and met <= _BSD:
        repeats = any(group.outcome is Outcome.REFUSED_REPEATEDLY for group in summary.groups)
        return "windows" if repeats else "macos"
    if met & _LINUX:
        return "linux"
    if met == {"EN10MB"} and any(is_loopback(each.client.address) for each in _attempts(summary)):
        return "linux"
    return ""


# -- small pieces -------------------------------------------------------------------------------------


def _attempts(summary: TargetSummary) -> Iterator[Attempt]:
    groups = sorted(summary.groups, key=lambda group: group.label is not summary.label)
    return (attempt for group in groups for attempt in group.examples)


def _holds(observations: Observations, name: str) -> bool:
    found = observations.get(name)
    return found is not None and found.answer is Answer.YES


def _about(observations: Observations, name: str) -> frozenset[str]:
    found = observations.get(name)
    return frozenset(found.about) if found is not None and found.answer is Answer.YES else frozenset()
