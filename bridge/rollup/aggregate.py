"""The raw samples of a window become rows.

Pure and vectorised over series; only the position of a sample within its window is
looped over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup import counters
from bridge.rollup.rows import Bools, Flag, Floats, Ints, Rows, no_blobs
from bridge.rollup.summation import sum_runs, without_sum

if TYPE_CHECKING:
    from bridge.rollup.tail import Previous
    from bridge.rollup.windows import Window
    from bridge.sources.base import Block


def aggregate(block: Block, window: Window, previous: Previous) -> Rows:
    """Return one row for each series with a sample in the window, in their order.

    `previous` are the last samples of the same series before the window; the block's
    own samples before the window are preferred to them. NaN are left
    out of everything but `Flag.NAN`, and a series of nothing else gets a row that
    counts 0 (R13, R42). Sums are compensated, in time order (R17). Increases belong to
    the window of the later sample of each step and are never extrapolated (R22, R24);
    see `counters.steps` for resets and infinities. Minus zero becomes zero, because
    not every database tells them apart.

    Raises ValueError for a sample at or after the window's end, for times that do not
    rise within a series, and for arrays that do not fit each other.
    """
    _check(block, window, previous)
    cut = _cut(block, window, previous)
    start = np.full(len(block.series_id), window.start, np.int64)
    increase, resets = _increases(cut, block.counter)
    total = _per_series(cut, sum_runs(cut.values, cut.begin, cut.count)[cut.some])
    lowest, highest = _extremes(cut)
    flags = _flags(cut, block.counter)
    no_sum = cut.some & without_sum(total, flags)
    flags[no_sum] |= Flag.NO_SUM
    total[no_sum] = np.nan
    rows = Rows(
        series_id=block.series_id,
        start=start,
        count=cut.count,
        sum=total,
        min=lowest,
        max=highest,
        first=_per_series(cut, cut.values[cut.begin[cut.some]]),
        last=_per_series(cut, cut.values[cut.end[cut.some] - 1]),
        increase=increase,
        resets=resets,
        expected=block.expected,
        flags=flags,
        last_offset=_last_offset(cut, window),
        gap=np.zeros(len(start), np.int64),
        buckets=no_blobs(len(start)),
    )
    return rows.take(cut.seen > 0)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The usable samples of a window: series i has `values[begin[i]:end[i]]`.

    `seen` counts samples with NaN, `count` without, `some` says where there is one,
    and `before` is the value before the window.
    """

    values: Floats
    times: Ints
    begin: Ints
    end: Ints
    count: Ints
    seen: Ints
    some: Bools
    before: Floats


def _check(block: Block, window: Window, previous: Previous) -> None:
    series = len(block.series_id)
    lengths = {len(block.expected), len(block.counter), len(previous.values)}
    if lengths != {series} or len(block.offsets) != series + 1:
        raise ValueError(f"the arrays of a block of {series} series differ in length")
    if np.any(block.times >= window.end_ms):
        late = int(block.times.max())
        raise ValueError(f"a sample at {late} is not before {window.end_ms}")
    rising = np.ones(len(block.times) + 1, np.bool_)
    rising[1:-1] = block.times[1:] > block.times[:-1]
    rising[block.offsets] = True
    if not rising.all():
        raise ValueError("the times of a series do not rise")


def _cut(block: Block, window: Window, previous: Previous) -> _Cut:
    number = ~np.isnan(block.values)
    inside = block.times >= window.start_ms
    begin, end = _bounds(inside & number, block.offsets)
    seen_begin, seen_end = _bounds(inside, block.offsets)
    count = end - begin
    return _Cut(
        values=block.values[inside & number] + 0.0,
        times=block.times[inside & number],
        begin=begin,
        end=end,
        count=count,
        seen=seen_end - seen_begin,
        some=count > 0,
        before=_predecessors(block, number & ~inside, previous.values),
    )


def _bounds(chosen: Bools, offsets: Ints) -> tuple[Ints, Ints]:
    """Return where each series begins and ends among the chosen samples."""
    running = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(chosen, out=running[1:])
    bounds = running[offsets]
    return bounds[:-1], bounds[1:]


def _predecessors(block: Block, earlier: Bools, previous: Floats) -> Floats:
    if not earlier.any():
        return previous
    begin, end = _bounds(earlier, block.offsets)
    newest = block.values[earlier][np.maximum(end, 1) - 1]
    return np.where(end > begin, newest, previous)


def _per_series(cut: _Cut, values: Floats) -> Floats:
    """Return values of the series with usable samples, NaN for the others."""
    spread = np.full(len(cut.some), np.nan)
    spread[cut.some] = values
    return spread


def _last_offset(cut: _Cut, window: Window) -> Ints:
    offsets = np.zeros(len(cut.some), np.int64)
    offsets[cut.some] = cut.times[cut.end[cut.some] - 1] - window.start_ms
    return offsets


def _extremes(cut: _Cut) -> tuple[Floats, Floats]:
    begin = cut.begin[cut.some]
    if not len(begin):
        return np.full(len(cut.some), np.nan), np.full(len(cut.some), np.nan)
    lowest = np.minimum.reduceat(cut.values, begin)
    highest = np.maximum.reduceat(cut.values, begin)
    return _per_series(cut, lowest), _per_series(cut, highest)


def _increases(cut: _Cut, counter: Bools) -> tuple[Floats, Ints]:
    resets = np.zeros(len(counter), np.int64)
    rising = counter & cut.some
    if not rising.any():
        return np.full(len(counter), np.nan), resets
    before = np.empty_like(cut.values)
    before[1:] = cut.values[:-1]
    before[cut.begin[cut.some]] = cut.before[cut.some]
    steps, fell = counters.steps(cut.values, before)
    resets[rising] = _tally(fell, cut)[rising]
    increase = sum_runs(steps, cut.begin, np.where(rising, cut.count, 0))
    return np.where(rising, increase, np.nan), resets


def _tally(marks: Bools, cut: _Cut) -> Ints:
    """Return how many samples of each series are marked."""
    begin, end = _bounds(marks, np.append(cut.begin, len(marks)))
    return end - begin


def _flags(cut: _Cut, counter: Bools) -> Ints:
    flags = np.zeros(len(counter), np.int64)
    flags[cut.seen > cut.count] |= Flag.NAN
    flags[counter & cut.some & ~np.isfinite(cut.before)] |= Flag.BASELINE
    infinite = np.isinf(cut.values)
    if infinite.any():
        flags[_tally(infinite, cut) > 0] |= Flag.INFINITE
    large = counters.imprecise(cut.values)
    if large.any():
        flags[counter & (_tally(large, cut) > 0)] |= Flag.IMPRECISE
    return flags
