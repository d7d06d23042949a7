"""Lets the reading and decoding of frames run ahead of what follows them, in a thread of its own.

Input: batches, and what is to be done with each first. Output: the same batches, in order, prepared.

Both halves spend their time in compiled loops that need no interpreter, so on two processors they overlap.
What the source yields must stay as it is until ``rooms`` - 1 more have been asked for (see ``Reader``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue

from synscope.engine.batch import Batch

_Room = tuple[bytearray, Batch]


def read_ahead(
    batches: Iterator[_Room], prepare: Callable[[bytearray, Batch], None], rooms: int
) -> Generator[_Room]:
    """Yield what ``batches`` yields after ``prepare`` was called for it.

    An exception of either is raised here, after everything before it was yielded. Closing the generator
    ends the thread before it returns; a batch is done with when the next one is asked for.
    """
    if rooms < 2:  # noqa: PLR2004
        raise ValueError("reading ahead needs at least two rooms")
    free: SimpleQueue[None] = SimpleQueue()  # a semaphore, but without a lock held by the interpreter
    for _ in range(rooms - 1):
        free.put(None)
    ready: SimpleQueue[_Room | BaseException | None] = SimpleQueue()
    closing = False

    def work() -> None:
        try:
            while True:
                free.get()
                room = None if closing else next(batches, None)
                if room is None:
                    break
                prepare(*room)
                ready.put(room)
        except BaseException as error:  # noqa: BLE001 - raised again where the batches are asked for
            ready.put(error)
        else:
            ready.put(None)

    thread = threading.Thread(target=work, name="synscope-read-ahead", daemon=True)
    thread.start()
    try:
        while (room := ready.get()) is not None:
            if isinstance(room, BaseException):
                raise room
            yield room
            free.put(None)
    finally:
        closing = True
        free.put(None)
        thread.join()
