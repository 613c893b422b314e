"""A world with calendars, and what their days must hold."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bridge.rollup.days.adoption import Calendars
from bridge.rollup.days.calendars import Calendar, Rules, day_of
from bridge.rollup.engine import Engine
from models.database import open_database
from models.directory import SeriesDirectory
from models.migrate import Migrations
from models.queries import ledger, retained
from runtime import settings
from tests.bridge.rollup.world import BEGIN, FIGURES, World
from tests.oracle import Expected, merged

if TYPE_CHECKING:
    from pathlib import Path

    from models.database import Database
    from tests.oracle import Samples

HOUR = 3600
DAY = 24 * HOUR
BERLIN = {"berlin": "Europe/Berlin"}


class Places(World):
    """A world with calendars."""

    def __init__(self, directory: Path, url: str, zones: dict[str, str]) -> None:
        self.zones = zones
        self.url = url
        super().__init__(directory)
        self.db.close()
        self.db = open_database(url)
        Migrations(self.db).up()
        self.directory = SeriesDirectory(self.db)
        self.source.directory = self.directory
        self.history = 40 * DAY
        self.new_engine()

    def new_engine(self) -> Engine:
        super().new_engine()
        parts = self.engine._parts
        wanted = [
            settings.Calendar(name=name, zone=zone) for name, zone in self.zones.items()
        ]
        self.engine = Engine(
            self.source,
            self.history,
            self.rollup,
            self.reporter,
            parts,
            calendars=Calendars(wanted, parts.db, parts.call, parts.clock),
        )
        return self.engine

    def stored(self, calendar: str) -> list[tuple[int, int, Expected]]:
        """All rows of a calendar: start, until and figures."""
        cursor = self.db.execute_sql(
            f"SELECT start, until, {', '.join(FIGURES)} FROM rollup_local_day "
            f"WHERE calendar = '{calendar}'"
        )
        return [(row[0], row[1], Expected(*row[2:])) for row in cursor.fetchall()]

    def days(self, calendar: str) -> dict[tuple[str, str], tuple[int, int, Expected]]:
        """All rows of a calendar by name and date: start, until and figures."""
        cursor = self.db.execute_sql(
            "SELECT s.metric, r.day, r.start, r.until, "
            f"{', '.join(f'r.{name}' for name in FIGURES)} FROM rollup_local_day r "
            f"JOIN series s ON s.id = r.series_id WHERE r.calendar = '{calendar}'"
        )
        return {
            (row[0], row[1]): (row[2], row[3], Expected(*row[4:]))
            for row in cursor.fetchall()
        }

    def true_days(
        self, zone: str, until: int
    ) -> dict[tuple[str, str], tuple[int, int, Expected]]:
        """What the days of a zone that ended until then must hold, from raw samples."""
        here = Calendar("here", Rules.of(ZoneInfo(zone)))
        minutes = self.truth(0, until)
        found: dict[tuple[str, str], tuple[int, int, Expected]] = {}
        for day in here.within(BEGIN, BEGIN + until):
            if day.end > BEGIN + until:
                continue
            for name in self.source.series:
                rows = [
                    row
                    for (metric, minute), row in sorted(minutes.items())
                    if metric == name and day.start <= BEGIN + minute < day.end
                ]
                whole = merged(rows)
                if whole is not None:
                    found[name, day.name] = (day.start, day.end, whole)
        return found

    def entries(self, calendar: str) -> dict[str, tuple[str, int]]:
        """States and revisions of the days of a calendar, by their UTC start."""
        found = ledger.entries(self.db, "list", day_of(calendar), 0, 2**40)
        here = Calendar(calendar, Rules.of(ZoneInfo(self.zones[calendar])))
        return {
            here.holding(one.start).name: (one.state, one.revision) for one in found
        }


def sparse(seconds: int, every: int = 1800) -> Samples:
    """Whole numbers that sometimes fall, so that sums and increases are exact."""
    seeded = random.Random(11)
    return [(t * 1000, float(seeded.randrange(1000))) for t in range(0, seconds, every)]


def forget_hours(db: Database, before: int) -> None:
    """Do what retention does to hours before a time."""
    retained.keep(db, [retained.Kept("list", "hour", "", before, before, 0)])
    db.execute_sql(f"DELETE FROM rollup_hour WHERE start < {before}")
    db.execute_sql(f"DELETE FROM ledger WHERE resolution = 'hour' AND start < {before}")
