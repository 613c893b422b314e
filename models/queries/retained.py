"""Since when rows are kept: what was deleted on purpose is no hole."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of, storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

EVERYTHING: Final = ""
"""The selector of the series that no rule of their own is for."""

_COLUMNS: Final = ("source", "resolution", "selector", "since", "swept", "changed_at")


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the retained table; see `models.retained.Retained`."""

    source: str
    resolution: str
    selector: str
    since: int
    swept: int
    changed_at: int


def since(db: Database, source: str, resolution: str) -> int | None:
    """Return before which window rows may be gone, None if none were deleted.

    That is the latest of all groups of series: before it a window is not whole.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT MAX(since) FROM retained WHERE source = ? AND resolution = ?",
        (source, resolution),
    )
    found: int | None = rows[0][0]
    return found


def groups(db: Database, source: str, resolution: str) -> dict[str, Kept]:
    """Return the groups of a source at a resolution by their selectors."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {', '.join(_COLUMNS)} FROM retained "  # noqa: S608 - own names
        "WHERE source = ? AND resolution = ? ORDER BY selector",
        (source, resolution),
    )
    return {row[2]: Kept(*row) for row in rows}


def keep(db: Database, rows: Sequence[Kept]) -> None:
    """Write groups; `since` never goes back, as what is deleted stays deleted."""
    mark = f"({', '.join('?' * len(_COLUMNS))})"
    for row in rows:
        sql = (
            f"INSERT INTO retained ({', '.join(_COLUMNS)}) VALUES {mark} "  # noqa: S608 - own names
            "ON CONFLICT (source, resolution, selector) DO UPDATE SET "
            "since = CASE WHEN EXCLUDED.since > retained.since THEN EXCLUDED.since "
            "ELSE retained.since END, swept = EXCLUDED.swept, "
            "changed_at = EXCLUDED.changed_at"
        )
        params = [
            storable(one) if isinstance(one, str) else one for one in astuple(row)
        ]
        db.execute_sql(sql.replace("?", db.param), params)


def drop(db: Database, source: str, resolution: str, selector: str) -> None:
    """Forget a group whose rule is gone and whose rows are as the others'."""
    sql = "DELETE FROM retained WHERE source = ? AND resolution = ? AND selector = ?"
    db.execute_sql(sql.replace("?", db.param), (source, resolution, selector))
