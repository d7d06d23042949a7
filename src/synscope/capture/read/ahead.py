"""Lets the reading and decoding of frames run ahead of what follows them, in a thread of its own.

Input: batches, and what is to be done with each first. Output: the same batches, in order, prepared.

Both halves spend their time in compiled loops that need no interpreter, so on two processors they overlap.
What the source yields must stay as it is until ``buffers`` - 1 more have been asked for (see ``CaptureReader``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue

from synscope.engine.batch import Batch

_Filled = tuple[bytearray, Batch]


def read_ahead(
    batches: Iterator[_Filled], prepare: Callable[[bytearray, Batch], None], buffers: int
) -> Generator[_Filled]:
    """Yield what ``batches`` yields after ``prepare`` was called for it.

    An exception of either is raised here, after everything before it was yielded. Closing the generator
    ends the thread before it returns; a batch is done with when the next one is asked for.
    """
    if buffers < 2:  # noqa: PLR2004
        raise ValueError("reading ahead needs at least two buffers")
    free: SimpleQueue[None] = SimpleQueue()  # a semaphore, but without a lock held by the interpreter
    for _ in range(buffers - 1):
        free.put(None)
    ready: SimpleQueue[_Filled | BaseException | None] = SimpleQueue()
    closing = False

    def work() -> None:
        try:
            while True:
                free.get()
                filled = None if closing else next(batches, None)
                if filled is None:
                    break
                prepare(*filled)
                ready.put(filled)
        except BaseException as error:  # noqa: BLE001 - raised again where the batches are asked for
            ready.put(error)
        else:
            ready.put(None)

    thread = threading.Thread(target=work, name="synscope-read-ahead", daemon=True)
    thread.start()
    try:
        while (filled := ready.get()) is not None:
            if isinstance(filled, BaseException):
                raise filled
            yield filled
            free.put(None)
    finally:
        closing = True
        free.put(None)
        thread.join()
