from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.otlp.counts import Counts
from exporter.otlp.outbox import Outbox, Push


def push(points: int) -> Push:
    return Push(b"", points)


def dropped(counts: Counts) -> dict[str, float]:
    (family,) = [f for f in counts.families(0) if "dropped" in f.metric.name]
    return {reason: value for (reason,), value in family.samples if value}


@pytest.mark.setting("exporter.otlp.queue")
def test_the_oldest_is_dropped_and_counted() -> None:
    counts = Counts()
    outbox = Outbox(2, counts)
    for points in (1, 20, 300):
        outbox.put(push(points))
    assert len(outbox) == 2
    assert dropped(counts) == {"queue_full": 1}
    assert outbox.take() == push(20)
    assert len(outbox) == 2
    outbox.done()
    assert len(outbox) == 1


def test_what_was_taken_goes_back_to_its_place_if_there_is_room() -> None:
    counts = Counts()
    outbox = Outbox(2, counts)
    outbox.put(push(1))
    taken = outbox.take()
    assert taken is not None
    outbox.put(push(2))
    outbox.back(taken)
    assert outbox.take() == push(1)
    outbox.put(push(3))
    outbox.back(push(1))
    assert dropped(counts) == {"queue_full": 1}
    assert outbox.take() == push(2)


def test_who_takes_waits_for_something_or_for_the_end() -> None:
    outbox = Outbox(2, Counts())
    taken: list[Push | None] = []
    thread = threading.Thread(
        target=lambda: taken.extend([outbox.take(), outbox.take()])
    )
    thread.start()
    outbox.put(push(1))
    outbox.close()
    thread.join()
    assert taken == [push(1), None]


def test_closed_it_hands_out_what_it_has_and_takes_nothing_in() -> None:
    counts = Counts()
    outbox = Outbox(2, counts)
    outbox.put(push(1))
    outbox.close()
    outbox.put(push(20))
    assert outbox.take() == push(1)
    assert dropped(counts) == {"stopped": 20}
    outbox.drop_all()
    assert dropped(counts) == {"stopped": 21}
    assert len(outbox) == 0


@given(st.lists(st.sampled_from(["put", "take", "done", "back"])), st.integers(1, 4))
def test_every_point_is_somewhere(steps: list[str], room: int) -> None:
    counts = Counts()
    outbox = Outbox(room, counts)
    put = done = 0
    taken: Push | None = None
    for step in steps:
        if step == "put":
            put += 1
            outbox.put(push(1))
        elif step == "take" and taken is None and len(outbox):
            taken = outbox.take()
        elif step in {"done", "back"} and taken is not None:
            done += step == "done"
            outbox.done() if step == "done" else outbox.back(taken)
            taken = None
        assert put == done + len(outbox) + sum(dropped(counts).values())
        assert len(outbox) <= room + 1
