from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rollup.days import calendars
from bridge.rollup.days.calendars import Calendar, Period, Rules, Unit, day_of
from bridge.rollup.windows import Bounds, Resolution

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Scoresbysund",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
SINCE, UNTIL = 86400, 4_070_908_800  # 1970-01-02 to 2099


@cache
def calendar(zone: str) -> Calendar:
    return Calendar(zone.lower(), Rules.of(ZoneInfo(zone)))


def hours(period: Period) -> float:
    return (period.end - period.start) / 3600


def utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


@pytest.mark.rule(5)
@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", "2026-03-28", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
        ("Antarctica/Troll", "2026-03-29", 22),
        ("Antarctica/Troll", "2026-10-25", 26),
    ],
)
def test_r5_a_local_day_is_as_long_as_it_really_was(
    zone: str, day: str, length: float
) -> None:
    assert hours(calendar(zone).day(date.fromisoformat(day))) == length


@pytest.mark.rule(5)
@pytest.mark.parametrize(
    ("zone", "day", "start", "length"),
    [
        # Clocks jump from 00:00 to 01:00: the day begins at 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00", 23),
        ("America/Havana", "2026-03-08", "2026-03-08 05:00", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28 22:00", 23),
        # Clocks go back from 01:00 to 00:00: the day begins with its first midnight.
        ("America/Havana", "2026-11-01", "2026-11-01 04:00", 25),
        # They go back from 00:00 to 23:00 of the day before, which is longer.
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17 02:00", 25),
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18 03:00", 24),
        # They go back from 00:01 to 23:01: the new day has begun and goes on.
        ("America/St_Johns", "2010-11-07", "2010-11-07 02:30", 25),
        # They jump from 23:30 to 00:30, over midnight.
        ("Antarctica/Casey", "2009-10-18", "2009-10-17 16:00", 21),
    ],
)
def test_r5_days_whose_midnight_is_missing_or_comes_twice(
    zone: str, day: str, start: str, length: float
) -> None:
    found = calendar(zone).day(date.fromisoformat(day))
    assert (utc(found.start), hours(found)) == (start, length)


@pytest.mark.rule(5)
def test_r5_a_midnight_that_clocks_jump_over_is_where_they_jump() -> None:
    # In Toronto they jumped from 23:30 to 00:30 before 31 March 1919.
    zone, day = ZoneInfo("America/Toronto"), date(1919, 3, 31)
    first = datetime(1919, 3, 31, 0, 30, tzinfo=zone)
    assert calendars._start(day.toordinal(), zone) == first.timestamp()


@pytest.mark.rule(5)
@given(st.sampled_from(ZONES), st.integers(SINCE, UNTIL))
def test_r5_local_days_tile_time(zone: str, second: int) -> None:
    here = calendar(zone)
    day = here.holding(second)
    assert day.start <= second < day.end
    around = list(here.within(second - 40 * 86400, second + 40 * 86400))
    assert all(one.end == two.start for one, two in pairwise(around))
    assert around[0].start <= second - 40 * 86400 < around[0].end
    assert around[-1].start < second + 40 * 86400 <= around[-1].end
    assert day in around


@pytest.mark.rule(5)
@given(st.sampled_from(ZONES), st.integers(SINCE, UNTIL))
def test_r5_the_day_of_a_second_is_what_clocks_show_at_its_start(
    zone: str, second: int
) -> None:
    day = calendar(zone).holding(second)
    shown = datetime.fromtimestamp(day.start, ZoneInfo(zone)).date()
    before = datetime.fromtimestamp(day.start - 1, ZoneInfo(zone)).date()
    assert shown == day.first
    assert before < day.first


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_fifteen_years_in_a_row(zone: str) -> None:
    here = calendar(zone)
    first, last = date(2011, 1, 1), date(2026, 1, 1)
    days = [here.day(first + timedelta(days=n)) for n in range((last - first).days)]
    assert all(one.end == two.start for one, two in pairwise(days))
    found = list(here.within(days[0].start, days[-1].end))
    assert found == [day for day in days if day.end > day.start]


@pytest.mark.rule(6)
@pytest.mark.parametrize(
    ("zone", "day", "finer"),
    [
        ("UTC", "2026-11-21", Resolution.HOUR),
        ("Europe/Berlin", "2026-03-29", Resolution.HOUR),
        ("Asia/Kolkata", "2026-11-21", Resolution.MINUTE),
        ("Asia/Kathmandu", "2026-11-21", Resolution.MINUTE),
        ("Australia/Adelaide", "2026-11-21", Resolution.MINUTE),
        ("Australia/Lord_Howe", "2026-11-21", Resolution.HOUR),
        ("Australia/Lord_Howe", "2026-10-04", Resolution.MINUTE),
        ("Australia/Lord_Howe", "2026-07-01", Resolution.MINUTE),
        ("Africa/Monrovia", "1971-05-05", None),
    ],
)
def test_r6_a_day_is_built_from_windows_that_its_borders_do_not_cut(
    zone: str, day: str, finer: Resolution | None
) -> None:
    assert calendar(zone).day(date.fromisoformat(day)).built_from is finer


@pytest.mark.rule(6)
def test_r6_midnight_in_kathmandu_is_900_seconds_past_a_full_hour_of_utc() -> None:
    day = calendar("Asia/Kathmandu").day(date(2026, 11, 21))
    assert day.start % 3600 == 900


@pytest.mark.rule(7)
def test_r7_weeks_start_on_monday_and_months_are_those_of_the_calendar() -> None:
    utc_week = Calendar.utc().holding(946_857_600 + 3600, Unit.WEEK)
    assert (utc(utc_week.start), utc(utc_week.end)) == (
        "2000-01-03 00:00",
        "2000-01-10 00:00",
    )
    before = Calendar.utc().holding(946_857_600 - 1, Unit.WEEK)
    assert (before.first, before.end) == (date(1999, 12, 27), utc_week.start)
    berlin = calendar("Europe/Berlin")
    week = berlin.holding(1_774_742_400, Unit.WEEK)  # 2026-03-29, clocks go forward
    assert (week.name, hours(week)) == ("2026-03-23", 7 * 24 - 1)
    month = berlin.holding(week.start, Unit.MONTH)
    assert (month.name, hours(month)) == ("2026-03-01", 31 * 24 - 1)


@pytest.mark.rule(7)
@given(st.sampled_from(ZONES), st.integers(SINCE * 40, UNTIL), st.sampled_from(Unit))
def test_r7_weeks_and_months_tile_time_and_consist_of_days(
    zone: str, second: int, unit: Unit
) -> None:
    here = calendar(zone)
    period = here.holding(second, unit)
    assert period.start <= second < period.end
    days = list(here.within(period.start, period.end))
    assert (days[0].start, days[-1].end) == (period.start, period.end)
    assert here.holding(period.end, unit).start == period.end
    assert unit is not Unit.WEEK or period.first.weekday() == 0
    assert unit is not Unit.MONTH or period.first.day == 1


@pytest.mark.rule(9)
def test_r9_other_rules_change_only_the_days_that_they_move() -> None:
    berlin, london = calendar("Europe/Berlin"), calendar("Europe/London")
    start, end = berlin.day(date(2026, 1, 1)).start, berlin.day(date(2026, 2, 1)).start
    moved = Calendar("here", london.rules).changed(berlin.rules, start, end)
    assert len(moved) == 31
    assert Calendar("here", berlin.rules).changed(berlin.rules, start, end) == []
    # As in 2023, Lebanon puts summer time off when it is about to come.
    beirut = calendar("Asia/Beirut")
    late = Rules(
        (*beirut.rules.ordinals[:1], date(2026, 4, 1).toordinal()),
        (-7200, -10800),
    )
    changed = Calendar("here", beirut.rules).changed(
        late, berlin.day(date(2026, 3, 20)).start, berlin.day(date(2026, 4, 10)).start
    )
    assert [day.name for day in changed] == ["2026-03-29", "2026-03-30", "2026-03-31"]


@pytest.mark.parametrize("zone", ZONES)
def test_rules_are_read_as_they_were_written(zone: str) -> None:
    rules = calendar(zone).rules
    assert Rules.read(str(rules)) == rules


def test_a_second_day_is_named_by_its_calendar_in_the_ledger() -> None:
    assert calendar("Asia/Tokyo").resolution == "day@asia/tokyo" == day_of("asia/tokyo")
    assert Calendar.utc().resolution == "day"
    assert Calendar.utc().day(date(2026, 11, 21)).bounds == Bounds(
        1_795_219_200, 1_795_305_600
    )
