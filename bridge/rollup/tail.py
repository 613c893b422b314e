"""The last values before a window: what a counter's first step is measured from.

Only values that stand in committed rows count, never what a process happens to
remember, so that a killed and restarted bridge computes the same rows (RULES R26).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bridge.rollup.rows import Floats, Ints, Rows

LastBefore: TypeAlias = Callable[[Ints, int], Floats]
"""Answers the newest value of each series before a minute from rows, NaN if none.

It must not look behind windows that are still to be done: the true predecessor may lie
in one of them.
"""


class Tail:
    """Last values by series id, valid for the window that starts at `start`."""

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
        self._values = np.full(0, np.nan)
        self._asked = np.zeros(0, dtype=np.bool_)

    def values(self, series_id: Ints) -> Floats:
        """Return the last value of each series before the window, NaN if unknown."""
        self._grow(series_id)
        unasked = series_id[~self._asked[series_id]]
        if len(unasked):
            self._asked[unasked] = True
            if self._last_before is not None:
                self._values[unasked] = self._last_before(unasked, self.start)
        values: Floats = self._values[series_id]
        return values

    def advance(self, start: int, committed: list[Rows]) -> None:
        """Move on to the next window once the rows of this one are committed."""
        self.start = start
        for rows in committed:
            self._grow(rows.series_id)
            known = ~np.isnan(rows.last)
            ids = rows.series_id[known]
            self._values[ids] = rows.last[known]
            self._asked[ids] = True

    def _grow(self, series_id: Ints) -> None:
        size = int(series_id.max(initial=-1)) + 1
        if size > len(self._values):
            extra = max(size, 2 * len(self._values)) - len(self._values)
            self._values = np.append(self._values, np.full(extra, np.nan))
            self._asked = np.append(self._asked, np.zeros(extra, dtype=np.bool_))
