"""The event of a source that has more series than its budget."""

from __future__ import annotations

from typing import Final

from bridge.events.event import COVERAGE, Event, as_metadata
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import sentence

BUDGET: Final = "series_budget"
"""Recorder of days on which series were folded; stays true whatever comes later."""


def budget_event(source: str, day: int, limit: int) -> Event:
    """Return the event of new series being folded on the UTC day that starts at `day`.

    One for each day, however many there are (RULES R76).
    """
    return Event(
        source=source,
        fingerprint=fingerprint(BUDGET),
        time=day * 1000,
        detector=BUDGET,
        category=COVERAGE,
        type="series_budget",
        message=sentence(
            f"Source {source} has its {limit} series (max_series); new ones are "
            'folded into series with the label overflow="true", which keep the totals'
        ),
        metadata=as_metadata(limit=limit),
    )
