"""`epimetheus archive`: the rollups of a span in one file that needs no server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import click
import orjson

from bridge.answers.find import find_series
from bridge.answers.selectors import parse
from bridge.answers.times import format_time, read_span
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.options import FROM_TO
from bridge.cli.progress import progress
from bridge.cli.store import existing_store
from bridge.rollup.windows import Resolution
from bridge.version import version
from models import archive
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.answers.times import Span
    from runtime.settings import Settings

_SECRETS: Final = {"bearer_token", "bearer_token_file"}


@click.command("archive")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "start", help="RFC 3339, Unix seconds, or such as -1y.")
@click.option("--to", "end", help="The same; default now.")
@click.option(
    "--match",
    multiple=True,
    metavar="SELECTOR",
    help="Only series that this PromQL selector chooses; may be repeated.",
)
@click.option(
    "--resolutions",
    default="hour,day",
    show_default=True,
    help="Any of minute, hour and day, with commas.",
)
@click.option("--verify", is_flag=True, help="Only check that FILE is as it was made.")
@pass_invocation
def command(
    invocation: Invocation,
    file: Path,
    *,
    start: str | None,
    end: str | None,
    match: tuple[str, ...],
    resolutions: str,
    verify: bool,
) -> None:
    """Write the rollups of a span into FILE, an SQLite database.

    `query --archive FILE` and `coverage --archive FILE` read it on any machine, and so
    does anything that reads SQLite. Its table `notes` says what it holds.
    """
    if verify:
        with archive.opened(file) as db:
            click.echo(f"{file} is as it was made: {archive.verify(db)}")
        return
    if start is None:
        raise click.UsageError("say with --from where the archive begins")
    settings = invocation.settings()
    now = SystemClock().now()
    span = read_span(start, end, now, names=FROM_TO)
    wanted = _resolutions(resolutions)
    selectors = [parse(text, "match") for text in match]
    with existing_store(settings) as db:
        ids = [row.id for row in find_series(db, selectors)]
        if not ids:
            raise CommandError("no series is chosen: there is nothing to archive")
        content = archive.Content(int(span.start), int(span.end), wanted, ids)
        notes = _notes(settings, span, wanted, match, now)
        with progress("archiving", len(ids), "series archived") as advance:
            told = archive.write(db, file, content, notes, advance)
    click.echo(f"{file}: checksum {told['checksum']}")


def _resolutions(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [resolution.value for resolution in Resolution][:3]
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise click.UsageError(
            f"--resolutions: {', '.join(wrong) or 'nothing'} is none of "
            f"{', '.join(known)}"
        )
    return tuple(name for name in known if name in names)


def _notes(
    settings: Settings,
    span: Span,
    resolutions: Sequence[str],
    match: Sequence[str],
    now: float,
) -> dict[str, str]:
    return {
        "what": "Rollups of metrics, written by `epimetheus archive`. Times are UTC "
        "seconds, windows are [start, start + width) and named by their start.",
        "version": version(),
        "made_at": format_time(int(now)),
        "from": format_time(span.start),
        "to": format_time(span.end),
        "resolutions": ",".join(resolutions),
        "match": orjson.dumps(list(match)).decode(),
        "sources": orjson.dumps([_source(one) for one in _dumped(settings)]).decode(),
    }


def _dumped(settings: Settings) -> list[dict[str, object]]:
    nested = {"targets": {"__all__": _SECRETS}}
    exclude: dict[str, Any] = {**dict.fromkeys(_SECRETS, True), **nested}
    return [one.model_dump(mode="json", exclude=exclude) for one in settings.sources]


def _source(values: dict[str, object]) -> dict[str, object]:
    """Leave out what a URL asks for, which may be a secret."""
    targets = values.get("targets")
    if isinstance(targets, list):
        for target in targets:
            parts = urlsplit(target["url"])
            target["url"] = urlunsplit((*parts[:3], "", ""))
    return values
