"""Blobs of exponential histograms: increases of native ones, and distributions.

Both have the same parts; only a native histogram has a state: how it stood last, from
where the next window measures its first step. Buckets are written side by side from
the first to the last, or each with its index where that is shorter. The format:

    kind, version, parts (1 without a state, 2 with it): u8
    for each part and its positive and negative side: encoding, width: u8, buckets: u16
    for each part: schema i8, zero threshold f64, zero count f64, count f64,
        `_sum` f64 (NaN unknown), first index i32 of both sides
    for each part and side: indices where they are written, counts
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.rollup.buckets.cells import Cells, tidy, total
from bridge.rollup.buckets.packing import (
    VERSION,
    WIDTHS,
    Kind,
    alike,
    check_version,
    records,
    slices,
    widths,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.rows import Floats, Ints

_HEAD: Final = struct.Struct("<BBB")
_SIDE: Final = struct.Struct("<BBH")
_DENSE: Final = 0
_INDICES: Final = ("", "<i2", "<i4")
"""How the indices of buckets are written, by encoding."""
_FIXED: Final = np.dtype(
    [
        ("schema", "<i1"),
        ("threshold", "<f8"),
        ("zero", "<f8"),
        ("count", "<f8"),
        ("total", "<f8"),
        ("first", "<i4", (2,)),
    ]
)
_SMALL: Final = 1 << 15


@dataclass(frozen=True, slots=True)
class Standing:
    """How native histograms stood: the histogram of `owner[i]`, and its `_sum`."""

    owner: Ints
    cells: Cells
    total: Floats


def encode(
    kind: Kind, cells: Cells, stood: Cells | None = None, totals: Floats | None = None
) -> list[bytes]:
    """Return a blob for each histogram, with its state where `stood` is given."""
    parts = [_encoded(cells, None)]
    if stood is not None:
        parts.append(_encoded(stood, totals))
    head = _HEAD.pack(kind, VERSION, len(parts))
    return [
        b"".join((head, *(section for part in whole for section in part)))
        for whole in (
            (
                [sides for sides, _, _ in blob],
                [fixed for _, fixed, _ in blob],
                [body for _, _, body in blob],
            )
            for blob in zip(*parts, strict=True)
        )
    ]


def merge(kind: Kind, blobs: Sequence[bytes], owner: Ints, owners: int) -> list[bytes]:
    """Return the merged blob of each owner, each of which has one at least.

    The blobs are sorted by owner and, of each owner, oldest first. Distributions of
    different schemas do not merge, as their errors differ: ValueError (R55).
    """
    cells, _ = increases(kind, blobs)
    merged = total(cells, owner, owners)
    if kind is Kind.DISTRIBUTION and np.any(merged.schema[owner] != cells.schema):
        schemas = ", ".join(map(str, np.unique(cells.schema).tolist()))
        raise ValueError(f"distributions of the schemas {schemas} do not merge")
    if kind is Kind.DISTRIBUTION:
        return encode(kind, merged)
    last = np.append(np.flatnonzero(owner[1:] != owner[:-1]), len(owner) - 1)
    has_state = np.array([blobs[at][2] > 1 for at in last.tolist()], np.bool_)
    if not has_state.any():
        return encode(kind, merged)
    found = np.full(owners, None, np.object_)
    found[~has_state] = encode(kind, merged.take(np.flatnonzero(~has_state)))
    some = np.flatnonzero(has_state)
    stood = standing([blobs[at] for at in last[some].tolist()], np.arange(len(some)))
    found[some] = encode(kind, merged.take(some), stood.cells, stood.total)
    merged_blobs: list[bytes] = found.tolist()
    return merged_blobs


def without_state(blobs: Sequence[bytes]) -> list[bytes]:
    """Return the increases of each native histogram alone."""
    return encode(Kind.EXPONENTIAL, increases(Kind.EXPONENTIAL, blobs)[0])


def increases(kind: Kind, blobs: Sequence[bytes]) -> tuple[Cells, Floats]:
    """Return the histograms of blobs, and NaN for each."""
    return _decoded(kind, blobs, 0)


def standing(blobs: Sequence[bytes], owner: Ints) -> Standing:
    """Return the states of blobs of native histograms."""
    cells, totals = _decoded(Kind.EXPONENTIAL, blobs, 1)
    return Standing(owner, cells, totals)


def schema_of(blob: bytes) -> int:
    """Return the resolution of the increases in a blob."""
    schema: int = np.frombuffer(
        blob, np.int8, count=1, offset=_HEAD.size + 2 * _SIDE.size * blob[2]
    ).item()
    return schema


def _encoded(cells: Cells, totals: Floats | None) -> list[tuple[bytes, bytes, bytes]]:
    """Return sides, fixed fields and buckets of each histogram as bytes."""
    fixed = np.zeros(len(cells), _FIXED)
    fixed["schema"] = cells.schema
    fixed["threshold"] = cells.threshold
    fixed["zero"] = cells.zero
    fixed["count"] = cells.count
    fixed["total"] = np.nan if totals is None else totals
    heads: list[list[bytes]] = []
    bodies: list[list[bytes]] = []
    for side in (0, 1):
        one, body = _side(cells, fixed["first"][:, side], negative=bool(side))
        heads.append(one)
        bodies.append(body)
    return [
        (positive + negative, middle, body + other)
        for positive, negative, middle, body, other in zip(
            *heads, slices(fixed), *bodies, strict=True
        )
    ]


def _side(
    cells: Cells, first: Ints, *, negative: bool
) -> tuple[list[bytes], list[bytes]]:
    """Return head and buckets of one side of each histogram; fill in `first`."""
    chosen = cells.negative == negative
    owner, index = cells.owner[chosen], cells.index[chosen]
    number = cells.number[chosen]
    ends = np.searchsorted(owner, np.arange(len(cells) + 1))
    begin, size = ends[:-1], np.diff(ends)
    heads = [_SIDE.pack(_DENSE, 0, 0)] * len(cells)
    bodies = [b""] * len(cells)
    some = np.flatnonzero(size)
    if not len(some):
        return heads, bodies
    low, high = index[begin[some]], index[ends[1:][some] - 1]
    first[some] = low
    highest = np.maximum.reduceat(number, begin[some])
    whole = np.logical_and.reduceat(
        (number >= 0) & (number == np.floor(number)), begin[some]
    )
    code = widths(np.where(whole, highest, 0.5)[:, None])
    item = np.array([np.dtype(one).itemsize for one in WIDTHS])[code]
    wide = np.maximum(np.abs(low), np.abs(high)) >= _SMALL
    span = high - low + 1
    sparse = size[some] * (item + np.where(wide, 4, 2)) < span * item
    mode = np.where(sparse, np.where(wide, 2, 1), _DENSE)
    length = np.where(sparse, size[some], span)
    for key, places in alike(
        zip(mode.tolist(), code.tolist(), length.tolist(), strict=True)
    ).items():
        at = np.array(places, np.int64)
        packed = _bodies(key, begin[some][at], size[some][at], index, number)
        head = _SIDE.pack(*key)
        for blob, body in zip(some[at].tolist(), packed, strict=True):
            heads[blob], bodies[blob] = head, body
    return heads, bodies


def _bodies(
    key: tuple[int, int, int], begin: Ints, size: Ints, index: Ints, number: Floats
) -> list[bytes]:
    mode, code, length = key
    if mode != _DENSE:
        cells = begin[:, None] + np.arange(length)
        rows = np.zeros(
            len(begin), [("at", _INDICES[mode], length), ("of", WIDTHS[code], length)]
        )
        rows["at"], rows["of"] = index[cells], number[cells]
        return slices(rows)
    dense = np.zeros((len(begin), length), WIDTHS[code])
    row = np.repeat(np.arange(len(begin)), size)
    within = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    cell = np.repeat(begin, size) + within
    dense[row, index[cell] - index[begin][row]] = number[cell]
    return slices(dense)


def _decoded(kind: Kind, blobs: Sequence[bytes], part: int) -> tuple[Cells, Floats]:
    fixed = np.zeros(len(blobs), _FIXED)
    found: list[tuple[Ints, int, Ints, Floats]] = []
    for header, places in alike(map(_header, blobs)).items():
        check_version(header, kind)
        rows = records([blobs[at] for at in places], _shape(header))
        at = np.array(places, np.int64)
        fixed[at] = rows[f"fixed {part}"]
        for side in (0, 1):
            index, number = _cells(rows, part, side)
            owner = np.repeat(at, number.shape[1])
            found.append((owner, side, index.ravel(), number.ravel()))
    cells = _gathered(found)
    return (
        Cells(
            fixed["schema"].astype(np.int64),
            fixed["threshold"].astype(np.float64),
            fixed["zero"].astype(np.float64),
            fixed["count"].astype(np.float64),
            *cells,
        ),
        fixed["total"].astype(np.float64),
    )


def _gathered(found: Sequence[tuple[Ints, int, Ints, Floats]]) -> tuple[Any, ...]:
    if not found:
        return tidy(*(np.zeros(0, kind) for kind in (int, bool, int, float)))
    return tidy(
        np.concatenate([owner for owner, _, _, _ in found]),
        np.concatenate([np.full(len(owner), side == 1) for owner, side, _, _ in found]),
        np.concatenate([index for _, _, index, _ in found]),
        np.concatenate([number for _, _, _, number in found]),
    )


def _cells(rows: Any, part: int, side: int) -> tuple[Ints, Floats]:
    """Return indices and counts of a side, a row per blob."""
    number = rows[f"counts {part} {side}"].astype(np.float64)
    name = f"indices {part} {side}"
    if name in rows.dtype.names:
        return rows[name].astype(np.int64), number
    first = rows[f"fixed {part}"]["first"][:, side].astype(np.int64)
    return first[:, None] + np.arange(number.shape[1]), number


def _header(blob: bytes) -> bytes:
    return blob[: _HEAD.size + 2 * _SIDE.size * blob[2]]


@lru_cache(maxsize=65536)
def _shape(header: bytes) -> np.dtype[Any]:
    parts = header[2]
    sides = list(_SIDE.iter_unpack(header[_HEAD.size :]))
    fields: list[Any] = [("header", f"V{len(header)}")]
    fields += [(f"fixed {part}", _FIXED) for part in range(parts)]
    for place, (mode, code, length) in enumerate(sides):
        part, side = divmod(place, 2)
        if mode != _DENSE:
            fields.append((f"indices {part} {side}", _INDICES[mode], (length,)))
        fields.append((f"counts {part} {side}", WIDTHS[code], (length,)))
    return np.dtype(fields)
