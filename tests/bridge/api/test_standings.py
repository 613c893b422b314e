from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.api.standings import StandingAnswer, SummaryAnswer
from bridge.probing.entries import DESTINATION, JOB
from tests.bridge.application import NOON
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from tests.bridge.application import Application

PATH = "/api/v1/destinations"


def test_how_a_destination_is(bridge: Application) -> None:
    stage(bridge.db, "a", "b")
    past(bridge.db)
    answer = bridge.answer(f"{PATH}/b/status")
    StandingAnswer.model_validate(answer)
    assert (answer["checks"], answer["successes"]) == (4, 3)
    assert (answer["success_rate"], answer["recent_failures"]) == (0.75, 1)
    assert answer["failures"][0]["reason"] == "timeout"
    assert answer["last_check"] == NOON + 180.005
    earlier = bridge.answer(f"{PATH}/b/status", end=str(NOON + 60))
    assert (earlier["checks"], earlier["success_rate"]) == (1, 1.0)
    assert bridge.problem(f"{PATH}/nobody/status")[0] == 404


def test_who_is_gone_has_a_past(bridge: Application) -> None:
    catalogue = stage(bridge.db, "a", "b")
    past(bridge.db)
    catalogue.remove(JOB, "ping", "test")
    catalogue.remove(DESTINATION, "b", "test")
    answer = bridge.answer(f"{PATH}/b/status")
    assert (answer["status"], answer["checks"]) == ("deleted", 4)


def test_how_all_are(bridge: Application) -> None:
    stage(bridge.db, "a", "b")
    before = bridge.answer(f"{PATH}/summary")
    assert (before["total"], before["health"]) == (2, "unknown")
    past(bridge.db)
    answer = bridge.answer(f"{PATH}/summary")
    SummaryAnswer.model_validate(answer)
    assert (answer["checks"], answer["success_rate"]) == (8, 0.875)
    assert answer["health"] == "degraded"
