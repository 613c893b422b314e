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

from bridge.rollup.buckets import classic
from bridge.rollup.buckets.family_rows import (
    Added,
    Before,
    Scraped,
    check,
)
from bridge.rollup.buckets.family_steps import decide, sums
from bridge.rollup.buckets.layouts import layout_id, unknown
from bridge.rollup.buckets.packing import runs
from bridge.rollup.buckets.scrapes import Scrapes, read, standing
from bridge.rollup.rows import Flag
from bridge.rollup.steps import USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.rollup.buckets.family_steps import Decision
    from bridge.rollup.buckets.layouts import Bounds, Lookup
    from bridge.rollup.buckets.scrapes import Layouts
    from bridge.rollup.rows import Bools, Floats, Ints, Rows
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
    check(families, window)
    part = _Part.of(families, window, previous, lookup)
    run = part.scraped.run
    fell, rises = _rises(part)
    made = decide(run, window.start_ms, policy, fell)
    rises.settle(part.now, made)
    totals, after = sums(run, part.now.totals, part.before.totals, made)
    blobs, used = _blobs(part, rises, after)
    added = Added(
        observations=rises.added[:, -1],
        totals=totals,
        blobs=blobs,
        flags=_flags(part, rises),
        # Once an observation is no number, `_sum` is none for good: it did not rise
        # by nothing, nobody knows by how much.
        no_sum=np.isnan(part.now.totals[part.scraped.newest])
        | run.any(np.isinf(part.now.totals)),
    )
    return part.scraped.rows(families, window, made, added), used


@dataclass(frozen=True, slots=True)
class _Part:
    """The scrapes of a window and, of each of its families, the one before."""

    scraped: Scraped
    now: Scrapes
    before: Scrapes
    layouts: Layouts

    @classmethod
    def of(
        cls, families: Families, window: Window, previous: Previous, lookup: Lookup
    ) -> _Part:
        every, layouts = read(families)
        usable = every.usable & (families.times >= window.start_ms)
        before = standing(previous, layouts, lookup)
        known = Before.of(
            families, window, every.usable, every.observed, before.observed, previous
        )
        if known.there.any():
            before = every.take(known.at).where(known.there, before)
        now = every.take(usable)
        scraped = Scraped.of(families, window, usable, now.observed, known)
        return cls(scraped, now, before.take(scraped.some), layouts)


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
    run, now = part.scraped.run, part.now
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
    fell = added.min(axis=1) < 0
    return fell, _Rises(added, layout, changed, now.repaired.copy())


def _flags(part: _Part, rises: _Rises) -> Ints:
    """Return what the usable scrapes are, other than steps."""
    run = part.scraped.run
    flags = np.zeros(len(run.begin), np.int64)
    flags[run.any(rises.repaired)] |= Flag.REPAIRED
    flags[run.any(rises.changed)] |= Flag.LAYOUT
    flags[run.any(part.now.lacking)] |= Flag.NAN
    return flags


def _blobs(
    part: _Part, rises: _Rises, after: Floats
) -> tuple[list[bytes | None], Mapping[int, Bounds]]:
    """Return a blob for each family with scrapes, and the layouts that they name."""
    run, layouts = part.scraped.run, part.layouts
    owner = run.spread(np.arange(len(run.begin)))
    end = part.scraped.newest
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
