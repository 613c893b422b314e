"""Shards: which requests together read every series of a selector exactly once.

A request answers fastest between 1,000 and 5,000 series, so small metrics share one and
big metrics are divided. What is divided are never lists of known names or values but
the whole space of texts, into ranges (see `ranges`): a series that nobody knew when the
plan was made is in exactly one shard, in whatever window. Sizes only decide where the
borders are.

At most one request per metric name, and one more per `limit` series of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from bridge.sources.ranges import SMALLEST, between, separator
from bridge.sources.selectors import NAME, Matcher, Selector, is_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_LONGEST_BORDER: Final = 200
"""Characters; expressions nest as deep, and RE2 allows 1,000."""
_SLACK: Final = 1.25
"""How much more than its share a request may answer, for a cheaper expression."""


@dataclass(frozen=True, slots=True)
class Range:
    """The texts `low <= text < high` of a label; no `high` is no bound."""

    label: str
    low: str = ""
    high: str | None = None

    @property
    def matcher(self) -> Matcher:
        """The condition in PromQL."""
        return Matcher(self.label, "=~", between(self.low, self.high))


@dataclass(frozen=True, slots=True)
class Shard:
    """What one request asks for, and how many series were expected in it."""

    selector: Selector
    series: int


@dataclass(frozen=True, slots=True)
class NameRange:
    """A range of metric names with its series, and the requests they may take."""

    names: Range
    series: int
    requests: int

    def narrow(self, selector: Selector) -> Selector:
        """Return the part of a selector that is in the range.

        A selector of one name or of everything is left as it is.
        """
        if self.names.high is None and self.names.low == SMALLEST:
            return selector
        return selector.narrowed([self.names.matcher])


def name_ranges(sizes: Mapping[str, int], limit: int) -> list[NameRange]:
    """Divide all metric names into ranges of at most `limit` series where possible.

    `sizes` are the series of known names. Each range holds at least one of them; a
    name with more series has a range of its own. Without any there is one range.
    """
    groups: list[list[str]] = []
    room = -1
    for name in sorted(sizes):
        size = sizes[name]
        if size <= room:
            groups[-1].append(name)
            room -= size
        else:
            groups.append([name])
            room = limit - size
    lows = [SMALLEST] + [
        separator(left[-1], right[0]) for left, right in pairwise(groups)
    ]
    highs = [*lows[1:], None]
    return [
        _name_range(Range(NAME, low, high), sum(sizes[name] for name in group), limit)
        for low, high, group in zip(lows, highs, groups or [[]], strict=True)
    ]


def _name_range(names: Range, series: int, limit: int) -> NameRange:
    return NameRange(names, series, 1 if series <= limit else 1 + series // limit)


def divide(
    selector: Selector, series: Sequence[Mapping[str, str]], requests: int
) -> list[Shard]:
    """Divide a selector by its labels into at most that many shards of like size.

    `series` are the labels of what it selects. Where no label tells series apart, a
    shard stays as big as it is. The same input gives the same shards.
    """
    axes = [_Axis.of(label, series) for label in _labels(series)]
    fair = _SLACK * len(series) / requests
    boxes = _cut(axes, np.arange(len(series)), {}, requests, fair)
    return [
        Shard(selector.narrowed(span.matcher for span in box.values()), size)
        for box, size in boxes
    ]


_Box: TypeAlias = dict[str, Range]


@dataclass(frozen=True, slots=True)
class _Axis:
    """A label with its values in order; series i has `values[codes[i]]`."""

    label: str
    values: list[str]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, label: str, series: Sequence[Mapping[str, str]]) -> _Axis:
        found = [labels.get(label, "") for labels in series]
        values = sorted(set(found))
        codes = {value: code for code, value in enumerate(values)}
        return cls(label, values, np.array([codes[value] for value in found]))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A border on an axis: codes below it go left, with so many requests of all."""

    axis: _Axis
    code: int
    border: str
    requests: int
    load: float


def _labels(series: Sequence[Mapping[str, str]]) -> list[str]:
    found = {label for labels in series for label in labels}
    return sorted(label for label in found if label != NAME and is_plain(label))


def _cut(
    axes: Sequence[_Axis],
    rows: NDArray[np.int64],
    box: _Box,
    requests: int,
    fair: float,
) -> list[tuple[_Box, int]]:
    """Halve a box of labels until there are as many boxes as requests."""
    cut = _best(axes, rows, requests, fair) if requests > 1 else None
    if cut is None:
        return [(box, len(rows))]
    label = cut.axis.label
    span = box.get(label, Range(label))
    left = {**box, label: Range(label, span.low, cut.border)}
    right = {**box, label: Range(label, cut.border, span.high)}
    below = cut.axis.codes[rows] < cut.code
    return [
        *_cut(axes, rows[below], left, cut.requests, fair),
        *_cut(axes, rows[~below], right, requests - cut.requests, fair),
    ]


def _best(
    axes: Sequence[_Axis], rows: NDArray[np.int64], requests: int, fair: float
) -> _Cut | None:
    """Choose the border: a fair balance or the best, on the label with fewest values.

    Fewer values make the expression cheaper for the server, which tries it on each.
    """
    cuts = [cut for axis in axes if (cut := _border(axis, rows, requests)) is not None]
    if not cuts:
        return None
    bound = max(fair, min(cut.load for cut in cuts))
    balanced = [cut for cut in cuts if cut.load <= bound]
    return min(balanced, key=lambda cut: (len(cut.axis.values), cut.load))


def _border(axis: _Axis, rows: NDArray[np.int64], requests: int) -> _Cut | None:
    """Find the border on one axis that leaves the least series per request."""
    counts = np.bincount(axis.codes[rows], minlength=len(axis.values))
    present = np.flatnonzero(counts)
    if len(present) < 2:  # noqa: PLR2004 - a border has two sides
        return None
    left = np.cumsum(counts[present])[:-1]
    right = len(rows) - left
    share = np.clip(np.rint(requests * left / len(rows)), 1, requests - 1)
    load = np.maximum(left / share, right / (requests - share))
    for best in np.argsort(load, kind="stable")[:8]:
        code = int(present[best + 1])
        border = separator(axis.values[present[best]], axis.values[code])
        if len(border) <= _LONGEST_BORDER:
            return _Cut(axis, code, border, int(share[best]), float(load[best]))
    return None
