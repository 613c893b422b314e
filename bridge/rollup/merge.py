"""Rows of finer windows become rows of coarser ones, exactly.

Every column merges by itself: counts and sums add, extremes are compared, the earliest
row with a sample gives `first` and the latest `last`. A step across the border of two
windows belongs to the later one already, so increases add, too (R22, R23). In time
order the merge is associative: a day from hours is the day from minutes (R44).

* `expected` is what the fullest finer row expected, times how many of them the window
  holds: a series that was absent for half of an hour has half coverage.
* Flags add up, but `Flag.BASELINE` is that of the earliest row with a sample: only
  there the window's own first step is missing.
* `sum` is NULL as soon as one row has samples but no sum, and where the sums are
  infinite with both signs or outgrow a float (`Flag.NO_SUM`).
* `increase` is NULL unless one of the rows has one.
* `gap` is the longest of them, `last_offset` that of the latest row with a sample.
* `changes` add up, and one more where a row begins with another value than the row
  before it ended with.
* `buckets` are merged by what they are; see `bridge.rollup.buckets.blobs`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from bridge.rollup.buckets.blobs import Merging
from bridge.rollup.buckets.distinct import estimates
from bridge.rollup.rows import Flag, Floats, Ints, Rows
from bridge.rollup.summation import Sums, positions, without_sum
from bridge.rollup.windows import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.rollup.windows import Resolution


def merge(
    rows: Sequence[Rows], resolution: Resolution, finer: Resolution | None = None
) -> Rows:
    """Return the rows of a resolution that finer rows make up, by series and start.

    The rows may come in any order and from any number of windows. `finer` is their
    resolution, by default the one below; rows of the same resolution stay as they are
    (R43). Raises ValueError where a window occurs twice for a series, and where
    `resolution` is no multiple of `finer`.
    """
    every = Rows.join(rows)
    target = every.start - every.start % resolution.width
    return _merge(every, target, _ratio(resolution, finer))


def merge_spans(rows: Rows, widths: Ints, spans: Sequence[Bounds]) -> Rows:
    """Return the rows that rows of `widths` seconds make up in spans of any length.

    By series and the starts of the spans, which must rise and not overlap. `expected`
    is that of the densest row, for the length of the span. Raises ValueError for a row
    that does not lie in one of the spans as a whole (RULES R6).
    """
    begins = np.array([span.start for span in spans], np.int64)
    ends = np.array([span.end for span in spans], np.int64)
    place = np.searchsorted(begins, rows.start, "right") - 1
    if np.any(place < 0) or np.any(rows.start + widths > ends[place]):
        raise ValueError("a row is not within one of the spans")
    target = begins[place]
    whole = ends[place] - target
    expected = (rows.expected * whole + widths // 2) // np.maximum(widths, 1)
    return _merge(replace(rows, expected=expected), target, 1)


def _merge(every: Rows, target: Ints, ratio: int) -> Rows:
    """Merge rows into the windows that start at `target`, one for each row."""
    order = np.lexsort((every.start, every.series_id))
    every, target = every.take(order), target[order]
    begin, count = _runs(every.series_id, target)
    merged = _Merged(len(begin), ratio)
    for slots, index in positions(begin, count):
        merged.add(slots, every.take(index))
    return merged.rows(every.series_id[begin], target[begin])


class Merger:
    """Merges the rows of one window as its finer windows are done, oldest first.

    Memory follows the number of series, not of rows. `finer` as for `merge`; a window
    that is none of UTC is given by its bounds, which must cut no finer window.
    """

    __slots__ = ("_merged", "_resolution", "_series", "_start")

    def __init__(
        self, resolution: Resolution | Bounds, finer: Resolution | None = None
    ) -> None:
        self._resolution = resolution
        self._start: int | None = None
        self._series: Ints = np.empty(0, np.int64)
        self._merged = _Merged(0, _ratio(resolution, finer))

    def add(self, rows: Rows) -> None:
        """Add rows that are later than all rows of their series added before.

        Raises ValueError for a row that is not, and for rows of another window than
        the first ones; after that the merger is of no more use.
        """
        if not len(rows):
            return
        self._start = self._common_start(rows)
        for layer in _layers(rows):
            slots = self._slots(layer.series_id)
            self._merged.add(slots, layer)

    def result(self) -> Rows:
        """Return the rows of the window by series, as far as it was added."""
        start = np.full(len(self._series), self._start or 0, np.int64)
        return self._merged.rows(self._series, start)

    def _common_start(self, rows: Rows) -> int:
        target = self._resolution
        if isinstance(target, Bounds):
            if np.any((rows.start < target.start) | (rows.start >= target.end)):
                raise ValueError(f"rows beside {target}")
            return target.start
        starts = rows.start - rows.start % target.width
        start = int(starts[0]) if self._start is None else self._start
        if np.any(starts != start):
            raise ValueError(f"rows beside the {target.value} that starts at {start}")
        return start

    def _slots(self, series: Ints) -> Ints | slice:
        """Return where the series are kept, making room for those that are new."""
        if np.array_equal(series, self._series):
            return slice(None)
        known = np.isin(series, self._series, assume_unique=True)
        if not known.all():
            more = np.union1d(self._series, series)
            places = np.searchsorted(more, self._series)
            self._merged = self._merged.spread(len(more), places)
            self._series = more
        return np.searchsorted(self._series, series)


class _Merged:
    """What rows add up to so far, one slot per row to be."""

    __slots__ = (
        "_buckets",
        "_changes",
        "_count",
        "_expected",
        "_first",
        "_flags",
        "_gap",
        "_has_increase",
        "_increase",
        "_last",
        "_last_at",
        "_latest",
        "_max",
        "_min",
        "_ratio",
        "_resets",
        "_sum",
    )

    def __init__(self, slots: int, ratio: int) -> None:
        self._ratio = ratio
        self._count: Ints = np.zeros(slots, np.int64)
        self._resets: Ints = np.zeros(slots, np.int64)
        self._expected: Ints = np.zeros(slots, np.int64)
        self._flags: Ints = np.zeros(slots, np.int64)
        self._gap: Ints = np.zeros(slots, np.int64)
        self._changes: Ints = np.zeros(slots, np.int64)
        self._last_at: Ints = np.zeros(slots, np.int64)
        self._latest: Ints = np.full(slots, np.iinfo(np.int64).min)
        self._min: Floats = np.full(slots, np.nan)
        self._max: Floats = np.full(slots, np.nan)
        self._first: Floats = np.full(slots, np.nan)
        self._last: Floats = np.full(slots, np.nan)
        self._has_increase = np.zeros(slots, np.bool_)
        self._sum = Sums(slots)
        self._increase = Sums(slots)
        self._buckets = Merging(slots)

    def add(self, slots: Ints | slice, rows: Rows) -> None:
        """Add one row to each of the slots, which must differ from each other."""
        if np.any(rows.start <= self._latest[slots]):
            raise ValueError("the rows of a series are not in the order of time")
        self._latest[slots] = rows.start
        begun = self._count[slots] > 0
        self._flags[slots] |= rows.flags & ~np.where(begun, Flag.BASELINE, 0)
        self._count[slots] += rows.count
        self._resets[slots] += rows.resets
        self._expected[slots] = np.maximum(
            self._expected[slots], rows.expected * self._ratio
        )
        self._sum.add(slots, _or_zero(rows.sum))
        self._min[slots] = np.fmin(self._min[slots], rows.min)
        self._max[slots] = np.fmax(self._max[slots], rows.max)
        between = begun & (rows.count > 0) & (self._last[slots] != rows.first)
        self._changes[slots] += rows.changes + between
        self._first[slots] = _first_number(self._first[slots], rows.first)
        self._last[slots] = _first_number(rows.last, self._last[slots])
        self._gap[slots] = np.maximum(self._gap[slots], rows.gap)
        self._last_at[slots] = np.where(
            rows.count > 0, rows.start * 1000 + rows.last_offset, self._last_at[slots]
        )
        self._increase.add(slots, _or_zero(rows.increase))
        self._has_increase[slots] |= ~np.isnan(rows.increase)
        self._buckets.add(slots, rows.buckets)

    def spread(self, slots: int, places: Ints) -> Self:
        """Return the same with the slots moved to the places among more slots."""
        wider = type(self)(slots, self._ratio)
        for name in self.__slots__:
            mine, other = getattr(self, name), getattr(wider, name)
            if isinstance(mine, (Sums, Merging)):
                setattr(wider, name, mine.spread(slots, places))
            elif isinstance(mine, np.ndarray):
                other[places] = mine
        return wider

    def rows(self, series_id: Ints, start: Ints) -> Rows:
        """Return the slots as rows of these series and starts."""
        flags = self._flags.copy()
        total = self._sum.result()
        no_sum = (flags & Flag.NO_SUM > 0) | without_sum(total, flags)
        flags[no_sum] |= Flag.NO_SUM
        total[no_sum | (self._count == 0)] = np.nan
        buckets = self._buckets.result()
        union = estimates(buckets)  # nobody is counted twice (R57)
        return Rows(
            series_id=series_id.copy(),
            start=start,
            count=self._count.copy(),
            sum=total,
            min=self._min.copy(),
            max=np.where(np.isnan(union), self._max, union),
            first=self._first.copy(),
            last=np.where(np.isnan(union), self._last, union),
            increase=np.where(self._has_increase, self._increase.result(), np.nan),
            resets=self._resets.copy(),
            expected=self._expected.copy(),
            flags=flags,
            last_offset=np.where(self._count > 0, self._last_at - start * 1000, 0),
            gap=self._gap.copy(),
            changes=self._changes.copy(),
            buckets=buckets,
        )


def _ratio(resolution: Resolution | Bounds, finer: Resolution | None) -> int:
    """Return how many finer windows make up one of the resolution (R6, R8)."""
    if isinstance(resolution, Bounds):
        if (
            finer is None
            or resolution.start % finer.width
            or resolution.end % finer.width
        ):
            raise ValueError(f"{resolution} cuts windows that it is merged from")
        return resolution.width // finer.width
    finer = finer or resolution.finer or resolution
    if resolution.width % finer.width:
        raise ValueError(f"{finer.value} rows do not make up a {resolution.value}")
    return resolution.width // finer.width


def _runs(*keys: Ints) -> tuple[Ints, Ints]:
    """Return the begins and lengths of the runs in which all of the keys are equal."""
    is_new = np.ones(len(keys[0]), np.bool_)
    is_new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    begin = np.flatnonzero(is_new)
    return begin, np.diff(np.append(begin, len(is_new)))


def _layers(rows: Rows) -> Iterator[Rows]:
    """Yield the rows in parts that hold each series at most once, in time order."""
    if np.all(rows.series_id[1:] > rows.series_id[:-1]):
        yield rows
        return
    rows = rows.take(np.lexsort((rows.start, rows.series_id)))
    begin, count = _runs(rows.series_id)
    for _, index in positions(begin, count):
        yield rows.take(index)


def _or_zero(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, values)


def _first_number(values: Floats, otherwise: Floats) -> Floats:
    return np.where(np.isnan(values), otherwise, values)
