"""Deletes what ages by a time of its own: events, restatements, days of calendars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.rollup.deletion.sweeping import SHARD, Bite
from bridge.rollup.windows import Resolution
from models.queries import expiry, retained
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


AGED: Final = (
    Aged("error_events", "time", 1000, "events"),
    Aged("restatements", "at", 1, "restatements"),
    Aged("verifications", "at", 1, "restatements"),
)


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
