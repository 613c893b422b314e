"""The first rows of series after a time, where rows are kept by series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.base import table_name
from models.dialect import number_list, numbers, rows_of

if TYPE_CHECKING:
    from peewee import Database

    from models.rollup import Ints, Rollup


def first_starts(
    db: Database, table: type[Rollup], series_ids: Ints, since: int
) -> dict[int, int]:
    """Return by series the start of its first row since a time that has a sample.

    Series without one are left out. For hours and days, which are kept by series.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT ids.value, (SELECT r.start "  # noqa: S608 - own names
        f"FROM {table_name(table)} r WHERE r.series_id = ids.value AND r.start >= ? "
        "AND r.last IS NOT NULL ORDER BY r.start LIMIT 1) "
        f"FROM {numbers(db, 'ids')}",
        (since, number_list(db, series_ids)),
    )
    return {number: start for number, start in rows if start is not None}
