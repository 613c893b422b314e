"""`/api/v1/retention`: what is deleted as it is old, and what is held back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.retention import planned
from bridge.api.params import Query, SourceName
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

_EXAMPLE: Final[dict[str, Any]] = {
    "retention": [
        {
            "source": "local",
            "resolution": "minute",
            "match": "",
            "kept": 1209600.0,
            "start": 1794038400,
            "until": 1794042000,
            "cut": 1794049200,
            "windows": 60,
            "rows": 18000,
            "bytes": 1080000,
            "held": "the hour 2026-11-07T09:00:00Z is to be done again",
        }
    ]
}


class RetentionQuery(Query):
    """Of what."""

    source: SourceName = None


class PlannedModel(BaseModel):
    """A group of series at one resolution of a source, or a table of its own."""

    source: str = Field(description="Empty for tables that are of all sources.")
    resolution: Literal[
        "minute",
        "hour",
        "day",
        "error_events",
        "restatements",
        "verifications",
        "probe_results",
        "probe_runs",
        "routes",
        "certificates",
        "probe_tests",
        "probe_spans",
        "probe_hours",
        "probe_views",
        "jobs",
        "destinations",
    ]
    match: str = Field(description="The rule; empty for the series without one.")
    kept: float = Field(description="Seconds; 0 is for ever.")
    start: int = Field(description="Start of the oldest window that is old enough.")
    until: int = Field(description="End of what will be deleted next.")
    cut: int = Field(description="End of what is old enough.")
    windows: int = Field(description="Windows that will be deleted next.")
    rows: int = Field(
        description="Their rows, as the ledger counts them. About so many where there "
        "are rules: what is counted is shared by each rule's number of series."
    )
    bytes: int = Field(description="About how many bytes these take.")
    held: str = Field(description="Why until is before cut.")


class RetentionAnswer(BaseModel):
    """What would be deleted now."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    retention: list[PlannedModel]


blueprint = APIBlueprint(
    "retention",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="retention", description="What is deleted, and when.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: RetentionAnswer, **problem_responses()}


@blueprint.get("/retention", responses=_RESPONSES)
@needs(Scope.READ)
def retention(query: RetentionQuery) -> Response:
    """Return what retention deletes at its next beats, and what it holds back."""
    here = parts()
    check_source(query.source)
    workspace = caller().workspace
    seen = {query.source} if query.source else {*here.sources(workspace)}
    if workspace is None and query.source is None:
        seen.add("")
    names = list(here.source_kinds(None))
    found = planned(here.db, here.settings.retention, names, here.clock.now())
    told = [asdict(one) for one in found if one.source in seen]
    return json_response({"retention": told})
