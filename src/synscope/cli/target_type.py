"""What names a target on the command line: the type of ``-p`` and of doctor's TARGET, and the option ``-p``.

Input: a port, HOST:PORT, [IPv6]:PORT, a URL, or a name from a configuration file. Output: a ``Target``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from synscope import targets
from synscope.cli import config_file, options
from synscope.model import Target

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _TargetParameter = click.ParamType[Target]
else:
    _TargetParameter = click.ParamType  # older releases of click are not generic

_FORMS = "a port, HOST:PORT, [IPv6]:PORT, a URL or a name from synscope.toml"


class TargetType(_TargetParameter):
    """A target as typed."""

    name = "target"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        """Return the target that ``value`` names, or fail with what would name one."""
        if isinstance(value, Target):
            return value
        text = str(value)
        try:
            return targets.parse(text)
        except targets.TargetError as error:
            # Only what means nothing by itself can be a configured name: no file changes what a number means.
            return self._named(text, error, param, ctx)

    def _named(
        self, text: str, error: targets.TargetError, param: click.Parameter | None, ctx: click.Context | None
    ) -> Target:
        config = config_file.Config() if ctx is None else config_file.of(ctx)
        try:
            found = config.target(text)
        except targets.TargetError as another:
            found, error = None, another
        if found is not None:
            return found
        close = config.similar(text)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise click.BadParameter(f"{error}.{hint}", ctx=ctx, param=param)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return named ports, and those that something listens on."""
        from synscope.cli import candidates  # noqa: PLC0415 - only when a shell asks

        return candidates.ports(ctx, param, incomplete)


def port_option(
    more: str = "", *, required: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``-p``, with more to say about it in its help text."""
    return options.option(
        "-p",
        "--port",
        "wanted",
        metavar="TARGET",
        type=TargetType(),
        multiple=True,
        required=required,
        section=options.LOOKED_AT,
        help=f"What to look at: {_FORMS}. May be given several times.{more and ' '}{more}",
    )
