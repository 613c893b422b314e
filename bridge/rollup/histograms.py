"""Families of classic histograms become rows.

Each bucket is a counter, but all of them are reset together (R49, R53). What a step
adds is kept by the bounds it was measured with: where the bounds change, the step is
measured on the bounds that both scrapes have, so that observations always add up to
the increase of `_count`. A scrape without usable buckets has one bound, +Inf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup import classic, counters
from bridge.rollup.family_steps import decide, sums
from bridge.rollup.layouts import layout_id, unknown
from bridge.rollup.packing import runs
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.scrapes import Scrapes, read, standing
from bridge.rollup.steps import USUAL, Run, changes, gaps
from bridge.rollup.summation import sum_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.rollup.family_steps import Decision
    from bridge.rollup.layouts import Bounds, Lookup
    from bridge.rollup.rows import Blobs, Bools, Floats, Ints
    from bridge.rollup.scrapes import Layouts
    from bridge.rollup.steps import Policy
    from bridge.rollup.tail import Previous
    from bridge.rollup.windows import Window
    from bridge.sources.base import Families


def aggregate(
    families: Families,
    window: Window,
    previous: Previous,
    policy: Policy = USUAL,
    lookup: Lookup = unknown,
) -> tuple[Rows, Mapping[int, Bounds]]:
    """Return a row for each family with a scrape in the window, and their layouts.

    `count` are scrapes, `increase` observations, `sum` the increase of `_sum`, `first`
    and `last` are `_count`; there is no `min` and no `max`. `buckets` hold the
    increases by bound and how the family stood last, from where the next window
    measures its first step. `lookup` answers the bounds of layouts that previous rows
    name. Buckets that fall from one bound to the next are forced to rise (R50).

    Raises ValueError for a scrape at or after the window's end.
    """
    if np.any(families.times >= window.end_ms):
        late = int(families.times.max())
        raise ValueError(f"a scrape at {late} is not before {window.end_ms}")
    part = _Part.of(families, window, previous, lookup)
    fell, rises = _rises(part)
    made = decide(part.run, window.start_ms, policy, fell)
    rises.settle(part.now, made)
    flags = made.flags | _flags(part, rises)
    added, after = sums(part.run, part.now.totals, part.before.totals, made)
    run = part.run
    end = run.begin + run.count - 1
    total = sum_runs(added, run.begin, run.count)
    no_sum = np.isnan(after[end]) | run.any(np.isinf(part.now.totals))
    flags[no_sum] |= Flag.NO_SUM
    total[no_sum] = np.nan
    blobs, used = _blobs(part, rises, after)
    rows = Rows(
        series_id=families.series_id,
        start=np.full(len(families.series_id), window.start, np.int64),
        count=part.whole(run.count),
        sum=part.figures(total),
        min=part.figures(np.full(len(end), np.nan)),
        max=part.figures(np.full(len(end), np.nan)),
        first=part.figures(run.values[run.begin]),
        last=part.figures(run.values[end]),
        increase=part.figures(sum_runs(rises.added[:, -1], run.begin, run.count)),
        resets=part.whole(run.tally(made.resets)),
        expected=families.expected,
        flags=part.whole(flags) | _seen_flags(families, part, window),
        buckets=part.blobs(blobs),
        last_offset=part.whole(run.times[end] - window.start_ms),
        gap=part.whole(gaps(run)),
        changes=part.whole(changes(run)),
    )
    return rows.take(part.seen > 0), used


@dataclass(frozen=True, slots=True)
class _Part:
    """The usable scrapes of a window, of those families that have any.

    `some` says which of the families these are, `seen` counts all scrapes of all.
    `now` are their scrapes and `before` the one before each family's first.
    """

    some: Bools
    seen: Ints
    run: Run
    now: Scrapes
    before: Scrapes
    layouts: Layouts

    @classmethod
    def of(
        cls, families: Families, window: Window, previous: Previous, lookup: Lookup
    ) -> _Part:
        every, layouts = read(families)
        inside = families.times >= window.start_ms
        usable = inside & every.usable
        begin, end = _bounds(usable, families.offsets)
        seen_begin, seen_end = _bounds(inside, families.offsets)
        some = end > begin
        stood = standing(previous, layouts, lookup)
        before, times, started = _before(
            families, every, every.usable & ~inside, stood, previous.times
        )
        expected = families.expected[some]
        width_ms = window.end_ms - window.start_ms
        said = families.started
        run = Run(
            values=every.observed[usable],
            times=families.times[usable],
            started=None if said is None else said[usable],
            begin=begin[some],
            count=(end - begin)[some],
            counter=np.ones(int(some.sum()), np.bool_),
            before=before.observed[some],
            before_times=times[some],
            before_started=started[some],
            absent=None if families.absent is None else families.absent[some],
            interval_ms=np.where(expected > 0, width_ms // np.maximum(expected, 1), 0),
        )
        now = every.take(usable)
        return cls(some, seen_end - seen_begin, run, now, before.take(some), layouts)

    def figures(self, values: Floats) -> Floats:
        """Return figures of the families with scrapes, NaN for the others."""
        spread = np.full(len(self.some), np.nan)
        spread[self.some] = values
        return spread

    def whole(self, numbers: Ints) -> Ints:
        """Return numbers of the families with scrapes, 0 for the others."""
        spread = np.zeros(len(self.some), np.int64)
        spread[self.some] = numbers
        return spread

    def blobs(self, blobs: list[bytes | None]) -> Blobs:
        """Return blobs of the families with scrapes, None for the others."""
        spread: Blobs = np.full(len(self.some), None, np.object_)
        spread[self.some] = blobs
        return spread


def _bounds(chosen: Bools, offsets: Ints) -> tuple[Ints, Ints]:
    running = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(chosen, out=running[1:])
    bounds = running[offsets]
    return bounds[:-1], bounds[1:]


def _before(
    families: Families, every: Scrapes, earlier: Bools, stood: Scrapes, times: Ints
) -> tuple[Scrapes, Ints, Ints]:
    """Return the newest scrape of each family before, its time and its start.

    `earlier` are those in hand; otherwise it is how the family `stood` at `times`.
    """
    nothing = np.zeros(len(families.series_id), np.int64)
    begin, end = _bounds(earlier, families.offsets)
    there = end > begin
    if not there.any():
        return stood, times, nothing
    at = np.flatnonzero(earlier)[np.maximum(end, 1) - 1]
    started = nothing
    if families.started is not None:
        started = np.where(there, families.started[at], 0)
    newest = np.where(there, families.times[at], times)
    return every.take(at).where(there, stood), newest, started


@dataclass(slots=True)
class _Rises:
    """What each scrape adds, in cumulative buckets of the layout in `layout`."""

    added: Floats
    layout: Ints
    changed: Bools
    repaired: Bools

    def settle(self, now: Scrapes, made: Decision) -> None:
        """Let scrapes count as was decided, and their buckets rise."""
        own = made.whole | made.nothing
        self.added[made.whole] = now.cumulative_as(self.added.shape[1])[made.whole]
        self.added[made.nothing] = 0.0
        self.layout[own] = now.layout[own]
        # Each bucket rose, but one of more bounds by less than one of fewer.
        forced = np.minimum(
            np.maximum.accumulate(self.added, axis=1), self.added[:, -1:]
        )
        off = np.abs(forced - self.added) > 1e-12 * np.maximum(now.observed, 1)[:, None]
        self.repaired |= off.any(axis=1)
        self.added = forced


def _rises(part: _Part) -> tuple[Bools, _Rises]:
    """Return which scrapes have a count that fell, and what all of them rose by."""
    run, now = part.run, part.now
    width = max(now.cumulative.shape[1], part.before.cumulative.shape[1])
    after = now.cumulative_as(width)
    before = np.empty_like(after)
    before[1:] = after[:-1]
    before[run.begin] = part.before.cumulative_as(width)
    layout_before = run.shifted(now.layout, part.before.layout)
    known = ~np.isnan(run.shifted(run.values, run.before))
    changed = known & (layout_before != now.layout)
    added = np.where(known[:, None], after - before, 0.0)
    layout = now.layout.copy()
    if changed.any():
        for old, new in np.unique(
            np.stack([layout_before[changed], now.layout[changed]]), axis=1
        ).T.tolist():
            at = np.flatnonzero(changed & (layout_before == old) & (now.layout == new))
            both, in_old, in_new = part.layouts.shared(old, new)
            rose = after[at][:, in_new] - before[at][:, in_old]
            added[at] = rose[:, -1:]
            added[np.ix_(at, np.arange(rose.shape[1]))] = rose
            layout[at] = both
    fell = (added < 0).any(axis=1)
    return fell, _Rises(added, layout, changed, now.repaired.copy())


def _flags(part: _Part, rises: _Rises) -> Ints:
    """Return what the usable scrapes are, other than steps."""
    run = part.run
    flags = np.zeros(len(run.begin), np.int64)
    flags[run.any(rises.repaired)] |= Flag.REPAIRED
    flags[run.any(rises.changed)] |= Flag.LAYOUT
    flags[run.any(counters.imprecise(run.values))] |= Flag.IMPRECISE
    flags[run.any(part.now.lacking)] |= Flag.NAN
    return flags


def _seen_flags(families: Families, part: _Part, window: Window) -> Ints:
    flags = np.zeros(len(part.some), np.int64)
    flags[part.seen > part.whole(part.run.count)] |= Flag.NAN
    if families.ended is not None:
        ended = (families.ended >= window.start_ms) & (families.ended < window.end_ms)
        flags[ended] |= Flag.ENDED
    return flags


def _blobs(
    part: _Part, rises: _Rises, after: Floats
) -> tuple[list[bytes | None], Mapping[int, Bounds]]:
    """Return a blob for each family with scrapes, and the layouts that they name."""
    run, layouts = part.run, part.layouts
    owner = run.spread(np.arange(len(run.begin)))
    end = run.begin + run.count - 1
    counts = np.diff(rises.added, axis=1, prepend=0.0)
    states: list[classic.State | None] = [None] * len(end)
    piles, used = {}, {}
    last = part.now.layout[end]
    for layout in np.union1d(rises.layout, last).tolist():
        bounds = layouts.bounds[layout]
        number = layout_id(bounds)
        used[number] = bounds
        chosen = rises.layout == layout
        standing_by = np.flatnonzero(last == layout)
        piles[number] = _pile(
            owner[chosen], counts[chosen][:, : len(bounds)], standing_by
        )
        at = end[standing_by]
        cumulative = part.now.cumulative_as(len(bounds))[at]
        for row, state in classic.pack_states(number, cumulative, after[at]):
            states[int(standing_by[row])] = state
    return classic.encode(piles, states), used


def _pile(owner: Ints, counts: Floats, standing_by: Ints) -> classic.Pile:
    """Return what the scrapes of each owner add up to, zeros for those without any."""
    owners = np.union1d(owner, standing_by)
    summed = np.zeros((len(owners), counts.shape[1]))
    if len(owner):
        begin = runs(owner)
        at = np.searchsorted(owners, owner[begin])
        summed[at] = np.add.reduceat(counts, begin, axis=0)
    return classic.Pile(owners, summed)
