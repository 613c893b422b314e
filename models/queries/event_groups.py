"""Error events that are alike, counted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peewee import Database

_SHOWN: Final = (
    "detector",
    "category",
    "type",
    "message",
    "status",
    "endpoint",
    "workspace",
    "environment",
)


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events of one source and fingerprint; what they say is the newest one's.

    `events` is how many there are and `occurrences` what they count together; times
    are UTC milliseconds.
    """

    source: str
    fingerprint: str
    occurrences: int
    events: int
    first_time: int
    last_time: int
    detector: str
    category: str
    type: str
    message: str
    status: int | None
    endpoint: str
    workspace: str
    environment: str


def search_groups(
    db: Database,
    *,
    start_ms: int,
    end_ms: int,
    filters: Mapping[str, str],
    limit: int,
) -> list[EventGroup]:
    """Return at most `limit` groups with events in `[start_ms, end_ms)`.

    The one with the newest event comes first. `filters` are columns of error_events
    and the values they must have.
    """
    conditions = "".join(f" AND {name} = ?" for name in filters)
    shown = ", ".join(f"e.{name}" for name in _SHOWN)
    sql = (
        "SELECT g.source, g.fingerprint, g.occurrences, g.events, g.first_time, "  # noqa: S608 - own names
        f"g.last_time, {shown} FROM ("
        "SELECT source, fingerprint, CAST(SUM(occurrences) AS BIGINT) AS occurrences, "
        "COUNT(*) AS events, MIN(time) AS first_time, MAX(time) AS last_time "
        f"FROM error_events WHERE time >= ? AND time < ?{conditions} "
        "GROUP BY source, fingerprint "
        "ORDER BY last_time DESC, source, fingerprint LIMIT ?) AS g "
        "JOIN error_events e ON e.source = g.source "
        "AND e.fingerprint = g.fingerprint AND e.time = g.last_time "
        "ORDER BY g.last_time DESC, g.source, g.fingerprint"
    )
    params = (start_ms, end_ms, *filters.values(), limit)
    rows: list[Any] = rows_of(db, sql, params)
    return [EventGroup(*row) for row in rows]
