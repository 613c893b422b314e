from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.directory import SeriesDirectory, SeriesFacts, canonical
from models.queries import calendars, ledger
from models.queries.calendars import KEPT, RETIRED, Day, Listed
from models.rollup import COLUMNS
from tests.models.rows import columns, row

if TYPE_CHECKING:
    from models.database import Database
    from models.queries.rollups import Columns

START = 1_700_002_800
END = START + 90_000
BERLIN = Day("berlin", "2023-11-15", START, END)
TOKYO = Day("tokyo", "2023-11-15", START, START + 86400)


def series(db: Database, source: str, *names: str) -> list[int]:
    facts = [SeriesFacts(name, canonical({}), "gauge") for name in names]
    found: list[int] = SeriesDirectory(db).resolve(source, facts, 0).tolist()
    return found


def figures(found: Columns) -> list[tuple[object, ...]]:
    """Series, count, sum, minimum and buckets of rows, None for NULL."""
    names = ("series_id", "count", "sum", "min", "buckets")
    listed = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    return [
        tuple(None if one != one else one for one in values)  # noqa: PLR0124 - NaN
        for values in listed
    ]


def test_calendars_are_written_and_listed_by_name(db: Database) -> None:
    one = Listed("tokyo", "Asia/Tokyo", "1970-01-01 -32400", KEPT, 5)
    two = Listed("berlin", "Europe/Berlin", "1970-01-01 -3600", KEPT, 6)
    again = Listed("tokyo", "Asia/Tokyo", "1970-01-01 -32400", RETIRED, 7)
    for calendar in (one, two, again):
        calendars.write(db, calendar)
    assert calendars.listed(db) == [two, again]


def test_a_day_is_replaced_with_all_of_its_rows(db: Database) -> None:
    one, two = series(db, "local", "a", "b")
    (other,) = series(db, "other", "c")
    first = columns(
        [
            row(one, START, count=3, sum=-0.0),
            row(two, START, count=4, sum=np.inf, min=2.5),
        ]
    )
    calendars.replace_day(db, "local", BERLIN, first)
    calendars.replace_day(db, "local", TOKYO, first)
    calendars.replace_day(db, "other", BERLIN, columns([row(other, START, count=9)]))
    assert figures(calendars.day_rows(db, "local", "berlin", START)) == [
        (one, 3, 0.0, None, None),
        (two, 4, np.inf, 2.5, None),
    ]
    second = columns([row(two, START, count=5, sum=1.0)])
    second.buckets[0] = b"\x00\xffpacked"
    calendars.replace_day(db, "local", BERLIN, second)
    assert figures(calendars.day_rows(db, "local", "berlin", START)) == [
        (two, 5, 1.0, None, b"\x00\xffpacked")
    ]
    assert len(calendars.day_rows(db, "local", "tokyo", START)) == 2
    assert len(calendars.day_rows(db, "other", "berlin", START)) == 1


def test_many_rows_are_written(db: Database) -> None:
    ids = series(db, "local", *(f"m{n}" for n in range(900)))
    rows = columns([row(one, START, count=one, sum=one / 3) for one in ids])
    calendars.replace_day(db, "local", BERLIN, rows)
    found = calendars.day_rows(db, "local", "berlin", START)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(rows, name))


def test_rows_of_series_come_with_their_ends(db: Database) -> None:
    one, two = series(db, "local", "a", "b")
    after = Day("berlin", "2023-11-16", END, END + 86400)
    for day in (BERLIN, after):
        rows = columns([row(each, day.start, count=each) for each in (one, two)])
        calendars.replace_day(db, "local", day, rows)
    calendars.replace_day(db, "local", TOKYO, columns([row(one, START, count=7)]))
    found, until = calendars.rows_of_series(
        db, "berlin", np.array([two]), START, END + 1
    )
    assert sorted(zip(found.start.tolist(), until.tolist(), strict=True)) == [
        (START, END),
        (END, END + 86400),
    ]
    assert found.series_id.tolist() == [two, two]
    found, until = calendars.rows_of_series(db, "berlin", np.array([one]), END + 1, END)
    assert (len(found), len(until)) == (0, 0)


def test_days_are_deleted_of_one_source(db: Database) -> None:
    (one,) = series(db, "local", "a")
    (other,) = series(db, "other", "a")
    for source, number in (("local", one), ("other", other)):
        rows = columns([row(number, START, count=1)])
        calendars.replace_day(db, source, BERLIN, rows)
    assert calendars.delete_day(db, "local", "berlin", START) == 1
    assert calendars.delete_day(db, "local", "berlin", START) == 0
    assert len(calendars.day_rows(db, "other", "berlin", START)) == 1


def test_finished_days_are_reopened_and_their_sources_are_known(db: Database) -> None:
    ledger.mark(db, "b", "day@berlin", [START, END], "done", "", 1)
    ledger.mark(db, "a", "day@berlin", [START], "partial", "late", 1)
    ledger.mark(db, "a", "day@tokyo", [START], "done", "", 1)
    assert calendars.sources_of(db, "day@berlin") == ["a", "b"]
    calendars.reopen(db, "day@berlin", "back", 9)
    states = [
        (entry.state, entry.reason, entry.computed_at)
        for source in ("a", "b")
        for entry in ledger.entries(db, source, "day@berlin", 0, 2**40)
    ]
    assert states == [("dirty", "back", 9)] * 3
    assert ledger.entries(db, "a", "day@tokyo", 0, 2**40)[0].state == "done"
