from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.probing.entries import DESTINATION, JOB
from bridge.probing.planner import read_everything
from bridge.probing.schedules import JobStanding, standing
from tests.bridge.probing.runs import NOON_MS, past, stage

if TYPE_CHECKING:
    from bridge.probing.catalogue import Catalogue
    from models.database import Database


@pytest.fixture
def catalogue(db: Database) -> Catalogue:
    made = stage(db, "a", "b")
    past(db)
    return made


def now(db: Database, catalogue: Catalogue, **changes: Any) -> JobStanding:
    """Return what the job is doing a second after noon, with other settings."""
    if changes:
        catalogue.patch(JOB, "ping", changes, "t")
    entry = catalogue.entry(JOB, "ping")
    return standing(db, entry, read_everything(db), ["edge"], NOON_MS + 1000)


def test_a_job_runs_on(db: Database, catalogue: Catalogue) -> None:
    told = now(db, catalogue)
    assert (told.state, told.next_run) == ("running", NOON_MS + 30_000)
    assert told.last_run is not None
    assert told.last_run.scheduled_ms == NOON_MS + 180_000
    assert (told.destinations, told.agents) == (("a", "b"), ("edge",))


@pytest.mark.parametrize(
    ("changes", "state", "next_run"),
    [
        ({"enabled": False}, "disabled", None),
        ({"valid_until": "2026-11-21T12:00:00Z"}, "expired", None),
        ({"valid_from": "2026-11-21T13:00:10Z"}, "pending", NOON_MS + 3_630_000),
        ({"windows": [{"start": "22:00"}]}, "not_scheduled", NOON_MS + 36_000_000),
    ],
)
def test_a_job_does_not_run_always(
    db: Database,
    catalogue: Catalogue,
    changes: dict[str, Any],
    state: str,
    next_run: int | None,
) -> None:
    told = now(db, catalogue, **changes)
    assert (told.state, told.next_run) == (state, next_run)


def test_who_is_inactive_is_not_probed(db: Database, catalogue: Catalogue) -> None:
    catalogue.patch(DESTINATION, "a", {"enabled": False}, "t")
    told = now(db, catalogue, agents=["core"])
    assert (told.destinations, told.agents) == (("b",), ())
