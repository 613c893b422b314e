"""Which coarser windows a window is merged into: of UTC, and of every calendar.

Whoever does a window again has to have all of them merged again (RULES R63, R64).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.rollup.days.calendars import Calendar, Period
    from bridge.rollup.windows import Window


@dataclass(frozen=True, slots=True)
class Above:
    """The windows above others, with the days of some calendars."""

    calendars: tuple[Calendar, ...] = ()

    def of(self, window: Window) -> Iterator[tuple[str, int]]:
        """Yield what is merged from a window: resolutions as in the ledger, starts."""
        parent = window.parent()
        if parent is not None:
            yield parent.resolution.value, parent.start
        for calendar, day in self.days(window):
            yield calendar.resolution, day.start

    def days(self, window: Window) -> Iterator[tuple[Calendar, Period]]:
        """Yield the local days that are merged from a window, and from no finer one."""
        for calendar in self.calendars:
            day = calendar.holding(window.start)
            if day.built_from is window.resolution:
                yield calendar, day


OF_UTC: Final = Above()
"""The hours and days of UTC alone."""
