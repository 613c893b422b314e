"""The beat on which results are judged and hours are made, in the engine's process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from bridge.probing.hours import MOST, Hours
from bridge.probing.judging import Judging
from bridge.probing.leaving import leave
from bridge.probing.scraped_hours import ScrapedHours
from bridge.probing.stories import Terms
from bridge.probing.streaks import Status
from models.queries import stories, unjudged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.probing.judging import Judged
    from bridge.rollup.parts import Parts
    from runtime.probing.jobs import Probes

_OUTCOMES: Final = ("good", "bad", "ignored")
"""What a result is worth."""


class Judgement:
    """Judges what agents sent, on its beat; what is left over waits for the next."""

    def __init__(
        self, probes: Probes, parts: Parts, sources: Sequence[str] = ()
    ) -> None:
        """Take the rules of the settings, and the names of who scrapes exporters."""
        terms = Terms(probes.status, round(probes.certificates * 1000))
        self._db = parts.db
        self._call = parts.call
        self._clock = parts.clock
        self._telemetry = parts.telemetry
        self._judging = Judging(parts.db, parts.telemetry, terms)
        self._hours = Hours(parts.db, parts.telemetry, probes.baseline)
        self._scraped = ScrapedHours(parts, sources, probes.baseline)
        self._stop = threading.Event()
        for outcome in _OUTCOMES:
            # Nothing judged is 0, and not nothing known.
            self._telemetry.results_judged.labels(outcome)

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stop.set()

    def beat(self) -> None:
        """Judge all runs that wait, and make the hours that are over."""
        if unjudged.oldest_unjudged(self._db) is not None:
            while self._judge():
                pass
        if stories.left_failures(self._db):
            self._call("leave_probes", self._leave)
        while not self._stop.is_set():
            if self._call("make_hours", self._make_hours) < MOST:
                break
        if not self._stop.is_set():
            self._scraped.beat()  # one hour, so that those of a day hold nothing up
        self._measure()

    def _judge(self) -> bool:
        """Judge a batch; return whether there may be more."""
        if self._stop.is_set():
            return False
        now = self._clock.now()
        judged = self._call("judge_results", lambda: self._judging.batch(now))
        self._count(judged)
        return judged.runs > 0

    def _make_hours(self) -> int:
        return self._hours.batch(self._clock.now())

    def _leave(self) -> None:
        leave(self._db, self._telemetry, self._clock.now())

    def _count(self, judged: Judged) -> None:
        counts = (judged.good, judged.bad, judged.ignored)
        for outcome, count in zip(_OUTCOMES, counts, strict=True):
            self._telemetry.results_judged.labels(outcome).inc(count)

    def _measure(self) -> None:
        counts = stories.statuses(self._db)
        for status in Status:
            gauge = self._telemetry.destinations.labels(status.value)
            gauge.set(counts.get(status.value, 0))
        self._telemetry.troubles.set(stories.count_open_failures(self._db))
        oldest = unjudged.oldest_unjudged(self._db)
        lag = 0.0 if oldest is None else self._clock.now() - oldest / 1000
        self._telemetry.judgement_lag.set(max(lag, 0.0))
