"""How agents see probes of destinations: views of them, and what lasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import number_list, numbers, placeholders, rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from peewee import Database

Key = tuple[int, int, str]
"""A destination, an agent and a probe."""

_VIEW: Final = (
    "destination_id",
    "agent_id",
    "probe",
    "status",
    "bad",
    "good",
    "began_ms",
    "last_ms",
    "seen_ms",
    "since_ms",
    "interval_ms",
)
_SPAN: Final = (
    "destination_id",
    "agent_id",
    "probe",
    "kind",
    "opened_ms",
    "closed_ms",
    "value",
    "facts",
)
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A row of probe_views."""

    destination_id: int
    agent_id: int
    probe: str
    status: str
    bad: int
    good: int
    began_ms: int | None
    last_ms: int
    seen_ms: int | None
    since_ms: int | None
    interval_ms: int

    @property
    def key(self) -> Key:
        """Whose view it is, and of what."""
        return self.destination_id, self.agent_id, self.probe


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A row of probe_spans; `facts` is a JSON object."""

    destination_id: int
    agent_id: int
    probe: str
    kind: str
    opened_ms: int
    closed_ms: int | None
    value: str
    facts: str

    @property
    def key(self) -> Key:
        """Whose it is, and of what."""
        return self.destination_id, self.agent_id, self.probe


@dataclass(frozen=True, slots=True)
class Subject:
    """A destination as events name it."""

    id: int
    name: str
    host: str
    enabled: bool
    deleted: bool
    tags: tuple[str, ...]


def views_of(db: Database, destinations: Sequence[int]) -> list[ViewRow]:
    """Return all views of some destinations."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_named(_VIEW, 'v')} FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN probe_views v WHERE v.destination_id = ids.value",
        (number_list(db, destinations),),
    )
    return [ViewRow(*row) for row in rows]


def open_spans(db: Database, destinations: Sequence[int]) -> list[SpanRow]:
    """Return what lasts still of some destinations."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_named(_SPAN, 's')} FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN probe_spans s "
        "WHERE s.destination_id = ids.value AND s.closed_ms IS NULL",
        (number_list(db, destinations),),
    )
    return [SpanRow(*row) for row in rows]


def open_failures(db: Database, agents: Sequence[int]) -> list[SpanRow]:
    """Return failures that last still, as some agents see them."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_named(_SPAN, 's')} FROM probe_spans s "  # noqa: S608 - own names
        "WHERE s.closed_ms IS NULL AND s.kind = 'failure' "
        f"AND s.agent_id IN (SELECT value FROM {numbers(db, 'ids')})",
        (number_list(db, agents),),
    )
    return [SpanRow(*row) for row in rows]


def left_failures(db: Database) -> list[SpanRow]:
    """Return failures that last still of destinations that are probed no more."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {_named(_SPAN, 's')} FROM probe_spans s "  # noqa: S608 - own names
        "JOIN destinations d ON d.id = s.destination_id "
        "WHERE s.closed_ms IS NULL AND s.kind = 'failure' "
        "AND (d.enabled = 0 OR d.deleted_at <> 0) "
        "ORDER BY s.destination_id, s.agent_id, s.probe",
    )
    return [SpanRow(*row) for row in rows]


def spans_of_view(db: Database, key: Key) -> list[SpanRow]:
    """Return all spans of a view, oldest first."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {', '.join(_SPAN)} FROM probe_spans "  # noqa: S608 - own names
        "WHERE destination_id = ? AND agent_id = ? AND probe = ? ORDER BY opened_ms",
        key,
    )
    return [SpanRow(*row) for row in rows]


def spans_of(
    db: Database, destination: int, kind: str, since_ms: int = 0
) -> list[SpanRow]:
    """Return a destination's spans of a kind that did not end before a time.

    Oldest first, and those of the same time by agent and probe.
    """
    rows: list[Any] = rows_of(
        db,
        f"SELECT {', '.join(_SPAN)} FROM probe_spans "  # noqa: S608 - own names
        "WHERE destination_id = ? AND kind = ? "
        "AND (closed_ms IS NULL OR closed_ms >= ?) "
        "ORDER BY opened_ms, agent_id, probe",
        (destination, kind, since_ms),
    )
    return [SpanRow(*row) for row in rows]


def save_views(db: Database, views: Sequence[ViewRow]) -> None:
    """Insert or replace views."""
    _upsert(db, "probe_views", _VIEW, 3, [_tuple(view, _VIEW) for view in views])


def save_spans(db: Database, spans: Sequence[SpanRow]) -> None:
    """Insert or replace spans."""
    _upsert(db, "probe_spans", _SPAN, 5, [_tuple(span, _SPAN) for span in spans])


def remove_spans(db: Database, spans: Iterable[tuple[int, int, str, str, int]]) -> None:
    """Delete spans by their keys: destination, agent, probe, kind and opening."""
    for key in spans:
        db.execute_sql(
            "DELETE FROM probe_spans WHERE destination_id = ? AND agent_id = ? "
            "AND probe = ? AND kind = ? AND opened_ms = ?".replace("?", db.param),
            key,
        )


def subjects(db: Database, destinations: Sequence[int]) -> dict[int, Subject]:
    """Return some destinations by their number, deleted ones as well."""
    ids = number_list(db, destinations)
    tags: dict[int, list[str]] = {}
    tagged: list[Any] = rows_of(
        db,
        f"SELECT d.destination_id, t.name FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN destination_tags d CROSS JOIN tags t "
        "WHERE d.destination_id = ids.value AND t.id = d.tag_id ORDER BY t.name",
        (ids,),
    )
    for number, tag in tagged:
        tags.setdefault(number, []).append(tag)
    rows: list[Any] = rows_of(
        db,
        f"SELECT d.id, d.name, d.host, d.enabled, d.deleted_at "  # noqa: S608 - own names
        f"FROM {numbers(db, 'ids')} CROSS JOIN destinations d WHERE d.id = ids.value",
        (ids,),
    )
    return {
        number: Subject(
            number, name, host, bool(on), bool(gone), tuple(tags.get(number, ()))
        )
        for number, name, host, on, gone in rows
    }


def agent_names(db: Database) -> dict[int, str]:
    """Return the names of all agents by their numbers."""
    rows: list[Any] = rows_of(db, "SELECT id, name FROM agents")
    return dict(rows)


def job_documents(db: Database) -> dict[int, str]:
    """Return what is in the documents of all jobs by their numbers, as JSON."""
    rows: list[Any] = rows_of(db, "SELECT id, document FROM jobs")
    return dict(rows)


def maintenance_documents(db: Database) -> list[tuple[str, str]]:
    """Return the names and documents of all maintenance."""
    rows: list[Any] = rows_of(db, "SELECT name, document FROM maintenance ORDER BY id")
    return rows


def set_status(
    db: Database,
    destination: int,
    status: str,
    since_ms: int | None,
    seen_ms: int | None,
) -> None:
    """Note what the results of a destination say; no change that people made."""
    db.execute_sql(
        "UPDATE destinations SET status = ?, status_since = ?, last_seen = ? "
        "WHERE id = ?".replace("?", db.param),
        (status, since_ms, seen_ms, destination),
    )


def statuses(db: Database) -> dict[str, int]:
    """Return how many destinations there are of each status; disabled are inactive."""
    rows: list[Any] = rows_of(
        db,
        "SELECT CASE WHEN enabled = 0 THEN 'inactive' ELSE status END, COUNT(*) "
        "FROM destinations WHERE deleted_at = 0 GROUP BY 1",
    )
    return dict(rows)


def count_open_failures(db: Database) -> int:
    """Return how many destinations that are probed fail, by any probe and agent."""
    rows: list[Any] = rows_of(
        db,
        "SELECT COUNT(DISTINCT s.destination_id) FROM probe_spans s "
        "JOIN destinations d ON d.id = s.destination_id "
        "WHERE s.closed_ms IS NULL AND s.kind = 'failure' AND s.value <> '' "
        "AND d.enabled = 1 AND d.deleted_at = 0",
    )
    count: int = rows[0][0]
    return count


def _named(columns: Sequence[str], alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _tuple(row: object, columns: Sequence[str]) -> tuple[Any, ...]:
    values = (getattr(row, column) for column in columns)
    return tuple(storable(one) if isinstance(one, str) else one for one in values)


def _upsert(
    db: Database,
    table: str,
    columns: Sequence[str],
    keys: int,
    rows: Sequence[tuple[Any, ...]],
) -> None:
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns[keys:])
    row = f"({placeholders(db, len(columns))})"
    for begin in range(0, len(rows), _CHUNK):
        chunk = rows[begin : begin + _CHUNK]
        values = ", ".join([row] * len(chunk))
        db.execute_sql(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values} "  # noqa: S608 - own names
            f"ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {updates}",
            [value for one in chunk for value in one],
        )
