"""Which program made a firewall's table, chain or rule, by the names and comments that it gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

CHAINS: Final = {
    "ufw": "ufw",
    "firewalld": "firewalld",
    "DOCKER": "Docker",
    "NETAVARK": "Podman",
    "KUBE-": "Kubernetes",
    "f2b-": "fail2ban",
    "LIBVIRT": "libvirt",
    "ts-": "Tailscale",
    "cali-": "Calico",
    "CILIUM_": "Cilium",
    "FLANNEL-": "flannel",
    "CNI-": "a CNI plugin",
    "ISTIO_": "Istio",
    "WEAVE-": "Weave",
}
"""How the names of a program's chains begin."""
_TABLES: Final = {
    "firewalld": "firewalld",
    "netavark": "Podman",
    "libvirt_network": "libvirt",
    "f2b-": "fail2ban",
    "kube-proxy": "Kubernetes",
    "docker-bridges": "Docker",
    "crowdsec": "CrowdSec",
    "wg-quick-": "wg-quick",
    "fw4": "OpenWrt",
    "lxd": "LXD",
    "incus": "Incus",
    "istio": "Istio",
    "mullvad": "Mullvad",
    "opensnitch": "OpenSnitch",
    "sshguard": "sshguard",
}
"""How the names of a program's tables begin."""
_COMMENTS: Final = {
    "kubernetes": "Kubernetes",
    "has no endpoints": "Kubernetes",
    "cali:": "Calico",
    "cilium": "Cilium",
    "generated for lxd": "LXD",
    "generated for incus": "Incus",
    "flanneld": "flannel",
}
"""What a program's comments hold."""


def maker_of(table: str, chain: str, comments: str = "") -> str:
    """Return the program that made a rule; empty where its names do not tell."""
    found = _begins(CHAINS, chain) or _begins(_TABLES, table)
    if found:
        return found
    lowered = comments.lower()
    return next((program for sign, program in _COMMENTS.items() if sign in lowered), "")


def maker_of_policy(table: str, chain: str, walked: Iterable[tuple[str, str]]) -> str:
    """Return the program that a chain's policy is part of: one alone has chains of that table in the way.

    ``walked`` are tables and chains.
    """
    own = maker_of(table, chain)
    if own:
        return own
    others = {found for at, name in walked if at == table and (found := maker_of(at, name))}
    return others.pop() if len(others) == 1 else ""


def _begins(signs: dict[str, str], name: str) -> str:
    return next((program for sign, program in signs.items() if name.startswith(sign)), "")
