"""Which series are counters, as the series table says.

What a server tells of its metrics is incomplete after a restart, and a series that is a
counter today was one yesterday: what was stored once decides, whatever an answer says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from bridge.rollup.rows import Bools, Ints

AreCounters: TypeAlias = Callable[[Ints], Bools]
"""Says of each series id whether the table calls it a counter."""


class Kinds:
    """Remembers which series are counters; asks the table for those it has not met."""

    def __init__(self, are_counters: AreCounters) -> None:
        self._are_counters = are_counters
        self._counter = np.zeros(0, dtype=np.bool_)
        self._asked = np.zeros(0, dtype=np.bool_)

    def counters(self, series_id: Ints, said: Bools) -> Bools:
        """Return which series are counters.

        `said` is what the source says: where that is more than is remembered, the
        table is asked again, as a kind may have become known.
        """
        self._grow(series_id)
        news = ~self._asked[series_id] | (said & ~self._counter[series_id])
        if news.any():
            ids = series_id[news]
            self._counter[ids] = self._are_counters(ids)
            self._asked[ids] = True
        counter: Bools = self._counter[series_id]
        return counter

    def _grow(self, series_id: Ints) -> None:
        size = int(series_id.max(initial=-1)) + 1
        if size > len(self._counter):
            extra = max(size, 2 * len(self._counter)) - len(self._counter)
            more = np.zeros(extra, dtype=np.bool_)
            self._counter = np.append(self._counter, more)
            self._asked = np.append(self._asked, more)
