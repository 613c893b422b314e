"""The rows of some series at every resolution, edited together and merged anew.

What is edited at one resolution is carried up wherever the finer rows are all still
kept; where they are not, a coarser row can only be emptied whole.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.commit import TABLES
from bridge.rollup.correction.leaving_out import emptied
from bridge.rollup.merge import merge
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution, Window
from models.queries.rollups import series_rows
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bridge.rollup.rows import Bools, Floats, Ints
    from models.database import Database

_COARSER: Final = (Resolution.HOUR, Resolution.DAY)


class Uncorrectable(Exception):  # noqa: N818 - an answer, not a mistake
    """Rows cannot be made to say what is asked; the message says why."""


class Tiers:
    """Rows of some series in some hours and their days: as they are, as they shall be.

    Whole hours are held by minutes, and the days that they are in by hours and days.
    """

    def __init__(self, db: Database, series_id: Ints, hours: Iterable[int]) -> None:
        starts = {Resolution.HOUR.floor(hour) for hour in hours}
        days = {Resolution.DAY.floor(hour) for hour in starts}
        self.series_id = series_id
        self._old = {
            Resolution.MINUTE: _load(db, series_id, Resolution.MINUTE, starts, 3600),
            Resolution.HOUR: _load(db, series_id, Resolution.HOUR, days, 86400),
            Resolution.DAY: _load(db, series_id, Resolution.DAY, days, 86400),
        }
        self._new = dict(self._old)

    def rows(self, resolution: Resolution) -> Rows:
        """Return the rows as they shall be, by series and start."""
        return self._new[resolution]

    def put(self, resolution: Resolution, rows: Rows) -> None:
        """Replace rows that are there by others of the same series and windows."""
        self._new[resolution] = _replaced(self._new[resolution], rows)

    def replace(self, resolution: Resolution, rows: Rows) -> None:
        """Make these all the rows of a resolution."""
        self._new[resolution] = _in_order(rows)

    def empty(self, start: int, until: int) -> None:
        """Empty the rows of a span; raise Uncorrectable where only a part of one is.

        A coarser row whose finer ones are kept follows them by `carry_up`.
        """
        for resolution in Resolution:
            rows = self._old[resolution]
            width = resolution.width
            touched = (rows.start < until) & (rows.start + width > start)
            touched &= (rows.count > 0) & ~self._kept_finer(resolution)
            whole = (rows.start >= start) & (rows.start + width <= until)
            if np.any(touched & ~whole):
                raise _only_whole(resolution, int(rows.start[touched & ~whole][0]))
            wrong = rows.take(touched)
            self.put(resolution, emptied(wrong.series_id, wrong.start, wrong.expected))

    def carry_up(self) -> None:
        """Merge coarser rows anew where the finer ones are kept and have changed."""
        for resolution in _COARSER:
            finer = resolution.finer or resolution
            old, new = self._old[finer], self._new[finer]
            changed = _keys_of(_changed(old, new), resolution)
            coarse = self._old[resolution]
            follows = self._kept_finer(resolution) & np.isin(_keys(coarse), changed)
            at = np.isin(_keys_of(new, resolution), _keys(coarse)[follows])
            self.put(resolution, merge([new.take(at)], resolution))

    def changes(self) -> Iterator[tuple[Resolution, Rows, Rows]]:
        """Yield each resolution with its rows before and after, where they changed."""
        for resolution in Resolution:
            old, new = self._old[resolution], self._new[resolution]
            before, after = _changed(new, old), _changed(old, new)
            if len(before) or len(after):
                yield resolution, before, after

    def last_before(self, start: int) -> tuple[Floats, Ints]:
        """Return the newest sample of each series, and its time, in rows before."""
        return self._newest(-(2**62), start)

    def last_within(self, start: int, until: int) -> tuple[Floats, Ints]:
        """Return the newest sample of each series, and its time, in rows of a span."""
        return self._newest(start, until)

    def _newest(self, start: int, until: int) -> tuple[Floats, Ints]:
        values = np.full(len(self.series_id), np.nan)
        times = np.zeros(len(self.series_id), np.int64)
        for resolution in Resolution:
            rows = self._old[resolution]
            ended = rows.start + resolution.width <= until
            rows = rows.take(ended & (rows.start >= start) & ~np.isnan(rows.last))
            place = np.searchsorted(self.series_id, rows.series_id)
            at = rows.start * 1000 + rows.last_offset
            # Sorted by time, so the newest of a series is set last.
            later = at > times[place]
            values[place[later]], times[place[later]] = rows.last[later], at[later]
        return values, times

    def _kept_finer(self, resolution: Resolution) -> Bools:
        """Return of which rows all finer ones are there, by what they count."""
        rows, finer = self._old[resolution], resolution.finer
        if finer is None:
            return np.zeros(len(rows), np.bool_)
        merged = merge([self._old[finer]], resolution)
        places = _places(_keys(rows), _keys(merged))
        kept: Bools = places >= 0
        kept[kept] = merged.count[places[kept]] == rows.count[kept]
        return kept


def _only_whole(resolution: Resolution, start: int) -> Uncorrectable:
    finer = Window(start, resolution).resolution.finer
    kept = "" if finer is None else f"the {finer.value}s of it are no longer kept, so "
    return Uncorrectable(
        f"{kept}the {resolution.value} {start} can only be corrected whole: widen the "
        f"span to whole {resolution.value}s, or leave it out"
    )


def _load(
    db: Database, series_id: Ints, resolution: Resolution, starts: set[int], width: int
) -> Rows:
    """Return the rows of windows of a resolution in wider ones of some starts."""
    table = TABLES[resolution]
    parts = []
    for start, end in _joined(sorted(starts), width):
        found = series_rows(db, table, series_id, start, end)
        parts.append(Rows(**{name: getattr(found, name) for name in COLUMNS}))
    return _in_order(Rows.join(parts))


def _joined(starts: list[int], width: int) -> Iterator[tuple[int, int]]:
    """Yield the spans that windows which follow each other make up."""
    begin: int | None = None
    end = 0
    for start in starts:
        if begin is not None and start != end:
            yield begin, end
            begin = start
        begin = start if begin is None else begin
        end = start + width
    if begin is not None:
        yield begin, end


def _in_order(rows: Rows) -> Rows:
    return rows.take(np.lexsort((rows.start, rows.series_id)))


def _keys(rows: Rows) -> Ints:
    """Return a number for each series and start."""
    return _number(rows.series_id, rows.start)


def _keys_of(rows: Rows, coarser: Resolution) -> Ints:
    return _number(rows.series_id, rows.start - rows.start % coarser.width)


def _number(series_id: Ints, start: Ints) -> Ints:
    return (series_id << 34) + start + (1 << 33)


def _places(keys: Ints, among: Ints) -> Ints:
    if not len(among):
        return np.full(len(keys), -1, np.int64)
    found = np.minimum(np.searchsorted(among, keys), len(among) - 1)
    return np.where(among[found] == keys, found, -1)


def _replaced(rows: Rows, others: Rows) -> Rows:
    places = _places(_keys(others), _keys(rows))
    others, places = others.take(places >= 0), places[places >= 0]
    columns = []
    for field in fields(Rows):
        column = getattr(rows, field.name).copy()
        column[places] = getattr(others, field.name)
        columns.append(column)
    return Rows(*columns)


def _changed(old: Rows, new: Rows) -> Rows:
    """Return the rows of `new` that are not in `old` as they are."""
    places = _places(_keys(new), _keys(old))
    known = places >= 0
    same = known.copy()
    for field in fields(Rows):
        before = getattr(old, field.name)[places[known]]
        after = getattr(new, field.name)[known]
        alike = before == after
        if after.dtype.kind == "f":
            alike |= np.isnan(before) & np.isnan(after)
        same[known] &= np.asarray(alike, np.bool_)
    return new.take(~same)
