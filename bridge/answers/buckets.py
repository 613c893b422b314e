"""Percentiles and numbers of distinct values, from the buckets of rows.

They are never averaged: a window's percentile comes from the merged buckets of that
window (RULES R48, R57). Each comes with the bounds between which it truly lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from bridge.answers.aggregates import Column
from bridge.rollup.buckets import classic, distinct
from bridge.rollup.buckets.blobs import parts
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.buckets.quantiles import buckets_of, of
from models.queries.buckets import read_buckets
from models.queries.layouts import bounds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bridge.answers.aggregates import Aggregate
    from bridge.answers.rollups import Line
    from bridge.rollup.buckets.layouts import Bounds
    from bridge.rollup.rows import Ints, Rows
    from models.database import Database
    from models.rollup import Rollup

_SIGMAS: Final = 3
"""Standard errors of `distinct` between its bounds and itself: 99.7 % of all lie so."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The buckets of a window, and the extremes of what is in them, NaN if unknown."""

    blob: bytes
    low: float
    high: float


ByStart: TypeAlias = dict[int, Packed]
"""Buckets by the start of their window."""


def stored_buckets(
    db: Database, table: type[Rollup], series_ids: Ints, windows: range
) -> dict[int, ByStart]:
    """Return the stored buckets of each series."""
    found: dict[int, ByStart] = {}
    for row in read_buckets(db, table, series_ids, windows):
        low = math.nan if row.min is None else row.min
        high = math.nan if row.max is None else row.max
        found.setdefault(row.series_id, {})[row.start] = Packed(row.buckets, low, high)
    return found


def of_rows(rows: Rows | None) -> ByStart:
    """Return the buckets of the rows of one series."""
    if rows is None:
        return {}
    columns = zip(
        rows.start.tolist(),
        rows.buckets.tolist(),
        rows.min.tolist(),
        rows.max.tolist(),
        strict=True,
    )
    return {
        start: Packed(blob, low, high)
        for start, blob, low, high in columns
        if blob is not None
    }


def bucket_columns(
    db: Database, wanted: Sequence[Aggregate], start: Ints, packed: ByStart
) -> dict[str, Column]:
    """Return the columns of those aggregates that come from buckets, by name."""
    asked = [one for one in wanted if one.of_buckets]
    if not asked:
        return {}
    bounds = _bounds(db, packed)
    figures = np.full((len(asked), 3, len(start)), np.nan)
    for place, second in enumerate(start.tolist()):
        found = packed.get(second)
        if found is not None:
            figures[:, :, place] = list(_estimates(asked, found, bounds))
    return {
        one.name: Column(values, lower=lower, upper=upper)
        for one, (values, lower, upper) in zip(asked, figures, strict=True)
    }


def without_buckets(lines: Iterable[Line]) -> Iterator[str]:
    """Yield notes of metrics that keep nothing that percentiles could come from."""
    asked: dict[tuple[str, bool], set[str]] = {}
    for line in lines:
        empty = {
            name
            for name, column in line.columns.items()
            if column.lower is not None and np.isnan(column.values).all()
        }
        if empty and len(line.start) and line.series.kind != "histogram":
            of_counter = line.series.kind == "counter"
            asked.setdefault((line.series.metric, of_counter), set()).update(empty)
    for (metric, of_counter), names in sorted(asked.items()):
        told = ", ".join(sorted(names))
        yield (
            f"{metric} is a counter, of whose samples no percentiles are kept: {told} "
            "is null"
            if of_counter
            else f"of {metric} no distribution is kept: {told} is null "
            "(see rollup.distributions)"
        )


def _bounds(db: Database, packed: ByStart) -> Mapping[int, Bounds]:
    ids = {
        layout
        for one in packed.values()
        for part in parts(one.blob)
        if part[0] == Kind.CLASSIC
        for layout in classic.layouts(part)
    }
    return bounds_of(db, sorted(ids))


def _estimates(
    wanted: Sequence[Aggregate], packed: Packed, bounds: Mapping[int, Bounds]
) -> Iterator[tuple[float, float, float]]:
    """Yield value, lower and upper bound of each aggregate of a window."""
    counted = _distinct(packed.blob)
    buckets = buckets_of(packed.blob, bounds) if counted is None else None
    for one in wanted:
        if one.quantile is None:
            value = math.nan if counted is None else counted
            off = _SIGMAS * distinct.ERROR * value
            yield value, math.floor(value - off) if off else value, value + off
        else:
            found = of(one.quantile, buckets)
            if 0 <= one.quantile <= 1:
                found = found.between(packed.low, packed.high)
            yield found.value, found.lower, found.upper


def _distinct(blob: bytes) -> float | None:
    for part in parts(blob):
        if part[0] == Kind.DISTINCT:
            return distinct.estimate(part)
    return None
