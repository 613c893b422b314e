"""Blobs of classic histograms: increases by bucket, and how the buckets stood last.

A blob has a segment for each layout by which something was observed, by rising id.
Segments add up bucket by bucket whatever the order; the state is that of the newest
blob, and its layout always has a segment. The format:

    kind, version, segments, segment of the state (255 none), width of the state: u8
    for each segment: layout id i64, buckets u16, width u8
    for each segment: the increase of each bucket by itself
    state: the cumulative buckets, then `_sum` as f64 (NaN unknown)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bridge.rollup.buckets.layouts import TOTAL, layout_id
from bridge.rollup.buckets.packing import (
    VERSION,
    WIDTHS,
    Kind,
    alike,
    check_version,
    pack,
    records,
    runs,
    widths,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bridge.rollup.rows import Floats, Ints

_HEAD: Final = struct.Struct("<BBBBB")
_SEGMENT: Final = struct.Struct("<qHB")
_NO_STATE: Final = 255


@dataclass(frozen=True, slots=True)
class Pile:
    """Buckets of one layout: a row of `counts` per owner; owners rise."""

    owner: Ints
    counts: Floats


@dataclass(frozen=True, slots=True)
class State:
    """How the buckets of a histogram stood: its layout and its packed figures."""

    layout: int
    width: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """States of one layout in columns: cumulative buckets and `_sum` per owner."""

    owner: Ints
    cumulative: Floats
    total: Floats


def encode(
    piles: Mapping[int, Pile], states: Sequence[State | None]
) -> list[bytes | None]:
    """Return a blob per owner, as many as there are states; None for the empty.

    `piles` are increases by layout id; each owner has a row in the pile of the layout
    of its state. Segments of nothing but zeros are left out, but for that one.
    """
    segments: list[list[bytes]] = [[] for _ in states]
    bodies: list[list[bytes]] = [[] for _ in states]
    places: list[int] = [_NO_STATE] * len(states)
    for layout, pile in sorted(piles.items()):
        codes = widths(pile.counts)
        empty = pile.counts.max(axis=1, initial=0.0) == 0
        for code in np.unique(codes).tolist():
            chosen = codes == code
            head = _SEGMENT.pack(layout, pile.counts.shape[1], code)
            rows = zip(
                pile.owner[chosen].tolist(),
                empty[chosen].tolist(),
                pack(pile.counts[chosen], code),
                strict=True,
            )
            for owner, nothing, body in rows:
                state = states[owner]
                if state is not None and state.layout == layout:
                    places[owner] = len(segments[owner])
                elif nothing:
                    continue
                segments[owner].append(head)
                bodies[owner].append(body)
    return [
        _blob(*parts) for parts in zip(segments, bodies, states, places, strict=True)
    ]


def _blob(
    segments: Sequence[bytes], bodies: Sequence[bytes], state: State | None, place: int
) -> bytes | None:
    if not segments:
        return None
    if len(segments) >= _NO_STATE:
        raise ValueError(f"a histogram changed its layout {len(segments)} times")
    width, tail = (0, b"") if state is None else (state.width, state.packed)
    head = _HEAD.pack(Kind.CLASSIC, VERSION, len(segments), place, width)
    return b"".join((head, *segments, *bodies, tail))


def pack_states(
    layout: int, cumulative: Floats, totals: Floats
) -> Iterable[tuple[int, State]]:
    """Yield the state of each row of cumulative buckets of a layout, by row."""
    codes = widths(cumulative)
    for code in np.unique(codes).tolist():
        places = np.flatnonzero(codes == code)
        sums = totals[places].astype("<f8")
        packed = zip(places.tolist(), pack(cumulative[places], code), sums, strict=True)
        for at, body, total in packed:
            yield at, State(layout, code, body + total.tobytes())


def merge(blobs: Sequence[bytes], owner: Ints, owners: int) -> list[bytes | None]:
    """Return the merged blob of each owner.

    The blobs are sorted by owner and, of each owner, oldest first. Where there are more
    layouts than a blob names, what was counted by all but the newest is only counted:
    no window must be left without rows for that.
    """
    states = _newest(blobs, owner, owners)
    return encode(_few(increases(blobs, owner), states), states)


def without_state(blobs: Sequence[bytes]) -> list[bytes | None]:
    """Return the increases of each blob alone, None where there are none."""
    none: list[State | None] = [None] * len(blobs)
    return encode(increases(blobs, np.arange(len(blobs))), none)


def increases(blobs: Sequence[bytes], owner: Ints) -> dict[int, Pile]:
    """Return what the blobs of each owner add up to, by layout id; owners rise."""
    parts: dict[int, list[Pile]] = {}
    for header, places in alike(map(_header, blobs)).items():
        found = records([blobs[at] for at in places], _shape(header))
        owners = owner[places]
        begin = runs(owners)
        for number, (layout, _, _) in enumerate(_segments(header)):
            counts = found[f"segment {number}"].astype(np.float64)
            sums = np.add.reduceat(counts, begin, axis=0)
            parts.setdefault(layout, []).append(Pile(owners[begin], sums))
    return {layout: _joined(piles) for layout, piles in parts.items()}


def standing(blobs: Sequence[bytes], owner: Ints) -> dict[int, Standing]:
    """Return the states of blobs that have one, by layout id; one blob per owner."""
    parts: dict[int, list[Standing]] = {}
    for header, places in alike(map(_header, blobs)).items():
        state = _state(header)
        if state is None:
            continue
        found = records([blobs[at] for at in places], _shape(header))
        cumulative = found["state"].astype(np.float64)
        part = Standing(owner[places], cumulative, found["total"].astype(np.float64))
        parts.setdefault(state[0], []).append(part)
    return {
        layout: Standing(
            np.concatenate([part.owner for part in some]),
            np.concatenate([part.cumulative for part in some]),
            np.concatenate([part.total for part in some]),
        )
        for layout, some in parts.items()
    }


def layouts(blob: bytes) -> list[int]:
    """Return the ids of the layouts that a blob has segments of, rising."""
    return [layout for layout, _, _ in _segments(_header(blob))]


def _few(
    piles: Mapping[int, Pile], states: Sequence[State | None]
) -> Mapping[int, Pile]:
    """Have no owner with more piles than a blob has segments."""
    if len(piles) < _NO_STATE:
        return piles
    every = np.concatenate([pile.owner for pile in piles.values()])
    crowded = np.bincount(every, minlength=len(states)) >= _NO_STATE
    if not crowded.any():
        return piles
    newest = np.array([0 if state is None else state.layout for state in states])
    few: dict[int, list[Pile]] = {}
    for layout, pile in piles.items():
        many = crowded[pile.owner] & (newest[pile.owner] != layout)
        few.setdefault(layout, []).append(Pile(pile.owner[~many], pile.counts[~many]))
        counted = pile.counts[many].sum(axis=1, keepdims=True)
        few.setdefault(layout_id(TOTAL), []).append(Pile(pile.owner[many], counted))
    return {layout: _joined(some) for layout, some in few.items()}


def _joined(piles: Sequence[Pile]) -> Pile:
    if len(piles) == 1:
        return piles[0]
    owners = np.unique(np.concatenate([pile.owner for pile in piles]))
    counts = np.zeros((len(owners), piles[0].counts.shape[1]))
    for pile in piles:
        counts[np.searchsorted(owners, pile.owner)] += pile.counts
    return Pile(owners, counts)


def _newest(blobs: Sequence[bytes], owner: Ints, owners: int) -> list[State | None]:
    states: list[State | None] = [None] * owners
    places: dict[int, int] = {}
    for at, (blob, number) in enumerate(zip(blobs, owner.tolist(), strict=True)):
        if blob[3] != _NO_STATE:
            places[number] = at
    for number, at in places.items():
        blob = blobs[at]
        state = _state(_header(blob))
        if state is not None:
            layout, width, size = state
            states[number] = State(layout, width, blob[-size:])
    return states


def _header(blob: bytes) -> bytes:
    return blob[: _HEAD.size + _SEGMENT.size * blob[2]]


@lru_cache(maxsize=65536)
def _segments(header: bytes) -> tuple[tuple[int, int, int], ...]:
    """Return (layout, buckets, width) of each segment; raises ValueError."""
    check_version(header, Kind.CLASSIC)
    return tuple(_SEGMENT.iter_unpack(header[_HEAD.size :]))


@lru_cache(maxsize=65536)
def _state(header: bytes) -> tuple[int, int, int] | None:
    """Return layout, width and bytes of the state; None if there is none."""
    *_, place, width = _HEAD.unpack_from(header)
    if place == _NO_STATE:
        return None
    layout, buckets, _ = _segments(header)[place]
    return layout, width, buckets * np.dtype(WIDTHS[width]).itemsize + 8


@lru_cache(maxsize=65536)
def _shape(header: bytes) -> np.dtype[Any]:
    fields: list[Any] = [("header", f"V{len(header)}")]
    for number, (_, buckets, width) in enumerate(_segments(header)):
        fields.append((f"segment {number}", WIDTHS[width], (buckets,)))
    *_, place, width = _HEAD.unpack_from(header)
    if place != _NO_STATE:
        buckets = _segments(header)[place][1]
        fields += [("state", WIDTHS[width], (buckets,)), ("total", "<f8")]
    return np.dtype(fields)
