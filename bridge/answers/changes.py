"""By how much a figure changed, and where that cannot be said, why not.

Figures of a range come from its rows merged into one, and those of several series from
their merged rows together: means are weighted by samples, percentiles come from merged
buckets. A mean of means is never taken (RULES R44).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.answers.aggregates import aggregate_of
from bridge.answers.buckets import bucket_columns, of_rows
from bridge.answers.figures import figures_of
from bridge.rollup.buckets.blobs import Merging
from bridge.rollup.merge import merge_spans
from bridge.rollup.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Collection

    from bridge.rollup.rows import Floats, Ints
    from bridge.rollup.windows import Bounds
    from models.database import Database

ONE: Final = -1
"""The number that rows of several series have once they are taken together."""

_ADDED: Final = ("count", "resets", "changes", "expected")
_OF_ONE: Final = frozenset({"first", "last"})


@dataclass(frozen=True, slots=True)
class Change:
    """A figure now and before, None where it is not known; `reason` says why not.

    `percent` is of the size of the figure before.
    """

    current: float | None
    before: float | None
    change: float | None = None
    percent: float | None = None
    reason: str = ""

    @classmethod
    def of(cls, current: float, before: float, reason: str = "") -> Change:
        """Return the change between two figures, NaN standing for one not known."""
        now, then = _known(current), _known(before)
        if now is None or then is None:
            missing = [
                f"nothing is known of the {name}"
                for name, value in (("range", now), ("range before", then))
                if value is None
            ]
            return cls(now, then, reason=reason or "; ".join(missing))
        change = now - then
        if not math.isfinite(change):
            return cls(now, then, reason="one of them is no finite number")
        if then == 0:
            return cls(now, then, change, reason="the range before is zero")
        percent = 100 * change / abs(then)
        if not math.isfinite(percent):
            return cls(now, then, change, reason="the range before is next to zero")
        return cls(now, then, change, percent)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def whole(rows: Rows, widths: Ints, span: Bounds) -> Rows:
    """Return a row for each series, of all its rows in a span."""
    return merge_spans(rows, widths, [span])


def seconds_of(rows: Rows, widths: Ints) -> dict[int, int]:
    """Return by series for how many seconds there are rows, and by ONE for any."""
    ids, places = np.unique(rows.series_id, return_inverse=True)
    found = np.bincount(places, widths, len(ids)).astype(np.int64)
    _, first = np.unique(rows.start, return_index=True)
    return {
        **dict(zip(ids.tolist(), found.tolist(), strict=True)),
        ONE: int(widths[first].sum()),
    }


def figure(
    db: Database, name: str, kind: str, row: Rows, seconds: int | Ints
) -> Floats:
    """Return an aggregate of rows of one series; `seconds` is how long each is."""
    wanted = aggregate_of(name)
    if wanted.of_buckets:
        return bucket_columns(db, [wanted], row.start, of_rows(row))[name].values
    figures = figures_of(row, (wanted.stored(kind),))
    return wanted.of(figures[:, 1], seconds).values


def together(rows: Rows) -> Rows:
    """Return one row of the rows of several series over the same span.

    `first` and `last` are not defined; `expected` adds up, and so coverage is that of
    all.
    """
    there = rows.take(rows.count > 0)
    if not len(there):
        return there
    blobs = Merging(1)
    for at in range(len(there)):
        blobs.add(np.zeros(1, np.int64), there.buckets[at : at + 1])
    columns = {name: _one(getattr(there, name).sum()) for name in _ADDED}
    undefined = _one(math.nan)
    return Rows(
        series_id=_one(ONE),
        start=there.start[:1].copy(),
        sum=_one(there.sum.sum()),
        min=_one(_least(there.min)),
        max=_one(-_least(-there.max)),
        first=undefined,
        last=undefined,
        increase=_one(_total(there.increase)),
        flags=_one(int(np.bitwise_or.reduce(there.flags))),
        last_offset=_one(int(there.last_offset.max())),
        gap=_one(int(there.gap.max())),
        buckets=blobs.result(),
        **columns,
    )


def undefined_together(name: str, kinds: Collection[str], series: int) -> str:
    """Return why several series have no common figure of this name, '' if they do."""
    if series > 1 and name in _OF_ONE:
        return f"{name} is that of one series"
    wanted = aggregate_of(name)
    if len({wanted.stored(kind) for kind in kinds}) > 1:
        return f"{name} is another thing of histograms than of other series"
    return ""


def _one(value: float) -> np.ndarray:
    return np.array([value])


def _least(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.min()) if len(known) else math.nan


def _total(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return math.fsum(known.tolist()) if len(known) else math.nan
