from __future__ import annotations

import threading
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bridge.sources.base import SourceError
from bridge.sources.fetchers import Fetchers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_every_job_is_answered_once() -> None:
    with closing(Fetchers(3, "test")) as fetchers:
        jobs = [lambda number=number: number**2 for number in range(20)]
        assert sorted(fetchers.run(jobs)) == [number**2 for number in range(20)]
        assert list(fetchers.run([])) == []


@pytest.mark.setting("sources.prometheus.fetchers")
@pytest.mark.parametrize("threads", [1, 3])
def test_as_many_jobs_run_at_once_as_set(threads: int) -> None:
    together = threading.Barrier(threads + 1)

    def job() -> int:
        together.wait(10)
        return threading.get_ident()

    with closing(Fetchers(threads, "test")) as fetchers:
        results = fetchers.run([job] * threads)
        waiting = threading.Thread(target=together.wait, args=(10,))
        waiting.start()
        assert len(set(results)) == threads
        waiting.join()
    assert not together.broken


def test_jobs_are_begun_only_a_little_ahead_of_their_use() -> None:
    begun: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(100):
            begun.append(number)
            yield partial(abs, number)

    with closing(Fetchers(2, "test")) as fetchers:
        results = fetchers.run(jobs())
        for used in range(1, 10):
            next(results)
            assert len(begun) <= used + 2 + 1
        results.close()  # type: ignore[attr-defined]  # a generator
        assert len(begun) < 100


def test_an_error_ends_the_run_when_no_job_runs_any_more() -> None:
    running = threading.Event()
    ended = threading.Event()

    def fail() -> None:
        running.wait(10)
        raise RuntimeError("broken")

    def linger() -> None:
        running.set()
        ended.wait(0.05)
        ended.set()

    with closing(Fetchers(2, "test")) as fetchers:
        with pytest.raises(RuntimeError, match="broken"):
            list(fetchers.run([fail, linger]))
        assert ended.is_set()
        assert list(fetchers.run([lambda: 1])) == [1]


def test_no_thread_starts_before_the_first_job() -> None:
    before = threading.active_count()
    with closing(Fetchers(4, "test")):
        assert threading.active_count() == before


def test_closing_ends_a_run_in_another_thread() -> None:
    fetchers = Fetchers(1, "test")
    begun, go_on = threading.Event(), threading.Event()
    raised: list[SourceError] = []

    def job() -> None:
        begun.set()
        go_on.wait(10)

    def run() -> None:
        try:
            list(fetchers.run([job] * 5))
        except SourceError as error:
            raised.append(error)

    running = threading.Thread(target=run)
    running.start()
    assert begun.wait(10)
    fetchers.close()
    go_on.set()
    running.join(10)
    assert [str(error) for error in raised] == ["the source was closed"]
    with pytest.raises(SourceError, match="the source was closed"):
        list(fetchers.run([job]))
