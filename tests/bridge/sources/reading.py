"""What tests of sources share: a directory in memory, and blocks as dictionaries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from prometheus_client import CollectorRegistry

from bridge.sources.base import Families, Natives, Warnings
from bridge.sources.prometheus import PrometheusSource
from bridge.telemetry import Telemetry
from runtime import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from bridge.sources.base import Block
    from models.directory import SeriesFacts
    from runtime.clock import Clock

Labels = tuple[tuple[str, str], ...]


class Directory:
    """Numbers series from 100 on and remembers what it was asked."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str], int] = {}
        self.asked: list[SeriesFacts] = []

    def resolve(self, facts: Sequence[SeriesFacts]) -> NDArray[np.int64]:
        self.asked += facts
        return np.array(
            [
                self.ids.setdefault((fact.metric, fact.labels), 100 + len(self.ids))
                for fact in facts
            ],
            np.int64,
        )

    def names(self) -> dict[int, Labels]:
        """Return sorted labels with the name, as the API has them, by id."""
        return {
            known: tuple(sorted({"__name__": metric, **json.loads(labels)}.items()))
            for (metric, labels), known in self.ids.items()
        }


@dataclass
class Read:
    """The samples of a window by labels; `expected` and `counters` likewise.

    `families` and `natives` are what came of histograms.
    """

    samples: dict[Labels, list[tuple[int, float]]]
    expected: dict[Labels, int]
    counters: set[Labels]
    families: list[Families] = field(default_factory=list)
    natives: list[Natives] = field(default_factory=list)


def collect(blocks: Iterable[Block | Families | Natives], directory: Directory) -> Read:
    """Check what holds for all blocks and put them together."""
    read = Read({}, {}, set())
    names: dict[int, Labels] = {}
    for block in blocks:
        if isinstance(block, Families):
            read.families.append(block)
            continue
        if isinstance(block, Natives):
            read.natives.append(block)
            continue
        if len(names) < len(directory.ids):
            names = directory.names()
        assert block.offsets[0] == 0
        assert block.offsets[-1] == len(block.times) == len(block.values)
        assert len(block.series_id) == len(block.expected) == len(block.counter)
        for at, series_id in enumerate(block.series_id.tolist()):
            inside = slice(block.offsets[at], block.offsets[at + 1])
            times = block.times[inside].tolist()
            assert times == sorted(set(times)), "times rise strictly"
            labels = names[series_id]
            assert labels not in read.samples, "each series is in one block"
            values = block.values[inside].tolist()
            read.samples[labels] = list(zip(times, values, strict=True))
            read.expected[labels] = int(block.expected[at])
            if block.counter[at]:
                read.counters.add(labels)
    return read


def members(
    families: Iterable[Families], names: dict[int, Labels]
) -> dict[tuple[Labels, str, float], list[tuple[int, float]]]:
    """Take families apart: samples by the family's labels, suffix and bound.

    The bound of `_sum` and `_count` is given as 0.
    """
    found: dict[tuple[Labels, str, float], list[tuple[int, float]]] = {}
    for block in families:
        lengths = np.diff(block.offsets)
        for at, series in enumerate(np.repeat(block.series_id, lengths).tolist()):
            name, time = names[series], int(block.times[at])
            layout = int(block.layout[at])
            bounds = block.bounds[layout] if layout >= 0 else ()
            samples = {
                ("_sum", 0.0): block.totals[at],
                ("_count", 0.0): block.observations[at],
                **{
                    ("_bucket", bound): block.cumulative[at, place]
                    for place, bound in enumerate(bounds)
                },
            }
            for (suffix, bound), value in samples.items():
                found.setdefault((name, suffix, bound), []).append((time, float(value)))
    return found


class Harness:
    """A source on a server, its directory and its metrics."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        token: str | None = None,
        also: tuple[str, ...] = (),
        histograms: Callable[[], Collection[str]] = frozenset,
        **changed: Any,
    ) -> None:
        self.directory = Directory()
        self.registry = CollectorRegistry()
        self.warnings = Warnings()
        self.settings = settings.PrometheusSource.model_validate(
            {"name": "main", "kind": "prometheus", "url": url, **changed}
        )
        self.source = PrometheusSource(
            self.settings,
            resolve=self.directory.resolve,
            telemetry=Telemetry.create(self.registry),
            clock=clock,
            token=token,
            also=also,
            histograms=histograms,
            random=lambda: 0.5,
        )

    def read(self, start_ms: int, end_ms: int) -> Read:
        blocks = self.source.read(start_ms, end_ms, self.warnings)
        return collect(blocks, self.directory)

    def close(self) -> None:
        self.source.close()
