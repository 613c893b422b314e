"""`/api/v1/jobs`: who probes what, and when."""

from __future__ import annotations

from typing import Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import entries
from bridge.api.bodies import JobBody, PatchBody
from bridge.api.entries import EntryModel, IfMatch, NamePath, ValidationAnswer
from bridge.api.params import Query
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from bridge.probing.entries import JOB, stored, written
from models.queries.entries import Sought
from runtime.probing.jobs import Job  # noqa: TC001 - pydantic reads annotations
from runtime.probing.schedule import State  # noqa: TC001 - same

_ALL: Final = 1_000_000
_EXAMPLE: Final[dict[str, Any]] = {
    "name": "gateways",
    "origin": "api",
    "revision": 1,
    "created_at": 1795262400.0,
    "updated_at": 1795262400.0,
    "state": "running",
    "next_run": 1795262430.0,
    "settings": written(stored(JOB, JobBody.example)),
}


class JobsQuery(Query):
    """Which ones."""

    state: State | None = Field(None, description="Only in this state.")
    enabled: bool | None = Field(None, description="Only those that run, or do not.")
    tags: str = entries.tags_field()
    query: str = entries.query_field()
    after: str = entries.after_field()
    limit: int = entries.limit_field()


class JobModel(EntryModel):
    """A job."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    state: State = Field(
        description="not_scheduled outside its windows, pending before it is valid, "
        "expired after, disabled if it was stopped."
    )
    next_run: float | None = Field(description="UTC seconds; null if there is none.")
    settings: Job = Field(description="The keys of config.yaml, all of them.")


class JobsAnswer(BaseModel):
    """Jobs by name."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"jobs": [_EXAMPLE], "total": 1}}
    )

    jobs: list[JobModel]
    total: int = Field(description="How many there are, listed or not.")


blueprint = APIBlueprint(
    "jobs",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="jobs", description="Who probes what, and when.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)


@blueprint.get("/jobs", responses={200: JobsAnswer, **entries.LISTING})
@needs(Scope.READ)
def jobs(query: JobsQuery) -> Response:
    """Return the jobs that are asked for, by name."""
    sought = Sought(query.query, entries.words(query.tags), enabled=query.enabled)
    if query.state is None:
        return entries.listed(JOB, sought, query.after, query.limit)
    found = map(entries.told_now, entries.catalogue().listed(JOB, sought, limit=_ALL))
    chosen = [one for one in found if one["state"] == query.state]
    page = [one for one in chosen if one["name"] > query.after][: query.limit]
    return json_response({"jobs": page, "total": len(chosen)})


@blueprint.post("/jobs", responses={201: JobModel, **entries.MAKING})
@needs(Scope.ADMIN)
def make(body: JobBody) -> Response:
    """Make a job; the body has the keys of config.yaml."""
    return entries.made(JOB, body.document)


@blueprint.get("/jobs/<name>", responses={200: JobModel, **entries.READING})
@needs(Scope.READ)
def job(path: NamePath) -> Response:
    """Return a job, with its ETag."""
    return entries.shown(JOB, path.name)


@blueprint.put("/jobs/<name>", responses={200: JobModel, **entries.REPLACING})
@needs(Scope.ADMIN)
def replace(path: NamePath, header: IfMatch, body: JobBody) -> Response:
    """Give a job other settings; keys that are left out have their defaults."""
    return entries.replaced(JOB, path.name, body.document, header)


@blueprint.patch("/jobs/<name>", responses={200: JobModel, **entries.REPLACING})
@needs(Scope.ADMIN)
def patch(path: NamePath, header: IfMatch, body: PatchBody) -> Response:
    """Change some settings of a job (RFC 7396)."""
    return entries.patched(JOB, path.name, body.document, header)


@blueprint.delete("/jobs/<name>", responses={200: JobModel, **entries.CHANGING})
@needs(Scope.ADMIN)
def remove(path: NamePath, header: IfMatch) -> Response:
    """Remove a job; its history stays, and return what it was."""
    return entries.removed(JOB, path.name, header)


@blueprint.post("/jobs/validate", responses={200: ValidationAnswer, **entries.JUDGING})
@needs(Scope.ADMIN)
def validate(body: JobBody) -> Response:
    """Say what is wrong with a job; store nothing."""
    return entries.judged(JOB, body.document)
