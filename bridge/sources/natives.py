"""Native histograms as sources tell them, in the one representation of `base`.

The JSON API tells the bounds of buckets that are not empty, from which resolution and
indices are derived; remote read and OpenTelemetry tell resolution, spans and counts.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from bridge.sources.base import Exponential, Natives

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

FINEST: Final = 8
COARSEST: Final = -4
_POSITIVE: Final = 0
_NEGATIVE: Final = 1
_ZERO: Final = 3
"""Rules: the bucket holds its upper bound, its lower one, or both, around zero."""
_LARGEST: Final = sys.float_info.max
_BEYOND: Final = 1024
"""The exponent of two that no float has."""
_CLOSE: Final = 1e-6
"""How far a bound may be from the border of a bucket, as part of the bucket."""

Buckets: TypeAlias = tuple[int, "NDArray[np.float64]"]
Interval: TypeAlias = tuple[int, float, float, float]
"""Rule, lower and upper bound and count of a bucket."""
_Side: TypeAlias = tuple[float, float, float]
"""Lower and upper bound as distances from zero, and count."""


@dataclass(frozen=True, slots=True)
class NativeSeries:
    """What a source holds of one series of native histograms.

    `metric` are its labels as `KnownSeries` takes them; histogram i stood at
    `times[i]`, UTC milliseconds. `ended` is the time of its newest stale marker, 0
    where there is none, or where the source is told of none.
    """

    metric: bytes
    times: Sequence[int]
    histograms: Sequence[Exponential]
    ended: int = 0


def from_spans(
    spans: Iterable[tuple[int, int]],
    *,
    deltas: Sequence[int] = (),
    counts: Sequence[float] = (),
) -> Buckets:
    """Return buckets from spans of (gap before, length) and their counts.

    Counts are `deltas`, each the difference to the bucket before, or absolute
    `counts`, as in Prometheus' protocols. The gap before the first span is the index
    of its bucket. Raises ValueError if spans and counts do not fit.
    """
    values = list(accumulate(deltas)) if deltas else list(counts)
    places: list[int] = []
    at = 0
    for gap, length in spans:
        at += gap
        places += range(at, at + length)
        at += length
    if len(places) != len(values) or sorted(set(places)) != places:
        raise ValueError(f"{len(places)} buckets in spans have {len(values)} counts")
    return _placed(dict(zip(places, values, strict=True)))


def from_intervals(
    count: float, total: float, intervals: Sequence[Interval], schema: int = FINEST
) -> Exponential:
    """Return a histogram from the buckets of the JSON API.

    The resolution is the one that the bounds show; `schema` is taken where they show
    none. The bucket next to the one around zero may be cut short by that one and is
    taken for whole. Raises ValueError for bounds that are no exponential histogram's.
    """
    zero = [one for one in intervals if one[0] == _ZERO]
    threshold = max((upper for _, _, upper, _ in zero), default=0.0)
    positive = [(low, up, n) for rule, low, up, n in intervals if rule == _POSITIVE]
    negative = [(-up, -low, n) for rule, low, up, n in intervals if rule == _NEGATIVE]
    if len(zero) + len(positive) + len(negative) != len(intervals):
        raise ValueError("there are buckets of an unknown kind")
    found = _schema([*positive, *negative], threshold, schema)
    return Exponential(
        schema=found,
        zero_threshold=threshold,
        zero_count=math.fsum(n for *_, n in zero),
        count=count,
        sum=total,
        positive=_placed({_index(low, up, found): n for low, up, n in positive}),
        negative=_placed({_index(low, up, found): n for low, up, n in negative}),
    )


def from_told(
    told: Iterable[tuple[float, float, Sequence[Interval]]],
) -> list[Exponential]:
    """Return the histograms of a series from count, sum and buckets of each.

    One without buckets has the resolution of those beside it. Raises ValueError.
    """
    rows = list(told)
    found: list[Exponential] = []
    schema = next(
        (
            from_intervals(*row).schema
            for row in rows
            if any(rule != _ZERO for rule, *_ in row[2])
        ),
        FINEST,
    )
    for row in rows:
        found.append(from_intervals(*row, schema))
        schema = found[-1].schema
    return found


def natives_of(
    series: Sequence[NativeSeries],
    ids: Sequence[int],
    expected: Sequence[int],
    span: tuple[int, int],
) -> Natives:
    """Put the histograms in `[start, end)` milliseconds into one block.

    Entry i is of the series `ids[i]`, which may have several entries; `expected[i]` is
    as in a block. Of several histograms at one time the one that counted most stays
    (RULES R15).
    """
    found: dict[int, dict[int, Exponential]] = {}
    for number, one in zip(ids, series, strict=True):
        kept = found.setdefault(number, {})
        for at, histogram in zip(one.times, one.histograms, strict=True):
            if span[0] <= at < span[1]:
                there = kept.get(at)
                kept[at] = there if there and _more(there, histogram) else histogram
    full = {number: sorted(kept.items()) for number, kept in found.items() if kept}
    samples = [sample for number in full for sample in full[number]]
    most = dict(zip(ids, expected, strict=True))
    lengths = [len(run) for run in full.values()]
    return Natives(
        series_id=np.array(list(full), np.int64),
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        times=np.array([at for at, _ in samples], np.int64),
        expected=np.array([most[number] for number in full], np.int64),
        histograms=tuple(histogram for _, histogram in samples),
    )


def _more(one: Exponential, other: Exponential) -> bool:
    return (one.count, one.sum) >= (other.count, other.sum)


def _schema(sides: Sequence[_Side], threshold: float, otherwise: int) -> int:
    """Return the resolution of which all bounds are borders."""
    if not sides:
        return otherwise
    if not all(0 <= low < up for low, up, _ in sides):
        raise ValueError("there are bounds that do not rise from zero")
    whole = [(low, up) for low, up, _ in sides if low > threshold and up < _LARGEST]
    shown = {round(-math.log2(math.log2(up / low))) for low, up in whole}
    candidates = sorted(shown) or [otherwise, *range(COARSEST, FINEST + 1)]
    for schema in candidates:
        if COARSEST <= schema <= FINEST and all(
            _fits(low, up, schema, cut=low <= threshold) for low, up, _ in sides
        ):
            return schema
    raise ValueError("the bounds are those of no exponential histogram")


def _fits(low: float, up: float, schema: int, *, cut: bool) -> bool:
    """Whether `(low, up]` is a bucket, or the upper part of one that was cut."""
    index = _index(low, up, schema)
    begin, end = _border(index - 1, schema), _border(index, schema)
    if up < _LARGEST and not math.isclose(end, up, rel_tol=_CLOSE):
        return False
    if cut:
        return begin <= low * (1 + _CLOSE) or low == 0
    return math.isclose(begin, low, rel_tol=_CLOSE)


def _index(low: float, up: float, schema: int) -> int:
    """Return the index of the bucket that ends at `up`; the last one has no end."""
    if up < _LARGEST:
        return round(math.ldexp(math.log2(up), schema))
    return 1 + round(math.ldexp(math.log2(low), schema))


def _border(index: int, schema: int) -> float:
    exponent = math.ldexp(index, -schema)
    return 2.0**exponent if exponent < _BEYOND else math.inf


def _placed(counts: Mapping[int, float]) -> Buckets:
    """Return counts by index as the first index and all counts from there on."""
    if not counts:
        return 0, np.zeros(0)
    first, last = min(counts), max(counts)
    placed = np.zeros(last - first + 1)
    placed[[index - first for index in counts]] = list(counts.values())
    return first, placed
