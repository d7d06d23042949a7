from __future__ import annotations

from synscope.web.log import Log, NextEvent


def log_of(events: int, kept: int = 5) -> Log:
    log = Log(kept)
    for number in range(1, events + 1):
        log.add("update", f'"{number}"', lambda number=number: f'"state {number}"')
    return log


def event(name: str, number: int, json: str) -> bytes:
    return f"event: {name}\nid: {number}\ndata: {json}\n\n".encode()


def test_a_new_reader_gets_the_state_and_then_each_event() -> None:
    log = log_of(3)
    assert log.next(None) == NextEvent(event("whole", 3, '"state 3"'), 3)
    assert log.next(3) is None
    log.add("update", '"4"', lambda: "")
    assert log.next(3) == NextEvent(event("update", 4, '"4"'), 4)


def test_a_reader_that_comes_back_goes_on_where_it_was() -> None:
    log = log_of(5)
    at, read = 2, b""
    while (piece := log.next(at)) is not None:
        at, read = piece.at, read + piece.data
    assert read == event("update", 3, '"3"') + event("update", 4, '"4"') + event("update", 5, '"5"')


def test_one_that_fell_behind_is_told_how_many_it_missed() -> None:
    log = log_of(20)
    assert log.next(15) == NextEvent(event("update", 16, '"16"'), 16)
    assert log.next(14) == NextEvent(event("skipped", 20, "6") + event("whole", 20, '"state 20"'), 20)


def test_a_number_of_another_capture_gets_the_state() -> None:
    assert log_of(3).next(99) == NextEvent(event("whole", 3, '"state 3"'), 3)


def test_nothing_is_made_for_nobody() -> None:
    log = Log()

    def never() -> str:
        raise AssertionError

    log.add("update", "1", never)
    assert log.next(0) == NextEvent(event("update", 1, "1"), 1)


def test_what_is_kept_is_bounded() -> None:
    log = log_of(1000, kept=7)
    assert len(log._kept) == 7


def test_each_event_wakes_and_the_last_one_is_known() -> None:
    log, woken = Log(), []
    log.wake(lambda: woken.append(log.last))
    log.add("update", "1", str)
    assert (woken, log.over) == ([1], False)
    log.add("update", "2", str, last=True)
    assert (woken, log.over) == ([1, 2], True)


def test_the_state_is_made_once_for_all_who_come() -> None:
    log, made = Log(), []
    log.add("update", "1", lambda: str(made.append(1) or len(made)))
    assert [log.next(None) for _ in range(3)] == [NextEvent(event("whole", 1, "1"), 1)] * 3
    log.add("update", "2", lambda: "2")
    assert log.next(None) == NextEvent(event("whole", 2, "2"), 2)
