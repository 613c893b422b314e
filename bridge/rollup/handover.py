"""Where counters go on when another replica takes over a target (R36).

Both replicas look at the same counter. What one of them saw last, and the rows end
with, therefore lies between what the other saw before and what it sees now: the step
from there is exact, so that increases add up across the change (R22). Where it does
not, one of them is behind, and the step is measured within the new replica alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.choice import bounds

if TYPE_CHECKING:
    from typing import Self

    from bridge.rollup.rows import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Seen:
    """What a replica saw of each series before a window, and what it sees first in it.

    `lowest` is the value with which its last rise began, at `since` (UTC milliseconds),
    and `newest` the last value before the window. NaN and 0 where it saw nothing.
    """

    lowest: Floats
    since: Ints
    newest: Floats
    first: Floats

    @classmethod
    def of(
        cls, values: Floats, times: Ints, offsets: Ints, earlier: Bools, inside: Bools
    ) -> Self:
        """Look at series with the samples `offsets[i]:offsets[i + 1]`.

        `earlier` and `inside` choose those before the window and those in it.
        """
        begin, end = bounds(earlier, offsets)
        there, last = end > begin, np.maximum(end, 1) - 1
        before = np.append(values[earlier], np.nan)
        starts = np.zeros(len(before), np.bool_)
        starts[begin[there]] = True
        starts[1:] |= before[1:] < before[:-1]
        places = np.where(starts, np.arange(len(before)), 0)
        since = np.maximum.accumulate(places)[last]
        first, some = bounds(inside, offsets)
        now = np.append(values[inside], np.nan)
        return cls(
            np.where(there, before[since], np.nan),
            np.where(there, np.append(times[earlier], 0)[since], 0),
            np.where(there, before[last], np.nan),
            np.where(some > first, now[first], np.nan),
        )

    def goes_on_from(self, values: Floats, times: Ints) -> Bools:
        """Return which series go on from the last samples of another replica.

        What it saw must lie on the rise that this one saw, or be from before that
        began. After a reset that only this one can have seen, what the other one saw is
        as good a place to measure from.
        """
        with np.errstate(invalid="ignore"):
            known = np.isfinite(values) & (times > 0) & np.isfinite(self.newest)
            passed = (values >= self.lowest) | (times < self.since)
            fell = self.first < self.newest
            found: Bools = known & (fell | (passed & (values <= self.first)))
        return found
