"""The part of an engine that keeps its rows trustworthy: corrections, verification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

import structlog

from bridge.rollup.correction.amending import amend
from bridge.rollup.plan import MINUTE
from bridge.rollup.verification.verifier import Looked, Verifier, marked
from bridge.rollup.verification.verify import DIFFERS, FAILED
from bridge.sources.base import SourceError
from models.queries import events as event_queries
from models.queries import verifications

if TYPE_CHECKING:
    from bridge.rollup.correction.amending import Amended
    from bridge.rollup.correction.corrections import Corrections
    from bridge.rollup.parts import Parts
    from bridge.rollup.reading import Reading
    from bridge.rollup.windows import Window
    from bridge.sources.base import Source
    from models.queries.events import EventRow

log = structlog.get_logger(__name__)

Sample: TypeAlias = Callable[[Sequence[int], int], Sequence[int]]
"""Chooses so many of some numbers, none twice: `random.Random().sample`."""


class Teller(Protocol):
    """Makes events of what was found and done."""

    def amended(self, done: Amended) -> EventRow:
        """Return the event of a correction that was applied, revoked or refused."""

    def differs(self, looked: Looked) -> EventRow:
        """Return the event of a minute whose rows are not what they should be."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How often finished minutes are looked at again, and which; times in seconds.

    Every `every` (0 is never) all minutes of the last `recheck` are counted, and
    `windows` of the last `lookback` are read again.
    """

    every: float
    windows: int
    lookback: float
    recheck: float


class Trust:
    """Applies corrections to the rows of one source and verifies what stands."""

    def __init__(
        self,
        source: Source,
        habits: Habits,
        parts: Parts,
        *,
        corrections: Corrections,
        teller: Teller,
        sample: Sample,
    ) -> None:
        self._source = source
        self._habits = habits
        self._parts = parts
        self._teller = teller
        self._sample = sample
        self._last: float | None = None
        self._verifier: Verifier | None = None
        self.corrections = corrections

    def amend(self) -> bool:
        """Do what corrections wait for; return whether rows were changed."""
        waiting = [row for row in self.corrections.refresh() if row.waits]
        if not waiting:
            return False
        now, db = int(self._parts.clock.now()), self._parts.db
        done = self._parts.call(
            "amend", lambda: amend(db, self.corrections, now, self._teller.amended)
        )
        for one in done:
            log.info("correction", id=one.row.id, done=one.done, outcome=one.outcome)
            self._parts.telemetry.events.labels("corrections").inc()
        return bool(done)

    def verify(self, reread: Callable[[Window], Reading], until: int) -> None:
        """Look at minutes before `until` again, if it is time to.

        `reread` computes a minute once more.
        """
        now, every = self._parts.clock.monotonic(), self._habits.every
        if not every or (self._last is not None and now - self._last < every):
            return
        self._last = now
        if self._verifier is None:
            self._verifier = Verifier(self._parts.db, self._source, reread)
        verifier = self._verifier
        wrong = self._recount(verifier, until)
        looked = [
            one
            for start in self._chosen(verifier, until)
            if (one := verifier.look(start)) is not None
        ]
        self._record(looked, wrong)

    def _recount(self, verifier: Verifier, until: int) -> list[tuple[int, str]]:
        recheck = round(self._habits.recheck)
        if not recheck:
            return []
        try:
            return verifier.miscounted(until - recheck, until)
        except SourceError as error:
            # It answers what windows need, or else the engine says so.
            name = self._source.name
            log.warning("samples were not counted", source=name, error=str(error))
            self._parts.telemetry.verify_windows.labels(name, FAILED).inc()
            return []

    def _chosen(self, verifier: Verifier, until: int) -> Sequence[int]:
        since = (until - round(self._habits.lookback)) // MINUTE * MINUTE
        among = verifier.candidates(since, until)
        return sorted(self._sample(among, min(self._habits.windows, len(among))))

    def _record(
        self, looked: Sequence[Looked], wrong: Sequence[tuple[int, str]]
    ) -> None:
        now, db = int(self._parts.clock.now()), self._parts.db
        repairs = [(one.window.start, one.repair) for one in looked if one.repair]
        wanted = {**dict(wrong), **dict(repairs)}
        events = [self._teller.differs(one) for one in looked if one.outcome == DIFFERS]

        def work() -> None:
            with db.atomic():
                verifications.record(db, [one.row(now) for one in looked])
                marked(db, self._source.name, sorted(wanted.items()), now)
                for event in events:
                    event_queries.record(db, event)

        if looked or wanted:
            self._parts.call("verify", work)
        self._count(looked)

    def _count(self, looked: Sequence[Looked]) -> None:
        telemetry, name = self._parts.telemetry, self._source.name
        for one in looked:
            telemetry.verify_windows.labels(name, one.outcome).inc()
            if one.compared is not None:
                for outcome, rows in one.compared.rows.items():
                    telemetry.verify_rows.labels(name, outcome).inc(rows)
