"""Recorded failures as an answer."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.queries.event_groups import EventGroup, search_groups
from models.queries.events import EventRow, search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.answers.times import Span
    from models.database import Database

_TIMES: Final = ("time", "first_time", "last_time")


def find_events(
    db: Database, span: Span, filters: Mapping[str, str], limit: int
) -> list[EventRow]:
    """Return at most `limit` events of a span, newest first.

    `filters` are columns of error_events and the values they must have.
    """
    start, end = _milliseconds(span)
    asked: Any = dict(filters)
    return search(db, start_ms=start, end_ms=end, limit=limit, **asked)


def find_groups(
    db: Database, span: Span, filters: Mapping[str, str], limit: int
) -> list[EventGroup]:
    """Return at most `limit` groups of events that are alike, newest first."""
    start, end = _milliseconds(span)
    return search_groups(db, start_ms=start, end_ms=end, filters=filters, limit=limit)


def event_document(found: EventRow | EventGroup) -> dict[str, Any]:
    """Return an event or a group in the shape of its JSON, times in UTC seconds."""
    document = asdict(found)
    for name in _TIMES:
        if name in document:
            document[name] /= 1000
    if "metadata" in document:
        document["metadata"] = orjson.loads(document["metadata"])
    return document


def _milliseconds(span: Span) -> tuple[int, int]:
    return math.ceil(span.start * 1000), math.ceil(span.end * 1000)
