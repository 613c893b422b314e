"""`epimetheus backfill`: rolls up history that a source still has."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

from bridge import backfill
from bridge.answers.errors import QuestionError
from bridge.answers.times import format_time, read_span
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.progress import progress
from bridge.rollup.windows import Resolution
from bridge.sources.base import SourceError
from bridge.storage import open_prepared
from models.lease import Lease, LeaseTaken
from runtime.clock import SystemClock
from runtime.service import stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.answers.times import Span as TimeSpan
    from bridge.backfill import Merging, Portions, Span
    from bridge.rollup.engine import Engine
    from bridge.sources.base import Source
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Settings

_LOOK_SECONDS: Final = 0.5
_MINUTE_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 60.0


@click.command("backfill")
@click.option("--source", help="Name of the source; needed if there are several.")
@click.option(
    "--start",
    required=True,
    help="Since when: RFC 3339, Unix seconds, or such as -30d.",
)
@click.option("--end", help="With --redo or --match: until when; default now.")
@click.option("--redo", is_flag=True, help="Do finished windows of the span again.")
@click.option(
    "--match",
    multiple=True,
    metavar="SELECTOR",
    help="Merge series into finished windows, and leave all others as they are. May be "
    "given several times.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=1),
    help="Ask for no more than so many windows per minute; default all at once.",
)
@pass_invocation
def command(
    invocation: Invocation,
    source: str | None,
    start: str,
    end: str | None,
    match: tuple[str, ...],
    *,
    redo: bool,
    rate: int | None,
) -> None:
    """Roll up history that a source still has.

    All windows from the start up to the first one on the ledger are done. A bridge
    that is running does the work; otherwise this command does. Either may be
    interrupted: what is left is done later.

    With --match only the series that a selector takes are read, such as those of a
    selector that was added to the settings later, and merged into windows that are
    finished already.
    """
    wish = _Wish(start, end, match, redo, rate or 0)
    wish.check()
    settings = invocation.settings()
    clock = SystemClock()
    name = _chosen(settings, source)
    wanted = read_span(start, end, clock.now())
    db = open_prepared(settings.database)
    engine = _Engine(settings, db, clock, name)
    try:
        portions = wish.portions(engine.source, db, wanted, int(clock.now()))
        _finish(engine, _Task(portions, clock, rate))
        _tell(portions)
    except backfill.NothingToDo as nothing:
        click.echo(str(nothing))
    finally:
        engine.close()
        db.close()


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the options ask for."""

    start: str
    end: str | None
    match: tuple[str, ...]
    redo: bool
    rate: int

    def check(self) -> None:
        """Raise UsageError for options that do not go together."""
        if self.redo and self.match:
            raise click.UsageError(
                "--redo reads windows with all their series, and --match some series: "
                "give one of them"
            )
        if self.end is not None and not self.redo and not self.match:
            raise click.UsageError(
                "--end goes with --redo or --match: without them everything up to the "
                "first window is done, so that the ledger has no hole"
            )

    def portions(
        self, source: Source, db: Database, wanted: TimeSpan, now: int
    ) -> Portions | Merging:
        """Return what is to be done; raises NothingToDo and CommandError."""
        start, end = int(wanted.start), int(wanted.end)
        if self.redo:
            span = backfill.repetition(db, source.name, start, end)
            return backfill.Portions(db, span, again=True)
        try:
            if self.match:
                _check_match(source, self.match)
                asked = (start, end, self.rate, now)
                return backfill.merging(db, source.name, self.match, *asked)
            since = _first_sample(source, start)
            span = backfill.extension(db, source.name, since, now)
        except backfill.NotThere as error:
            raise CommandError(str(error)) from error
        except SourceError as error:
            raise CommandError(f"{source.name} did not answer: {error}") from error
        return backfill.Portions(db, span, again=False)


def _first_sample(source: Source, start: int) -> int:
    """Return the second of the source's first sample since a time.

    Before it there is nothing to roll up, and nothing is lost either. Raises
    NothingToDo where there is none at all, and SourceError.
    """
    earliest_ms = source.earliest_ms(start * 1000)
    if earliest_ms is None:
        raise backfill.NothingToDo(
            f"{source.name} has no samples since {format_time(start)}"
        )
    earliest = earliest_ms // 1000
    if earliest - start >= Resolution.MINUTE.width:
        click.echo(f"{source.name} has nothing before {format_time(earliest)}")
    return max(start, earliest)


def _check_match(source: Source, match: Sequence[str]) -> None:
    """Raise CommandError for selectors that are not among those of the settings."""
    from bridge.sources.prometheus import (  # noqa: PLC0415 - slow to load
        PrometheusSource,
    )

    if isinstance(source, PrometheusSource):
        try:
            source.narrowed(match)
        except ValueError as error:
            raise CommandError(f"--match: {error}") from error


def _tell(merging: Portions | Merging) -> None:
    """Say what became of a backfill of some series; raises CommandError."""
    if isinstance(merging, backfill.Merging):
        outcome = merging.outcome()
        if outcome.startswith(backfill.FAILED):
            raise CommandError(
                f"the backfill {outcome} (a bridge that is running has the settings "
                "that it was started with)"
            )
        click.echo(outcome)


def _chosen(settings: Settings, source: str | None) -> str:
    """Return the name of the one source with a history.

    Raises CommandError, and QuestionError for a source that is no such one.
    """
    names = [each.name for each in settings.sources if each.kind == "prometheus"]
    if source is not None and source not in names:
        known = ", ".join(names) or "none"
        raise QuestionError(
            "source",
            f"{source!r} is not a source with a history; sources of kind prometheus "
            f"are: {known}",
        )
    if source is None and len(names) != 1:
        raise CommandError(
            "say which source with --source NAME"
            if names
            else "no source of kind prometheus is configured; others have no history"
        )
    return source or names[0]


def _finish(engine: _Engine, task: _Task) -> None:
    """Do the work, or watch it being done, until the span is finished."""
    stop_on_signals(task.stop)
    span = task.span
    click.echo(
        f"{span.windows} windows of {span.source} from {format_time(span.start)} "
        f"to {format_time(span.end)}"
    )
    lease = engine.lease
    try:
        lease.start()
    except LeaseTaken:
        click.echo("a bridge is running and does them")
        task.watch()
    else:
        try:
            _check_answers(engine.source)
            engine.work(task)
        finally:
            lease.stop()
    done = task.done()
    if task.silence:
        raise CommandError(
            f"{span.source} did not answer any more: {task.silence}; {done} of "
            f"{span.windows} windows are done"
        )
    if rest := task.portions.rest.windows:
        raise CommandError(
            f"{done} of {span.windows} windows are done, and {rest} were not asked for "
            f"yet: go on with {_again(task)}"
        )
    if done < span.windows:
        raise CommandError(
            f"{done} of {span.windows} windows are done; the rest is done by "
            "`epimetheus serve`, or by this command once more"
        )


def _check_answers(source: Source) -> None:
    """Raise CommandError for a source that is away, before anything is asked for."""
    try:
        source.now_ms()
    except SourceError as error:
        raise CommandError(f"{source.name} did not answer: {error}") from error


def _again(task: _Task) -> str:
    """Return the options with which the rest is asked for."""
    if not task.portions.again:
        return "the same command"
    rest = task.portions.rest
    return f"--redo --start {rest.start} --end {rest.end} --rate {task.rate}"


@dataclass(slots=True)
class _Task:
    """A span on its way: how far it is, and whether to go on.

    `rate` is how many windows are asked for in a minute, None for all at once.
    """

    portions: Portions | Merging
    clock: Clock
    rate: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    silence: str = ""
    """Why the source was given up, empty if it was not."""
    _next: float = float("-inf")
    _silent_since: float | None = None

    @property
    def span(self) -> Span:
        """What is to be done."""
        return self.portions.span

    def done(self) -> int:
        """Return how many windows are finished."""
        return self.portions.done()

    def beat(self, engine: Engine, source: Source) -> None:
        """Have an engine work until the span is finished; in a thread of its own.

        A source that does not answer for a minute is given up.
        """
        try:
            while not self.stop.is_set() and self._is_unfinished():
                engine.beat()
                if self._is_silent(source):
                    return
                self.clock.wait(self.stop, _LOOK_SECONDS)
        finally:
            self.portions.db.close()
            self.ended.set()

    def _is_silent(self, source: Source) -> bool:
        try:
            source.now_ms()
        except SourceError as error:
            now = self.clock.monotonic()
            if self._silent_since is None:
                self._silent_since = now
            if now - self._silent_since >= _PATIENCE_SECONDS:
                self.silence = str(error) or error.reason
        else:
            self._silent_since = None
        return bool(self.silence)

    def _is_unfinished(self) -> bool:
        return bool(self.portions.rest.windows) or self.done() < self.span.windows

    def watch(self) -> None:
        """Ask for the windows and show how many are done, until all are, or a signal.

        A portion is asked for when the one before is done and its minute is over.
        """
        with progress("rolling up", self.span.windows, "windows done") as advance:
            done = -1
            while done < self.span.windows:
                last = self.stop.is_set() or self.ended.is_set()
                done = self.done()
                advance(done)
                if last:
                    return
                self._ask(done)
                self.clock.wait(self.ended, _LOOK_SECONDS)

    def _ask(self, done: int) -> None:
        now = self.clock.monotonic()
        if done == self.portions.asked and now >= self._next:
            self._next = now + _MINUTE_SECONDS
            most = self.rate or self.span.windows
            self.portions.more(most, int(self.clock.now()))


class _Engine:
    """The engine of one source in this process; idle until there is work."""

    def __init__(
        self, settings: Settings, db: Database, clock: Clock, name: str
    ) -> None:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - slow to load

        from bridge.composition import compose, parts_of  # noqa: PLC0415 - same
        from bridge.telemetry import Telemetry  # noqa: PLC0415 - same
        from bridge.writer import Writer  # noqa: PLC0415 - same

        telemetry = Telemetry.create(CollectorRegistry())
        self.lease = Lease(db)
        self._writer = Writer(telemetry, clock, db.close, guard=self.lease.check)
        parts = parts_of(db, self._writer, telemetry, clock, lambda: self.lease.losses)
        self._composition = compose(settings, parts, self._writer, only=name)

    @property
    def source(self) -> Source:
        """The source whose history is rolled up."""
        return self._composition.sources[0]

    def work(self, task: _Task) -> None:
        """Roll up until the span is finished, or somebody ends it."""
        worker = threading.Thread(
            target=task.beat,
            args=(self._composition.engines[0], self.source),
            name="backfill",
        )
        self._writer.start()
        worker.start()
        try:
            task.watch()
        finally:
            task.stop.set()
            self._composition.stop()
            worker.join()
            self._writer.stop()

    def close(self) -> None:
        """Let go of the source's connections."""
        self._composition.close()
