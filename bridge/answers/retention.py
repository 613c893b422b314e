"""What retention will delete at its next beats, and what it holds back and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.rollup.deletion import retention as rollup
from bridge.rollup.deletion.ageing import AGED, PROBED, probed_horizon
from bridge.rollup.windows import Resolution
from models.dialect import is_sqlite
from models.queries import expiry
from models.queries.retained import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bridge.rollup.deletion.ageing import Aged
    from bridge.rollup.deletion.expiry import Due
    from models.database import Database
    from runtime import settings

ROW_BYTES: Final = {True: 60, False: 120}
"""About how many bytes a row takes with its place in the key: SQLite or PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What is old enough of one group of series, or of a table of its own.

    `start`, `until` and `cut` are UTC seconds: `[start, until)` will be deleted and
    `[until, cut)` stays although it is old enough, as `held` says. `rows` are what the
    ledger counts; with rules they are the share of the group's series. `bytes` is what
    that many rows take, roughly.
    """

    source: str
    resolution: str
    match: str
    kept: float
    start: int
    until: int
    cut: int
    windows: int
    rows: int
    bytes: int
    held: str


def planned(
    db: Database,
    retention: settings.Retention,
    sources: Iterable[str],
    now: float,
) -> list[Planned]:
    """Return what would be deleted now, by source, resolution and rule."""
    names = sorted({*sources, *expiry.sources(db)})
    horizon = rollup.horizon(db, names, now)
    found: list[Planned] = []
    if horizon is not None:
        found += [
            one
            for source in names
            for resolution in Resolution
            for one in _of_source(db, retention, source, resolution, horizon)
        ]
        found += _aged(db, retention, AGED, horizon)
    probed = probed_horizon(db, horizon, now)
    if probed is not None:
        found += _aged(db, retention, PROBED, probed)
    return found


def _of_source(
    db: Database,
    retention: settings.Retention,
    source: str,
    resolution: Resolution,
    now: int,
) -> Iterator[Planned]:
    kept = rollup.kept_for(retention, resolution)
    sizes = {EVERYTHING: 1}
    if len(kept) > 1:
        members = rollup.members(db, source, retention, kept)
        sizes = {selector: len(ids) for selector, ids in members.items()}
    for due in rollup.due(db, source, resolution, retention, now):
        share = sizes[due.selector] / max(sum(sizes.values()), 1)
        yield _planned(db, due, kept[due.selector], share)


def _planned(db: Database, due: Due, kept: float, share: float) -> Planned:
    name = due.resolution.value
    windows, rows = expiry.size(db, due.source, name, due.start, due.until)
    own = round(rows * share)
    return Planned(
        due.source,
        name,
        due.selector,
        kept,
        due.start,
        due.until,
        due.cut,
        windows,
        own,
        own * ROW_BYTES[is_sqlite(db)],
        due.held,
    )


def _aged(
    db: Database, retention: settings.Retention, tables: Iterable[Aged], now: int
) -> Iterator[Planned]:
    for aged in tables:
        kept: float = getattr(retention, aged.setting)
        cut = now - round(kept) if kept else now
        rows, oldest = (0, cut * aged.units)
        if kept:
            rows, oldest = aged.old(db, cut * aged.units)
        start = oldest // aged.units if rows else cut
        yield Planned("", aged.table, "", kept, start, cut, cut, 0, rows, 0, "")
