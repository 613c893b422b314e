"""What counters rose by in a window, step by step, and what is known of each step.

Pure and vectorised over samples. A window's samples are given with the sample before
each of them, so that nothing here knows of series but by where theirs begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from bridge.rollup import counters
from bridge.rollup.rows import Bools, Flag, Floats, Ints
from bridge.rollup.summation import sum_runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Number = TypeVar("Number", np.int64, np.float64, np.bool_)


@dataclass(frozen=True, slots=True)
class Policy:
    """How steps are counted that are not simply a rise.

    `evidence` counts first samples wholly where something is known of them; otherwise
    they are only measured from (R25). A step over more than `max_gap_ms` adds nothing,
    0 is no limit (R29).
    """

    evidence: bool = True
    max_gap_ms: int = 0


USUAL: Final = Policy()
"""What holds where nothing is configured."""


@dataclass(frozen=True, slots=True)
class Falls:
    """How far the values of each series may fall without having been reset (R30).

    `tolerance` is a share of the value before, 0 for none. Such a fall adds nothing, or
    is subtracted where `subtracted` says so.
    """

    tolerance: Floats
    subtracted: Bools

    def of(self, places: Ints | Bools) -> Falls:
        """Return those of some of the series."""
        return Falls(self.tolerance[places], self.subtracted[places])


@dataclass(frozen=True, slots=True)
class Run:
    """Usable samples of some series in a window, none of them empty, in time order.

    Series i begins at `begin[i]` and has `count[i]`. `before`, `before_times` and
    `before_started` are of the sample before the first one, NaN and 0 where there is
    none. `started` and `absent` are those of a Block. `interval_ms` is the time between
    two scrapes, 0 where unknown, and `counter` says which series rise. Where the sample
    before comes from another replica, `own` is the older one of the replica that the
    samples are from, else NaN.
    """

    values: Floats
    times: Ints
    started: Ints | None
    begin: Ints
    count: Ints
    counter: Bools
    before: Floats
    before_times: Ints
    before_started: Ints
    absent: Ints | None
    interval_ms: Ints
    own: Floats | None = None

    def shifted(
        self, samples: NDArray[Number], before: NDArray[Number]
    ) -> NDArray[Number]:
        """Return of each sample what the one before it has."""
        moved = np.empty_like(samples)
        moved[1:] = samples[:-1]
        moved[self.begin] = before
        return moved

    def spread(self, of_series: NDArray[Number]) -> NDArray[Number]:
        """Return of each sample what its series has."""
        return np.repeat(of_series, self.count)

    def any(self, marks: Bools) -> Bools:
        """Return which series have a marked sample."""
        return self.tally(marks) > 0

    def tally(self, marks: Bools) -> Ints:
        """Return how many samples of each series are marked."""
        running = np.zeros(len(marks) + 1, np.int64)
        np.cumsum(marks, out=running[1:])
        tally: Ints = running[self.begin + self.count] - running[self.begin]
        return tally


@dataclass(frozen=True, slots=True)
class Measured:
    """By how much each series rose, how often it was reset, and flags.

    All of them are 0 for series that are no counters.
    """

    increase: Floats
    resets: Ints
    flags: Ints


def measure(
    run: Run, since_ms: int, policy: Policy = USUAL, falls: Falls | None = None
) -> Measured:
    """Return what the samples add up to; the window starts at `since_ms`.

    A step is what `counters.steps` says, unless the sample counts from a start of its
    own, is the first of its series, fell a little or comes after too long a gap.
    """
    counter = run.counter
    if not counter.any():
        nothing = np.zeros(len(counter), np.int64)
        return Measured(nothing.astype(np.float64), nothing, nothing)
    before = run.shifted(run.values, run.before)
    steps, resets = counters.steps(run.values, before)
    flags = _first(run, since_ms, steps, policy)
    finite = np.isfinite(run.values) & np.isfinite(before)
    _switch(run, steps, resets)
    again = _restarted(run, finite)
    steps[again] = run.values[again]
    resets |= again
    if falls is not None:
        share = run.spread(falls.tolerance)
        dipped = finite & ~again & counters.dips(run.values, before, share)
        fall = run.values[dipped] - before[dipped]
        steps[dipped] = np.where(run.spread(falls.subtracted)[dipped], fall, 0.0)
        resets &= ~dipped
        flags[run.any(dipped)] |= Flag.DIP
    if policy.max_gap_ms:
        long = finite & (_apart(run) > policy.max_gap_ms)
        steps[long] = 0.0
        resets &= ~long
        flags[run.any(long)] |= Flag.DISCARDED
    flags[~counter] = 0
    increase = sum_runs(steps, run.begin, np.where(counter, run.count, 0))
    tally = run.tally(resets) if resets.any() else np.zeros(len(counter), np.int64)
    return Measured(increase, np.where(counter, tally, 0), flags)


def gaps(run: Run) -> Ints:
    """Return of each counter its longest time without a sample that should have been.

    That is the time from one sample, be it before the window, to the next, where it is
    more than two scrapes; else 0. Of other series nothing is told: their rows do not
    depend on what was before them, in whatever order windows are done (R29).
    """
    if not len(run.begin) or not run.counter.any():
        return np.zeros(len(run.begin), np.int64)
    longest = np.maximum.reduceat(_apart(run), run.begin)
    missing = (run.interval_ms > 0) & (longest > 2 * run.interval_ms)
    return np.where(run.counter & missing, longest, 0)


def changes(run: Run) -> Ints:
    """Return of each series how many samples differ from the one before in the run."""
    marks = np.ones(len(run.values), np.bool_)
    marks[1:] = run.values[1:] != run.values[:-1]
    marks[run.begin] = False
    return run.tally(marks)


def _apart(run: Run) -> Ints:
    """Return how long each sample is after the one before, 0 where that is unknown."""
    before = run.shifted(run.times, run.before_times)
    return np.where(before > 0, run.times - before, 0)


def _first(run: Run, since_ms: int, steps: Floats, policy: Policy) -> Ints:
    """Return flags of the first samples, and let those count that count wholly."""
    unknown = ~np.isfinite(run.before)
    flags = np.where(unknown, Flag.BASELINE, 0).astype(np.int64)
    said = run.started is not None or run.absent is not None
    if not policy.evidence or not said or not unknown.any():
        return flags
    first = np.isnan(run.before) & np.isfinite(run.values[run.begin])
    at = np.flatnonzero(first & run.counter)
    begin = run.begin[at]
    nothing = np.zeros(len(at), np.int64)
    flags[at] = counters.first_flags(
        run.times[begin],
        nothing if run.started is None else run.started[begin],
        nothing if run.absent is None else run.absent[at],
        since_ms,
        run.interval_ms[at],
    )
    whole = begin[flags[at] != Flag.BASELINE]
    steps[whole] = run.values[whole]
    return flags


def _switch(run: Run, steps: Floats, resets: Bools) -> None:
    """Correct the first steps of series that come from another replica than before.

    A counter rose since the newer sample by no more than since the older one of the
    same replica, and was not reset unless that replica saw it: replicas that disagree
    about a target make neither resets nor rises (R36, R37).
    """
    if run.own is None:
        return
    at = np.flatnonzero(np.isfinite(run.own) & np.isfinite(run.before))
    begin = run.begin[at]
    rose = np.isfinite(run.values[begin]) & (run.values[begin] >= run.own[at])
    begin, at = begin[rose], at[rose]
    rises = run.values[begin] - run.before[at]
    steps[begin] = np.clip(rises, 0.0, run.values[begin] - run.own[at])
    resets[begin] = False


def _restarted(run: Run, finite: Bools) -> Bools:
    if run.started is None:
        return np.zeros(len(finite), np.bool_)
    return finite & counters.restarted(
        run.times,
        run.started,
        run.shifted(run.times, run.before_times),
        run.shifted(run.started, run.before_started),
    )
