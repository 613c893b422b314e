from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.queries.event_groups import search_groups
from models.queries.events import EventRow, record

if TYPE_CHECKING:
    from models.database import Database


def event(time: int, fingerprint: str = "a", **facts: Any) -> EventRow:
    return EventRow(
        **{
            "source": "local",
            "fingerprint": fingerprint,
            "time": time,
            "detector": "scrape",
            "category": "availability",
            "type": "timeout",
            "message": f"at {time}",
            **facts,
        }
    )


def test_a_group_counts_its_events_and_says_what_the_newest_says(db: Database) -> None:
    for row in (
        event(10, occurrences=2),
        event(30, occurrences=5, status=504),
        event(20),
        event(40, "b"),
        event(99, occurrences=100),
    ):
        record(db, row)
    first, second = search_groups(db, start_ms=10, end_ms=99, filters={}, limit=9)
    assert (first.fingerprint, first.occurrences, first.events) == ("b", 1, 1)
    assert (second.occurrences, second.events) == (8, 3)
    assert (second.first_time, second.last_time) == (10, 30)
    assert (second.message, second.status) == ("at 30", 504)


def test_groups_are_filtered_by_columns_and_cut_to_the_newest(db: Database) -> None:
    for number, source in enumerate(["x", "y", "x"]):
        record(db, event(number, str(number), source=source))

    def found(limit: int, **filters: str) -> list[str]:
        groups = search_groups(db, start_ms=0, end_ms=9, filters=filters, limit=limit)
        return [group.fingerprint for group in groups]

    assert found(9) == ["2", "1", "0"]
    assert found(1) == ["2"]
    assert found(9, source="x") == ["2", "0"]
    assert found(9, source="x", category="http") == []
