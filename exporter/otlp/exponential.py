"""Exponential histograms: buckets whose bounds are powers of one base.

At scale `s` the base is `2 ** 2**-s`, and bucket `i` holds what is above `base**i` and
not above `base**(i+1)`. Two neighbours are one bucket of the next lower scale, so that
histograms of any scales merge without an error. Source: OpenTelemetry's specification,
"Metrics Data Model", "ExponentialHistogram".
"""

from __future__ import annotations

import math
from typing import Final

FINEST: Final = 8
"""The scale to begin with: bounds 0.27 % apart, the finest that Prometheus keeps."""
MOST_BUCKETS: Final = 160
"""From the first to the last; more make the scale fall. As OpenTelemetry's SDKs."""


class Exponential:
    """A histogram of numbers that are not negative; `buckets` are counts by index."""

    __slots__ = ("buckets", "count", "largest", "scale", "smallest", "total", "zeros")

    def __init__(self, scale: int = FINEST) -> None:
        self.scale = scale
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.zeros = 0
        self.total = 0.0
        self.smallest = math.inf
        self.largest = -math.inf

    def add(self, value: float) -> None:
        """Count a value; raises ValueError for one that is negative or not finite."""
        if not 0 <= value < math.inf:
            raise ValueError(f"{value} has no place in a histogram of durations")
        self.count += 1
        self.total += value
        self.smallest = min(self.smallest, value)
        self.largest = max(self.largest, value)
        if value == 0:
            self.zeros += 1
            return
        place = index(value, FINEST) >> (FINEST - self.scale)
        self.buckets[place] = self.buckets.get(place, 0) + 1
        self._fit()

    def merge(self, other: Exponential) -> None:
        """Count all that another one has counted."""
        scale = min(self.scale, other.scale)
        self.coarsen(self.scale - scale)
        for place, count in other.buckets.items():
            at = place >> (other.scale - scale)
            self.buckets[at] = self.buckets.get(at, 0) + count
        self.count += other.count
        self.zeros += other.zeros
        self.total += other.total
        self.smallest = min(self.smallest, other.smallest)
        self.largest = max(self.largest, other.largest)
        self._fit()

    def coarsen(self, steps: int) -> None:
        """Lower the scale: each step makes one bucket of two."""
        if not steps:
            return
        merged: dict[int, int] = {}
        for place, count in self.buckets.items():
            at = place >> steps
            merged[at] = merged.get(at, 0) + count
        self.buckets = merged
        self.scale -= steps

    def dense(self) -> tuple[int, list[int]]:
        """Return the index of the first bucket, and the counts from there on."""
        if not self.buckets:
            return 0, []
        first, last = min(self.buckets), max(self.buckets)
        return first, [self.buckets.get(at, 0) for at in range(first, last + 1)]

    def _fit(self) -> None:
        if not self.buckets:
            return
        first, last = min(self.buckets), max(self.buckets)
        steps = 0
        while (last >> steps) - (first >> steps) >= MOST_BUCKETS:
            steps += 1
        self.coarsen(steps)


def index(value: float, scale: int) -> int:
    """Return the bucket of a positive value at a scale of 0 or more.

    Exact where a value is a power of two; beside other bounds a value that is within
    an error of rounding may be in the neighbouring bucket.
    """
    fraction, exponent = math.frexp(value)
    if fraction == 0.5:  # noqa: PLR2004 - a power of two is its bucket's upper bound
        return ((exponent - 1) << scale) - 1
    parts = 1 << scale
    # Rounding must not take it out of its octave.
    within = max(math.ceil(math.log2(fraction) * parts), 1 - parts)
    return (exponent << scale) + within - 1
