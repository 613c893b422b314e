"""How the bridge is: what its sources have done, and how large it has become."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.windows import Resolution
from models.queries.calendars import KEPT, listed
from models.queries.coverage import STATES, newest_finished
from models.queries.ledger import summary
from models.queries.series import count_by_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.database import Database


@dataclass(frozen=True, slots=True)
class Progress:
    """One source at one resolution, or the days of a calendar that is kept.

    `resolution` is as the ledger calls it: `day@NAME` for a calendar. `lag` is how
    many seconds ago the newest window that is done ended, None if none is. `windows`
    counts the ledger by state. `missing` windows have ended and settled since the
    oldest one in the ledger, and are not in it.
    """

    resolution: str
    newest: int | None
    lag: float | None
    windows: Mapping[str, int]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source; `kind` is empty if it is no longer in the configuration."""

    name: str
    kind: str
    series: int
    progress: tuple[Progress, ...] = field(default=())


def source_status(
    db: Database,
    kinds: Mapping[str, str],
    now: float,
    settle: float,
    workspace: str | None = None,
) -> list[SourceStatus]:
    """Return the state of all sources, configured or left in the database, by name.

    `kinds` are the configured ones; windows settle for `settle` seconds.
    With a workspace only sources that it has series of, or that are configured for it,
    should be in `kinds`.
    """
    series = count_by_source(db, workspace)
    windows = _windows(db)
    names = set(kinds) | set(series)
    if workspace is None:
        names |= set(windows)
    return [
        SourceStatus(
            name,
            kinds.get(name, ""),
            series.get(name, 0),
            tuple(_progress(db, name, windows.get(name, {}), now, settle)),
        )
        for name in sorted(names)
    ]


@dataclass(slots=True)
class _Counted:
    """The ledger of one source at one resolution; `oldest` is the first start."""

    oldest: int
    states: dict[str, int] = field(default_factory=dict)

    def missing(self, windows: int) -> int:
        """Return how many of so many windows since the oldest are not there."""
        return max(0, windows - sum(self.states.values()))


def _progress(
    db: Database,
    source: str,
    windows: Mapping[str, _Counted],
    now: float,
    settle: float,
) -> Iterator[Progress]:
    closed = math.floor(now - settle)
    for resolution in Resolution:
        counted, name = windows.get(resolution.value), resolution.value
        if counted is None:
            yield Progress(name, None, None, dict.fromkeys(STATES, 0))
            continue
        newest = newest_finished(db, source, name)
        end = None if newest is None else newest + resolution.width
        ended = (resolution.floor(closed) - counted.oldest) // resolution.width
        yield _told(name, newest, end, counted, now, ended)
    for one in listed(db):
        calendar = Calendar(one.name, Rules.read(one.rules))
        name = calendar.resolution
        if one.state != KEPT or name not in windows:
            continue
        counted = windows[name]
        newest = newest_finished(db, source, name)
        end = None if newest is None else calendar.holding(newest).end
        days = calendar.within(counted.oldest, closed)
        ended = sum(day.end <= closed for day in days)
        yield _told(name, newest, end, counted, now, ended)


def _told(  # noqa: PLR0917 - what is told of one resolution
    name: str,
    newest: int | None,
    end: int | None,
    counted: _Counted,
    now: float,
    ended: int,
) -> Progress:
    lag = None if end is None else max(0.0, now - end)
    states = {state: counted.states.get(state, 0) for state in STATES}
    return Progress(name, newest, lag, states, counted.missing(ended))


def _windows(db: Database) -> dict[str, dict[str, _Counted]]:
    counted: dict[str, dict[str, _Counted]] = {}
    for source, resolution, state, count, oldest, _newest in summary(db):
        here = counted.setdefault(source, {}).setdefault(resolution, _Counted(oldest))
        here.oldest = min(here.oldest, oldest)
        here.states[state] = count
    return counted
