"""`/api/v1/probing/overview`: all that is probed, at a glance."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.events import event_document, find_events
from bridge.answers.probes.asked import Asked, picked
from bridge.answers.probes.documents import result_document
from bridge.answers.probes.standing import summary
from bridge.api import entries
from bridge.api.agents import AgentModel
from bridge.api.entries import catalogue
from bridge.api.events import EventModel
from bridge.api.histories import ResultModel, SpanQuery, span_of
from bridge.api.job_histories import STATUS, JobStatusAnswer, status_document
from bridge.api.parts import parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.api.standings import SummaryAnswer
from bridge.auth import Scope, needs
from bridge.probing.documents import agent_document
from bridge.probing.entries import JOB
from bridge.probing.planner import read_everything
from bridge.probing.schedules import schedule_of
from models.queries import agents as agents_table
from models.queries import results as results_table

_NEWEST: Final = 20
_JOBS: Final = 200
_ALL: Final = 1_000_000
SOURCE: Final = "probes"
"""Under which events of probing are recorded."""
_EXAMPLE: Final[dict[str, Any]] = {
    "destinations": {
        "total": 3,
        "statuses": {"active": 3},
        "checks": 5760,
        "success_rate": 0.9998,
        "health": "healthy",
    },
    "job_states": {"running": 1},
    "jobs": [STATUS],
    "agents": [],
    "recent": [],
    "failures": [],
    "events": [],
}


class OverviewAnswer(BaseModel):
    """All that is probed, at a glance."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    destinations: SummaryAnswer
    job_states: dict[str, int] = Field(description="How many jobs are in each.")
    jobs: list[JobStatusAnswer] = Field(description="By name, the first 200.")
    agents: list[AgentModel]
    recent: list[ResultModel] = Field(description="The newest 20 results.")
    failures: list[ResultModel] = Field(description="The newest 20 failures.")
    events: list[EventModel] = Field(description="The newest 20 events of probing.")


blueprint = APIBlueprint(
    "probing",
    __name__,
    url_prefix="/api/v1/probing",
    abp_tags=[Tag(name="probing", description="All that is probed.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)


@blueprint.get("/overview", responses={200: OverviewAnswer, **problem_responses()})
@needs(Scope.READ)
def overview(query: SpanQuery) -> Response:
    """Return how all that is probed is; without `start` over the last 24 hours."""
    here, span = parts(), span_of(query)
    everything = read_everything(here.db)
    jobs = catalogue().listed(JOB, limit=_ALL)
    recent = results_table.search(
        here.db, picked(here.db, Asked(), span), limit=_NEWEST
    )
    failures = results_table.search(
        here.db, picked(here.db, Asked(success=False), span), limit=_NEWEST
    )
    events = find_events(here.db, span, {"source": SOURCE}, _NEWEST)
    agents = agents_table.everyone(here.db)
    known = [agent.name for agent in agents]
    now = here.clock.now()
    return json_response(
        {
            "destinations": asdict(summary(here.db, span)),
            "job_states": Counter(
                schedule_of(job.row.document).state(round(now * 1000)) for job in jobs
            ),
            "jobs": [status_document(job, everything, known) for job in jobs[:_JOBS]],
            "agents": [agent_document(row, now) for row in agents],
            "recent": [result_document(row) for row in recent],
            "failures": [result_document(row) for row in failures],
            "events": [event_document(event) for event in events],
        }
    )
