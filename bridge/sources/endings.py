"""When the series of a window ended, for sources that are told stale markers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bridge.sources.base import Block, Families, Natives
from bridge.sources.stale import after_last

if TYPE_CHECKING:
    from numpy.typing import NDArray

Part = TypeVar("Part", Block, Families, Natives)


class Endings:
    """Stale markers of a window by series id; a family has those of its members."""

    def __init__(self) -> None:
        self._markers: dict[int, int] = {}
        self._told = False

    def note(
        self,
        ids: NDArray[np.int64],
        markers: NDArray[np.int64] | None,
        span: tuple[int, int],
    ) -> None:
        """Hear of the newest marker of each series, 0 for none; None tells nothing.

        Those outside `[start, end)` milliseconds are left out.
        """
        if markers is None:
            return
        self._told = True
        there = (markers >= span[0]) & (markers < span[1]) & (markers != 0)
        for number, at in zip(
            ids[there].tolist(), markers[there].tolist(), strict=True
        ):
            self._markers[number] = max(at, self._markers.get(number, at))

    def of(self, part: Part) -> Part:
        """Return a part of the window with when its series ended, if that is told."""
        if not self._told:
            return part
        ended = np.zeros(len(part.series_id), np.int64)
        if self._markers:
            get = self._markers.get
            marker = np.array([get(n, 0) for n in part.series_id.tolist()], np.int64)
            ended = after_last(marker, part.times, part.offsets)
        return replace(part, ended=ended)
