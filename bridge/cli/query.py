"""`epimetheus query`: rollups on the terminal, straight from the database."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bridge.answers.aggregates import AGGREGATES, in_order, read_aggregates
from bridge.answers.calendars import read_frame
from bridge.answers.find import find_series, members_asked, written
from bridge.answers.past import read_as_of
from bridge.answers.periods import answer_of
from bridge.answers.resolution import read_resolution
from bridge.answers.rollups import Answer, Fill, Question
from bridge.answers.selectors import parse
from bridge.answers.times import read_span
from bridge.answers.writing import (
    cells,
    rfc3339,
    rollups_csv,
    rollups_document,
    to_json,
)
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.store import asked_store, refuse_unknown
from bridge.cli.tables import show
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DIGITS: Final = 6


@click.command("query")
@click.argument("selector", nargs=-1, required=True)
@click.option("--start", help="RFC 3339, Unix seconds, or such as -7d; default -1h.")
@click.option("--end", help="The same; default now.")
@click.option(
    "--resolution", default="auto", help="minute, hour, day, week, month or auto."
)
@click.option("--calendar", help="In whose days, weeks or months; default utc.")
@click.option("--final", is_flag=True, help="Leave out windows that still go on.")
@click.option("--as-of", help="Print what it was at this time.")
@click.option(
    "--aggregate",
    multiple=True,
    help=f"Any of {', '.join(AGGREGATES)}, p99.5, quantile(0.995); repeated or with "
    "commas.",
)
@click.option("--source", help="Only of this source.")
@click.option("--fill", default="none", type=click.Choice(["none", "null", "zero"]))
@click.option("--limit", type=click.IntRange(min=1), help="Newest points per series.")
@click.option(
    "--format",
    "form",
    default="table",
    type=click.Choice(["table", "csv", "json"]),
    help="How to print.",
)
@click.option(
    "--archive",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Read this file, as `archive` wrote it, instead of the database.",
)
@pass_invocation
def command(
    invocation: Invocation,
    selector: tuple[str, ...],
    *,
    start: str | None,
    end: str | None,
    resolution: str,
    calendar: str | None,
    final: bool,
    as_of: str | None,
    aggregate: tuple[str, ...],
    source: str | None,
    fill: Fill,
    limit: int | None,
    form: str,
    archive: Path | None,
) -> None:
    """Print rollups of the series that PromQL SELECTORs choose."""
    settings = invocation.settings()
    now = SystemClock().now()
    span = read_span(start, end, now)
    aggregates = read_aggregates(aggregate)
    chosen = [parse(text, "selector") for text in selector]
    with asked_store(settings, archive) as db:
        frame = read_frame(db, resolution, calendar, span)
        question = Question(
            span=span,
            closed=now - settings.rollup.settle,
            resolution=None if frame else read_resolution(resolution),
            aggregates=aggregates,
            fill=fill,
            limit=limit,
            include_open=not final,
            as_of=read_as_of(as_of, now, of_calendar=frame is not None),
            notes=members_asked(db, chosen),
        )
        refuse_unknown(db, settings, source)
        series = find_series(db, chosen, source=source)
        answer = answer_of(db, series, question, frame, settings.bridge.max_points)
    _print(answer, form)


def _print(answer: Answer, form: str) -> None:
    if form == "json":
        sys.stdout.buffer.write(to_json(rollups_document(answer)) + b"\n")
    elif form == "csv":
        for text in rollups_csv(answer):
            sys.stdout.write(text)
    else:
        _print_table(answer)


def _print_table(answer: Answer) -> None:
    present = {name for line in answer.lines for name in line.columns}
    names = in_order(present)
    rows = list(_rows(answer, names))
    headings = ("source", "series", answer.resolution, *names)
    # Series of one source need not be told apart by it.
    first = 0 if len(answer.coverage) > 1 else 1
    if rows:
        show(headings[first:], [row[first:] for row in rows])
    click.echo(f"by {answer.resolution}: {answer.choice.reason}", err=True)
    for note in answer.notes:
        click.echo(f"note: {note}", err=True)


def _rows(answer: Answer, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for line in answer.lines:
        name = written(line.series.metric, line.series.labels)
        columns = [
            cells(line.columns[name])
            if name in line.columns
            else [""] * len(line.start)
            for name in names
        ]
        starts = line.start.tolist()
        for start, *values in zip(starts, *columns, strict=True):
            told = _window(answer, line.series.source, start)
            yield (line.series.source, name, told, *map(figure, values))


def _window(answer: Answer, source: str, start: int) -> str:
    """Return how a window is called, and that it is not final."""
    names = {period.start: period.name for period in answer.periods}
    name = names.get(start) or rfc3339(start)
    if start in answer.open.get(source, ()):
        return f"{name} (open)"
    return f"{name} (partial)" if start in answer.partial.get(source, ()) else name


def figure(value: object) -> str:
    """Return a value as short as a table wants it; csv and json have all digits."""
    if isinstance(value, float) and math.isfinite(value):
        whole = value.is_integer() and abs(value) < 10**15
        return str(int(value)) if whole else f"{value:.{_DIGITS}g}"
    return str(value)
