"""Sums that keep the digits a plain float addition would drop.

Neumaier's variant of Kahan's compensated summation (A. Neumaier, ZAMM 54, 1974, 39-51):
beside each total runs the sum of what rounding took from it (R17). Vectorised over
slots; the order within a slot is the order of the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from bridge.rollup.rows import Bools, Flag, Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sums:
    """One running sum per slot, all starting at zero.

    `total` are the plain float sums and `lost` is what rounding took from them.
    Infinities make a sum infinite, and those of both signs make it NaN.
    """

    __slots__ = ("lost", "total")

    def __init__(self, slots: int) -> None:
        self.total: Floats = np.zeros(slots)
        self.lost: Floats = np.zeros(slots)

    def add(self, slots: Ints | slice, values: Floats) -> None:
        """Add one value to each of the slots, which must differ from each other."""
        before = self.total[slots]
        with np.errstate(invalid="ignore", over="ignore"):
            total = before + values
            lost = np.where(
                np.abs(before) >= np.abs(values),
                (before - total) + values,
                (values - total) + before,
            )
        self.total[slots] = total
        # After an infinity there is nothing left to correct, and inf - inf is NaN.
        self.lost[slots] += np.where(np.isfinite(total), lost, 0.0)

    def result(self) -> Floats:
        """Return the sums."""
        with np.errstate(over="ignore"):
            return self.total + self.lost

    def spread(self, slots: int, places: Ints) -> Self:
        """Return the sums moved to the given places among more slots."""
        wider = type(self)(slots)
        wider.total[places] = self.total
        wider.lost[places] = self.lost
        return wider


def positions(begin: Ints, count: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Walk all runs `begin[i]:begin[i] + count[i]` of an array side by side.

    Yields, for each position 0, 1, 2, ... the runs that are that long and the indices
    of their elements there. Time and memory follow the number of elements, also when
    a few runs are much longer than the rest.
    """
    order = np.argsort(-count, kind="stable")
    longest_first = begin[order]
    lengths = -count[order]
    for position in range(-int(lengths[0]) if len(lengths) else 0):
        active = int(np.searchsorted(lengths, -position))
        yield order[:active], longest_first[:active] + position


def sum_runs(values: Floats, begin: Ints, count: Ints) -> Floats:
    """Return the compensated sum of each run of an array, 0 for empty runs."""
    sums = Sums(len(begin))
    for slots, index in positions(begin, count):
        sums.add(slots, values[index])
    return sums.result()


def without_sum(total: Floats, flags: Ints) -> Bools:
    """Return which sums of samples say nothing.

    Those that are NaN, and those that became infinite without an infinite sample
    because a float cannot hold them.
    """
    overflown = np.isinf(total) & (flags & Flag.INFINITE == 0)
    nothing: Bools = np.isnan(total) | overflown
    return nothing
