"""What a source knows of first samples: whether a target was scraped without them.

A counter that was not there at a scrape a moment ago has risen from nothing since
(RULES R25). Pure: who asks brings the scrapes and the samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from numpy.typing import NDArray

    Key = TypeVar("Key", bound=Hashable)


def newest_scrapes(
    targets: Sequence[Key],
    earliest_ms: NDArray[np.int64],
    first_ms: NDArray[np.int64],
    scrapes: Mapping[Key, NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Return the newest scrape of each target in `[earliest, first)`, 0 for none.

    `scrapes` are when each target was scraped with success, rising; times are UTC
    milliseconds.
    """
    codes: dict[Key, int] = {}
    target = np.array([codes.setdefault(one, len(codes)) for one in targets], np.int64)
    newest = np.zeros(len(targets), np.int64)
    for name, code in codes.items():
        times = scrapes.get(name)
        if times is None or not len(times):
            continue
        of = np.flatnonzero(target == code)
        at = np.searchsorted(times, first_ms[of]) - 1
        found = times[np.maximum(at, 0)]
        newest[of] = np.where((at >= 0) & (found >= earliest_ms[of]), found, 0)
    return newest


def were_there(
    series_id: NDArray[np.int64],
    earliest_ms: NDArray[np.int64],
    samples: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.bool_]:
    """Return which series have one of the samples (ids, times) at `earliest` or later.

    `series_id` does not repeat.
    """
    order = np.argsort(series_id)
    ids, times = samples
    at = np.minimum(np.searchsorted(series_id[order], ids), len(order) - 1)
    owner = order[at]
    there = np.zeros(len(series_id), np.bool_)
    mine = series_id[owner] == ids
    there[owner[mine & (times >= earliest_ms[owner])]] = True
    return there
