"""What somebody said was wrong, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of, storable

if TYPE_CHECKING:
    from peewee import Database

_COLUMNS: Final = (
    "id",
    "source",
    "selector",
    "start",
    "until",
    "action",
    "note",
    "author",
    "created_at",
    "applied_at",
    "revoked_at",
    "restored_at",
    "outcome",
)
_LONGEST_DAY: Final = 26 * 3600
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM corrections"  # noqa: S608 - own names


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A row of corrections; see `models.trust.Correction`."""

    id: int
    source: str
    selector: str
    start: int
    until: int
    action: str
    note: str
    author: str
    created_at: int
    applied_at: int | None = None
    revoked_at: int | None = None
    restored_at: int | None = None
    outcome: str = ""

    @property
    def reason(self) -> str:
        """What restatements and the ledger call it."""
        return f"correction {self.id}: {self.note}"

    @property
    def holds(self) -> bool:
        """Whether samples are left out because of it."""
        return self.applied_at is not None and self.restored_at is None

    @property
    def waits(self) -> bool:
        """Whether the rows do not yet say what it, or its revocation, says."""
        if self.revoked_at is None:
            return self.applied_at is None and not self.outcome
        return self.holds


def create(db: Database, wanted: CorrectionRow) -> CorrectionRow:
    """Store a correction under a number of its own; that of `wanted` is ignored."""
    names = _COLUMNS[1:]
    marks = ", ".join([db.param] * len(names))
    values = [getattr(wanted, name) for name in names]
    cursor = db.execute_sql(
        f"INSERT INTO corrections ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608 - own names
        "RETURNING id",
        [storable(value) if isinstance(value, str) else value for value in values],
    )
    number = int(cursor.fetchone()[0])
    return _rows(db, " WHERE id = ?", (number,))[0]


def listed(db: Database, source: str | None = None) -> list[CorrectionRow]:
    """Return all corrections, also revoked ones, oldest first."""
    if source is None:
        return _rows(db, " ORDER BY id", ())
    return _rows(db, " WHERE source = ? ORDER BY id", (source,))


def find(db: Database, number: int) -> CorrectionRow | None:
    """Return a correction by its number, None if there is none."""
    found = _rows(db, " WHERE id = ?", (number,))
    return found[0] if found else None


def revoke(db: Database, number: int, now: int) -> bool:
    """Revoke a correction; return whether it was in force, or waited, until now."""
    mark = db.param
    cursor = db.execute_sql(
        f"UPDATE corrections SET revoked_at = {mark} "  # noqa: S608 - own names
        f"WHERE id = {mark} AND revoked_at IS NULL",
        (now, number),
    )
    return bool(cursor.rowcount)


def note_applied(db: Database, number: int, now: int, outcome: str) -> None:
    """Say that the rows say what a correction says."""
    _set(db, number, applied_at=now, outcome=outcome)


def note_restored(db: Database, number: int, now: int, outcome: str) -> None:
    """Say that the rows are what they were before a correction."""
    _set(db, number, restored_at=now, outcome=outcome)


def note_failed(db: Database, number: int, outcome: str) -> None:
    """Say why a correction was not applied; it is not tried again."""
    _set(db, number, outcome=outcome)


def mark_local_days(
    db: Database, row: CorrectionRow, fewer: int, reason: str, now: int
) -> None:
    """Have the local days done again that a correction touches.

    They may hold `fewer` samples then than they do now.
    """
    mark = db.param
    floor = f"CASE WHEN samples > {mark} THEN samples - {mark} ELSE 0 END"
    db.execute_sql(
        f"UPDATE ledger SET state = 'dirty', samples = {floor}, reason = {mark}, "  # noqa: S608 - own names
        f"computed_at = {mark} WHERE source = {mark} AND resolution LIKE {mark} "
        f"AND state IN ('done', 'partial') AND start > {mark} AND start <= {mark}",
        (
            fewer,
            fewer,
            storable(reason),
            now,
            row.source,
            "day@%",
            row.start - _LONGEST_DAY,
            row.until + _LONGEST_DAY,
        ),
    )


def _set(db: Database, number: int, **values: object) -> None:
    mark = db.param
    updates = ", ".join(f"{name} = {mark}" for name in values)
    db.execute_sql(
        f"UPDATE corrections SET {updates} WHERE id = {mark}",  # noqa: S608 - own names
        (*values.values(), number),
    )


def _rows(db: Database, rest: str, params: tuple[object, ...]) -> list[CorrectionRow]:
    rows: list[Any] = rows_of(db, _SELECT + rest, params)
    return [CorrectionRow(*row) for row in rows]
