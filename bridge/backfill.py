"""Extends the rollups of a source into the past, or does a span of them again.

What is wanted is written into the ledger, or into the table `backfills` where it is
about some series only, and the engine finds it there. So a backfill can be interrupted,
repeated, and done by a bridge that is running already.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bridge.rollup.deletion import kept
from bridge.rollup.plan import DIRTY, FINISHED, OPEN
from bridge.rollup.windows import Resolution
from models.queries import backfills, ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.database import Database
    from models.queries.backfills import BackfillRow

_MINUTE: Final = Resolution.MINUTE


FAILED: Final = "failed: "
"""What the outcome of a backfill begins with that was given up."""
_MOST_MARKED: Final = 1000


class NotThere(Exception):  # noqa: N818 - an answer, not a mistake
    """The ledger does not have windows that were asked for; the message says so."""


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


def merging(  # noqa: PLR0917 - what is asked for
    db: Database,
    source: str,
    match: Sequence[str],
    start: int,
    end: int,
    rate: int,
    now: int,
) -> Merging:
    """Ask for some series to be merged into the finished windows of `[start, end)`.

    `rate` is how many windows may be done in a minute, 0 for any number. A backfill of
    the same series since the same time that is not finished is gone on with. Raises
    NotThere for windows before the ledger, and as `repetition`.
    """
    start = _MINUTE.floor(start)
    for row in backfills.unfinished(db, source):
        if row.match == tuple(match) and row.start == start:
            return Merging(db, row)
    begin = ledger.begin(db, source, _MINUTE.value)
    if begin is not None and start < begin:
        raise NotThere(
            f"the ledger of {source!r} begins at {_told(begin)}: windows before it are "
            f"rolled up with all their series by `backfill --start {_told(start)}` "
            f"without --match, or ask for {_told(begin)} or later"
        )
    span = repetition(db, source, start, end)
    row = backfills.create(db, source, match, start, span.end, rate, now)
    return Merging(db, row)


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


@dataclass(frozen=True, slots=True)
class Merging:
    """A backfill of some series on its way, to be watched as `Portions` are."""

    db: Database
    request: BackfillRow

    @property
    def span(self) -> Span:
        """The minutes of the source that it is about."""
        return Span(self.request.source, self.request.start, self.request.until)

    @property
    def rest(self) -> Span:
        """What was not asked for yet: nothing."""
        return replace(self.span, start=self.request.until)

    @property
    def asked(self) -> int:
        """How many windows were asked for: all."""
        return self.span.windows

    @property
    def again(self) -> bool:
        """Whether finished windows are read whole: they are not."""
        return False

    def more(self, windows: int, now: int) -> None:
        """Nothing to do: the engine asks by itself."""

    def done(self) -> int:
        """Return how many windows are done; the last once what follows is done, too."""
        row = backfills.find(self.db, self.request.id)
        windows = (row.position - row.start) // _MINUTE.width
        if row.finished_at is not None and row.outcome.startswith(FAILED):
            return self.span.windows
        marked = ledger.unfinished(self.db, row.source, _MINUTE.value, _MOST_MARKED)
        follows = any(entry.reason == row.reason for entry in marked)
        is_done = row.finished_at is not None and not follows
        return self.span.windows if is_done else min(windows, self.span.windows - 1)

    def outcome(self) -> str:
        """Return what became of it, '' while it is not finished."""
        return backfills.find(self.db, self.request.id).outcome


def _mark_open(db: Database, span: Span, now: int) -> None:
    # The first window alone: those from there to the known ones are holes then.
    ledger.mark(db, span.source, _MINUTE.value, [span.start], OPEN, "backfill", now)


def _mark_dirty(db: Database, span: Span, now: int) -> None:
    entries = ledger.entries(db, span.source, _MINUTE.value, span.start, span.end)
    starts = [entry.start for entry in entries if entry.state in FINISHED]
    ledger.mark(db, span.source, _MINUTE.value, starts, DIRTY, "asked for", now)


def _told(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
