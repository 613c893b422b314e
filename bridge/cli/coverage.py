"""`epimetheus coverage`: the map of holes on the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.answers.day_coverage import asked, cover_all
from bridge.answers.find import check_source
from bridge.answers.status import source_status
from bridge.answers.times import DAY, format_time, read_span
from bridge.cli import hole_map
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.store import asked_store
from bridge.cli.tables import show
from bridge.rollup.windows import Resolution
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.answers.calendars import Followed
    from bridge.answers.coverage import Coverage
    from models.database import Database
    from runtime.settings import Settings

_SHOWN = 50


@click.command("coverage")
@click.option("--start", help="RFC 3339, Unix seconds, or such as -7d; default -24h.")
@click.option("--end", help="The same; default now.")
@click.option("--source", help="Only of this source.")
@click.option(
    "--resolution",
    type=click.Choice([resolution.value for resolution in Resolution]),
    help="Only this resolution.",
)
@click.option(
    "--calendar", help="Only the days of this calendar; utc for windows of UTC only."
)
@click.option(
    "--map/--no-map",
    "mapped",
    default=None,
    help="Draw a map, a character for each window; default on a terminal.",
)
@click.option(
    "--archive",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Read this file, as `archive` wrote it, instead of the database.",
)
@pass_invocation
def command(  # noqa: PLR0917 - one for each option
    invocation: Invocation,
    start: str | None,
    end: str | None,
    source: str | None,
    resolution: str | None,
    calendar: str | None,
    *,
    mapped: bool | None,
    archive: Path | None,
) -> None:
    """Show which windows are done, and which are not and why."""
    settings = invocation.settings()
    now = SystemClock().now()
    closed = now - settings.rollup.settle
    span = read_span(start, end, now, DAY)
    with asked_store(settings, archive) as db:
        resolutions, calendars = asked(db, resolution, calendar)
        found = [
            one
            for name in _names(db, settings, source)
            for one in cover_all(db, name, span, closed, resolutions, calendars)
        ]
    show(
        (
            "source",
            "resolution",
            "windows",
            "done",
            "partial",
            "unfinished",
            "lost",
            "missing",
        ),
        [_counts(one) for one in found],
    )
    if sys.stdout.isatty() if mapped is None else mapped:
        _draw(found, calendars)
    holes = [row for one in found for row in _holes(one)]
    if holes:
        click.echo()
        show(("source", "resolution", "from", "to", "state", "reason"), holes[:_SHOWN])
    if len(holes) > _SHOWN:
        click.echo(f"… and {len(holes) - _SHOWN} more")


def _draw(found: Sequence[Coverage], calendars: Sequence[Followed]) -> None:
    by_name = {one.calendar.name: one.calendar for one in calendars}
    for one in found:
        days: list[hole_map.Cell] = []
        if one.calendar in by_name:
            within = by_name[one.calendar].within(one.start, one.end)
            days = [(day.start, day.end) for day in within]
        click.echo()
        for line in hole_map.lines(one, days):
            click.echo(line)
    click.echo(f"\n{hole_map.LEGEND}")


def _names(db: Database, settings: Settings, source: str | None) -> list[str]:
    kinds = {one.name: one.kind for one in settings.sources}
    known = [one.name for one in source_status(db, kinds, 0.0, 0.0)]
    check_source(source, known)
    return known if source is None else [source]


def _counts(one: Coverage) -> tuple[str, ...]:
    counts = one.counts
    return (
        one.source,
        hole_map.name_of(one),
        str(counts.windows),
        str(counts.done),
        str(counts.partial),
        str(counts.dirty + counts.open),
        str(counts.lost),
        str(counts.missing),
    )


def _holes(one: Coverage) -> Iterator[tuple[str, ...]]:
    for hole in one.holes:
        yield (
            one.source,
            hole_map.name_of(one),
            format_time(hole.start),
            format_time(hole.end),
            hole.state,
            hole.reason,
        )
