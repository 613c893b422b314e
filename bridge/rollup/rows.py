"""Rows in columns: what aggregation makes, merging merges and the tables store."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntFlag
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Blobs: TypeAlias = NDArray[np.object_]
"""Of `bytes | None`."""


class Flag(IntFlag):
    """What a reader should know of a row beyond its numbers."""

    BASELINE = 1
    """The first sample had no predecessor to measure a step from (R25c)."""
    NAN = 2
    """Samples that are not a number were left out (R13)."""
    INFINITE = 4
    """Infinite samples are in first, last, min and max, and in sum (R14)."""
    NO_SUM = 8
    """There is no sum: infinities of both signs, too large for a float, or nonsense."""
    IMPRECISE = 16
    """A counter at or beyond 2^53: the source itself loses single steps (R18)."""
    CREATED = 32
    """The first sample counts whole, as the series began in the window (R25a)."""
    APPEARED = 64
    """It counts whole, as its target was scraped before without it (R25b)."""
    ENDED = 128
    """A stale marker ended the series within the window (R11)."""
    DIP = 256
    """Falls within the tolerance were not taken for resets (R30)."""
    DISCARDED = 512
    """A step over too long a gap was left out (R29)."""
    REPAIRED = 1024
    """Buckets that fell from one bound to the next were forced to rise (R50)."""
    LAYOUT = 2048
    """The bounds of a histogram changed (R49)."""
    QUANTILE = 4096
    """Samples are a client's quantiles, of which a sum says nothing (R56)."""
    CORRECTED = 8192
    """Samples that were declared wrong were left out."""
    FOLDED = 16384
    """The row adds up several series beyond the budget (R76)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rollup rows of windows of one resolution, as equally long arrays.

    NaN stands for NULL: in `sum`, `min`, `max`, `first`, `last` of rows without a
    usable sample, in `sum` where `Flag.NO_SUM` is set, and in `increase` of series
    that are no counters. `start` is UTC seconds and `last_offset` the milliseconds from
    there to the last usable sample, 0 if there is none. `gap` is the longest time, in
    milliseconds, over which samples of a counter are missing that ended in the window,
    0 if none are. `changes` counts the samples whose value is not that of the one
    before them in the window. `buckets` are what `bridge.rollup.buckets.blobs` makes of
    distributions. At most one row per (series_id, start).
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
    buckets: Blobs
    last_offset: Ints
    gap: Ints
    changes: Ints

    def __len__(self) -> int:
        return len(self.series_id)

    def take(self, chosen: Ints | Bools | slice) -> Self:
        """Return the chosen rows, in the order of their indices."""
        return type(self)(*(column[chosen] for column in self.columns()))

    def columns(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Self:
        """Return the rows of all parts, one after the other; none for no parts."""
        columns = zip(*(part.columns() for part in (_NONE, *parts)), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


_NO_INTS: Ints = np.empty(0, np.int64)
_NO_FLOATS: Floats = np.empty(0, np.float64)
_NO_BLOBS: Blobs = np.empty(0, np.object_)
_NONE = Rows(
    series_id=_NO_INTS,
    start=_NO_INTS,
    count=_NO_INTS,
    sum=_NO_FLOATS,
    min=_NO_FLOATS,
    max=_NO_FLOATS,
    first=_NO_FLOATS,
    last=_NO_FLOATS,
    increase=_NO_FLOATS,
    resets=_NO_INTS,
    expected=_NO_INTS,
    flags=_NO_INTS,
    last_offset=_NO_INTS,
    gap=_NO_INTS,
    changes=_NO_INTS,
    buckets=_NO_BLOBS,
)


def no_blobs(count: int) -> Blobs:
    """Return the column `buckets` of rows without any."""
    return np.full(count, None, np.object_)
