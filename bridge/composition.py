"""Which parts the engine's process is made of, and how they are wired."""

from __future__ import annotations

import hashlib
import random as system_random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from bridge.events import detectors
from bridge.events.budget import budget_event
from bridge.events.observer import Observer, Origin
from bridge.events.scrape import scrape_failed_event
from bridge.events.trust import Teller
from bridge.probing.judgement import Judgement
from bridge.receivers.scrape import Failure, Scraper
from bridge.rollup.correction.corrections import Corrections
from bridge.rollup.days.adoption import Calendars
from bridge.rollup.deletion.retention import Retention
from bridge.rollup.engine import Engine
from bridge.rollup.mending import Mender
from bridge.rollup.parts import Parts
from bridge.rollup.verification.trust import Habits, Trust
from bridge.sources.buffer import BufferSource
from bridge.sources.matching import matching
from bridge.sources.prometheus import PrometheusSource
from models.budget import Budget
from models.directory import SeriesDirectory, SeriesFacts
from models.folded import overflow_of
from models.queries import events as event_queries
from models.queries.series import histograms
from runtime import settings as config
from runtime.config import read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from bridge.sources.base import Source
    from bridge.sources.known import Resolve
    from bridge.telemetry import Telemetry
    from bridge.writer import Writer
    from models.database import Database
    from runtime.clock import Clock

Describe: TypeAlias = "Callable[[Sequence[int]], list[tuple[str, dict[str, str]]]]"
AnySource: TypeAlias = config.PrometheusSource | config.ScrapeSource

_SELECTED_FOR_EVENTS: Final = (
    ("down", "up"),
    ("double_scraping", "up"),
    ("alerts", "ALERTS"),
)
"""Series that a kind of event needs, beside those that the user selects."""
_DAY: Final = 86400


_GRACE_SECONDS: Final = 2.0
"""How long the windows at hand may take at the end."""


class Beats(Protocol):
    """Where jobs are put on their beats: a `runtime.scheduler.Scheduler`."""

    def add(
        self,
        name: str,
        every_seconds: float,
        job: Callable[[], None],
        offset_seconds: float = 0.0,
    ) -> None:
        """Have a job run on its beats."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The engines of all sources and the scrapers of those without a Prometheus.

    `every` is how often engines look for work, in seconds.
    """

    every: float
    clock: Clock
    engines: list[Engine] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    scrapers: list[tuple[Scraper, config.ScrapeSource]] = field(default_factory=list)
    retentions: list[tuple[Retention, float]] = field(default_factory=list)
    judgements: list[tuple[Judgement, float]] = field(default_factory=list)

    def schedule(self, scheduler: Beats) -> None:
        """Put the engines' beats and the scrapes on a scheduler."""
        for engine, source in zip(self.engines, self.sources, strict=True):
            scheduler.add(f"rollup_{source.name}", self.every, engine.beat)
        for scraper, settings in self.scrapers:
            for target in settings.targets:
                # One URL may be scraped as several instances.
                instance = f"_{target.instance}" if target.instance else ""
                scheduler.add(
                    f"scrape_{settings.name}_{target.url}{instance}",
                    settings.interval,
                    _scrape(scraper, target),
                    splay(f"{settings.name} {target.url}", settings.interval),
                )

        for retention, every in self.retentions:
            scheduler.add("retention", every, retention.beat)
        for judgement, every in self.judgements:
            scheduler.add("judgement", every, judgement.beat)

    def start(self) -> None:
        """Nothing to do: engines work when their beat comes."""

    def stop(self) -> None:
        """End the engines after the window at hand, but do not wait for it for long.

        Then all connections are closed: a request that hangs fails at once, and its
        window is done after the next start.
        """
        for engine in self.engines:
            engine.stop()
        for retention, _ in self.retentions:
            retention.stop()
        for judgement, _ in self.judgements:
            judgement.stop()
        deadline = self.clock.monotonic() + _GRACE_SECONDS
        for engine in self.engines:
            self.clock.wait(engine.idle, deadline - self.clock.monotonic())
        self.close()

    def close(self) -> None:
        """Let go of the connections of sources and scrapers."""
        for source in self.sources:
            source.close()
        for scraper, _ in self.scrapers:
            scraper.close()


def compose(
    settings: config.Settings, parts: Parts, writer: Writer, only: str | None = None
) -> Composition:
    """Build the engines of all sources, or of the one with a given name."""
    composition = Composition(settings.rollup.every, parts.clock)
    calendars = Calendars(settings.calendars, parts.db, parts.call, parts.clock)
    for source_settings in settings.sources:
        if only is not None and source_settings.name != only:
            continue
        source = _source(source_settings, settings, parts, writer, composition)
        composition.sources.append(source)
        composition.engines.append(
            Engine(
                source,
                source_settings.initial_history,
                settings.rollup,
                _observer(source_settings, settings.events, parts),
                parts,
                calendars=calendars,
                trust=_trust(source, source_settings, settings, parts),
                resolve=_resolve(source_settings, parts, limited=False),
                mender=_mender(source, settings.rollup, parts),
            )
        )
    if only is None:
        names = [source.name for source in settings.sources]
        retention = Retention(settings.retention, names, parts, calendars)
        composition.retentions.append((retention, settings.retention.every))
        judgement = Judgement(settings.probes, parts, names)
        composition.judgements.append((judgement, settings.probes.evaluate))
    return composition


def splay(name: str, interval: float) -> float:
    """Return a steady offset within an interval, so that targets take turns."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * interval


def parts_of(
    db: Database,
    writer: Writer,
    telemetry: Telemetry,
    clock: Clock,
    losses: Callable[[], int] = lambda: 0,
) -> Parts:
    """Collect what all engines share; `losses` says how often the lease was lost."""
    return Parts(db, writer.call, SeriesDirectory(db), telemetry, clock, losses)


def _source(
    settings: AnySource,
    everything: config.Settings,
    parts: Parts,
    writer: Writer,
    composition: Composition,
) -> Source:
    resolve = _resolve(settings, parts)
    if isinstance(settings, config.PrometheusSource):
        return PrometheusSource(
            settings,
            resolve=resolve,
            telemetry=parts.telemetry,
            clock=parts.clock,
            token=read_secret(settings.bearer_token, settings.bearer_token_file),
            histograms=lambda: histograms(parts.db, settings.name),
            also=tuple(
                selector
                for event, selector in _SELECTED_FOR_EVENTS
                if getattr(everything.events, event)
            ),
        )
    scraper = Scraper(
        settings,
        resolve=resolve,
        db=parts.db,
        call=writer.attempt,
        telemetry=parts.telemetry,
        clock=parts.clock,
        on_failure=_record_failure(settings, everything.events, parts),
    )
    composition.scrapers.append((scraper, settings))
    return BufferSource(
        settings.name,
        parts.db,
        describe=_describe(parts.directory),
        resolve=resolve,
        interval_ms=round(settings.interval * 1000),
        keep_raw=settings.keep_raw,
        clock=parts.clock,
        call=parts.call,
    )


def _describe(directory: SeriesDirectory) -> Describe:
    """Return what describes series; folded ones as what they are folded into."""

    def describe(ids: Sequence[int]) -> list[tuple[str, dict[str, str]]]:
        own = overflow_of(np.asarray(ids, np.int64))
        return directory.describe(own.tolist())

    return describe


def _resolve(settings: AnySource, parts: Parts, *, limited: bool = True) -> Resolve:
    """Return what maps names and labels to series ids, on the writer.

    New series beyond the budget have folded ids, and there is an event of each day on
    which there are some; unless `limited` there is no budget.
    """
    is_scrape = isinstance(settings, config.ScrapeSource)
    kept = ("job", "instance") if is_scrape else ("job",)
    budget = Budget(parts.db, settings.max_series if limited else 0, kept)
    origin = Origin(settings.name, settings.workspace, settings.environment)
    observer = Observer(origin, (), parts.directory, parts.clock, holes=False)
    told: set[int] = set()

    def tell(now: int) -> None:
        day = now - now % _DAY
        if day not in told:
            event = budget_event(settings.name, day, settings.max_series)
            row = observer.row(event)
            parts.call("record_budget", lambda: event_queries.record(parts.db, row))
            parts.telemetry.events.labels(row.detector).inc()
            told.clear()
            told.add(day)

    def resolve(facts: Sequence[SeriesFacts]) -> NDArray[np.int64]:
        now = int(parts.clock.now())
        ids = parts.call(
            "resolve_series",
            lambda: parts.directory.resolve(
                settings.name,
                facts,
                now,
                workspace=settings.workspace,
                environment=settings.environment,
                budget=budget,
            ),
        )
        folded = np.flatnonzero(ids < 0).tolist()
        if not all(budget.always_folds(facts[place]) for place in folded):
            tell(now)
        return ids

    return resolve


def _mender(source: Source, rollup: config.Rollup, parts: Parts) -> Mender | None:
    """Return what merges series into finished windows, where a source has a history."""
    if not isinstance(source, PrometheusSource):
        return None
    return Mender(source.name, source.narrowed, parts, rollup.warnings)


def _trust(
    source: Source, settings: AnySource, everything: config.Settings, parts: Parts
) -> Trust:
    verify = everything.verify
    corrections = Corrections(
        parts.db,
        settings.name,
        matching,
        lambda ids: parts.directory.describe(ids, remember=False),
    )
    return Trust(
        source,
        Habits(
            verify.every, verify.windows, verify.lookback, everything.rollup.recheck
        ),
        parts,
        corrections=corrections,
        teller=Teller(_observer(settings, everything.events, parts)),
        sample=system_random.sample,
    )


def _observer(settings: AnySource, events: config.Events, parts: Parts) -> Observer:
    return Observer(
        Origin(settings.name, settings.workspace, settings.environment),
        detectors(events, settings.kind),
        parts.directory,
        parts.clock,
        holes=events.holes,
    )


def _record_failure(
    settings: config.ScrapeSource, events: config.Events, parts: Parts
) -> Callable[[Failure], None]:
    """Return what turns a failed scrape into an event."""
    observer = _observer(settings, events, parts)

    def record(failure: Failure) -> None:
        if not events.down:
            return
        event = scrape_failed_event(
            settings.name,
            failure.job,
            failure.instance,
            failure.time_ms,
            failure.reason,
            failure.message,
        )
        row = observer.row(event)
        parts.call(
            "record_failure", lambda: event_queries.record(parts.db, row, add=True)
        )
        parts.telemetry.events.labels(row.detector).inc()

    return record


def _scrape(scraper: Scraper, target: config.Target) -> Callable[[], None]:
    return lambda: scraper.scrape(target)
