"""What tests of sources share: a directory in memory, and blocks as dictionaries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from prometheus_client import CollectorRegistry

from bridge.sources.base import Warnings
from bridge.sources.prometheus import PrometheusSource
from bridge.telemetry import Telemetry
from runtime import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    """The samples of a window by labels; `expected` and `counters` likewise."""

    samples: dict[Labels, list[tuple[int, float]]]
    expected: dict[Labels, int]
    counters: set[Labels]


def collect(blocks: Iterable[Block], directory: Directory) -> Read:
    """Check what holds for all blocks and put them together."""
    read = Read({}, {}, set())
    names: dict[int, Labels] = {}
    for block in blocks:
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


class Harness:
    """A source on a server, its directory and its metrics."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        token: str | None = None,
        also: tuple[str, ...] = (),
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
            random=lambda: 0.5,
        )

    def read(self, start_ms: int, end_ms: int) -> Read:
        blocks = self.source.read(start_ms, end_ms, self.warnings)
        return collect(blocks, self.directory)

    def close(self) -> None:
        self.source.close()
