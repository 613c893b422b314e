from __future__ import annotations

import orjson

from bridge.probing.plans import Everything, plan_of
from runtime.probing.wire import Plan

EVERYTHING = Everything(
    modules=[
        {"name": "ping-20", "kind": "icmp", "count": 20},
        {"name": "unused", "kind": "tcp"},
    ],
    destinations=[
        {"name": "away", "host": "192.0.2.9"},
        {"name": "gateway", "host": "192.0.2.1", "tags": ["lan", "core"]},
        {"name": "printer", "host": "192.0.2.2", "tags": ["lan"]},
        {"name": "web", "host": "https://www.example.org/"},
    ],
    jobs=[
        {"name": "core", "tags": ["lan", "core"], "probes": ["ping-20"]},
        {"name": "here", "destinations": ["web"], "agents": ["a"], "interval": "5s"},
        {"name": "there", "destinations": ["away"], "agents": ["b", "c"]},
    ],
    maintenance=[
        {"name": "all", "windows": [{}]},
        {"name": "far", "destinations": ["away"], "end": "2026-12-01T00:00:00Z"},
        {"name": "near", "tags": ["core"], "end": "2026-12-01T00:00:00Z"},
    ],
)


def names(plan: dict[str, list[dict[str, str]]], key: str) -> list[str]:
    return [one["name"] for one in plan[key]]


def test_an_agent_gets_its_jobs_and_what_they_need() -> None:
    plan = plan_of(EVERYTHING, "a")
    assert names(plan, "jobs") == ["core", "here"]
    assert names(plan, "destinations") == ["gateway", "web"]
    assert names(plan, "modules") == ["ping-20"]
    assert names(plan, "maintenance") == ["all", "near"]
    other = plan_of(EVERYTHING, "b")
    assert names(other, "jobs") == ["core", "there"]
    assert names(other, "maintenance") == ["all", "far", "near"]


def test_agents_read_it() -> None:
    test = {
        "id": 7,
        "destination": "web",
        "host": "https://www.example.org/",
        "probe": {"name": "http", "kind": "http"},
    }
    read = Plan.model_validate_json(orjson.dumps(plan_of(EVERYTHING, "a", [test])))
    assert read.jobs[1].interval == 5.0
    assert read.tests[0].probe.name == "http"


def test_the_version_changes_exactly_if_anything_else_does() -> None:
    plan = plan_of(EVERYTHING, "a")
    assert plan_of(EVERYTHING, "a")["version"] == plan["version"]
    assert plan_of(EVERYTHING, "b")["version"] != plan["version"]
    assert plan_of(EVERYTHING, "d") == plan_of(EVERYTHING, "e")
    tested = plan_of(EVERYTHING, "a", [{"id": 1}])
    assert tested["version"] != plan["version"]
    # What only others need is no change.
    fewer = Everything(
        modules=EVERYTHING.modules[:1],
        destinations=EVERYTHING.destinations[1:],
        jobs=EVERYTHING.jobs[:2],
        maintenance=(EVERYTHING.maintenance[0], EVERYTHING.maintenance[2]),
    )
    assert plan_of(fewer, "a") == plan


def test_what_is_traced_on_failure_may_be_traced_in_an_own_way() -> None:
    trace = {"name": "traceroute", "kind": "traceroute", "timeout": "2s"}
    job = {"name": "core", "destinations": ["gateway"]}
    silent = Everything(modules=[trace], jobs=[job])
    assert names(plan_of(silent, "a"), "modules") == []
    traced = Everything(
        modules=[trace], jobs=[{**job, "on_failure": {"traceroute": True}}]
    )
    assert names(plan_of(traced, "a"), "modules") == ["traceroute"]


def test_nothing_is_a_plan_too() -> None:
    plan = plan_of(Everything(maintenance=[{"name": "all"}]), "a")
    assert {key: value for key, value in plan.items() if key != "version"} == {
        "modules": [],
        "destinations": [],
        "jobs": [],
        "maintenance": [],
        "tests": [],
    }
