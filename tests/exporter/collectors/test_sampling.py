from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.base import Family, Metric, NothingHere
from exporter.collectors.sampling import Sampled
from exporter.registry import Registry
from runtime.clock import SystemClock
from tests.exporter.exposition import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.collectors.base import Host
    from tests.fakes import FakeClock

COUNT = Metric("node_count", "gauge", "Samples taken.")


class Counting(Sampled):
    """Counts its samples, and waits for `gate` before each."""

    def __init__(self, host: Host, interval: float = 0.001) -> None:
        super().__init__(host, interval)
        self.count = 0
        self.gate = threading.Event()
        self.gate.set()
        self.enough = threading.Event()
        self.error: Exception | None = None

    def measure(self) -> Sequence[Family]:
        self.gate.wait()
        self.count += 1
        if self.count >= 3:
            self.enough.set()
        if self.error is not None:
            raise self.error
        return [COUNT.of(self.count)]


@pytest.fixture
def running(empty_host: Host) -> Iterator[Counting]:
    """A collector on the clock of the machine, which is stopped in the end."""
    collector = Counting(dataclasses.replace(empty_host, clock=SystemClock()))
    yield collector
    collector.gate.set()
    collector.stop()


def test_one_that_is_not_started_measures_when_it_is_asked(
    empty_host: Host, clock: FakeClock
) -> None:
    collector = Counting(empty_host)
    assert collector.age is None
    assert [values(collector.collect())["node_count"][()] for _ in range(2)] == [1, 2]
    clock.advance(7)
    assert collector.age == 7


def test_one_that_is_started_measures_whether_it_is_asked_or_not(
    running: Counting,
) -> None:
    running.start()
    assert running.enough.wait(30)
    running.stop()
    count = running.count
    assert values(running.collect())["node_count"] == {(): count}
    assert running.count == count


def test_the_first_scrape_waits_for_the_first_sample(running: Counting) -> None:
    running.gate.clear()
    running.start()
    opened = threading.Timer(0.05, running.gate.set)
    opened.start()
    assert values(running.collect())["node_count"][()] >= 1
    opened.join()


def test_a_first_sample_that_hangs_is_a_failure(empty_host: Host) -> None:
    quick = dataclasses.replace(empty_host, clock=SystemClock(), deadline=0.01)
    collector = Counting(quick)
    collector.gate.clear()
    collector.start()
    with pytest.raises(TimeoutError, match="first sample is not there yet"):
        collector.collect()
    collector.gate.set()
    collector.stop()


@pytest.mark.parametrize("error", [NothingHere("none"), OSError("broken")])
def test_what_a_sample_raises_is_raised_to_who_asks(
    empty_host: Host, error: Exception
) -> None:
    collector = Counting(empty_host)
    collector.error = error
    with pytest.raises(type(error), match=str(error)):
        collector.collect()
    collector.error = None
    assert values(collector.collect())["node_count"] == {(): 2}


def test_a_sample_that_is_far_too_old_is_not_served(
    running: Counting, empty_host: Host, clock: FakeClock
) -> None:
    running.start()
    running.collect()
    running.stop()
    running._host = dataclasses.replace(empty_host, clock=clock)
    clock.advance(SystemClock().monotonic() + 100)
    with pytest.raises(TimeoutError, match=r"the last sample is \d+ s old"):
        running.collect()


def test_the_age_of_samples_is_a_metric(empty_host: Host) -> None:
    registry = Registry(
        {"counting": Counting(empty_host)}, deadline=5, clock=SystemClock()
    )
    found = values(registry.scrape(["counting"]).families)
    assert found["epimetheus_exporter_sample_age_seconds"] == {("counting",): 0}


def test_the_registry_starts_and_stops_those_that_sample(running: Counting) -> None:
    registry = Registry({"counting": running}, deadline=5, clock=SystemClock())
    registry.start()
    assert running.enough.wait(30)
    registry.stop()
    count = running.count
    assert values(registry.scrape(["counting"]).families)["node_count"] == {(): count}
