"""Views and spans come back as they were kept, and only those that are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from models.queries import agents, catalogue, entries, stories
from models.queries.entries import DESTINATIONS, MAINTENANCE
from models.queries.stories import SpanRow, Subject, ViewRow
from tests.models.statements import counted
from tests.probed import destination, known

if TYPE_CHECKING:
    from peewee import Database

VIEW = ViewRow(1, 1, "icmp", "active", 0, 0, 10, 20, 20, 10, 60_000)
SPAN = SpanRow(1, 1, "icmp", "failure", 10, None, "error", '{"last": 10}')


def test_views_are_replaced_by_their_keys(db: Database) -> None:
    other = replace(VIEW, destination_id=2, began_ms=None, seen_ms=None)
    stories.save_views(db, [VIEW, other])
    newer = replace(VIEW, status="error", bad=3, last_ms=30)
    stories.save_views(db, [newer, replace(VIEW, agent_id=2)])

    assert stories.views_of(db, [2]) == [other]
    found = stories.views_of(db, [1, 3])
    assert sorted(found, key=lambda one: one.key) == [newer, replace(VIEW, agent_id=2)]
    assert stories.views_of(db, []) == []


def test_more_rows_than_a_statement_takes_are_kept(db: Database) -> None:
    views = [replace(VIEW, destination_id=number) for number in range(1, 1_201)]
    stories.save_views(db, views)

    found = stories.views_of(db, range(1, 1_300))
    assert sorted(found, key=lambda one: one.key) == views


def test_spans_are_replaced_and_removed_by_their_keys(db: Database) -> None:
    later = replace(SPAN, opened_ms=30)
    stories.save_spans(db, [SPAN, later])
    closed = replace(SPAN, closed_ms=20)
    stories.save_spans(db, [closed])
    assert stories.spans_of_view(db, SPAN.key) == [closed, later]

    stories.remove_spans(db, [(1, 1, "icmp", "failure", 30), (1, 1, "icmp", "x", 10)])

    assert stories.spans_of_view(db, SPAN.key) == [closed]


def test_what_a_database_cannot_store_is_left_out_of_texts(db: Database) -> None:
    stories.save_spans(db, [replace(SPAN, value="a\0b")])

    (found,) = stories.spans_of_view(db, SPAN.key)
    assert "\0" not in found.value


def test_spans_of_a_destination_are_of_a_kind_and_not_over_before(db: Database) -> None:
    over = replace(SPAN, closed_ms=20)
    lasting = replace(SPAN, opened_ms=30, agent_id=2)
    route = replace(SPAN, kind="route", opened_ms=5)
    stories.save_spans(db, [lasting, route, over, replace(SPAN, destination_id=2)])

    assert stories.spans_of(db, 1, "failure") == [over, lasting]
    assert stories.spans_of(db, 1, "failure", 20) == [over, lasting]
    assert stories.spans_of(db, 1, "failure", 21) == [lasting]
    assert stories.spans_of(db, 1, "route") == [route]


def test_open_spans_are_found_by_destination_and_failures_by_agent(
    db: Database,
) -> None:
    route = replace(SPAN, kind="route")
    other = replace(SPAN, destination_id=2, agent_id=2)
    over = replace(SPAN, opened_ms=1, closed_ms=5)
    stories.save_spans(db, [SPAN, route, other, over])

    kinds = {one.kind for one in stories.open_spans(db, [1])}
    assert kinds == {"failure", "route"}
    assert stories.open_spans(db, [2]) == [other]
    assert stories.open_failures(db, [1]) == [SPAN]
    assert stories.open_failures(db, [2, 3]) == [other]


def test_failures_are_left_where_destinations_are_probed_no_more(db: Database) -> None:
    known(db, "gateway", "off", "gone")
    spans = [replace(SPAN, destination_id=number) for number in (1, 2, 3)]
    stories.save_spans(db, spans)
    assert stories.left_failures(db) == []
    assert stories.count_open_failures(db) == 3

    db.execute_sql("UPDATE destinations SET enabled = 0 WHERE id = 2")
    db.execute_sql("UPDATE destinations SET deleted_at = 1 WHERE id = 3")

    assert stories.left_failures(db) == spans[1:]
    assert stories.count_open_failures(db) == 1


def test_destinations_that_fail_are_counted_once_and_if_it_counts(db: Database) -> None:
    known(db, "gateway", "web")
    short = replace(SPAN, destination_id=2, value="")
    stories.save_spans(db, [SPAN, replace(SPAN, agent_id=2), short])

    assert stories.count_open_failures(db) == 1


def test_subjects_are_named_with_their_tags_deleted_or_not(db: Database) -> None:
    known(db, "gateway", tags=("b", "a"))
    catalogue.create(db, DESTINATIONS, destination("web"), origin="api", now=0)
    db.execute_sql("UPDATE destinations SET deleted_at = 1, enabled = 0 WHERE id = 2")

    assert stories.subjects(db, [1, 2, 3]) == {
        1: Subject(
            1, "gateway", "192.0.2.1", enabled=True, deleted=False, tags=("a", "b")
        ),
        2: Subject(2, "web", "192.0.2.1", enabled=False, deleted=True, tags=()),
    }


def test_names_and_documents_are_told(db: Database) -> None:
    known(db, "gateway")
    agents.see(db, "here", 0, "1.0", "", None)
    night = {"name": "night", "tags": ["all"]}
    catalogue.create(db, MAINTENANCE, night, origin="api", now=0)

    assert stories.agent_names(db) == {1: "here"}
    (job,) = stories.job_documents(db).values()
    assert orjson.loads(job)["interval"] == "1m"
    ((name, document),) = stories.maintenance_documents(db)
    assert (name, orjson.loads(document)["tags"]) == ("night", ["all"])


def test_a_status_is_noted_without_a_revision_and_counted(db: Database) -> None:
    known(db, "gateway", "web", "off")
    stories.set_status(db, 1, "error", 5, None)
    stories.set_status(db, 3, "error", 5, 4)
    db.execute_sql("UPDATE destinations SET enabled = 0 WHERE id = 3")

    found = entries.find(db, DESTINATIONS, "gateway")
    assert found is not None
    noted = (found.status, found.status_since, found.last_seen, found.revision)
    assert noted == ("error", 5, None, 1)
    assert stories.statuses(db) == {"error": 1, "unknown": 1, "inactive": 1}


def test_sqlite_reads_no_more_spans_and_views_than_are_asked_for(
    sqlite: Database,
) -> None:
    with counted(sqlite) as said:
        stories.views_of(sqlite, [1])
        stories.open_spans(sqlite, [1])
        stories.spans_of_view(sqlite, SPAN.key)
        stories.spans_of(sqlite, 1, "failure", 5)

    ways = said.ways()
    assert not [way for way in ways if way.startswith(("SCAN v", "SCAN s", "SCAN p"))]
