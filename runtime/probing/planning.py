"""Who has to be probed by whom: jobs with the probes and destinations they select."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.probing.jobs import BUILT_IN
from runtime.probing.wire import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runtime.probing.jobs import Destination, Job, Probes
    from runtime.probing.probes import Probe


@dataclass(frozen=True, slots=True)
class Assignment:
    """A job of an agent: its probes, and the destinations that are not inactive."""

    job: Job
    probes: tuple[Probe, ...]
    destinations: tuple[Destination, ...]


def assignments(plan: Plan | Probes, agent: str) -> tuple[Assignment, ...]:
    """Return what an agent has to do, in the order of the jobs, disabled ones too.

    Destinations come in the order of their list, those named by the job as well as
    those that have all of its tags. Raises KeyError for a module that is not there.
    """
    own = {module.name: module for module in plan.modules}
    return tuple(
        Assignment(
            job=job,
            probes=tuple(
                own[name] if name in own else BUILT_IN[name]
                for name in dict.fromkeys(job.probes)
            ),
            destinations=selected(job, plan.destinations),
        )
        for job in plan.jobs
        if not job.agents or agent in job.agents
    )


def selected(job: Job, destinations: Iterable[Destination]) -> tuple[Destination, ...]:
    """Return the destinations of a job that are not inactive."""
    named, tags = set(job.destinations), set(job.tags)
    return tuple(
        one
        for one in destinations
        if one.enabled and (one.name in named or (tags and tags <= set(one.tags)))
    )


def runnable(plan: Plan) -> tuple[Plan, dict[str, str]]:
    """Return a plan without the jobs that name modules which are not there.

    These are told with the module that they want.
    """
    known = {module.name for module in plan.modules} | set(BUILT_IN)
    lacking = {
        job.name: name for job in plan.jobs for name in job.probes if name not in known
    }
    jobs = tuple(job for job in plan.jobs if job.name not in lacking)
    return plan.model_copy(update={"jobs": jobs}), lacking


def plan_of(probes: Probes) -> Plan:
    """Return what settings say as a plan; equal settings have the same version."""
    parts: dict[str, Sequence[object]] = {
        "modules": probes.modules,
        "destinations": probes.destinations,
        "jobs": probes.jobs,
        "maintenance": probes.maintenance,
    }
    text = probes.model_dump_json(include=set(parts))
    version = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    return Plan.model_validate({"version": version, **parts})
