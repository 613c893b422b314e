"""Turns what the engine finds in a window into rows of error_events."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.events.event import Detector, Event, Seen
from bridge.events.holes import HOLES, hole_event, unreachable_event
from models.queries.events import EventRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.rollup.rows import Floats, Rows
    from bridge.rollup.windows import Window
    from models.directory import SeriesDirectory
    from runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Origin:
    """The source that events come from, and what it says of all its series."""

    name: str
    workspace: str = ""
    environment: str = ""


class Observer:
    """Shows rows to the detectors that want their series; one per source.

    Which detectors want a series is asked once per series, by its name and labels.
    """

    def __init__(
        self,
        origin: Origin,
        detectors: Sequence[Detector],
        directory: SeriesDirectory,
        clock: Clock,
        *,
        holes: bool,
    ) -> None:
        self._origin = origin
        self._detectors = tuple(detectors)
        self._directory = directory
        self._clock = clock
        self._holes = holes
        self._asked = np.zeros(0, dtype=np.bool_)
        self._wanted = np.zeros(0, dtype=np.bool_)

    @property
    def detectors(self) -> Sequence[str]:
        """Names of the detectors whose events a window decides."""
        return (*(detector.name for detector in self._detectors), HOLES)

    def of_rows(self, window: Window, rows: Sequence[Rows]) -> list[EventRow]:
        """Return the events that a window's rows show."""
        events: list[Event] = []
        for block in rows:
            self._ask(block)
            at = np.flatnonzero(self._wanted[block.series_id])
            described = self._directory.describe(block.series_id[at].tolist())
            for place, (metric, labels) in zip(at.tolist(), described, strict=True):
                seen = self._seen(window, block, place, metric, labels)
                found = (
                    detector.detect(seen)
                    for detector in self._detectors
                    if detector.wants(metric, labels)
                )
                events.extend(event for event in found if event is not None)
        return [self.row(event) for event in events]

    def of_outcome(self, window: Window, state: str, reason: str) -> list[EventRow]:
        """Return the event of a window that became partial or lost."""
        if not self._holes:
            return []
        return [self.row(hole_event(self._origin.name, window, state, reason))]

    def of_failure(self, start: int, reason: str, message: str) -> list[EventRow]:
        """Return the event of a source that did not answer in a minute."""
        if not self._holes:
            return []
        return [self.row(unreachable_event(self._origin.name, start, reason, message))]

    def _ask(self, block: Rows) -> None:
        size = int(block.series_id.max(initial=-1)) + 1
        if size > len(self._asked):
            extra = np.zeros(max(size, 2 * len(self._asked)) - len(self._asked), bool)
            self._asked = np.append(self._asked, extra)
            self._wanted = np.append(self._wanted, extra)
        new = block.series_id[~self._asked[block.series_id]]
        described = self._directory.describe(new.tolist(), remember=False)
        for series_id, (metric, labels) in zip(new.tolist(), described, strict=True):
            self._wanted[series_id] = any(
                detector.wants(metric, labels) for detector in self._detectors
            )
        self._asked[new] = True

    def _seen(
        self,
        window: Window,
        block: Rows,
        place: int,
        metric: str,
        labels: dict[str, str],
    ) -> Seen:
        def number(column: Floats) -> float | None:
            value = float(column[place])
            return None if math.isnan(value) else value

        return Seen(
            metric=metric,
            labels=labels,
            start=window.start,
            count=int(block.count[place]),
            sum=number(block.sum),
            min=number(block.min),
            max=number(block.max),
            first=number(block.first),
            last=number(block.last),
            increase=number(block.increase),
            source=self._origin.name,
            workspace=self._origin.workspace,
            environment=self._origin.environment,
            expected=int(block.expected[place]),
        )

    def row(self, event: Event) -> EventRow:
        """Return an event as a row, with what the source says of all of them."""
        fields = asdict(event)
        fields["workspace"] = event.workspace or self._origin.workspace
        fields["environment"] = event.environment or self._origin.environment
        return EventRow(**fields, recorded_at=int(self._clock.now()))
