"""Series that may satisfy conditions on their name and labels.

The database leaves out what surely does not fit, so that few rows are decoded; the
conditions themselves are checked by whoever asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from models.dialect import is_sqlite, rows_of
from models.queries.series import SeriesRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from peewee import Database

_SELECT: Final = (
    "SELECT id, source, metric, labels, kind, unit, help, workspace, environment, "
    "first_seen, last_seen FROM series"
)
_NAMES_IN_A_STATEMENT: Final = 100


def metric_names(db: Database, workspace: str | None = None) -> list[str]:
    """Return the names of all metrics, sorted."""
    where, params = _where([], {}, workspace, db)
    rows: list[Any] = rows_of(db, f"SELECT DISTINCT metric FROM series{where}", params)  # noqa: S608 - own names
    return sorted(name for (name,) in rows)


def candidates(
    db: Database,
    *,
    metrics: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    workspace: str | None = None,
) -> list[SeriesRow]:
    """Return a superset of the series with these labels and one of these names.

    In the order of their ids; None means any. Labels must not be empty.
    """
    if metrics is not None and len(metrics) > _NAMES_IN_A_STATEMENT:
        metrics = None
    if metrics is not None and not metrics:
        return []
    where, params = _where(metrics or [], labels or {}, workspace, db)
    rows: list[Any] = rows_of(db, f"{_SELECT}{where} ORDER BY id", params)
    return [_row(*row) for row in rows]


def _row(number: int, source: str, metric: str, labels: str, *facts: Any) -> SeriesRow:
    return SeriesRow(number, source, metric, orjson.loads(labels), *facts)


def _where(
    metrics: Sequence[str],
    labels: Mapping[str, str],
    workspace: str | None,
    db: Database,
) -> tuple[str, list[str]]:
    conditions: list[str] = []
    params: list[str] = []
    if metrics:
        conditions.append(f"metric IN ({', '.join('?' * len(metrics))})")
        params += metrics
    position = "instr" if is_sqlite(db) else "strpos"
    for name, value in labels.items():
        conditions.append(f"{position}(labels, ?) > 0")
        params.append(orjson.dumps({name: value}).decode()[1:-1])
    if workspace is not None:
        conditions.append("workspace = ?")
        params.append(workspace)
    return (" WHERE " + " AND ".join(conditions) if conditions else "", params)
