"""What a server tells of a window beside its samples: scrapes, starts and replicas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from bridge.sources.absence import (
    MINUTE_MS,
    New,
    absences,
    labels_of,
    read_ups,
)
from bridge.sources.base import Block, Families, Natives, Warnings
from bridge.sources.evidence import were_there
from bridge.sources.payload import decode_matrix
from bridge.sources.replicas import Replicas
from bridge.sources.selectors import NAME, Matcher, Selector
from bridge.sources.starts import BACK_MS, Starts, created_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from bridge.sources.api import Api
    from bridge.sources.catalogue import Catalogue
    from bridge.sources.intervals import Target
    from bridge.sources.replicas import Ups

Part = TypeVar("Part", Block, Families, Natives)

_NAMES: Final = 200
"""Metric names asked for at once."""


class Witness:
    """Asks one server about the windows that are read from it.

    `replica_label` tells servers apart that scrape the same targets, '' where there is
    one. Where nothing is asked for, no request is made. All methods are for one thread
    and may raise SourceError.
    """

    def __init__(
        self,
        api: Api,
        selectors: Sequence[Selector],
        catalogue: Catalogue,
        replica_label: str,
    ) -> None:
        self._api = api
        self._selectors = selectors
        self._catalogue = catalogue
        self._replica_label = replica_label
        self._end_ms = 0
        self._ups: Ups | None = None
        self._replicas: Replicas | None = None
        self._starts = Starts()
        self._names: frozenset[str] = frozenset()
        self._created: list[str] = []

    def begin(self, end_ms: int) -> Replicas | None:
        """Get ready for the minute that ends then; return which replicas feed it."""
        self._end_ms = end_ms
        self._ups = None
        self._replicas = None
        if self._replica_label:
            ups = self._read_ups()
            self._replicas = Replicas(ups, end_ms, self._count_replicas)
        return self._replicas

    def since_ms(self, start_ms: int) -> int:
        """Return from when on samples are needed, at the latest from `start_ms`.

        A replica that was not listened to in the minute before says what came before
        its own first samples.
        """
        if self._replicas is not None and self._replicas.has_switched:
            return min(start_ms, self._end_ms - MINUTE_MS - BACK_MS)
        return start_ms

    def ask_starts(self, names: Collection[str], start_ms: int) -> None:
        """Read since when counts of the window go, where any of the names says it.

        The names are those that were known before, beside all that were ever met.
        """
        self._starts = Starts()
        self._names = frozenset(names)
        self._created = created_names(self._names | self._catalogue.names)
        self._read_starts(self._created, start_ms, self._end_ms)
        unsure = self._starts.unsure(start_ms)
        self._read_starts(unsure, start_ms - BACK_MS, start_ms)

    def late(self) -> list[str]:
        """Return the names that say since when, but were met after they were asked."""
        created = created_names(self._names | self._catalogue.names)
        return sorted(set(created) - set(self._created))

    def told(self, part: Part) -> Part:
        """Return a part of the window with when its counts began."""
        if not self._starts:
            return part
        ids = part.series_id
        return self._starts.of(
            part,
            self._catalogue.names_of(ids),
            lambda places: self._catalogue.labels_of(ids[places]),
        )

    def absent(
        self,
        series_id: NDArray[np.int64],
        earliest_ms: NDArray[np.int64],
        first_ms: NDArray[np.int64],
        since_ms: int,
    ) -> NDArray[np.int64]:
        """Answer `Source.absent`."""
        labels = self._catalogue.labels_of(series_id)
        new = New(series_id, earliest_ms, first_ms, labels)
        ups = self._read_ups()

        def were(some: New) -> NDArray[np.bool_]:
            return self._were_there(some, since_ms)

        return absences(new, ups, self._replicas, since_ms=since_ms, there=were)

    def _read_ups(self) -> Ups:
        if self._ups is None:
            self._ups = read_ups(self._api, self._end_ms, self._replica_label)
        return self._ups

    def _read_starts(self, names: Sequence[str], start_ms: int, end_ms: int) -> None:
        for low in range(0, len(names), _NAMES):
            either = _either(NAME, names[low : low + _NAMES])
            for selector in self._selectors:
                self._hear_starts(selector.narrowed([either]), start_ms, end_ms)

    def _hear_starts(self, selector: Selector, start_ms: int, end_ms: int) -> None:
        body = self._api.raw(selector, start_ms, end_ms)
        matrix = decode_matrix(body, Warnings())
        offsets = np.concatenate(([0], np.cumsum(matrix.lengths)))
        for number, raw in enumerate(matrix.metrics):
            labels = labels_of(raw)
            replica = labels.pop(self._replica_label, "")
            target = labels.get("job", ""), labels.get("instance", "")
            if self._replicas is None or self._replicas.of(target) == replica:
                inside = slice(offsets[number], offsets[number + 1])
                self._starts.add(labels, matrix.times[inside], matrix.values[inside])

    def _were_there(self, some: New, since_ms: int) -> NDArray[np.bool_]:
        """Say which series have a sample before what was read of the window."""
        low = int(some.earliest_ms.min())
        names = sorted({labels[NAME] for labels in some.labels})
        found = np.zeros(len(some.series_id), np.bool_)
        targets = [
            _either(label, sorted({labels.get(label, "") for labels in some.labels}))
            for label in ("job", "instance")
        ]
        for first in range(0, len(names), _NAMES):
            either = _either(NAME, names[first : first + _NAMES])
            for selector in self._selectors:
                narrowed = selector.narrowed([either, *targets])
                matrix = decode_matrix(
                    self._api.raw(narrowed, low, since_ms), Warnings()
                )
                ids = np.repeat(self._catalogue.ids(matrix), matrix.lengths)
                before = matrix.times < since_ms
                samples = ids[before], matrix.times[before]
                found |= were_there(some.series_id, some.earliest_ms, samples)
        return found

    def _count_replicas(
        self, targets: Collection[Target]
    ) -> Mapping[Target, Mapping[str, int]]:
        """Return how many samples of the window each replica has of some targets."""
        selector = Selector(
            frozenset(
                _either(label, sorted({target[place] for target in targets}))
                for place, label in enumerate(("job", "instance"))
            )
        )
        counts = self._api.vector(
            f"sum by(job,instance,{self._replica_label})"
            f"(count_over_time({selector}[{MINUTE_MS // 1000}s]))",
            self._end_ms - 1,
        )
        found: dict[Target, dict[str, int]] = {}
        for element in counts:
            labels = element.metric
            target = labels.get("job", ""), labels.get("instance", "")
            of = found.setdefault(target, {})
            of[labels.get(self._replica_label, "")] = int(element.value[1])
        return found


def _either(label: str, values: Iterable[str]) -> Matcher:
    return Matcher(label, "=~", "|".join(map(re.escape, values)))
