"""Series that are to be merged into finished windows, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import placeholders, rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

_COLUMNS: Final = (
    "id",
    "source",
    "match",
    "start",
    "until",
    "position",
    "rate",
    "changed",
    "created_at",
    "finished_at",
    "outcome",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM backfills"  # noqa: S608 - own names


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """A row of backfills with its selectors read; see `models.backfill.Backfill`."""

    id: int
    source: str
    match: tuple[str, ...]
    start: int
    until: int
    position: int
    rate: int
    changed: int
    created_at: int
    finished_at: int | None
    outcome: str

    @property
    def reason(self) -> str:
        """What restatements and the ledger call it."""
        return f"backfill {self.id} of {', '.join(self.match)}"


def create(  # noqa: PLR0917 - what is asked for
    db: Database,
    source: str,
    match: Sequence[str],
    start: int,
    until: int,
    rate: int,
    now: int,
) -> BackfillRow:
    """Ask for the series of `[start, until)` that any of the selectors matches."""
    names = _COLUMNS[1:]
    text = storable(orjson.dumps(list(match)).decode())
    cursor = db.execute_sql(
        f"INSERT INTO backfills ({', '.join(names)}) "  # noqa: S608 - own names
        f"VALUES ({placeholders(db, len(names))}) RETURNING id",
        (source, text, start, until, start, rate, 0, now, None, ""),
    )
    return find(db, int(cursor.fetchone()[0]))


def find(db: Database, number: int) -> BackfillRow:
    """Return a backfill by its number, which must be one."""
    return _rows(db, " WHERE id = ?", (number,))[0]


def unfinished(db: Database, source: str) -> list[BackfillRow]:
    """Return the backfills of a source that are not finished, oldest first."""
    return _rows(db, " WHERE source = ? AND finished_at IS NULL ORDER BY id", (source,))


def advance(db: Database, number: int, position: int, changed: int) -> None:
    """Say that all before a minute is done, `changed` rows more than before."""
    sql = "UPDATE backfills SET position = ?, changed = changed + ? WHERE id = ?"
    db.execute_sql(sql.replace("?", db.param), (position, changed, number))


def finish(db: Database, number: int, now: int, outcome: str) -> None:
    """Say that nothing is left to do."""
    sql = "UPDATE backfills SET finished_at = ?, outcome = ? WHERE id = ?"
    db.execute_sql(sql.replace("?", db.param), (now, storable(outcome), number))


def _rows(db: Database, rest: str, params: tuple[object, ...]) -> list[BackfillRow]:
    rows: list[Any] = rows_of(db, _SELECT + rest, params)
    return [
        BackfillRow(*(*row[:2], tuple(orjson.loads(row[2])), *row[3:])) for row in rows
    ]
