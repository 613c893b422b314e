from __future__ import annotations

from typing import Any

import pytest

from runtime.probing.jobs import Job, Probes
from runtime.probing.planning import assignments, plan_of, runnable

DESTINATIONS = [
    {"name": "gateway", "host": "192.0.2.1", "tags": ["core", "edge"]},
    {"name": "switch", "host": "192.0.2.2", "tags": ["core"]},
    {"name": "old", "host": "192.0.2.3", "tags": ["core", "edge"], "enabled": False},
]


def settings(*jobs: dict[str, Any], **more: Any) -> Probes:
    return Probes.model_validate({"destinations": DESTINATIONS, "jobs": jobs, **more})


def chosen(**job: Any) -> list[str]:
    (found,) = assignments(settings({"name": "one", **job}), "here")
    return [destination.name for destination in found.destinations]


@pytest.mark.setting("probes.destinations.name")
@pytest.mark.setting("probes.destinations.tags")
@pytest.mark.setting("probes.destinations.enabled")
@pytest.mark.setting("probes.jobs.destinations")
@pytest.mark.setting("probes.jobs.tags")
@pytest.mark.parametrize(
    ("job", "names"),
    [
        ({"destinations": ["switch"]}, ["switch"]),
        ({"tags": ["core"]}, ["gateway", "switch"]),
        ({"tags": ["core", "edge"]}, ["gateway"]),
        ({"destinations": ["switch", "old"], "tags": ["edge"]}, ["gateway", "switch"]),
        ({"destinations": ["old"]}, []),
    ],
)
def test_a_job_has_the_destinations_that_it_names_and_those_of_all_its_tags(
    job: dict[str, Any], names: list[str]
) -> None:
    assert chosen(**job) == names


@pytest.mark.setting("probes.jobs.agents")
def test_a_job_is_for_the_agents_that_it_names_or_for_all() -> None:
    probes = settings(
        {"name": "all", "tags": ["core"]},
        {"name": "some", "tags": ["core"], "agents": ["here", "there"]},
        {"name": "other", "tags": ["core"], "agents": ["there"]},
    )
    found = [one.job.name for one in assignments(probes, "here")]
    assert found == ["all", "some"]


@pytest.mark.setting("probes.jobs.probes")
def test_a_job_has_probes_of_its_own_and_those_that_are_built_in() -> None:
    ping = {"name": "slow", "kind": "icmp", "count": 3}
    ours = {"name": "http", "kind": "http", "timeout": "2s"}
    probes = settings(
        {"name": "one", "tags": ["core"], "probes": ["slow", "tcp", "http", "tcp"]},
        modules=[ping, ours],
    )
    (found,) = assignments(probes, "here")
    kinds = [(probe.name, probe.kind, probe.timeout) for probe in found.probes]
    assert kinds == [("slow", "icmp", 1), ("tcp", "tcp", 5), ("http", "http", 2)]


def test_settings_are_a_plan_whose_version_changes_exactly_with_it() -> None:
    job = {"name": "one", "tags": ["core"]}
    plan = plan_of(settings(job))
    assert plan.version == plan_of(settings(job)).version
    assert plan.version == plan_of(settings(job, evaluate="9s")).version
    assert plan.version != plan_of(settings({**job, "interval": "5m"})).version
    assert assignments(plan, "here") == assignments(settings(job), "here")


def test_jobs_that_want_what_is_not_there_are_left_out_and_told() -> None:
    plan = plan_of(settings({"name": "good", "tags": ["core"]}))
    wrong = Job(name="odd", tags=("core",), probes=("icmp", "pong"))
    mixed = plan.model_copy(update={"jobs": (*plan.jobs, wrong)})
    assert runnable(mixed) == (plan, {"odd": "pong"})
    assert runnable(plan) == (plan, {})
