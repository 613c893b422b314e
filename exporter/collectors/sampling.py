"""Collectors that cost too much for a scrape, which measure in the background instead.

A thread of its own samples every so often, and a scrape is given the last sample. How
old that is stands in the registry's `epimetheus_exporter_sample_age_seconds`; one that
is far too old is a failure, since it says nothing about now.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.collectors.base import Family, Host

_STALE_AFTER: Final = 4
"""Intervals without a new sample, after which the last one is no longer served."""

_STOP_SECONDS: Final = 1.0
"""For a sample at hand to be finished; a thread that hangs ends with the program."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured, or why it could not be, and when on the monotonic clock."""

    at: float
    families: Sequence[Family] = ()
    error: Exception | None = None


class Sampled(ABC):
    """A collector that measures every `interval` seconds between start and stop.

    One that was not started, as with `--once` and in tests, measures when it is asked.
    """

    def __init__(self, host: Host, interval: float) -> None:
        self._host = host
        self._interval = interval
        self._last: Sample | None = None
        self._first = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def measure(self) -> Sequence[Family]:
        """Return what is measured now; raise as a collector does."""

    @property
    def age(self) -> float | None:
        """Seconds since the last sample that succeeded or failed; None before one."""
        last = self._last
        return None if last is None else self._host.clock.monotonic() - last.at

    def collect(self) -> Sequence[Family]:
        """Return the last sample, or raise what it raised.

        The first scrape waits for the first sample. Raises TimeoutError if the last
        sample is too old, which is so when the one at hand hangs.
        """
        if self._thread is None:
            self._sample()
        elif not self._host.clock.wait(self._first, self._host.deadline):
            raise TimeoutError("the first sample is not there yet")
        last, age = self._last, self.age
        if last is None or age is None:
            raise TimeoutError("there is no sample")
        if age > _STALE_AFTER * self._interval + self._host.deadline:
            raise TimeoutError(f"the last sample is {age:.0f} s old")
        if last.error is not None:
            raise last.error
        return last.families

    def start(self) -> None:
        """Sample from now on."""
        self._thread = threading.Thread(
            target=self._run, name=type(self).__name__, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while True:
            self._sample()
            self._first.set()
            if self._host.clock.wait(self._stop, self._interval):
                return

    def _sample(self) -> None:
        try:
            families = self.measure()
        except Exception as error:  # noqa: BLE001 - raised to who asks
            self._last = Sample(self._host.clock.monotonic(), error=error)
        else:
            self._last = Sample(self._host.clock.monotonic(), families)
