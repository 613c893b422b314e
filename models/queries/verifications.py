"""What looking at finished minutes again has brought."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

KEPT: Final = 1000
"""The newest verifications of a source that are kept."""

_COLUMNS: Final = (
    "source",
    "start",
    "at",
    "outcome",
    "samples",
    "found",
    "series",
    "differing",
    "detail",
)
_KEY: Final = ("source", "start")


@dataclass(frozen=True, slots=True)
class VerificationRow:
    """A row of verifications; see `models.trust.Verification`."""

    source: str
    start: int
    at: int
    outcome: str
    samples: int = 0
    found: int = 0
    series: int = 0
    differing: int = 0
    detail: str = "[]"


def record(db: Database, rows: Sequence[VerificationRow]) -> None:
    """Write verifications, the newest for each minute; old ones make room."""
    updates = ", ".join(
        f"{name} = EXCLUDED.{name}" for name in _COLUMNS if name not in _KEY
    )
    marks = ", ".join([db.param] * len(_COLUMNS))
    for row in rows:
        db.execute_sql(
            f"INSERT INTO verifications ({', '.join(_COLUMNS)}) VALUES ({marks}) "  # noqa: S608 - own names
            f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {updates}",
            [storable(x) if isinstance(x, str) else x for x in astuple(row)],
        )
    for source in {row.source for row in rows}:
        _trim(db, source)


def latest(
    db: Database, source: str | None, limit: int, outcome: str | None = None
) -> list[VerificationRow]:
    """Return the newest verifications, the newest first."""
    asked = {"source": source, "outcome": outcome}
    given = {name: value for name, value in asked.items() if value is not None}
    conditions = " AND ".join(f"{name} = ?" for name in given)
    where = f" WHERE {conditions}" if given else ""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {', '.join(_COLUMNS)} FROM verifications{where} "  # noqa: S608 - own names
        "ORDER BY at DESC, start DESC, source LIMIT ?",
        (*given.values(), limit),
    )
    return [VerificationRow(*row) for row in rows]


def _trim(db: Database, source: str) -> None:
    mark = db.param
    db.execute_sql(
        f"DELETE FROM verifications WHERE source = {mark} AND at < "  # noqa: S608 - own names
        f"(SELECT MIN(at) FROM (SELECT at FROM verifications WHERE source = {mark} "
        f"ORDER BY at DESC LIMIT {KEPT}) AS newest)",
        (source, source),
    )
