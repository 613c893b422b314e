"""Error events are kept once, replaced with their window, and found again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from models.event import ErrorEvent
from models.queries import events
from models.queries.events import EventRow
from tests.models.statements import counted

if TYPE_CHECKING:
    from peewee import Database

EVENT = EventRow(
    source="a",
    fingerprint="f1",
    time=60_000,
    detector="statuses",
    category="server_error",
    type="http_503",
    message="GET /x answered 503 “Service Unavailable”",
    occurrences=7,
    status=503,
    endpoint="/x",
    trace_id="4bf92f35",
    span_id="00f067aa",
    client="10.0.0.7",
    workspace="team",
    environment="production",
    metadata='{"method":"GET"}',
    recorded_at=99,
)


def everything(db: Database, **filters: Any) -> list[EventRow]:
    span = {"start_ms": -(2**50), "end_ms": 2**50, "limit": 1000}
    return events.search(db, **(span | filters))


def test_an_event_is_kept_whole(db: Database) -> None:
    events.record(db, EVENT)
    assert everything(db) == [EVENT]


def test_only_what_is_certain_need_be_known(db: Database) -> None:
    event = EventRow("a", "f", 1, "holes", "collection", "lost", "no raw samples left")
    events.record(db, event)
    assert everything(db) == [event]
    assert (event.occurrences, event.status, event.metadata) == (1, None, "{}")


@pytest.mark.rule(84)
def test_the_same_event_twice_is_the_later_one(db: Database) -> None:
    later = replace(EVENT, occurrences=3, message="again", status=None)
    events.record(db, EVENT)
    events.record(db, later)
    assert everything(db) == [later]


def test_occurrences_are_added_if_asked(db: Database) -> None:
    events.record(db, EVENT, add=True)
    events.record(db, replace(EVENT, occurrences=5, message="again"), add=True)
    assert everything(db) == [replace(EVENT, occurrences=12, message="again")]


def test_a_window_is_replaced_for_its_detectors_and_source_only(db: Database) -> None:
    stay = [
        replace(EVENT, time=59_999),
        replace(EVENT, time=120_000),
        replace(EVENT, fingerprint="f2", detector="alerts"),
        replace(EVENT, source="b"),
    ]
    go = [EVENT, replace(EVENT, fingerprint="f3", detector="down", time=119_999)]
    for event in (*stay, *go):
        events.record(db, event)
    new = [replace(EVENT, occurrences=1), replace(EVENT, fingerprint="f4")]
    for _ in range(2):
        with db.atomic():
            events.replace_window(db, "a", ("statuses", "down"), 60_000, 120_000, new)
    assert sorted(everything(db), key=repr) == sorted([*stay, *new], key=repr)


def test_a_window_without_events_or_detectors(db: Database) -> None:
    events.record(db, EVENT)
    events.replace_window(db, "a", (), 0, 2**40, [])
    assert everything(db) == [EVENT]
    events.replace_window(db, "a", ("statuses",), 0, 2**40, [])
    assert everything(db) == []


def test_many_events_of_a_window_take_few_statements(db: Database) -> None:
    new = [replace(EVENT, fingerprint=str(number)) for number in range(1200)]
    with counted(db) as said:
        events.replace_window(db, "a", ("statuses",), 0, 2**40, [*new, *new])
    assert len(said) == 4
    assert sum(event.occurrences for event in everything(db, limit=5000)) == 8400


def test_events_are_searched_newest_first_by_span_and_facts(db: Database) -> None:
    found = [
        replace(EVENT, time=time, fingerprint=fingerprint, source=source)
        for time, source, fingerprint in [
            (300, "a", "f1"),
            (200, "a", "f1"),
            (200, "a", "f2"),
            (200, "b", "f1"),
            (100, "a", "f1"),
        ]
    ]
    for event in found:
        events.record(db, event)
    assert everything(db) == found
    assert everything(db, limit=2) == found[:2]
    assert everything(db, start_ms=100, end_ms=300) == found[1:]
    assert everything(db, source="b") == [found[3]]
    assert everything(db, fingerprint="f2", source="a") == [found[2]]


@pytest.mark.parametrize(
    "name", ["source", "category", "type", "fingerprint", "endpoint", "workspace"]
)
def test_each_filter_keeps_what_is_equal(db: Database, name: str) -> None:
    other: EventRow = replace(EVENT, time=1, **{name: "other"})  # type: ignore[arg-type]  # text
    for event in (EVENT, other):
        events.record(db, event)
    assert everything(db, **{name: "other"}) == [other]
    assert everything(db, **{name: getattr(EVENT, name)}) == [EVENT]
    assert everything(db, **{name: ""}) == []


def test_text_that_an_engine_cannot_store_is_mended(db: Database) -> None:
    events.record(db, replace(EVENT, message="said \0\ud800"))
    assert everything(db)[0].message == "said \ufffd?"


def test_rows_have_the_columns_of_the_table() -> None:
    fields = [field.column_name for field in ErrorEvent._meta.sorted_fields]
    assert list(EventRow.__slots__) == fields == list(events._COLUMNS)


def test_spans_are_found_by_their_time(sqlite: Database) -> None:
    with counted(sqlite) as said:
        everything(sqlite)
        events.replace_window(sqlite, "a", ("statuses",), 0, 60_000, [])
    by_time = (
        "SEARCH error_events USING INDEX error_events_{}time ({}time>? AND time<?)"
    )
    assert said.ways() == {
        by_time.format("", ""),
        by_time.format("source_", "source=? AND "),
    }
