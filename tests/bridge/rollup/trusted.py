"""A world whose engine applies corrections and verifies what it has done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.answers.selectors import parse
from bridge.events.observer import Observer, Origin
from bridge.events.trust import Teller
from bridge.rollup.correction.corrections import Corrections
from bridge.rollup.engine import Engine
from bridge.rollup.parts import Parts
from bridge.rollup.verification.trust import Habits, Trust
from models.directory import SeriesDirectory
from models.queries import corrections as table
from models.queries.corrections import CorrectionRow
from models.queries.restatements import search
from models.queries.series import ids_of_source
from tests.bridge.rollup.world import BEGIN, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.queries.restatements import Restated

NEVER = Habits(every=0, windows=2, lookback=21600, recheck=3600)

COLUMNS = (
    "series_id, start, count, sum, min, max, first, last, increase, resets, expected, "
    "flags, last_offset, gap, buckets"
)


class Trusted(World):
    """One source that is corrected and verified as the habits say."""

    habits = NEVER

    def new_engine(self) -> Engine:
        """Start anew, as after a crash: nothing is remembered."""
        directory = SeriesDirectory(self.db)
        parts = Parts(self.db, self._call, directory, self.telemetry, self.clock)
        trust = Trust(
            self.source,
            self.habits,
            parts,
            corrections=Corrections(
                self.db,
                self.source.name,
                lambda text: parse(text).matches,
                directory.describe,
            ),
            teller=Teller(
                Observer(
                    Origin(self.source.name), (), directory, self.clock, holes=True
                )
            ),
            sample=self.sample,
        )
        self.engine = Engine(
            self.source, self.history, self.rollup, self.reporter, parts, trust=trust
        )
        return self.engine

    def sample(self, among: Sequence[int], count: int) -> Sequence[int]:
        """The newest ones."""
        return list(among)[-count:]

    def correct(
        self, match: str, start: int, until: int, action: str = "ignore"
    ) -> CorrectionRow:
        """Declare a span wrong and let the engine work; seconds after the beginning."""
        wanted = CorrectionRow(
            0,
            self.source.name,
            match,
            BEGIN + start,
            BEGIN + until,
            action,
            "a test",
            "somebody",
            int(self.clock.now()),
        )
        row = table.create(self.db, wanted)
        self.settle()
        found = table.find(self.db, row.id)
        assert found is not None
        return found

    def revoke(self, row: CorrectionRow) -> CorrectionRow:
        """Take a correction back and let the engine work."""
        assert table.revoke(self.db, row.id, int(self.clock.now()))
        self.settle()
        found = table.find(self.db, row.id)
        assert found is not None
        return replace(found)

    def settle(self) -> None:
        """Let a minute pass without new samples and the engine work."""
        self.clock.advance(1)
        self.engine.beat()

    def stored(self, table_name: str) -> list[tuple[object, ...]]:
        """All columns of all rows of a table."""
        rows: list[tuple[object, ...]] = self.db.execute_sql(
            f"SELECT {COLUMNS} FROM {table_name} ORDER BY series_id, start"
        ).fetchall()
        return rows

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of all resolutions."""
        names = ("rollup_minute", "rollup_hour", "rollup_day")
        return {name: self.stored(name) for name in names}

    def restated(self, resolution: str | None = None) -> list[Restated]:
        """The log of what was changed."""
        ids = ids_of_source(self.db, self.source.name)
        return search(self.db, ids, resolution, 0, 2**40, 0, limit=100_000)
