"""Looks at finished minutes again: counts their samples, and reads some at random.

Works on the thread of the engine, as a source is for one thread at a time. What is
wrong is marked dirty and done by the engine like anything else; rows that were made of
more samples than the source has now are left alone (RULES R65, R66).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from bridge.rollup.commit import find_entry
from bridge.rollup.deletion import kept
from bridge.rollup.plan import DIRTY, DONE, FINISHED, MINUTE, PARTIAL
from bridge.rollup.rows import Rows
from bridge.rollup.verification.verify import (
    AGED,
    DIFFERS,
    FAILED,
    LATE,
    SAME,
    WARNED,
    Compared,
    verify,
)
from bridge.rollup.windows import Resolution, Window
from bridge.sources.base import SourceError
from models.queries import ledger
from models.queries.rollups import window_rows
from models.queries.verifications import VerificationRow
from models.rollup import RollupMinute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bridge.rollup.reading import Reading
    from bridge.sources.base import Source
    from models.database import Database
    from models.queries.ledger import Entry

log = structlog.get_logger(__name__)

AT_ONCE: Final = 10
"""Minutes whose samples are counted by one question."""

_WARNED: Final = "the source warned"


@dataclass(frozen=True, slots=True)
class Looked:
    """A finished minute that was looked at again."""

    window: Window
    outcome: str
    entry: Entry
    found: int = 0
    compared: Compared | None = None

    def row(self, now: int) -> VerificationRow:
        """Return it as a row of verifications."""
        told = [] if self.compared is None else self.compared.told
        return VerificationRow(
            self.entry.source,
            self.window.start,
            now,
            self.outcome,
            self.entry.samples,
            self.found,
            0 if self.compared is None else self.compared.series,
            0 if self.compared is None else self.compared.differing,
            orjson.dumps([asdict(one) for one in told]).decode(),
        )

    @property
    def repair(self) -> str:
        """Why the minute has to be done again, empty if it has not."""
        if self.outcome == LATE:
            return (
                f"verify: the source has {self.found} samples, not {self.entry.samples}"
            )
        if self.outcome == DIFFERS and self.compared is not None:
            return f"verify: {self.compared.differing} rows are not what they should be"
        return ""


class Verifier:
    """Looks at minutes of one source again; changes nothing by itself.

    `reread` computes a minute as the engine would now.
    """

    def __init__(
        self, db: Database, source: Source, reread: Callable[[Window], Reading]
    ) -> None:
        self._db = db
        self._source = source
        self._reread = reread
        self._asked: dict[int, int] = {}

    def candidates(self, start: int, end: int) -> list[int]:
        """Return the minutes of a span that have rows and are not to be done again."""
        start = self._kept(start)
        found = ledger.entries(self._db, self._source.name, "minute", start, end)
        return [one.start for one in found if one.state in (DONE, PARTIAL)]

    def look(self, start: int) -> Looked | None:
        """Read a minute again and compare; None if it changed meanwhile."""
        window = Window(start)
        before = find_entry(self._db, self._source.name, window)
        if before is None or before.state not in (DONE, PARTIAL):
            return None
        try:
            reading = self._reread(window)
        except SourceError as error:
            log.warning("a minute was not verified", window=start, error=str(error))
            return Looked(window, FAILED, before)
        stored = window_rows(self._db, RollupMinute, start, self._source.name)
        if find_entry(self._db, self._source.name, window) != before:
            return None
        if reading.warnings.messages:
            return Looked(window, WARNED, before, reading.samples)
        if reading.samples < before.samples:
            return Looked(window, AGED, before, reading.samples)
        compared = verify(stored, Rows.join(reading.rows))
        outcome = DIFFERS if compared.differing else SAME
        if reading.samples > before.samples:
            outcome = LATE
        return Looked(window, outcome, before, reading.samples, compared)

    def miscounted(self, start: int, end: int) -> list[tuple[int, str]]:
        """Return the minutes of a span of which the source has more samples by now.

        With the reason to do them again; also those whose last answer had warnings.
        Raises SourceError.
        """
        name, start = self._source.name, self._kept(start)
        self._asked = {at: n for at, n in self._asked.items() if at >= start}
        wrong = [
            (one.start, "the source warned last time")
            for one in ledger.entries(self._db, name, "minute", start, end)
            if one.state == PARTIAL and one.reason.startswith(_WARNED)
        ]
        known = dict(ledger.counted(self._db, name, "minute", start, end))
        for run in _runs(sorted(known)):
            wrong += self._recount(run, known)
        return wrong

    def _kept(self, start: int) -> int:
        """Return a time from which on no rows are missing on purpose (RULES R66)."""
        since = kept.since(self._db, self._source.name, Resolution.MINUTE)
        return start if since is None else max(start, since)

    def _recount(
        self, run: Sequence[int], known: dict[int, int]
    ) -> list[tuple[int, str]]:
        """Count a run of minutes, and each half of it where the count is another."""
        counted = sum(known[start] for start in run)
        found = self._source.count(run[0] * 1000, (run[-1] + MINUTE) * 1000)
        if found is None or found == counted:
            return []
        if len(run) > 1:
            middle = len(run) // 2
            first = self._recount(run[:middle], known)
            return first + self._recount(run[middle:], known)
        # A count that doing the minute again did not mend is not asked for again.
        if found < counted or self._asked.get(run[0]) == found:
            return []
        self._asked[run[0]] = found
        return [(run[0], f"late samples: the source has {found}, not {counted}")]


def _runs(starts: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield minutes that follow each other, at most AT_ONCE at a time."""
    run: list[int] = []
    for start in starts:
        if run and (start != run[-1] + MINUTE or len(run) == AT_ONCE):
            yield run
            run = []
        run.append(start)
    if run:
        yield run


def marked(
    db: Database, source: str, wanted: Sequence[tuple[int, str]], now: int
) -> int:
    """Have minutes done again for a reason each; return how many.

    Those that are not finished any more are left as they are.
    """
    count = 0
    for start, reason in wanted:
        entry = find_entry(db, source, Window(start))
        if entry is not None and entry.state in FINISHED:
            ledger.mark(db, source, "minute", [start], DIRTY, reason, now)
            count += 1
    return count
