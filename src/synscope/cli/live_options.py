"""The options that ``live`` and ``run`` share, and what both do with them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from synscope.cli import output

if TYPE_CHECKING:
    from synscope.model import Diagnosis

TOOL_FAILED = 125
"""Exit status when the tool itself could not do its work, as ``timeout`` and ``docker run`` have it."""

_Decorated = Callable[..., Any]

interface_option = click.option(
    "-i",
    "--interface",
    metavar="NAME",
    help="Where to capture: an interface, or any for all. The default is the loopback interface.",
)
netns_option = click.option(
    "--netns", metavar="NAME|PID", help="Look into this network namespace: its name, or a process in it."
)
container_option = click.option(
    "--container", metavar="NAME", help="Look into the network namespace of this Docker or Podman container."
)
snaplen_option = click.option(
    "--snaplen",
    type=click.IntRange(96, 262_144),
    default=400,
    show_default=True,
    metavar="BYTES",
    help="How much of each frame is captured.",
)

capture_option = click.option(
    "--capture-with",
    type=click.Choice(["ring", "portable", "libpcap"]),
    default="ring" if sys.platform.startswith("linux") else "portable",
    help="ring: the packet ring of Linux, its default. portable: Scapy's sockets, the default elsewhere. libpcap: "
    "libpcap or Npcap through Scapy. The last two need synscope[capture].",
)


def shared(function: _Decorated) -> _Decorated:
    """Add the options of every live capture."""
    for option in (capture_option, snaplen_option, container_option, netns_option, interface_option):
        function = option(function)
    return function


def namespace_path(netns: str | None, container: str | None) -> str | None:
    """Return the path of the network namespace that was asked for, or fail as wrong usage."""
    from synscope.capture import interfaces  # noqa: PLC0415 - Linux only

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
    from synscope.evidence import payload  # noqa: F401, PLC0415
    from synscope.report import annotation, json_report, jsonl, junit, markdown, terminal  # noqa: F401, PLC0415
    from synscope.session import client_errors, client_kind, surroundings  # noqa: F401, PLC0415

    cell_len(
        "\N{CJK UNIFIED IDEOGRAPH-65E5}"
    )  # rich loads its table of widths when it meets a wide character


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


def _created(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.UsageError(f"{Path(path)}: {error.strerror}.") from error


def write_report(  # noqa: PLR0913 - one parameter an option
    sink: Sink, diagnosis: Diagnosis, form: str, *, status: int, color: str, verbose: bool
) -> None:
    """Write the report of a live capture in the form asked for; of jsonl what follows the attempts."""
    from synscope._version import VERSION  # noqa: PLC0415
    from synscope.engine import MODE  # noqa: PLC0415
    from synscope.report import json_report, jsonl, junit, markdown, records, terminal  # noqa: PLC0415

    if form == "markdown":
        sink.write(markdown.render(diagnosis, output.look(color="never", verbose=verbose)))
    elif form == "junit":
        sink.write(junit.begin() + junit.suite(diagnosis) + junit.end())
    elif form == "terminal":
        look = output.look(color=color, verbose=verbose, stream=sink.stream if sink.to_person else None)
        sink.write(terminal.render(diagnosis, look))
    elif form == "jsonl":
        for line in jsonl.conclusions(diagnosis):
            sink.write(line)
    else:
        report = json_report.JsonReport(version=VERSION, engine=str(MODE))
        attempts = records.supporting_attempts(diagnosis)
        sink.write(report.begin() + report.begin_capture(diagnosis.capture))
        for attempt in attempts:
            sink.write(report.attempt(diagnosis.capture, attempt))
        sink.write(report.end_capture(diagnosis) + report.end(status))
