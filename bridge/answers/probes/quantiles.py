"""Quantiles of any number of times in bounded memory.

As long as there are not too many the times themselves are kept: quantiles are exact.
Beyond that they are counted in buckets whose bounds grow by 1 %, as DDSketch does
(Masson, Rim, Lee, VLDB 2019): what is told is then within 0.5 % of a true one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT: Final = 1_000_000
"""Times that are kept as they are: 8 MB."""
_GROWTH: Final = math.log(1.01)
_LEAST: Final = 1e-7
"""Seconds; whatever is less counts as this."""
_BUCKETS: Final = 2_600
"""Up to more than 15,000 s."""


class Quantiles:
    """Times that are added, and quantiles of all of them."""

    def __init__(self, exact: int = EXACT) -> None:
        self._exact = exact
        self._kept: list[NDArray[np.float64]] = []
        self._count = 0
        self._counts: NDArray[np.int64] | None = None

    @property
    def is_exact(self) -> bool:
        """Whether quantiles are those of the times themselves."""
        return self._counts is None

    def add(self, seconds: NDArray[np.float64]) -> None:
        """Add times in seconds."""
        self._count += len(seconds)
        if self._counts is not None:
            self._counts += _counted(seconds)
            return
        self._kept.append(seconds)
        if self._count > self._exact:
            self._counts = _counted(np.concatenate(self._kept))
            self._kept.clear()

    def of(self, shares: tuple[float, ...]) -> tuple[float | None, ...]:
        """Return quantiles by shares between 0 and 1, None where nothing was added."""
        if not self._count:
            return (None,) * len(shares)
        if self._counts is None:
            found = np.quantile(np.concatenate(self._kept), shares)
            return tuple(map(float, found))
        ranks = np.array(shares) * (self._count - 1)
        places = np.searchsorted(np.cumsum(self._counts), ranks, side="right")
        return tuple(float(_LEAST * math.exp(_GROWTH * (p + 0.5))) for p in places)


def _counted(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    places = np.log(np.maximum(seconds, _LEAST) / _LEAST) / _GROWTH
    indexes = np.minimum(places.astype(np.int64), _BUCKETS - 1)
    return np.bincount(indexes, minlength=_BUCKETS)
