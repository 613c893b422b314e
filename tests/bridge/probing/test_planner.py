from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bridge.probing.entries import DESTINATION, JOB, MAINTENANCE, MODULE
from bridge.probing.planner import PATIENCE, SEEN_EVERY, Planner, read_everything
from models.queries import agents, probe_tests
from models.queries.catalogue_state import state
from runtime.probing.wire import Plan
from tests.bridge.application import NOON
from tests.bridge.probing.runs import stage
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from models.database import Database


def seen(db: Database) -> int:
    agent = agents.find(db, "edge")
    assert agent is not None
    return agent.last_seen


def test_a_plan_is_sent_until_the_agent_has_it(db: Database) -> None:
    stage(db, "a", "b")
    clock = FakeClock(float(NOON))
    planner = Planner(db, clock)
    first = planner.plan("edge")
    assert first.body is not None
    plan = Plan.model_validate_json(first.body)
    assert plan.version == first.version
    assert [one.name for one in plan.destinations] == ["a", "b"]
    assert planner.plan("edge", first.version).body is None
    # Another worker comes to the same.
    assert Planner(db, clock).plan("edge", first.version).body is None
    assert planner.plan("edge", "other").body == first.body


def test_a_change_is_seen_within_a_second(db: Database) -> None:
    catalogue = stage(db, "a")
    clock = FakeClock(float(NOON))
    planner = Planner(db, clock)
    version = planner.plan("edge").version
    catalogue.patch(JOB, "ping", {"interval": "5s"}, "test")
    clock.advance(1.0)
    changed = planner.plan("edge", version)
    assert changed.body is not None
    assert orjson.loads(changed.body)["jobs"][0]["interval"] == "5s"


def test_every_change_is_another_state(db: Database) -> None:
    catalogue = stage(db, "a", "b")
    states = [state(db)]

    def differs() -> None:
        states.append(state(db))
        assert len(set(states)) == len(states)

    catalogue.create(MODULE, {"name": "m", "kind": "tcp"}, "test")
    differs()
    catalogue.patch(MODULE, "m", {"timeout": "2s"}, "test")
    differs()
    catalogue.create(MAINTENANCE, {"name": "n", "windows": [{}]}, "test")
    differs()
    catalogue.patch(DESTINATION, "a", {"host": "other"}, "test")
    differs()
    catalogue.create(DESTINATION, {"name": "c", "host": "c"}, "test")
    differs()
    catalogue.remove(JOB, "ping", "test")
    differs()
    # One goes and another changes by as much.
    catalogue.remove(DESTINATION, "b", "test")
    differs()
    catalogue.patch(DESTINATION, "c", {"tags": ["x"]}, "test")
    differs()
    for kind, name in ((MODULE, "m"), (MAINTENANCE, "n"), (DESTINATION, "a")):
        catalogue.remove(kind, name, "test")
        differs()
    assert [one["name"] for one in read_everything(db).destinations] == ["c"]


def test_tests_that_wait_are_part_of_it(db: Database) -> None:
    stage(db, "a")
    clock = FakeClock(float(NOON))
    planner = Planner(db, clock)
    version = planner.plan("edge").version
    asked = probe_tests.create(
        db,
        agent="edge",
        destination="a",
        host="a.example.org",
        probe={"name": "tcp", "kind": "tcp"},
        now=NOON * 1000,
    )
    wanted = planner.plan("edge", version)
    assert wanted.body is not None
    (test,) = Plan.model_validate_json(wanted.body).tests
    assert (test.id, test.host, test.probe.kind) == (asked.id, "a.example.org", "tcp")
    assert planner.plan("other", version).body is None
    clock.advance(PATIENCE + 1)
    assert planner.plan("edge", version).body is None


def test_who_comes_is_noted_but_not_every_time(db: Database) -> None:
    clock = FakeClock(float(NOON))
    planner = Planner(db, clock)
    version = planner.plan("edge").version
    planner.plan("edge", version)
    clock.advance(SEEN_EVERY / 2)
    planner.plan("edge", version)
    assert seen(db) == NOON * 1000
    clock.advance(SEEN_EVERY / 2)
    planner.plan("edge", version)
    assert seen(db) == (NOON + SEEN_EVERY) * 1000
    agent = agents.find(db, "edge")
    assert agent is not None
    assert agent.plan == version
