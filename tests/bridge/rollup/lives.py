"""The lives of a bridge: one after the other on the same database, till all is done."""

from __future__ import annotations

import contextlib
import functools
import random
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import structlog
from prometheus_client import CollectorRegistry

from bridge.composition import compose
from bridge.receivers.intake import append
from bridge.rollup.days.calendars import Rules
from bridge.rollup.parts import Parts
from bridge.telemetry import Telemetry
from bridge.writer import Writer
from models.database import open_database
from models.directory import SeriesDirectory
from models.migrate import Migrations
from models.queries import corrections
from models.rollup import COLUMNS
from runtime.settings import Settings
from tests.bridge.rollup.chronicle import (
    BEGIN,
    EVERY,
    ZONES,
    Piece,
    Step,
    samples,
)
from tests.bridge.rollup.killing import Reaper, watch
from tests.bridge.rollup.world import Killed
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from models.database import Database
    from runtime.clock import Clock

P = ParamSpec("P")
SOURCE = "local"
SETTINGS = {
    "sources": [
        {
            "name": SOURCE,
            "kind": "scrape",
            "interval": f"{EVERY}s",
            "initial_history": "1d",
            "keep_raw": "3h",
            "targets": [{"url": "http://127.0.0.1:1/metrics"}],
        }
    ],
    "calendars": [{"name": name, "zone": zone} for name, zone in ZONES.items()],
    "verify": {"every": "1h", "windows": 1, "lookback": "1m"},
}
ROLLUP = {
    "recheck": "5m",
    "distributions": [{"match": "queue"}],
    "distinct": [{"name": "users", "match": "session", "label": "user"}],
}


def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lives are short: read the zones once, and do not log what all of them find."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    monkeypatch.setattr(Rules, "of", functools.cache(Rules.of))


class Life:
    """One process: its connection, its memory, its engine."""

    def __init__(
        self, url: str, clock: Clock, reaper: Reaper, settings: Settings
    ) -> None:
        self.db = open_database(url)
        watch(self.db, reaper)
        Migrations(self.db).prepare(apply=True)
        self._clock = clock
        self._call = reaper.call
        self._directory = SeriesDirectory(self.db)
        telemetry = Telemetry.create(CollectorRegistry())
        parts = Parts(self.db, self._call, self._directory, telemetry, clock)
        writer = Writer(telemetry, clock, self.db.close)
        self._composition = compose(settings, parts, writer, only=SOURCE)

    def take(self, pieces: Sequence[Piece]) -> None:
        """Take samples, which may have been taken in an earlier life already."""
        facts = [piece.facts for piece in pieces]
        different, now = list(dict.fromkeys(facts)), int(self._clock.now())
        ids = self._call(
            "resolve_series", lambda: self._directory.resolve(SOURCE, different, now)
        )
        known = dict(zip(different, ids.tolist(), strict=True))
        taken = samples(pieces, [known[fact] for fact in facts])
        self._call("buffer_scrape", lambda: append(self.db, SOURCE, taken, now))

    def correct(self, step: Step) -> None:
        """Declare or revoke a correction, unless an earlier life did it already."""
        self._call("correct", lambda: self._correct(step, int(self._clock.now())))

    def beat(self) -> None:
        """Let the engine work."""
        self._composition.engines[0].beat()

    def _correct(self, step: Step, now: int) -> None:
        known = {row.selector: row for row in corrections.listed(self.db)}
        if step.wrong is not None and step.wrong.selector not in known:
            corrections.create(self.db, step.wrong)
        if step.right:
            corrections.revoke(self.db, known[step.right].id, now)

    def end(self) -> None:
        """Let go of what a process would not keep."""
        self._composition.close()
        self.db.close()


@dataclass
class Play:
    """Steps that are done in as many lives as it takes."""

    url: str
    reaper: Reaper
    catch_up: int = 30
    lives: int = 0
    clock: FakeClock = field(default_factory=lambda: FakeClock(BEGIN))
    _life: Life | None = None

    def __post_init__(self) -> None:
        rollup = {**ROLLUP, "catch_up": self.catch_up}
        self._settings = Settings.model_validate({**SETTINGS, "rollup": rollup})

    def run(self, steps: Sequence[Step]) -> None:
        """Do all steps, one after the other."""
        for step in steps:
            self.clock.advance(BEGIN + step.at - self.clock.now())
            if step.pieces:
                self._surely(Life.take, step.pieces)
            if step.wrong is not None or step.right:
                self._surely(Life.correct, step)
            if step.beat:
                self._surely(Life.beat)

    def end(self) -> None:
        """End the life that goes on."""
        if self._life is not None:
            self._life.end()
            self._life = None

    def _surely(
        self,
        act: Callable[Concatenate[Life, P], None],
        *given: P.args,
        **named: P.kwargs,
    ) -> None:
        """Have something done; by the next life, all of it, if this one ends early."""
        while True:
            try:
                if self._life is None:
                    self.lives += 1
                    self._life = Life(self.url, self.clock, self.reaper, self._settings)
                act(self._life, *given, **named)
            except Killed:
                self._life = None
            else:
                return


def undisturbed(url: str, steps: Sequence[Step], catch_up: int = 30) -> Reaper:
    """Do all steps in one life; return who watched."""
    play = Play(url, Reaper(random.Random(0), every=0), catch_up)
    play.run(steps)
    play.end()
    assert play.lives == 1
    return play.reaper


ROLLUPS = ("rollup_minute", "rollup_hour", "rollup_day", "rollup_local_day")
_OF_SERIES = "s.metric, s.labels"
_FIGURES = ", ".join(f"r.{name}" for name in COLUMNS if name != "series_id")
_JOINED = "JOIN series s ON s.id = r.series_id"
_WANTED = {
    **{
        name: f"SELECT {_OF_SERIES}, {_FIGURES} FROM {name} r {_JOINED}"
        for name in ROLLUPS[:3]
    },
    "rollup_local_day": f"SELECT {_OF_SERIES}, r.calendar, r.day, r.until, {_FIGURES} "
    f"FROM rollup_local_day r {_JOINED}",
    "ledger": "SELECT source, resolution, start, state, samples, series, held "
    "FROM ledger r",
    "error_events": "SELECT source, fingerprint, time, detector, category, type, "
    "message, occurrences, status, endpoint, trace_id, span_id, client, workspace, "
    "environment, metadata FROM error_events r",
    "series": "SELECT metric, labels, source, fingerprint, ordinal, kind, unit, help, "
    "workspace, environment, first_seen, last_seen FROM series r",
    "layouts": "SELECT bounds, id FROM layouts r",
    "calendars": "SELECT name, zone, rules, state FROM calendars r",
    "corrections": "SELECT selector, start, until, action, applied_at, "
    "revoked_at, restored_at, outcome FROM corrections r",
}
Dump = dict[str, list[tuple[Any, ...]]]


def dump(db: Database) -> Dump:
    """All that the tables say, series by their names, as bits."""
    return {
        table: sorted(
            (tuple(map(_bits, row)) for row in db.execute_sql(sql).fetchall()),
            key=repr,
        )
        for table, sql in _WANTED.items()
    }


def dump_of(url: str) -> Dump:
    """What the tables of a database say."""
    db = open_database(url)
    with contextlib.closing(db):
        return dump(db)


def _bits(value: Any) -> Any:
    if isinstance(value, float):
        return struct.pack(">d", value)
    return bytes(value) if isinstance(value, memoryview) else value
