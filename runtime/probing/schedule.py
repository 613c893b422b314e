"""When jobs run: on a grid since 1970, within their validity and their windows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from runtime.probing.spans import DAY, OpenDays, Span, is_open, open_spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runtime.probing.jobs import Job, Maintenance

PauseState = Literal["going_on", "planned", "over"]
State = Literal["running", "not_scheduled", "pending", "expired", "disabled"]
"""What a job is doing; `pending` before its validity, `expired` after it."""

STATES: Final[tuple[State, ...]] = (
    "running",
    "not_scheduled",
    "pending",
    "expired",
    "disabled",
)

_HORIZON: Final = 400 * DAY
"""How far ahead the next run is looked for: beyond a year, everything has recurred."""

_FOREVER: Final = 2**62
_LONGEST_SPLAY: Final = 10.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs; times are UTC milliseconds, `until` is the first one too late.

    Without windows it is always open.
    """

    interval: int
    enabled: bool = True
    since: int = -_FOREVER
    until: int = _FOREVER
    windows: tuple[OpenDays, ...] = ()

    @classmethod
    def of(cls, job: Job) -> Schedule:
        """Return the schedule of a job."""
        return cls(
            interval=round(job.interval * 1000),
            enabled=job.enabled,
            since=-_FOREVER if job.valid_from is None else instant(job.valid_from),
            until=_FOREVER if job.valid_until is None else instant(job.valid_until),
            windows=tuple(map(OpenDays.of, job.windows)),
        )

    def due(self, start: int, end: int) -> list[int]:
        """Return the times within `[start, end)` at which the job runs."""
        return [
            at
            for span in self._open(start, end)
            for at in range(_up(span.start, self.interval), span.end, self.interval)
        ]

    def count(self, start: int, end: int) -> int:
        """Return how many times `due` would return."""
        return sum(
            len(range(_up(span.start, self.interval), span.end, self.interval))
            for span in self._open(start, end)
        )

    def next(self, after: int) -> int | None:
        """Return the first time after this one at which the job runs.

        None if there is none, or none within 400 days after the job becomes valid and
        its windows' last exception.
        """
        first = max(after + 1, self.since)
        exceptions = (day * DAY for window in self.windows for day in window.not_on)
        horizon = max((first, *exceptions)) + _HORIZON
        for span in self._open(first, min(horizon, self.until)):
            at = _up(span.start, self.interval)
            if at < span.end:
                return at
        return None

    def state(self, at: int) -> State:
        """Return what the job is doing at a time."""
        if not self.enabled:
            return "disabled"
        if at < self.since:
            return "pending"
        if at >= self.until:
            return "expired"
        if self.windows and not is_open(self.windows, at):
            return "not_scheduled"
        return "running"

    def _open(self, start: int, end: int) -> Iterator[Span]:
        start, end = max(start, self.since), min(end, self.until)
        if not self.enabled or start >= end:
            return
        if self.windows:
            yield from open_spans(self.windows, start, end)
        else:
            yield Span(start, end)


def splay(job: Job) -> float:
    """Return the seconds over which the destinations of a run are spread."""
    return min(job.interval, _LONGEST_SPLAY) if job.splay is None else job.splay


def phase(job: str, destination: str, splay: float) -> float:
    """Return how long after a run's beginning a destination has its turn, in seconds.

    The same for each run, and evenly spread over the splay from one to the next.
    """
    digest = hashlib.blake2b(f"{job}\0{destination}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * splay


class Pauses:
    """The maintenance of a plan, ready to be asked at every run."""

    def __init__(self, maintenance: Sequence[Maintenance]) -> None:
        self._pauses = [
            (_span(one), tuple(map(OpenDays.of, one.windows)), one)
            for one in maintenance
        ]

    def at(self, at: int) -> tuple[Maintenance, ...]:
        """Return the maintenance that is going on at a time."""
        return tuple(
            one
            for span, windows, one in self._pauses
            if span.start <= at < span.end and (not windows or is_open(windows, at))
        )


def concerns(maintenance: Maintenance, destination: str, tags: Sequence[str]) -> bool:
    """Return whether maintenance is about a destination with these tags."""
    if not maintenance.destinations and not maintenance.tags:
        return True
    if destination in maintenance.destinations:
        return True
    return bool(maintenance.tags) and set(maintenance.tags) <= set(tags)


def under_maintenance(
    maintenance: Sequence[Maintenance], destination: str, tags: Sequence[str], at: int
) -> bool:
    """Return whether a destination with these tags is left alone at a time."""
    return any(concerns(one, destination, tags) for one in Pauses(maintenance).at(at))


def pause_state(maintenance: Maintenance, at: int) -> PauseState:
    """Return what maintenance is doing at a time, UTC milliseconds."""
    span = _span(maintenance)
    if at >= span.end:
        return "over"
    return "going_on" if Pauses((maintenance,)).at(at) else "planned"


def instant(text: str) -> int:
    """Return an instant of the settings in UTC milliseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _span(maintenance: Maintenance) -> Span:
    start, end = maintenance.start, maintenance.end
    return Span(
        -_FOREVER if start is None else instant(start),
        _FOREVER if end is None else instant(end),
    )


def _up(at: int, step: int) -> int:
    """Return the first multiple of a step that is not before a time."""
    return -(-at // step) * step
