"""Scraping: the bridge asks targets itself where no Prometheus is in between.

What a scrape brings goes into the buffer, all of it or nothing, together with what
Prometheus would record of the scrape: `up` and its companions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import structlog

from bridge.receivers.endpoint import Endpoint, ScrapeError
from bridge.receivers.exposition import Exposition
from bridge.receivers.intake import Samples, append
from bridge.writer import WriterFull, WriterStopped

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._told: dict[settings.Target, dict[int, tuple[int, float]]] = {}
        self._failing: dict[settings.Target, tuple[str, str]] = {}

    def scrape(self, target: settings.Target) -> None:
        """Scrape one of the settings' targets once, and keep what it brought.

        A target that fails is recorded as down. When the writer cannot keep up, the
        scrape is dropped and counted.
        """
        endpoint = self._endpoints[target]
        time_ms = round(self._clock.now() * 1000)
        began = self._clock.monotonic()
        failure: ScrapeError | None = None
        try:
            found = endpoint.fetch()
        except ScrapeError as error:
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
        """Close the connections."""
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
        ids, added = np.zeros(0, np.int64), 0
        if up:
            ids, added = endpoint.series_ids(found, self._resolve)
        samples = len(found.values)
        own = [float(up), seconds, float(samples), float(samples), float(added)]
        if target not in self._own_ids:
            facts = [endpoint.own_facts(metric) for metric in _OWN]
            self._own_ids[target] = self._resolve(facts)
        times = [time_ms if time is None else time for time in found.times]
        batch = Samples(
            np.append(ids, self._own_ids[target]),
            np.array([*times, *([time_ms] * len(own))], np.int64),
            np.array([*found.values, *own], np.float64),
        )
        dated = _dated(found)
        kept = self._in_time(self._news(target, batch, dated), time_ms)
        now = int(self._clock.now())
        self._call("buffer_scrape", lambda: append(self._db, self._name, kept, now))
        if up:
            told = zip(ids.tolist(), dated, strict=True)
            self._told[target] = {id_: sample for id_, sample in told if sample}

    def _news(self, target: settings.Target, batch: Samples, dated: _Dated) -> Samples:
        """Leave out what a target dates itself and has told before (RULES R15).

        It may tell the same old sample at every scrape, which is no reason to do its
        window again.
        """
        before = self._told.get(target, {})
        news = np.ones(len(batch.ids), np.bool_)
        for place, series in enumerate(batch.ids[: len(dated)].tolist()):
            news[place] = dated[place] is None or before.get(series) != dated[place]
        return batch.only(news)

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


def _dated(found: Exposition) -> _Dated:
    return [
        None if time is None else (time, value)
        for time, value in zip(found.times, found.values, strict=True)
    ]
