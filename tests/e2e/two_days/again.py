"""Looks at everything again, as verification and explanations do, while a server runs.

Nothing has changed since, so that whatever is found is a false alarm.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from bridge.answers.explain import explain, with_raw
from bridge.rereading import Rereaders
from bridge.rollup.verification.verifier import Verifier
from bridge.rollup.windows import Window
from bridge.telemetry import Telemetry
from models.queries.series import SeriesRow
from runtime.clock import SystemClock
from tests.e2e.two_days import past

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.rollup.reading import Reading
    from bridge.sources.base import Source
    from models.database import Database
    from runtime.settings import Settings

END: Final = past.START + past.SECONDS


@dataclass(frozen=True, slots=True)
class Found:
    """What is found: outcomes of minutes, and all that is said to be wrong.

    `explained` says of how many rows of each metric it was asked what they are made of.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    explained: Counter[str] = field(default_factory=Counter)


def look(
    db: Database,
    source: Source,
    reread: Callable[[Window], Reading],
    settings: Settings,
) -> Found:
    """Verify and count all minutes, and explain a row of each sort."""
    found = Found()
    verifier = Verifier(db, source, reread)
    for start in verifier.candidates(past.START, END):
        looked = verifier.look(start)
        assert looked is not None
        found.outcomes[looked.outcome] += 1
        if looked.compared is not None:
            found.wrong.extend(f"{start}: {one}" for one in looked.compared.told)
    found.wrong.extend(map(str, verifier.miscounted(past.START, END)))
    telemetry = Telemetry.create(CollectorRegistry())
    asks = Rereaders(settings, db, telemetry, SystemClock()).of
    for series, start in _of_each_sort(db):
        raw = with_raw(db, explain(db, series, Window(start)), asks).raw
        found.explained[series.metric] += 1
        if raw is None or not raw.agrees:
            found.wrong.append(f"{series.metric} at {start} is explained by {raw}")
    return found


def _of_each_sort(db: Database) -> Iterator[tuple[SeriesRow, int]]:
    """Yield one row of each metric for all flags, with resets and without."""
    cursor = db.execute_sql(
        "SELECT s.id, s.source, s.metric, s.labels, s.kind, MAX(r.start) "
        "FROM rollup_minute r JOIN series s ON s.id = r.series_id "
        "GROUP BY s.metric, r.flags, r.resets > 0"
    )
    for number, source, metric, labels, kind, start in cursor.fetchall():
        said = json.loads(labels)
        yield (
            SeriesRow(number, source, metric, said, kind, "", "", "", "", 0, 0),
            start,
        )
