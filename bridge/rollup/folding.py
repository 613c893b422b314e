"""Series beyond the budget, rolled up each by itself and then added up (R32, R76)."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from bridge.rollup.buckets.blobs import Merging, without_state
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.summation import Sums, positions, without_sum
from bridge.sources.base import Block, Families, Natives
from models.folded import overflow_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.rows import Bools, Floats, Ints

Answer = TypeVar("Answer", Block, Families, Natives)

_OF_SERIES: Final = frozenset(
    {"series_id", "expected", "counter", "absent", "ended", "quantile"}
)
_UNSAID = int(Flag.BASELINE | Flag.CREATED | Flag.APPEARED | Flag.ENDED)
"""Flags that are about one series and say nothing of many."""


def split(answer: Answer) -> tuple[Answer, Answer | None]:
    """Return an answer without the folded series, and one of these, None for none."""
    folded = answer.series_id < 0
    if not folded.any():
        return answer, None
    return _only(answer, ~folded), _only(answer, folded)


def fold(parts: Sequence[Rows]) -> Rows:
    """Return one row for each overflow series that folded series have rows for.

    The rows are of one window and have folded ids. Counts, sums, increases, resets and
    expected samples add up, extremes are those of all; `first` and `last` are the sums
    of the series' first and last values, so that `last` of counters is what they stood
    at together, as far as they were there. Buckets add up bound by bound; they have no
    state, as of no series alone it would be true.
    """
    every = Rows.join(parts)
    every = replace(every, buckets=without_state(every.buckets))
    target = overflow_of(every.series_id)
    order = np.argsort(target, kind="stable")
    every, target = every.take(order), target[order]
    ids, begin, count = np.unique(target, return_index=True, return_counts=True)
    total = _Total(len(ids))
    for slots, index in positions(begin, count):
        total.add(slots, every.take(index))
    start = every.start[begin]
    return total.rows(ids, start)


class _Total:
    """What the rows of the folded series add up to, one slot for each overflow."""

    def __init__(self, slots: int) -> None:
        self._ints = {
            name: np.zeros(slots, np.int64)
            for name in ("count", "resets", "expected", "changes")
        }
        self._sums = {
            name: Sums(slots) for name in ("sum", "first", "last", "increase")
        }
        self._some = {name: np.zeros(slots, np.bool_) for name in self._sums}
        self._longest = {
            name: np.zeros(slots, np.int64) for name in ("last_offset", "gap")
        }
        self._min: Floats = np.full(slots, np.nan)
        self._max: Floats = np.full(slots, np.nan)
        self._flags: Ints = np.full(slots, int(Flag.FOLDED))
        self._buckets = Merging(slots)

    def add(self, slots: Ints | slice, rows: Rows) -> None:
        for name, values in self._ints.items():
            values[slots] += getattr(rows, name)
        for name, sums in self._sums.items():
            column = getattr(rows, name)
            sums.add(slots, np.where(np.isnan(column), 0.0, column))
            self._some[name][slots] |= ~np.isnan(column)
        for name, values in self._longest.items():
            values[slots] = np.maximum(values[slots], getattr(rows, name))
        self._min[slots] = np.fmin(self._min[slots], rows.min)
        self._max[slots] = np.fmax(self._max[slots], rows.max)
        self._flags[slots] |= rows.flags & ~_UNSAID
        self._buckets.add(slots, rows.buckets)

    def rows(self, series_id: Ints, start: Ints) -> Rows:
        found = {
            name: np.where(self._some[name], sums.result(), np.nan)
            for name, sums in self._sums.items()
        }
        no_sum = (self._flags & Flag.NO_SUM > 0) | (
            self._some["sum"] & without_sum(found["sum"], self._flags)
        )
        self._flags[no_sum] |= Flag.NO_SUM
        found["sum"][no_sum] = np.nan
        columns: dict[str, Any] = {**self._ints, **self._longest, **found}
        return Rows(
            series_id=series_id,
            start=start,
            min=self._min,
            max=self._max,
            flags=self._flags,
            buckets=self._buckets.result(),
            **columns,
        )


def _only(answer: Answer, chosen: Bools) -> Answer:
    """Return the chosen series of an answer."""
    lengths = np.diff(answer.offsets)
    inside = np.repeat(chosen, lengths)
    offsets = np.concatenate(([0], np.cumsum(lengths[chosen])))
    changed: dict[str, Any] = {"offsets": offsets}
    for one in fields(answer):
        column = getattr(answer, one.name)
        if one.name == "histograms":
            changed[one.name] = tuple(
                column[at] for at in np.flatnonzero(inside).tolist()
            )
        elif one.name in _OF_SERIES and column is not None:
            changed[one.name] = column[chosen]
        elif isinstance(column, np.ndarray) and one.name != "offsets":
            changed[one.name] = column[inside]
    return replace(answer, **changed)
