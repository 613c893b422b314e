"""Says what doing a window again has changed, in the transaction that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.rollup.compare import compare, written
from bridge.rollup.rows import Rows
from models.queries.restatements import SEVERAL, Restated, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.database import Database
    from models.queries.ledger import Entry
    from models.rollup import RollupColumns

DETAILED: Final = 5000
"""Rows of a window whose change has an entry of its own; one more counts the rest."""


def restate(
    db: Database, entry: Entry, reason: str, old: RollupColumns, new: Sequence[Rows]
) -> int:
    """Record which rows of a window are no longer what they were; return how many.

    `entry` is the window's new one. To be called in the transaction of the commit,
    with the rows before and after.
    """
    entries = restated(entry, reason, old, Rows.join(new))
    record(db, entries)
    return sum(one.series for one in entries)


def restated(
    entry: Entry,
    reason: str,
    old: RollupColumns,
    new: RollupColumns,
    *,
    whole: bool = False,
) -> list[Restated]:
    """Return the entries of what differs, none if nothing does.

    With `whole` the buckets of rows are kept as they are, so that they can be put back.
    """
    pairs = compare(old, new)
    places = pairs.differing

    def entry_of(
        series: int, many: int, before: str | None, after: str | None
    ) -> Restated:
        return Restated(
            series,
            entry.resolution,
            entry.start,
            entry.revision,
            entry.source,
            entry.computed_at,
            reason,
            many,
            before,
            after,
        )

    def text(rows: RollupColumns, place: int) -> str | None:
        return None if place < 0 else written(rows, place, whole=whole)

    detailed = places if whole else places[:DETAILED]
    entries = [
        entry_of(
            int(pairs.series_id[at]),
            1,
            text(old, int(pairs.old[at])),
            text(new, int(pairs.new[at])),
        )
        for at in detailed
    ]
    rest = len(places) - len(detailed)
    if rest:
        entries.append(entry_of(SEVERAL, rest, None, None))
    return entries
