from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from bridge.answers.coverage import read_extents
from bridge.answers.days import Days
from bridge.rollup.days.calendars import Calendar, Rules, Unit
from models.queries import ledger
from tests.bridge.history import HOUR, MINUTE, History, gauge

if TYPE_CHECKING:
    from models.database import Database

BERLIN = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
START = BERLIN.day(date(2026, 3, 28)).start


def days_of(db: Database) -> Days:
    week = BERLIN.holding(START, Unit.WEEK)
    return Days(db, "local", BERLIN, [week], read_extents(db, "local"))


def test_days_are_counted_by_state_with_those_that_are_missing(
    db: Database, history: History
) -> None:
    week = BERLIN.holding(START, Unit.WEEK)
    history.mark(MINUTE, [START, week.end - 60])
    ledger.mark(db, "local", "day@berlin", [START], "done", "", 0)
    days = days_of(db)
    counts = days.counts(week.end)
    assert (counts.start, counts.end) == (START, week.end)
    assert (counts.windows, counts.done, counts.missing) == (2, 1, 1)
    assert days.is_open(week)
    assert days.counts(week.end - 1).windows == 1


def test_a_day_that_is_not_merged_is_read_as_its_hours(
    db: Database, history: History
) -> None:
    number = history.series("up")
    hours = range(START, START + 3 * 3600, 3600)
    history.rows(HOUR, number, {at: gauge(1.0) for at in hours})
    history.mark(HOUR, hours)
    history.mark(MINUTE, [START, START + 3 * 3600 - 60])
    ids = np.array([number])
    rows, widths = days_of(db).rows(ids, include_open=True)
    assert sorted(rows.start.tolist()) == list(hours)
    assert widths.tolist() == [3600] * 3
    rows, _ = days_of(db).rows(ids, include_open=False)
    assert len(rows) == 0
