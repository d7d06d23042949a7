"""A second private tracefs instance: connects that the processes behind a watched port make themselves.

Input: the ids of their threads, and the watched ports. Output: descriptors of ``trace_pipe``, of the off switch and
of the list of ids, with the events' ``format`` texts. Runs with privileges; standard library only. The kernel itself
leaves out every other process (``set_event_pid``) and adds what the listed ones start (``event-fork``): what others
do never enters the buffer. Source: Documentation/trace/ftrace.rst ("set_event_pid", "event-fork").
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Collection
from typing import Final, NamedTuple, Self

from synscope.probes.kernel.filters import LEGS, UnusableError, legs_filter_of
from synscope.probes.kernel.instance import CLOCK, Handover, Instance, InstanceError, name_of
from synscope.probes.kernel.tracefs import TracefsError, open_root

_KIB: Final = "256"
"""Buffer of one CPU: about 1,000 events."""
_LONGEST_FORMAT: Final = 1 << 16


class LegsHandover(NamedTuple):
    """What the unprivileged half gets. The process that holds its three descriptors closes them."""

    trace: Handover
    ids: int
    """``set_event_pid``, for writing: what is written to it is added to the list."""


class LegsInstance(Instance):
    """The instance, from ``beside`` to ``remove``."""

    @classmethod
    def beside(cls) -> Self:
        """Make the instance of this process beside its other one. Raises ``InstanceError``."""
        try:
            root = open_root()
        except TracefsError as error:
            raise InstanceError(str(error.strerror)) from error
        made = cls(root, f"{name_of(os.getpid())}-legs")
        try:
            os.mkdir(f"instances/{made.name}", 0o700, dir_fd=root)
        except OSError as error:
            os.close(root)
            raise InstanceError(f"no instance of tracefs can be made: {error.strerror}") from error
        return made

    def follow_all(self, ids: Collection[int], ports: Collection[int]) -> LegsHandover:
        """Switch the events on for ``ids``, at least one. Raises ``InstanceError``; the instance is gone then."""
        assert ids  # noqa: S101 - without a list everybody would be traced
        try:
            return self._followed(ids, ports)
        except OSError as error:
            with contextlib.suppress(InstanceError):
                self.remove()
            raise InstanceError(f"connects of servers cannot be traced: {error.strerror}") from error

    def _followed(self, ids: Collection[int], ports: Collection[int]) -> LegsHandover:
        self._write("trace_clock", CLOCK)
        self._write("buffer_size_kb", _KIB)
        with contextlib.suppress(FileNotFoundError):
            self._write("buffer_percent", "0")
        self._write("options/event-fork", "1")
        # Without a list every process of the machine would be traced: it comes before the events.
        listed = self._open("set_event_pid", os.O_WRONLY)
        opened = [listed]
        try:
            for number in ids:
                os.write(listed, b"%d\n" % number)
            formats, missing = self._on(ports)
            opened.append(self._open("trace_pipe", os.O_RDONLY | os.O_NONBLOCK))
            opened.append(self._open("events/enable", os.O_WRONLY))
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return LegsHandover(Handover(opened[1], opened[2], formats, missing), listed)

    def _on(self, ports: Collection[int]) -> tuple[dict[str, str], dict[str, str]]:
        formats: dict[str, str] = {}
        missing: dict[str, str] = {}
        for event in LEGS:
            try:
                with os.fdopen(self._open(f"events/{event}/format", os.O_RDONLY)) as file:
                    text = file.read(_LONGEST_FORMAT)
                expression = legs_filter_of(event, text, ports)
                if expression:
                    self._write(f"events/{event}/filter", expression)
                self._write(f"events/{event}/enable", "1")
                formats[event] = text
            except UnusableError as error:
                missing[event] = str(error)
            except OSError as error:
                missing[event] = f"{error.strerror}"
        if not formats:
            raise OSError(errno.ENOENT, f"no event can be had: {'; '.join(missing.values())}")
        return formats, missing
