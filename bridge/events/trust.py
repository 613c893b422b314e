"""The events of corrections, and of rows that are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.events.event import COVERAGE, Event, as_metadata
from bridge.events.fingerprint import fingerprint
from bridge.events.wording import sentence

if TYPE_CHECKING:
    from bridge.events.observer import Observer
    from bridge.rollup.correction.amending import Amended
    from bridge.rollup.verification.verifier import Looked
    from models.queries.events import EventRow

CORRECTIONS: Final = "corrections"
"""Recorder of what became of corrections."""

VERIFY: Final = "verify"
"""Recorder of rows that are not what the source's samples make them."""


class Teller:
    """Makes rows of error_events; see `bridge.rollup.verification.trust.Teller`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def amended(self, done: Amended) -> EventRow:
        """Return the event of a correction that was applied, revoked or refused."""
        row = done.row
        return self._observer.row(
            Event(
                source=row.source,
                fingerprint=fingerprint(CORRECTIONS, str(row.id), done.done),
                time=row.start * 1000,
                detector=CORRECTIONS,
                category=COVERAGE,
                type=f"correction_{done.done}",
                message=sentence(
                    f"Correction {row.id} of {row.selector} ({row.note}) was "
                    f"{done.done}: {done.outcome}"
                ),
                metadata=as_metadata(
                    author=row.author,
                    end=row.until,
                    id=row.id,
                    match=row.selector,
                    outcome=done.outcome,
                    start=row.start,
                ),
            )
        )

    def differs(self, looked: Looked) -> EventRow:
        """Return the event of a minute whose rows are not what they should be."""
        source, start = looked.entry.source, looked.window.start
        differing = 0 if looked.compared is None else looked.compared.differing
        told = () if looked.compared is None else looked.compared.told
        return self._observer.row(
            Event(
                source=source,
                fingerprint=fingerprint(VERIFY, "rollup_differs"),
                time=looked.window.start_ms,
                detector=VERIFY,
                category=COVERAGE,
                type="rollup_differs",
                message=sentence(
                    f"{differing} rows of the minute {start} of source {source} are "
                    "not what its samples make them"
                ),
                occurrences=max(differing, 1),
                metadata=as_metadata(series=[one.series_id for one in told]),
            )
        )
