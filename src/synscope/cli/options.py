"""The class of all options: sections in the help text, and defaults from configuration files.

Input: what ``click.option`` takes, and the section, the setting and when the setting counts. Output: options for
``SectionedCommand``, whose help lists them by section. A value from a file is converted and checked as one that was
typed; an error names the file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from synscope.cli import config_file

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LOOKED_AT: Final = "What is looked at"
CAPTURED: Final = "Where it is captured"
ENDS: Final = "When it stops"
COMMAND: Final = "The command"
REPORT: Final = "The report"
SAVED: Final = "Saving the capture"

Given = Mapping[str, Any]
"""The parameters that were typed, by name."""


def _always(_given: Given) -> bool:
    return True


class Option(click.Option):
    """An option that knows its section of the help text, and the setting that is its default."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401 - click's own
        section: str = "",
        setting: str | None = None,
        counts: Callable[[Given], bool] = _always,
        **attributes: Any,  # noqa: ANN401
    ) -> None:
        """Take what ``click.Option`` takes; ``counts`` says, given what was typed, whether the setting applies."""
        super().__init__(*arguments, **attributes)
        self.section = section
        self.setting = setting
        self._counts = counts

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """Return the value as typed, else that of the nearest configuration file, else the built-in one."""
        value, source = super().consume_value(ctx, opts)
        if source is not ParameterSource.DEFAULT or self.setting is None or ctx.resilient_parsing:
            return value, source
        found = config_file.of(ctx).find(self.setting)
        if found is None:
            return value, source
        configured = self.checked(ctx, found)
        # What was typed is processed first, whatever the order of the options.
        typed = {
            name: given
            for name, given in ctx.params.items()
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        }
        return (configured, ParameterSource.DEFAULT_MAP) if self._counts(typed) else (value, source)

    def checked(self, context: click.Context, found: config_file.FoundSetting) -> object:
        """Return a configured value as this option's type has it; raises ``ConfigError``."""
        try:
            return self.type_cast_value(context, found.value)
        except click.BadParameter as error:
            raise found.file.error(found.key, error.message) from error


option = functools.partial(click.option, cls=Option)


def files(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell offer files, as the completion of an option or an argument."""
    from synscope.cli import candidates  # noqa: PLC0415 - only when a shell asks

    return candidates.files(context, parameter, incomplete)


class SectionedCommand(click.Command):
    """A command whose help lists options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options below the title of their section; those without one come last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and record is not None:
                sections.setdefault(getattr(parameter, "section", ""), []).append(record)
        rest = sections.pop("", [])
        for title, records in (*sections.items(), ("Options", rest)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
