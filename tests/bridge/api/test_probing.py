from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.api.probing import OverviewAnswer
from tests.bridge.probing.runs import past, stage
from tests.models.statements import counted

if TYPE_CHECKING:
    from tests.bridge.application import Application

PATH = "/api/v1/probing/overview"


def test_all_at_a_glance(bridge: Application) -> None:
    stage(bridge.db, "a", "b")
    past(bridge.db)
    answer = bridge.answer(PATH)
    OverviewAnswer.model_validate(answer)
    assert answer["destinations"]["checks"] == 8
    assert [job["name"] for job in answer["jobs"]] == ["ping"]
    assert answer["job_states"] == {"running": 1}
    assert [agent["name"] for agent in answer["agents"]] == ["edge"]
    assert len(answer["recent"]) == 8
    assert [one["reason"] for one in answer["failures"]] == ["timeout"]
    assert answer["events"] == []


def test_nothing_at_a_glance(bridge: Application) -> None:
    answer = bridge.answer(PATH)
    OverviewAnswer.model_validate(answer)
    assert answer["destinations"]["health"] == "unknown"


def test_agents_are_read_once_for_all_jobs(bridge: Application) -> None:
    for number in range(3):
        stage(bridge.db, f"host-{number}", job=f"ping-{number}")
    with counted(bridge.db) as statements:
        answer = bridge.answer(PATH)
    assert len(answer["jobs"]) == 3
    assert sum("FROM agents" in sql for sql, _ in statements) == 1
