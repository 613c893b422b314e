"""Stories as rows, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bridge.probing.spans import Kind, Span
from bridge.probing.stories import View
from bridge.probing.streaks import Status, Streak
from models.queries.stories import SpanRow, ViewRow

if TYPE_CHECKING:
    from models.queries.stories import Key


def view_of(row: ViewRow) -> View:
    """Return a view as it was kept."""
    return View(
        Streak(Status(row.status), row.bad, row.good),
        row.began_ms,
        row.last_ms,
        row.seen_ms,
        row.since_ms,
        row.interval_ms,
    )


def view_row(key: Key, view: View) -> ViewRow:
    """Return a view of something as it is kept; it has had a result."""
    return ViewRow(
        *key,
        view.streak.status.value,
        view.streak.bad,
        view.streak.good,
        view.began,
        view.last or 0,
        view.seen,
        view.since,
        view.interval,
    )


def span_of(row: SpanRow) -> Span:
    """Return a span as it was kept."""
    return Span(
        Kind(row.kind), row.opened_ms, row.closed_ms, row.value, orjson.loads(row.facts)
    )


def span_row(key: Key, span: Span) -> SpanRow:
    """Return a span of a view as it is kept; equal facts are equal texts."""
    facts = orjson.dumps(span.facts, option=orjson.OPT_SORT_KEYS).decode()
    return SpanRow(*key, span.kind.value, span.opened, span.closed, span.value, facts)
