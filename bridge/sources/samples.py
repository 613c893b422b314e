"""Samples as a server or a table holds them become the blocks that rollups read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Runs:
    """Samples by series: series `series[i]` has `offsets[i]:offsets[i + 1]`.

    No series is without a sample; times rise strictly within a series. `series` are
    positions or ids, whatever the caller numbered them by.
    """

    series: NDArray[np.int64]
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    values: NDArray[np.float64]


def runs(
    series: NDArray[np.int64],
    lengths: NDArray[np.int64],
    times: NDArray[np.int64],
    values: NDArray[np.float64],
    span: tuple[int, int],
) -> Runs:
    """Cut samples to `[start, end)` milliseconds and put them in order.

    Entry i has the next `lengths[i]` samples; a series may have several entries. Of
    samples of one series at one time the largest value stays, a number rather than
    NaN, in whatever order they come (RULES R15, R16).
    """
    inside = (times >= span[0]) & (times < span[1])
    if not inside.all():
        owner = np.repeat(np.arange(len(lengths)), lengths)
        lengths = np.bincount(owner[inside], minlength=len(lengths))
        times, values = times[inside], values[inside]
    if not lengths.all():
        series, lengths = series[lengths > 0], lengths[lengths > 0]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    if _rising(times, offsets) and _differ(series):
        return Runs(series, offsets, times, values)
    return sort(np.repeat(series, lengths), times, values)


def sort(
    owners: NDArray[np.int64], times: NDArray[np.int64], values: NDArray[np.float64]
) -> Runs:
    """Put samples in any order into runs, one value for each series and time."""
    if not len(times):
        nothing = np.zeros(0, np.int64)
        return Runs(nothing, np.zeros(1, np.int64), times, values)
    number = ~np.isnan(values)
    rank = np.where(number, values, -np.inf)
    order = np.lexsort((number, rank, times, owners))
    owners, times, values = owners[order], times[order], values[order]
    largest = np.append((np.diff(owners) != 0) | (np.diff(times) != 0), True)
    owners, times, values = owners[largest], times[largest], values[largest]
    first = np.flatnonzero(np.append(True, np.diff(owners) != 0))
    return Runs(owners[first], np.append(first, len(owners)), times, values)


def _differ(series: NDArray[np.int64]) -> bool:
    ordered = np.sort(series)  # some times faster than np.unique
    return bool((ordered[1:] != ordered[:-1]).all())


def _rising(times: NDArray[np.int64], offsets: NDArray[np.int64]) -> bool:
    steps = np.diff(times) > 0
    steps[offsets[1:-1] - 1] = True
    return bool(steps.all())
