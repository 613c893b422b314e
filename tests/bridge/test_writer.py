from __future__ import annotations

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from bridge.telemetry import Telemetry
from bridge.writer import Writer, WriterFull, WriterStopped
from tests.fakes import FakeClock


class Bench:
    """A writer with its registry, and how often its connection was closed."""

    def __init__(self, limit: int = 8) -> None:
        self.registry = CollectorRegistry()
        self.disconnected = 0
        self.writer = Writer(
            Telemetry.create(self.registry), FakeClock(), self._disconnect, limit
        )

    def _disconnect(self) -> None:
        self.disconnected += 1

    def jobs(self, name: str, outcome: str) -> float | None:
        return self.registry.get_sample_value(
            "epimetheus_writer_jobs_total", {"name": name, "outcome": outcome}
        )


def test_jobs_run_in_order_on_one_thread() -> None:
    bench, seen = Bench(), list[tuple[int, str]]()

    def note(number: int) -> None:
        seen.append((number, threading.current_thread().name))

    bench.writer.start()
    for number in range(5):
        bench.writer.call("note", partial(note, number))
    bench.writer.stop()
    assert seen == [(number, "writer") for number in range(5)]
    assert bench.disconnected == 1
    assert bench.jobs("note", "done") == 5


def test_what_a_job_was_about_is_not_kept() -> None:
    class Rows:
        """As large as one likes."""

    bench, gone, rows = Bench(), threading.Event(), Rows()
    weakref.finalize(rows, gone.set)
    bench.writer.start()
    bench.writer.call("write", partial(isinstance, rows, Rows))
    del rows
    assert gone.wait(10)
    bench.writer.stop()


def test_a_job_that_raises_raises_where_it_was_asked_for() -> None:
    bench = Bench()
    bench.writer.start()

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        bench.writer.call("fail", fail)
    assert bench.writer.call("next", lambda: 7) == 7
    bench.writer.stop()
    assert bench.jobs("fail", "failed") == 1


def test_a_full_queue_is_said_at_once_and_counted() -> None:
    bench = Bench(limit=1)
    bench.writer.start()
    busy, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        go_on.wait(10)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(bench.writer.call, "hold", hold)
        assert busy.wait(10)
        second = pool.submit(bench.writer.call, "wait", lambda: 2)
        while bench.writer._jobs.qsize() < 1:
            pass
        with pytest.raises(WriterFull, match="1 jobs wait already"):
            bench.writer.attempt("more", lambda: 3)
        go_on.set()
        first.result(10)
        assert second.result(10) == 2
    bench.writer.stop()
    assert bench.jobs("more", "dropped") == 1


def test_what_is_queued_is_done_before_the_writer_stops() -> None:
    bench, done = Bench(), list[int]()
    bench.writer.start()
    busy, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        go_on.wait(10)

    with ThreadPoolExecutor() as pool:
        pool.submit(bench.writer.call, "hold", hold)
        assert busy.wait(10)
        last = pool.submit(bench.writer.call, "last", lambda: done.append(1))
        while bench.writer._jobs.qsize() < 1:
            pass
        stopping = pool.submit(bench.writer.stop)
        go_on.set()
        stopping.result(10)
        last.result(10)
    assert done == [1]


def test_a_stopped_writer_takes_no_more_jobs() -> None:
    bench = Bench()
    with pytest.raises(WriterStopped):
        bench.writer.call("early", lambda: 1)
    bench.writer.start()
    bench.writer.stop()
    bench.writer.stop()
    with pytest.raises(WriterStopped):
        bench.writer.call("late", lambda: 1)


def test_a_job_that_slips_in_behind_the_end_is_refused_not_lost() -> None:
    bench = Bench()
    bench.writer.start()
    bench.writer.stop()
    bench.writer._closed.clear()
    with pytest.raises(WriterStopped, match="has ended"):
        bench.writer.call("late", lambda: 1)


def test_a_guard_keeps_jobs_from_being_run() -> None:
    guarded: list[Exception] = []

    def guard() -> None:
        if guarded:
            raise guarded.pop()

    writer = Writer(
        Telemetry.create(CollectorRegistry()), FakeClock(), lambda: None, guard=guard
    )
    writer.start()
    ran: list[int] = []
    guarded.append(KeyError("not now"))
    with pytest.raises(KeyError, match="not now"):
        writer.call("one", lambda: ran.append(1))
    writer.call("two", lambda: ran.append(2))
    writer.stop()
    assert ran == [2]
