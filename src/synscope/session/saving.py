"""``--save``: what a live capture is saved as, from the wish to the writer.

Input: the wish, the invoking user, the ring. Output: a ``FileMaker`` (before privileges are given up), then a
``Saver`` that writes to the files it makes.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from synscope._version import VERSION
from synscope.capture.live.ring import Ring
from synscope.capture.write import pcapng
from synscope.capture.write.save import Rotation, SaveOptions, Saver
from synscope.capture.write.storage import Files, SaveError, reason
from synscope.process.file_maker import FileMaker
from synscope.process.privileges import Identity


@dataclass(frozen=True, slots=True)
class Saving:
    """What to save a capture as."""

    path: Path
    headers_only: bool = False
    """Whether payload is left out: of the frames, and of what is said about them."""
    replace: bool = False
    rotation: Rotation | None = None


def keeper(saving: Saving, identity: Identity) -> FileMaker:
    """Start whoever makes the files; raises ``SaveError`` when something is in their way."""
    about = pcapng.About(
        hardware=platform.machine(),
        os=f"{platform.system()} {platform.release()}",
        application=f"synscope {VERSION}",
    )
    files = Files(
        saving.path,
        pcapng.section(about),
        replace=saving.replace,
        rotated=saving.rotation is not None,
    )
    try:
        return FileMaker.start(files, identity)
    except OSError as error:
        raise SaveError(saving.path, reason(error)) from error


def saver(saving: Saving, files: FileMaker, ring: Ring, snap_length: int) -> Saver:
    """Make the first file and what writes to it. Raises ``SaveError``."""
    return Saver(
        files,
        SaveOptions(snap_length, saving.headers_only, saving.rotation),
        name_of=ring.interface_name,
        counts=lambda: (ring.received, ring.dropped),
    )
