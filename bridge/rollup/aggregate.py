"""The raw samples of a window become rows.

Pure and vectorised over series; only the position of a sample within its window is
looped over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup import counters
from bridge.rollup.choice import bounds
from bridge.rollup.handover import Seen
from bridge.rollup.rows import Bools, Flag, Floats, Ints, Rows, no_blobs
from bridge.rollup.steps import USUAL, Run, changes, gaps, measure
from bridge.rollup.summation import sum_runs, without_sum
from bridge.rollup.tail import Previous

if TYPE_CHECKING:
    from bridge.rollup.steps import Falls, Policy
    from bridge.rollup.windows import Window
    from bridge.sources.base import Block


def aggregate(
    block: Block,
    window: Window,
    previous: Previous,
    policy: Policy = USUAL,
    falls: Falls | None = None,
) -> Rows:
    """Return one row for each series with a sample in the window, in their order.

    `previous` are the last samples of the same series before the window; the block's
    own samples before the window are preferred to them. NaN are left out of everything
    but `Flag.NAN`, and a series of nothing else gets a row that counts 0 (R13, R42).
    Sums are compensated, in time order (R17). Increases belong to the window of the
    later sample of each step and are never extrapolated (R22, R24); see `steps.measure`
    for what a step adds, by `policy` and, where falls of these series are tolerated,
    by `falls`. Quantiles have no sum (R56). Minus zero becomes zero, because not every
    database tells them apart.

    Raises ValueError for a sample at or after the window's end, for times that do not
    rise within a series, and for arrays that do not fit each other.
    """
    _check(block, window, previous)
    cut = _cut(block, window, _numbers(previous, block.counter))
    run, places = cut.run, np.flatnonzero(cut.some)
    allowed = None if falls is None else falls.of(places)
    measured = measure(run, window.start_ms, policy, allowed)
    rising = cut.some & block.counter
    total = cut.per_series(sum_runs(run.values, run.begin, run.count))
    flags = _flags(cut, block, window)
    flags[places] |= measured.flags
    no_sum = cut.some & without_sum(total, flags)
    if block.quantile is not None:
        flags[block.quantile] |= Flag.QUANTILE
        no_sum |= block.quantile
    flags[no_sum] |= Flag.NO_SUM
    total[no_sum] = np.nan
    end = run.begin + run.count - 1
    rows = Rows(
        series_id=block.series_id,
        start=np.full(len(block.series_id), window.start, np.int64),
        count=cut.whole(run.count),
        sum=total,
        min=cut.per_series(_reduced(np.minimum, run)),
        max=cut.per_series(_reduced(np.maximum, run)),
        first=cut.per_series(run.values[run.begin]),
        last=cut.per_series(run.values[end]),
        increase=np.where(rising, cut.per_series(measured.increase), np.nan),
        resets=cut.whole(measured.resets),
        expected=block.expected,
        flags=flags,
        last_offset=cut.whole(run.times[end] - window.start_ms),
        gap=cut.whole(gaps(run)),
        changes=cut.whole(changes(run)),
        buckets=no_blobs(len(block.series_id)),
    )
    return rows.take(cut.seen > 0)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The usable samples of a window, of those series that have any.

    `some` says which of the block's series these are, and `seen` counts the samples of
    all of them, with NaN.
    """

    run: Run
    some: Bools
    seen: Ints

    def per_series(self, values: Floats) -> Floats:
        """Return values of the series with usable samples, NaN for the others."""
        spread = np.full(len(self.some), np.nan)
        spread[self.some] = values
        return spread

    def whole(self, numbers: Ints) -> Ints:
        """Return numbers of the series with usable samples, 0 for the others."""
        spread = np.zeros(len(self.some), np.int64)
        spread[self.some] = numbers
        return spread


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


def _numbers(previous: Previous, counter: Bools) -> Previous:
    """Forget what came before counters that were histograms then (R33)."""
    packed = np.not_equal(previous.buckets, np.array(None, np.object_))
    turned = counter & packed.astype(np.bool_)
    if not turned.any():
        return previous
    return Previous(
        np.where(turned, np.nan, previous.values),
        np.where(turned, 0, previous.times),
        previous.buckets,
    )


def _cut(block: Block, window: Window, previous: Previous) -> _Cut:
    number = ~np.isnan(block.values)
    inside = block.times >= window.start_ms
    usable = inside & number
    begin, end = bounds(usable, block.offsets)
    seen_begin, seen_end = bounds(inside, block.offsets)
    some = end > begin
    before = _before(block, number & ~inside, usable, previous)
    started = block.started
    expected = block.expected[some]
    width_ms = window.end_ms - window.start_ms
    run = Run(
        values=block.values[usable] + 0.0,
        times=block.times[usable],
        started=None if started is None else started[usable],
        begin=begin[some],
        count=(end - begin)[some],
        counter=block.counter[some],
        before=before.values[some],
        before_times=before.times[some],
        before_started=before.started[some],
        absent=None if block.absent is None else block.absent[some],
        interval_ms=np.where(expected > 0, width_ms // np.maximum(expected, 1), 0),
        own=None if before.own is None else before.own[some],
    )
    return _Cut(run, some, seen_end - seen_begin)


@dataclass(frozen=True, slots=True)
class _Before:
    """The newest sample of each series before a window; `own` as of `Run`."""

    values: Floats
    times: Ints
    started: Ints
    own: Floats | None = None


def _before(block: Block, earlier: Bools, usable: Bools, previous: Previous) -> _Before:
    """Return what the block has from before, or what rows have.

    Rows have it where they are newer, or where the series goes on from them: they come
    from another replica than the block.
    """
    nothing = np.zeros(len(block.series_id), np.int64)
    if not earlier.any():
        return _Before(previous.values, previous.times, nothing)
    begin, end = bounds(earlier, block.offsets)
    there = end > begin
    at = np.flatnonzero(earlier)[np.maximum(end, 1) - 1]
    seen = Seen.of(block.values, block.times, block.offsets, earlier, usable)
    goes_on = seen.goes_on_from(previous.values, previous.times)
    newer = (previous.times > block.times[at]) & ~np.isnan(previous.values)
    goes_on &= block.counter & (previous.times != block.times[at])
    other = there & (newer | goes_on)
    unsure = other & ~goes_on
    newest = there & ~other
    started = nothing
    if block.started is not None:
        started = np.where(newest, block.started[at], 0)
    return _Before(
        np.where(newest, block.values[at], previous.values),
        np.where(newest, block.times[at], previous.times),
        started,
        np.where(unsure, block.values[at], np.nan) if unsure.any() else None,
    )


def _reduced(extreme: np.ufunc, run: Run) -> Floats:
    if not len(run.begin):
        return np.zeros(0)
    reduced: Floats = extreme.reduceat(run.values, run.begin)
    return reduced


def _flags(cut: _Cut, block: Block, window: Window) -> Ints:
    """Return what the samples are, other than steps."""
    run = cut.run
    flags = np.zeros(len(cut.some), np.int64)
    flags[cut.seen > cut.whole(run.count)] |= Flag.NAN
    infinite = np.isinf(run.values)
    if infinite.any():
        flags[cut.some] |= np.where(run.any(infinite), Flag.INFINITE, 0)
    large = counters.imprecise(run.values)
    if large.any():
        flags[cut.some] |= np.where(run.counter & run.any(large), Flag.IMPRECISE, 0)
    if block.ended is not None:
        ended = (block.ended >= window.start_ms) & (block.ended < window.end_ms)
        flags[ended] |= Flag.ENDED
    return flags
