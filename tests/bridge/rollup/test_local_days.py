from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from bridge.rollup import adoption, local_days
from bridge.rollup.adoption import Calendars
from bridge.rollup.calendars import Calendar, Rules, day_of
from bridge.rollup.engine import Engine
from bridge.rollup.windows import Resolution
from models.database import open_database
from models.directory import SeriesDirectory
from models.migrate import Migrations
from models.queries import calendars as queries
from models.queries import ledger
from models.queries.calendars import Listed
from runtime import settings
from tests.bridge.rollup.world import BEGIN, FIGURES, Killed, World
from tests.oracle import Expected, merged

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture
def places(
    tmp_path: Path, database_url: str, request: pytest.FixtureRequest
) -> Iterator[Places]:
    made = Places(tmp_path, database_url, getattr(request, "param", BERLIN))
    yield made
    made.db.close()


def sparse(seconds: int, every: int = 1800) -> Samples:
    """Whole numbers that sometimes fall, so that sums and increases are exact."""
    seeded = random.Random(11)
    return [(t * 1000, float(seeded.randrange(1000))) for t in range(0, seconds, every)]


@pytest.mark.rule(5)
@pytest.mark.rule(44)
@pytest.mark.setting("calendars.name")
@pytest.mark.setting("calendars.zone")
@pytest.mark.parametrize(
    "places",
    [
        {
            "berlin": "Europe/Berlin",
            "india": "Asia/Kolkata",
            "nepal": "Asia/Kathmandu",
            "samoa": "Pacific/Apia",
        }
    ],
    indirect=True,
)
def test_r44_local_days_from_hours_and_from_minutes_are_those_from_raw_samples(
    places: Places,
) -> None:
    places.feed("a_total", sparse(3 * DAY))
    places.feed("b", sparse(3 * DAY, 2700))
    places.run_to(3 * DAY)
    places.engine.beat()
    for name, zone in places.zones.items():
        assert places.days(name) == places.true_days(zone, 3 * DAY)
        assert len(places.entries(name)) >= 2
    berlin = places.days("berlin")["b", "2023-11-16"]
    assert berlin[1] - berlin[0] == DAY


@pytest.mark.rule(45)
def test_r45_half_a_minute_of_samples_reaches_local_days(places: Places) -> None:
    places.feed("up", [(t * 1000, 1.0) for t in range(0, 2 * DAY, 60)])
    places.feed("short_total", [(0, 1.0), (15_000, 3.0), (30_000, 4.0)])
    places.run_to(2 * DAY)
    row = places.days("berlin")["short_total", "2023-11-14"][2]
    assert (row.count, row.first, row.last, row.increase) == (3, 1.0, 4.0, 3.0)


@pytest.mark.rule(63)
@pytest.mark.rule(64)
@pytest.mark.parametrize(
    "places",
    [{"berlin": "Europe/Berlin", "tokyo": "Asia/Tokyo", "nepal": "Asia/Kathmandu"}],
    indirect=True,
)
def test_r63_a_late_sample_reopens_the_local_days_of_every_calendar(
    places: Places,
) -> None:
    places.feed("a_total", sparse(4 * DAY))
    places.run_to(4 * DAY)
    places.engine.beat()
    before = {name: places.entries(name) for name in places.zones}
    late = DAY + 5 * HOUR + 17
    places.feed("a_total", [(late * 1000, 5000.0)])
    minute = (BEGIN + late) // 60 * 60
    ledger.mark(places.db, "list", "minute", [minute], "dirty", "late", 0)
    places.engine.beat()
    for name, zone in places.zones.items():
        assert places.days(name) == places.true_days(zone, 4 * DAY)
        here = Calendar(name, Rules.of(ZoneInfo(zone)))
        touched = here.holding(minute).name
        after = places.entries(name)
        # The next sample's step starts there, half an hour on, in the same days.
        assert after[touched][1] > before[name][touched][1]
        del before[name][touched], after[touched]
        assert after == before[name]


@pytest.mark.rule(64)
def test_r64_many_windows_written_at_once_reopen_all_local_days_above(
    places: Places,
) -> None:
    places.feed("a_total", sparse(5 * DAY))
    places.run_to(5 * DAY)
    places.engine.beat()
    whole = places.days("berlin")
    starts = [BEGIN + at for at in range(0, 4 * DAY, 1800)]
    places.db.execute_sql("DELETE FROM rollup_local_day")
    ledger.mark(places.db, "list", "minute", starts, "dirty", "imported", 0)
    places.engine.beat()
    places.new_engine().beat()
    names = {day for _, day in places.days("berlin")}
    assert names >= {day for _, day in whole if day < "2023-11-18"}
    for key, day in places.days("berlin").items():
        assert day == whole[key]


@pytest.mark.rule(72)
def test_r72_a_missing_minute_is_repaired_up_to_the_local_day(places: Places) -> None:
    places.feed("a_total", sparse(3 * DAY))
    places.run_to(3 * DAY)
    places.engine.beat()
    whole = places.days("berlin")
    minute = BEGIN + DAY + 7200
    db = places.db
    db.execute_sql(f"DELETE FROM rollup_minute WHERE start = {minute}")
    db.execute_sql(f"DELETE FROM ledger WHERE start = {minute}")
    hour = Resolution.HOUR.floor(minute)
    db.execute_sql(f"DELETE FROM rollup_hour WHERE start = {hour}")
    db.execute_sql(f"DELETE FROM ledger WHERE start = {hour} AND resolution = 'hour'")
    day = Calendar("x", Rules.of(ZoneInfo("Europe/Berlin"))).holding(minute)
    db.execute_sql(f"DELETE FROM rollup_local_day WHERE start = {day.start}")
    ledger.remove(db, "list", "day@berlin", day.start)
    places.new_engine().beat()
    assert places.days("berlin") == whole


@pytest.mark.rule(71)
@pytest.mark.rule(61)
def test_r71_killed_anywhere_local_days_are_resumed_and_twice_is_once(
    places: Places,
) -> None:
    places.feed("a_total", sparse(3 * DAY, 7200))
    places.run_to(3 * DAY)
    truth = places.true_days("Europe/Berlin", 3 * DAY)
    whole = places.days("berlin")
    assert whole == truth
    for survived in range(8):
        places.db.execute_sql("DELETE FROM rollup_local_day")
        places.db.execute_sql("DELETE FROM calendars")
        places.db.execute_sql("DELETE FROM ledger WHERE resolution = 'day@berlin'")
        places.calls_until_killed = survived
        try:
            places.new_engine().beat()
        except Killed:
            places.calls_until_killed = 10**9
            places.new_engine().beat()
        assert places.days("berlin") == truth
    places.engine.beat()
    places.new_engine().beat()
    assert {revision for _, revision in places.entries("berlin").values()} == {1}


def test_a_calendar_that_is_added_later_derives_the_past_in_bounded_turns(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.feed("a_total", sparse(8 * DAY, 7200))
    places.run_to(8 * DAY)
    monkeypatch.setattr(local_days, "WINDOWS", 40)
    places.zones = BERLIN | {"tokyo": "Asia/Tokyo"}
    places.new_engine()
    done = []
    for _ in range(5):
        places.engine.beat()
        done.append(sorted({day for _, day in places.days("tokyo")}))
    assert done[0] == ["2023-11-15", "2023-11-22"]
    assert done[1] == ["2023-11-15", "2023-11-16", "2023-11-21", "2023-11-22"]
    assert len(done[-1]) == 8
    assert places.days("tokyo") == places.true_days("Asia/Tokyo", 8 * DAY)


def test_a_calendar_that_leaves_the_settings_is_retired_and_its_days_stay(
    places: Places,
) -> None:
    places.feed("a_total", sparse(6 * DAY, 7200))
    places.run_to(3 * DAY)
    days = places.days("berlin")
    rules = str(Rules.of(ZoneInfo("Europe/Berlin")))
    now = int(places.clock.now())
    assert queries.listed(places.db) == [
        Listed("berlin", "Europe/Berlin", rules, "kept", BEGIN + 3 * DAY + 15)
    ]
    places.zones = {}
    places.new_engine()
    places.run_to(6 * DAY)
    assert places.days("berlin") == days
    (listed,) = queries.listed(places.db)
    assert (listed.state, listed.zone) == ("retired", "Europe/Berlin")
    assert listed.changed_at > now
    # Back again: what is missing is derived, and what was there is looked over.
    places.zones = BERLIN
    places.new_engine().beat()
    places.engine.beat()
    assert places.days("berlin") == places.true_days("Europe/Berlin", 6 * DAY)
    assert queries.listed(places.db)[0].state == "kept"
    assert {revision for _, revision in places.entries("berlin").values()} == {1, 2}


@pytest.mark.rule(9)
def test_r9_another_zone_derives_its_days_anew_and_edits_none(places: Places) -> None:
    places.feed("a_total", sparse(4 * DAY, 1800))
    places.run_to(4 * DAY)
    places.zones = {"berlin": "Asia/Kolkata"}
    places.new_engine().beat()
    places.engine.beat()
    fresh = places.days("berlin")
    assert fresh == places.true_days("Asia/Kolkata", 4 * DAY)
    assert {revision for _, revision in places.entries("berlin").values()} == {1}
    assert queries.listed(places.db)[0].zone == "Asia/Kolkata"


@pytest.mark.rule(9)
def test_r9_changed_rules_move_only_the_days_that_they_touch(places: Places) -> None:
    """The rules that the database has differ on two days from those of the zone."""
    places.feed("a_total", sparse(6 * DAY, 1800))
    places.run_to(6 * DAY)
    truth = places.days("berlin")
    rules = Rules.of(ZoneInfo("Europe/Berlin"))
    moved = date(2023, 11, 17).toordinal()
    wrong = _with_shift(rules, moved, -7200)
    (listed,) = queries.listed(places.db)
    # Make the database one that was derived by other rules.
    other = Calendar("berlin", wrong)
    for day in other.within(BEGIN + 2 * DAY, BEGIN + 4 * DAY):
        places.db.execute_sql(
            f"UPDATE rollup_local_day SET start = {day.start}, until = {day.end} "
            f"WHERE day = '{day.name}'"
        )
        places.db.execute_sql(
            f"UPDATE ledger SET start = {day.start}, revision = 7 WHERE resolution = "
            f"'day@berlin' AND start BETWEEN {day.start - 7200} AND {day.start + 7200}"
        )
    queries.write(
        places.db, Listed("berlin", listed.zone, str(wrong), "kept", listed.changed_at)
    )
    places.new_engine().beat()
    assert places.days("berlin") == truth
    revisions = {name: n for name, (_, n) in places.entries("berlin").items()}
    assert revisions["2023-11-16"] == revisions["2023-11-17"] == 1
    assert revisions["2023-11-15"] == 1
    assert queries.listed(places.db)[0].rules == str(rules)


@pytest.mark.rule(9)
@pytest.mark.rule(66)
def test_r9_a_day_whose_hours_are_gone_stays_and_says_why(places: Places) -> None:
    places.feed("a_total", sparse(6 * DAY, 1800))
    places.run_to(6 * DAY)
    before = places.days("berlin")
    gone = Resolution.DAY.floor(BEGIN) + 3 * DAY
    _forget_hours(places.db, gone)
    places.zones = {"berlin": "America/New_York"}
    places.new_engine().beat()
    places.engine.beat()
    found = places.stored("berlin")
    new = Calendar("new", Rules.of(ZoneInfo("America/New_York")))
    for start, until, row in before.values():
        stays = new.holding(start).start < gone
        assert ((start, until, row) in found) == stays
    for start, until, row in places.true_days("America/New_York", 6 * DAY).values():
        assert ((start, until, row) in found) == (start >= gone)
    entries = ledger.entries(places.db, "list", "day@berlin", 0, gone - DAY)
    assert {(one.state, one.reason) for one in entries} == {("partial", adoption.GONE)}


@pytest.mark.rule(66)
def test_r66_a_day_that_cannot_be_made_again_is_left_as_it_is(places: Places) -> None:
    places.feed("a_total", sparse(5 * DAY, 1800))
    places.run_to(5 * DAY)
    before = places.days("berlin")
    gone = Resolution.DAY.floor(BEGIN) + 3 * DAY
    _forget_hours(places.db, gone)
    starts = [
        one.start
        for one in ledger.entries(places.db, "list", "day@berlin", 0, gone - DAY)
    ]
    ledger.mark(places.db, "list", "day@berlin", starts, "dirty", "late", 0)
    places.new_engine().beat()
    assert places.days("berlin") == before
    entries = ledger.entries(places.db, "list", "day@berlin", 0, gone - DAY)
    assert {(one.state, one.reason) for one in entries} == {
        ("partial", local_days.KEPT)
    }


def _with_shift(rules: Rules, ordinal: int, shift: int) -> Rules:
    place = max(i for i, since in enumerate(rules.ordinals) if since < ordinal)
    return Rules(
        (
            *rules.ordinals[: place + 1],
            ordinal,
            ordinal + 1,
            *rules.ordinals[place + 1 :],
        ),
        (
            *rules.shifts[: place + 1],
            shift,
            rules.shifts[place],
            *rules.shifts[place + 1 :],
        ),
    )


def _forget_hours(db: Database, before: int) -> None:
    """Do what retention does to hours before a time."""
    from models.queries import retained  # noqa: PLC0415 - used here alone

    row: Any = retained.Kept("list", "hour", "", before, before, 0)
    retained.keep(db, [row])
    db.execute_sql(f"DELETE FROM rollup_hour WHERE start < {before}")
    db.execute_sql(f"DELETE FROM ledger WHERE resolution = 'hour' AND start < {before}")
