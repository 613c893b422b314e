"""Layouts: the upper bounds that a histogram's buckets are counted by.

Bounds are numbers: "1", "1.0" and "1e0" are the same one, and a bucket is found by its
bound and never by its place (R49). A layout has an id made of its contents, the same
on every machine and engine, so that a row names its layout by eight bytes.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from bridge.rollup.rows import Ints

Bounds: TypeAlias = tuple[float, ...]
"""Rising finite upper bounds, then +Inf."""

Lookup: TypeAlias = Callable[[Sequence[int]], Mapping[int, Bounds]]
"""Answers the bounds of those layouts of which they are known."""

TOTAL: Final[Bounds] = (math.inf,)
"""The layout of a histogram of which only the count is known."""

_SEED: Final = b"epimetheus layout"


@lru_cache(maxsize=4096)
def layout_id(bounds: Bounds) -> int:
    """Return the signed 64-bit id of a layout.

    Raises ValueError unless the bounds rise and end with +Inf.
    """
    check(bounds)
    plain = [bound + 0.0 for bound in bounds]  # minus zero is zero
    packed = struct.pack(f"<{len(plain)}d", *plain)
    digest = blake2b(packed, digest_size=8, person=_SEED[:16]).digest()
    return int.from_bytes(digest, "little", signed=True)


def check(bounds: Bounds) -> None:
    """Raise ValueError unless the bounds rise, are numbers and end with +Inf."""
    rising = all(low < high for low, high in itertools.pairwise(bounds))
    if not bounds or not rising or bounds[-1] != math.inf or bounds[0] == -math.inf:
        raise ValueError(f"bounds must rise and end with +Inf, not be {bounds}")


@lru_cache(maxsize=4096)
def shared(one: Bounds, other: Bounds) -> tuple[Bounds, Ints, Ints]:
    """Return the bounds that two layouts share, and where each of them has those."""
    both = tuple(bound for bound in one if bound in frozenset(other))
    return (
        both,
        np.array([one.index(bound) for bound in both], np.int64),
        np.array([other.index(bound) for bound in both], np.int64),
    )


def unknown(ids: Sequence[int]) -> Mapping[int, Bounds]:
    """Know no layout: the look-up of whoever has none."""
    del ids
    return {}
