from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.api.agents import AgentsAnswer
from models.database import open_database
from runtime.probing.wire import Plan
from tests.bridge.application import NOON, Application, application
from tests.bridge.probing.runs import stage

if TYPE_CHECKING:
    from models.database import Database

PLAN = "/api/v1/agents/edge/plan"


def test_an_agent_has_its_plan_once(bridge: Application) -> None:
    stage(bridge.db, "a")
    first = bridge.get(PLAN)
    assert first.status_code == 200
    plan = Plan.model_validate_json(first.data)
    assert [job.name for job in plan.jobs] == ["ping"]
    assert first.headers["ETag"] == f'"{plan.version}"'
    client = bridge.app.test_client()
    headers = {"If-None-Match": first.headers["ETag"]}
    again = client.get(PLAN, headers=headers)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    text = bridge.get("/metrics").text
    assert 'epimetheus_probe_plans_total{outcome="sent"} 1.0' in text
    assert 'epimetheus_probe_plans_total{outcome="unchanged"} 1.0' in text


def test_who_comes_is_an_agent(bridge: Application) -> None:
    bridge.get(PLAN)
    answer = bridge.answer("/api/v1/agents")
    AgentsAnswer.model_validate(answer)
    (agent,) = answer["agents"]
    assert (agent["name"], agent["state"]) == ("edge", "here")
    assert agent["last_seen"] == NOON + 3600
    bridge.clock.advance(100)
    assert bridge.answer("/api/v1/agents")["agents"][0]["state"] == "away"


def test_a_plan_takes_the_scope_probe(locked: Application) -> None:
    assert locked.get(PLAN, locked.key("read", name="a")).status_code == 403
    assert locked.get(PLAN, locked.key("probe", name="b")).status_code == 200
    workspace = locked.key("probe", workspace="team", name="c")
    assert locked.get(PLAN, workspace).status_code == 403
    assert locked.get(PLAN).status_code == 401


def test_a_name_is_a_name(bridge: Application) -> None:
    status, detail, wrong = bridge.problem("/api/v1/agents/a%20b/plan")
    assert (status, wrong) == (400, ["name"])
    assert "is not a name" in detail


def test_a_plan_is_answered_while_another_process_writes(db: Database) -> None:
    stage(db, "a")
    other = open_database(f"sqlite:///{db.database}", busy_timeout=0.01)
    bridge = application(other)
    try:
        with db.atomic():
            assert bridge.get(PLAN).status_code == 200
        assert bridge.answer("/api/v1/agents") == {"agents": []}
    finally:
        other.close()
