"""`/api/v1/destinations/.../status` and `summary`: how destinations are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.probes.documents import standing_document
from bridge.answers.probes.standing import standing, summary
from bridge.api import entries
from bridge.api.entries import NamePath  # noqa: TC001 - flask-openapi3 reads annotations
from bridge.api.histories import (
    RESULT,
    ResultModel,
    SpanQuery,
    known_destination,
    span_of,
)
from bridge.api.parts import parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

_STANDING: Final[dict[str, Any]] = {
    "name": "gateway",
    "status": "active",
    "status_since": 1795176000.0,
    "last_seen": 1795262400.0,
    "checks": 2880,
    "successes": 2879,
    "success_rate": 0.99965,
    "uptime": 0.99965,
    "known": 86400.0,
    "loss": 0.00035,
    "rtt_mean": 0.0004,
    "last_check": 1795262400.0,
    "last_rtt": 0.0004,
    "recent_failures": 1,
    "failures": [{**RESULT, "success": False, "reason": "timeout", "received": 0}],
}
_SUMMARY: Final[dict[str, Any]] = {
    "total": 3,
    "statuses": {"active": 2, "inactive": 1},
    "checks": 5760,
    "success_rate": 0.9998,
    "health": "healthy",
}


class StandingAnswer(BaseModel):
    """How a destination is, over a span of time."""

    model_config = ConfigDict(json_schema_extra={"example": _STANDING})

    name: str
    status: str = Field(
        description="unknown, active, degraded, error, inactive; deleted if it is not "
        "there any more."
    )
    status_since: float | None = Field(description="UTC seconds.")
    last_seen: float | None = Field(description="When it last answered, UTC seconds.")
    checks: int = Field(description="Results.")
    successes: int
    success_rate: float | None = Field(description="Share of results, each alike.")
    uptime: float | None = Field(description="The same, each by how long it held.")
    known: float = Field(description="Seconds of its probes that are known of.")
    loss: float | None = Field(description="Share of requests without an answer.")
    rtt_mean: float | None = Field(description="Of all round-trip times, seconds.")
    last_check: float | None = Field(description="UTC seconds.")
    last_rtt: float | None = Field(description="Of its last answer, seconds.")
    recent_failures: int = Field(description="Among the last 20 results.")
    failures: list[ResultModel] = Field(description="These, newest first.")


class SummaryAnswer(BaseModel):
    """How all destinations are, over a span of time."""

    model_config = ConfigDict(json_schema_extra={"example": _SUMMARY})

    total: int
    statuses: dict[str, int] = Field(description="How many there are of each.")
    checks: int = Field(description="Results.")
    success_rate: float | None
    health: str = Field(
        description="healthy if none is in error and more than 95 % of the results are "
        "successes, else degraded; unknown without results."
    )


blueprint = APIBlueprint(
    "standings",
    __name__,
    url_prefix="/api/v1/destinations",
    abp_tags=[Tag(name="destinations", description="What is probed.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)


@blueprint.get("/summary", responses={200: SummaryAnswer, **problem_responses()})
@needs(Scope.READ)
def summarized(query: SpanQuery) -> Response:
    """Return how all destinations are; without `start` over the last 24 hours."""
    return json_response(asdict(summary(parts().db, span_of(query))))


@blueprint.get("/<name>/status", responses={200: StandingAnswer, **entries.READING})
@needs(Scope.READ)
def status(path: NamePath, query: SpanQuery) -> Response:
    """Return how a destination is; without `start` over the last 24 hours."""
    known_destination(path.name)
    found = standing(parts().db, path.name, span_of(query))
    return json_response(standing_document(path.name, found))
