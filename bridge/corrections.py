"""Applies corrections that wait, where no bridge is running that would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.events.observer import Observer, Origin
from bridge.events.trust import Teller
from bridge.rollup.correction.amending import amend
from bridge.rollup.correction.corrections import Corrections
from bridge.sources.matching import matching
from models.directory import SeriesDirectory
from models.lease import Lease, LeaseTaken

if TYPE_CHECKING:
    from bridge.rollup.correction.amending import Amended
    from models.database import Database
    from runtime.clock import Clock
    from runtime.settings import Settings


def apply_waiting(
    db: Database, settings: Settings, source: str, clock: Clock
) -> list[Amended] | None:
    """Do what the corrections of a source wait for; None if a bridge is running.

    Minutes that have to be read again are left to the bridge.
    """
    lease = Lease(db)
    try:
        lease.start()
    except LeaseTaken:
        return None
    try:
        return _apply(db, settings, source, clock)
    finally:
        lease.stop()


def _apply(
    db: Database, settings: Settings, source: str, clock: Clock
) -> list[Amended]:
    directory = SeriesDirectory(db)
    known = {one.name: one for one in settings.sources}
    origin = Origin(source)
    if source in known:
        found = known[source]
        origin = Origin(source, found.workspace, found.environment)
    teller = Teller(Observer(origin, (), directory, clock, holes=True))
    corrections = Corrections(
        db, source, matching, lambda ids: directory.describe(ids, remember=False)
    )
    return amend(db, corrections, int(clock.now()), teller.amended)
