"""Rollups as an answer: which windows of which series, and what is said of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from bridge.answers.aggregates import Column, aggregate_of, default_aggregates
from bridge.answers.buckets import (
    bucket_columns,
    of_rows,
    stored_buckets,
    without_buckets,
)
from bridge.answers.coverage import Counts, count_windows, read_extents
from bridge.answers.errors import TooMuchError
from bridge.answers.figures import figures_of
from bridge.answers.notes import notes_of
from bridge.answers.past import Past
from bridge.answers.resolution import Choice, Extents, choose, recorded
from bridge.answers.seams import Seam, find_seams, left_out, read_open
from bridge.rollup.rows import Flag
from bridge.rollup.windows import Resolution
from models.queries.coverage import finished
from models.queries.figures import read_figures, windows_without_sum
from models.rollup import Rollup, RollupDay, RollupHour, RollupMinute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.answers.calendars import Frame
    from bridge.answers.times import Span, Stretch
    from bridge.rollup.days.calendars import Period
    from bridge.rollup.rows import Ints, Rows
    from models.database import Database
    from models.queries.figures import Figures
    from models.queries.series import SeriesRow

Fill: TypeAlias = Literal["none", "null", "zero"]

TABLES: Final[Mapping[Resolution, type[Rollup]]] = {
    Resolution.MINUTE: RollupMinute,
    Resolution.HOUR: RollupHour,
    Resolution.DAY: RollupDay,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of some series.

    `resolution` None leaves the choice to `choose`; no `aggregates` means those that
    fit each series' kind; `limit` keeps the newest windows of each series; `closed` is
    that of `count_windows`. `include_open` asks for windows that are not merged yet.
    `as_of` asks for what the answer was at a time, UTC seconds. `notes` are what is
    known of the question before it is answered.
    """

    span: Span
    closed: float
    resolution: Resolution | None = None
    aggregates: tuple[str, ...] = ()
    fill: Fill = "none"
    limit: int | None = None
    include_open: bool = True
    as_of: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One series of an answer: the starts of its windows and a column per aggregate."""

    series: SeriesRow
    start: Ints
    columns: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Answer:
    """What there is of a stretch of windows, a line per series.

    `open` are the starts of windows, by source, that are not merged yet: their values
    may change. Of an answer in periods of a calendar `partial` are those that are not
    whole, and `stretch` is the span of all.
    """

    choice: Choice
    stretch: Stretch
    lines: tuple[Line, ...]
    coverage: Mapping[str, Counts]
    notes: tuple[str, ...]
    open: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    frame: Frame | None = None
    periods: tuple[Period, ...] = ()
    partial: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def resolution(self) -> str:
        """What the windows are: minute, hour, day, week or month."""
        if self.frame is not None:
            return self.frame.unit.value
        return self.stretch.resolution.value


def ask(
    db: Database, series: Sequence[SeriesRow], question: Question, max_points: int
) -> Answer:
    """Answer a question; raise TooMuchError beyond `max_points`.

    The ledger is read before the rows: a window that it calls done has its rows.
    """
    sources = sorted({row.source for row in series})
    extents = {source: read_extents(db, source) for source in sources}
    known = list(extents.values())
    choice = _choice(question, known)
    stretch = _stretch(question, choice.resolution)
    reading = stretch if question.fill != "none" else recorded(stretch, known)
    _refuse_too_much(len(series), reading, max_points)
    coverage = {
        source: count_windows(db, source, stretch, question.closed, extents[source])
        for source in sources
    }
    seams: Mapping[str, Seam] = {}
    if question.include_open and question.as_of is None:
        numbers = Counter(row.source for row in series)
        most = {source: max_points // number for source, number in numbers.items()}
        missing = {source for source in sources if coverage[source].missing}
        seams = find_seams(db, stretch, extents, most, with_holes=missing)
    past = None
    if question.as_of is not None:
        past = Past(db, series, reading, question.as_of)
    lines = tuple(_Reader(db, question, reading, seams, past).lines(series))
    notes = (
        *notes_of(series, question.aggregates),
        *question.notes,
        *without_buckets(lines),
        *left_out(seams, stretch),
    )
    if past is not None:
        notes = (*notes, *past.notes())
    opened = {source: seam.windows for source, seam in seams.items()}
    return Answer(choice, stretch, lines, coverage, notes, opened)


def _choice(question: Question, extents: Sequence[Extents]) -> Choice:
    if question.resolution is not None:
        return Choice(question.resolution, "asked for")
    return choose(question.span, extents, whole=question.fill != "none")


def _stretch(question: Question, resolution: Resolution) -> Stretch:
    stretch = question.span.outward(resolution)
    if question.limit is None or question.fill == "none":
        return stretch
    return stretch.newest(question.limit)


def _refuse_too_much(series: int, reading: Stretch, max_points: int) -> None:
    points = series * reading.windows
    if points > max_points:
        raise TooMuchError(
            "match",
            f"{series} series of {reading.windows} {reading.resolution.value}s are "
            f"{points} points, more than the {max_points} of bridge.max_points: ask "
            "for fewer series, a shorter time or a coarser resolution",
        )


class _Reader:
    """Reads the lines of one answer; holds what they share."""

    def __init__(
        self,
        db: Database,
        question: Question,
        reading: Stretch,
        seams: Mapping[str, Seam],
        past: Past | None,
    ) -> None:
        self._db = db
        self._past = past
        self._seams = seams
        self._question = question
        self._reading = reading
        self._table = TABLES[reading.resolution]
        self._finished: dict[str, Ints] = {}

    def lines(self, series: Sequence[SeriesRow]) -> Iterator[Line]:
        """Yield a line per series, in order; those of a kind are read together."""
        groups: dict[tuple[tuple[str, ...], str], list[SeriesRow]] = {}
        for row in series:
            wanted = self._question.aggregates or default_aggregates(row.kind)
            groups.setdefault((wanted, row.kind), []).append(row)
        found = {
            line.series.id: line
            for (wanted, kind), rows in groups.items()
            for line in self._group(rows, wanted, kind)
        }
        return (found[row.id] for row in series)

    def _group(
        self, rows: Sequence[SeriesRow], wanted: Sequence[str], kind: str
    ) -> Iterator[Line]:
        aggregates = [aggregate_of(name) for name in wanted]
        plain = [one for one in aggregates if not one.of_buckets]
        names = tuple(dict.fromkeys(one.stored(kind) for one in plain)) or ("count",)
        ids = np.fromiter((row.id for row in rows), np.int64, len(rows))
        windows = self._reading.starts
        read = read_figures(self._db, self._table, ids, windows, names)
        buckets = {}
        if len(plain) < len(aggregates):
            buckets = stored_buckets(self._db, self._table, ids, windows)
        opened = self._open(rows)
        for row, figures in zip(rows, read, strict=True):
            if row.id in opened:
                figures = _joined(figures, figures_of(opened[row.id], names))  # noqa: PLW2901 - the same, completed
            if self._past is not None:
                figures = self._past.figures(row, figures, names)  # noqa: PLW2901 - same
            stored = dict(
                zip(("start", *names), np.ascontiguousarray(figures.T), strict=True)
            )
            start = stored["start"].astype(np.int64)
            width = self._reading.resolution.width
            columns = {
                one.name: one.of(stored[one.stored(kind)], width) for one in plain
            }
            self._mark_undefined(row.id, start, columns, opened.get(row.id))
            if len(plain) < len(aggregates):
                packed = of_rows(opened.get(row.id)) | buckets.get(row.id, {})
                if self._past is not None:
                    packed = self._past.buckets(row, packed)
                columns |= bucket_columns(self._db, aggregates, start, packed)
            yield self._finish(row, start, {name: columns[name] for name in wanted})

    def _open(self, rows: Sequence[SeriesRow]) -> dict[int, Rows]:
        """Return the rows of windows that are not merged yet, by series."""
        found: dict[int, Rows] = {}
        resolution = self._reading.resolution
        for source in {row.source for row in rows}:
            seam = self._seams.get(source)
            if seam is None or not seam.windows:
                continue
            ids = sorted(row.id for row in rows if row.source == source)
            merged = read_open(self._db, seam, np.array(ids, np.int64), resolution)
            for number in np.unique(merged.series_id).tolist():
                found[number] = merged.take(merged.series_id == number)
        return found

    def _mark_undefined(
        self,
        series_id: int,
        start: Ints,
        columns: dict[str, Column],
        opened: Rows | None,
    ) -> None:
        for name in ("avg", "sum"):
            column = columns.get(name)
            if column is not None and np.isnan(column.values).any():
                known = windows_without_sum(
                    self._db, self._table, series_id, self._reading.starts
                )
                if opened is not None:
                    no_sum = opened.flags & Flag.NO_SUM > 0
                    known = np.union1d(known, opened.start[no_sum])
                columns[name] = replace(column, undefined=np.isin(start, known))

    def _finish(
        self, row: SeriesRow, start: Ints, columns: Mapping[str, Column]
    ) -> Line:
        fill, limit = self._question.fill, self._question.limit
        if fill == "none":
            if limit is not None:
                start = start[-limit:]
                columns = {name: old.newest(limit) for name, old in columns.items()}
            return Line(row, start, columns)
        grid = np.array(self._reading.starts, dtype=np.int64)
        filled = {name: column.on(grid, start) for name, column in columns.items()}
        if fill == "zero":
            absent = np.setdiff1d(self._done(row.source), start, assume_unique=True)
            places = np.searchsorted(grid, absent)
            for name, column in filled.items():
                if aggregate_of(name).zero:
                    filled[name] = column.zero_at(places)
        return Line(row, grid, filled)

    def _done(self, source: str) -> Ints:
        if source not in self._finished:
            self._finished[source] = finished(
                self._db, source, self._reading.resolution.value, *self._reading.bounds
            )
        return self._finished[source]


def _joined(stored: Figures, opened: Figures) -> Figures:
    """Return figures in the order of time; a window that is stored by now is not open.

    The first column is the start of the window.
    """
    missing = opened[~np.isin(opened[:, 0], stored[:, 0])]
    joined = np.concatenate((stored, missing))
    ordered: Figures = joined[np.argsort(joined[:, 0], kind="stable")]
    return ordered
