"""How far the values of a series may fall without having been reset (R30)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bridge.rollup.steps import Falls
from bridge.sources.matching import matching

if TYPE_CHECKING:
    from bridge.rollup.rows import Ints
    from runtime.rollup_settings import Dip

Describe: TypeAlias = Callable[[Sequence[int]], Sequence[tuple[str, Mapping[str, str]]]]
"""Answers the metric and the labels of series by their ids."""


class Tolerances:
    """Remembers what is tolerated of which series; the first rule that fits decides.

    Raises ValueError for a rule whose selector is none.
    """

    def __init__(self, dips: Sequence[Dip], describe: Describe) -> None:
        self._rules = [(matching(dip.match), dip) for dip in dips]
        self._describe = describe
        self._known = Falls(np.zeros(0), np.zeros(0, np.bool_))
        self._asked = np.zeros(0, np.bool_)

    def of(self, series_id: Ints) -> Falls | None:
        """Return what is tolerated of some series, None where nothing is of any."""
        if not self._rules or not len(series_id):
            return None
        self._grow(int(series_id.max()) + 1)
        new = series_id[~self._asked[series_id]]
        described = self._describe(new.tolist())
        for number, (metric, labels) in zip(new.tolist(), described, strict=True):
            for matches, dip in self._rules:
                if matches(metric, labels):
                    self._known.tolerance[number] = dip.tolerance
                    self._known.subtracted[number] = dip.adds == "difference"
                    break
        self._asked[new] = True
        falls = self._known.of(series_id)
        return falls if falls.tolerance.any() else None

    def _grow(self, size: int) -> None:
        if size > len(self._asked):
            extra = max(size, 2 * len(self._asked)) - len(self._asked)
            more = np.zeros(extra, np.bool_)
            self._asked = np.append(self._asked, more)
            self._known = Falls(
                np.append(self._known.tolerance, np.zeros(extra)),
                np.append(self._known.subtracted, more),
            )
