"""`/api/v1/agents`: exporters that probe, and what each has to do."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.http import parse_etags

from bridge.api import entries
from bridge.api.entries import NamePath  # noqa: TC001 - flask-openapi3 reads annotations
from bridge.api.params import Query
from bridge.api.parts import parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from bridge.probing.documents import agent_document
from models.queries import agents as table
from runtime.probing.wire import Plan

_NOT_MODIFIED: Final = 304
_EXAMPLE: Final[dict[str, Any]] = {
    "name": "edge-1",
    "state": "here",
    "version": "0.1.0",
    "plan": "2d1cc6b0a7f0e1a9b0f3c4d5",
    "dropped": 0,
    "first_seen": 1795262400.0,
    "last_seen": 1795266000.0,
}
_PLAN: Final[dict[str, Any]] = {
    "version": "2d1cc6b0a7f0e1a9b0f3c4d5",
    "modules": [],
    "destinations": [{"name": "gateway", "host": "192.0.2.1", "tags": ["lan"]}],
    "jobs": [{"name": "gateways", "interval": "30s", "tags": ["lan"]}],
    "maintenance": [],
    "tests": [],
}


class AgentsQuery(Query):
    """No parameters."""


class AgentModel(BaseModel):
    """An exporter that probes."""

    name: str
    state: str = Field(
        description="here, or away if it did not come for a while.",
        json_schema_extra={"enum": ["here", "away"]},
    )
    version: str = Field(description="Its version; empty before its first results.")
    plan: str = Field(description="Version of the plan that it works by.")
    dropped: int = Field(description="Runs that it had to drop, as it told last.")
    first_seen: float = Field(description="UTC seconds.")
    last_seen: float = Field(description="UTC seconds, to half a minute.")


class AgentsAnswer(BaseModel):
    """All agents that ever came, in that order."""

    model_config = ConfigDict(json_schema_extra={"example": {"agents": [_EXAMPLE]}})

    agents: list[AgentModel]


class IfNoneMatch(BaseModel):
    """What the agent has."""

    model_config = ConfigDict(extra="ignore")

    if_none_match: str | None = Field(
        None, alias="If-None-Match", description="The ETag of the plan that is there."
    )


class PlanAnswer(Plan):
    """What an agent has to do; durations are texts, as in config.yaml."""

    model_config = ConfigDict(json_schema_extra={"example": _PLAN})


blueprint = APIBlueprint(
    "agents",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="agents", description="Who probes.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)

_PLANNED: Final[dict[str | int, Any]] = {
    200: PlanAnswer,
    304: {"description": "The agent has this plan already."},
    **problem_responses(),
}


@blueprint.get("/agents", responses={200: AgentsAnswer, **problem_responses()})
@needs(Scope.READ)
def agents(query: AgentsQuery) -> Response:
    """Return the agents that came, and when they came last."""
    del query
    here = parts()
    now = here.clock.now()
    told = [agent_document(row, now) for row in table.everyone(here.db)]
    return json_response({"agents": told})


@blueprint.get("/agents/<name>/plan", responses=_PLANNED)
@needs(Scope.PROBE)
def plan(path: NamePath, header: IfNoneMatch) -> Response:
    """Return what an agent has to do: its jobs and what they need, and tests.

    With the ETag of the plan that is there as `If-None-Match` it is 304 while nothing
    has changed. Whoever asks is an agent from then on.
    """
    here = parts()
    (has, *_) = [*parse_etags(header.if_none_match).as_set(), ""]
    planned = here.planner.plan(path.name, has)
    response = Response(planned.body, content_type="application/json")
    if planned.body is None:
        response = Response(status=_NOT_MODIFIED)
    outcome = "unchanged" if planned.body is None else "sent"
    here.telemetry.probe_plans.labels(outcome).inc()
    response.headers["ETag"] = f'"{planned.version}"'
    return response
