"""Which requests a window takes: asks a server for sizes, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.sources.selectors import NAME, Selector
from bridge.sources.shards import NameRange, Shard, divide, name_ranges

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from bridge.sources.api import Api

_PLANS: Final = 4


class Planner:
    """Keeps a plan for each stretch of `refresh` seconds of the windows' own time.

    Windows that are caught up are planned by what was there then, not by what is there
    now. A plan is right for any window, because shards leave nothing out; sizes that
    have changed only make answers larger than intended.
    """

    def __init__(
        self, api: Api, selectors: Sequence[Selector], *, limit: int, refresh: float
    ) -> None:
        self._api = api
        self._selectors = selectors
        self._limit = limit
        self._stretch_ms = max(round(refresh * 1000), 1)
        self._plans: dict[int, list[Shard]] = {}
        self._names: dict[int, set[str]] = {}

    def plan(self, start_ms: int, end_ms: int) -> list[Shard]:
        """Return shards that hold each series once per selector; raises SourceError."""
        stretch = end_ms // self._stretch_ms
        shards = self._plans.pop(stretch, None)
        if shards is None:
            self._names[stretch] = set()
            shards = [
                shard
                for selector in self._selectors
                for shard in self._shards(selector, start_ms, end_ms)
            ]
        self._plans[stretch] = shards
        while len(self._plans) > _PLANS:
            oldest = next(iter(self._plans))
            del self._plans[oldest]
            self._names.pop(oldest, None)
        return shards

    def names(self, end_ms: int) -> Collection[str]:
        """Return the metrics that were there when a window's stretch was planned."""
        return self._names.get(end_ms // self._stretch_ms, set())

    def check(self, end_ms: int, shard: Shard, series: int) -> None:
        """Hear how many series an answer had; plan anew if far more than planned."""
        if series > max(2 * shard.series, self._limit):
            self.forget(end_ms)

    def forget(self, end_ms: int) -> None:
        """Plan anew before the next window of this one's stretch."""
        self._plans.pop(end_ms // self._stretch_ms, None)
        self._names.pop(end_ms // self._stretch_ms, None)

    def _shards(
        self, selector: Selector, start_ms: int, end_ms: int
    ) -> Iterator[Shard]:
        sizes = self._sizes(selector, end_ms)
        self._names[end_ms // self._stretch_ms] |= sizes.keys()
        for span in name_ranges(sizes, self._limit):
            narrowed = span.narrow(selector)
            if span.requests == 1:
                yield Shard(narrowed, span.series)
            else:
                yield from self._divided(narrowed, span, start_ms, end_ms)

    def _sizes(self, selector: Selector, end_ms: int) -> dict[str, int]:
        counts = self._api.vector(f"count by({NAME})({selector})", end_ms - 1)
        return {
            element.metric.get(NAME, ""): int(element.value[1]) for element in counts
        }

    def _divided(
        self, narrowed: Selector, span: NameRange, start_ms: int, end_ms: int
    ) -> list[Shard]:
        series = self._api.series(narrowed, start_ms, end_ms)
        return divide(narrowed, series, span.requests)
