"""The clocks by which the kernel stamps what is sent and received."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_LONG_AGO: Final = 100_000


@dataclass(frozen=True, slots=True)
class Clocks:
    """Nanoseconds of the clock by which the kernel stamps, and of one that only rises.

    Echo requests are timed by the kernel's realtime clock; a test gives others.
    """

    realtime: Callable[[], int] = time.time_ns
    monotonic: Callable[[], int] = time.monotonic_ns

    def offset(self) -> int:
        """Return the realtime clock less the monotonic one."""
        for _ in range(3):
            before = self.monotonic()
            realtime = self.realtime()
            after = self.monotonic()
            # Something else may run between the two readings.
            if after - before < _LONG_AGO:
                break
        return realtime - (before + after) // 2
