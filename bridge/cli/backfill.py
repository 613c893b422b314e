"""`epimetheus backfill`: rolls up history that a source still has."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

from bridge import backfill
from bridge.answers.times import format_time, read_time
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.storage import open_prepared
from models.lease import Lease, LeaseTaken
from runtime.clock import SystemClock
from runtime.service import stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.backfill import Span
    from bridge.rollup.engine import Engine
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Settings

_LOOK_SECONDS: Final = 0.5


@click.command("backfill")
@click.option("--source", help="Name of the source; needed if there are several.")
@click.option(
    "--start",
    required=True,
    help="Since when: RFC 3339, Unix seconds, or such as -30d.",
)
@click.option("--end", help="With --redo: until when; default now.")
@click.option("--redo", is_flag=True, help="Do finished windows of the span again.")
@pass_invocation
def command(
    invocation: Invocation,
    source: str | None,
    start: str,
    end: str | None,
    *,
    redo: bool,
) -> None:
    """Roll up history that a source still has.

    All windows from the start up to the first one on the ledger are done. A bridge
    that is running does the work; otherwise this command does. Either may be
    interrupted: what is left is done later.
    """
    if end is not None and not redo:
        raise click.UsageError(
            "--end goes with --redo: without it everything up to the first window is "
            "done, so that the ledger has no hole"
        )
    settings = invocation.settings()
    clock = SystemClock()
    name = _chosen(settings, source)
    db = open_prepared(settings.database)
    try:
        now = clock.now()
        since = int(read_time(start, now, "start"))
        until = int(read_time(end or "now", now, "end"))
        if redo:
            span = backfill.redo(db, name, since, until, int(now))
        else:
            span = backfill.extend(db, name, since, int(now))
    except backfill.NothingToDo as nothing:
        click.echo(str(nothing))
    else:
        _finish(settings, db, span, clock)
    finally:
        db.close()


def _chosen(settings: Settings, source: str | None) -> str:
    """Return the name of the one source with a history; raises CommandError."""
    names = [each.name for each in settings.sources if each.kind == "prometheus"]
    if source is not None and source not in names:
        known = ", ".join(names) or "none"
        raise CommandError(
            f"{source!r} is not a source with a history; sources of kind prometheus "
            f"are: {known}"
        )
    if source is None and len(names) != 1:
        raise CommandError(
            "say which source with --source NAME"
            if names
            else "no source of kind prometheus is configured; others have no history"
        )
    return source or names[0]


def _finish(settings: Settings, db: Database, span: Span, clock: Clock) -> None:
    """Do the work, or watch it being done, until the span is finished."""
    task = _Task(db, span, clock)
    stop_on_signals(task.stop)
    click.echo(
        f"{span.windows} windows of {span.source} from {format_time(span.start)} "
        f"to {format_time(span.end)}"
    )
    lease = Lease(db)
    try:
        lease.start()
    except LeaseTaken:
        click.echo("a bridge is running and does them")
        task.watch()
    else:
        try:
            _work(settings, task)
        finally:
            lease.stop()
    done = task.done()
    if done < span.windows:
        raise CommandError(
            f"{done} of {span.windows} windows are done; the rest is done by "
            "`epimetheus serve`, or by this command once more"
        )


@dataclass(slots=True)
class _Task:
    """A span on its way: how far it is, and whether to go on."""

    db: Database
    span: Span
    clock: Clock
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def done(self) -> int:
        """Return how many windows are finished."""
        return backfill.finished(self.db, self.span)

    def beat(self, engine: Engine) -> None:
        """Have an engine work until the span is finished; in a thread of its own."""
        try:
            while not self.stop.is_set() and self.done() < self.span.windows:
                engine.beat()
                self.clock.wait(self.stop, _LOOK_SECONDS)
        finally:
            self.db.close()
            self.ended.set()

    def watch(self) -> None:
        """Show how far the span is until it is finished, or somebody ends it."""
        with _progress(self.span.windows) as advance_to:
            done = -1
            while done < self.span.windows:
                last = self.stop.is_set() or self.ended.is_set()
                done = self.done()
                advance_to(done)
                if last:
                    return
                self.clock.wait(self.ended, _LOOK_SECONDS)


def _work(settings: Settings, task: _Task) -> None:
    """Run the source's engine in this process until the span is finished."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - slow to load

    from bridge.composition import compose, parts_of  # noqa: PLC0415 - same
    from bridge.telemetry import Telemetry  # noqa: PLC0415 - same
    from bridge.writer import Writer  # noqa: PLC0415 - same

    telemetry = Telemetry.create(CollectorRegistry())
    writer = Writer(telemetry, task.clock, task.db.close)
    parts = parts_of(task.db, writer, telemetry, task.clock)
    composition = compose(settings, parts, writer, only=task.span.source)
    worker = threading.Thread(
        target=task.beat, args=(composition.engines[0],), name="backfill"
    )
    writer.start()
    worker.start()
    try:
        task.watch()
    finally:
        task.stop.set()
        composition.stop()
        worker.join()
        composition.close()
        writer.stop()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar on a terminal; elsewhere print a line at every tenth."""
    if not sys.stdout.isatty():
        said = -1

        def say(done: int) -> None:
            nonlocal said
            if (tenth := 10 * done // max(total, 1)) != said:
                said = tenth
                click.echo(f"{done} of {total} windows done")

        yield say
        return
    from rich.progress import Progress  # noqa: PLC0415 - only a terminal needs it

    with Progress(transient=False) as bar:
        task = bar.add_task("rolling up", total=total)
        yield lambda done: bar.update(task, completed=done)
