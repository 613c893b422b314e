"""Rollup rows for tests: made from short facts, generated, and compared exactly."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from models.queries.rollups import Columns
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from peewee import Database

FLOATS = {"sum", "min", "max", "first", "last", "increase"}
EMPTY: dict[str, Any] = {
    name: np.nan if name in FLOATS else None if name == "buckets" else 0
    for name in COLUMNS
}
TYPES: dict[str, Any] = {
    name: float if name in FLOATS else object if name == "buckets" else np.int64
    for name in COLUMNS
}


def row(series_id: int, start: int, **facts: Any) -> dict[str, Any]:
    """Return one row: integers 0, floats NaN and no buckets unless given."""
    return EMPTY | {"series_id": series_id, "start": start} | facts


def columns(rows: Iterable[dict[str, Any]]) -> Columns:
    """Return rows as columns."""
    listed = list(rows)
    arrays: list[Any] = [
        np.array([one[name] for one in listed], TYPES[name]) for name in COLUMNS
    ]
    return Columns(*arrays)


def bits(value: Any) -> Any:
    """Return a value so that floats are equal only if all their bits are."""
    if isinstance(value, memoryview):
        return bytes(value)
    return struct.pack(">d", value) if isinstance(value, float) else value


def stored(db: Database, table: str) -> list[tuple[Any, ...]]:
    """Return all that a rollup table holds, by series and start, floats as bits."""
    names = ", ".join(COLUMNS)
    found = db.execute_sql(f"SELECT {names} FROM {table} ORDER BY series_id, start")
    return [tuple(bits(value) for value in one) for one in found.fetchall()]


def as_stored(rows: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what `stored` gives for rows that were written in this order."""
    newest = {(one["series_id"], one["start"]): one for one in rows}
    return [
        tuple(_as_stored(newest[key][name]) for name in COLUMNS)
        for key in sorted(newest)
    ]


def _as_stored(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return None if np.isnan(value) else bits(value + 0.0)


def generated(
    series_ids: st.SearchStrategy[int], starts: st.SearchStrategy[int]
) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return lists of rows of which no two have the same series and start."""
    facts: dict[str, st.SearchStrategy[Any]] = {
        "count": st.integers(0, 2**63 - 1),
        "resets": st.integers(0, 2**31 - 1),
        "expected": st.integers(0, 2**40),
        "flags": st.integers(0, 2**31 - 1),
        "last_offset": st.integers(0, 86_399_999),
        "gap": st.integers(0, 2**40),
        "changes": st.integers(0, 2**40),
        "buckets": st.none() | st.binary(min_size=1, max_size=20),
    }
    one = st.fixed_dictionaries(
        {"series_id": series_ids, "start": starts}
        | {name: facts.get(name, st.floats(width=64)) for name in COLUMNS[2:]}
    )
    return st.lists(
        one, max_size=40, unique_by=lambda row: (row["series_id"], row["start"])
    )
