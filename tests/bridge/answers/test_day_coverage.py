from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.answers.calendars import Followed
from bridge.answers.coverage import Counts, Hole
from bridge.answers.day_coverage import GONE, asked, cover_all, cover_days
from bridge.answers.errors import QuestionError
from bridge.answers.times import Span
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars, ledger, retained
from models.queries.calendars import KEPT, RETIRED
from tests.bridge.history import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.history import History

BERLIN = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
DAYS = [BERLIN.day(date(2026, 3, day)) for day in range(27, 32)]
"""27 to 31 March; clocks change on the third of them."""
SPAN = Span(DAYS[0].start, DAYS[-1].end)
KEPT_BERLIN = Followed(BERLIN, KEPT)


def mark(db: Database, place: int, state: str, reason: str = "") -> None:
    ledger.mark(db, "local", "day@berlin", [DAYS[place].start], state, reason, 0)


def listed(db: Database, name: str, state: str = KEPT) -> None:
    rules = str(BERLIN.rules)
    calendars.write(db, calendars.Listed(name, "Europe/Berlin", rules, state, 0))


@pytest.fixture
def past(db: Database, history: History) -> None:
    history.mark(HOUR, [DAYS[1].start])
    history.mark(MINUTE, [DAYS[1].start, DAYS[-1].end - 60])
    mark(db, 1, "done")
    mark(db, 2, "partial", "1 of 23 hours is partial")


@pytest.mark.rule(5)
def test_days_as_long_as_they_are_are_told_by_state_and_reason(
    db: Database, past: None
) -> None:
    covered = cover_days(db, "local", KEPT_BERLIN, SPAN, DAYS[3].end)
    assert (covered.start, covered.end) == (DAYS[0].start, DAYS[-1].end)
    assert (covered.oldest, covered.newest) == (DAYS[1].start, DAYS[2].start)
    assert covered.calendar == "berlin"
    assert covered.counts == Counts(
        start=DAYS[1].start,
        end=DAYS[3].end,
        windows=3,
        done=1,
        partial=1,
        dirty=0,
        open=0,
        lost=0,
        missing=1,
    )
    assert covered.holes == (
        Hole(DAYS[2].start, DAYS[2].end, "partial", "1 of 23 hours is partial"),
        Hole(DAYS[3].start, DAYS[3].end, "missing", ""),
    )
    assert covered.holes[0].end - covered.holes[0].start == 23 * 3600


def test_a_day_that_still_goes_on_is_not_missed(db: Database, past: None) -> None:
    covered = cover_days(db, "local", KEPT_BERLIN, SPAN, DAYS[3].end - 1)
    assert (covered.counts.windows, covered.counts.missing) == (2, 0)


def test_a_day_that_cannot_be_made_any_more_says_so(
    db: Database, history: History, past: None
) -> None:
    history.mark(DAY, [DAY.floor(DAYS[0].start)])
    covered = cover_days(db, "local", KEPT_BERLIN, SPAN, DAYS[2].end)
    assert covered.holes[0] == Hole(DAYS[0].start, DAYS[0].end, "missing", GONE)


def test_days_that_retention_deleted_are_no_holes_to_fill(
    db: Database, history: History, past: None
) -> None:
    history.mark(DAY, [DAY.floor(DAYS[0].start)])
    since = DAYS[1].start
    gone = retained.Kept("local", "day@berlin", "", since, since, 0)
    retained.keep(db, [gone])
    covered = cover_days(db, "local", KEPT_BERLIN, SPAN, DAYS[2].end)
    assert [(hole.state, hole.end) for hole in covered.holes] == [
        ("expired", DAYS[1].start),
        ("partial", DAYS[2].end),
    ]
    assert covered.counts.missing == 0


def test_a_retired_calendar_misses_nothing_after_its_last_day(
    db: Database, past: None
) -> None:
    retired = Followed(BERLIN, RETIRED)
    covered = cover_days(db, "local", retired, SPAN, DAYS[-1].end)
    assert covered.counts.end == DAYS[2].end
    assert covered.counts.missing == 0


def test_a_source_without_windows_has_nothing_to_miss(db: Database) -> None:
    covered = cover_days(db, "new", KEPT_BERLIN, SPAN, DAYS[-1].end)
    assert (covered.counts.windows, covered.holes) == (0, ())


def test_without_a_choice_all_resolutions_and_kept_calendars_are_told(
    db: Database, past: None
) -> None:
    listed(db, "berlin")
    listed(db, "old", RETIRED)
    resolutions, followed = asked(db, None, None)
    found = cover_all(db, "local", SPAN, DAYS[-1].end, resolutions, followed)
    assert [(one.resolution.value, one.calendar) for one in found] == [
        ("minute", "utc"),
        ("hour", "utc"),
        ("day", "utc"),
        ("day", "berlin"),
    ]


@pytest.mark.parametrize(
    ("resolution", "calendar", "expected"),
    [
        (None, "utc", (["minute", "hour", "day"], [])),
        ("hour", None, (["hour"], [])),
        ("day", None, (["day"], ["berlin"])),
        ("day", "utc", (["day"], [])),
        ("day", "berlin", ([], ["berlin"])),
        (None, "old", ([], ["old"])),
    ],
)
def test_a_choice_is_followed(
    db: Database,
    resolution: str | None,
    calendar: str | None,
    expected: tuple[list[str], list[str]],
) -> None:
    listed(db, "berlin")
    listed(db, "old", RETIRED)
    resolutions, followed = asked(db, resolution, calendar)
    names = [one.calendar.name for one in followed]
    assert ([one.value for one in resolutions], names) == expected


def test_minutes_of_a_calendar_are_refused(db: Database) -> None:
    listed(db, "berlin")
    with pytest.raises(QuestionError, match="'minute' is none of a calendar's"):
        asked(db, "minute", "berlin")


def test_a_calendar_that_is_not_there_is_refused_with_those_that_are(
    db: Database,
) -> None:
    listed(db, "berlin")
    with pytest.raises(QuestionError, match="known are utc, berlin"):
        asked(db, None, "paris")
