"""Local days, weeks and months as an answer: merged from day rows when they are asked.

Weeks begin on Monday, months are those of the calendar (RULES R7). Days that are not
merged yet are made from the finer rows that are there, and the periods that hold one
are called open; a period that lacks a day, or holds one that is not whole, is called
partial.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.answers.aggregates import Column, aggregate_of, default_aggregates
from bridge.answers.buckets import bucket_columns, of_rows, without_buckets
from bridge.answers.coverage import read_extents
from bridge.answers.days import Days
from bridge.answers.errors import TooMuchError
from bridge.answers.figures import figures_of
from bridge.answers.notes import notes_of
from bridge.answers.resolution import Choice
from bridge.answers.rollups import Answer, Line, ask
from bridge.answers.times import Stretch
from bridge.rollup.merge import merge_spans
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.windows import Resolution

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.answers.calendars import Frame
    from bridge.answers.rollups import Question
    from bridge.rollup.days.calendars import Period
    from bridge.rollup.rows import Ints
    from models.database import Database
    from models.queries.series import SeriesRow


def answer_of(
    db: Database,
    series: Sequence[SeriesRow],
    question: Question,
    frame: Frame | None,
    max_points: int,
) -> Answer:
    """Answer a question for windows of UTC, or in a frame for periods of a calendar."""
    if frame is None:
        return ask(db, series, question, max_points)
    return ask_periods(db, series, question, frame, max_points)


def ask_periods(
    db: Database,
    series: Sequence[SeriesRow],
    question: Question,
    frame: Frame,
    max_points: int,
) -> Answer:
    """Answer a question for periods of a calendar; raise TooMuchError as `ask`."""
    _refuse_too_much(len(series), question, max_points)
    periods = frame.periods(question.span)
    if question.limit is not None and question.fill != "none":
        periods = periods[-question.limit :]
    numbers = Counter(row.source for row in series)
    read = {
        source: Days(db, source, frame.calendar, periods, read_extents(db, source))
        for source in sorted(numbers)
    }
    lines: dict[int, Line] = {}
    states: dict[str, _States] = {}
    for source, days in read.items():
        states[source] = _States.of(days, periods, question.closed)
        rows = [row for row in series if row.source == source]
        ids = np.array(sorted(row.id for row in rows), np.int64)
        found, widths = days.rows(ids, include_open=question.include_open)
        every = merged(found, widths, periods)
        shown = _Shown(db, question, periods, states[source])
        lines |= {row.id: shown.line(row, every) for row in rows}
    start = periods[0].start if periods else math.floor(question.span.start)
    end = periods[-1].end if periods else start
    return Answer(
        Choice(Resolution.DAY, frame.reason),
        Stretch(Resolution.DAY, start, end),
        tuple(lines[row.id] for row in series),
        {source: days.counts(question.closed) for source, days in read.items()},
        (
            *notes_of(series, question.aggregates),
            *question.notes,
            *without_buckets(lines.values()),
            *frame.notes,
        ),
        {source: found.open for source, found in states.items()},
        periods=tuple(periods),
        frame=frame,
        partial={source: found.partial for source, found in states.items()},
    )


def merged(rows: Rows, widths: Ints, periods: Sequence[Period]) -> Rows:
    """Merge rows into periods, without days by other rules that a border cuts."""
    ends = np.array([period.end for period in periods], np.int64)
    starts = np.array([period.start for period in periods], np.int64)
    place = np.searchsorted(starts, rows.start, "right") - 1
    whole = (place >= 0) & (rows.start + widths <= ends[place])
    spans = [period.bounds for period in periods]
    return merge_spans(rows.take(whole), widths[whole], spans)


def _refuse_too_much(series: int, question: Question, max_points: int) -> None:
    """Count days, as those are read and not only the periods that are answered."""
    span = question.span
    days = math.ceil((span.end - span.start) / Resolution.DAY.width)
    if series * days > max_points:
        raise TooMuchError(
            "match",
            f"{series} series of {days} days are {series * days} rows, more than the "
            f"{max_points} of bridge.max_points: ask for fewer series or a shorter "
            "time",
        )


@dataclass(frozen=True, slots=True)
class _States:
    """Starts of periods of one source that are open, partial or wholly done."""

    open: tuple[int, ...]
    partial: tuple[int, ...]
    done: tuple[int, ...]

    @classmethod
    def of(cls, days: Days, periods: Sequence[Period], closed: float) -> _States:
        opened, partial, done = [], [], []
        for period in periods:
            if days.begin is None or period.end <= days.begin:
                continue
            if period.start >= days.end:
                break
            if period.end > closed or days.is_open(period):
                opened.append(period.start)
            elif days.is_partial(period):
                partial.append(period.start)
            else:
                done.append(period.start)
        return cls(tuple(opened), tuple(partial), tuple(done))


class _Shown:
    """Makes the lines of one source from merged rows."""

    def __init__(
        self,
        db: Database,
        question: Question,
        periods: Sequence[Period],
        states: _States,
    ) -> None:
        self._db = db
        self._question = question
        self._states = states
        self._starts = np.array([one.start for one in periods], np.int64)
        self._ends = np.array([one.end for one in periods], np.int64)

    def line(self, row: SeriesRow, merged: Rows) -> Line:
        """Return the line of a series."""
        low, high = np.searchsorted(merged.series_id, [row.id, row.id + 1])
        rows = merged.take(slice(int(low), int(high)))
        if not self._question.include_open:
            rows = rows.take(~np.isin(rows.start, self._states.open))
        columns = dict(self._columns(row, rows))
        return self._finish(row, rows.start, columns)

    def _columns(self, row: SeriesRow, rows: Rows) -> Iterator[tuple[str, Column]]:
        wanted = self._question.aggregates or default_aggregates(row.kind)
        aggregates = [aggregate_of(name) for name in wanted]
        of_buckets = bucket_columns(self._db, aggregates, rows.start, of_rows(rows))
        names = tuple(
            dict.fromkeys(
                one.stored(row.kind) for one in aggregates if not one.of_buckets
            )
        )
        figures = np.asfortranarray(figures_of(rows, names))  # whole columns for JSON
        widths = self._ends[np.searchsorted(self._starts, rows.start)] - rows.start
        without = (rows.flags & Flag.NO_SUM > 0) if len(rows) else None
        for one in aggregates:
            if one.of_buckets:
                yield one.name, of_buckets[one.name]
                continue
            place = 1 + names.index(one.stored(row.kind))
            column = one.of(figures[:, place], widths)
            if one.name in {"avg", "sum"} and without is not None and without.any():
                column = Column(column.values, column.whole, without)
            yield one.name, column

    def _finish(self, row: SeriesRow, start: Ints, columns: dict[str, Column]) -> Line:
        fill, limit = self._question.fill, self._question.limit
        if fill == "none":
            if limit is not None:
                start = start[-limit:]
                columns = {name: old.newest(limit) for name, old in columns.items()}
            return Line(row, start, columns)
        grid = self._starts
        filled = {name: column.on(grid, start) for name, column in columns.items()}
        if fill == "zero":
            places = np.flatnonzero(
                np.isin(grid, self._states.done) & ~np.isin(grid, start)
            )
            for name, column in filled.items():
                if aggregate_of(name).zero:
                    filled[name] = column.zero_at(places)
        return Line(row, grid, filled)
