"""Native histograms become rows.

All counts of a histogram are reset together (R53). Besides a count that fell, a finer
resolution or a narrower zero bucket is a reset: clients only change those when they
begin anew. What a step adds is measured at the later scrape's resolution; a row has
the lowest of its scrapes (R52). Histograms with custom bounds (schema -53) are classic
ones by another way and become the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.buckets import exponential_blobs, histograms
from bridge.rollup.buckets.cells import Cells, reduce, tidy, total
from bridge.rollup.buckets.custom_bounds import CUSTOM, chosen, families, mixed
from bridge.rollup.buckets.family_rows import (
    Added,
    Before,
    Scraped,
    check,
    newest,
)
from bridge.rollup.buckets.family_steps import decide, sums
from bridge.rollup.buckets.layouts import unknown
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.steps import USUAL
from bridge.rollup.tail import Previous

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.rollup.buckets.layouts import Bounds, Lookup
    from bridge.rollup.rows import Bools, Floats
    from bridge.rollup.steps import Policy, Run
    from bridge.rollup.windows import Window
    from bridge.sources.base import Exponential, Natives


def aggregate(
    natives: Natives,
    window: Window,
    previous: Previous,
    policy: Policy = USUAL,
    lookup: Lookup = unknown,
) -> tuple[Rows, Mapping[int, Bounds]]:
    """Return a row for each series with a scrape in the window, and the layouts met.

    Columns are those of `histograms.aggregate`. A series that changes between custom
    bounds and exponential buckets is measured anew from there, and flagged. Raises
    ValueError for a scrape at or after the window's end.
    """
    check(natives, window)
    custom = np.array([one.schema == CUSTOM for one in natives.histograms], np.bool_)
    if not custom.any():
        return _exponential(natives, window, previous, policy), {}
    there, last = newest(np.ones(len(custom), np.bool_), natives.offsets)
    by_bounds = there & custom[last]
    both = mixed(natives, custom, by_bounds)
    rows, layouts = histograms.aggregate(
        families(chosen(natives, by_bounds, custom)),
        window,
        _of(previous, by_bounds),
        policy,
        lookup,
    )
    others = _exponential(
        chosen(natives, ~by_bounds, ~custom),
        window,
        _of(previous, ~by_bounds),
        policy,
    )
    rows = Rows.join([rows, others])
    rows = rows.take(np.argsort(rows.series_id, kind="stable"))
    changed = np.isin(rows.series_id, natives.series_id[both])
    return replace(rows, flags=rows.flags | np.where(changed, Flag.LAYOUT, 0)), layouts


def _of(previous: Previous, series: Bools) -> Previous:
    return Previous(
        previous.values[series], previous.times[series], previous.buckets[series]
    )


def _exponential(
    natives: Natives, window: Window, previous: Previous, policy: Policy
) -> Rows:
    part = _Part.of(natives, window, previous)
    run = part.scraped.run
    rises, fell = _rises(part)
    made = decide(run, window.start_ms, policy, fell)
    steps = _settled(part.now, rises, made.whole, made.nothing)
    series = len(run.begin)
    added = total(steps, run.spread(np.arange(series)), series)
    totals, after = sums(run, part.totals, part.totals_before, made)
    place = part.scraped.newest
    blobs = exponential_blobs.encode(
        Kind.EXPONENTIAL, added, part.now.take(place), after[place]
    )
    undefined = ~np.isfinite(part.totals)
    return part.scraped.rows(
        natives,
        window,
        made,
        Added(
            observations=steps.count,
            totals=totals,
            blobs=list(blobs),
            flags=np.zeros(series, np.int64),
            no_sum=run.any(undefined) | np.isnan(after[place]),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """The scrapes of a window, and the one before each of them; with `_sum`."""

    scraped: Scraped
    now: Cells
    before: Cells
    totals: Floats
    totals_before: Floats
    reset: Bools

    @classmethod
    def of(cls, natives: Natives, window: Window, previous: Previous) -> _Part:
        every = natives.histograms
        count = np.array([one.count for one in every], np.float64)
        good = np.isfinite(count)
        usable = good & (natives.times >= window.start_ms)
        stood = _standing(previous)
        observed = np.where(stood.known, stood.cells.count, np.nan)
        known = Before.of(natives, window, good, count, observed, previous)
        scraped = Scraped.of(natives, window, usable, count[usable], known)
        chosen = np.flatnonzero(usable)
        some = np.flatnonzero(scraped.some)
        before = [
            every[known.at[one]] if known.there[one] else None for one in some.tolist()
        ]
        totals_before = stood.total[some]
        for place, one in enumerate(before):
            if one is not None:
                totals_before[place] = one.sum
        now = _normal([every[one] for one in chosen.tolist()])
        return cls(
            scraped,
            now,
            _shifted(now, scraped.run, before, stood.cells.take(some)),
            np.array([every[one].sum for one in chosen.tolist()], np.float64),
            totals_before,
            np.array([every[one].reset for one in chosen.tolist()], np.bool_),
        )


@dataclass(frozen=True, slots=True)
class _Stood:
    """How every series stood in the row before; empty where it is not `known`."""

    cells: Cells
    total: Floats
    known: Bools


def _standing(previous: Previous) -> _Stood:
    series = len(previous.values)
    known = np.array(
        [blob is not None and blob[0] == Kind.EXPONENTIAL for blob in previous.buckets],
        np.bool_,
    )
    places = np.flatnonzero(known)
    found = exponential_blobs.standing(
        [previous.buckets[at] for at in places.tolist()], places
    )
    totals = np.full(series, np.nan)
    totals[places] = found.total

    def spread(values: Floats) -> Floats:
        wider = np.zeros(series)
        wider[places] = values
        return wider

    schema = np.zeros(series, np.int64)
    schema[places] = found.cells.schema
    cells = Cells(
        schema,
        spread(found.cells.threshold),
        spread(found.cells.zero),
        spread(found.cells.count),
        places[found.cells.owner],
        found.cells.negative,
        found.cells.index,
        found.cells.number,
    )
    return _Stood(cells, totals, known)


def _normal(histograms: Sequence[Exponential]) -> Cells:
    """Return histograms in columns, their zero buckets ending where a bucket ends."""
    owner, negative, index, number = [], [], [], []
    for at, one in enumerate(histograms):
        for side, (first, counts) in enumerate((one.positive, one.negative)):
            owner.append(np.full(len(counts), at))
            negative.append(np.full(len(counts), side == 1))
            index.append(np.arange(first, first + len(counts)))
            number.append(np.asarray(counts, np.float64))
    nothing = np.zeros(0, np.int64)
    cells = Cells(
        np.array([one.schema for one in histograms], np.int64),
        np.array([one.zero_threshold for one in histograms], np.float64),
        np.array([one.zero_count for one in histograms], np.float64),
        np.array([one.count for one in histograms], np.float64),
        *tidy(
            np.concatenate([nothing, *owner]),
            np.concatenate([nothing > 0, *negative]),
            np.concatenate([nothing, *index]),
            np.concatenate([np.zeros(0), *number]),
        ),
    )
    return reduce(cells, cells.schema, cells.threshold)


def _shifted(
    now: Cells, run: Run, before: Sequence[Exponential | None], stood: Cells
) -> Cells:
    """Return of each scrape the one before it, empty where there is none."""
    read = _normal([one for one in before if one is not None])
    in_hand = np.array([one is not None for one in before], np.bool_)
    series = len(before)
    # All scrapes, those in hand before the window, then how the others stood.
    pool = Cells.join([now, read, stood])
    source = np.empty(len(now), np.int64)
    source[1:] = np.arange(len(now) - 1)
    first = np.where(
        in_hand,
        len(now) + np.cumsum(in_hand) - 1,
        len(now) + len(read) + np.arange(series),
    )
    source[run.begin] = first
    order = np.argsort(source)
    taken = pool.take(source[order])
    return taken.moved(order)


def _rises(part: _Part) -> tuple[Cells, Bools]:
    """Return what each scrape rose by, and in which of them some count fell."""
    now, before = part.now, part.before
    empty = before.count == 0
    anew = (now.schema > before.schema) | (now.threshold < before.threshold)
    schema = np.where(empty, now.schema, np.minimum(now.schema, before.schema))
    threshold = np.maximum(now.threshold, np.where(empty, 0.0, before.threshold))
    earlier = reduce(before, schema, threshold)
    later = reduce(now, schema, threshold)
    owner, negative, index, number = tidy(
        np.concatenate([later.owner, earlier.owner]),
        np.concatenate([later.negative, earlier.negative]),
        np.concatenate([later.index, earlier.index]),
        np.concatenate([later.number, -earlier.number]),
    )
    zero = later.zero - earlier.zero
    count = later.count - earlier.count
    fell = (anew & ~empty) | (zero < 0) | (count < 0) | part.reset
    fell[owner[number < 0]] = True
    return (
        Cells(schema, threshold, zero, count, owner, negative, index, number),
        fell,
    )


def _settled(now: Cells, rises: Cells, whole: Bools, nothing: Bools) -> Cells:
    """Return what each scrape adds once it is decided how it counts."""
    own = whole | nothing
    rose = ~own[rises.owner]
    counted = whole[now.owner]
    return Cells(
        np.where(own, now.schema, rises.schema),
        np.where(own, now.threshold, rises.threshold),
        np.where(whole, now.zero, np.where(nothing, 0.0, rises.zero)),
        np.where(whole, now.count, np.where(nothing, 0.0, rises.count)),
        *tidy(
            np.concatenate([rises.owner[rose], now.owner[counted]]),
            np.concatenate([rises.negative[rose], now.negative[counted]]),
            np.concatenate([rises.index[rose], now.index[counted]]),
            np.concatenate([rises.number[rose], now.number[counted]]),
        ),
    )
