"""Recording and searching error events."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import placeholders, rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

_COLUMNS: Final = (
    "source",
    "fingerprint",
    "time",
    "detector",
    "category",
    "type",
    "message",
    "occurrences",
    "status",
    "endpoint",
    "trace_id",
    "span_id",
    "client",
    "workspace",
    "environment",
    "metadata",
    "recorded_at",
)
_KEY: Final = ("source", "fingerprint", "time")
_FACTS: Final = tuple(name for name in _COLUMNS if name not in _KEY)
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of error_events; see `models.event.ErrorEvent`.

    `time` is UTC milliseconds, `recorded_at` UTC seconds, `metadata` a JSON object.
    """

    source: str
    fingerprint: str
    time: int
    detector: str
    category: str
    type: str
    message: str
    occurrences: int = 1
    status: int | None = None
    endpoint: str = ""
    trace_id: str = ""
    span_id: str = ""
    client: str = ""
    workspace: str = ""
    environment: str = ""
    metadata: str = "{}"
    recorded_at: int = 0


def replace_window(  # noqa: PLR0917 - what is replaced, and by what
    db: Database,
    source: str,
    detectors: Sequence[str],
    start_ms: int,
    end_ms: int,
    events: Sequence[EventRow],
) -> None:
    """Make `events` the only ones of these detectors and source in a window.

    The window is `[start_ms, end_ms)`. To be called inside a transaction, with the rows
    that the events were found in.
    """
    if detectors:
        marks = placeholders(db, len(detectors))
        mark = db.param
        db.execute_sql(
            f"DELETE FROM error_events WHERE source = {mark} AND time >= {mark} "  # noqa: S608 - own names
            f"AND time < {mark} AND detector IN ({marks})",
            (source, start_ms, end_ms, *detectors),
        )
    unique = {(event.source, event.fingerprint, event.time): event for event in events}
    newest = list(unique.values())
    for begin in range(0, len(newest), _CHUNK):
        _upsert(db, newest[begin : begin + _CHUNK], add=False)


def replace_alike(
    db: Database,
    source: str,
    fingerprints: Sequence[str],
    start_ms: int,
    events: Sequence[EventRow],
) -> int:
    """Make `events` the only ones of these fingerprints from `start_ms` on.

    To be called inside a transaction. Returns how many more there are than before, at
    least 0.
    """
    marks, mark = placeholders(db, len(fingerprints)), db.param
    cursor = db.execute_sql(
        f"DELETE FROM error_events WHERE source = {mark} AND time >= {mark} "  # noqa: S608 - own names
        f"AND fingerprint IN ({marks})",
        (source, start_ms, *fingerprints),
    )
    removed: int = cursor.rowcount
    for begin in range(0, len(events), _CHUNK):
        _upsert(db, events[begin : begin + _CHUNK], add=False)
    return max(len(events) - removed, 0)


def record(db: Database, event: EventRow, *, add: bool = False) -> None:
    """Insert an event, or replace the one with the same source, fingerprint and time.

    With `add` its occurrences are added to those already there.
    """
    _upsert(db, [event], add=add)


def search(
    db: Database,
    *,
    start_ms: int,
    end_ms: int,
    source: str | None = None,
    category: str | None = None,
    type: str | None = None,  # noqa: A002 - the column's name
    fingerprint: str | None = None,
    endpoint: str | None = None,
    workspace: str | None = None,
    limit: int,
) -> list[EventRow]:
    """Return at most `limit` events of `[start_ms, end_ms)`, newest first.

    Those of the same time come by source and fingerprint; a filter of None lets all
    through.
    """
    filters = {
        "source": source,
        "category": category,
        "type": type,
        "fingerprint": fingerprint,
        "endpoint": endpoint,
        "workspace": workspace,
    }
    asked = {name: value for name, value in filters.items() if value is not None}
    conditions = "".join(f" AND {name} = ?" for name in asked)
    sql = (
        f"SELECT {', '.join(_COLUMNS)} FROM error_events "  # noqa: S608 - own names
        f"WHERE time >= ? AND time < ?{conditions} "
        "ORDER BY time DESC, source, fingerprint LIMIT ?"
    )
    params = (start_ms, end_ms, *asked.values(), limit)
    rows: list[Any] = rows_of(db, sql, params)
    return [EventRow(*row) for row in rows]


def _upsert(db: Database, events: Sequence[EventRow], *, add: bool) -> None:
    updates = {name: f"{name} = EXCLUDED.{name}" for name in _FACTS}
    if add:
        updates["occurrences"] = (
            "occurrences = error_events.occurrences + EXCLUDED.occurrences"
        )
    row = f"({placeholders(db, len(_COLUMNS))})"
    values = ", ".join([row] * len(events))
    params = [
        storable(value) if isinstance(value, str) else value
        for event in events
        for value in astuple(event)
    ]
    db.execute_sql(
        f"INSERT INTO error_events ({', '.join(_COLUMNS)}) VALUES {values} "  # noqa: S608 - own names
        f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {', '.join(updates.values())}",
        params,
    )
