"""How the bridge is: what its sources have done, and how large it has become."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.rollup.windows import Resolution
from models.queries.coverage import STATES, newest_finished
from models.queries.ledger import summary
from models.queries.series import count_by_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.database import Database


@dataclass(frozen=True, slots=True)
class Progress:
    """One source at one resolution.

    `lag` is how many seconds ago the newest window that is done ended, None if none
    is. `windows` counts the ledger by state. `missing` windows have ended and
    settled since the oldest one in the ledger, and are not in it.
    """

    resolution: Resolution
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

    def missing(self, resolution: Resolution, closed: float) -> int:
        ended = (resolution.floor(math.floor(closed)) - self.oldest) // resolution.width
        return max(0, ended - sum(self.states.values()))


def _progress(
    db: Database,
    source: str,
    windows: Mapping[Resolution, _Counted],
    now: float,
    settle: float,
) -> Iterable[Progress]:
    nothing = dict.fromkeys(STATES, 0)
    for resolution in Resolution:
        counted = windows.get(resolution)
        if counted is None:
            yield Progress(resolution, None, None, nothing)
            continue
        newest = newest_finished(db, source, resolution.value)
        lag = None if newest is None else max(0.0, now - newest - resolution.width)
        states = {state: counted.states.get(state, 0) for state in STATES}
        missing = counted.missing(resolution, now - settle)
        yield Progress(resolution, newest, lag, states, missing)


def _windows(db: Database) -> dict[str, dict[Resolution, _Counted]]:
    counted: dict[str, dict[Resolution, _Counted]] = {}
    names = {resolution.value for resolution in Resolution}
    for source, resolution, state, count, oldest, _newest in summary(db):
        if resolution not in names:  # the days of a calendar
            continue
        here = counted.setdefault(source, {}).setdefault(
            Resolution(resolution), _Counted(oldest)
        )
        here.oldest = min(here.oldest, oldest)
        here.states[state] = count
    return counted
