"""The blobs of the `buckets` column, whatever they hold: telling and merging them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.buckets import classic, distinct, exponential_blobs
from bridge.rollup.buckets.packing import VERSION, Kind, check_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self, TypeAlias

    from bridge.rollup.rows import Blobs, Ints

    Key: TypeAlias = tuple[int, int]

__all__ = ["Kind", "Merging", "kind_of", "merge", "parts", "without_state"]

_APART: Final = struct.Struct("<BBB")
_LENGTH: Final = struct.Struct("<I")
_PATIENCE: Final = 8
"""Blobs per row that wait to be merged at once: more is faster, and more memory."""


def kind_of(blob: bytes) -> Kind:
    """Return what a blob holds; raises ValueError where that is not known."""
    if not blob or blob[0] not in set(Kind):
        raise ValueError(f"a blob of an unknown kind: {blob[:1].hex() or 'empty'}")
    kind = Kind(blob[0])
    check_version(blob, kind)
    return kind


def parts(blob: bytes) -> list[bytes]:
    """Return the blobs that a blob holds side by side; nearly always it is one."""
    if blob[0] != Kind.APART:
        return [blob]
    check_version(blob, Kind.APART)
    count, found = blob[2], []
    begin = _APART.size + count * _LENGTH.size
    for at in range(count):
        (size,) = _LENGTH.unpack_from(blob, _APART.size + at * _LENGTH.size)
        found.append(blob[begin : begin + size])
        begin += size
    return found


def without_state(blobs: Blobs) -> Blobs:
    """Return histograms without how they stood last, other blobs as they are.

    None for one by which nothing was observed, where its kind allows to say so.
    """
    found = blobs.copy()
    for kind, strip in (
        (Kind.CLASSIC, classic.without_state),
        (Kind.EXPONENTIAL, exponential_blobs.without_state),
    ):
        places = [at for at, blob in enumerate(blobs) if blob and blob[0] == kind]
        stripped = strip([blobs[at] for at in places])
        for at, blob in zip(places, stripped, strict=True):
            found[at] = blob
    return found


def merge(groups: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return one blob for each group of blobs, which are oldest first and not none.

    Blobs that do not merge, as their kind or the error they promise differs, stay side
    by side: nothing is lost, and nothing promised that is not so (R55). Raises
    ValueError for blobs that are damaged or of a version from the future.
    """
    merged: list[dict[Key, bytes]] = [{} for _ in groups]
    for key, (owner, blobs) in _sorted(groups).items():
        owners, slots = np.unique(owner, return_inverse=True)
        done = _merge(Kind(key[0]), blobs, slots, len(owners))
        for group, blob in zip(owners.tolist(), done, strict=True):
            merged[group][key] = blob
    return [_beside(found) for found in merged]


class Merging:
    """The blobs of rows that are being merged, a slot per row; oldest come first."""

    __slots__ = ("_found", "_size", "_waiting")

    def __init__(self, slots: int) -> None:
        self._size = slots
        self._found: dict[int, list[bytes]] = {}
        self._waiting = 0

    def add(self, slots: Ints | slice, blobs: Blobs) -> None:
        """Add a blob, or None, to each of the slots."""
        given = np.array([blob is not None for blob in blobs.tolist()], np.bool_)
        if not given.any():
            return
        places = np.arange(self._size)[slots][given]
        for place, blob in zip(places.tolist(), blobs[given].tolist(), strict=True):
            self._found.setdefault(place, []).append(blob)
        self._waiting += len(places)
        if self._waiting > _PATIENCE * len(self._found):
            self._fold()

    def spread(self, slots: int, places: Ints) -> Self:
        """Return the same with the slots moved to the places among more slots."""
        wider = type(self)(slots)
        wider._found = {int(places[at]): blobs for at, blobs in self._found.items()}  # noqa: SLF001 - one of its own kind
        return wider

    def result(self) -> Blobs:
        """Return the merged blob of each slot, None where there was none."""
        self._fold()
        merged: Blobs = np.full(self._size, None, np.object_)
        for at, blobs in self._found.items():
            merged[at] = blobs[0]
        return merged

    def _fold(self) -> None:
        several = [at for at, blobs in self._found.items() if len(blobs) > 1]
        merged = merge([self._found[at] for at in several])
        for at, blob in zip(several, merged, strict=True):
            self._found[at] = [blob]
        self._waiting = 0


def _sorted(
    groups: Sequence[Sequence[bytes]],
) -> dict[Key, tuple[Ints, list[bytes]]]:
    """Return the blobs that merge with each other, and which group they are of."""
    owners: dict[Key, list[int]] = {}
    found: dict[Key, list[bytes]] = {}
    for group, blob in _all(groups):
        key = _key(blob)
        owners.setdefault(key, []).append(group)
        found.setdefault(key, []).append(blob)
    return {
        key: (np.array(owner, np.int64), found[key]) for key, owner in owners.items()
    }


def _all(groups: Sequence[Sequence[bytes]]) -> Iterator[tuple[int, bytes]]:
    for group, blobs in enumerate(groups):
        for blob in blobs:
            if blob[0] == Kind.APART:
                for part in parts(blob):
                    yield group, part
            else:
                yield group, blob


def _key(blob: bytes) -> Key:
    if blob[0] == Kind.DISTRIBUTION:
        return (blob[0], exponential_blobs.schema_of(blob))
    return (blob[0], 0)


def _merge(kind: Kind, blobs: Sequence[bytes], owner: Ints, owners: int) -> list[bytes]:
    if kind is Kind.CLASSIC:
        merged = classic.merge(blobs, owner, owners)
        return [blob for blob in merged if blob is not None]
    if kind is Kind.DISTINCT:
        return distinct.merge(blobs, owner, owners)
    return exponential_blobs.merge(kind, blobs, owner, owners)


def _beside(found: dict[Key, bytes]) -> bytes:
    blobs = [found[key] for key in sorted(found)]
    if len(blobs) == 1:
        return blobs[0]
    return b"".join(
        (
            _APART.pack(Kind.APART, VERSION, len(blobs)),
            *(_LENGTH.pack(len(blob)) for blob in blobs),
            *blobs,
        )
    )
