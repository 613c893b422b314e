from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.answers.status import Progress, SourceStatus, source_status
from bridge.rollup.days.calendars import Calendar, Rules
from models.queries import calendars, ledger
from models.queries.calendars import KEPT, RETIRED
from tests.bridge.history import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.history import History

NOON = 1_795_262_400
NOTHING = {"done": 0, "partial": 0, "dirty": 0, "open": 0, "lost": 0}


def nothing_done(name: str, kind: str, series: int) -> SourceStatus:
    return SourceStatus(
        name,
        kind,
        series,
        tuple(
            Progress(resolution.value, None, None, NOTHING)
            for resolution in (MINUTE, HOUR, DAY)
        ),
    )


def test_a_source_is_as_late_as_its_newest_window_that_is_done(
    db: Database, history: History
) -> None:
    history.series("up")
    history.series("up", {"job": "x"})
    history.mark(MINUTE, range(NOON, NOON + 300, 60))
    history.mark(MINUTE, [NOON + 240], "partial")
    history.mark(HOUR, [NOON - 3600])
    (status,) = source_status(db, {"local": "scrape"}, NOON + 255.5, 15.0)
    assert status == SourceStatus(
        "local",
        "scrape",
        2,
        (
            Progress(
                MINUTE.value, NOON + 180, 15.5, {**NOTHING, "done": 4, "partial": 1}
            ),
            Progress(HOUR.value, NOON - 3600, 255.5, {**NOTHING, "done": 1}),
            Progress(DAY.value, None, None, NOTHING),
        ),
    )


def test_windows_that_have_ended_and_are_not_in_the_ledger_are_missing(
    db: Database, history: History
) -> None:
    history.mark(MINUTE, [NOON, NOON + 120])
    history.mark(MINUTE, [NOON + 60], "dirty")
    (status,) = source_status(db, {}, NOON + 600 + 59, 15.0)
    assert [one.missing for one in status.progress] == [7, 0, 0]


def test_a_window_that_has_ended_is_missing_only_once_it_has_settled(
    db: Database, history: History
) -> None:
    history.mark(MINUTE, [NOON])
    (settling,) = source_status(db, {}, NOON + 120 + 14.9, 15.0)
    assert settling.progress[0].missing == 0
    (settled,) = source_status(db, {}, NOON + 120 + 15.0, 15.0)
    assert settled.progress[0].missing == 1


def test_a_window_that_ends_in_the_future_is_no_lead(
    db: Database, history: History
) -> None:
    history.mark(DAY, [DAY.floor(NOON)])
    (status,) = source_status(db, {}, NOON, 15.0)
    assert status.progress[2].lag == 0.0


def test_sources_are_those_configured_and_those_left_in_the_database(
    db: Database, history: History
) -> None:
    history.series("up", source="gone")
    history.mark(MINUTE, [NOON], "lost", source="older")
    found = source_status(db, {"new": "prometheus"}, NOON, 15.0)
    assert [one.name for one in found] == ["gone", "new", "older"]
    assert found[0] == nothing_done("gone", "", 1)
    assert found[1] == nothing_done("new", "prometheus", 0)
    assert found[2].progress[0].windows == {**NOTHING, "lost": 1}


def test_a_workspace_sees_its_own_sources_only(db: Database, history: History) -> None:
    history.series("up", source="a", workspace="team")
    history.series("down", source="a")
    history.series("up", source="b")
    history.mark(MINUTE, [NOON], source="b")
    found = source_status(db, {"mine": "scrape"}, NOON, 15.0, "team")
    assert found == [nothing_done("a", "", 1), nothing_done("mine", "scrape", 0)]


@pytest.mark.rule(5)
def test_days_of_calendars_that_are_kept_are_told_beside_the_others(
    db: Database, history: History
) -> None:
    berlin = Calendar("berlin", Rules.of(ZoneInfo("Europe/Berlin")))
    days = [berlin.day(date(2026, 10, day)) for day in range(24, 28)]
    for name, state in (("berlin", KEPT), ("old", RETIRED), ("young", KEPT)):
        rules = str(berlin.rules)
        listed = calendars.Listed(name, "Europe/Berlin", rules, state, changed_at=0)
        calendars.write(db, listed)
    history.mark(MINUTE, [days[0].start])
    starts = [days[0].start, days[1].start]
    for name in ("day@berlin", "day@old"):
        ledger.mark(db, "local", name, starts, "done", "", 0)
    (status,) = source_status(db, {}, days[2].end + 20, 15.0)
    assert status.progress[3:] == (
        Progress(
            "day@berlin",
            days[1].start,
            days[2].end + 20 - days[1].end,
            {**NOTHING, "done": 2},
            missing=1,
        ),
    )
