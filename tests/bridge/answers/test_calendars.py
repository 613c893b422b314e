from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.answers.calendars import Frame, read_frame
from bridge.answers.errors import QuestionError
from bridge.answers.times import Span
from bridge.rollup.days.calendars import Calendar, Rules, Unit
from models.queries import calendars as queries
from models.queries.calendars import KEPT, RETIRED, Listed

if TYPE_CHECKING:
    from models.database import Database

SPAN = Span(0, 86400 * 100)
RULES = Rules.of(ZoneInfo("Europe/Berlin"))
BERLIN = Calendar("berlin", RULES)


@pytest.fixture
def known(db: Database) -> Database:
    queries.write(db, Listed("berlin", "Europe/Berlin", str(RULES), KEPT, 0))
    queries.write(db, Listed("old", "Europe/Berlin", str(RULES), RETIRED, 0))
    return db


@pytest.mark.parametrize("resolution", ["minute", "hour", "day", "auto", "x"])
@pytest.mark.parametrize("name", [None, "utc"])
def test_windows_of_utc_are_no_frame(
    known: Database, resolution: str, name: str | None
) -> None:
    assert read_frame(known, resolution, name, SPAN) is None


def test_weeks_and_months_of_utc_need_no_calendar(known: Database) -> None:
    for unit in (Unit.WEEK, Unit.MONTH):
        frame = Frame(Calendar.utc(), unit)
        assert read_frame(known, unit.value, None, SPAN) == frame


def test_days_weeks_and_months_of_a_calendar(known: Database) -> None:
    for unit in Unit:
        assert read_frame(known, unit.value, "berlin", SPAN) == Frame(BERLIN, unit)


@pytest.mark.parametrize(
    ("days", "unit"), [(1500, Unit.DAY), (1501, Unit.WEEK), (11000, Unit.MONTH)]
)
def test_without_a_wish_the_finest_that_is_readable_is_taken(
    known: Database, days: int, unit: Unit
) -> None:
    frame = read_frame(known, "auto", "berlin", Span(0, days * 86400))
    assert frame == Frame(BERLIN, unit, "finest of berlin with at most 1500 points")


def test_a_retired_calendar_is_answered_with_a_note(known: Database) -> None:
    frame = read_frame(known, "day", "old", SPAN)
    assert frame is not None
    assert frame.notes == (
        "the calendar old is no longer in config.yaml: its days stay as they are",
    )


def test_what_is_wrong_is_refused_with_what_to_write(known: Database) -> None:
    with pytest.raises(QuestionError, match="no calendar 'x'; known are utc, berlin"):
        read_frame(known, "day", "x", SPAN)
    with pytest.raises(QuestionError, match="'hour' is none of a calendar's"):
        read_frame(known, "hour", "berlin", SPAN)


def test_a_span_is_widened_to_whole_periods() -> None:
    frame = Frame(Calendar.utc(), Unit.WEEK)
    monday = 4 * 86400  # the first one of 1970 was on the 5th of January
    periods = frame.periods(Span(monday + 0.5, monday + 7 * 86400 + 0.5))
    assert [period.name for period in periods] == ["1970-01-05", "1970-01-12"]
    exact = frame.periods(Span(monday, monday + 7 * 86400))
    assert [period.name for period in exact] == ["1970-01-05"]
