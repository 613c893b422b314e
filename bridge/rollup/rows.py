"""Rows in columns: what aggregation makes, merging merges and the tables store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


class Flag(IntFlag):
    """What a reader should know of a row beyond its numbers."""

    BASELINE = 1
    """The first sample had no predecessor, so no step was measured from before it."""
    NAN = 2
    """Samples that are not a number were left out (R13)."""
    INFINITE = 4
    """Infinite samples are in first, last, min and max, and in sum (R14)."""
    NO_SUM = 8
    """The sum is undefined (infinities of both signs) and stored as NULL."""
    IMPRECISE = 16
    """A counter beyond 2^53: single steps are lost in the source already (R18)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rollup rows of windows of one resolution, as equally long arrays.

    NaN stands for NULL: in `sum`, `min`, `max`, `first`, `last` of rows without a
    usable sample, and in `increase` of series that are no counters. `start` is UTC
    seconds. At most one row per (series_id, start).
    """

    series_id: Ints
    start: Ints
    count: Ints
    sum: Floats
    min: Floats
    max: Floats
    first: Floats
    last: Floats
    increase: Floats
    resets: Ints
    expected: Ints
    flags: Ints

    def __len__(self) -> int:
        return len(self.series_id)
