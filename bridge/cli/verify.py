"""`epimetheus verify`: compares rollups with what the sources have now."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import click
import orjson

from bridge.answers.find import check_source
from bridge.answers.times import format_time, read_span
from bridge.answers.verification import described
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.options import FROM_TO
from bridge.cli.progress import progress
from bridge.cli.store import existing_store
from bridge.cli.tables import show
from bridge.rollup.plan import MINUTE
from bridge.rollup.verification.verify import AGED, DIFFERS, FAILED, LATE, SAME, WARNED
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.answers.times import Span
    from bridge.rollup.verification.verifier import Looked
    from models.database import Database
    from runtime.settings import Settings

_MEANING = {
    SAME: "as the samples say",
    DIFFERS: "rows are not what the samples say",
    LATE: "the source has more samples by now",
    AGED: "the source has fewer samples by now, not compared",
    WARNED: "the source's answer was not complete",
    FAILED: "the source did not answer",
}


@click.command("verify")
@click.option("--source", help="Name of the source; needed if there are several.")
@click.option("--from", "start", help="Minutes since then; default -1h.")
@click.option("--to", "end", help="Minutes before then; default now.")
@click.option("--sample", type=click.IntRange(min=1), help="Only so many, at random.")
@click.option("--repair", is_flag=True, help="Have what is wrong done again.")
@pass_invocation
def command(
    invocation: Invocation,
    *,
    source: str | None,
    start: str | None,
    end: str | None,
    sample: int | None,
    repair: bool,
) -> None:
    """Read finished minutes again, compute their rows, and compare.

    Exit code 1 if any row is not what the samples of the source say, or if the source
    answered for none of the minutes.
    """
    settings = invocation.settings()
    span = read_span(start, end, SystemClock().now(), names=FROM_TO)
    name = _chosen(settings, source)
    with existing_store(settings) as db:
        looked = _look(settings, db, name, span, sample)
        _tell(db, looked)
        wrong = [one for one in looked if one.repair]
        if repair and wrong:
            _repair(db, name, wrong)
    if any(one.outcome in {DIFFERS, LATE} for one in looked):
        raise CommandError(
            "rows are not what the samples say"
            + ("; they are done again" if repair else "; --repair does them again")
        )
    if looked and all(one.outcome == FAILED for one in looked):
        raise CommandError(f"{name} did not answer: nothing was verified")


def _chosen(settings: Settings, source: str | None) -> str:
    names = [one.name for one in settings.sources]
    if source is None and len(names) == 1:
        return names[0]
    if source is None:
        known = ", ".join(names)
        raise CommandError(f"say which source with --source NAME: {known}")
    check_source(source, names)
    return source


def _look(
    settings: Settings, db: Database, name: str, span: Span, sample: int | None
) -> list[Looked]:
    # These import prometheus_client, which is slow to load.
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - see above

    from bridge.rereading import Rereaders  # noqa: PLC0415 - same
    from bridge.rollup.verification.verifier import Verifier  # noqa: PLC0415 - same
    from bridge.telemetry import Telemetry  # noqa: PLC0415 - same

    telemetry = Telemetry.create(CollectorRegistry())
    found: list[Looked] = []
    with Rereaders(settings, db, telemetry, SystemClock()).of(name) as again:
        verifier = Verifier(db, again.source, again.engine.reread)
        low = int(span.start) // MINUTE * MINUTE
        starts: Sequence[int] = verifier.candidates(low, int(span.end))
        if sample is not None and sample < len(starts):
            starts = sorted(random.sample(starts, sample))
        with progress("verifying", len(starts), "minutes looked at") as advance:
            for done, start in enumerate(starts, 1):
                one = verifier.look(start)
                if one is not None:
                    found.append(one)
                advance(done)
    return found


def _tell(db: Database, looked: Sequence[Looked]) -> None:
    counts = Counter(one.outcome for one in looked)
    rows = sum(one.compared.series for one in looked if one.compared is not None)
    click.echo(f"{len(looked)} minutes, {rows} rows")
    for outcome, meaning in _MEANING.items():
        if counts[outcome]:
            click.echo(f"{outcome}: {counts[outcome]} ({meaning})")
    lines = [
        (
            format_time(one.window.start),
            difference["series"],
            difference["outcome"],
            name,
            *(str(value) for value in values),
        )
        for one in looked
        if one.compared is not None
        for difference in described(db, orjson.loads(one.row(0).detail))
        for name, values in (difference["columns"] or {"": ("", "")}).items()
    ]
    if lines:
        click.echo()
        show(("minute", "series", "what", "column", "stored", "computed"), lines)


def _repair(db: Database, name: str, wrong: Sequence[Looked]) -> None:
    from bridge.rollup.verification.verifier import marked  # noqa: PLC0415 - slow to load

    now = int(SystemClock().now())
    wanted = [(one.window.start, one.repair) for one in wrong]
    with db.atomic():
        count = marked(db, name, wanted, now)
    click.echo(f"{count} minutes are done again by the running bridge, or the next one")
