"""Time as an argument: nothing below a program's start asks the system for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading


class Clock(Protocol):
    """What tells the time and waits."""

    def now(self) -> float:
        """Return the seconds since 1970, UTC; may step when the clock is set."""

    def monotonic(self) -> float:
        """Return seconds that only rise, for durations."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event or for that long; return whether the event is set."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Return the seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only rise."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event or for that long; return whether the event is set."""
        return event.wait(max(seconds, 0.0))
