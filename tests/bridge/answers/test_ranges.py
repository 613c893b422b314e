from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.answers.errors import QuestionError
from bridge.answers.ranges import Ranges, Wish, read_ranges
from bridge.answers.resolution import Extent
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars
from tests.bridge.history import DAY, HOUR, MINUTE
from tests.databases import new_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from models.database import Database

NOON = 1_795_262_400
NOW = NOON + 3601.5
CLOSED = NOW - 60
WEEK = 7 * 86400
ALL = {
    MINUTE: Extent(NOON - 30 * 86400, NOON + 3480),
    HOUR: Extent(NOON - 90 * 86400, NOON - 3600),
    DAY: Extent(NOON - 400 * 86400, NOON - 86400 - 43200),
}
BERLIN = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))


def ranges(db: Database, *, now: float = NOW, **wish: Any) -> Ranges:
    return read_ranges(db, Wish(**wish), [ALL], now, now - 60)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """One database will do: of it only calendars are read."""
    database = new_sqlite(tmp_path / "test.db")
    yield database
    database.close()


@pytest.fixture
def berlin(db: Database) -> None:
    calendars.write(
        db,
        calendars.Listed(
            "berlin", "Europe/Berlin", str(BERLIN.rules), "kept", changed_at=0
        ),
    )


@pytest.mark.parametrize(
    ("period", "width", "length"),
    [("hour", 60, 3600), ("day", 60, 86400), ("week", 3600, WEEK)],
)
@pytest.mark.parametrize(("compare_to", "back"), [("yesterday", 1), ("last_week", 7)])
def test_a_period_ends_with_the_newest_window_that_has_closed(  # noqa: PLR0917 - fixtures
    db: Database, period: str, width: int, length: int, compare_to: str, back: int
) -> None:
    found = ranges(db, period=period, compare_to=compare_to)
    end = int(CLOSED // width * width)
    assert found.current.stretch.bounds == (end - length, end)
    assert found.choice.resolution.width == width
    assert found.before.stretch.bounds == (
        end - length - back * 86400,
        end - back * 86400,
    )


def test_without_a_wish_it_is_the_last_day_and_the_one_before(db: Database) -> None:
    assert ranges(db) == ranges(db, period="day", compare_to="yesterday")


def test_a_range_of_ones_own_is_compared_with_another_as_long(db: Database) -> None:
    found = ranges(
        db,
        start="2026-11-21T10:00:00Z",
        end="2026-11-21T12:00:00Z",
        against_start="2026-11-03T10:00:00Z",
    )
    assert found.current.stretch.bounds == (NOON - 7200, NOON)
    assert found.before.stretch.bounds == (NOON - 7200 - 18 * 86400, NOON - 18 * 86400)
    assert found.choice.resolution is MINUTE


def test_ranges_of_long_ago_are_compared_by_what_is_kept_of_them(db: Database) -> None:
    found = ranges(
        db,
        start=str(NOON - 86400),
        end=str(NOON),
        against_start=str(NOON - 86400 - 60 * 86400),
    )
    assert found.choice.resolution is HOUR
    assert ranges(db, period="hour", compare_to="last_week").choice.resolution is MINUTE


def test_a_period_is_compared_by_what_is_kept_of_the_range_against_it(
    db: Database,
) -> None:
    # Minutes reach back 30 days and hours 90.
    found = ranges(db, period="day", against_start=str(NOON - 60 * 86400))
    assert found.choice.resolution is HOUR
    assert found.before.stretch.start == NOON - 60 * 86400


def test_ranges_whose_hours_do_not_face_each_other_are_compared_by_minutes(
    db: Database,
) -> None:
    found = ranges(
        db,
        start=str(NOON - 86400),
        end=str(NOON),
        against_start=str(NOON - 86400 - 60 * 86400 - 1800),
    )
    assert found.choice.resolution is MINUTE
    assert found.choice.reason == (
        "coarsest whose windows fit ranges 5.1858e+06 seconds apart"
    )


@pytest.mark.parametrize(
    ("wish", "parameter", "reason"),
    [
        (
            {"period": "day", "start": "-1h"},
            "period",
            "period and start or end exclude each other",
        ),
        (
            {"start": "-1h", "compare_to": "yesterday", "against_start": "-2h"},
            "compare_to",
            "compare_to and against_start or against_end exclude each other",
        ),
        (
            {"start": "-1h", "against_start": "-4h", "against_end": "-2h"},
            "against_end",
            "the ranges are not equally long: 3600 and 7200 seconds",
        ),
        (
            {"start": "-1h", "against_end": "-2h"},
            "against_start",
            "against_end needs against_start",
        ),
        (
            {"start": str(NOON), "end": str(NOON + 60), "against_start": "1795262390"},
            "against_start",
            "the ranges begin 10 seconds apart, which is no whole number of minutes",
        ),
        (
            {"start": "-1h", "against_start": "-90m", "resolution": HOUR},
            "resolution",
            "the ranges begin 1800 seconds apart, which is no whole number of hours",
        ),
        (
            {"period": "hour", "resolution": DAY},
            "resolution",
            "hour is no whole number of days",
        ),
        (
            {"calendar": "utc", "period": "hour"},
            "period",
            "in a calendar whole days are compared",
        ),
        (
            {"calendar": "utc", "resolution": HOUR},
            "resolution",
            "in a calendar whole days are compared; leave resolution out",
        ),
        (
            {
                "calendar": "utc",
                "start": "-2d",
                "against_start": "-9d",
                "against_end": "-8d",
            },
            "against_end",
            "the ranges are not equally long: 3 and 2 days of utc",
        ),
    ],
)
def test_wishes_that_mean_nothing_are_refused(
    db: Database, wish: dict[str, Any], parameter: str, reason: str
) -> None:
    with pytest.raises(QuestionError) as refused:
        ranges(db, **wish)
    assert (refused.value.parameter, str(refused.value)) == (parameter, reason)


@pytest.mark.parametrize(
    "wish",
    [
        {"start": "0001-01-02T00:00:00Z", "end": "0001-01-03T00:00:00Z"},
        {"start": "9999-12-31T00:00:00Z", "end": "9999-12-31T23:59:30Z"},
        {"start": "-7d", "against_start": "9999-12-30T00:00:01.5Z"},
    ],
)
@pytest.mark.parametrize("calendar", [None, "utc", "berlin"])
@pytest.mark.usefixtures("berlin")
def test_ranges_that_cannot_be_written_are_refused(
    db: Database, wish: dict[str, Any], calendar: str | None
) -> None:
    asked: dict[str, Any] = {}
    if "against_start" not in wish:
        asked["compare_to"] = "last_week"
    with pytest.raises(QuestionError, match="not within the years 1 to 9999"):
        ranges(db, calendar=calendar, **wish, **asked)


@pytest.mark.parametrize("start", ["start", "against_start"])
def test_too_many_days_are_refused_before_they_are_looked_at(
    db: Database, start: str
) -> None:
    wish: dict[str, Any] = {"start": "-1d", start: "0900-01-01T00:00:00Z"}
    against: dict[str, Any] = {"against_end": "-1d"} if start == "against_start" else {}
    with pytest.raises(QuestionError, match="the range has more than 100000 days"):
        ranges(db, calendar="utc", **wish, **against)


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("day", "hours", "against", "hours_against"),
    [
        # Clocks go forward on 2026-03-29 and back on 2026-10-25.
        (date(2026, 3, 29), 23, date(2026, 3, 28), 24),
        (date(2026, 3, 30), 24, date(2026, 3, 29), 23),
        (date(2026, 10, 25), 25, date(2026, 10, 24), 24),
    ],
)
def test_days_of_a_calendar_are_compared_however_long(
    db: Database, day: date, hours: int, against: date, hours_against: int
) -> None:
    now = BERLIN.day(day).end + 7200.0
    found = ranges(db, now=now, period="day", calendar="berlin")
    (current,), (before,) = found.current.periods, found.before.periods
    assert (current.first, before.first) == (day, against)
    assert current.end - current.start == hours * 3600
    assert before.end - before.start == hours_against * 3600


@pytest.mark.usefixtures("berlin")
def test_a_week_of_a_calendar_faces_the_same_weekdays(db: Database) -> None:
    now = BERLIN.day(date(2026, 10, 27)).start + 7200.0
    found = ranges(
        db, now=now, period="week", compare_to="last_week", calendar="berlin"
    )
    assert [day.name for day in found.current.periods] == [
        f"2026-10-{day}" for day in range(20, 27)
    ]
    assert [day.name for day in found.before.periods] == [
        f"2026-10-{day}" for day in range(13, 20)
    ]


@given(
    start=st.integers(0, 10**6),
    length=st.integers(1, 5000),
    apart=st.integers(1, 10**6),
    resolution=st.sampled_from([None, MINUTE, HOUR]),
)
def test_both_ranges_have_equally_many_windows_that_face_each_other(
    start: int, length: int, apart: int, resolution: Any
) -> None:
    begin = NOON - start
    wish = Wish(
        start=str(begin),
        end=str(begin + length * 60),
        against_start=str(begin - apart * 60),
        resolution=resolution,
    )
    try:
        found = read_ranges(None, wish, [ALL], NOW, CLOSED)  # type: ignore[arg-type]  # no calendar is asked for
    except QuestionError:
        assert resolution is HOUR
        assert apart % 60
        return
    current, before = found.current.stretch, found.before.stretch
    assert current.windows == before.windows
    assert current.start - before.start == apart * 60
    assert current.start <= begin
    assert current.end >= begin + length * 60
    assert {
        now - then for now, then in zip(current.starts, before.starts, strict=True)
    } == {apart * 60}
