"""The source `buffer`: accepted raw samples, until their windows are rolled up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import numpy as np

from bridge.sources.base import Block, Families, Presence, Warnings
from bridge.sources.endings import Endings
from bridge.sources.evidence import newest_scrapes, were_there
from bridge.sources.families import Assembler, Members
from bridge.sources.intervals import Target, samples_per_minute
from bridge.sources.members import Role
from bridge.sources.samples import Runs, sort
from bridge.sources.selectors import NAME
from bridge.sources.stale import is_stale, newest
from bridge.sources.starts import BACK_MS, CREATED, Part, Starts
from models.directory import SeriesFacts, canonical
from models.queries import buffer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from bridge.sources.known import Resolve
    from models.database import Database
    from runtime.clock import Clock

T = TypeVar("T")
_MINUTE: Final = 60
_SERIES: Final = 5000


class Call(Protocol):
    """Runs a job on the writer and returns its result."""

    def __call__(self, name: str, job: Callable[[], T], /) -> T:
        """Run it, waiting until it is done."""


class BufferSource:
    """Samples of the buffer as a source; see `bridge.sources.base.Source`.

    Which series are counters the table says, not the source. `describe` answers the
    metrics and labels of ids, and `resolve` the ids of series. `interval_ms` is how far
    samples are apart (0 where that differs), `keep_raw` for how many seconds samples
    stay after their window is done. The clock is the bridge's own, as its receivers set
    the times.
    """

    def __init__(
        self,
        name: str,
        db: Database,
        *,
        describe: Callable[[Sequence[int]], Sequence[tuple[str, Mapping[str, str]]]],
        resolve: Resolve,
        interval_ms: int,
        keep_raw: float,
        clock: Clock,
        call: Call,
    ) -> None:
        self._name = name
        self._db = db
        self._describe = describe
        self._resolve = resolve
        self._interval_ms = interval_ms
        self._keep_raw = keep_raw
        self._clock = clock
        self._call = call
        self._trimmed: int | None = None

    @property
    def name(self) -> str:
        """The name in config.yaml."""
        return self._name

    def now_ms(self) -> int:
        """Return the clock of the receivers, UTC milliseconds."""
        return round(self._clock.now() * 1000)

    def earliest_ms(self, not_before_ms: int) -> int | None:
        """Return the time of the earliest sample since then, None if there is none."""
        oldest = buffer.earliest(self._db, self._name)
        if oldest is None:
            return None
        first = max(oldest, _floor(not_before_ms))
        for start in range(first, _floor(self.now_ms()) + 1, _MINUTE):
            times = buffer.read(self._db, self._name, start, start + _MINUTE).times
            times = times[times >= not_before_ms]
            if len(times):
                return int(times.min())
        return None

    def read(
        self,
        start_ms: int,
        end_ms: int,
        warnings: Warnings,
    ) -> Iterator[Block | Families]:
        """Yield all samples of `[start_ms, end_ms)`, each series in one block."""
        stored = self._stored(start_ms, end_ms)
        stale = is_stale(stored.values)
        endings = Endings()
        if stale.any():
            ended, back = np.unique(stored.ids[stale], return_inverse=True)
            order = np.argsort(back, kind="stable")
            markers = stored.times[stale][order]
            each = newest(np.ones(len(order), np.bool_), markers, np.bincount(back))
            endings.note(ended, each, (start_ms, end_ms))
        alone = stored.only(~stale & (stored.parts == Role.ALONE))
        ordered = sort(alone.ids, alone.times, alone.values)
        warnings.hold(len(ordered.times))
        starts = Starts()
        self._hear_starts(starts, ordered)
        if unsure := starts.unsure(start_ms):
            before = self._samples(start_ms - BACK_MS, start_ms)
            before = before.only(before.parts == Role.ALONE)
            ordered_before = sort(before.ids, before.times, before.values)
            self._hear_starts(starts, ordered_before, frozenset(unsure))
        for first in range(0, len(ordered.series), _SERIES):
            block = self._block(ordered, first, first + _SERIES)
            yield endings.of(self._told(block, starts))
        members = stored.only(~stale & (stored.parts != Role.ALONE))
        for families in self._families(members):
            warnings.hold(len(families.times))
            yield endings.of(self._told(families, starts))

    def presence(self, start_ms: int, end_ms: int) -> Presence:
        """Tell whether anything was accepted at all during `[start_ms, end_ms)`."""
        recording = len(self._samples(start_ms, end_ms).times) > 0
        return Presence(recording=recording, interval_ms=self._interval_ms or None)

    def absent(
        self,
        series_id: NDArray[np.int64],
        earliest_ms: NDArray[np.int64],
        first_ms: NDArray[np.int64],
        since_ms: int,
    ) -> NDArray[np.int64]:
        """Tell when the targets of new series were scraped without them (R25)."""
        ids, times, values, *_ = self._samples(
            int(earliest_ms.min()), int(first_ms.max())
        )
        labels = [labels for _, labels in self._describe(series_id.tolist())]
        targets = [(one.get("job", ""), one.get("instance", "")) for one in labels]
        scrapes = {
            target: np.sort(times[(ids == up) & (values == 1)])
            for target, up in self._ups(list(dict.fromkeys(targets)))
        }
        found = newest_scrapes(targets, earliest_ms, first_ms, scrapes)
        before = times < since_ms
        there = were_there(series_id, earliest_ms, (ids[before], times[before]))
        return np.where(there, 0, found)

    def count(self, start_ms: int, end_ms: int) -> int | None:
        """Return how many samples of `[start_ms, end_ms)` are in the buffer now.

        The parts that a scrape brought of a histogram count as one.
        """
        ids, times, values, *_ = self._samples(start_ms, end_ms)
        return len(sort(ids, times, values).times)

    def done(self, end_ms: int) -> None:
        """Delete what is no longer needed once all windows before then are done."""
        # Windows of the future are "done" where the clock was set back.
        end_ms = min(end_ms, self.now_ms())
        before = _floor(end_ms - round(self._keep_raw * 1000))
        if self._trimmed is None or before > self._trimmed:
            self._call("trim_buffer", lambda: buffer.trim(self._db, self._name, before))
            self._trimmed = before

    def close(self) -> None:
        """Nothing to let go of: the database has its own owner."""

    def _ups(self, targets: Sequence[Target]) -> Iterator[tuple[Target, int]]:
        """Yield targets with the ids of their `up`, which each scrape writes."""
        names = ({"job": job, "instance": instance} for job, instance in targets)
        facts = [SeriesFacts("up", canonical(one), "gauge") for one in names]
        yield from zip(targets, self._resolve(facts).tolist(), strict=True)

    def _samples(self, start_ms: int, end_ms: int) -> buffer.Samples:
        stored = self._stored(start_ms, end_ms)
        return stored.only(~is_stale(stored.values))

    def _stored(self, start_ms: int, end_ms: int) -> buffer.Samples:
        """Return the samples of `[start, end)` with stale markers."""
        until = _floor(end_ms - 1) + _MINUTE
        stored = buffer.read(self._db, self._name, _floor(start_ms), until)
        return stored.only((stored.times >= start_ms) & (stored.times < end_ms))

    def _families(self, members: buffer.Samples) -> Iterator[Families]:
        assembler = Assembler()
        expected = samples_per_minute(self._interval_ms)
        assembler.add(
            Members(
                family=members.ids,
                role=members.parts,
                bound=members.bounds,
                text=np.zeros(len(members.ids), np.int64),
                expected=np.full(len(members.ids), expected, np.int64),
                times=members.times,
                values=members.values,
            )
        )
        return assembler.families()

    def _hear_starts(
        self, starts: Starts, ordered: Runs, names: Collection[str] = ()
    ) -> None:
        """Hear what the series `_created` say, only those of some names if given."""
        described = self._describe(ordered.series.tolist())
        for place, (metric, labels) in enumerate(described):
            if metric.endswith(CREATED) and (not names or metric in names):
                inside = slice(ordered.offsets[place], ordered.offsets[place + 1])
                times, values = ordered.times[inside], ordered.values[inside]
                starts.add({NAME: metric, **labels}, times, values)

    def _told(self, part: Part, starts: Starts) -> Part:
        """Return a part of the window with when its counts began."""
        if not starts:
            return part
        described = self._describe(part.series_id.tolist())
        return starts.of(
            part,
            [metric for metric, _ in described],
            lambda places: [described[place][1] for place in places.tolist()],
        )

    def _block(self, ordered: Runs, first: int, last: int) -> Block:
        series = ordered.series[first:last]
        offsets = ordered.offsets[first : last + 1]
        inside = slice(offsets[0], offsets[-1])
        expected = samples_per_minute(self._interval_ms)
        return Block(
            series_id=series,
            offsets=offsets - offsets[0],
            times=ordered.times[inside],
            values=ordered.values[inside],
            expected=np.full(len(series), expected, np.int64),
            counter=np.zeros(len(series), np.bool_),
        )


def _floor(milliseconds: int) -> int:
    """Return the minute that holds a time, in seconds."""
    return milliseconds // 1000 // _MINUTE * _MINUTE
