from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from runtime.clock import SystemClock
from runtime.scheduler import Beat, Job, Scheduler
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = 1_700_049_600.0


@dataclass
class Heard:
    beats: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def scheduler(self, clock: FakeClock | SystemClock) -> Scheduler:
        return Scheduler(
            clock,
            on_beat=lambda name: self.beats.update([name]),
            on_skip=lambda name, count: self.skipped.update({name: count}),
            on_failure=lambda name: self.failed.update([name]),
            patience=5.0,
            expected=(OSError,),
        )


def runs(
    clock: FakeClock,
    beat: Beat,
    count: int,
    heard: Heard,
    during: Callable[[int], None] = lambda _run: None,
) -> list[float]:
    """Run a job that many times in this thread; return the times relative to noon."""
    scheduler = heard.scheduler(clock)
    times: list[float] = []

    def job() -> None:
        times.append(clock.now() - NOON)
        if len(times) == count:
            scheduler.stop()
        during(len(times))

    scheduler.run(Job("job", beat, job))
    return times


def test_beats_are_multiples_of_the_interval_whenever_the_start_was() -> None:
    heard = Heard()
    times = runs(FakeClock(NOON + 7.3), Beat(15.0), 4, heard)
    assert times == [15.0, 30.0, 45.0, 60.0]
    assert heard == Heard(beats=Counter(job=4))


def test_an_offset_moves_every_beat() -> None:
    times = runs(FakeClock(NOON + 2.0), Beat(15.0, offset=1.5), 3, Heard())
    assert times == [16.5, 31.5, 46.5]


def test_a_start_on_the_beat_waits_for_the_next_one() -> None:
    assert runs(FakeClock(NOON), Beat(15.0), 1, Heard()) == [15.0]


def test_jobs_that_take_time_do_not_drift() -> None:
    clock, heard = FakeClock(NOON), Heard()
    times = runs(clock, Beat(10.0), 4, heard, lambda _run: clock.advance(9.9))
    assert times == [10.0, 20.0, 30.0, 40.0]
    assert heard.skipped == {}


def test_a_thousand_beats_of_a_tenth_of_a_second_stay_aligned() -> None:
    clock, heard = FakeClock(NOON), Heard()
    times = runs(clock, Beat(0.1), 1000, heard)
    assert times == pytest.approx([k / 10 for k in range(1, 1001)], abs=1e-6)
    assert heard.skipped == {}


def test_beats_that_fall_into_a_run_are_skipped_and_counted() -> None:
    clock, heard = FakeClock(NOON), Heard()

    def first_takes_long(run: int) -> None:
        if run == 1:
            clock.advance(25.0)

    times = runs(clock, Beat(10.0), 3, heard, first_takes_long)
    assert times == [10.0, 40.0, 50.0]
    assert heard == Heard(beats=Counter(job=3), skipped=Counter(job=2))


def test_a_job_that_raises_is_counted_and_beats_again() -> None:
    heard = Heard()

    def fail(run: int) -> None:
        if run < 3:
            raise ValueError("no")

    assert runs(FakeClock(NOON), Beat(10.0), 3, heard, fail) == [10.0, 20.0, 30.0]
    assert heard == Heard(beats=Counter(job=3), failed=Counter(job=2))


def test_an_expected_failure_is_said_in_one_line_whenever_its_text_changes() -> None:
    heard = Heard()
    outcomes: list[Exception | None] = [
        OSError("the disk is full"),
        OSError("the disk is full"),
        OSError("the disk is gone"),
        None,
        OSError("the disk is gone"),
        ValueError("no"),
        None,
        None,
    ]

    def fail(run: int) -> None:
        if (error := outcomes[run - 1]) is not None:
            raise error

    with structlog.testing.capture_logs() as logs:
        runs(FakeClock(NOON), Beat(10.0), len(outcomes), heard, fail)

    failed = {"event": "job failed", "log_level": "error", "job": "job"}
    assert logs == [
        {**failed, "error": "the disk is full"},
        {**failed, "error": "the disk is gone"},
        {"event": "job works again", "log_level": "info", "job": "job"},
        {**failed, "error": "the disk is gone"},
        {**failed, "exc_info": True},
    ]
    assert heard == Heard(beats=Counter(job=8), failed=Counter(job=5))


class JumpingClock(FakeClock):
    """A clock that somebody sets while it is waited for."""

    def __init__(self, now: float, jump: float) -> None:
        super().__init__(now)
        self.jump = jump

    def wait(self, event: threading.Event, seconds: float) -> bool:
        jump, self.jump = self.jump, 0.0
        self._now += jump
        return super().wait(event, seconds)


def test_a_clock_that_is_set_forward_skips_and_runs_once() -> None:
    heard = Heard()
    times = runs(JumpingClock(NOON, jump=33.0), Beat(10.0), 2, heard)
    assert times == [43.0, 50.0]
    assert heard == Heard(beats=Counter(job=2), skipped=Counter(job=3))


def test_a_clock_that_is_set_back_is_followed() -> None:
    heard = Heard()
    times = runs(JumpingClock(NOON, jump=-3600.0), Beat(10.0), 2, heard)
    assert times == [-3580.0, -3570.0]
    assert heard == Heard(beats=Counter(job=2))


def test_a_long_wait_reads_the_clock_every_minute() -> None:
    waits: list[float] = []

    class Watched(FakeClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            waits.append(seconds)
            return super().wait(event, seconds)

    assert runs(Watched(NOON + 3450.0), Beat(3600.0), 1, Heard()) == [3600.0]
    assert waits[:3] == [60.0, 60.0, 30.0]


@given(
    every=st.floats(0.001, 1e5),
    offset=st.floats(0.0, 1e5),
    now=st.floats(0.0, 4e9),
)
def test_the_newest_beat_is_never_in_the_future(
    every: float, offset: float, now: float
) -> None:
    beat = Beat(every, offset)
    number = beat.number(now)
    assert beat.time(number) <= now < beat.time(number + 1)


@pytest.mark.parametrize("every", [0.0, -1.0, float("nan"), float("inf")])
def test_an_interval_that_is_not_positive_is_refused(every: float) -> None:
    with pytest.raises(ValueError, match="a job cannot run every"):
        Heard().scheduler(FakeClock()).add("x", every, lambda: None)


def test_a_name_is_given_once() -> None:
    scheduler = Heard().scheduler(FakeClock())
    scheduler.add("x", 1.0, lambda: None)
    with pytest.raises(ValueError, match="job 'x' is there already"):
        scheduler.add("x", 2.0, lambda: None)


def test_jobs_are_added_before_start() -> None:
    scheduler = Heard().scheduler(SystemClock())
    scheduler.add("x", 3600.0, lambda: None)
    scheduler.start()
    try:
        with pytest.raises(RuntimeError, match="job 'y' was added after start"):
            scheduler.add("y", 1.0, lambda: None)
    finally:
        scheduler.stop()


def test_building_and_adding_start_no_thread() -> None:
    before = threading.active_count()
    Heard().scheduler(SystemClock()).add("x", 0.01, lambda: None)
    assert threading.active_count() == before


def test_a_slow_job_holds_up_no_other() -> None:
    heard = Heard()
    scheduler = heard.scheduler(SystemClock())
    release, slow_runs, quick_ran = (
        threading.Event(),
        threading.Event(),
        threading.Event(),
    )

    def slow() -> None:
        slow_runs.set()
        release.wait(10)

    def quick() -> None:
        if slow_runs.is_set():
            quick_ran.set()

    scheduler.add("slow", 0.01, slow)
    scheduler.add("quick", 0.01, quick)
    scheduler.start()
    try:
        assert quick_ran.wait(10)
    finally:
        release.set()
        scheduler.stop()
    assert heard.beats["slow"] == 1


def test_stop_waits_for_the_run_at_hand_and_starts_no_other() -> None:
    heard = Heard()
    scheduler = heard.scheduler(SystemClock())
    running, finished = threading.Event(), threading.Event()

    def job() -> None:
        running.set()
        scheduler._stop.wait(10)
        finished.set()

    scheduler.add("job", 0.01, job)
    scheduler.start()
    assert running.wait(10)
    scheduler.stop()
    assert finished.is_set()
    assert heard.beats == {"job": 1}
    assert not any(thread.name == "job" for thread in threading.enumerate())


def test_stop_does_not_wait_for_ever() -> None:
    clock = SystemClock()
    scheduler = Scheduler(
        clock, lambda _name: None, lambda _name, _count: None, patience=0.05
    )
    running, release = threading.Event(), threading.Event()

    def hangs() -> None:
        running.set()
        release.wait(10)

    scheduler.add("hangs", 0.01, hangs)
    scheduler.start()
    assert running.wait(10)
    scheduler.stop()
    (thread,) = (t for t in threading.enumerate() if t.name == "hangs")
    assert thread.is_alive()
    release.set()
    thread.join(10)


def test_stop_before_start_is_harmless() -> None:
    Heard().scheduler(SystemClock()).stop()
