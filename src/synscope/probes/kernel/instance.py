"""Private tracefs instances: made, handed over as descriptors, removed; also those that dead processes left.

One is of the whole machine; another, with ``-calls`` at the end of its name, of one tree of processes: the kernel
itself follows who is in it (``set_event_pid`` with the option ``event-fork``), so that others pay next to nothing.

Input: the watched ports, or a process. Output: descriptors of ``trace_pipe`` and of the instance's off switch, with
the events' ``format`` texts. Runs with privileges; standard library only, parses no event. Whoever holds
the descriptors needs no privilege: the kernel checked it when they were opened.

The name tells the owner: process id, its start in clock ticks since boot, and its pid namespace, in which alone
the id means anything. An instance vanishes with the machine's next start at the latest.
Source: Documentation/trace/ftrace.rst ("Instances").
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from synscope.probes.kernel.filters import EVENTS, OF_ALL, TREE, UnusableError, filter_of, tree_filter_of
from synscope.probes.kernel.tracefs import TracefsError, open_root

CLOCK: Final = "mono"
"""CLOCK_MONOTONIC: the same on every CPU (the default clock is not), and convertible to the capture's."""

_OF_TREE: Final = "-calls"
_NAME = re.compile(rf"synscope-(\d{{1,10}})-(\d{{1,20}})-(\d{{1,20}})(?:{_OF_TREE}|-legs)?")
_START_FIELD: Final = 19
"""Place of the start time among the fields that follow the name in ``/proc/PID/stat`` (proc_pid_stat(5))."""
_TOTAL_KIB: Final = 16 * 1024
_LEAST_KIB: Final = 64
_MOST_KIB: Final = 2048
"""Buffer of one CPU: at 10,000 connections/s, 2 MiB hold about half a second."""
_BUSY_S: Final = 2.0
"""How long ``remove`` waits for a reader to close the pipe."""
_BUSY_PAUSE_S: Final = 0.02
_OUTLIVED_PAUSE_S: Final = 0.25
_FEW: Final = 4
"""A tree's buffers are so many times smaller."""
_LONGEST_FORMAT: Final = 1 << 16
_INITIAL_PID_NAMESPACE: Final = 0xEFFFFFFC
"""PROC_PID_INIT_INO of linux/proc_ns.h."""


class InstanceError(Exception):
    """The kernel's trace cannot be had, or an instance could not be removed; the text says why."""


class Handover(NamedTuple):
    """What the unprivileged half gets. The process that holds its descriptors closes them."""

    pipe: int
    """``trace_pipe``, for reading, non-blocking."""
    switch: int
    """The instance's ``events/enable``, for writing: ``0`` ends every event at once, at no further cost."""
    formats: Mapping[str, str]
    """Event → its ``format`` text; only events that are on."""
    missing: Mapping[str, str]
    """Event → why it is not on."""
    calls: Handover | None = None
    """The same of the instance that follows the calls of a tree of processes."""
    no_calls: str = ""
    """Why there is none."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that is open."""
        own = (self.pipe, self.switch)
        return own if self.calls is None else (*own, *self.calls.descriptors)


class Instance:
    """One private instance, from ``create`` to ``remove``."""

    def __init__(self, root: int, name: str) -> None:
        self._root = root
        self.name = name

    @classmethod
    def create(cls, *, of_tree: bool = False) -> Self:
        """Make an instance of this process, after those of dead ones were removed. Raises ``InstanceError``."""
        try:
            root = open_root()
        except TracefsError as error:
            raise InstanceError(str(error.strerror)) from error
        remove_stale(root)
        made = cls(root, name_of(os.getpid()) + (_OF_TREE if of_tree else ""))
        try:
            os.mkdir(f"instances/{made.name}", 0o700, dir_fd=root)
        except OSError as error:
            os.close(root)
            raise InstanceError(f"no instance of tracefs can be made: {error.strerror}") from error
        return made

    def start(self, ports: Collection[int], *, calls: bool = False) -> Handover:
        """Switch the events on for ``ports`` (none: for all) and open the descriptors. Raises ``InstanceError``.

        With ``calls``, binds that fail too. The instance is removed when it fails.
        """
        events = (*EVENTS, *OF_ALL) if calls else EVENTS
        return self._or_removed(
            lambda: self._started(events, lambda event, text: filter_of(event, text, ports))
        )

    def follow(self, pid: int) -> Handover:
        """Switch the events of calls on for a process and all that it starts from now on; see ``start``."""
        return self._or_removed(lambda: self._following(pid))

    def _or_removed(self, begin: Callable[[], Handover]) -> Handover:
        try:
            return begin()
        except OSError as error:
            with contextlib.suppress(InstanceError):
                self.remove()
            raise InstanceError(f"the kernel's trace cannot be set up: {error.strerror}") from error

    def _following(self, pid: int) -> Handover:
        if _pid_namespace() != _INITIAL_PID_NAMESPACE:
            raise OSError(errno.ESRCH, "the trace's process ids are not those of this pid namespace")
        # Before any event is on: one that is not limited would be everybody's.
        self._write("set_event_pid", str(pid))
        self._write("options/event-fork", "1")
        return self._started(TREE, tree_filter_of, _FEW)

    def _started(self, events: Iterable[str], filtered: Callable[[str, str], str], part: int = 1) -> Handover:
        self._write("trace_clock", CLOCK)
        self._write("buffer_size_kb", str(_kib_of_one((os.cpu_count() or 1) * part)))
        # By default a waiting reader is woken only when half the buffer is full; older kernels always wake it.
        with contextlib.suppress(FileNotFoundError):
            self._write("buffer_percent", "0")
        formats: dict[str, str] = {}
        missing: dict[str, str] = {}
        for event in events:
            try:
                formats[event] = self._switch_on(event, filtered)
            except UnusableError as error:
                missing[event] = str(error)
            except OSError as error:
                missing[event] = f"{error.strerror}"
        if not formats:
            raise OSError(errno.ENOENT, f"no event can be had: {'; '.join(missing.values())}")
        pipe = self._open("trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        try:
            switch = self._open("events/enable", os.O_WRONLY)
        except OSError:
            os.close(pipe)
            raise
        return Handover(pipe, switch, formats, missing)

    def _switch_on(self, event: str, filtered: Callable[[str, str], str]) -> str:
        with os.fdopen(self._open(f"events/{event}/format", os.O_RDONLY)) as file:
            text = file.read(_LONGEST_FORMAT)
        expression = filtered(event, text)
        if expression:
            self._write(f"events/{event}/filter", expression)
        self._write(f"events/{event}/enable", "1")
        return text

    def remove(self) -> None:
        """Remove the instance; may be called at any time and again. Raises ``InstanceError`` when a reader stays.

        The kernel refuses while somebody has the pipe open. Then the events are switched off at least, and the next
        ``create`` on this machine removes the instance once its owner is gone.
        """
        if self._root < 0:
            return
        deadline = time.monotonic() + _BUSY_S
        while not _removed(self._root, self.name):
            with contextlib.suppress(OSError):
                self._write("events/enable", "0")
            if time.monotonic() > deadline:
                raise InstanceError(f"{self.name} is still being read; its events are off")
            time.sleep(_BUSY_PAUSE_S)
        os.close(self._root)
        self._root = -1

    @property
    def root(self) -> int:
        """A descriptor of tracefs' root directory; negative once the instance is removed."""
        return self._root

    def _open(self, path: str, flags: int) -> int:
        return os.open(f"instances/{self.name}/{path}", flags | os.O_CLOEXEC, dir_fd=self._root)

    def _write(self, path: str, text: str) -> None:
        opened = self._open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(opened, text.encode())
        finally:
            os.close(opened)


def remove_after(end: int, instances: Sequence[Instance]) -> None:
    """Remove the instances once ``end``, a pipe, says that their owner is gone, and their readers too.

    This is the life of a process of its own, which holds nothing else. What the owner has removed already is fine.
    """
    os.read(end, 1)
    left = [instance for instance in instances if instance.root >= 0]
    while left := [each for each in left if not _removed(each.root, each.name)]:
        time.sleep(_OUTLIVED_PAUSE_S)


def name_of(pid: int) -> str:
    """Return the name of the instance that process ``pid`` owns."""
    return f"synscope-{pid}-{_start_of(pid)}-{_pid_namespace()}"


def remove_stale(root: int) -> list[str]:
    """Remove the instances whose owners are gone; return their names. ``root`` is tracefs' root directory.

    One that is still being read stays: the kernel refuses, and nothing of it is touched before.
    """
    opened = os.open("instances", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    try:
        names = os.listdir(opened)  # noqa: PTH208 - a descriptor, not a path
    finally:
        os.close(opened)
    return [name for name in names if _is_stale(name) and _removed(root, name)]


def _is_stale(name: str) -> bool:
    parts = _NAME.fullmatch(name)
    if parts is None or int(parts[3]) != _pid_namespace():
        return False
    return _start_of(int(parts[1])) != int(parts[2])


def _removed(root: int, name: str) -> bool:
    """Remove an instance; whether it is gone."""
    try:
        os.rmdir(f"instances/{name}", dir_fd=root)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _start_of(pid: int) -> int:
    """Return when a process started, in clock ticks since boot; 0 when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[_START_FIELD])


def _pid_namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a link into nsfs, stated, not followed by name


def _kib_of_one(cpus: int) -> int:
    return max(_LEAST_KIB, min(_MOST_KIB, _TOTAL_KIB // cpus))
