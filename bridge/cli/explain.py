"""`epimetheus explain`: what one number is made of, on the terminal."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bridge.answers.explain import Explanation, explain, explained, only_one, with_raw
from bridge.answers.find import find_series, written
from bridge.answers.selectors import parse
from bridge.answers.times import format_time, read_time
from bridge.answers.writing import to_json
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.store import existing_store, refuse_unknown
from bridge.cli.tables import show
from bridge.rollup.windows import Resolution, Window
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from bridge.answers.raw import Raw
    from models.database import Database
    from runtime.settings import Settings


# Times such as -1h are none of the options.
@click.command("explain", context_settings={"ignore_unknown_options": True})
@click.argument("selector")
@click.argument("time")
@click.option(
    "--resolution",
    default="minute",
    type=click.Choice([resolution.value for resolution in Resolution]),
    help="Of which rollup.",
)
@click.option("--source", help="Only of this source.")
@click.option("--no-raw", is_flag=True, help="Do not ask the source again.")
@click.option(
    "--format",
    "form",
    default="text",
    type=click.Choice(["text", "json"]),
    help="How to print.",
)
@pass_invocation
def command(
    invocation: Invocation,
    selector: str,
    time: str,
    *,
    resolution: str,
    source: str | None,
    no_raw: bool,
    form: str,
) -> None:
    """Say what the number of the series SELECTOR is made of in the window of TIME."""
    settings = invocation.settings()
    at = int(read_time(time, SystemClock().now(), "time"))
    window = Window.holding(at, Resolution(resolution))
    with existing_store(settings) as db:
        refuse_unknown(db, settings, source)
        chosen = find_series(db, [parse(selector, "selector")], source=source)
        one = explain(db, only_one(chosen, [selector]), window)
        if window.resolution is Resolution.MINUTE and not no_raw:
            one = _asked_again(settings, db, one)
    if form == "json":
        sys.stdout.buffer.write(to_json(explained(one)) + b"\n")
    else:
        _print(one)


def _asked_again(settings: Settings, db: Database, one: Explanation) -> Explanation:
    # These import prometheus_client, which is slow to load.
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - see above

    from bridge.rereading import Rereaders  # noqa: PLC0415 - same
    from bridge.telemetry import Telemetry  # noqa: PLC0415 - same

    telemetry = Telemetry.create(CollectorRegistry())
    return with_raw(db, one, Rereaders(settings, db, telemetry, SystemClock()).of)


def _print(one: Explanation) -> None:
    series, window = one.series, one.window
    click.echo(f"{written(series.metric, series.labels)} of {series.source}")
    click.echo(
        f"{window.resolution.value} {format_time(window.start)} to "
        f"{format_time(window.end)}"
    )
    for line in one.words:
        click.echo(f"  {line}")
    if one.entry is not None:
        entry = one.entry
        why = f": {entry.reason}" if entry.reason else ""
        times = "once" if entry.revision == 1 else f"{entry.revision} times, last"
        at = format_time(entry.computed_at)
        click.echo(f"  ledger: {entry.state}{why}; computed {times} {at}")
    if one.row is not None:
        click.echo()
        show(("column", "value"), [(name, _text(v)) for name, v in one.row.items()])
    _print_history(one)
    _print_finer(one)
    if one.raw is not None:
        _print_raw(one.raw)
    elif one.raw_reason:
        click.echo(f"\nraw samples: {one.raw_reason}")


def _print_history(one: Explanation) -> None:
    for each in one.corrections:
        click.echo(
            f"\ncorrection {each['id']} ({each['state']}): {each['note']}, "
            f"by {each['author']}"
        )
    if one.restatements:
        click.echo("\nrestated")
        show(
            ("when", "revision", "reason"),
            [
                (format_time(each["at"]), str(each["revision"]), each["reason"])
                for each in one.restatements
            ],
        )


def _print_finer(one: Explanation) -> None:
    if not one.finer:
        return
    click.echo("\nmerged from")
    show(
        ("start", "state", "samples", "sum", "increase", "resets", "flags"),
        [
            (
                format_time(each.start),
                each.state,
                _of(each.count, each.expected),
                _text(each.sum),
                _text(each.increase),
                _text(each.resets),
                "; ".join(each.flags),
            )
            for each in one.finer
        ],
    )


def _print_raw(raw: Raw) -> None:
    click.echo("\nraw samples, as the source has them now")
    lines = []
    if raw.before is not None:
        lines.append((_moment(raw.before[0]), repr(raw.before[1]), "", "before"))
    lines += [
        (
            _moment(each.time),
            str(each.value),
            _text(each.step),
            "reset" if each.reset else "",
        )
        for each in raw.samples
    ]
    show(("time", "value", "step", ""), lines)
    follows = "follows" if raw.agrees else "does not follow"
    click.echo(f"the row {follows} from them")
    for name, (stored, computed) in raw.differences.items():
        click.echo(f"  {name}: stored {stored}, computed {computed}")


def _of(count: int | None, expected: int | None) -> str:
    return "" if count is None else f"{count} of {expected or '?'}"


def _text(value: float | str | None) -> str:
    return "" if value is None else str(value)


def _moment(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
