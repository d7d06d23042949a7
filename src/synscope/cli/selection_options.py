"""The options of ``analyze`` that select frames of a capture: ``--since``, ``--until`` and ``--host``.

Input: the command line. Output: a ``Selection``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from synscope import selection
from synscope.cli import options

if TYPE_CHECKING:
    _MomentParameter = click.ParamType[selection.Moment]
    _HostParameter = click.ParamType[tuple[int, int]]
else:
    _MomentParameter = _HostParameter = click.ParamType  # older releases of click are not generic

_Decorated = Callable[..., Any]


class MomentType(_MomentParameter):
    """A ``--since`` or ``--until`` argument."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> selection.Moment:
        """Return the moment that ``value`` names, or fail with what would name one."""
        if isinstance(value, selection.Moment):
            return value
        try:
            return selection.moment(str(value))
        except selection.SelectionError as error:
            self.fail(f"{error}.", param, ctx)


class HostType(_HostParameter):
    """A ``--host`` argument."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return the address that ``value`` is, in two halves, or fail."""
        try:
            return selection.host(str(value))
        except selection.SelectionError as error:
            self.fail(f"{error}.", param, ctx)


_option = functools.partial(options.option, section=options.LOOKED_AT)

_OPTIONS = (
    _option(
        "--since",
        metavar="TIME",
        type=MomentType(),
        help="Leave out frames before this: 2026-01-31T12:00 (local time, or with a zone), 12:00 or 12:00:30 on "
        "the day of the first frame, seconds since the epoch, +2.5s after the first frame, -30s before the last "
        "(units: ns, us, ms, s, min, h, d).",
    ),
    _option(
        "--until",
        metavar="TIME",
        type=MomentType(),
        help="Leave out frames after this; as --since.",
    ),
    _option(
        "--host",
        "hosts",
        metavar="ADDRESS",
        type=HostType(),
        multiple=True,
        help="Leave out segments that are neither from nor to this IP address, e.g. 127.0.0.1 or ::1. May be given "
        "several times.",
    ),
)


def selecting(function: _Decorated) -> _Decorated:
    """Add the options; the command gets them as ``selection``."""

    @functools.wraps(function)
    def bundled(
        *arguments: object,
        since: selection.Moment | None,
        until: selection.Moment | None,
        hosts: tuple[tuple[int, int], ...],
        **others: object,
    ) -> object:
        selected = selection.Selection(since, until, frozenset(hosts))
        return function(*arguments, selection=selected, **others)

    decorated: _Decorated = bundled
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
