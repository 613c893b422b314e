"""What results say of destinations, as it was judged last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.dialect import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Database


@dataclass(frozen=True, slots=True)
class Judged:
    """The status of a destination; times are UTC milliseconds, None if unknown."""

    destination: int
    status: str
    since: int | None
    last_seen: int | None


def note(db: Database, judged: Iterable[Judged]) -> None:
    """Write statuses; `last_seen` never goes back. One transaction."""
    sql = (
        "UPDATE destinations SET status = ?, status_since = ?, last_seen = CASE "
        "WHEN last_seen IS NULL OR last_seen < CAST(? AS BIGINT) THEN ? "
        "ELSE last_seen END WHERE id = ?"
    ).replace("?", db.param)
    with db.atomic():
        for one in judged:
            seen = one.last_seen
            params = (one.status, one.since, seen, seen, one.destination)
            db.execute_sql(sql, params)


def counts(db: Database) -> dict[str, int]:
    """Return how many destinations have each status; `inactive` are not probed."""
    rows: list[Any] = rows_of(
        db,
        "SELECT CASE WHEN enabled = 0 THEN 'inactive' ELSE status END AS told, "
        "COUNT(*) FROM destinations WHERE deleted_at = 0 GROUP BY 1 ORDER BY 1",
    )
    return dict(rows)
