"""Scraping: the bridge asks targets itself where no Prometheus is in between.

What a scrape brings goes into the buffer, all of it or nothing, together with what
Prometheus would record of the scrape: `up` and its companions.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import structlog

from bridge.receivers.endpoint import Endpoint, Place, ScrapeError
from bridge.receivers.exposition import Exposition
from bridge.receivers.intake import append
from bridge.sources.stale import STALE
from bridge.writer import WriterFull, WriterStopped
from models.queries.buffer import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bridge.sources.buffer import Call
    from bridge.sources.known import Resolve
    from bridge.telemetry import Telemetry
    from models.database import Database
    from runtime import settings
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_AHEAD_MS: Final = 10 * 60 * 1000
"""How far in the future a target may date its samples, as in Prometheus."""

_OWN: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)


_Dated: TypeAlias = "list[tuple[int, float] | None]"
"""Of each sample its time and value, None where the target gives no time."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A scrape that brought nothing; `time_ms` is when it began, UTC."""

    job: str
    instance: str
    time_ms: int
    reason: str
    message: str


class Scraper:
    """Scrapes the targets of one source into the buffer.

    `resolve` returns the ids of series, `call` runs a job on the writer and raises
    WriterFull when too many wait, `on_failure` hears of each scrape that failed.
    Different targets may be scraped at once.
    """

    def __init__(
        self,
        source: settings.ScrapeSource,
        *,
        resolve: Resolve,
        db: Database,
        call: Call,
        telemetry: Telemetry,
        clock: Clock,
        on_failure: Callable[[Failure], None],
    ) -> None:
        self._name = source.name
        self._keep_raw_ms = round(source.keep_raw * 1000)
        self._resolve = resolve
        self._db = db
        self._call = call
        self._telemetry = telemetry
        self._clock = clock
        self._on_failure = on_failure
        self._endpoints = {
            target: Endpoint(
                target, timeout=source.timeout, max_samples=source.max_samples
            )
            for target in source.targets
        }
        self._own_ids: dict[settings.Target, NDArray[np.int64]] = {}
        self._told: dict[settings.Target, dict[Place, tuple[int, float]]] = {}
        self._there: dict[settings.Target, dict[Place, None]] = {}
        self._closed = threading.Event()
        self._failing: dict[settings.Target, tuple[str, str]] = {}

    def scrape(self, target: settings.Target) -> None:
        """Scrape one of the settings' targets once, and keep what it brought.

        A target that fails is recorded as down. When the writer cannot keep up, the
        scrape is dropped and counted; one that `close` cuts off leaves nothing.
        """
        endpoint = self._endpoints[target]
        time_ms = round(self._clock.now() * 1000)
        began = self._clock.monotonic()
        failure: ScrapeError | None = None
        try:
            found = endpoint.fetch()
        except ScrapeError as error:
            if self._closed.is_set():
                return
            found, failure = Exposition(), error
        seconds = self._clock.monotonic() - began
        self._telemetry.scrape_seconds.labels(self._name).observe(seconds)
        try:
            self._keep(target, found, time_ms, seconds, up=failure is None)
            outcome = failure.reason if failure else "ok"
        except (WriterFull, WriterStopped) as error:
            log.warning("a scrape was dropped", target=target.url, reason=str(error))
            self._count_dropped("writer_busy", len(found.values))
            outcome = "dropped"
        self._telemetry.scrapes.labels(self._name, outcome).inc()
        self._log_change(target, failure)
        if failure is not None:
            job, instance = endpoint.job, endpoint.instance
            told = Failure(job, instance, time_ms, failure.reason, str(failure))
            self._on_failure(told)

    def close(self) -> None:
        """Close the connections, from any thread."""
        self._closed.set()
        for endpoint in self._endpoints.values():
            endpoint.close()

    def _keep(
        self,
        target: settings.Target,
        found: Exposition,
        time_ms: int,
        seconds: float,
        *,
        up: bool,
    ) -> None:
        endpoint = self._endpoints[target]
        places, added = list[Place](), 0
        if up:
            places, added = endpoint.places(found, self._resolve)
        samples = len(found.values)
        own = [float(up), seconds, float(samples), float(samples), float(added)]
        if target not in self._own_ids:
            facts = [endpoint.own_facts(metric) for metric in _OWN]
            self._own_ids[target] = self._resolve(facts)
        dated = _dated(found)
        batch = _batch(places, found, self._own_ids[target], own, time_ms)
        news = self._news(target, places, dated)
        kept = self._in_time(
            batch.only(np.append(news, np.ones(len(own), bool))), time_ms
        )
        there = {
            place: None
            for place, at in zip(places, found.times, strict=True)
            if at is None
        }
        gone = [one for one in self._there.get(target, ()) if one not in there]
        kept = Samples.join([kept, _markers(gone, time_ms)])
        now = int(self._clock.now())
        self._call("buffer_scrape", lambda: append(self._db, self._name, kept, now))
        self._there[target] = there
        if up:
            told = zip(places, dated, strict=True)
            self._told[target] = {place: sample for place, sample in told if sample}

    def _news(
        self, target: settings.Target, places: Sequence[Place], dated: _Dated
    ) -> NDArray[np.bool_]:
        """Say what a target does not date itself, or has not told before (RULES R15).

        It may tell the same old sample at every scrape, which is no reason to do its
        window again.
        """
        before = self._told.get(target, {})
        news = (
            sample is None or before.get(place) != sample
            for place, sample in zip(places, dated, strict=True)
        )
        return np.fromiter(news, np.bool_, len(places))

    def _in_time(self, batch: Samples, time_ms: int) -> Samples:
        """Leave out samples that a target dates beyond what can be rolled up.

        Ten minutes ahead is what Prometheus allows; of windows before `keep_raw` the
        other samples may be gone already.
        """
        ahead = batch.times > time_ms + _AHEAD_MS
        old = batch.times < time_ms - self._keep_raw_ms
        self._count_dropped("too_far_ahead", int(ahead.sum()))
        self._count_dropped("too_old", int(old.sum()))
        return batch.only(~(ahead | old))

    def _count_dropped(self, reason: str, samples: int) -> None:
        if samples:
            dropped = self._telemetry.samples_dropped.labels(self._name, reason)
            dropped.inc(samples)

    def _log_change(self, target: settings.Target, failure: ScrapeError | None) -> None:
        """Log what is new about a target; that it fails as before is for debugging."""
        before = self._failing.pop(target, None)
        told = {"source": self._name, "target": self._endpoints[target].instance}
        if failure is None:
            if before is not None:
                log.info("a target answers again", **told)
            return
        now = self._failing[target] = (failure.reason, str(failure))
        say = log.debug if now == before else log.warning
        say("a scrape failed", **told, reason=failure.reason, error=str(failure))


def _batch(
    places: Sequence[Place],
    found: Exposition,
    own_ids: NDArray[np.int64],
    own: Sequence[float],
    time_ms: int,
) -> Samples:
    """Return what a scrape brought, and behind it what it says of itself."""
    ids, parts, bounds = zip(*places, strict=True) if places else ((), (), ())
    times = [time_ms if time is None else time for time in found.times]
    alone = Samples.plain(own_ids, np.full(len(own), time_ms), np.array(own))
    exposed = Samples(
        np.array(ids, np.int64),
        np.array(times, np.int64),
        np.array(found.values, np.float64),
        np.array(parts, np.int8),
        np.array(bounds, np.float64),
    )
    return Samples.join([exposed, alone])


def _markers(gone: Sequence[Place], time_ms: int) -> Samples:
    """Return the stale markers of what a target exposes no longer, or of all of it.

    As in Prometheus, what a target dates itself has none (RULES R11).
    """
    ids, parts, bounds = zip(*gone, strict=True) if gone else ((), (), ())
    return Samples(
        np.array(ids, np.int64),
        np.full(len(gone), time_ms, np.int64),
        np.full(len(gone), STALE, np.int64).view(np.float64),
        np.array(parts, np.int8),
        np.array(bounds, np.float64),
    )


def _dated(found: Exposition) -> _Dated:
    return [
        None if time is None else (time, value)
        for time, value in zip(found.times, found.values, strict=True)
    ]
