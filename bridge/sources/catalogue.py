"""What is known of a server's series, and how its answers become blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import structlog

from bridge.sources.base import Block, Families, Natives, SourceError
from bridge.sources.endings import Endings
from bridge.sources.families import Assembler, Members
from bridge.sources.intervals import Intervals, samples_per_minute
from bridge.sources.known import KnownSeries, Resolve
from bridge.sources.members import Role
from bridge.sources.metadata import Description, Metadata, is_affected
from bridge.sources.natives import NativeSeries, natives_of
from bridge.sources.samples import Runs, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from bridge.sources.api import Api
    from bridge.sources.payload import Matrix
    from bridge.sources.replicas import Replicas
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_NEVER: Final = float("-inf")


class Catalogue:
    """Ids, kinds and scrape intervals of the series of one server.

    What targets say is read again every `refresh` seconds, and once per window where
    it names a metric that nothing is known of. `histograms` answers the metrics that
    were histograms before. All methods are for one thread.
    """

    def __init__(
        self,
        api: Api,
        resolve: Resolve,
        *,
        refresh: float,
        clock: Clock,
        histograms: Callable[[], Collection[str]] = frozenset,
        replica_label: str = "",
    ) -> None:
        self._metadata = Metadata(api.metadata)
        self._intervals = Intervals(api.targets, api.config)
        self._known = KnownSeries(resolve, self._describe, replica_label)
        self._replicas: Replicas | None = None
        self._refresh = refresh
        self._clock = clock
        self._histograms = histograms
        self._assembler = Assembler()
        self._native_ids: set[int] = set()
        self._endings = Endings()
        self._refreshed = _NEVER
        self._changed: set[str] = set()
        self._per_minute = np.zeros(0, np.int64)

    def begin(self, replicas: Replicas | None = None) -> None:
        """Get ready for the answers of a window, of which `replicas` are listened to.

        Raises SourceError when nothing was ever read of the targets; later what is
        known stays valid.
        """
        self._metadata.begin()
        self._replicas = replicas
        self._assembler = Assembler()
        self._native_ids = set()
        self._endings = Endings()
        self._per_minute = np.zeros(0, np.int64)
        now = self._clock.monotonic()
        if self._refreshed == _NEVER:
            self._metadata.histograms |= set(self._histograms())
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

        Members of histograms are kept for `families`. `seen` holds the series that
        earlier answers of the window brought, which are left out here; None where
        answers cannot overlap. Raises SourceError.
        """
        slots = self._known.slots(matrix.metrics)
        slots, matrix = self._fed(slots, matrix)
        self._endings.note(self._known.ids[slots], matrix.ended, span)
        lengths, times, values = matrix.lengths, matrix.times, matrix.values
        member = self._known.role[slots] != Role.ALONE
        if member.any():
            ordered = runs(slots[member], lengths[member], *_of(member, matrix), span)
            self._assembler.add(self._members(ordered))
            times, values = _of(~member, matrix)
            slots, lengths = slots[~member], lengths[~member]
        slots = _one_slot_each(self._known, slots)
        if seen is not None:
            ids = self._known.ids[slots].tolist()
            fresh = np.array([id_ not in seen for id_ in ids], np.bool_)
            seen.update(ids)
            inside = np.repeat(fresh, lengths)
            slots, lengths = slots[fresh], lengths[fresh]
            times, values = times[inside], values[inside]
        ordered = runs(slots, lengths, times, values, span)
        block = Block(
            series_id=self._known.ids[ordered.series],
            offsets=ordered.offsets,
            times=ordered.times,
            values=ordered.values,
            expected=self._expected(ordered.series),
            counter=self._known.counter[ordered.series],
            quantile=self._known.quantile[ordered.series],
        )
        return self._endings.of(block)

    def natives(
        self, series: Sequence[NativeSeries], span: tuple[int, int]
    ) -> Natives | None:
        """Return the native histograms of an answer in `[start, end)` milliseconds.

        Those that are gauges are left out: their counts may fall. None if there are
        none that no earlier answer of the window brought. Raises SourceError.
        """
        slots = self._known.slots([one.metric for one in series], native=True)
        chosen = self._known.counter[slots]
        if self._replicas is not None:
            chosen = chosen & self._feeds(slots)
        if not chosen.all():
            series = [series[at] for at in np.flatnonzero(chosen).tolist()]
            slots = slots[chosen]
        ids = self._known.ids[slots].tolist()
        expected = self._expected(slots).tolist()
        fresh = [at for at, id_ in enumerate(ids) if id_ not in self._native_ids]
        found = natives_of(
            [series[at] for at in fresh],
            [ids[at] for at in fresh],
            [expected[at] for at in fresh],
            span,
        )
        self._native_ids.update(found.series_id.tolist())
        ended = np.array([one.ended for one in series], np.int64)
        self._endings.note(self._known.ids[slots], ended if ended.any() else None, span)
        return self._endings.of(found) if len(found.series_id) else None

    def families(self) -> Iterator[Families]:
        """Yield the histograms whose members the answers of the window brought.

        To be called once all of them are in. A histogram that is native as well is
        left out, as that is the finer one.
        """
        families = self._assembler.families(without=self._native_ids)
        yield from map(self._endings.of, families)

    def end(self) -> None:
        """Hear that the window has been read."""
        self._known.finish_reading()

    def names_of(self, series_id: NDArray[np.int64]) -> list[str]:
        """Return the metrics of series of the window, of a histogram that of a part."""
        names: list[str] = self._known.names[self._known.places(series_id)].tolist()
        return names

    @property
    def names(self) -> AbstractSet[str]:
        """All names of metrics that were ever met."""
        return self._known.ever

    def labels_of(self, series_id: NDArray[np.int64]) -> list[dict[str, str]]:
        """Return the labels of series of the window, of a histogram those of a part."""
        return self._known.labels(self._known.places(series_id))

    def ids(self, matrix: Matrix) -> NDArray[np.int64]:
        """Return the ids of the series of an answer beside those of the window.

        -1 for those of replicas that do not feed their target.
        """
        slots = self._known.slots(matrix.metrics)  # which may meet new series
        return np.where(self._feeds(slots), self._known.ids[slots], -1)

    def _fed(
        self, slots: NDArray[np.int64], matrix: Matrix
    ) -> tuple[NDArray[np.int64], Matrix]:
        """Leave out the series of replicas that do not feed their target."""
        if self._replicas is None:
            return slots, matrix
        feeds = self._feeds(slots)
        inside = np.repeat(feeds, matrix.lengths)
        return slots[feeds], replace(
            matrix,
            lengths=matrix.lengths[feeds],
            times=matrix.times[inside],
            values=matrix.values[inside],
            ended=None if matrix.ended is None else matrix.ended[feeds],
        )

    def _feeds(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        known = self._known
        if self._replicas is None:
            return np.ones(len(slots), np.bool_)
        return self._replicas.feeds(
            known.targets, known.replicas, known.target[slots], known.replica[slots]
        )

    def _expected(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many samples a full minute of the series in slots holds."""
        if len(self._per_minute) != len(self._known.targets):
            intervals = map(self._intervals.of, self._known.targets)
            self._per_minute = np.array([*map(samples_per_minute, intervals)], np.int64)
        return self._per_minute[self._known.target[slots]]

    def _members(self, found: Runs) -> Members:
        lengths = np.diff(found.offsets)
        slots = np.repeat(found.series, lengths)
        return Members(
            family=self._known.ids[slots],
            role=self._known.role[slots],
            bound=self._known.bound[slots],
            text=slots,
            expected=np.repeat(self._expected(found.series), lengths),
            times=found.times,
            values=found.values,
        )

    def _describe(self, labels: Sequence[dict[str, str]]) -> list[Description]:
        described, changed = self._metadata.describe(labels)
        self._changed |= changed
        return described


def _of(
    chosen: NDArray[np.bool_], matrix: Matrix
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return times and values of the chosen series of an answer."""
    inside = np.repeat(chosen, matrix.lengths)
    return matrix.times[inside], matrix.values[inside]


def _one_slot_each(known: KnownSeries, slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return slots of which no two are of one series.

    A server may write the labels of a series in more than one way.
    """
    ids, first, back = np.unique(
        known.ids[slots], return_index=True, return_inverse=True
    )
    return slots if len(ids) == len(slots) else slots[first][back]
