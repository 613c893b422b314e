"""`epimetheus restatements`: what was said and is no longer said, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bridge.answers.find import find_series
from bridge.answers.restatements import (
    MOST,
    Restatement,
    check_resolution,
    restated,
)
from bridge.answers.selectors import parse
from bridge.answers.times import DAY, format_time, read_span, read_time
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.store import existing_store, refuse_unknown
from bridge.cli.tables import show
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("restatements")
@click.argument("selector", nargs=-1)
@click.option("--start", help="Of windows since then; default -24h.")
@click.option("--end", help="Of windows before then; default now.")
@click.option("--resolution", help="minute, hour, day or day@CALENDAR; default all.")
@click.option("--since", help="Only what was restated since then; default any time.")
@click.option("--source", help="Only of this source.")
@click.option("--limit", default=100, type=click.IntRange(1, MOST), help="How many.")
@pass_invocation
def command(
    invocation: Invocation,
    selector: tuple[str, ...],
    *,
    start: str | None,
    end: str | None,
    resolution: str | None,
    since: str | None,
    source: str | None,
    limit: int,
) -> None:
    """Print which rows were changed after they had been said, and why.

    Of the series that PromQL SELECTORs choose, or of all.
    """
    settings = invocation.settings()
    now = SystemClock().now()
    span = read_span(start, end, now, DAY)
    changed = 0.0 if since is None else read_time(since, now, "since")
    chosen = [parse(text, "selector") for text in selector]
    with existing_store(settings) as db:
        refuse_unknown(db, settings, source)
        check_resolution(db, resolution)
        series = find_series(db, chosen, source=source)
        found = restated(db, series, resolution, span, changed, limit)
    if not found:
        click.echo("nothing was restated", err=True)
        return
    headings = ("restated", "series", "window", "what", "before", "after", "reason")
    show(headings, [line for one in found for line in _lines(one)])
    if len(found) == limit:
        click.echo(f"only the newest {limit} are shown (--limit)", err=True)


def _lines(one: Restatement) -> Iterator[tuple[str, ...]]:
    window = f"{one.resolution} {format_time(one.start)}"
    name = one.series or f"{one.rows} more rows"
    head = (format_time(one.at), name, window)
    if one.before is None or one.after is None:
        said = tuple("row" if row else "no row" for row in (one.before, one.after))
        yield (*head, "", *(said if one.series else ("", "")), one.reason)
        return
    for column in one.changed:
        old, new = (_text(row.get(column)) for row in (one.before, one.after))
        yield (*head, column, old, new, one.reason)


def _text(value: float | str | None) -> str:
    return "" if value is None else str(value)
