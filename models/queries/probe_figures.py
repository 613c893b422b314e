"""Figures of many results, reckoned by the database or handed on a page at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.dialect import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from peewee import Database

    from models.queries.results import Cursor, Picked

GROUPS: Final = {
    "job": "j.name",
    "destination": "d.name",
    "agent": "a.name",
    "probe": "r.probe",
    "kind": "r.kind",
    "reason": "r.reason",
}
"""What figures can be grouped by."""
_PAGE: Final = 20_000
# Of echo requests a result has as many times as replies, of other kinds one.
_TIMES: Final = (
    "CASE WHEN r.rtt_mean IS NULL THEN 0 WHEN r.received > 0 THEN r.received ELSE 1 END"
)
_FIGURES: Final = (
    "COUNT(*)",
    "SUM(CASE WHEN r.reason = '' THEN 1 ELSE 0 END)",
    "SUM(r.sent)",
    "SUM(r.received)",
    f"SUM({_TIMES})",
    f"SUM(r.rtt_mean * {_TIMES})",
    "MIN(COALESCE(r.rtt_min, r.rtt_mean))",
    "MAX(COALESCE(r.rtt_max, r.rtt_mean))",
    "MIN(r.scheduled_ms)",
    "MAX(r.scheduled_ms)",
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Figures of a group of results: `key` is of what was grouped by, in that order.

    `times` counts round-trip times, `sum` adds them up; seconds. `first` and `last`
    are when the group's first and last run were scheduled, UTC milliseconds.
    """

    key: tuple[Any, ...]
    results: int
    successes: int
    sent: int
    received: int
    times: int
    sum: float
    min: float | None
    max: float | None
    first: int
    last: int

    @property
    def success_rate(self) -> float:
        """Share of the results that are successes."""
        return self.successes / self.results

    @property
    def mean(self) -> float | None:
        """Mean of all round-trip times, None without any."""
        return self.sum / self.times if self.times else None

    @property
    def loss(self) -> float | None:
        """Share of requests that were not answered, None of kinds that count none."""
        return 1 - self.received / self.sent if self.sent else None


def tallies(
    db: Database,
    picked: Picked,
    by: Sequence[str] = (),
    width: int | None = None,
    most: int | None = None,
) -> list[Tally]:
    """Return figures by group, sorted by key; none where there are no results.

    With `width` the key begins with the start of a span of so many milliseconds. With
    `most` there are no more groups than that, any of them.
    """
    source, params = picked.together(db)
    keys = [GROUPS[name] for name in by]
    if width is not None:
        # The width is a number of ours: as a parameter PostgreSQL would not know the
        # expression again that it groups by.
        keys.insert(0, f"r.scheduled_ms / {int(width)} * {int(width)}")
    group = f" GROUP BY {', '.join(keys)}" if keys else " HAVING COUNT(*) > 0"
    limit = "" if most is None else f" LIMIT {int(most)}"
    sql = f"SELECT {', '.join((*keys, *_FIGURES))} {source}{group}{limit}"
    rows: list[Any] = rows_of(db, sql, params)
    size = len(keys)
    return sorted((_tally(row, size) for row in rows), key=lambda tally: tally.key)


def _tally(row: Sequence[Any], size: int) -> Tally:
    counts = [int(count) for count in row[size : size + 5]]
    total, *bounds = row[size + 5 :]
    told = [tuple(row[:size]), *counts, total or 0.0, *bounds]
    return Tally(*told)


@dataclass(frozen=True, slots=True)
class TripPage:
    """Round-trip times of some results: when their run was scheduled, and the time.

    UTC milliseconds and seconds; `group` holds the names that were asked for.
    """

    group: tuple[str, ...]
    at: NDArray[np.int64]
    seconds: NDArray[np.float64]


def trips(db: Database, picked: Picked, by: Sequence[str] = ()) -> Iterator[TripPage]:
    """Yield all round-trip times of results, oldest results first, page by page."""
    source, params = picked.in_order(db)
    key = picked.key
    columns = [*key, "r.rtt_mean", "r.rtts", *(GROUPS[name] for name in by)]
    after: Cursor | None = None
    while True:
        more, given = "", list(params)
        if after is not None:
            more = f" AND {key[0]} >= ? AND ({', '.join(key)}) > (?, ?, ?)"
            given += [after[0], *after]
        rows: list[Any] = rows_of(
            db,
            f"SELECT {', '.join(columns)} {source}{more} "
            f"AND r.rtt_mean IS NOT NULL ORDER BY {', '.join(key)} LIMIT {_PAGE}",
            given,
        )
        groups: dict[tuple[str, ...], list[Any]] = {}
        for row in rows:
            groups.setdefault(tuple(row[5:]), []).append(row)
        yield from (_trip_page(group, found) for group, found in groups.items())
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1][:3])


def _trip_page(group: tuple[str, ...], rows: Sequence[Any]) -> TripPage:
    single = [(row[0], row[3]) for row in rows if row[4] is None]
    several = [(row[0], np.frombuffer(row[4], "<f4")) for row in rows if row[4]]
    at = [np.array([time for time, _ in single], np.int64)]
    seconds = [np.array([mean for _, mean in single], np.float64)]
    for time, times in several:
        answered = times[~np.isnan(times)]
        at.append(np.full(len(answered), time, np.int64))
        seconds.append(answered.astype(np.float64))
    return TripPage(group, np.concatenate(at), np.concatenate(seconds))


def uptime(
    db: Database, picked: Picked, holds: Mapping[int, int], end: int
) -> tuple[int, int]:
    """Return for how long results were good, and for how long there were any.

    Milliseconds. A result holds until the next one of its agent, job, destination and
    probe, at most for the milliseconds that `holds` gives its job, and not beyond
    `end`.
    """
    source, params = picked.together(db)
    longest = "".join(f" WHEN {int(job)} THEN {int(ms)}" for job, ms in holds.items())
    limit = f"CASE job{longest} ELSE 0 END" if longest else "0"
    sql = (
        "SELECT COALESCE(SUM(CASE WHEN good = 1 THEN held END), 0), "  # noqa: S608 - own names
        "COALESCE(SUM(held), 0) FROM (SELECT good, "
        f"CASE WHEN following - at < {limit} THEN following - at ELSE {limit} END "
        "AS held FROM (SELECT u.job_id AS job, r.scheduled_ms AS at, "
        "CASE WHEN r.reason = '' THEN 1 ELSE 0 END AS good, "
        "COALESCE(LEAD(r.scheduled_ms) OVER (PARTITION BY u.agent_id, u.job_id, "
        "r.destination_id, r.probe ORDER BY r.scheduled_ms), ?) AS following "
        f"{source}) AS listed) AS timed"
    )
    rows: list[Any] = rows_of(db, sql, (end, *params))
    return int(rows[0][0]), int(rows[0][1])


def jobs_of(db: Database, picked: Picked) -> list[int]:
    """Return the numbers of the jobs that results are of."""
    source, params = picked.together(db)
    sql = f"SELECT DISTINCT u.job_id {source}"
    rows: list[Any] = rows_of(db, sql, params)
    return sorted(int(number) for (number,) in rows)


def together(tallies: Sequence[Tally]) -> Tally:
    """Return the tally of all results of some: sums add up, means of means do not."""
    first = tallies[0]
    lows = [one.min for one in tallies if one.min is not None]
    highs = [one.max for one in tallies if one.max is not None]
    return Tally(
        first.key,
        sum(one.results for one in tallies),
        sum(one.successes for one in tallies),
        sum(one.sent for one in tallies),
        sum(one.received for one in tallies),
        sum(one.times for one in tallies),
        math.fsum(one.sum for one in tallies),
        min(lows, default=None),
        max(highs, default=None),
        min(one.first for one in tallies),
        max(one.last for one in tallies),
    )
