from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.rollup.days import local_days
from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.windows import Resolution
from models.queries import ledger
from tests.bridge.rollup.places import BERLIN, DAY, HOUR, Places, forget_hours, sparse
from tests.bridge.rollup.world import BEGIN, Killed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def places(
    tmp_path: Path, database_url: str, request: pytest.FixtureRequest
) -> Iterator[Places]:
    made = Places(tmp_path, database_url, getattr(request, "param", BERLIN))
    yield made
    made.db.close()


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


@pytest.mark.rule(66)
def test_r66_a_day_that_cannot_be_made_again_is_left_as_it_is(places: Places) -> None:
    places.feed("a_total", sparse(5 * DAY, 1800))
    places.run_to(5 * DAY)
    before = places.days("berlin")
    gone = Resolution.DAY.floor(BEGIN) + 3 * DAY
    forget_hours(places.db, gone)
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
