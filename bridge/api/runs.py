"""`/api/v1/runs`: executions of jobs."""

from __future__ import annotations

from typing import Any, Final, Literal, cast

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.probes.asked import Asked, milliseconds, picked
from bridge.answers.probes.documents import result_document
from bridge.api import entries
from bridge.api.histories import (
    RESULT,
    ResultModel,
    SpanQuery,
    read_cursor,
    span_of,
    write_cursor,
)
from bridge.api.parts import parts
from bridge.api.problems import problem, problem_response, problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from bridge.probing.documents import run_document
from models.queries import results as results_table
from models.queries import runs as table

State = Literal["completed", "failed", "aborted"]

RUN: Final[dict[str, Any]] = {
    "id": 17,
    "agent": "edge-1",
    "job": "gateways",
    "time": 1795262400.0,
    "began": 1795262400.003,
    "ended": 1795262400.015,
    "state": "completed",
    "destinations": 1,
    "succeeded": 1,
    "failed": 0,
    "skipped": 0,
    "left_alone": 0,
    "results": 1,
    "error": "",
    "marks": [],
    "received": 1795262405.2,
}


class OfRunsQuery(SpanQuery):
    """Which runs."""

    agent: str | None = Field(None, description="Only of this agent.")
    state: State | None = Field(None, description="Only those that ended so.")
    before: str | None = Field(None, description="`next` of the page before.")
    limit: int = entries.limit_field(100)


class RunsQuery(OfRunsQuery):
    """Which runs."""

    job: str | None = Field(None, description="Only of this job.")


class RunModel(BaseModel):
    """An execution of a job by an agent; times are UTC seconds."""

    id: int
    agent: str
    job: str
    time: float = Field(description="When it was to begin.")
    began: float
    ended: float
    state: State = Field(
        description="failed if no destination answered, aborted if it was cut off."
    )
    destinations: int = Field(description="Destinations that were probed.")
    succeeded: int = Field(description="Those of which every probe succeeded.")
    failed: int = Field(description="Those of which any probe failed.")
    skipped: int = Field(description="Those whose run before had not ended.")
    left_alone: int = Field(description="Those in maintenance.")
    results: int = Field(description="Results that came with it.")
    error: str
    marks: list[str] = Field(description="What may disturb the figures.")
    received: float = Field(description="When the bridge had it.")


class RunsAnswer(BaseModel):
    """Runs, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"runs": [RUN], "next": "1795262400000.17"}}
    )

    runs: list[RunModel]
    next: str | None = Field(
        description="Where the next page begins, for `before`; null at the end."
    )


class RunAnswer(BaseModel):
    """A run with its results."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"run": RUN, "results": [RESULT]}}
    )

    run: RunModel
    results: list[ResultModel]


class RunPath(BaseModel):
    """Which run."""

    id: int = Field(ge=1, lt=2**63, description="The number of the run.")


blueprint = APIBlueprint(
    "runs",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="runs", description="Executions of jobs.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)

_RUN: Final[dict[str | int, Any]] = {
    200: RunAnswer,
    **problem_responses(),
    404: problem_response("There is no such run."),
}


@blueprint.get("/runs", responses={200: RunsAnswer, **problem_responses()})
@needs(Scope.READ)
def runs(query: RunsQuery) -> Response:
    """Return runs, newest first; without `start` those of the last 24 hours."""
    return listed(query, query.job)


@blueprint.get("/runs/<int:id>", responses=_RUN)
@needs(Scope.READ)
def run(path: RunPath) -> Response:
    """Return a run with its results."""
    here = parts()
    found = table.find(here.db, path.id)
    if found is None:
        return problem(404, f"There is no run {path.id}.")
    rows = results_table.of_runs(here.db, [path.id])
    told = [result_document(row) for row in rows]
    return json_response({"run": run_document(found), "results": told})


def listed(query: OfRunsQuery, job: str | None) -> Response:
    """Return the runs that are asked for."""
    here, span = parts(), span_of(query)
    of = picked(here.db, Asked(job=job, agent=query.agent))
    wanted = table.Wanted(
        of.job, of.agent, query.state, milliseconds(span.start), milliseconds(span.end)
    )
    before = cast("tuple[int, int] | None", read_cursor(query.before, 2))
    found = table.search(here.db, wanted, before=before, limit=query.limit)
    more = found[-1].cursor if len(found) == query.limit else None
    told = [run_document(row) for row in found]
    return json_response({"runs": told, "next": write_cursor(more)})
