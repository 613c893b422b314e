"""Native histograms with custom bounds: classic ones by another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.sources.base import Families, Natives

if TYPE_CHECKING:
    from bridge.rollup.rows import Bools

CUSTOM: Final = -53
"""The schema of histograms that bring their own bounds."""


def mixed(natives: Natives, custom: Bools, by_bounds: Bools) -> Bools:
    """Return which series have histograms of both kinds."""
    of_series = np.repeat(by_bounds, np.diff(natives.offsets))
    running = np.append(0, np.cumsum(of_series != custom))
    some: Bools = running[natives.offsets[1:]] > running[natives.offsets[:-1]]
    return some


def chosen(natives: Natives, series: Bools, kept: Bools) -> Natives:
    """Return some series with those of their histograms that are kept."""
    size = np.diff(natives.offsets)
    taken = np.repeat(series, size) & kept
    running = np.append(0, np.cumsum(taken))
    sizes = (running[natives.offsets[1:]] - running[natives.offsets[:-1]])[series]
    return Natives(
        natives.series_id[series],
        np.append(0, np.cumsum(sizes)),
        natives.times[taken],
        natives.expected[series],
        tuple(natives.histograms[at] for at in np.flatnonzero(taken).tolist()),
        None if natives.started is None else natives.started[taken],
        None if natives.absent is None else natives.absent[series],
        None if natives.ended is None else natives.ended[series],
    )


def families(natives: Natives) -> Families:
    """Return histograms with custom bounds as classic families."""
    bounds = tuple(dict.fromkeys((*one.custom, np.inf) for one in natives.histograms))
    width = max(map(len, bounds), default=1)
    cumulative = np.full((len(natives.histograms), width), np.nan)
    layout = np.zeros(len(natives.histograms), np.int64)
    for at, one in enumerate(natives.histograms):
        layout[at] = bounds.index((*one.custom, np.inf))
        first, counts = one.positive
        filled = np.zeros(len(one.custom) + 1)
        filled[first : first + len(counts)] = counts[: len(filled) - first]
        cumulative[at, : len(filled)] = np.cumsum(filled)
    return Families(
        natives.series_id,
        natives.offsets,
        natives.times,
        natives.expected,
        np.array([one.count for one in natives.histograms], np.float64),
        np.array([one.sum for one in natives.histograms], np.float64),
        bounds,
        layout,
        cumulative,
        natives.started,
        natives.absent,
        natives.ended,
    )
