"""Which windows are old enough to be deleted, and which of them must stay for now.

A window may go when nothing will be made from it any more: its own resolution, what it
is made from and what is merged from it are finished without a hole up to there, and so
are the local days of every calendar (RULES R62, R67). Age alone deletes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bridge.rollup.days.calendars import Calendar, Rules
from bridge.rollup.windows import Resolution
from models.queries import calendars as queries
from models.queries import coverage, expiry, ledger, retained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bridge.rollup.days.calendars import Period
    from models.database import Database

_HOUR: Final = Resolution.HOUR.width
_DAY: Final = Resolution.DAY.width
STEPS: Final = {
    Resolution.MINUTE: _HOUR,
    Resolution.HOUR: _DAY,
    Resolution.DAY: 7 * _DAY,
}
"""Rows go up to multiples of this: whole coarser windows, and days by the week, as the
rows of a series lie together and a page is then written once for seven of them."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is old enough of a group of series, at one resolution of a source.

    The windows of `[start, cut)` are old enough, and those of `[start, until)` may go;
    `held` says why the others must stay. UTC seconds; where nothing is old enough all
    three are the same.
    """

    source: str
    resolution: Resolution
    selector: str
    start: int
    until: int
    cut: int
    held: str = ""


def plan(  # noqa: PLR0917 - of what, how long, and how far at once
    db: Database,
    source: str,
    resolution: Resolution,
    kept: Mapping[str, float],
    now: int,
    step: int,
) -> list[Due]:
    """Return what is due of a source at a resolution, by group of series.

    `kept` are the seconds that each group is kept, by its selector; 0 is for ever.
    `now` is no later than the end of the newest minute, so that a clock that is wrong
    deletes nothing (RULES R85); `step` is as in STEPS.
    """
    begin = ledger.begin(db, source, resolution.value)
    if begin is None:
        return []
    known = retained.groups(db, source, resolution.value)
    found = []
    for selector, seconds in kept.items():
        group = known.get(selector)
        start = max(begin, group.swept) if group else begin
        cut = max((now - round(seconds)) // step * step, start) if seconds else start
        found.append(Due(source, resolution, selector, start, cut, cut))
    latest = max((due.cut for due in found), default=begin)
    if latest <= begin:
        return found
    limit, reason = min(_limits(db, source, resolution, begin, latest))
    return [_within(due, limit // step * step, reason) for due in found]


def _within(due: Due, limit: int, reason: str) -> Due:
    if due.cut <= limit:
        return due
    until = max(limit, due.start)
    return Due(
        due.source, due.resolution, due.selector, due.start, until, due.cut, reason
    )


def _limits(
    db: Database, source: str, resolution: Resolution, begin: int, end: int
) -> Iterator[tuple[int, str]]:
    """Yield until when windows of `[begin, end)` may go, and what stands behind it."""
    yield end, ""
    newest = ledger.newest(db, source, Resolution.MINUTE.value)
    if newest is not None:
        yield newest, "the newest windows tell where to go on"
    for each in Resolution:
        coarsest = resolution.coarser or resolution
        if each.width > coarsest.width:
            continue
        since = ledger.begin(db, source, each.value)
        if each is resolution.coarser:
            whole = retained.since(db, source, each.value)
            since = max(each.floor(begin), whole if whole is not None else begin - _DAY)
        if since is not None and since < end:
            yield from _finished(db, source, each, since, end)
    yield from _local_days(db, source, begin, end)


def _finished(
    db: Database, source: str, resolution: Resolution, since: int, end: int
) -> Iterator[tuple[int, str]]:
    """Yield the first window of `[since, end)` that is not finished."""
    name = resolution.value
    undone = expiry.oldest_unfinished(db, source, name)
    if undone is not None:
        yield undone, f"the {name} {_told(undone)} is to be done again"
    missing = coverage.gaps(db, source, name, since, end, width=resolution.width)
    if missing:
        yield missing[0][0], f"the {name} {_told(missing[0][0])} is not done yet"


def _local_days(
    db: Database, source: str, begin: int, end: int
) -> Iterator[tuple[int, str]]:
    """Yield until when the local days of each calendar that is kept are made."""
    minute, hour = (
        ledger.begin(db, source, each.value)
        for each in (Resolution.MINUTE, Resolution.HOUR)
    )
    firsts = {Resolution.MINUTE: minute, Resolution.HOUR: hour}
    for listed in queries.listed(db):
        if listed.state != queries.KEPT:
            continue
        calendar = Calendar(listed.name, Rules.read(listed.rules))
        own = retained.since(db, source, calendar.resolution)
        finished = set(
            expiry.finished_days(db, source, calendar.resolution, begin, end)
        )
        wholes = {each: retained.since(db, source, each.value) for each in firsts}
        before = begin
        for day in calendar.within(begin, end):
            if day.start in finished:
                before = day.start
            elif _can_be_made(day, own, firsts, wholes):
                yield before, f"calendar {listed.name} is not made beyond it"
                break


def _can_be_made(
    day: Period,
    own: int | None,
    firsts: Mapping[Resolution, int | None],
    wholes: Mapping[Resolution, int | None],
) -> bool:
    """Whether anything of what a local day is made from is there, and none is deleted.

    What is not made and never will be holds nothing back, such as the past of a
    calendar that was added after it had been deleted.
    """
    finer = day.built_from
    if finer is None:
        return False
    first, whole = firsts[finer], wholes[finer]
    if first is None or day.end <= first:
        return False
    return all(since is None or day.start >= since for since in (own, whole))


def _told(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
