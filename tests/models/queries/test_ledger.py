"""What the ledger answers, against the obvious way to find it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.queries import ledger
from models.queries.ledger import Entry
from tests.models.statements import counted

if TYPE_CHECKING:
    from peewee import Database

QUIET = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)
ENTRY = Entry("a", "minute", 60, "done", 400, 100, 1, "", 999)


def fill(db: Database, *found: Entry) -> None:
    for entry in found:
        ledger.record(db, entry)


def everything(
    db: Database, source: str = "a", resolution: str = "minute"
) -> list[Entry]:
    return ledger.entries(db, source, resolution, -(2**40), 2**40)


def test_an_empty_ledger_answers_nothing(db: Database) -> None:
    assert ledger.begin(db, "a", "minute") is None
    assert ledger.newest(db, "a", "minute") is None
    assert everything(db) == []
    assert ledger.unfinished(db, "a", "minute", 5) == []
    assert ledger.holes(db, "a", "minute", 60, 6000) == []
    assert ledger.summary(db) == []


@pytest.mark.rule(71)
def test_an_entry_is_kept_whole_and_replaced_whole(db: Database) -> None:
    fill(db, ENTRY, ENTRY)
    assert everything(db) == [ENTRY]
    again = Entry("a", "minute", 60, "partial", 300, 99, 2, "two targets down", 1234)
    fill(db, again)
    assert everything(db) == [again]


def test_windows_are_those_that_start_in_the_span(db: Database) -> None:
    found = [Entry("a", "minute", start, "done") for start in (-60, 0, 60, 120)]
    others = [Entry("b", "minute", 0, "done"), Entry("a", "hour", 0, "done")]
    fill(db, *found[::-1], *others)
    assert ledger.entries(db, "a", "minute", 0, 120) == found[1:3]
    assert ledger.begin(db, "a", "minute") == -60
    assert ledger.newest(db, "a", "minute") == 120


def test_unfinished_windows_come_oldest_first(db: Database) -> None:
    states = ("done", "dirty", "open", "lost", "dirty", "partial", "open")
    found = [
        Entry("a", "minute", 60 * number, state) for number, state in enumerate(states)
    ]
    fill(db, *found, Entry("b", "minute", 60, "open"), Entry("a", "hour", 0, "dirty"))
    wanted = [found[1], found[2], found[4], found[6]]
    assert ledger.unfinished(db, "a", "minute", 9) == wanted
    assert ledger.unfinished(db, "a", "minute", 2) == wanted[:2]


@QUIET
@given(minutes=st.sets(st.integers(-5, 40), max_size=30), until=st.integers(-5, 45))
@pytest.mark.rule(59)
def test_holes_are_the_windows_without_a_row(
    db: Database, minutes: set[int], until: int
) -> None:
    db.execute_sql("DELETE FROM ledger")
    fill(db, *(Entry("a", "minute", 60 * minute, "done") for minute in minutes))
    fill(db, Entry("b", "minute", 600, "done"), Entry("a", "hour", 0, "done"))
    known = {minute for minute in minutes if minute < until}
    missing = set(range(min(known, default=until), until)) - known
    spans = ledger.holes(db, "a", "minute", 60, 60 * until)
    found = [minute for begin, end in spans for minute in range(begin, end, 60)]
    assert found == [60 * minute for minute in sorted(missing)]
    ends = [end for _, end in spans]
    assert not {begin for begin, _ in spans} & set(ends)
    assert ends == sorted(ends)


@pytest.mark.rule(59)
def test_a_middle_row_that_is_deleted_becomes_a_hole(db: Database) -> None:
    fill(db, *(Entry("a", "minute", start, "done") for start in range(0, 600, 60)))
    db.execute_sql("DELETE FROM ledger WHERE start IN (180, 240, 420)")
    assert ledger.holes(db, "a", "minute", 60, 720) == [
        (180, 300),
        (420, 480),
        (600, 720),
    ]


def test_marking_keeps_what_the_rows_hold_and_enters_what_is_unknown(
    db: Database,
) -> None:
    fill(db, ENTRY)
    ledger.mark(db, "a", "minute", [60, 120], "dirty", "a late sample", 5000)
    assert everything(db) == [
        Entry("a", "minute", 60, "dirty", 400, 100, 1, "a late sample", 5000),
        Entry("a", "minute", 120, "dirty", 0, 0, 0, "a late sample", 5000),
    ]


def test_any_number_of_windows_is_marked_in_few_statements(db: Database) -> None:
    starts = list(range(0, 60 * 1440, 60))
    with counted(db) as said:
        ledger.mark(db, "a", "minute", starts, "lost", "no raw samples left", 1)
        ledger.mark(db, "a", "minute", [], "open", "", 1)
    assert len(said) == 3
    assert [entry.start for entry in everything(db)] == starts


def test_a_reason_that_an_engine_cannot_store_is_mended(db: Database) -> None:
    fill(db, Entry("a", "minute", 0, "partial", reason="said \0"))
    assert everything(db)[0].reason == "said \ufffd"


def test_the_summary_counts_states_with_their_span(db: Database) -> None:
    fill(
        db,
        Entry("a", "minute", 0, "done"),
        Entry("a", "minute", 60, "lost"),
        Entry("a", "minute", 180, "done"),
        Entry("a", "hour", 0, "dirty"),
        Entry("b", "minute", 60, "done"),
    )
    assert ledger.summary(db) == [
        ("a", "hour", "dirty", 1, 0, 0),
        ("a", "minute", "done", 2, 0, 180),
        ("a", "minute", "lost", 1, 60, 60),
        ("b", "minute", "done", 1, 60, 60),
    ]


def test_the_ledger_is_read_by_its_keys(sqlite: Database) -> None:
    with counted(sqlite) as said:
        ledger.begin(sqlite, "a", "minute")
        ledger.newest(sqlite, "a", "minute")
        ledger.entries(sqlite, "a", "minute", 0, 60)
        ledger.unfinished(sqlite, "a", "minute", 5)
        ledger.holes(sqlite, "a", "minute", 60, 600)
    by_key = "SEARCH ledger USING PRIMARY KEY (source=? AND resolution=?{})"
    by_state = "SEARCH ledger USING INDEX ledger_state_source_resolution_start ({})"
    assert said.ways() == {
        by_key.format(""),
        by_key.format(" AND start=?"),
        by_key.format(" AND start>? AND start<?"),
        by_key.format(" AND start<?"),
        by_state.format("state=? AND source=? AND resolution=?"),
        "SCAN oldest",
        "SCAN steps",
    }


def test_windows_of_some_states_are_counted(db: Database) -> None:
    ledger.mark(db, "a", "minute", [0, 60, 120], "done", "", 0)
    ledger.mark(db, "a", "minute", [180], "lost", "", 0)
    ledger.mark(db, "a", "hour", [0], "done", "", 0)
    ledger.mark(db, "b", "minute", [60], "done", "", 0)
    assert ledger.count(db, "a", "minute", ("done", "lost"), 60, 240) == 3
    assert ledger.count(db, "a", "minute", ("done",), 60, 120) == 1
    assert ledger.count(db, "a", "minute", ("dirty",), 0, 240) == 0
