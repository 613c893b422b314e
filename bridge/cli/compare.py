"""`epimetheus compare`: a time beside an earlier one, straight from the database."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bridge.answers.comparison import comparing, comparison_document
from bridge.answers.find import find_series, written
from bridge.answers.ranges import CompareTo, PeriodName, Wish
from bridge.answers.resolution import read_resolution
from bridge.answers.selectors import parse
from bridge.answers.times import format_time
from bridge.answers.writing import to_json
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.query import figure
from bridge.cli.store import existing_store, refuse_unknown
from bridge.cli.tables import show
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from bridge.answers.changes import Change
    from bridge.answers.comparison import Comparison


@click.command("compare")
@click.argument("selector", nargs=-1, required=True)
@click.option(
    "--period", type=click.Choice(["hour", "day", "week"]), help="The newest."
)
@click.option(
    "--compare-to",
    type=click.Choice(["yesterday", "last_week"]),
    help="The same time a day or seven days earlier; default yesterday.",
)
@click.option("--start", help="Instead of a period: RFC 3339, Unix seconds, or -7d.")
@click.option("--end", help="The same; default now.")
@click.option("--against-start", help="Where the time to compare with starts.")
@click.option("--against-end", help="Where it ends; it must be as long.")
@click.option(
    "--aggregate", multiple=True, help="Such as avg, sum, max, p95, rate or increase."
)
@click.option("--resolution", default="auto", help="minute, hour, day or auto.")
@click.option("--calendar", help="Compare whole days of this calendar.")
@click.option("--source", help="Only of this source.")
@click.option(
    "--format",
    "form",
    default="table",
    type=click.Choice(["table", "json"]),
    help="How to print; json has every window.",
)
@pass_invocation
def command(
    invocation: Invocation,
    selector: tuple[str, ...],
    *,
    period: PeriodName | None,
    compare_to: CompareTo | None,
    start: str | None,
    end: str | None,
    against_start: str | None,
    against_end: str | None,
    aggregate: tuple[str, ...],
    resolution: str,
    calendar: str | None,
    source: str | None,
    form: str,
) -> None:
    """Compare the series that PromQL SELECTORs choose with an earlier time."""
    settings = invocation.settings()
    now = SystemClock().now()
    wish = Wish(
        period=period,
        compare_to=compare_to,
        start=start,
        end=end,
        against_start=against_start,
        against_end=against_end,
        resolution=read_resolution(resolution),
        calendar=calendar,
    )
    chosen = [parse(text, "selector") for text in selector]
    with existing_store(settings) as db:
        refuse_unknown(db, settings, source)
        found = comparing(
            db,
            find_series(db, chosen, source=source),
            wish,
            aggregate,
            now,
            now - settings.rollup.settle,
            settings.bridge.max_points,
        )
    if form == "json":
        sys.stdout.buffer.write(to_json(comparison_document(found)) + b"\n")
    else:
        _print(found)


def _print(found: Comparison) -> None:
    rows = [
        (
            written(line.series.metric, line.series.labels),
            line.aggregate,
            *_cells(line.change),
        )
        for line in found.lines
    ]
    if found.together is not None and len(rows) > 1:
        rows.append(("all together", found.lines[0].aggregate, *_cells(found.together)))
    if rows:
        show(("series", "aggregate", "now", "before", "change", "percent"), rows)
    ranges = found.ranges
    for name, side in (("now", ranges.current), ("before", ranges.before)):
        start, end = (format_time(second) for second in side.stretch.bounds)
        click.echo(f"{name}: {start} to {end}", err=True)
    click.echo(f"by {ranges.choice.resolution.value}: {ranges.choice.reason}", err=True)
    for note in found.notes:
        click.echo(f"note: {note}", err=True)


def _cells(change: Change) -> tuple[str, str, str, str]:
    percent = (
        f"{change.percent:+.1f} %" if change.percent is not None else change.reason
    )
    return (
        "" if change.current is None else figure(change.current),
        "" if change.before is None else figure(change.before),
        "" if change.change is None else figure(change.change),
        percent,
    )
