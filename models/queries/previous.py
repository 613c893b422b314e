"""The newest sample of each series before a minute, at any distance.

A counter's first step in a window starts there. Nearly always it is in the minute
before, so the minutes of the same hour are looked at first, newest first and only for
the series still missing. Hours that are merged answer by their own rows, one look-up
per series; hours that are not (their ledger entry is neither done nor partial) answer
by their minutes; days answer where hours are no longer kept. Ids rise with time, so the
largest id of a minute tells without further reading that newer series are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.dialect import is_sqlite, number_list, numbers, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

    from models.rollup import Blobs, Floats, Ints

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_DENSE: Final = 4
"""Reading a range of ids whole beats look-ups if at least one in so many is asked."""

_FLOOR: Final = (
    f"(CASE WHEN newest >= 0 THEN newest ELSE newest - {_HOUR - 1} END) "
    f"/ {_HOUR} * {_HOUR}"
)
_UNMERGED: Final = f"""
    WITH RECURSIVE steps(newest) AS (
        SELECT (SELECT MAX(start) FROM ledger
            WHERE source = ? AND resolution = 'minute' AND start < ?)
        UNION ALL
        SELECT (SELECT MAX(start) FROM ledger
            WHERE source = ? AND resolution = 'minute' AND start < {_FLOOR})
        FROM steps WHERE newest IS NOT NULL
    )
    SELECT hour FROM (SELECT {_FLOOR} AS hour FROM steps) AS hours
    WHERE hour IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM ledger WHERE source = ? AND resolution = 'hour'
        AND start = hour AND state IN ('done', 'partial')
    )
    ORDER BY hour DESC
"""  # noqa: S608 - constants
_FOUND: Final = "series_id, last, start * 1000 + last_offset, buckets"
_NEWEST_SQLITE: Final = """
    SELECT ids.value, r.last, r.start * 1000 + r.last_offset, r.buckets, r.start
    FROM {ids} CROSS JOIN {table} r
    WHERE r.series_id = ids.value AND r.start = (
        SELECT h.start FROM {table} h
        WHERE h.series_id = ids.value AND h.start < ? AND h.last IS NOT NULL
            AND h.start NOT IN (SELECT value FROM {excluded})
        ORDER BY h.start DESC LIMIT 1
    )
"""
_NEWEST_POSTGRES: Final = """
    SELECT ids.value, r.last, r.start * 1000 + r.last_offset, r.buckets, r.start
    FROM {ids} CROSS JOIN LATERAL (
        SELECT h.start, h.last, h.last_offset, h.buckets FROM {table} h
        WHERE h.series_id = ids.value AND h.start < ? AND h.last IS NOT NULL
            AND h.start NOT IN (SELECT value FROM {excluded})
        ORDER BY h.start DESC LIMIT 1
    ) r
"""


@dataclass(frozen=True, slots=True)
class Last:
    """The newest sample of each of some series, and the row it comes from.

    `values` are NaN and `times`, UTC milliseconds, are 0 where there is none;
    `buckets` are those of the row, None where it has none.
    """

    values: Floats
    times: Ints
    buckets: Blobs

    @classmethod
    def unknown(cls, series: int) -> Last:
        """Return that of series without any sample."""
        return cls(
            np.full(series, np.nan),
            np.zeros(series, np.int64),
            np.full(series, None, np.object_),
        )

    def take(self, places: Ints) -> Last:
        """Return those at some places, in their order."""
        return Last(self.values[places], self.times[places], self.buckets[places])

    def put(self, places: Ints, rows: Sequence[Sequence[Any]]) -> None:
        """Set those at some places from (_, last, time, buckets, ...) of rows."""
        self.values[places] = [row[1] for row in rows]
        self.times[places] = [row[2] for row in rows]
        for place, row in zip(places.tolist(), rows, strict=True):
            self.buckets[place] = None if row[3] is None else bytes(row[3])


def last_before(db: Database, series_ids: Ints, start: int) -> Last:
    """Return the newest sample of each series before the minute `start`.

    In the order of `series_ids`. Rows whose `last` is NULL are passed over. Exact as
    long as the ledger is: minutes are in it, and the hours it calls done or partial
    hold what their minutes hold.
    """
    asked = np.asarray(series_ids, dtype=np.int64)
    search = _Search(db, np.unique(asked))
    looked = (start - _MINUTE) // _HOUR * _HOUR
    search.in_minutes(looked, start)
    for source, ids in search.by_source().items():
        # The hour that ends at `start` counts, as its minutes may be deleted.
        search.further_back(source, ids, start // _HOUR * _HOUR, looked)
    return search.answer(asked)


class _Search:
    """What has been found so far; `pending` are the ids still missing, sorted."""

    def __init__(self, db: Database, ids: Ints) -> None:
        self._db = db
        self._ids = ids
        self._found = Last.unknown(len(ids))

    @property
    def pending(self) -> Ints:
        missing: Ints = self._ids[np.isnan(self._found.values)]
        return missing

    def answer(self, asked: Ints) -> Last:
        return self._found.take(np.searchsorted(self._ids, asked))

    def in_minutes(self, begin: int, end: int, among: Ints | None = None) -> None:
        """Look for pending ids in the minutes of `[begin, end)`, newest first."""
        pending = self.pending if among is None else among
        for minute, largest in self._largest_ids(begin, end) if len(pending) else ():
            candidates = pending[pending <= largest]
            if len(candidates):
                found = self._note(self._rows_of_minute(minute, candidates), candidates)
                pending = np.setdiff1d(pending, found, assume_unique=True)

    def by_source(self) -> dict[str, Ints]:
        """Return the pending ids of each source."""
        pending = self.pending
        if not len(pending):
            return {}
        rows: list[Any] = rows_of(
            self._db,
            f"SELECT s.source, s.id FROM {numbers(self._db, 'ids')} "  # noqa: S608 - own names
            "CROSS JOIN series s WHERE s.id = ids.value ORDER BY s.id",
            (number_list(self._db, pending),),
        )
        grouped: dict[str, list[int]] = {}
        for source, number in rows:
            grouped.setdefault(source, []).append(number)
        return {
            source: np.array(ids, dtype=np.int64) for source, ids in grouped.items()
        }

    def further_back(self, source: str, ids: Ints, before: int, looked: int) -> None:
        """Look for pending ids of one source in the hours before one.

        The minutes of the hour `looked` were looked at already.
        """
        unmerged = self._unmerged_hours(source, before)
        merged = self._newest("rollup_hour", ids, before, unmerged)
        known_since = np.full(len(ids), np.iinfo(np.int64).min)
        for number, *_, start in merged:
            known_since[np.searchsorted(ids, number)] = start
        for hour in (one for one in unmerged if one != looked):
            missing = np.isin(ids, self.pending, assume_unique=True)
            self.in_minutes(hour, hour + _HOUR, ids[missing & (known_since < hour)])
        self._note(merged, ids)
        still = np.intersect1d(ids, self.pending, assume_unique=True)
        days = self._newest("rollup_day", still, before - _DAY + 1, [])
        self._note(days, still)

    def _largest_ids(self, begin: int, end: int) -> list[Any]:
        minutes = np.arange(end - _MINUTE, begin - 1, -_MINUTE, dtype=np.int64)
        rows: list[Any] = rows_of(
            self._db,
            "SELECT minutes.value, (SELECT r.series_id FROM rollup_minute r "  # noqa: S608 - own names
            "WHERE r.start = minutes.value ORDER BY r.series_id DESC LIMIT 1) "
            f"FROM {numbers(self._db, 'minutes')}",
            (number_list(self._db, minutes),),
        )
        return sorted((row for row in rows if row[1] is not None), reverse=True)

    def _rows_of_minute(self, minute: int, ids: Ints) -> list[Any]:
        if ids[-1] - ids[0] < _DENSE * len(ids):
            rows: list[Any] = rows_of(
                self._db,
                f"SELECT {_FOUND} FROM rollup_minute WHERE start = ? "  # noqa: S608 - own names
                "AND series_id >= ? AND series_id <= ? AND last IS NOT NULL",
                (minute, int(ids[0]), int(ids[-1])),
            )
            return rows
        return rows_of(
            self._db,
            f"SELECT {_FOUND} FROM {numbers(self._db, 'ids')} "  # noqa: S608 - own names
            "CROSS JOIN rollup_minute r WHERE r.start = ? "
            "AND r.series_id = ids.value AND r.last IS NOT NULL",
            (number_list(self._db, ids), minute),
        )

    def _unmerged_hours(self, source: str, before: int) -> list[int]:
        params = (source, before, source, source)
        rows: list[Any] = rows_of(self._db, _UNMERGED, params)
        return [hour for (hour,) in rows]

    def _newest(
        self, table: str, ids: Ints, before: int, excluded: list[int]
    ) -> list[Any]:
        if not len(ids):
            return []
        template = _NEWEST_SQLITE if is_sqlite(self._db) else _NEWEST_POSTGRES
        sql = template.format(
            table=table,
            ids=numbers(self._db, "ids"),
            excluded=numbers(self._db, "excluded"),
        )
        params = (number_list(self._db, ids), before, number_list(self._db, excluded))
        return rows_of(self._db, sql, params)

    def _note(self, found: list[Any], among: Ints) -> Ints:
        """Keep what is found of pending ids; return the ids of `among` it has."""
        ids = np.array([row[0] for row in found], dtype=np.int64)
        asked = np.flatnonzero(np.isin(ids, among))
        places = np.searchsorted(self._ids, ids[asked])
        new = np.isnan(self._found.values[places])
        self._found.put(places[new], [found[row] for row in asked[new].tolist()])
        return ids[asked]
