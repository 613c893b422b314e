"""Families in the shape a person writes and reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.buckets import classic
from bridge.rollup.buckets.histograms import aggregate
from bridge.rollup.buckets.layouts import Bounds, Lookup, layout_id
from bridge.rollup.tail import Previous
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import Families

if TYPE_CHECKING:
    from bridge.rollup.rows import Rows

NAN = math.nan
INF = math.inf
SMALL: Bounds = (1.0, 2.0, INF)
"""A layout of three buckets."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """A family at a time (UTC milliseconds): cumulative buckets, `_sum`, `_count`.

    No `count` is that of the last bucket.
    """

    time: int
    buckets: tuple[float, ...] = ()
    sum: float = 0.0
    count: float | None = None
    bounds: Bounds = SMALL
    started: int = 0


def families(*histories: list[Scrape], expected: int = 4) -> Families:
    """Families with the ids 1, 2, ..."""
    scrapes = [scrape for history in histories for scrape in history]
    bounds = tuple(dict.fromkeys(one.bounds for one in scrapes if one.buckets))
    width = max((len(one) for one in bounds), default=1)
    cumulative = np.full((len(scrapes), width), NAN)
    for at, scrape in enumerate(scrapes):
        cumulative[at, : len(scrape.buckets)] = scrape.buckets
    return Families(
        series_id=np.arange(1, len(histories) + 1),
        offsets=np.cumsum([0, *map(len, histories)], dtype=np.int64),
        times=np.array([one.time for one in scrapes], np.int64),
        expected=np.full(len(histories), expected),
        observations=np.array(
            [
                (one.buckets or (NAN,))[-1] if one.count is None else one.count
                for one in scrapes
            ],
            np.float64,
        ),
        totals=np.array([one.sum for one in scrapes], np.float64),
        bounds=bounds,
        layout=np.array(
            [bounds.index(one.bounds) if one.buckets else -1 for one in scrapes],
            np.int64,
        ),
        cumulative=cumulative,
        started=np.array([one.started for one in scrapes], np.int64),
    )


def after(rows: Rows | None) -> Previous:
    """What rows of one series leave to the next window."""
    if rows is None or not len(rows):
        return Previous.unknown(1)
    times = rows.start * 1000 + rows.last_offset
    return Previous(rows.last, times, rows.buckets)


def windows(
    history: list[Scrape],
    resolution: Resolution = Resolution.MINUTE,
    known: dict[int, Bounds] | None = None,
) -> list[Rows]:
    """The rows of all windows of a family that hold scrapes, done one by one."""
    known = {} if known is None else known
    done: list[Rows] = []
    grouped: dict[int, list[Scrape]] = {}
    for scrape in history:
        start = resolution.floor(scrape.time // 1000)
        grouped.setdefault(start, []).append(scrape)
    last: Rows | None = None
    for start, some in grouped.items():
        rows, layouts = aggregate(
            families(some), Window(start, resolution), after(last), lookup=_in(known)
        )
        known.update(layouts)
        done.append(rows)
        last = rows if len(rows) and rows.count[0] else last
    return done


def _in(known: dict[int, Bounds]) -> Lookup:
    return lambda ids: {one: known[one] for one in ids if one in known}


def segments(blob: bytes | None) -> dict[int, list[float]]:
    """The increases of the buckets in a blob, by layout id."""
    if blob is None:
        return {}
    found = classic.increases([blob], np.zeros(1, np.int64))
    return {layout: pile.counts[0].tolist() for layout, pile in found.items()}


def small(*increases: float) -> dict[int, list[float]]:
    """What `segments` returns of buckets of the small layout."""
    return {layout_id(SMALL): list(increases)}
