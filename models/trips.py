"""Round-trip times of a result: their figures, and all of them as bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPE: Final = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Trips:
    """Figures of round-trip times in seconds; None where there are too few.

    Of a single time only the mean is stored, as all others are the same.
    """

    mean: float | None = None
    min: float | None = None
    max: float | None = None
    p50: float | None = None
    p95: float | None = None
    jitter: float | None = None
    packed: bytes | None = None


def trips_of(times: Sequence[float | None]) -> Trips:
    """Return the figures of times in the order of sending, None for what was lost."""
    answered = [time for time in times if time is not None]
    if not answered:
        return Trips()
    if len(answered) == 1:
        return Trips(answered[0], packed=pack(times) if len(times) > 1 else None)
    ordered = sorted(answered)
    steps = [abs(b - a) for a, b in pairwise(answered)]
    return Trips(
        math.fsum(answered) / len(answered),
        ordered[0],
        ordered[-1],
        quantile(ordered, 0.5),
        quantile(ordered, 0.95),
        math.fsum(steps) / len(steps),
        pack(times),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, between neighbours by their distance."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def pack(times: Sequence[float | None]) -> bytes:
    """Return times as little-endian float32, NaN for what was lost."""
    filled = [math.nan if time is None else time for time in times]
    return np.array(filled, dtype=_TYPE).tobytes()


def unpack(
    packed: bytes | None, mean: float | None, sent: int
) -> tuple[float | None, ...]:
    """Return the times of a stored result; see `ProbeResult.rtts`."""
    if packed is not None:
        times = np.frombuffer(packed, dtype=_TYPE).tolist()
        return tuple(None if math.isnan(time) else time for time in times)
    return (None,) * sent if mean is None else (mean,)
