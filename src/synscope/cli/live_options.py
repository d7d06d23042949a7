"""The options that ``live`` and ``run`` share, and what both do with them.

Input: the command line. Output: a ``Place``, which makes the plan of the capture, and a ``Sink`` for the report.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from synscope.cli import options, output

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from synscope.engine.moments import Moments
    from synscope.model import Attempt, Diagnosis, Target
    from synscope.session.saving import Saving
    from synscope.session.start import Plan

TOOL_FAILED = 125
"""Exit status when the tool itself could not do its work, as ``timeout`` and ``docker run`` have it."""

_Decorated = Callable[..., Any]


def _interfaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from synscope.cli import candidates  # noqa: PLC0415 - only when a shell asks

    return candidates.interfaces(context, parameter, incomplete)


def _namespaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from synscope.cli import candidates  # noqa: PLC0415

    return candidates.namespaces(context, parameter, incomplete)


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
        help="An interface, e.g. eth0, or any for all. The default is the loopback interface.",
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
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to capture, and with what."""

    interface: str | None
    netns: str | None
    container: str | None
    snaplen: int
    capture_with: str

    @property
    def is_given(self) -> bool:
        """Whether a network or an interface was asked for."""
        return bool(self.netns or self.container or self.interface)

    def plan(
        self, targets: tuple[Target, ...], saving: Saving | None, *, isolated: bool = False, server: str = ""
    ) -> Plan:
        """Return the plan of the capture, or fail as wrong usage where the network is not there."""
        from synscope.session.start import Plan  # noqa: PLC0415 - the commands without a capture do without

        return Plan(
            targets=targets,
            interface=self.interface,
            namespace=namespace_path(self.netns, self.container),
            snap_length=self.snaplen,
            capture_with=self.capture_with,
            typed=typed(),
            may_prompt=may_prompt(),
            isolated=isolated,
            server=server,
            save=saving,
        )


def placed(function: _Decorated) -> _Decorated:
    """Add the options of every live capture; the command gets them as ``place``."""

    @functools.wraps(function)
    def bundled(
        *arguments: object,
        interface: str | None,
        netns: str | None,
        container: str | None,
        snaplen: int,
        capture_with: str,
        **others: object,
    ) -> object:
        place = Place(interface, netns, container, snaplen, capture_with)
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


def preload() -> None:
    """Import what the end needs: by then this process may not be able to read the installation."""
    import rich.live  # noqa: PLC0415
    import rich.markup  # noqa: PLC0415
    import rich.table  # noqa: F401, PLC0415
    from rich.cells import cell_len  # noqa: PLC0415

    from synscope import analysis  # noqa: F401, PLC0415
    from synscope.command import client_kind, targets  # noqa: F401, PLC0415
    from synscope.probes.host import packet, proxy  # noqa: F401, PLC0415
    from synscope.probes.kernel import filters  # noqa: F401, PLC0415
    from synscope.reference import errors  # noqa: F401, PLC0415
    from synscope.report import annotation, json_report, jsonl, junit, markdown, terminal  # noqa: F401, PLC0415
    from synscope.session import surroundings  # noqa: F401, PLC0415

    cell_len(
        "\N{CJK UNIFIED IDEOGRAPH-65E5}"
    )  # rich loads its table of widths when it meets a wide character


def preloading(form: str) -> Callable[[], None]:
    """Return what imports all that the end needs, with what only one form does."""
    return _preload_html if form == "html" else preload


def _preload_html() -> None:
    from synscope.report.html import document  # noqa: PLC0415 - Jinja2 is for this form alone

    preload()
    document.preload()


def moments_of(form: str, targets: Iterable[Target]) -> Moments | None:
    """Return what counts when attempts begin, for the form that shows it."""
    if form != "html":
        return None
    from synscope.engine.moments import Moments  # noqa: PLC0415 - loads the compiled engine

    return Moments(target.port for target in targets)


class Sink:
    """Where the report goes: a standard stream or a file, which is opened while its owner's rights last."""

    def __init__(self, path: str | None, *, to_stderr: bool = False) -> None:
        self._descriptor = None if path is None else _created(path)
        self._stream = sys.stderr if to_stderr else sys.stdout
        self._name = path or ("standard error" if to_stderr else "standard output")

    @property
    def to_person(self) -> bool:
        """Whether it may be a terminal."""
        return self._descriptor is None

    @property
    def is_below_a_command(self) -> bool:
        """Whether what a command wrote stands right above, on a terminal."""
        return self.to_person and self._stream is sys.stderr and self._stream.isatty()

    @property
    def stream(self) -> TextIO:
        """What a terminal report's colours and width go by."""
        return self._stream

    def write(self, text: str) -> None:
        """Write all of ``text``; where that cannot be done, say so and end the program."""
        try:
            self._write(text)
        except OSError as error:
            if self._descriptor is None:
                output.discard_rest()
            with contextlib.suppress(OSError):  # it may have been standard error
                output.complain(OSError(f"the report could not be written to {self._name}: {error.strerror}"))
            raise click.exceptions.Exit(TOOL_FAILED) from error

    def _write(self, text: str) -> None:
        if self._descriptor is None:
            output.write(text, self._stream)
            return
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]


def rows(form: str, sink: Sink, capture: str) -> Callable[[Attempt], None] | None:
    """Return what writes each attempt once it is over, in the forms that hold them all; CSV begins here."""
    if form == "jsonl":
        from synscope.report import jsonl  # noqa: PLC0415

        return lambda one: sink.write(jsonl.attempt(capture, one))
    if form == "csv":
        from synscope.report import csv_report  # noqa: PLC0415

        sink.write(csv_report.header())
        return lambda one: sink.write(csv_report.attempt(capture, one))
    return None


def _created(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.UsageError(f"{Path(path)}: {error.strerror}.") from error


def write_report(  # noqa: PLR0913 - one parameter an option
    sink: Sink,
    diagnosis: Diagnosis,
    form: str,
    *,
    status: int,
    color: str,
    verbose: bool,
    moments: Moments | None = None,
) -> None:
    """Write the report of a live capture in the form asked for; of jsonl and csv what follows the attempts."""
    from synscope._version import VERSION  # noqa: PLC0415
    from synscope.engine import MODE  # noqa: PLC0415
    from synscope.report import json_records as records  # noqa: PLC0415
    from synscope.report import json_report, jsonl, junit, markdown, terminal  # noqa: PLC0415

    if form == "markdown":
        sink.write(markdown.render(diagnosis, output.look(color="never", verbose=verbose)))
    elif form == "html":
        from synscope.report.html import document  # noqa: PLC0415 - Jinja2 is for this form alone

        sink.write(document.render([document.Report(diagnosis, moments)], output.look(color="never")))
    elif form == "junit":
        sink.write(junit.begin() + junit.suite(diagnosis) + junit.end())
    elif form == "terminal":
        look = output.look(color=color, verbose=verbose, stream=sink.stream if sink.to_person else None)
        sink.write(("\n" if sink.is_below_a_command else "") + terminal.render(diagnosis, look))
    elif form == "jsonl":
        for line in jsonl.conclusions(diagnosis):
            sink.write(line)
    elif form == "csv":
        if diagnosis.health.dropped:
            output.announce(
                f"rows may be missing: {diagnosis.health.dropped:,} frames were lost while capturing"
            )
    else:
        report = json_report.JsonReport(version=VERSION, engine=str(MODE))
        attempts = records.supporting_attempts(diagnosis)
        sink.write(report.begin() + report.begin_capture(diagnosis.capture))
        for attempt in attempts:
            sink.write(report.attempt(diagnosis.capture, attempt))
        sink.write(report.end_capture(diagnosis) + report.end(status))
