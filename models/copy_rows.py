"""Rollup rows in PostgreSQL's binary COPY format, made by numpy.

The format: https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format". A row is
the number of its fields and, for each, its length and its bytes, big-endian; a NULL has
the length -1 and no bytes. Rows with the same NULLs have the same size, so each such
group is one structured array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.rollup import COLUMNS

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NARROW: Final = frozenset({"resets", "flags"})
"""Columns of four bytes."""


def binary_copy(columns: Sequence[NDArray[Any]]) -> bytes:
    """Return the columns of COLUMNS as one binary COPY stream, NaN as NULL.

    Rows keep their order within each group of rows that have the same NULLs.
    """
    nulls = np.zeros(len(columns[0]), dtype=np.int64)
    for index, column in enumerate(columns):
        if column.dtype.kind == "f":
            nulls |= np.isnan(column).astype(np.int64) << index
    parts = [_HEADER]
    for pattern in np.unique(nulls):
        parts.append(_group(columns, nulls == pattern, int(pattern)))
    parts.append(_TRAILER)
    return b"".join(parts)


def _group(
    columns: Sequence[NDArray[Any]], chosen: NDArray[np.bool_], pattern: int
) -> bytes:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for index, name in enumerate(COLUMNS):
        fields.append((f"{name} length", ">i4"))
        if not pattern >> index & 1:
            fields.append((name, _type_of(name, columns[index])))
    rows = np.empty(np.count_nonzero(chosen), dtype=np.dtype(fields))
    rows["fields"] = len(COLUMNS)
    for index, name in enumerate(COLUMNS):
        if pattern >> index & 1:
            rows[f"{name} length"] = -1
        else:
            rows[f"{name} length"] = rows.dtype[name].itemsize
            rows[name] = columns[index][chosen]
    return rows.tobytes()


def _type_of(name: str, column: NDArray[Any]) -> str:
    if column.dtype.kind == "f":
        return ">f8"
    return ">i4" if name in _NARROW else ">i8"
