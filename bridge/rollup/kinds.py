"""Which series are counters or quantiles, as the series table says.

What a server tells of its metrics is incomplete after a restart, and a series that is a
counter today was one yesterday: what was stored once decides, whatever an answer says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridge.rollup.rows import Bools, Ints

KindsOf: TypeAlias = Callable[[Ints], NDArray[np.str_]]
"""Says of each series id what kind the table calls it."""

_UNKNOWN: Final = "unknown"
_COUNTER: Final = 1
_QUANTILE: Final = 2
_CODES: Final = {"counter": _COUNTER, "summary": _QUANTILE}
_ASKED: Final = 4


class Kinds:
    """Remembers kinds; asks the table for those it has not met.

    Kinds never change but from unknown to known, so the unknown are asked for again.
    """

    def __init__(self, kinds_of: KindsOf) -> None:
        self._kinds_of = kinds_of
        self._codes = np.zeros(0, np.int8)

    def of(self, series_id: Ints) -> tuple[Bools, Bools]:
        """Return which series are counters, and which are quantiles of summaries."""
        codes = self._known(series_id)
        return (codes & _COUNTER) > 0, (codes & _QUANTILE) > 0

    def _known(self, series_id: Ints) -> NDArray[np.int8]:
        size = int(series_id.max(initial=-1)) + 1
        if size > len(self._codes):
            extra = max(size, 2 * len(self._codes)) - len(self._codes)
            self._codes = np.append(self._codes, np.zeros(extra, np.int8))
        news = self._codes[series_id] == 0
        if news.any():
            ids = series_id[news]
            kinds = self._kinds_of(ids)
            codes = np.where(kinds == _UNKNOWN, 0, _ASKED)
            for kind, code in _CODES.items():
                codes[kinds == kind] |= code
            self._codes[ids] = codes
        return self._codes[series_id]
