"""The algebra of counters: what a value means after the one before it.

A counter only rises, except that it starts again when its process does (R21, R22).
All functions take and return arrays of equal length, one entry for each sample or each
series; times are UTC milliseconds, and 0 is a time that is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.rows import Flag

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools, Floats, Ints

EXACT: Final = 2.0**53
"""From here on a float cannot tell an integer from the next one (R18)."""


def steps(values: Floats, before: Floats) -> tuple[Floats, Bools]:
    """Return how much each value adds to the one before, and which are resets.

    A smaller value is a reset and adds itself, a larger one adds the difference, an
    equal one adds nothing. Negative values follow the same rule, so that only they can
    make a step negative. Where `before` is NaN, none is known and nothing is added.
    A step from or to an infinity cannot be measured: it adds nothing and is no reset,
    whichever window its two samples fall into.
    """
    known = np.isfinite(values) & np.isfinite(before)
    resets = known & (values < before)
    with np.errstate(invalid="ignore", over="ignore"):
        rises = np.where(known, values - before, 0.0)
    return np.where(resets, values, rises), resets


def restarted(
    times: Ints, started: Ints, before_times: Ints, before_started: Ints
) -> Bools:
    """Return which samples count from a start of their own, not from the one before.

    `started` says since when each sample counts and `before_*` are of the sample before
    it. A start after that sample is a reset, however high the value (R27). A start at
    that very sample is one only if the sample before says another start of its own
    before itself: then these are deltas, and otherwise a total that nobody knows the
    beginning of (R28). A start that is no earlier than its own sample says nothing, nor
    does one that the sample before names already, as it does where clocks differ.
    """
    said = (started > 0) & (started < times) & (before_times > 0)
    later = (started > before_times) & (started != before_started)
    delta = (started == before_times) & (before_started > 0)
    again: Bools = said & (later | (delta & (before_started < before_times)))
    return again


def first_flags(
    times: Ints, started: Ints, absent: Ints, since_ms: int, interval_ms: Ints
) -> Ints:
    """Return what is known of samples that are the first of their series (R25).

    `CREATED` where the count began in the window, which starts at `since_ms`, or at
    most two scrapes before the sample: the step over a window's start belongs to the
    window, and so does the one from a beginning. `APPEARED` where the target was
    scraped without the series (`absent`) at most two scrapes before. Both samples count
    wholly. Else `BASELINE`: the sample only says where to measure from. `interval_ms`
    are the times between scrapes, 0 where unknown.
    """
    near = times - reach(interval_ms)
    known = interval_ms > 0
    begun = (started >= since_ms) | (known & (started >= near))
    created = (started > 0) & (started < times) & begun
    appeared = (absent > 0) & (absent < times) & known & (absent >= near)
    rest = np.where(appeared, Flag.APPEARED, Flag.BASELINE)
    flags: Ints = np.where(created, Flag.CREATED, rest).astype(np.int64)
    return flags


def reach(interval_ms: Ints) -> Ints:
    """Return how far back a scrape is just before: two of them and a second."""
    return 2 * interval_ms + 1000


def dips(values: Floats, before: Floats, tolerance: Floats) -> Bools:
    """Return which values fell by no more than a share of the one before (R30).

    `tolerance` is the share, 0 where every fall is a reset.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        fell = values < before
        return fell & (tolerance > 0) & (values >= before * (1 - tolerance))


def imprecise(values: Floats) -> Bools:
    """Return which values are finite and so large that a step of one may be lost.

    2^53 itself is among them, because 2^53 + 1 arrives as 2^53.
    """
    return np.isfinite(values) & (np.abs(values) >= EXACT)
