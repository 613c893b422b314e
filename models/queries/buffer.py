"""Keeping raw samples until the windows they belong to are done."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.dialect import rows_of

if TYPE_CHECKING:
    from peewee import Database

    from models.rollup import Floats, Ints

_LEVEL: Final = 1


def encode(series_ids: Ints, times: Ints, values: Floats) -> bytes:
    """Return samples as the payload of a batch; all three are equally long.

    zlib over the three arrays one after the other: int64, int64 and float64, each
    little-endian. Every bit of a value is kept, so staleness markers are too.
    """
    ids = np.asarray(series_ids).astype("<i8", copy=False)
    moments = np.asarray(times).astype("<i8", copy=False)
    numbers = np.asarray(values).astype("<f8", copy=False)
    if not len(ids) == len(moments) == len(numbers):
        raise ValueError(
            f"samples of unequal length: {len(ids)} ids, {len(moments)} times, "
            f"{len(numbers)} values"
        )
    raw = ids.tobytes() + moments.tobytes() + numbers.tobytes()
    return zlib.compress(raw, _LEVEL)


def decode(payload: bytes, samples: int) -> tuple[Ints, Ints, Floats]:
    """Return what `encode` was given; raise ValueError for a damaged payload."""
    try:
        raw = zlib.decompress(payload)
    except zlib.error as error:
        raise ValueError(f"a batch of the buffer is damaged: {error}") from error
    size = 8 * samples
    if len(raw) != 3 * size:
        raise ValueError(
            f"a batch of the buffer is damaged: {len(raw)} bytes for {samples} samples"
        )
    ids = np.frombuffer(raw, "<i8", samples, 0).astype(np.int64)
    times = np.frombuffer(raw, "<i8", samples, size).astype(np.int64)
    values = np.frombuffer(raw, "<f8", samples, 2 * size).astype(np.float64)
    return ids, times, values


def append(  # noqa: PLR0917 - where they belong, and three columns
    db: Database,
    source: str,
    start: int,
    series_ids: Ints,
    times: Ints,
    values: Floats,
) -> None:
    """Add samples of the minute `start` as one batch; `times` are UTC milliseconds."""
    payload = encode(series_ids, times, values)
    sql = (
        "INSERT INTO buffer (source, start, batch, samples, payload) "
        "SELECT ?, ?, COALESCE(MAX(batch), -1) + 1, ?, ? "
        "FROM buffer WHERE source = ? AND start = ?"
    )
    params = (source, start, len(times), payload, source, start)
    db.execute_sql(sql.replace("?", db.param), params)


def batches(db: Database, source: str, start: int) -> int:
    """Return how many batches the minute `start` was given so far."""
    sql = (
        "SELECT COALESCE(MAX(batch), -1) + 1 FROM buffer WHERE source = ? AND start = ?"
    )
    rows: list[Any] = rows_of(db, sql, (source, start))
    return int(rows[0][0])


def read(db: Database, source: str, start: int, end: int) -> tuple[Ints, Ints, Floats]:
    """Return ids, times and values of the minutes in `[start, end)`.

    In the order of minutes and, within each, of arrival.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT payload, samples FROM buffer "
        "WHERE source = ? AND start >= ? AND start < ? ORDER BY start, batch",
        (source, start, end),
    )
    batches = [decode(payload, samples) for payload, samples in rows]
    if not batches:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, np.empty(0, dtype=np.float64)
    ids, times, values = zip(*batches, strict=True)
    return np.concatenate(ids), np.concatenate(times), np.concatenate(values)


def earliest(db: Database, source: str) -> int | None:
    """Return the oldest minute in the buffer, None if it holds nothing."""
    rows: list[Any] = rows_of(
        db, "SELECT MIN(start) FROM buffer WHERE source = ?", (source,)
    )
    found: int | None = rows[0][0]
    return found


def trim(db: Database, source: str, before: int) -> int:
    """Delete the minutes before one; return how many batches went."""
    mark = db.param
    cursor = db.execute_sql(
        f"DELETE FROM buffer WHERE source = {mark} AND start < {mark}",  # noqa: S608 - own names
        (source, before),
    )
    return int(cursor.rowcount)
