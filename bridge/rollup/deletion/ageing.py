"""Deletes what ages by a time of its own: events, runs of probes, days of calendars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.rollup.deletion.sweeping import SHARD, Bite
from bridge.rollup.windows import Resolution
from models.queries import expiry, former, retained, runs
from models.queries.series import ids_of_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database

WEEK: Final = 7 * Resolution.DAY.width
LONGEST: Final = 26 * Resolution.HOUR.width
"""Seconds of the longest local day, which may begin before a week's end."""


@dataclass(frozen=True, slots=True)
class Aged:
    """A table with the column that its rows age by, in so many units a second.

    `setting` is the key of `retention` that says how long they are kept.
    """

    table: str
    column: str
    units: int
    setting: str

    def bites(self, db: Database, before: int, most: int) -> Iterator[Bite]:
        """Delete the rows from before a time, about `most` in each transaction."""
        rows = most
        while rows:
            with db.atomic():
                rows = expiry.delete_old(db, self.table, self.column, before, most)
            if rows:
                yield Bite(0, rows)

    def old(self, db: Database, before: int) -> tuple[int, int]:
        """Return how many rows are from before a time, and the time of the oldest."""
        return expiry.count_old(db, self.table, self.column, before)


@dataclass(frozen=True, slots=True)
class Former(Aged):
    """Rows that were deleted, and stay only for the history that refers to them."""

    def bites(self, db: Database, before: int, most: int) -> Iterator[Bite]:
        """Delete the rows that nothing refers to any more, in one transaction."""
        del most
        with db.atomic():
            rows = former.delete(db, self.table, before)
        if rows:
            yield Bite(0, rows)

    def old(self, db: Database, before: int) -> tuple[int, int]:
        """Return as `Aged.old`."""
        return former.count(db, self.table, before)


class Spans(Aged):
    """Spans that ended, and such as last but of which nobody tells any more."""

    def bites(self, db: Database, before: int, most: int) -> Iterator[Bite]:
        """Delete those that ended as `Aged.bites`, the others in one transaction."""
        yield from Aged.bites(self, db, before, most)
        with db.atomic():
            rows = former.delete_forsaken(db, before)
        if rows:
            yield Bite(0, rows)

    def old(self, db: Database, before: int) -> tuple[int, int]:
        """Return as `Aged.old`."""
        found = [Aged.old(self, db, before), former.count_forsaken(db, before)]
        starts = [start for rows, start in found if rows]
        return sum(rows for rows, _ in found), min(starts, default=0)


AGED: Final = (
    Aged("error_events", "time", 1000, "events"),
    Aged("restatements", "at", 1, "restatements"),
    Aged("verifications", "at", 1, "restatements"),
)
PROBED: Final = (
    # Nothing goes before what refers to it.
    Aged("probe_results", "scheduled_ms", 1000, "runs"),
    Aged("probe_runs", "scheduled_ms", 1000, "runs"),
    Aged("routes", "last_seen", 1000, "runs"),
    Aged("certificates", "last_seen", 1000, "runs"),
    Aged("probe_tests", "created_at", 1000, "runs"),
    Spans("probe_spans", "closed_ms", 1000, "runs"),
    Aged("probe_hours", "start_ms", 1000, "runs"),
    # Without an index by time, as it has but a row for each probe that an agent does.
    Aged("probe_views", "last_ms", 1000, "runs"),
    Former("jobs", "deleted_at", 1000, "runs"),
    Former("destinations", "deleted_at", 1000, "runs"),
)
"""What probes leave behind; agents stay."""


def probed_horizon(db: Database, horizon: int | None, clock: float) -> int | None:
    """Return the time that ages of runs are reckoned from, None where there are none.

    That is the windows' horizon. A bridge without windows goes by its newest run, or
    by the clock if that is earlier.
    """
    if horizon is not None:
        return horizon
    newest = runs.newest(db)
    return None if newest is None else min(newest // 1000, int(clock))


def local_days(
    db: Database, source: str, resolution: str, cut: int, now: int
) -> Iterator[Bite]:
    """Delete days of the calendar that `resolution` names that begin before `cut`.

    First is noted since when they are kept, so that none is made again.
    """
    windows, _ = expiry.size(db, source, resolution, None, cut)
    if not windows:
        return
    calendar = resolution.partition("@")[2]
    noted = retained.Kept(source, resolution, retained.EVERYTHING, cut, cut, now)
    with db.atomic():
        retained.keep(db, [noted])
    ids = ids_of_source(db, source)
    for low in range(0, len(ids), SHARD):
        with db.atomic():
            shard = ids[low : low + SHARD]
            rows = expiry.delete_local_days(db, calendar, shard, cut)
        yield Bite(0, rows)
    with db.atomic():
        gone = expiry.forget(db, source, resolution, cut)
    yield Bite(gone, 0)
