"""Where series were folded of which rows say nothing by themselves (RULES R76)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.queries.rollups import series_rows
from models.queries.series import overflow_ids
from models.rollup import RollupMinute

if TYPE_CHECKING:
    from bridge.rollup.rows import Ints
    from bridge.rollup.windows import Window
    from models.database import Database


class Overflow:
    """The overflow series of one source, and the minutes in which they have rows."""

    def __init__(self, db: Database, source: str) -> None:
        self._db = db
        self._source = source
        self._ids: Ints | None = None

    def forget(self) -> None:
        """Hear that there may be more of them now."""
        self._ids = None

    def has_rows(self, window: Window, before_ms: int) -> bool:
        """Whether any has a row in the time before a window."""
        if self._ids is None:
            self._ids = overflow_ids(self._db, self._source)
        if not len(self._ids):
            return False
        since = (window.start_ms - before_ms) // 1000
        rows = series_rows(self._db, RollupMinute, self._ids, since, window.start)
        return len(rows) > 0
