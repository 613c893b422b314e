"""Extends the rollups of a source into the past, or does a span of them again.

What is wanted is written into the ledger and the engine finds it there, so a backfill
can be interrupted, repeated, and done by a bridge that is running already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bridge.rollup import kept
from bridge.rollup.plan import DIRTY, FINISHED, OPEN
from bridge.rollup.windows import Resolution
from models.queries import ledger

if TYPE_CHECKING:
    from models.database import Database

_MINUTE: Final = Resolution.MINUTE


class NothingToDo(Exception):  # noqa: N818 - an answer, not a mistake
    """All that was asked for is there already; the message says so."""


@dataclass(frozen=True, slots=True)
class Span:
    """The minutes of a source that a backfill is about: `[start, end)`, UTC seconds."""

    source: str
    start: int
    end: int

    @property
    def windows(self) -> int:
        """How many minutes the span has."""
        return (self.end - self.start) // _MINUTE.width


def extend(db: Database, source: str, start: int, now: int) -> Span:
    """Ask for all windows of a source since `start`; return what is still to be done.

    Raises NothingToDo where the ledger begins at or before `start` already, or where
    retention has deleted windows after it.
    """
    start = _MINUTE.floor(start)
    begin = ledger.begin(db, source, _MINUTE.value)
    if begin is not None and begin <= start:
        raise NothingToDo(
            f"the windows of {source!r} since {_told(start)} are on the ledger "
            "already; --redo does them again"
        )
    _refuse_deleted(db, source, start)
    ledger.mark(db, source, _MINUTE.value, [start], OPEN, "backfill", now)
    return Span(source, start, _MINUTE.floor(now) if begin is None else begin)


def redo(db: Database, source: str, start: int, end: int, now: int) -> Span:
    """Ask for the finished windows that start in `[start, end)` to be done again.

    Raises NothingToDo where there are none, or where they were deleted.
    """
    start, end = _MINUTE.floor(start), -_MINUTE.floor(-end)
    _refuse_deleted(db, source, start)
    entries = ledger.entries(db, source, _MINUTE.value, start, end)
    starts = [entry.start for entry in entries if entry.state in FINISHED]
    if not starts:
        raise NothingToDo(
            f"the ledger has no finished window of {source!r} in that span"
        )
    ledger.mark(db, source, _MINUTE.value, starts, DIRTY, "asked for", now)
    return Span(source, starts[0], starts[-1] + _MINUTE.width)


def _refuse_deleted(db: Database, source: str, start: int) -> None:
    """Raise NothingToDo for windows that retention has deleted on purpose."""
    since = kept.since(db, source, _MINUTE)
    if since is not None and start < since:
        raise NothingToDo(
            f"minutes of {source!r} before {_told(since)} were deleted as "
            "retention.minute asks, and what was merged from them stays as it is: "
            f"ask for {_told(since)} or later"
        )


def finished(db: Database, span: Span) -> int:
    """Return how many windows of a span are finished."""
    entries = ledger.entries(db, span.source, _MINUTE.value, span.start, span.end)
    return sum(entry.state in FINISHED for entry in entries)


def _told(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
