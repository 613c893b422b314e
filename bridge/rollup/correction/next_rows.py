"""Finds the first row of series after a time, in whichever table still has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.commit import TABLES
from bridge.rollup.windows import Resolution
from models.queries import ledger
from models.queries.earliest import first_starts
from models.queries.rollups import series_rows

if TYPE_CHECKING:
    from bridge.rollup.rows import Ints
    from models.database import Database

_FIRST_SPAN: Final = 7200
_GROWTH: Final = 4
_NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Next:
    """The first window with a sample of a series, in the finest table that has it."""

    series_id: int
    resolution: Resolution
    start: int


def next_rows(db: Database, source: str, series_id: Ints, after: int) -> list[Next]:
    """Return the first window of each series from `after` on; none for one that ended.

    `after` is the start of a minute, UTC seconds.
    """
    found: dict[int, Next] = {}
    bound = _coarse(db, series_id, after)
    newest = ledger.newest(db, source, Resolution.MINUTE.value)
    until = after if newest is None else newest + Resolution.MINUTE.width
    low, span = after, _FIRST_SPAN
    while low < until:
        # Nothing of a series is before the first of its coarser rows that are merged.
        ids = [
            number
            for number in series_id.tolist()
            if number not in found and low < bound.get(number, (_NEVER, None))[0]
        ]
        if not ids:
            break
        _look(db, Resolution.MINUTE, ids, low, min(low + span, until), found)
        low, span = low + span, span * _GROWTH
    for number, (end, coarse) in bound.items():
        one = found.get(number)
        if coarse is not None and (one is None or one.start >= end):
            found[number] = _finest(db, coarse, end)
    return [found[number] for number in sorted(found)]


def _coarse(
    db: Database, series_id: Ints, after: int
) -> dict[int, tuple[int, Next | None]]:
    """Return by series the end of its first merged row after a time, and that row."""
    bound: dict[int, tuple[int, Next | None]] = {}
    for resolution in (Resolution.DAY, Resolution.HOUR):
        since = -resolution.floor(-after)
        starts = first_starts(db, TABLES[resolution], series_id, since)
        for number, start in starts.items():
            known = bound.get(number)
            if known is None or start + resolution.width <= known[0]:
                one = Next(number, resolution, start)
                bound[number] = (start + resolution.width, one)
    return bound


def _finest(db: Database, coarse: Next, end: int) -> Next:
    """Return the first of the finer rows of a row, if they are still kept."""
    finer = coarse.resolution.finer
    found: dict[int, Next] = {}
    if finer is not None:
        _look(db, finer, [coarse.series_id], coarse.start, end, found)
    one = found.get(coarse.series_id)
    return coarse if one is None else _finest(db, one, one.start + one.resolution.width)


def _look(  # noqa: PLR0917 - what to look for, and where
    db: Database,
    resolution: Resolution,
    ids: list[int],
    start: int,
    end: int,
    found: dict[int, Next],
) -> None:
    asked = np.array(ids, np.int64)
    rows = series_rows(db, TABLES[resolution], asked, start, end)
    usable = ~np.isnan(rows.last)
    series, first = np.unique(rows.series_id[usable], return_index=True)
    starts = rows.start[usable][first]
    for number, begin in zip(series.tolist(), starts.tolist(), strict=True):
        found[number] = Next(number, resolution, begin)
