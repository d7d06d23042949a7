"""The options that ``live`` and ``run`` share, and what both do with them.

Input: the command line. Output: a ``Place``, which makes the plan of the capture.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from synscope.cli import options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from synscope.model import Target
    from synscope.session.plan import Plan, Saving

TOOL_FAILED = 125
"""Exit status when the tool itself could not do its work, as ``timeout`` and ``docker run`` have it."""

_Decorated = Callable[..., Any]


def _interfaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from synscope.cli import candidates  # noqa: PLC0415 - only when a shell asks

    return candidates.interfaces(context, parameter, incomplete)


def _namespaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from synscope.cli import candidates  # noqa: PLC0415

    return candidates.namespaces(context, parameter, incomplete)


TRACE_FIREWALL = (
    "Have the kernel say which firewall rule stops the target's packets: it traces them through nftables, for which "
    "a table is put there that stops nothing and goes at the end. Linux, needs root."
)


def _in_this_network(given: options.Given) -> bool:
    """Whether a configured interface is meant: another network has interfaces of its own."""
    return not any(given.get(name) for name in ("netns", "container", "isolated"))


_option = functools.partial(options.option, section=options.CAPTURED)

_PLACE = (
    _option(
        "-i",
        "--interface",
        metavar="NAME",
        setting="interface",
        counts=_in_this_network,
        shell_complete=_interfaces,
        help="One interface, e.g. lo or eth0. The default is any: every interface.",
    ),
    _option(
        "--netns",
        metavar="NAME|PID",
        shell_complete=_namespaces,
        help="Look into this network namespace: its name, or a process in it.",
    ),
    _option(
        "--container",
        metavar="NAME",
        help="Look into the network namespace of this Docker or Podman container.",
    ),
    _option(
        "--snaplen",
        type=click.IntRange(96, 262_144),
        default=640,
        show_default=True,
        metavar="BYTES",
        help="How much of each frame is captured.",
    ),
    _option(
        "--capture-with",
        type=click.Choice(["ring", "portable", "libpcap"]),
        default="ring" if sys.platform.startswith("linux") else "portable",
        help="ring: the packet ring of Linux, its default. portable: Scapy's sockets, the default elsewhere. "
        "libpcap: libpcap or Npcap through Scapy. The last two need synscope[capture].",
    ),
    _option("--trace-firewall", is_flag=True, help=TRACE_FIREWALL),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to capture, and with what."""

    interface: str | None
    netns: str | None
    container: str | None
    snaplen: int
    capture_with: str
    trace_firewall: bool = False

    @property
    def is_given(self) -> bool:
        """Whether a network or an interface was asked for."""
        return bool(self.netns or self.container or self.interface)

    def plan(
        self,
        targets: tuple[Target, ...],
        saving: Saving | None,
        *,
        isolated: bool = False,
        server: str = "",
        calls: bool = True,
    ) -> Plan:
        """Return the plan of the capture, or fail as wrong usage where the network is not there."""
        from synscope.session.plan import Plan  # noqa: PLC0415 - the commands without a capture do without

        return Plan(
            targets=targets,
            interface=self.interface,
            namespace=namespace_path(self.netns, self.container),
            snap_length=self.snaplen,
            capture_with=self.capture_with,
            trace_firewall=self.trace_firewall,
            typed=typed(),
            may_prompt=may_prompt(),
            isolated=isolated,
            server=server,
            calls=calls,
            save=saving,
        )


def placed(function: _Decorated) -> _Decorated:
    """Add the options of every live capture; the command gets them as ``place``."""

    @functools.wraps(function)
    def bundled(  # noqa: PLR0913 - one parameter an option
        *arguments: object,
        interface: str | None,
        netns: str | None,
        container: str | None,
        snaplen: int,
        capture_with: str,
        trace_firewall: bool,
        **others: object,
    ) -> object:
        place = Place(interface, netns, container, snaplen, capture_with, trace_firewall)
        return function(*arguments, place=place, **others)

    decorated: _Decorated = bundled
    for option in reversed(_PLACE):
        decorated = option(decorated)
    return decorated


def output_option(instead_of: str) -> Callable[[_Decorated], _Decorated]:
    """Return the option ``--output``, for what goes to ``instead_of`` without it."""
    return options.option(
        "--output",
        "path",
        section=options.REPORT,
        metavar="FILE",
        shell_complete=options.files,
        help=f"Write to this file instead of {instead_of}.",
    )


def namespace_path(netns: str | None, container: str | None) -> str | None:
    """Return the path of the network namespace that was asked for, or fail as wrong usage."""
    from synscope.capture.live import interfaces  # noqa: PLC0415 - Linux only

    if netns is not None and container is not None:
        raise click.UsageError("--netns and --container exclude each other.")
    try:
        if container is not None:
            return str(interfaces.namespace_of_container(container))
        if netns is None:
            return None
        if netns.isdecimal():
            return str(interfaces.namespace_of_process(int(netns)))
        return str(interfaces.namespace_of_name(netns))
    except interfaces.NamespaceError as error:
        raise click.UsageError(f"{error}.") from error


def typed() -> tuple[str, ...]:
    """Return how the tool was called, to be quoted in advice."""
    return ("synscope", *sys.argv[1:])


def may_prompt() -> bool:
    """Whether a person is there to type a password."""
    return sys.stdin.isatty() and sys.stderr.isatty()
