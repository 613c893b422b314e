"""Native histograms in the shape a person writes and reads them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.buckets import exponential_blobs
from bridge.rollup.buckets.exponential import aggregate
from bridge.rollup.buckets.packing import Kind
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import Exponential, Natives
from tests.bridge.rollup.families import after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bridge.rollup.rows import Rows

NAN = math.nan


@dataclass(frozen=True, slots=True)
class Native:
    """A histogram at a time: buckets by index, `count` being what is in them."""

    time: int
    positive: Mapping[int, float] = field(default_factory=dict)
    negative: Mapping[int, float] = field(default_factory=dict)
    zero: float = 0.0
    schema: int = 0
    threshold: float = 2.0**-128
    sum: float = 0.0
    nan: float = 0.0
    custom: tuple[float, ...] = ()
    reset: bool = False

    def exponential(self) -> Exponential:
        inside = sum(self.positive.values()) + sum(self.negative.values())
        return Exponential(
            schema=self.schema,
            zero_threshold=self.threshold,
            zero_count=self.zero,
            count=inside + self.zero + self.nan,
            sum=self.sum,
            positive=_side(self.positive),
            negative=_side(self.negative),
            custom=self.custom,
            reset=self.reset,
        )


def natives(*histories: Iterable[Native]) -> Natives:
    """Series with the ids 1, 2, ..."""
    listed = [list(history) for history in histories]
    every = [one for history in listed for one in history]
    return Natives(
        series_id=np.arange(1, len(listed) + 1),
        offsets=np.cumsum([0, *map(len, listed)], dtype=np.int64),
        times=np.array([one.time for one in every], np.int64),
        expected=np.full(len(listed), 4),
        histograms=tuple(one.exponential() for one in every),
    )


def windows(
    history: Iterable[Native], resolution: Resolution = Resolution.MINUTE
) -> list[Rows]:
    """The rows of all windows of a series that hold scrapes, done one by one."""
    grouped: dict[int, list[Native]] = {}
    for one in history:
        grouped.setdefault(resolution.floor(one.time // 1000), []).append(one)
    done: list[Rows] = []
    for start, some in grouped.items():
        last = done[-1] if done else None
        rows, _ = aggregate(natives(some), Window(start, resolution), after(last))
        done.append(rows)
    return done


def inside(blob: bytes | None, kind: Kind = Kind.EXPONENTIAL) -> dict[str, object]:
    """What the increases in a blob are."""
    assert blob is not None
    cells, _ = exponential_blobs.increases(kind, [blob])
    sides: dict[bool, dict[int, float]] = {False: {}, True: {}}
    for negative, index, number in zip(
        cells.negative.tolist(),
        cells.index.tolist(),
        cells.number.tolist(),
        strict=True,
    ):
        sides[negative][index] = number
    return {
        "schema": int(cells.schema[0]),
        "threshold": float(cells.threshold[0]),
        "zero": float(cells.zero[0]),
        "count": float(cells.count[0]),
        "positive": sides[False],
        "negative": sides[True],
    }


def counted(values: Iterable[int]) -> dict[int, float]:
    """How often each value is there."""
    return {value: float(times) for value, times in Counter(values).items()}


def _side(buckets: Mapping[int, float]) -> tuple[int, np.ndarray]:
    if not buckets:
        return 0, np.zeros(0)
    first, last = min(buckets), max(buckets)
    return first, np.array([buckets.get(at, 0.0) for at in range(first, last + 1)])
