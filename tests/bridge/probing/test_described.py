"""What is written in config.yaml for people reaches those who look there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.probing.entries import DESTINATION, JOB, MAINTENANCE, Kind
from bridge.probing.provisioning import provision
from models.queries import entries as table
from runtime.probing.jobs import Probes
from tests.bridge.application import NOON
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database

FILE = {
    "destinations": [
        {
            "name": "gw-1",
            "host": "192.0.2.1",
            "display_name": "Gateway",
            "description": "In the cellar.",
        }
    ],
    "jobs": [
        {"name": "often", "destinations": ["gw-1"], "description": "For the SLO."}
    ],
    "maintenance": [
        {"name": "night", "note": "New disks.", "end": "2026-12-01T06:00:00Z"}
    ],
}


@pytest.mark.setting("probes.destinations.display_name")
@pytest.mark.setting("probes.destinations.description")
@pytest.mark.setting("probes.jobs.description")
@pytest.mark.setting("probes.maintenance.name")
@pytest.mark.setting("probes.maintenance.note")
@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        (
            DESTINATION,
            "gw-1",
            {"display_name": "Gateway", "description": "In the cellar."},
        ),
        (JOB, "often", {"description": "For the SLO."}),
        (MAINTENANCE, "night", {"note": "New disks."}),
    ],
)
def test_texts_for_people_are_taken_over(
    db: Database, kind: Kind, name: str, told: dict[str, str]
) -> None:
    provision(db, Probes.model_validate(FILE), FakeClock(float(NOON)))
    row = table.find(db, kind.key, name)
    assert row is not None
    assert row.document.items() >= told.items()
