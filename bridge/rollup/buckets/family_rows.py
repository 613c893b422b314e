"""Rows of histograms, whichever way they are counted.

What classic and native histograms have in common: which scrapes of a window are usable,
what came before them, and the columns of a row other than its buckets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup import counters
from bridge.rollup.choice import bounds
from bridge.rollup.handover import Seen
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.steps import Run, changes, gaps
from bridge.rollup.summation import sum_runs

if TYPE_CHECKING:
    from bridge.rollup.buckets.family_steps import Decision
    from bridge.rollup.rows import Blobs, Bools, Floats, Ints
    from bridge.rollup.tail import Previous
    from bridge.rollup.windows import Window
    from bridge.sources.base import Families, Natives


@dataclass(frozen=True, slots=True)
class Before:
    """The newest scrape of each series before a window.

    It is the block's own, at `at`, where it is `there`, and otherwise what rows say.
    `observed` is its `_count`, NaN if there is none; `times` and `started` are UTC
    milliseconds, 0 where unknown.
    """

    there: Bools
    at: Ints
    observed: Floats
    times: Ints
    started: Ints

    @classmethod
    def of(  # noqa: PLR0917 - scrapes, and what rows say of before them
        cls,
        block: Families | Natives,
        window: Window,
        usable: Bools,
        observed: Floats,
        stood: Floats,
        previous: Previous,
    ) -> Before:
        """Return it; `observed` are all scrapes of the block, `stood` is of the rows.

        Where rows come from another replica, a series may go on from them; see
        `bridge.rollup.handover`.
        """
        earlier = usable & (block.times < window.start_ms)
        there, at = newest(earlier, block.offsets)
        nothing = np.zeros(len(there), np.int64)
        if not there.any():
            return cls(there, at, stood, previous.times, nothing)
        inside = usable & ~earlier
        seen = Seen.of(observed, block.times, block.offsets, earlier, inside)
        there &= ~seen.goes_on_from(previous.values, previous.times)
        started = nothing if block.started is None else block.started[at]
        return cls(
            there,
            at,
            np.where(there, observed[at], stood),
            np.where(there, block.times[at], previous.times),
            np.where(there, started, 0),
        )


@dataclass(frozen=True, slots=True)
class Scraped:
    """The usable scrapes of a window, of those series that have any.

    `some` says which of the series these are and `seen` counts all scrapes of all. The
    values of `run` are `_count`.
    """

    some: Bools
    seen: Ints
    run: Run

    @classmethod
    def of(
        cls,
        block: Families | Natives,
        window: Window,
        usable: Bools,
        observed: Floats,
        before: Before,
    ) -> Scraped:
        """Return the scrapes of a window; `observed` are all that are `usable`."""
        begin, end = bounds(usable, block.offsets)
        seen_begin, seen_end = bounds(block.times >= window.start_ms, block.offsets)
        some = end > begin
        expected = block.expected[some]
        width_ms = window.end_ms - window.start_ms
        run = Run(
            values=observed,
            times=block.times[usable],
            started=None if block.started is None else block.started[usable],
            begin=begin[some],
            count=(end - begin)[some],
            counter=np.ones(int(some.sum()), np.bool_),
            before=before.observed[some],
            before_times=before.times[some],
            before_started=before.started[some],
            absent=None if block.absent is None else block.absent[some],
            interval_ms=np.where(expected > 0, width_ms // np.maximum(expected, 1), 0),
        )
        return cls(some, seen_end - seen_begin, run)

    @property
    def newest(self) -> Ints:
        """The places of the last scrape of each series."""
        return self.run.begin + self.run.count - 1

    def rows(
        self,
        block: Families | Natives,
        window: Window,
        made: Decision,
        added: Added,
    ) -> Rows:
        """Return a row for each series with a scrape, usable or not."""
        run = self.run
        flags = made.flags | added.flags
        flags[run.any(counters.imprecise(run.values))] |= Flag.IMPRECISE
        flags[added.no_sum] |= Flag.NO_SUM
        total = np.where(
            added.no_sum, np.nan, sum_runs(added.totals, run.begin, run.count)
        )
        series = len(block.series_id)
        rows = Rows(
            series_id=block.series_id,
            start=np.full(series, window.start, np.int64),
            count=self._whole(run.count),
            sum=self._figures(total),
            min=np.full(series, np.nan),
            max=np.full(series, np.nan),
            first=self._figures(run.values[run.begin]),
            last=self._figures(run.values[self.newest]),
            increase=self._figures(sum_runs(added.observations, run.begin, run.count)),
            resets=self._whole(run.tally(made.resets)),
            expected=block.expected,
            flags=self._whole(flags) | self._seen_flags(block, window),
            buckets=self._blobs(added.blobs),
            last_offset=self._whole(run.times[self.newest] - window.start_ms),
            gap=self._whole(gaps(run)),
            changes=self._whole(changes(run)),
        )
        return rows.take(self.seen > 0)

    def _figures(self, values: Floats) -> Floats:
        spread = np.full(len(self.some), np.nan)
        spread[self.some] = values
        return spread

    def _whole(self, numbers: Ints) -> Ints:
        spread = np.zeros(len(self.some), np.int64)
        spread[self.some] = numbers
        return spread

    def _blobs(self, blobs: list[bytes | None]) -> Blobs:
        spread: Blobs = np.full(len(self.some), None, np.object_)
        spread[self.some] = blobs
        return spread

    def _seen_flags(self, block: Families | Natives, window: Window) -> Ints:
        flags = np.zeros(len(self.some), np.int64)
        flags[self.seen > self._whole(self.run.count)] |= Flag.NAN
        if block.ended is not None:
            ended = (block.ended >= window.start_ms) & (block.ended < window.end_ms)
            flags[ended] |= Flag.ENDED
        return flags


@dataclass(frozen=True, slots=True)
class Added:
    """What a window adds: per scrape `observations` and `totals` (`_sum`).

    Per series: `blobs`, `flags`, and `no_sum` where nothing can be said of `_sum`.
    """

    observations: Floats
    totals: Floats
    blobs: list[bytes | None]
    flags: Ints
    no_sum: Bools


def check(block: Families | Natives, window: Window) -> None:
    """Raise ValueError for a scrape at or after the window's end."""
    if np.any(block.times >= window.end_ms):
        late = int(block.times.max())
        raise ValueError(f"a scrape at {late} is not before {window.end_ms}")


def newest(chosen: Bools, offsets: Ints) -> tuple[Bools, Ints]:
    """Return which series have a chosen scrape, and the place of the newest one."""
    begin, end = bounds(chosen, offsets)
    places = np.append(np.flatnonzero(chosen), 0)
    return end > begin, places[np.maximum(end, 1) - 1]
