"""Whether what is probed has changed, without reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from models.dialect import rows_of
from models.queries.entries import DESTINATIONS, JOBS, MAINTENANCE, MODULES

if TYPE_CHECKING:
    from peewee import Database

State: TypeAlias = tuple[int, ...]

_TABLES: Final = (DESTINATIONS, JOBS, MODULES, MAINTENANCE)
_FIGURES: Final = ", ".join(
    f"(SELECT COUNT(*) FROM {table}), (SELECT COALESCE(MAX(id), 0) FROM {table}), "  # noqa: S608 - own names
    f"(SELECT COALESCE(SUM(revision), 0) FROM {table})"
    for table in _TABLES
)


def state(db: Database) -> State:
    """Return figures that are others after every change of what is probed.

    Numbers are never given again and revisions only rise: where count and highest
    number are as before, so are the entries, and where the sum is, too, each is.
    """
    rows: list[Any] = rows_of(db, f"SELECT {_FIGURES}")
    return tuple(map(int, rows[0]))
