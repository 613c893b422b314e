from __future__ import annotations

import threading
import time

import pytest

from runtime.clock import Clock, SystemClock
from tests.fakes import FakeClock


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_waiting_ends_when_the_time_is_over(clock: Clock) -> None:
    before = clock.monotonic()
    assert clock.wait(threading.Event(), 0.01) is False
    assert clock.monotonic() >= before + 0.01


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
@pytest.mark.parametrize("seconds", [-1.0, 0.0, 3600.0])
def test_waiting_ends_at_once_when_the_event_is_set(
    clock: Clock, seconds: float
) -> None:
    event = threading.Event()
    event.set()
    assert clock.wait(event, seconds) is True


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_a_time_that_is_past_is_not_waited_for(clock: Clock) -> None:
    assert clock.wait(threading.Event(), -5.0) is False


def test_the_system_clock_counts_from_1970_in_utc() -> None:
    before, now, after = time.time(), SystemClock().now(), time.time()
    assert before <= now <= after
