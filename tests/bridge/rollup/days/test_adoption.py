from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from bridge.rollup.days import adoption
from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.windows import Resolution
from models.queries import calendars as queries
from models.queries import ledger
from models.queries.calendars import Listed
from tests.bridge.rollup.places import BERLIN, DAY, Places, forget_hours, sparse
from tests.bridge.rollup.world import BEGIN

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
    forget_hours(places.db, gone)
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
