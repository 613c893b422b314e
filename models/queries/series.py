"""Which series there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from models.dialect import number_list, numbers, rows_of
from models.folded import MARK

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from peewee import Database

    from models.rollup import Ints

_COLUMNS: Final = (
    "id",
    "source",
    "metric",
    "labels",
    "kind",
    "unit",
    "help",
    "workspace",
    "environment",
    "first_seen",
    "last_seen",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM series"  # noqa: S608 - own names


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A row of the series table with its labels as a mapping."""

    id: int
    source: str
    metric: str
    labels: dict[str, str]
    kind: str
    unit: str
    help: str
    workspace: str
    environment: str
    first_seen: int
    last_seen: int


def by_metric(
    db: Database, metric: str, workspace: str | None = None
) -> list[SeriesRow]:
    """Return the series of a metric in the order of their ids."""
    return _series(db, {"metric": metric, "workspace": workspace})


def everything(db: Database, workspace: str | None = None) -> list[SeriesRow]:
    """Return all series in the order of their ids."""
    return _series(db, {"workspace": workspace})


def of_source(db: Database, source: str) -> list[SeriesRow]:
    """Return the series of a source in the order of their ids."""
    return _series(db, {"source": source})


def overflow_ids(db: Database, source: str) -> Ints:
    """Return the ids of the series that others of a source are folded into, rising."""
    rows: list[Any] = rows_of(
        db,
        "SELECT id FROM series WHERE source = ? AND labels LIKE ? ORDER BY id",
        (source, f"%{MARK}%"),
    )
    return np.array([number for (number,) in rows], np.int64)


def by_ids(db: Database, ids: Ints) -> list[SeriesRow]:
    """Return the series of some ids, in the order of their ids."""
    names = ", ".join(f"s.{name}" for name in _COLUMNS)
    rows: list[Any] = rows_of(
        db,
        f"SELECT {names} FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN series s WHERE s.id = ids.value ORDER BY s.id",
        (number_list(db, ids),),
    )
    found = ((*row[:3], orjson.loads(row[3]), *row[4:]) for row in rows)
    return [SeriesRow(*row) for row in found]


def count_by_source(db: Database, workspace: str | None = None) -> dict[str, int]:
    """Return how many series each source has, by its name."""
    where, params = _where({"workspace": workspace})
    rows: list[Any] = rows_of(
        db,
        f"SELECT source, COUNT(*) FROM series{where} GROUP BY source ORDER BY source",  # noqa: S608 - own names
        params,
    )
    return dict(rows)


def ids_of_source(db: Database, source: str) -> Ints:
    """Return the ids of all series of a source, rising."""
    rows: list[Any] = rows_of(
        db, "SELECT id FROM series WHERE source = ? ORDER BY id", (source,)
    )
    return np.array([number for (number,) in rows], dtype=np.int64)


def kinds_of(db: Database, ids: Ints) -> NDArray[np.str_]:
    """Return the kind of the series of each id, `unknown` where there is none."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT s.id, s.kind FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN series s WHERE s.id = ids.value AND s.kind <> 'unknown'",
        (number_list(db, ids),),
    )
    kinds = dict(rows)
    if not kinds:  # as always, for series that nothing will ever be known of
        return np.full(len(ids), "unknown")
    return np.array([kinds.get(one, "unknown") for one in ids.tolist()], np.str_)


def histograms(db: Database, source: str) -> set[str]:
    """Return the metrics of a source that are histograms."""
    rows: list[Any] = rows_of(
        db,
        "SELECT DISTINCT metric FROM series WHERE source = ? AND kind = 'histogram'",
        (source,),
    )
    return {metric for (metric,) in rows}


def _series(db: Database, filters: dict[str, str | None]) -> list[SeriesRow]:
    where, params = _where(filters)
    rows: list[Any] = rows_of(db, f"{_SELECT}{where} ORDER BY id", params)
    found = ((*row[:3], orjson.loads(row[3]), *row[4:]) for row in rows)
    return [SeriesRow(*row) for row in found]


def _where(filters: dict[str, str | None]) -> tuple[str, tuple[str, ...]]:
    asked = {name: value for name, value in filters.items() if value is not None}
    conditions = " AND ".join(f"{name} = ?" for name in asked)
    return (f" WHERE {conditions}" if asked else "", tuple(asked.values()))
