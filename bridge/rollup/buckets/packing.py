"""Numbers of rows as few bytes, and bytes of alike rows as one array.

A blob begins with its kind and its version, then with whatever says how long its parts
are. Blobs that begin alike are read in one call of numpy. All numbers are
little-endian. Counts are written as the narrowest integers that hold a row's largest,
and as floats where they are no integers below 2^53, so that the same counts make the
same bytes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    from bridge.rollup.rows import Floats, Ints

Key = TypeVar("Key", bound="Hashable")


class Kind(IntEnum):
    """What a blob holds: its first byte (R55)."""

    APART = 0
    """Blobs that do not merge with each other, side by side."""
    CLASSIC = 1
    """Increases of buckets by layout, and the last state."""
    EXPONENTIAL = 2
    """Increases of a native histogram, and the last state."""
    DISTRIBUTION = 3
    """Samples of a gauge, counted in exponential buckets."""
    DISTINCT = 4
    """Registers of a HyperLogLog."""


VERSION: Final = 1
"""The second byte of a blob."""

WIDTHS: Final = ("<u1", "<u2", "<u4", "<u8", "<f8")
"""How counts are written, by the code that blobs name it with."""

_LIMITS: Final = np.array([2.0**8, 2.0**16, 2.0**32])
_EXACT: Final = 2.0**53
_FLOAT: Final = 4


def widths(counts: Floats) -> Ints:
    """Return the code of the narrowest type for each row of a matrix of counts."""
    highest = counts.max(axis=1, initial=0.0)
    whole = ((counts >= 0) & (counts == np.floor(counts))).all(axis=1)
    narrow = np.searchsorted(_LIMITS, highest, side="right")
    codes: Ints = np.where(whole & (highest < _EXACT), narrow, _FLOAT)
    return codes


def pack(counts: Floats, code: int) -> list[bytes]:
    """Return each row of a matrix as bytes of one type."""
    return slices(np.ascontiguousarray(counts.astype(WIDTHS[code])))


def slices(rows: NDArray[Any]) -> list[bytes]:
    """Return the bytes of each row of a contiguous array."""
    size = rows.nbytes // max(len(rows), 1)
    raw = rows.tobytes()
    return [raw[at * size : (at + 1) * size] for at in range(len(rows))]


def records(blobs: Sequence[bytes], shape: np.dtype[Any]) -> NDArray[Any]:
    """Return blobs of one shape as an array of records.

    Raises ValueError where one of them has another length.
    """
    if any(len(blob) != shape.itemsize for blob in blobs):
        raise ValueError(f"a blob is damaged: {shape.itemsize} bytes were expected")
    return np.frombuffer(b"".join(blobs), dtype=shape)


def alike(keys: Iterable[Key]) -> dict[Key, list[int]]:
    """Return the places of each key, in rising order."""
    found: dict[Key, list[int]] = {}
    for at, key in enumerate(keys):
        found.setdefault(key, []).append(at)
    return found


def check_version(blob: bytes, kind: Kind) -> None:
    """Raise ValueError for a blob of another kind, or of a version from the future."""
    if len(blob) <= 1 or blob[0] != kind:
        raise ValueError(f"a blob is not of the kind {kind.name.lower()}")
    if blob[1] != VERSION:
        raise ValueError(
            f"a blob of version {blob[1]} cannot be read: only {VERSION} is known"
        )


def runs(owner: Ints) -> Ints:
    """Return where the runs of equal owners begin; owners must not fall."""
    is_new = np.ones(len(owner), np.bool_)
    is_new[1:] = owner[1:] != owner[:-1]
    return np.flatnonzero(is_new)
