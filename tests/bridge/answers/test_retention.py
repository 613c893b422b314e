from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry

from bridge.answers.coverage import read_extents
from bridge.answers.resolution import choose
from bridge.answers.retention import ROW_BYTES, Planned, planned
from bridge.answers.times import Span, format_time
from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.deletion.retention import Retention
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from models.dialect import is_sqlite
from models.directory import SeriesDirectory
from models.queries import calendars, events, ledger, retained
from runtime import settings
from tests.bridge.history import DAY, HOUR, MINUTE, gauge
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from bridge.rollup.windows import Resolution
    from models.database import Database
    from tests.bridge.history import History

WEEK = 7 * 86400
MONDAY = 2900 * WEEK
"""A week's start by the days since 1970, UTC seconds."""
DAYS = 42
NOW = MONDAY + DAYS * 86400


def run(db: Database, sql: str, params: tuple[Any, ...] = ()) -> list[Any]:
    cursor = db.execute_sql(sql.replace("?", db.param), params)
    return cursor.fetchall() if cursor.description else []


def policy(**given: Any) -> settings.Retention:
    return settings.Retention.model_validate(given)


def beat(db: Database, retention: settings.Retention, now: int = NOW) -> Telemetry:
    telemetry = Telemetry.create(CollectorRegistry())
    clock = FakeClock(now)
    parts = Parts(db, lambda _, job: job(), SeriesDirectory(db), telemetry, clock)
    Retention(retention, ["local"], parts).finish()
    return telemetry


def keep_calendar(db: Database, zone: str, rules: Rules | None = None) -> Calendar:
    home = Calendar("home", rules or Rules.of(ZoneInfo(zone)))
    calendars.write(db, calendars.Listed("home", zone, str(home.rules), "kept", 0))
    return home


@pytest.fixture
def past(history: History, db: Database) -> Database:
    """Six weeks of hours and days of two series, and the newest minute."""
    for metric in ("a", "b"):
        number = history.series(metric)
        for resolution in (HOUR, DAY):
            starts = range(MONDAY, NOW, resolution.width)
            history.rows(resolution, number, {start: gauge(1.0) for start in starts})
            history.mark(resolution, starts)
    history.mark(MINUTE, [NOW - 60])
    run(db, "UPDATE ledger SET series = 2 WHERE resolution <> 'minute'")
    return db


def starts(db: Database, resolution: Resolution, metric: str = "a") -> list[int]:
    sql = (
        f"SELECT start FROM rollup_{resolution.value} r JOIN series s "
        "ON s.id = r.series_id WHERE s.metric = ? ORDER BY start"
    )
    return [start for (start,) in run(db, sql, (metric,))]


def entries(db: Database, resolution: Resolution) -> list[int]:
    found = ledger.entries(db, "local", resolution.value, 0, 2 * NOW)
    return [entry.start for entry in found]


@pytest.mark.rule(67)
@pytest.mark.setting("retention.hour")
def test_r67_hours_go_by_whole_days_that_are_done(past: Database) -> None:
    beat(past, policy(hour="10d"))
    kept = list(range(NOW - 10 * 86400, NOW, 3600))
    assert starts(past, HOUR) == starts(past, HOUR, "b") == kept
    assert entries(past, HOUR) == kept
    assert len(starts(past, DAY)) == DAYS


@pytest.mark.rule(67)
def test_r67_hours_of_a_day_that_is_not_done_stay(
    past: Database, history: History
) -> None:
    history.mark(DAY, [MONDAY + 3 * 86400], "dirty")
    (hours, *_) = [
        one
        for one in planned(past, policy(hour="10d"), ["local"], NOW)
        if one.resolution == "hour"
    ]
    assert hours == Planned(
        "local",
        "hour",
        "",
        864000.0,
        MONDAY,
        MONDAY + 3 * 86400,
        NOW - 10 * 86400,
        72,
        144,
        144 * ROW_BYTES[is_sqlite(past)],
        f"the day {format_time(MONDAY + 3 * 86400)} is to be done again",
    )
    beat(past, policy(hour="10d"))
    assert starts(past, HOUR)[0] == MONDAY + 3 * 86400


@pytest.mark.setting("retention.day")
def test_days_go_by_weeks(past: Database) -> None:
    beat(past, policy(hour="10d", day="20d"))
    assert starts(past, DAY)[0] == entries(past, DAY)[0] == MONDAY + 3 * WEEK


@pytest.mark.setting("retention.rules.hour")
@pytest.mark.setting("retention.rules.day")
def test_rules_hold_for_hours_and_days(past: Database) -> None:
    rules = [{"match": "a", "hour": "30d", "day": "0s"}]
    beat(past, policy(minute="2h", hour="10d", day="20d", rules=rules))
    assert starts(past, HOUR, "a")[0] == NOW - 30 * 86400
    assert starts(past, HOUR, "b")[0] == NOW - 10 * 86400
    assert starts(past, DAY, "a")[0] == MONDAY
    assert starts(past, DAY, "b")[0] == MONDAY + 3 * WEEK
    found = ledger.entries(past, "local", "day", 0, MONDAY + 3 * WEEK)
    assert {entry.series for entry in found} == {1}
    groups = retained.groups(past, "local", "hour")
    assert {name: group.since for name, group in groups.items()} == {
        "": NOW - 10 * 86400,
        "a": NOW - 30 * 86400,
    }


@pytest.mark.rule(62)
def test_r62_a_backfill_behind_them_keeps_hours_and_days(
    past: Database, history: History
) -> None:
    history.mark(MINUTE, [MONDAY - 5 * 86400], "open")
    beat(past, policy(hour="10d", day="20d"))
    assert starts(past, HOUR)[0] == starts(past, DAY)[0] == MONDAY


def test_r62_so_does_one_that_has_only_begun(past: Database, history: History) -> None:
    history.mark(MINUTE, [MONDAY - 5 * 86400], "done")
    beat(past, policy(hour="10d", day="20d"))
    assert starts(past, HOUR)[0] == MONDAY


@pytest.mark.rule(67)
@pytest.mark.parametrize(
    ("made", "kept_from"),
    [
        (range(0), 0),
        (range(12), 11),
        (range(5, 40), 0),
        ([*range(8), *range(9, 40)], 7),
        (range(40), 32),
    ],
)
def test_r67_calendars_hold_back_what_their_days_are_made_from(
    past: Database, history: History, made: Any, kept_from: int
) -> None:
    keep_calendar(past, "Europe/Berlin")
    local = [MONDAY - 7200 + day * 86400 for day in made]
    for start in local:
        ledger.mark(past, "local", "day@home", [start], "done", "", 0)
    beat(past, policy(hour="10d"))
    assert starts(past, HOUR)[0] == max(
        MONDAY + (kept_from - 1) * 86400 if kept_from != 32 else NOW - 10 * 86400,
        MONDAY,
    )


@pytest.mark.rule(67)
def test_r67_days_that_cannot_be_made_any_more_hold_nothing_back(
    past: Database,
) -> None:
    # The calendar was added after the minutes had been deleted that Nepal needs.
    home = keep_calendar(past, "Asia/Kathmandu")
    since = NOW - 14 * 86400
    retained.keep(past, [retained.Kept("local", "minute", "", since, since, 0)])
    made = [day.start for day in home.within(since, NOW) if day.start >= since]
    ledger.mark(past, "local", "day@home", made, "done", "", 0)
    beat(past, policy(hour="20d", day="30d"))
    assert starts(past, HOUR)[0] == NOW - 20 * 86400
    assert starts(past, DAY)[0] == MONDAY + WEEK


@pytest.mark.rule(5)
@pytest.mark.rule(67)
def test_r5_a_local_day_of_26_hours_is_no_hole(past: Database) -> None:
    autumn = date(1970, 1, 1).toordinal() + MONDAY // 86400 + 10
    rules = Rules((autumn - 1, autumn), (-7200, 0))
    home = keep_calendar(past, "Antarctica/Troll", rules)
    days = list(home.within(MONDAY, NOW))
    assert max(day.end - day.start for day in days) == 26 * 3600
    made = [day.start for day in days]
    ledger.mark(past, "local", "day@home", made, "done", "", 0)
    beat(past, policy(hour="2d"))
    assert starts(past, HOUR)[0] == NOW - 2 * 86400


@pytest.mark.setting("retention.local_day")
def test_local_days_go_by_weeks(past: Database, history: History) -> None:
    keep_calendar(past, "Europe/Berlin")
    number = history.series("a")
    for day in range(40):
        start = MONDAY - 3600 + day * 86400
        ledger.mark(past, "local", "day@home", [start], "done", "", 0)
        run(
            past,
            "INSERT INTO rollup_local_day (series_id, start, count, calendar, day, "
            "until) VALUES (?, ?, 1, 'home', '', ?)",
            (number, start, start + 86400),
        )
    # The day that holds the week's end is younger than that.
    beat(past, policy(hour="10d", local_day="20d12h"))
    assert ledger.begin(past, "local", "day@home") == MONDAY + 2 * WEEK + 86400 - 3600
    beat(past, policy(hour="10d", local_day="19d"))
    sql = "SELECT MIN(start), COUNT(*) FROM rollup_local_day"
    first = MONDAY + 3 * WEEK + 86400 - 3600
    assert run(past, sql) == [(first, 40 - 22)]
    found = ledger.entries(past, "local", "day@home", 0, NOW)
    assert found[0].start == first
    assert retained.since(past, "local", "day@home") == MONDAY + 3 * WEEK


@pytest.mark.rule(78)
def test_r78_a_resolution_that_lacks_series_is_not_chosen_by_itself(
    past: Database,
) -> None:
    rules = [{"match": "a", "hour": "30d"}]
    beat(past, policy(minute="2h", hour="10d", rules=rules))
    extents = read_extents(past, "local")
    assert extents[HOUR].oldest == NOW - 30 * 86400
    choice = choose(Span(NOW - 20 * 86400, NOW - 86400), [extents])
    assert choice.resolution is DAY
    assert "hours reach back to" in choice.reason
    choice = choose(Span(NOW - 9 * 86400, NOW - 86400), [extents])
    assert choice.resolution is HOUR


@pytest.mark.setting("retention.events")
@pytest.mark.setting("retention.restatements")
def test_events_and_restatements_go_by_their_own_age(past: Database) -> None:
    for day in range(DAYS):
        at = MONDAY + day * 86400
        event = events.EventRow("local", str(day), at * 1000, "x", "x", "x", "x")
        events.record(past, event)
        run(
            past,
            "INSERT INTO restatements (series_id, resolution, start, revision, source, "
            "at, reason, series) VALUES (1, 'day', ?, 1, 'local', ?, '', 1)",
            (at, at),
        )
    asked = policy(events="10d", restatements="20d")
    found = {one.resolution: one.rows for one in planned(past, asked, [], NOW)}
    assert (found["error_events"], found["restatements"]) == (32, 22)
    beat(past, asked)
    sql = "SELECT COUNT(*), MIN({}) FROM {}"
    left = [
        run(past, sql.format(*names))[0]
        for names in (("time", "error_events"), ("at", "restatements"))
    ]
    assert left == [(10, (NOW - 10 * 86400) * 1000), (20, NOW - 20 * 86400)]


def test_nothing_is_planned_where_nothing_was_done(db: Database) -> None:
    assert planned(db, policy(), ["local"], NOW) == []
    beat(db, policy())
