"""The part of an engine that keeps the local days of its source complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.rollup.above import Above
from bridge.rollup.days.local_days import LocalDays, commit_day, finer_windows, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.rollup.days.adoption import Calendars
    from bridge.rollup.days.local_days import Merged
    from bridge.rollup.parts import Parts
    from bridge.rollup.windows import Window

ROWS: Final = 500_000
"""Finer rows after which a turn ends, so that live windows do not wait (RULES R68)."""


class LocalEngine:
    """Works on the local days of one source in the turns that an engine gives it."""

    def __init__(self, source: str, calendars: Calendars, parts: Parts) -> None:
        self._source = source
        self._calendars = calendars
        self._parts = parts
        self._days = LocalDays(parts.db, source)
        self._searched: set[str] = set()

    def above(self) -> Above:
        """Return what knows which windows are above others."""
        return Above(self._calendars.known)

    def search_again(self) -> None:
        """Search the whole ledger for local days that were never done."""
        self._searched.clear()

    def consider(self, window: Window) -> None:
        """Hear that a window of UTC was committed."""
        self._days.consider(window, self.above())

    def work(self, is_stopped: Callable[[], bool]) -> None:
        """Do some of the local days that are due."""
        self._calendars.step()
        ready = self._calendars.ready
        new = [one for one in ready if one.name not in self._searched]
        if new:
            self._days.search(new)
            self._searched.update(one.name for one in new)
            self._settle()
        read = 0
        for day in self._days.due(ready):
            if is_stopped() or read > ROWS:
                return
            merged = self._days.merge(day)
            if merged is not None:
                self._commit(merged)
                read += len(merged.rows) * finer_windows(day)

    def _settle(self) -> None:
        strays = self._days.strays(self._calendars.ready)
        now = int(self._parts.clock.now())
        if strays:
            self._parts.call("settle_days", lambda: settle(self._parts.db, strays, now))

    def _commit(self, merged: Merged) -> None:
        now = int(self._parts.clock.now())
        entry = self._parts.call(
            "commit_local_day",
            lambda: commit_day(self._parts.db, self._source, merged, now),
        )
        resolution = entry.resolution
        self._parts.telemetry.windows.labels(
            self._source, resolution, entry.state
        ).inc()
        self._parts.telemetry.rows.labels(resolution).inc(entry.series)
