"""What looking at finished minutes again has brought."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from bridge.answers.find import written
from models.queries import verifications
from models.queries.series import by_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.database import Database
    from models.queries.verifications import VerificationRow


def verified(
    db: Database, sources: Sequence[str], outcome: str | None, limit: int
) -> dict[str, Any]:
    """Return the latest verifications of some sources, newest first, and their sums."""
    rows = [
        row
        for source in sources
        for row in verifications.latest(db, source, limit, outcome)
    ]
    rows.sort(key=lambda row: (row.at, row.start), reverse=True)
    shown = rows[:limit]
    return {
        "outcomes": dict(Counter(row.outcome for row in rows)),
        "verifications": [_document(db, row) for row in shown],
    }


def described(db: Database, differences: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return differences with the names of their series."""
    ids = np.array(sorted({one["series_id"] for one in differences}), np.int64)
    names = {one.id: written(one.metric, one.labels) for one in by_ids(db, ids)}
    return [{"series": names.get(one["series_id"], ""), **one} for one in differences]


def _document(db: Database, row: VerificationRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "start": row.start,
        "at": row.at,
        "outcome": row.outcome,
        "samples": row.samples,
        "found": row.found,
        "series": row.series,
        "differing": row.differing,
        "differences": described(db, orjson.loads(row.detail)),
    }
