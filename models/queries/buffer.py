"""Keeping raw samples until the windows they belong to are done."""

from __future__ import annotations

import zlib
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from models.dialect import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from peewee import Database

    from models.rollup import Floats, Ints

_LEVEL: Final = 1
_TYPES: Final = ("<i8", "<i8", "<f8", "<i1", "<f8")
_PLAIN: Final = 3
"""How many of the arrays are stored of samples that are no parts of histograms."""


class Samples(NamedTuple):
    """Samples as equally long arrays: series ids, UTC milliseconds, values.

    `parts` say what part of its series a sample is: 0 all of it, or of a histogram 1 a
    bucket, of which `bounds` has the upper bound, 2 the sum and 3 the count.
    """

    ids: Ints
    times: Ints
    values: Floats
    parts: NDArray[np.int8]
    bounds: Floats

    @classmethod
    def plain(cls, ids: Ints, times: Ints, values: Floats) -> Samples:
        """Return samples none of which is a part of a histogram."""
        size = len(ids)
        return cls(ids, times, values, np.zeros(size, np.int8), np.zeros(size))

    def only(self, which: NDArray[np.bool_]) -> Samples:
        """Return the samples at which `which` holds."""
        return self._made([column[which] for column in self])

    @classmethod
    def join(cls, batches: Iterable[Samples]) -> Samples:
        """Return the samples of all batches, of which there must be one."""
        columns = zip(*batches, strict=True)
        return cls._made([np.concatenate(column) for column in columns])

    @classmethod
    def _made(cls, columns: Sequence[NDArray[Any]]) -> Samples:
        return cls(*columns)


def encode(samples: Samples) -> bytes:
    """Return samples as the payload of a batch.

    zlib over the arrays one after the other, each little-endian: int64, int64 and
    float64, and, where any sample is a part of a histogram, int8 and float64. Every bit
    of a value is kept, so staleness markers are too.
    """
    lengths = [len(column) for column in samples]
    if len(set(lengths)) != 1:
        ids, times, values, *_ = lengths
        raise ValueError(
            f"samples of unequal length: {ids} ids, {times} times, {values} values"
        )
    stored = len(_TYPES) if samples.parts.any() else _PLAIN
    columns = zip(samples[:stored], _TYPES[:stored], strict=True)
    raw = b"".join(
        np.asarray(column).astype(kind, copy=False).tobytes()
        for column, kind in columns
    )
    return zlib.compress(raw, _LEVEL)


def decode(payload: bytes, samples: int) -> Samples:
    """Return what `encode` was given; raise ValueError for a damaged payload."""
    try:
        raw = zlib.decompress(payload)
    except zlib.error as error:
        raise ValueError(f"a batch of the buffer is damaged: {error}") from error
    sizes = [np.dtype(kind).itemsize * samples for kind in _TYPES]
    if len(raw) not in {sum(sizes), sum(sizes[:_PLAIN])}:
        raise ValueError(
            f"a batch of the buffer is damaged: {len(raw)} bytes for {samples} samples"
        )
    ends = list(accumulate(sizes))
    found = [
        np.frombuffer(raw, kind, samples, end - size).astype(kind[1:])
        for kind, size, end in zip(_TYPES, sizes, ends, strict=True)
        if end <= len(raw)
    ]
    return Samples.plain(*found) if len(found) == _PLAIN else Samples(*found)


def append(db: Database, source: str, start: int, samples: Samples) -> None:
    """Add samples of the minute `start` as one batch."""
    payload = encode(samples)
    sql = (
        "INSERT INTO buffer (source, start, batch, samples, payload) "
        "SELECT ?, ?, COALESCE(MAX(batch), -1) + 1, ?, ? "
        "FROM buffer WHERE source = ? AND start = ?"
    )
    params = (source, start, len(samples.times), payload, source, start)
    db.execute_sql(sql.replace("?", db.param), params)


def batches(db: Database, source: str, start: int) -> int:
    """Return how many batches the minute `start` was given so far."""
    sql = (
        "SELECT COALESCE(MAX(batch), -1) + 1 FROM buffer WHERE source = ? AND start = ?"
    )
    rows: list[Any] = rows_of(db, sql, (source, start))
    return int(rows[0][0])


def read(db: Database, source: str, start: int, end: int) -> Samples:
    """Return the samples of the minutes in `[start, end)`.

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
        return Samples.plain(empty, empty, np.empty(0, dtype=np.float64))
    return Samples.join(batches)


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
