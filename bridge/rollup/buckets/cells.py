"""Exponential histograms in columns, and how they add up.

Histograms of different resolution meet at the coarser one, and those with different
zero buckets at the wider one (R52), which always ends where a bucket ends. Both ways
of losing resolution can be taken at once or one after the other, so that sums do not
depend on their grouping (R54).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from bridge.rollup.buckets.exponents import coarser, index_of, upper_bounds

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Floats, Ints

_HALF: Final = 1 << 30
_SPAN: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Cells:
    """Histograms, and the buckets of all of them that are not empty.

    `schema`, `threshold`, `zero` and `count` have an entry per histogram: resolution,
    where the zero bucket ends, what is in it, and observations with those that are no
    numbers and in no bucket. Cell j is bucket `index[j]` of the histogram `owner[j]`,
    among its negative ones if `negative[j]`, and holds `number[j]`. Cells are sorted by
    owner, sign and index, each once.
    """

    schema: Ints
    threshold: Floats
    zero: Floats
    count: Floats
    owner: Ints
    negative: Bools
    index: Ints
    number: Floats

    def __len__(self) -> int:
        return len(self.schema)

    def take(self, chosen: Ints) -> Self:
        """Return the chosen histograms, which must rise."""
        place = np.full(len(self), -1)
        place[chosen] = np.arange(len(chosen))
        cells = place[self.owner] >= 0
        return type(self)(
            self.schema[chosen],
            self.threshold[chosen],
            self.zero[chosen],
            self.count[chosen],
            place[self.owner[cells]],
            self.negative[cells],
            self.index[cells],
            self.number[cells],
        )

    def moved(self, places: Ints) -> Self:
        """Return the same histograms in another order: i goes to `places[i]`."""
        source = np.argsort(places)
        cells = tidy(places[self.owner], self.negative, self.index, self.number)
        return type(self)(
            self.schema[source],
            self.threshold[source],
            self.zero[source],
            self.count[source],
            *cells,
        )

    @classmethod
    def join(cls, parts: list[Cells]) -> Self:
        """Return the histograms of all parts, one after the other."""
        shifts = np.cumsum([0, *map(len, parts)])
        return cls(
            np.concatenate([part.schema for part in parts]),
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.zero for part in parts]),
            np.concatenate([part.count for part in parts]),
            np.concatenate(
                [part.owner + shift for part, shift in zip(parts, shifts, strict=False)]
            ),
            np.concatenate([part.negative for part in parts]),
            np.concatenate([part.index for part in parts]),
            np.concatenate([part.number for part in parts]),
        )


def tidy(
    owner: Ints, negative: Bools, index: Ints, number: Floats
) -> tuple[Ints, Bools, Ints, Floats]:
    """Return cells as `Cells` wants them: sorted, added up, without empty ones."""
    key = (owner * 2 + negative) * _SPAN + (index + _HALF)
    if np.any(key[1:] <= key[:-1]):
        order = np.argsort(key, kind="stable")
        key, number = key[order], number[order]
        is_new = np.ones(len(key), np.bool_)
        is_new[1:] = key[1:] != key[:-1]
        begin = np.flatnonzero(is_new)
        number = np.add.reduceat(number, begin) if len(begin) else number
        key = key[begin]
    kept = number != 0
    key, number = key[kept], number[kept]
    side = key // _SPAN
    return side // 2, side % 2 == 1, key % _SPAN - _HALF, number


def total(cells: Cells, group: Ints, groups: int) -> Cells:
    """Return what the histograms of each group add up to; each group has one."""
    schema = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(schema, group, cells.schema)
    threshold = np.zeros(groups)
    np.maximum.at(threshold, group, cells.threshold)
    reduced = reduce(cells, schema[group], threshold[group])
    threshold = np.zeros(groups)
    np.maximum.at(threshold, group, reduced.threshold)
    zero, count = np.zeros(groups), np.zeros(groups)
    np.add.at(zero, group, reduced.zero)
    np.add.at(count, group, reduced.count)
    merged = tidy(group[reduced.owner], reduced.negative, reduced.index, reduced.number)
    return Cells(schema, threshold, zero, count, *merged)


def reduce(cells: Cells, schema: Ints, threshold: Floats) -> Cells:
    """Return the histograms at resolutions no finer and zero buckets no narrower.

    A zero bucket is widened to the end of the bucket in which it would end.
    """
    index = coarser(cells.index, (cells.schema - schema)[cells.owner])
    zero_index = np.full(len(cells), -_HALF)
    some = threshold > 0
    for one in np.unique(schema[some]).tolist():
        chosen = some & (schema == one)
        zero_index[chosen] = index_of(threshold[chosen], one)
    wide = np.where(some, upper_bounds(zero_index, schema), 0.0)
    swallowed = index <= zero_index[cells.owner]
    zero = cells.zero.copy()
    np.add.at(zero, cells.owner[swallowed], cells.number[swallowed])
    rest = ~swallowed
    kept = tidy(
        cells.owner[rest], cells.negative[rest], index[rest], cells.number[rest]
    )
    return Cells(schema, wide, zero, cells.count, *kept)
