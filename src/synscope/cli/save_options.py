"""The options of ``--save``, which ``live`` and ``run`` share, and putting the diagnosis into what was saved."""

from __future__ import annotations

import dataclasses
import functools
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synscope.cli import options

if TYPE_CHECKING:
    from synscope.model import Diagnosis
    from synscope.session.saving import Saving
    from synscope.session.start import Begun

    _SizeParameter = click.ParamType[int]
else:
    _SizeParameter = click.ParamType  # older releases of click are not generic

_SIZE = re.compile(r"([0-9]{1,12})([kMG]?)")
_UNITS = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_LEAST_SIZE = 100_000

_Decorated = Callable[..., Any]


class SizeType(_SizeParameter):
    """A number of bytes, with k, M or G behind it for thousands, millions and so on."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes that ``value`` is, or fail."""
        found = _SIZE.fullmatch(str(value))
        size = 0 if found is None else int(found[1]) * _UNITS[found[2]]
        if size < _LEAST_SIZE:
            self.fail(f"'{value}' is no size like 100M (bytes, k, M, G) of at least 100k.", param, ctx)
        return size


_option = functools.partial(options.option, section=options.SAVED)

_OPTIONS = (
    _option(
        "--save",
        metavar="FILE.pcapng",
        shell_complete=options.files,
        help="Save what is captured there as it comes, and at the end the diagnosis with it.",
    ),
    _option(
        "--headers-only/--with-payload",
        setting="save.headers-only",
        counts=lambda given: "save" in given,
        default=False,
        help="With --save: no byte of payload touches the disk. The default is --with-payload: of each frame what is "
        "captured (see --snaplen).",
    ),
    _option(
        "--rotate-size",
        type=SizeType(),
        metavar="SIZE",
        help="With --save: begin a new file before one is larger (500k, 100M, 2G): FILE_00001.pcapng, …",
    ),
    _option(
        "--rotate-time",
        type=click.FloatRange(min=1),
        metavar="SECONDS",
        help="With --save: begin a new file after so many seconds, e.g. 60.",
    ),
    _option("--force", is_flag=True, help="With --save: overwrite files that exist."),
)


def saving(function: _Decorated) -> _Decorated:
    """Add the options; the command gets them as ``saving``, which is ``None`` without --save."""

    @functools.wraps(function)
    def bundled(
        *arguments: object,
        save: str | None,
        headers_only: bool,
        rotate_size: int | None,
        rotate_time: float | None,
        force: bool,
        **others: object,
    ) -> object:
        wish = _wish(
            save,
            headers_only=headers_only,
            force=force,
            rotate_size=rotate_size,
            rotate_time=rotate_time,
        )
        return function(*arguments, saving=wish, **others)

    decorated: _Decorated = bundled
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _wish(
    save: str | None,
    *,
    headers_only: bool,
    force: bool,
    rotate_size: int | None,
    rotate_time: float | None,
) -> Saving | None:
    rotated = rotate_size is not None or rotate_time is not None
    if save is None:
        if headers_only or force or rotated:
            raise click.UsageError(
                "--headers-only, --rotate-size, --rotate-time and --force go with --save FILE.pcapng."
            )
        return None
    if "\0" in save:
        raise click.UsageError("The path of --save holds a NUL byte.")
    from synscope.capture.write.save import Rotation  # noqa: PLC0415 - loads the engine
    from synscope.session.saving import Saving  # noqa: PLC0415

    return Saving(
        Path(save),
        headers_only=headers_only,
        replace=force,
        rotation=Rotation(rotate_size, rotate_time) if rotated else None,
    )


def saved(diagnosis: Diagnosis, begun: Begun, wish: Saving | None, *, status: int) -> Diagnosis:
    """Put the diagnosis, and the last look at the host, into the saved file; return it with what could not be."""
    if begun.saver is None or wish is None:
        return diagnosis
    from synscope._version import VERSION  # noqa: PLC0415
    from synscope.capture.write.storage import SaveError  # noqa: PLC0415
    from synscope.engine import MODE  # noqa: PLC0415
    from synscope.probes.host.snapshot_json import to_json  # noqa: PLC0415
    from synscope.report.annotation import Made, annotation  # noqa: PLC0415

    made = Made(VERSION, str(MODE), time.time_ns(), status)
    looks = () if begun.surroundings is None else begun.surroundings.snapshots
    snapshot = to_json(looks[-1]) if looks else None
    found = annotation(diagnosis, made, snapshot=snapshot, headers_only=wish.headers_only)
    notes = [*found.notes]
    try:
        begun.saver.annotate(found.packets, found.sections)
    except SaveError as error:
        notes.append(str(error))
    if not notes:
        return diagnosis
    health = dataclasses.replace(diagnosis.health, notes=(*diagnosis.health.notes, *notes))
    return diagnosis._replace(health=health)
