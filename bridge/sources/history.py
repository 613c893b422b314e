"""What a server has of the past: since when, and whether it was recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.sources.base import Presence, Warnings
from bridge.sources.payload import decode_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sources.api import Api
    from bridge.sources.selectors import Selector

_SECOND: Final = 1000
_MINUTE: Final = 60_000


def earliest_ms(api: Api, selector: Selector, start_ms: int, end_ms: int) -> int | None:
    """Return the second of the earliest sample in a span, None if there is none.

    The server's index says cheaply, but only by blocks of hours or weeks, where series
    may be; no samples are read before that. Raises SourceError.
    """
    low = start_ms // _SECOND * _SECOND
    if not api.has_series(selector, low, end_ms):
        return None
    indexed = _bisect(
        low, end_ms, _MINUTE, lambda until: api.has_series(selector, low, until)
    )
    found = _gallop(api, selector, indexed, end_ms)
    if found is None:
        return None
    first, width = found
    second = _bisect(
        first,
        first + width,
        _SECOND,
        lambda until: api.has_samples(selector, first, until),
    )
    return max(second, start_ms)


def presence(api: Api, selector: Selector, start_ms: int, end_ms: int) -> Presence:
    """Tell whether series of a selector, such as `up`, were sampled in a span.

    The interval is the shortest that two samples of a series are apart. Raises
    SourceError.
    """
    matrix = decode_matrix(api.raw(selector, start_ms, end_ms), Warnings())
    inside = (matrix.times >= start_ms) & (matrix.times < end_ms)
    owner = np.repeat(np.arange(len(matrix.lengths)), matrix.lengths)[inside]
    steps = np.diff(matrix.times[inside])[np.diff(owner) == 0]
    steps = steps[steps > 0]
    return Presence(bool(inside.any()), int(steps.min()) if len(steps) else None)


def _bisect(low: int, high: int, precision: int, reaches: Callable[[int], bool]) -> int:
    """Return the last multiple of the precision above `low` that does not reach it."""
    while high - low > precision:
        middle = low + (high - low) // 2 // precision * precision
        middle = max(middle, low + precision)
        if reaches(middle):
            high = middle
        else:
            low = middle
    return low


def _gallop(
    api: Api, selector: Selector, low: int, end_ms: int
) -> tuple[int, int] | None:
    """Return the start and width of the first span with a sample, None if none.

    Widths double, so that long gaps take few requests and short ones read little.
    """
    width = _MINUTE
    while low < end_ms:
        width = min(width, end_ms - low)
        if api.has_samples(selector, low, low + width):
            return low, width
        low += width
        width *= 2
    return None
