"""Answers range functions from the rows that the engine stored.

Rows count a step across their start, which Prometheus' functions leave out of their
range; the step is known from the first value of the range and the last one before it,
and is taken off. `increase` and `rate` of Prometheus extrapolate; stored increases do
not (RULES R24), so what Prometheus would make of the stored one is computed from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.rollup.buckets import classic, exponential_blobs
from bridge.rollup.buckets.blobs import kind_of, merge
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.buckets.quantiles import from_bounds, from_cells, of, quantile
from bridge.rollup.summation import sum_runs
from bridge.sources.members import Role, bound_of
from models.queries.layouts import bounds_of
from tests.promql.expressions import Range, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bridge.rollup.buckets.layouts import Bounds
    from bridge.rollup.buckets.quantiles import Buckets
    from tests.promql.script import Labels
    from tests.promql.storage import Samples, Storage

_COLUMNS: Final = (
    "start, count, sum, min, max, first, last, increase, resets, changes, flags"
)
_OF_FAMILIES: Final = frozenset({"count_over_time", "present_over_time", "resets"})
"""Functions that are answered of a whole histogram, too."""
_NAN: Final = 2
_NO_SUM: Final = 8
_TOO_LARGE: Final = "a sum that a float cannot hold is NULL (R14)"


@dataclass(frozen=True, slots=True)
class Row:
    """A minute of a series."""

    start: int
    count: int
    sum: float | None
    min: float | None
    max: float | None
    first: float | None
    last: float | None
    increase: float | None
    resets: int
    changes: int
    flags: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows of a range, and the newest value before it."""

    rows: list[Row]
    before: float | None

    @property
    def count(self) -> int:
        return sum(row.count for row in self.rows)

    @property
    def sum(self) -> float:
        """Added up as the engine merges rows."""
        if any(row.flags & _NO_SUM for row in self.rows):
            raise Skip(_TOO_LARGE)
        sums = np.array([row.sum for row in self.rows], np.float64)
        total = float(sum_runs(sums, np.zeros(1, np.int64), np.array([len(sums)]))[0])
        if math.isinf(total) and np.isfinite(sums).all():
            raise Skip(_TOO_LARGE)
        return total

    @property
    def edge(self) -> tuple[float, int]:
        """What the step into the range added, and whether it was a reset."""
        first = self.rows[0].first
        if self.before is None or first is None:
            return 0.0, 0
        if first < self.before:
            return first, 1
        return first - self.before, 0

    @property
    def increase(self) -> float:
        return math.fsum(row.increase or 0.0 for row in self.rows) - self.edge[0]

    @property
    def resets(self) -> int:
        return sum(row.resets for row in self.rows) - self.edge[1]

    @property
    def changes(self) -> int:
        between = sum(
            a.last != b.first for a, b in zip(self.rows, self.rows[1:], strict=False)
        )
        return sum(row.changes for row in self.rows) + between


def ask(storage: Storage, asked: Range, at_ms: int) -> dict[Labels, float]:
    """Return a value per series, by labels without the name, as Prometheus answers."""
    if asked.function == "histogram_quantile":
        return quantiles(storage, asked, at_ms)
    answer: dict[Labels, float] = {}
    for one in storage.series:
        whole = asked.function in _OF_FAMILIES and asked.selects(_as(one, one.family))
        if not whole and not asked.selects(one):
            continue
        if one.role is Role.BUCKET and not whole:
            raise Skip("a bucket is a part of its histogram's row")
        _refuse(one, asked)
        stretch = _stretch(storage, one, asked, at_ms)
        value = _value(one, stretch, asked, at_ms) if stretch.rows else None
        if value is not None:
            keeps = asked.function == "last_over_time"
            name = {"__name__": one.name} if keeps else {}
            answer[tuple(sorted({**name, **one.shared}.items()))] = value
    return answer


def _refuse(one: Samples, asked: Range) -> None:
    if one.natives and one.numbers:
        raise Skip("numbers and native histograms in one series")
    answered = one.natives and asked.function in _OF_FAMILIES
    if one.unsupported or (one.natives and not answered):
        raise Skip(f"{asked.function} of native histograms")


def _stretch(storage: Storage, one: Samples, asked: Range, at_ms: int) -> Stretch:
    number = storage.source.ids[one.labels]
    start = storage.start(at_ms - (asked.width_ms or 0))
    rows = _rows(
        storage,
        "series_id = ? AND start >= ? AND start < ? ORDER BY start",
        (number, start, storage.start(at_ms)),
    )
    if any(row.flags & _NAN for row in rows):
        raise Skip("NaN is left out of rows, and not of Prometheus' functions (R13)")
    earlier = _rows(
        storage,
        "series_id = ? AND start < ? AND count > 0 ORDER BY start DESC LIMIT 1",
        (number, start),
    )
    counted = [row for row in rows if row.count]
    return Stretch(counted, earlier[0].last if earlier else None)


def _rows(storage: Storage, where: str, parameters: tuple[Any, ...]) -> list[Row]:
    cursor = storage.db.execute_sql(
        f"SELECT {_COLUMNS} FROM rollup_minute WHERE {where}",
        parameters,
    )
    return [Row(*row) for row in cursor.fetchall()]


def _value(one: Samples, stretch: Stretch, asked: Range, at_ms: int) -> float | None:
    simple = _SIMPLE.get(asked.function)
    if simple is not None:
        return simple(stretch)
    if asked.function == "sum_over_time":
        return stretch.sum
    if asked.function == "avg_over_time":
        return stretch.sum / stretch.count
    return _extrapolated(one, stretch, asked, at_ms)


_SIMPLE: Final[Mapping[str, Callable[[Stretch], float]]] = {
    "changes": lambda s: s.changes,
    "count_over_time": lambda s: s.count,
    "last_over_time": lambda s: _not_none(s.rows[-1].last),
    "max_over_time": lambda s: max(_not_none(row.max) for row in s.rows),
    "min_over_time": lambda s: min(_not_none(row.min) for row in s.rows),
    "present_over_time": lambda _: 1.0,
    "resets": lambda s: s.resets,
}


def _not_none(value: float | None) -> float:
    assert value is not None
    return value


def _extrapolated(
    one: Samples, stretch: Stretch, asked: Range, at_ms: int
) -> float | None:
    """Make of a stored increase what `increase` and `rate` of Prometheus make of it.

    Source: `extrapolatedRate` of Prometheus 3, as its documentation tells it: to the
    borders of the range where they are near, half a sample's distance otherwise, and
    never to where a counter would be below zero.
    """
    width = asked.width_ms or 0
    times = sorted(t for t in one.numbers if at_ms - width < t <= at_ms)
    assert len(times) == stretch.count
    if len(times) < 2:
        return None
    sampled = times[-1] - times[0]
    between = sampled / (len(times) - 1)
    to_start = float(times[0] - (at_ms - width))
    to_end = float(at_ms - times[-1])
    if to_start >= between * 1.1:
        to_start = between / 2
    first, increase = _not_none(stretch.rows[0].first), stretch.increase
    if increase > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / increase))
    if to_end >= between * 1.1:
        to_end = between / 2
    total = increase * (sampled + to_start + to_end) / sampled
    return total / (width / 1000) if asked.function == "rate" else total


def quantiles(storage: Storage, asked: Range, at_ms: int) -> dict[Labels, float]:
    """Return the quantile of each histogram asked for."""
    assert asked.quantile is not None
    answer: dict[Labels, float] = {}
    for number, labels in _histograms(storage, asked).items():
        start = storage.start(at_ms - (asked.width_ms or at_ms + 1))
        cursor = storage.db.execute_sql(
            "SELECT buckets FROM rollup_minute WHERE series_id = ? AND start >= ? "
            "AND start < ? AND buckets IS NOT NULL ORDER BY start",
            (number, start, storage.start(at_ms)),
        )
        blobs = [bytes(blob) for (blob,) in cursor.fetchall()]
        if not blobs:
            continue
        if asked.width_ms is None:
            found = of(asked.quantile, _standing(storage, blobs[-1]))
        else:
            (merged,) = merge([blobs])
            found = quantile(asked.quantile, merged, _bounds(storage))
        answer[labels] = found.value
    return answer


def _histograms(storage: Storage, asked: Range) -> dict[int, Labels]:
    """Return the labels of the histograms asked for, without their names, by id."""
    found: dict[int, Labels] = {}
    for one in storage.series:
        is_family = one.role is Role.BUCKET
        name = one.name.removesuffix("_bucket") if is_family else one.name
        if not asked.selects(one) and not asked.selects(_as(one, name)):
            continue
        if not is_family and not one.natives:
            raise Skip("histogram_quantile of what is no histogram")
        if any(other.natives for other in storage.series if other.name == name) and (
            is_family or one.numbers
        ):
            raise Skip("a name that is a histogram in two ways")
        if one.unsupported:
            raise Skip(f"histogram_quantile of {one.unsupported}")
        if is_family and bound_of(one.others["le"]) is None:
            raise Skip("buckets with bounds that are no numbers")
        found[storage.source.ids[one.labels]] = tuple(sorted(one.shared.items()))
    return found


def _as(one: Samples, name: str) -> Samples:
    """Return a series under another name."""
    labels = tuple(sorted({**dict(one.labels), "__name__": name}.items()))
    return replace(one, labels=labels)


def _standing(storage: Storage, blob: bytes) -> Buckets | None:
    """Return the buckets as they stood at the last sample of a row."""
    owner = np.zeros(1, np.int64)
    if kind_of(blob) is Kind.EXPONENTIAL:
        return from_cells(exponential_blobs.standing([blob], owner).cells, native=True)
    ((layout, found),) = classic.standing([blob], owner).items()
    return from_bounds(_bounds(storage)[layout], found.cumulative[0].tolist())


def _bounds(storage: Storage) -> Mapping[int, Bounds]:
    ids = storage.db.execute_sql("SELECT id FROM layouts").fetchall()
    return bounds_of(storage.db, [number for (number,) in ids])
