"""A range of time compared with an earlier one: series side by side, and the change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.answers.aggregates import Column, aggregate_of, read_aggregates
from bridge.answers.buckets import without_buckets
from bridge.answers.changes import (
    ONE,
    Change,
    figure,
    seconds_of,
    together,
    undefined_together,
    whole,
)
from bridge.answers.coverage import read_extents
from bridge.answers.errors import QuestionError, TooMuchError
from bridge.answers.notes import notes_of
from bridge.answers.ranges import read_ranges, told
from bridge.answers.rollups import Line
from bridge.answers.times import format_time
from bridge.answers.windows import read_side
from bridge.answers.writing import number, values
from bridge.rollup.windows import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.answers.ranges import Ranges, Side, Wish
    from bridge.answers.windows import Windows
    from bridge.rollup.rows import Floats, Rows
    from models.database import Database
    from models.queries.series import SeriesRow

_DEFAULTS: Final = {"counter": "rate", "summary": "last", "distinct": "distinct"}
_DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class Compared:
    """A series in both ranges, a value for each window, NaN where there is none."""

    series: SeriesRow
    aggregate: str
    current: Floats
    before: Floats
    change: Change


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both ranges; `together` is None where the series have nothing in common."""

    ranges: Ranges
    lines: tuple[Compared, ...]
    together: Change | None
    windows: tuple[Windows, Windows]
    notes: tuple[str, ...]


def comparing(  # noqa: PLR0917 - what is asked, and what it is asked of
    db: Database,
    series: Sequence[SeriesRow],
    wish: Wish,
    aggregates: Sequence[str],
    now: float,
    closed: float,
    max_points: int,
) -> Comparison:
    """Compare as somebody wishes; raise QuestionError, TooMuchError as `compare`."""
    names = read_aggregates(aggregates)
    if len(names) > 1:
        raise QuestionError("aggregate", "only one aggregate is compared at a time")
    extents = [read_extents(db, source) for source in {row.source for row in series}]
    ranges = read_ranges(db, wish, extents, now, closed)
    return compare(db, series, ranges, names[0] if names else None, closed, max_points)


def compare(  # noqa: PLR0917 - as above
    db: Database,
    series: Sequence[SeriesRow],
    ranges: Ranges,
    aggregate: str | None,
    closed: float,
    max_points: int,
) -> Comparison:
    """Compare some series in two ranges; raise TooMuchError beyond `max_points`.

    Without an aggregate it is that of each kind: rate of counters, last of summaries,
    distinct of distinct values, otherwise avg.
    """
    _refuse_too_much(len(series), ranges, max_points)
    sides = (ranges.current, ranges.before)
    now, then = (
        read_side(db, series, side, ranges, closed, max_points) for side in sides
    )
    names = {row.id: aggregate or _DEFAULTS.get(row.kind, "avg") for row in series}
    over = _over(ranges, closed)
    current = _Half(db, ranges.current, now, over)
    before = _Half(db, ranges.before, then, over)
    lines = tuple(
        Compared(
            row,
            names[row.id],
            current.points(row, names[row.id]),
            before.points(row, names[row.id]),
            Change.of(
                current.figure(row, names[row.id]), before.figure(row, names[row.id])
            ),
        )
        for row in series
    )
    asked = set(names.values())
    common = _together(series, asked, current, before) if len(asked) == 1 else None
    notes = (
        *_notes(series, aggregate, ranges, current, before),
        *_going_on(ranges, over, closed),
        *without_buckets(_percentiles(lines, current.known | before.known)),
    )
    return Comparison(ranges, lines, common, (now, then), notes)


def _percentiles(lines: Sequence[Compared], known: set[int]) -> Iterator[Line]:
    """Yield both ranges of the series that are known and asked for a percentile."""
    for one in lines:
        if one.series.id in known and aggregate_of(one.aggregate).of_buckets:
            values = np.concatenate((one.current, one.before))
            column = Column(values, lower=values)
            starts = np.arange(len(values), dtype=np.int64)
            yield Line(one.series, starts, {one.aggregate: column})


def _over(ranges: Ranges, closed: float) -> int:
    """Return how many windows the figures of both ranges are of.

    Half an hour is not compared with a whole one: windows that are not over, and those
    that face them, are left out, unless none is over.
    """
    sides = (ranges.current, ranges.before)
    over = min(int(np.searchsorted(side.ends, closed, "right")) for side in sides)
    return over or len(ranges.current.starts)


def _going_on(ranges: Ranges, over: int, closed: float) -> list[str]:
    if over < len(ranges.current.starts):
        since = format_time(ranges.current.starts[over])
        note = (
            f"windows since {since} are not over: they are shown, but neither they nor "
            "those that face them are part of a summary"
        )
        return [note]
    if max(ranges.current.stretch.end, ranges.before.stretch.end) > closed:
        return ["no window is over: what is known is compared with whole windows"]
    return []


def _together(
    series: Sequence[SeriesRow], asked: set[str], current: _Half, before: _Half
) -> Change:
    (name,) = asked
    kinds = {row.kind for row in series}
    reason = undefined_together(name, kinds, len(series))
    if reason:
        return Change(None, None, reason=reason)
    kind = next(iter(kinds))
    return Change.of(current.common(name, kind), before.common(name, kind))


def _notes(
    series: Sequence[SeriesRow],
    aggregate: str | None,
    ranges: Ranges,
    current: _Half,
    before: _Half,
) -> tuple[str, ...]:
    lonely = [
        f"{len(one.known - other.known)} series are known {where} only, and part of "
        "the summary of all"
        for one, other, where in (
            (current, before, "in this range"),
            (before, current, "in the range before"),
        )
        if one.known - other.known
    ]
    return (
        *notes_of(series, [aggregate] if aggregate else []),
        *(ranges.frame.notes if ranges.frame else ()),
        *current.notes,
        *before.notes,
        *lonely,
    )


def _refuse_too_much(series: int, ranges: Ranges, max_points: int) -> None:
    windows = len(ranges.current.starts) + len(ranges.before.starts)
    # The windows are answered even if no series is selected.
    points = max(series, 1) * windows
    if points > max_points:
        raise TooMuchError(
            "match",
            f"{series} series of {windows} windows in two ranges are "
            f"{points} points, more than the {max_points} of "
            "bridge.max_points: ask for fewer series, shorter ranges or a coarser "
            "resolution",
        )


class _Half:
    """One of both ranges: its rows, and what they add up to."""

    def __init__(self, db: Database, side: Side, windows: Windows, over: int) -> None:
        """`over` is of how many of its windows the figures of the range are."""
        self._db = db
        self.notes = windows.notes
        self._starts = np.array(side.starts, np.int64)
        ends = np.array(side.ends, np.int64)
        rows = windows.rows
        place = np.searchsorted(self._starts, rows.start)
        widths = (ends - self._starts)[place]
        self._rows, self._widths = rows, widths
        span = Bounds(side.stretch.start, int(ends[over - 1]))
        counted = rows.take(place < over)
        self._whole = whole(counted, widths[place < over], span)
        self._seconds = seconds_of(counted, widths[place < over])
        self._together = together(self._whole)
        self.known = set(self._whole.series_id[self._whole.count > 0].tolist())

    def points(self, series: SeriesRow, name: str) -> Floats:
        """Return a value for each window of the range."""
        mine = self._of(self._rows, series.id)
        found = figure(
            self._db, name, series.kind, self._rows.take(mine), self._widths[mine]
        )
        spread = np.full(len(self._starts), np.nan)
        spread[np.searchsorted(self._starts, self._rows.start[mine])] = found
        return spread

    def figure(self, series: SeriesRow, name: str) -> float:
        """Return the value of the whole range."""
        row = self._whole.take(self._of(self._whole, series.id))
        seconds = self._seconds.get(series.id, 0)
        return _only(figure(self._db, name, series.kind, row, seconds or 1))

    def common(self, name: str, kind: str) -> float:
        """Return the value of all series together in the whole range."""
        seconds = self._seconds[ONE]
        return _only(figure(self._db, name, kind, self._together, seconds or 1))

    @staticmethod
    def _of(rows: Rows, number: int) -> slice:
        low, high = np.searchsorted(rows.series_id, [number, number + 1])
        return slice(int(low), int(high))


def _only(found: Floats) -> float:
    return float(found[0]) if len(found) else float("nan")


def comparison_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison in the shape of its JSON document."""
    ranges = found.ranges
    resolution = ranges.choice.resolution
    starts, before = ranges.current.starts, ranges.before.starts
    width = _DAY if ranges.frame else resolution.width
    sides = {
        name: {
            **told(side),
            "coverage": {
                name: asdict(counts) for name, counts in read.coverage.items()
            },
            "open": {name: list(starts) for name, starts in read.open.items()},
        }
        for name, side, read in zip(
            ("current", "before"),
            (ranges.current, ranges.before),
            found.windows,
            strict=True,
        )
    }
    return {
        "resolution": resolution.value,
        "calendar": ranges.calendar.name,
        "reason": ranges.choice.reason,
        **sides,
        "offset": [place * width for place in range(len(starts))],
        "start": list(starts),
        "before_start": list(before),
        "series": [_line(line) for line in found.lines],
        "summary": found.together and _change(found.together),
        "notes": list(found.notes),
    }


def _line(line: Compared) -> dict[str, Any]:
    series = line.series
    counts = aggregate_of(line.aggregate).whole
    return {
        "id": series.id,
        "source": series.source,
        "metric": series.metric,
        "labels": series.labels,
        "kind": series.kind,
        "unit": series.unit,
        "aggregate": line.aggregate,
        "current": values(Column(line.current, whole=counts)),
        "before": values(Column(line.before, whole=counts)),
        "summary": _change(line.change),
    }


def _change(change: Change) -> Mapping[str, Any]:
    return {
        "current": number(change.current),
        "before": number(change.before),
        "change": change.change,
        "change_percent": change.percent,
        "reason": change.reason or None,
    }
