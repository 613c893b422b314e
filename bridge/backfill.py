"""Extends the rollups of a source into the past, or does a span of them again.

What is wanted is written into the ledger and the engine finds it there, so a backfill
can be interrupted, repeated, and done by a bridge that is running already.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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


def extension(db: Database, source: str, start: int, now: int) -> Span:
    """Return the windows of a source since `start` that are not on the ledger.

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
    return Span(source, start, _MINUTE.floor(now) if begin is None else begin)


def extend(db: Database, source: str, start: int, now: int) -> Span:
    """Ask for all windows of a source since `start`; return what is still to be done.

    Raises as `extension`.
    """
    span = extension(db, source, start, now)
    _mark_open(db, span, now)
    return span


def repetition(db: Database, source: str, start: int, end: int) -> Span:
    """Return the span of the finished windows that start in `[start, end)`.

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
    return Span(source, starts[0], starts[-1] + _MINUTE.width)


def redo(db: Database, source: str, start: int, end: int, now: int) -> Span:
    """Ask for the finished windows that start in `[start, end)` to be done again.

    Raises as `repetition`.
    """
    span = repetition(db, source, start, end)
    _mark_dirty(db, span, now)
    return span


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
    """Return how many windows of a span are finished.

    So are those that retention has deleted meanwhile: they are not done any more.
    """
    since = kept.since(db, span.source, _MINUTE) or span.start
    first = min(max(span.start, since), span.end)
    deleted = (first - span.start) // _MINUTE.width
    return deleted + ledger.count(
        db, span.source, _MINUTE.value, FINISHED, first, span.end
    )


@dataclass(slots=True)
class Portions:
    """Asks for the windows of a span some at a time, so that a bridge is not busy.

    New windows are asked for from the newest on backwards, so that asking for the same
    again goes on where it was left; windows that are done again from the oldest on, as
    their changes go on to later ones.
    """

    db: Database
    span: Span
    again: bool
    asked: int = 0

    @property
    def rest(self) -> Span:
        """What was not asked for yet."""
        width = self.asked * _MINUTE.width
        if self.again:
            return replace(self.span, start=self.span.start + width)
        return replace(self.span, end=self.span.end - width)

    def more(self, windows: int, now: int) -> None:
        """Ask for that many windows more."""
        rest = self.rest
        width = min(windows, rest.windows) * _MINUTE.width
        if self.again:
            _mark_dirty(self.db, replace(rest, end=rest.start + width), now)
        elif width:
            _mark_open(self.db, replace(rest, start=rest.end - width), now)
        self.asked += width // _MINUTE.width

    def done(self) -> int:
        """Return how many of the windows that were asked for are finished."""
        rest = self.rest
        given = (
            replace(self.span, end=rest.start)
            if self.again
            else replace(self.span, start=rest.end)
        )
        return finished(self.db, given)


def _mark_open(db: Database, span: Span, now: int) -> None:
    # The first window alone: those from there to the known ones are holes then.
    ledger.mark(db, span.source, _MINUTE.value, [span.start], OPEN, "backfill", now)


def _mark_dirty(db: Database, span: Span, now: int) -> None:
    entries = ledger.entries(db, span.source, _MINUTE.value, span.start, span.end)
    starts = [entry.start for entry in entries if entry.state in FINISHED]
    ledger.mark(db, span.source, _MINUTE.value, starts, DIRTY, "asked for", now)


def _told(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
