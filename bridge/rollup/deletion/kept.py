"""What was deleted on purpose is neither done nor merged again (RULES R66, R67).

Retention notes since when rows are kept. Before that a window may lack rows, so doing
it again would replace what is there by less, and merging a coarser one would too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bridge.rollup.plan import PARTIAL
from bridge.rollup.windows import Resolution, Window
from models.queries import events as event_queries
from models.queries import ledger, retained

if TYPE_CHECKING:
    from bridge.rollup.reports import Reporter
    from models.database import Database

REASON: Final = "what was asked for after the rows below were deleted is left out"
"""Why a finished window that was to be done again is only partial."""

_AT_ONCE: Final = 1000


def since(db: Database, source: str, resolution: Resolution) -> int | None:
    """Return before which windows are not done any more, None if all may be.

    A window needs its own rows and the finer ones that it is merged from.
    """
    finer = resolution.finer
    names = [resolution.value] if finer is None else [resolution.value, finer.value]
    found = (retained.since(db, source, name) for name in names)
    return max((start for start in found if start is not None), default=None)


def is_gone(db: Database, source: str, window: Window) -> bool:
    """Whether a window is one that is not done any more."""
    start = since(db, source, window.resolution)
    return start is not None and window.start < start


def take_back(db: Database, source: str, reporter: Reporter, now: int) -> int:
    """Settle windows that were marked although they are gone; return how many.

    Their rows stay as they are. What asked for them, such as samples that came very
    late, is told by an event. To be run on the writer.
    """
    taken = 0
    with db.atomic():
        for resolution in Resolution:
            start = since(db, source, resolution)
            if start is None:
                continue
            for entry in ledger.unfinished(db, source, resolution.value, _AT_ONCE):
                if entry.start >= start:
                    continue
                if entry.revision:
                    settled = replace(entry, state=PARTIAL, reason=REASON)
                    ledger.record(db, replace(settled, computed_at=now))
                else:
                    ledger.remove(db, source, resolution.value, entry.start)
                window = Window(entry.start, resolution)
                why = f"{entry.reason}, but {REASON}" if entry.reason else REASON
                for event in reporter.of_outcome(window, PARTIAL, why):
                    event_queries.record(db, event)
                taken += 1
    return taken


def has_strays(db: Database, source: str) -> bool:
    """Whether any window is marked although it is gone."""
    for resolution in Resolution:
        start = since(db, source, resolution)
        if start is not None:
            oldest = ledger.unfinished(db, source, resolution.value, 1)
            if oldest and oldest[0].start < start:
                return True
    return False
