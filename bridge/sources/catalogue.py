"""What is known of a server's series, and how its answers become blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import structlog

from bridge.sources.base import Block, SourceError
from bridge.sources.intervals import Intervals, samples_per_minute
from bridge.sources.known import KnownSeries, Resolve
from bridge.sources.metadata import Description, Metadata, describe, is_affected
from bridge.sources.samples import runs
from bridge.sources.selectors import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bridge.sources.api import Api
    from bridge.sources.payload import Matrix
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_NEVER: Final = float("-inf")


class Catalogue:
    """Ids, kinds and scrape intervals of the series of one server.

    What targets say is read again every `refresh` seconds, and once per window where
    it names a metric that nothing is known of. All methods are for one thread.
    """

    def __init__(
        self, api: Api, resolve: Resolve, *, refresh: float, clock: Clock
    ) -> None:
        self._metadata = Metadata(api.metadata)
        self._intervals = Intervals(api.targets, api.config)
        self._known = KnownSeries(resolve, self._describe)
        self._refresh = refresh
        self._clock = clock
        self._refreshed = _NEVER
        self._changed: set[str] = set()
        self._per_minute = np.zeros(0, np.int64)

    def begin(self) -> None:
        """Get ready for the answers of a window.

        Raises SourceError when nothing was ever read of the targets; later what is
        known stays valid.
        """
        self._metadata.begin()
        self._per_minute = np.zeros(0, np.int64)
        now = self._clock.monotonic()
        if now - self._refreshed >= self._refresh:
            try:
                self._changed |= self._metadata.refresh()
                self._intervals.refresh()
            except SourceError as error:
                if self._refreshed == _NEVER:
                    raise
                log.warning("targets could not be read again", error=str(error))
            else:
                self._refreshed = now
        if self._changed:
            changed, self._changed = self._changed, set()
            self._known.forget(lambda name: is_affected(name, changed))

    def block(
        self, matrix: Matrix, span: tuple[int, int], seen: set[int] | None
    ) -> Block:
        """Return the samples of an answer in `[start, end)` milliseconds as a block.

        `seen` holds the series that earlier answers of the window brought, which are
        left out here; None where answers cannot overlap. Raises SourceError.
        """
        slots = _one_slot_each(self._known, self._known.slots(matrix.metrics))
        lengths, times, values = matrix.lengths, matrix.times, matrix.values
        if seen is not None:
            ids = self._known.ids[slots].tolist()
            fresh = np.array([id_ not in seen for id_ in ids], np.bool_)
            seen.update(ids)
            inside = np.repeat(fresh, lengths)
            slots, lengths = slots[fresh], lengths[fresh]
            times, values = times[inside], values[inside]
        ordered = runs(slots, lengths, times, values, span)
        return Block(
            series_id=self._known.ids[ordered.series],
            offsets=ordered.offsets,
            times=ordered.times,
            values=ordered.values,
            expected=self._expected(ordered.series),
            counter=self._known.counter[ordered.series],
        )

    def end(self) -> None:
        """Hear that the window has been read."""
        self._known.finish_reading()

    def _expected(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many samples a full minute of the series in slots holds."""
        if len(self._per_minute) != len(self._known.targets):
            intervals = map(self._intervals.of, self._known.targets)
            self._per_minute = np.array([*map(samples_per_minute, intervals)], np.int64)
        return self._per_minute[self._known.target[slots]]

    def _describe(self, labels: Sequence[dict[str, str]]) -> list[Description]:
        self._changed |= self._metadata.learn(
            found[NAME] for found in labels if NAME in found
        )
        families = self._metadata.families
        return [describe(found.get(NAME, ""), found, families) for found in labels]


def _one_slot_each(known: KnownSeries, slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return slots of which no two are of one series.

    A server may write the labels of a series in more than one way.
    """
    ids, first, back = np.unique(
        known.ids[slots], return_index=True, return_inverse=True
    )
    return slots if len(ids) == len(slots) else slots[first][back]
