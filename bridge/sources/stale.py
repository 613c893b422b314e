"""Stale markers: samples that say that a series ended, and are no values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STALE: Final = 0x7FF0000000000002
"""The bits of the NaN that marks the end of a series (RULES R11)."""


def is_stale(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which values are stale markers; any other NaN is none."""
    marked: NDArray[np.bool_] = values.view(np.int64) == STALE
    return marked


def newest(
    marked: NDArray[np.bool_], times: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the time of the last marker of each entry, 0 where there is none.

    Entry i has the next `lengths[i]` times (UTC milliseconds).
    """
    found = np.zeros(len(lengths), np.int64)
    owner = np.repeat(np.arange(len(lengths)), lengths)[marked]
    np.maximum.at(found, owner, times[marked])
    return found


def after_last(
    marker: NDArray[np.int64], times: NDArray[np.int64], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return markers that come after the last sample of their series, else 0.

    Series i has the times `offsets[i]:offsets[i + 1]`, at least one.
    """
    return np.where(marker > times[offsets[1:] - 1], marker, 0)
