"""Merges rows of some series into a window that is finished, and leaves the others.

A row is replaced where the new one holds as many samples at least, and is never taken
away: what the source has forgotten meanwhile stays (RULES R66, here for each series).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bridge.rollup.commit import find_entry, mark_above
from bridge.rollup.compare import compare
from bridge.rollup.deletion import kept
from bridge.rollup.plan import PARTIAL
from bridge.rollup.restatements import restate
from bridge.rollup.rows import Flag, Rows
from bridge.rollup.windows import Resolution
from models import bulk, partitions
from models.queries import backfills, ledger
from models.queries import layouts as layout_queries
from models.queries.rollups import series_rows
from models.rollup import COLUMNS, RollupMinute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.rollup.above import Above
    from bridge.rollup.buckets.layouts import Bounds
    from bridge.rollup.rows import Bools
    from bridge.rollup.windows import Window
    from models.database import Database
    from models.queries.backfills import BackfillRow
    from models.queries.ledger import Entry


@dataclass(frozen=True, slots=True)
class Better:
    """Rows that are better than what stands, what stood in their places, and samples.

    `samples` is how many more the window holds by them, and `all_new` says that none of
    the series had a row.
    """

    rows: Rows
    old: Rows
    samples: int = 0
    all_new: bool = False

    @property
    def added(self) -> int:
        """How many rows were not there before."""
        return len(self.rows) - len(self.old)


@dataclass(frozen=True, slots=True)
class Patch:
    """What is merged into a window; `before` is its entry when it was read.

    `held` is how many raw samples the source has of the series, None if it did not say,
    `warning` what it warned of, and `layouts` are those that the rows name.
    """

    request: BackfillRow
    window: Window
    before: Entry
    better: Better
    held: int | None = None
    warning: str = ""
    layouts: Mapping[int, Bounds] = field(default_factory=dict)


def stored(db: Database, rows: Rows, window: Window) -> Rows:
    """Return the rows that the series of some rows have in a window."""
    found = series_rows(db, RollupMinute, rows.series_id, window.start, window.end)
    return Rows(**{name: getattr(found, name) for name in COLUMNS})


def better(old: Rows, new: Rows, heard: Mapping[int, int]) -> Better:
    """Choose the new rows that are not the same as the old ones and no worse.

    `heard` says how many samples, usable or not, a series has now. A histogram that
    lacks what it had, as only some of its parts were read, is worse.
    """
    pairs = compare(old, new)
    at = pairs.differing[pairs.new[pairs.differing] >= 0]
    at_old, at_new = pairs.old[at], pairs.new[at]
    known = at_old >= 0
    fits = np.ones(len(at), np.bool_)
    fits[known] = _is_no_worse(old.take(at_old[known]), new.take(at_new[known]))
    chosen, stood = new.take(at_new[fits]), old.take(at_old[fits & known])
    more = sum(heard.get(number, 0) for number in chosen.series_id.tolist())
    return Better(
        chosen,
        stood,
        samples=max(0, more - _raw(stood, chosen, heard)),
        all_new=not len(old),
    )


def _is_no_worse(old: Rows, new: Rows) -> Bools:
    had = np.array([blob is not None for blob in old.buckets], np.bool_)
    has = np.array([blob is not None for blob in new.buckets], np.bool_)
    lacks = had & (~has | (np.isnan(new.sum) & ~np.isnan(old.sum)))
    no_worse: Bools = (new.count >= old.count) & ~lacks
    return no_worse


def _raw(stood: Rows, chosen: Rows, heard: Mapping[int, int]) -> int:
    """Return how many samples the ledger has counted of rows that are replaced.

    Rows count those that are numbers. Where some were none, or were left out, as many
    of them are taken to have been there as are now.
    """
    unlike = stood.flags & (Flag.NAN | Flag.CORRECTED) > 0
    usable = dict(zip(chosen.series_id.tolist(), chosen.count.tolist(), strict=True))
    raw = 0
    for number, count, some in zip(
        stood.series_id.tolist(), stood.count.tolist(), unlike.tolist(), strict=True
    ):
        raw += count + (heard.get(number, 0) - usable[number] if some else 0)
    return raw


def patch(db: Database, it: Patch, now: int, above: Above) -> bool:
    """Write a patch; return False if the window was changed since it was read.

    One transaction: rows, ledger entry, restatements, the marks on coarser windows and
    how far the backfill is. To be run on the writer.
    """
    source, window, number = it.request.source, it.window, it.request.id
    with db.atomic():
        if find_entry(db, source, window) != it.before:
            return False
        if kept.is_gone(db, source, window) or not len(it.better.rows):
            backfills.advance(db, number, window.end, 0)
            return True
        layout_queries.remember(db, it.layouts)
        partitions.make(db, Resolution.DAY.floor(window.start))
        bulk.upsert_rollups(db, RollupMinute, it.better.rows)
        entry = replace(
            it.before,
            state=PARTIAL if it.warning else it.before.state,
            samples=it.before.samples + it.better.samples,
            series=it.before.series + it.better.added,
            revision=it.before.revision + 1,
            reason=it.warning or it.before.reason,
            computed_at=now,
        )
        ledger.record(db, entry)
        ledger.note_held(db, entry, _held(db, it))
        restate(db, entry, it.request.reason, it.better.old, [it.better.rows])
        told = f" again: {it.request.reason}"
        mark_above(db, source, window, above, told, now)
        backfills.advance(db, number, window.end, len(it.better.rows))
        return True


def _held(db: Database, it: Patch) -> int | None:
    """Return how many raw samples the source has of the window, None if unknown."""
    window = it.window
    found = ledger.counted(
        db, it.request.source, window.resolution.value, window.start, window.end
    )
    if not found or it.held is None or not it.better.all_new:
        return None
    return found[0][1] + it.held
