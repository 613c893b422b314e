from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.answers.events import event_document, find_events, find_groups
from bridge.answers.times import Span
from models.queries.event_groups import EventGroup
from models.queries.events import EventRow, record

if TYPE_CHECKING:
    from models.database import Database

NOON = 1_795_262_400
SPAN = Span(NOON, NOON + 60)


def event(
    milliseconds: int, fingerprint: str = "a", source: str = "local", times: int = 1
) -> EventRow:
    return EventRow(
        source,
        fingerprint,
        NOON * 1000 + milliseconds,
        "scrape",
        "availability",
        "timeout",
        f"at {milliseconds}",
        occurrences=times,
        metadata='{"job":"node"}',
        recorded_at=NOON + 1,
    )


def test_events_of_a_half_open_span_come_newest_first(db: Database) -> None:
    for milliseconds in (-1, 0, 59_999, 60_000):
        record(db, event(milliseconds))
    assert find_events(db, SPAN, {}, 10) == [event(59_999), event(0)]
    assert find_events(db, SPAN, {}, 1) == [event(59_999)]


def test_a_span_between_milliseconds_is_cut_exactly(db: Database) -> None:
    record(db, event(1))
    assert find_events(db, Span(NOON + 0.0005, NOON + 0.002), {}, 9) == [event(1)]
    assert find_events(db, Span(NOON + 0.0011, NOON + 0.002), {}, 9) == []


def test_filters_leave_out_what_differs(db: Database) -> None:
    record(db, event(0))
    record(db, event(0, source="other"))
    assert find_events(db, SPAN, {"source": "other"}, 9) == [event(0, source="other")]
    assert find_events(db, SPAN, {"type": "refused"}, 9) == []
    assert find_groups(db, SPAN, {"type": "refused"}, 9) == []


def test_events_that_are_alike_are_counted_together(db: Database) -> None:
    for row in (
        event(0, times=2),
        event(500, times=3),
        event(700, "b"),
        event(100, source="other", times=7),
        event(99_000, times=50),
    ):
        record(db, row)
    found = find_groups(db, SPAN, {}, 10)
    assert [(one.source, one.fingerprint) for one in found] == [
        ("local", "b"),
        ("local", "a"),
        ("other", "a"),
    ]
    assert found[1] == EventGroup(
        "local",
        "a",
        occurrences=5,
        events=2,
        first_time=NOON * 1000,
        last_time=NOON * 1000 + 500,
        detector="scrape",
        category="availability",
        type="timeout",
        message="at 500",
        status=None,
        endpoint="",
        workspace="",
        environment="",
    )
    assert find_groups(db, SPAN, {}, 1) == found[:1]
    assert find_groups(db, SPAN, {"source": "other"}, 9) == found[2:]


def test_documents_have_times_in_seconds_and_metadata_as_an_object() -> None:
    document = event_document(event(250))
    assert document["time"] == NOON + 0.25
    assert document["metadata"] == {"job": "node"}
    assert document["recorded_at"] == NOON + 1
