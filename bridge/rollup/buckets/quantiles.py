"""Quantiles of merged buckets, and how far they can be off.

Interpolation within a bucket is what Prometheus 3 does: straight for classic buckets,
for the zero bucket and for custom bounds, and along the exponent for exponential ones
(Prometheus before 3.0 drew a straight line there, too). Every answer comes with the
bounds between which the true quantile lies: those of its bucket.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.buckets import classic, exponential_blobs
from bridge.rollup.buckets.blobs import parts
from bridge.rollup.buckets.cells import Cells, total
from bridge.rollup.buckets.exponents import upper_bounds
from bridge.rollup.buckets.layouts import shared
from bridge.rollup.buckets.packing import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.rollup.buckets.layouts import Bounds
    from bridge.rollup.rows import Floats, Ints

_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantile, NaN if there is none, and the bounds between which it truly lies."""

    value: float
    lower: float
    upper: float

    def between(self, low: float, high: float) -> Estimate:
        """Return the same where all values are known to be from `low` to `high`."""
        if math.isnan(self.value) or math.isnan(low) or math.isnan(high):
            return self
        return Estimate(
            min(max(self.value, low), high), max(self.lower, low), min(self.upper, high)
        )


NOTHING: Final = Estimate(math.nan, math.nan, math.nan)
"""The quantile of no observations, or of buckets that do not go together."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of one distribution from below: bounds, counts, and how to interpolate.

    `count` are all observations, more than in the buckets where some are no numbers.
    `along` says of which buckets values are spread evenly over the exponent.
    `from_above` looks for high quantiles from above, as Prometheus does for native
    histograms: that matters where a quantile lies between two buckets.
    """

    lower: Floats
    upper: Floats
    number: Floats
    count: float
    along: bool = False
    from_above: bool = False


def quantile(q: float, blob: bytes, bounds: Mapping[int, Bounds]) -> Estimate:
    """Return a quantile of the buckets in a blob.

    `bounds` are those of the layouts that the blob names. Where the layout changed it
    is the quantile by the bounds that all have. Outside of 0 to 1 it is infinite (R51).
    """
    return of(q, buckets_of(blob, bounds))


def of(q: float, buckets: Buckets | None) -> Estimate:
    """Return a quantile of buckets, NaN of none."""
    if buckets is None or buckets.count <= 0 or math.isnan(q):
        return NOTHING
    if q < 0:
        return Estimate(-math.inf, -math.inf, -math.inf)
    if q > 1:
        return Estimate(math.inf, math.inf, math.inf)
    cumulative = np.cumsum(buckets.number)
    inside = float(cumulative[-1]) if len(cumulative) else 0.0
    # Sums of fractions may miss the count by their rounding.
    numbers = inside >= buckets.count * (1 - 1e-12)
    rank = q * (inside if numbers else buckets.count)
    if rank > inside or not len(cumulative):
        return NOTHING  # among observations that are no numbers
    at = _from_below(cumulative, rank)
    lowest = float(buckets.lower[at])
    if buckets.from_above and numbers and q >= _HALF:
        at = max(at, _from_above(buckets.number, cumulative, inside - rank))
    share = (rank - (cumulative[at] - buckets.number[at])) / buckets.number[at]
    return Estimate(
        _within(buckets, at, min(max(float(share), 0.0), 1.0)),
        lowest,
        float(buckets.upper[at]),
    )


def buckets_of(blob: bytes, bounds: Mapping[int, Bounds]) -> Buckets | None:
    """Return the buckets in a blob, None where there are none that go together."""
    found = parts(blob)
    kinds = {part[0] for part in found}
    if len(kinds) > 1:
        return None
    if kinds == {Kind.CLASSIC}:
        return _classic(found[0], bounds)
    if kinds == {Kind.EXPONENTIAL}:
        return _exponential(Kind.EXPONENTIAL, found)
    if kinds == {Kind.DISTRIBUTION}:
        return _exponential(Kind.DISTRIBUTION, found)
    return None


def from_bounds(bounds: Sequence[float], cumulative: Sequence[float]) -> Buckets | None:
    """Return classic buckets: rising bounds that end with +Inf, cumulative counts.

    The first bucket begins at 0 if it ends above, and otherwise is taken for its upper
    bound; the last one is taken for its lower bound (R51). None for a single bucket.
    """
    if len(bounds) < 2:  # noqa: PLR2004 - one bucket says nothing of where
        return None
    upper = np.array(bounds, np.float64)
    lower = np.append(0.0 if upper[0] > 0 else -np.inf, upper[:-1])
    return Buckets(
        lower, upper, np.diff(np.array(cumulative), prepend=0.0), float(cumulative[-1])
    )


def _classic(blob: bytes, bounds: Mapping[int, Bounds]) -> Buckets | None:
    piles = classic.increases([blob], np.zeros(1, np.int64))
    counted = {
        layout: pile.counts[0].cumsum()
        for layout, pile in piles.items()
        if pile.counts[0].any()
    }
    if not counted or any(layout not in bounds for layout in counted):
        return None
    layouts = [bounds[layout] for layout in counted]
    common = layouts[0]
    for other in layouts[1:]:
        common = shared(common, other)[0]
    cumulative = np.zeros(len(common))
    for layout, counts in counted.items():
        cumulative += counts[shared(bounds[layout], common)[1]]
    return from_bounds(common, cumulative.tolist())


def _exponential(kind: Kind, blobs: Sequence[bytes]) -> Buckets:
    cells, _ = exponential_blobs.increases(kind, blobs)
    # Distributions of several schemas meet at the coarsest, whose error it then is.
    return from_cells(
        total(cells, np.zeros(len(blobs), np.int64), 1),
        native=kind is Kind.EXPONENTIAL,
    )


def from_cells(cells: Cells, *, native: bool) -> Buckets:
    """Return the buckets of one exponential histogram, of a gauge unless `native`."""
    order = np.argsort(
        np.where(cells.negative, -cells.index, cells.index), kind="stable"
    )
    negative = order[cells.negative[order]]
    positive = order[~cells.negative[order]]
    low, high = _edges(cells, positive), _edges(cells, negative)
    lower, upper = [-high[1]], [-high[0]]
    number = [cells.number[negative]]
    if cells.zero[0] > 0:
        # What a distribution has there is taken for zero.
        wide = cells.threshold if native else np.zeros(1)
        # Without observations on the other side of zero there are none of its half.
        lower.append(np.where(len(positive) and not len(negative), 0.0, -wide))
        upper.append(np.where(len(negative) and not len(positive), 0.0, wide))
        number.append(cells.zero)
    lower.append(low[0])
    upper.append(low[1])
    number.append(cells.number[positive])
    return Buckets(
        np.concatenate(lower),
        np.concatenate(upper),
        np.concatenate(number),
        float(cells.count[0]),
        along=True,
        from_above=native,
    )


def _edges(cells: Cells, chosen: Ints) -> tuple[Floats, Floats]:
    index = cells.index[chosen]
    schema = np.repeat(cells.schema, len(index))
    return upper_bounds(index - 1, schema), upper_bounds(index, schema)


def _from_below(cumulative: Floats, rank: float) -> int:
    """Return the first bucket that is not empty and up to which there is the rank."""
    return int(np.searchsorted(cumulative, max(rank, np.nextafter(0, 1)), side="left"))


def _from_above(number: Floats, cumulative: Floats, rank: float) -> int:
    """Return the last bucket that is not empty and down to which there is the rank."""
    reached = cumulative[-1] - (cumulative - number)
    return int(np.flatnonzero((number > 0) & (reached >= rank))[-1])


def _within(buckets: Buckets, at: int, share: float) -> float:
    lower, upper = float(buckets.lower[at]), float(buckets.upper[at])
    if math.isinf(upper):
        return lower
    if math.isinf(lower) or lower >= upper:
        return upper
    if buckets.along and (lower > 0 or upper < 0):
        low, high = math.log2(abs(lower)), math.log2(abs(upper))
        sign = math.copysign(1.0, lower)
        return sign * math.exp2(low + (high - low) * share)
    return lower + (upper - lower) * share
