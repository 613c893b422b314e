"""The last samples before a window: what a counter's first step is measured from.

Only what stands in committed rows counts, never what a process happens to remember, so
that a killed and restarted bridge computes the same rows (RULES R26).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from bridge.rollup.rows import Blobs, Floats, Ints, Rows, no_blobs

if TYPE_CHECKING:
    from typing import Self


class Newest(Protocol):
    """The newest samples of some series, as `Previous` holds them."""

    @property
    def values(self) -> Floats:
        """Their values."""

    @property
    def times(self) -> Ints:
        """Their times."""

    @property
    def buckets(self) -> Blobs:
        """The buckets of their rows."""


LastBefore: TypeAlias = Callable[[Ints, int], Newest]
"""Answers the newest sample of each series before a minute from rows.

It must not look behind windows that are still to be done: the true predecessor may lie
in one of them.
"""


@dataclass(frozen=True, slots=True)
class Previous:
    """The newest sample of each of some series before a window.

    `values` are NaN and `times`, UTC milliseconds, are 0 where none is known.
    `buckets` are those of the rows they stand in, None where a row has none.
    """

    values: Floats
    times: Ints
    buckets: Blobs

    @classmethod
    def unknown(cls, series: int) -> Self:
        """Return that of series of which nothing is known."""
        return cls(
            np.full(series, np.nan), np.zeros(series, np.int64), no_blobs(series)
        )


class Tail:
    """Last samples by series id, valid for the window that starts at `start`."""

    def __init__(
        self, start: int, run: int | None, last_before: LastBefore | None
    ) -> None:
        """Know nothing yet.

        `run` is where the unbroken run of finished windows before `start` begins, as
        `Agenda.run_start` says; `last_before` is None where no finished window
        precedes `start`.
        """
        self.start = start
        self.run = run
        self._last_before = last_before
        self._known = Previous.unknown(0)
        self._asked = np.zeros(0, dtype=np.bool_)

    def previous(self, series_id: Ints) -> Previous:
        """Return the last sample of each series before the window."""
        self._grow(series_id)
        unasked = series_id[~self._asked[series_id]]
        known = self._known
        if len(unasked):
            self._asked[unasked] = True
            if self._last_before is not None:
                found = self._last_before(unasked, self.start)
                self._put(unasked, found.values, found.times, found.buckets)
        return Previous(
            known.values[series_id], known.times[series_id], known.buckets[series_id]
        )

    def advance(self, start: int, committed: list[Rows]) -> None:
        """Move on to the next window once the rows of this one are committed."""
        self.start = start
        for rows in committed:
            self._grow(rows.series_id)
            known = ~np.isnan(rows.last)
            ids = rows.series_id[known]
            times = rows.start[known] * 1000 + rows.last_offset[known]
            self._put(ids, rows.last[known], times, rows.buckets[known])
            self._asked[ids] = True

    def _put(self, ids: Ints, values: Floats, times: Ints, buckets: Blobs) -> None:
        self._known.values[ids] = values
        self._known.times[ids] = times
        self._known.buckets[ids] = buckets

    def _grow(self, series_id: Ints) -> None:
        size = int(series_id.max(initial=-1)) + 1
        if size > len(self._asked):
            extra = max(size, 2 * len(self._asked)) - len(self._asked)
            old, new = self._known, Previous.unknown(extra)
            self._known = Previous(
                np.append(old.values, new.values),
                np.append(old.times, new.times),
                np.append(old.buckets, new.buckets),
            )
            self._asked = np.append(self._asked, np.zeros(extra, dtype=np.bool_))
