"""Rollup rows in PostgreSQL's binary COPY format, made by numpy.

The format: https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format". A row is
the number of its fields and, for each, its length and its bytes, big-endian; a NULL has
the length -1 and no bytes. Rows with the same NULLs and blobs of the same length have
the same size, so each such group is one structured array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_NARROW: Final = frozenset({"resets", "flags", "last_offset"})
"""Columns of four bytes."""
_SIZE_BITS: Final = 32
"""Bits for the size of a blob, which PostgreSQL keeps below 2^30 bytes."""


def binary_copy(columns: Sequence[NDArray[Any]]) -> bytes:
    """Return the columns of COLUMNS as one binary COPY stream, NaN and None as NULL.

    Rows keep their order within each group of rows that have the same NULLs and blobs
    of the same length.
    """
    nulls = np.zeros(len(columns[0]), dtype=np.int64)
    size = np.zeros(len(columns[0]), dtype=np.int64)
    for index, column in enumerate(columns):
        if column.dtype.kind == "f":
            nulls |= np.isnan(column).astype(np.int64) << index
        elif column.dtype.kind == "O":
            size = np.fromiter(map(_size, column), np.int64, len(column))
            nulls |= (size < 0).astype(np.int64) << index
    shape = nulls << _SIZE_BITS | (size + 1)
    groups = (
        _group(columns, shape == one, one >> _SIZE_BITS)
        for one in np.unique(shape).tolist()
    )
    return b"".join((_HEADER, *groups, _TRAILER))


def _size(blob: bytes | None) -> int:
    return -1 if blob is None else len(blob)


def _group(
    columns: Sequence[NDArray[Any]], chosen: NDArray[np.bool_], pattern: int
) -> bytes:
    fields = [("fields", ">i2")]
    for index, name in enumerate(COLUMNS):
        type_ = _type_of(name, columns[index][chosen])
        fields += [(f"{name} length", ">i4"), (name, type_)]
    present = [field for field in fields if not _is_null(field[0], pattern)]
    rows = np.empty(np.count_nonzero(chosen), dtype=np.dtype(present))
    rows["fields"] = len(COLUMNS)
    for index, name in enumerate(COLUMNS):
        if _is_null(name, pattern):
            rows[f"{name} length"] = -1
        else:
            rows[f"{name} length"] = rows.dtype[name].itemsize
            rows[name] = _filled(columns[index][chosen], rows.dtype[name])
    return rows.tobytes()


def _is_null(field: str, pattern: int) -> bool:
    return field in COLUMNS and bool(pattern >> COLUMNS.index(field) & 1)


def _type_of(name: str, column: NDArray[Any]) -> str:
    if column.dtype.kind == "f":
        return ">f8"
    if column.dtype.kind == "O":
        return f"V{max(_size(column[0]), 0)}"
    return ">i4" if name in _NARROW else ">i8"


def _filled(column: NDArray[Any], type_: np.dtype[Any]) -> NDArray[Any]:
    """Return a column as its type wants it; blobs of one length are joined."""
    if column.dtype.kind != "O":
        return column
    return np.frombuffer(b"".join(column), type_)
