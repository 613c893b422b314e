"""How each scrape of a histogram counts: by its rise, wholly, or not at all.

The counts of a histogram fall together: one of them that fell resets all (R53). What
holds of counters holds of it: evidence of first samples, starts that sources tell of,
and gaps; see `bridge.rollup.steps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup import counters
from bridge.rollup.rows import Bools, Flag, Floats, Ints

if TYPE_CHECKING:
    from bridge.rollup.steps import Policy, Run


@dataclass(frozen=True, slots=True)
class Decision:
    """What is said of each scrape, and the flags of each series.

    `whole` scrapes count by themselves, not from the one before; `resets` are those of
    them that are no firsts. `nothing` adds nothing: there is nothing to measure from,
    or it is too long ago.
    """

    whole: Bools
    resets: Bools
    nothing: Bools
    flags: Ints


def decide(run: Run, since_ms: int, policy: Policy, fell: Bools) -> Decision:
    """Decide of the scrapes of a window; its values are `_count`.

    `fell` says in which of them some count is smaller than in the one before.
    """
    first = np.zeros(len(run.values), np.bool_)
    first[run.begin] = np.isnan(run.before)
    flags = _first_flags(run, since_ms, policy)
    resets = (fell | _restarted(run)) & ~first
    nothing = first & (run.spread(flags) & Flag.BASELINE > 0)
    if policy.max_gap_ms:
        before = run.shifted(run.times, run.before_times)
        long = ~first & (before > 0) & (run.times - before > policy.max_gap_ms)
        resets &= ~long
        nothing |= long
        flags[run.any(long)] |= Flag.DISCARDED
    return Decision((first & ~nothing) | resets, resets, nothing, flags)


def sums(
    run: Run, totals: Floats, before: Floats, made: Decision
) -> tuple[Floats, Floats]:
    """Return by how much each scrape adds to `_sum`, and how it stands after it.

    `before` is `_sum` before the window. Where `_sum` is missing the next one makes up
    for it. It may fall without a reset, as observations may be negative: only counts
    decide what a reset is. NaN as long as nothing is known.
    """
    series = np.arange(len(run.begin))
    place = np.arange(len(totals)) + run.spread(series) + 1
    heads = run.begin + series
    size = len(totals) + len(series)
    known = np.isfinite(totals)
    values = np.full(size, np.nan)
    values[heads] = np.where(np.isfinite(before), before, np.nan)
    values[place] = np.where(known, totals, np.where(made.whole, 0.0, np.nan))
    own = np.zeros(size, np.bool_)
    own[heads] = True
    own[place] = known | made.whole
    standing = values[np.maximum.accumulate(np.where(own, np.arange(size), 0))]
    after = standing[place]
    since = np.where(made.whole, 0.0, standing[place - 1])
    with np.errstate(over="ignore"):
        added = np.where(made.nothing, 0.0, after - since)
    return np.where(np.isnan(added), 0.0, added), after


def _first_flags(run: Run, since_ms: int, policy: Policy) -> Ints:
    unknown = np.isnan(run.before)
    flags = np.where(unknown, Flag.BASELINE, 0).astype(np.int64)
    if not policy.evidence or (run.started is None and run.absent is None):
        return flags
    at = np.flatnonzero(unknown)
    begin = run.begin[at]
    nothing = np.zeros(len(at), np.int64)
    flags[at] = counters.first_flags(
        run.times[begin],
        nothing if run.started is None else run.started[begin],
        nothing if run.absent is None else run.absent[at],
        since_ms,
        run.interval_ms[at],
    )
    return flags


def _restarted(run: Run) -> Bools:
    if run.started is None:
        return np.zeros(len(run.values), np.bool_)
    return counters.restarted(
        run.times,
        run.started,
        run.shifted(run.times, run.before_times),
        run.shifted(run.started, run.before_started),
    )
