"""The source `prometheus`: the raw samples of closed windows, over the HTTP API.

Raw samples come from instant queries of range selectors. Range queries repeat old
values (RULES R20) and functions such as `increase` extrapolate (R24), so neither is
used.
"""

from __future__ import annotations

import copy
import random as system_random
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from bridge.sources import counts, history
from bridge.sources.api import Api
from bridge.sources.base import (
    Block,
    Families,
    Natives,
    Presence,
    SourceError,
    Warnings,
)
from bridge.sources.catalogue import Catalogue
from bridge.sources.client import Client
from bridge.sources.fetchers import Fetchers
from bridge.sources.narrowing import narrowed
from bridge.sources.planner import Planner
from bridge.sources.selectors import Selector, combine, parse
from bridge.sources.transports import transport
from bridge.sources.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bridge.sources.known import Resolve
    from bridge.sources.remote_read import Decode
    from bridge.sources.shards import Shard
    from bridge.telemetry import Telemetry
    from runtime import settings
    from runtime.clock import Clock

log = structlog.get_logger(__name__)

_MINUTE: Final = 60_000
_UP: Final = parse("up")


class PrometheusSource:
    """One Prometheus server as a source; see `bridge.sources.base.Source`.

    `also` are selectors beside those of the settings, `histograms` answers the metrics
    that are histograms in the series table. Reads are for one thread at a
    time; requests run on threads of the source's own. Raises ValueError for a selector
    that is none.
    """

    def __init__(
        self,
        source: settings.PrometheusSource,
        *,
        resolve: Resolve,
        telemetry: Telemetry,
        clock: Clock,
        token: str | None,
        also: tuple[str, ...] = (),
        histograms: Callable[[], Collection[str]] = frozenset,
        random: Callable[[], float] = system_random.random,
    ) -> None:
        self._name = source.name
        self._selectors = combine(map(parse, (*source.selectors, *also)))
        client = Client(
            source.url,
            timeout=source.timeout,
            max_response=source.max_response,
            gzip=source.gzip,
            connections=source.fetchers + 1,
        )
        self._api = Api(
            client,
            name=source.name,
            timeout=source.timeout,
            retries=source.retries,
            token=token,
            telemetry=telemetry,
            clock=clock,
            random=random,
        )
        self._replica_label = source.replica_label
        self._plan = partial(
            Planner, self._api, limit=source.shard, refresh=source.refresh
        )
        self._list = partial(
            Catalogue,
            self._api,
            resolve,
            refresh=source.refresh,
            clock=clock,
            histograms=histograms,
            replica_label=source.replica_label,
        )
        self._ready()
        self._transport = transport(
            source.transport,
            self._api,
            name=source.name,
            refresh=source.refresh,
            clock=clock,
        )
        self._fetchers = Fetchers(source.fetchers, f"fetch-{source.name}")
        self._told = False
        self._closed: bool | None = None

    def _ready(self) -> None:
        self._planner = self._plan(self._selectors)
        self._catalogue = self._list()
        self._witness = Witness(
            self._api, self._selectors, self._catalogue, self._replica_label
        )

    def narrowed(self, match: Sequence[str]) -> PrometheusSource:
        """Return the same source with only the series that some selectors take.

        Of a histogram all parts are read where a selector names one of them. It uses
        the connections of this one, and must not be read from while this one is.
        Raises ValueError for a selector that the settings do not cover.
        """
        other = copy.copy(self)
        wanted = narrowed(match, self._selectors, self._replica_label)
        other._selectors = combine(wanted)  # noqa: SLF001 - one of its own kind
        other._ready()  # noqa: SLF001 - same
        return other

    @property
    def name(self) -> str:
        """The name in config.yaml."""
        return self._name

    def now_ms(self) -> int:
        """Return the server's own clock, UTC milliseconds."""
        return self._api.now_ms()

    def earliest_ms(self, not_before_ms: int) -> int | None:
        """Return the second of the earliest sample since then, of `up` or selected.

        `up` is found cheaply. Whole minutes before it may hold what was not scraped,
        such as blocks that were made from another server's data.
        """
        now_ms = self.now_ms()
        scraped = self._earliest([_UP], not_before_ms, now_ms)
        until = now_ms if scraped is None else scraped // _MINUTE * _MINUTE
        if until <= not_before_ms:
            return scraped
        before = self._earliest(self._selectors, not_before_ms, until)
        return scraped if before is None else before

    def read(
        self, start_ms: int, end_ms: int, warnings: Warnings
    ) -> Iterator[Block | Families | Natives]:
        """Yield all samples of `[start_ms, end_ms)`, each series in one block."""
        self._catalogue.begin(self._witness.begin(end_ms))
        low_ms = self._witness.since_ms(start_ms)
        self._transport.begin(low_ms, end_ms)
        shards = self._planner.plan(low_ms, end_ms)
        self._witness.ask_starts(self._planner.names(end_ms), low_ms)
        seen: set[int] | None = set() if len(self._selectors) > 1 else None
        warnings.hold(0)
        jobs = (partial(self._fetch, shard, low_ms, end_ms) for shard in shards)
        for shard, decode in self._fetchers.run(jobs):
            matrix = decode(warnings)
            series = len(matrix.metrics) + len(matrix.natives)
            self._planner.check(end_ms, shard, series)
            self._tell(matrix.left_out)
            warnings.hold(counts.held(matrix, start_ms, end_ms))
            block = self._catalogue.block(matrix, (low_ms, end_ms), seen)
            if len(block.series_id):
                yield self._witness.told(block)
            if matrix.natives:
                natives = self._catalogue.natives(matrix.natives, (low_ms, end_ms))
                if natives is not None:
                    yield self._witness.told(natives)
        yield from map(self._witness.told, self._catalogue.families())
        if late := self._witness.late():
            # Asked again, the window is read with them; read later, it would have been.
            warnings.messages.append(f"new in this window: {', '.join(late)}")
        self._transport.end()
        self._catalogue.end()

    def presence(self, start_ms: int, end_ms: int) -> Presence:
        """Tell whether the server was recording at all during `[start_ms, end_ms)`.

        `up` says it; where there is none, any sample of the selected series does.
        """
        found = history.presence(self._api, _UP, start_ms, end_ms)
        if found.recording:
            return found
        return Presence(
            recording=any(
                self._api.has_samples(selector, start_ms, end_ms)
                for selector in self._selectors
            ),
            interval_ms=None,
        )

    def count(self, start_ms: int, end_ms: int) -> int | None:
        """Return how many raw samples of `[start_ms, end_ms)` the server has now."""
        if self._closed is None:
            self._closed = counts.is_closed(self._api)
        return counts.count(
            self._api, self._selectors, start_ms, end_ms, closed=self._closed
        )

    def absent(
        self,
        series_id: NDArray[np.int64],
        earliest_ms: NDArray[np.int64],
        first_ms: NDArray[np.int64],
        since_ms: int,
    ) -> NDArray[np.int64]:
        """Tell when the targets of new series were scraped without them (R25)."""
        return self._witness.absent(series_id, earliest_ms, first_ms, since_ms)

    def done(self, end_ms: int) -> None:
        """Hear that windows are done: Prometheus keeps its samples by itself."""

    def close(self) -> None:
        """Give up what is under way and close the connections."""
        self._api.close()
        self._fetchers.close()

    def _earliest(
        self, selectors: Iterable[Selector], start_ms: int, end_ms: int
    ) -> int | None:
        found = [
            history.earliest_ms(self._api, selector, start_ms, end_ms)
            for selector in selectors
        ]
        return min((time for time in found if time is not None), default=None)

    def _fetch(self, shard: Shard, start_ms: int, end_ms: int) -> tuple[Shard, Decode]:
        try:
            return shard, self._transport.fetch(shard.selector, start_ms, end_ms)
        except SourceError as error:
            if error.reason == "too_large":
                self._planner.forget(end_ms)
            raise

    def _tell(self, left_out: int) -> None:
        """Say once that something of native histograms is not kept."""
        if left_out and not self._told:
            self._told = True
            log.warning(
                "native histograms with bounds of their own, or with numbers in "
                "between, are left out in part",
                source=self._name,
                series=left_out,
            )
