"""`/api/v1/restatements`: what was said and is no longer said, and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.find import find_series
from bridge.answers.restatements import MOST, check_resolution, restated
from bridge.answers.times import DAY, read_span, read_time
from bridge.api.params import End, Query, SourceName, Start, selectors
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

_ROW: Final[dict[str, Any]] = {
    "count": 4,
    "sum": 10.0,
    "min": 1.0,
    "max": 4.0,
    "first": 1.0,
    "last": 4.0,
    "increase": 3.0,
    "resets": 0,
    "expected": 4,
    "flags": 0,
    "last_offset": 45000,
    "gap": 0,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "restatements": [
        {
            "source": "local",
            "series": 'http_requests_total{job="shop"}',
            "series_id": 7,
            "resolution": "minute",
            "start": 1795255200,
            "revision": 2,
            "at": 1795255800,
            "reason": "late samples, batch 5",
            "rows": 1,
            "before": _ROW,
            "after": {**_ROW, "count": 5, "sum": 14.0},
        }
    ],
    "truncated": False,
}


class RestatementsQuery(Query):
    """Of which rows, and since when."""

    match: list[str] = Field(
        [],
        description="PromQL selectors of series; all without any.",
        json_schema_extra={"example": ["http_requests_total"]},
    )
    start: Start = None
    end: End = None
    resolution: str | None = Field(
        None, description="minute, hour, day, or day@CALENDAR; all without it."
    )
    since: str | None = Field(
        None,
        description="Only what was restated since then; any time without it. Written "
        "as `start` is.",
    )
    source: SourceName = None
    limit: int = Field(1000, ge=1, le=MOST, description="Entries; the newest are kept.")


class RestatementModel(BaseModel):
    """A row that was changed."""

    source: str
    series: str = Field(description="Empty for an entry that counts several rows.")
    series_id: int = Field(description="The same, as a number; 0 for several.")
    resolution: str
    start: int = Field(description="Start of the window, UTC.")
    revision: int = Field(description="Revision of the window that changed the row.")
    at: int = Field(description="When it was changed, UTC seconds.")
    reason: str = Field(description="Why the window was done again.")
    rows: int = Field(description="How many rows the entry stands for.")
    before: dict[str, Any] | None = Field(
        description="The row's columns before; null where there was no row."
    )
    after: dict[str, Any] | None = Field(
        description="The same since then; buckets are told by a digest."
    )


class RestatementsAnswer(BaseModel):
    """What was restated, the newest change first."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    restatements: list[RestatementModel]
    truncated: bool = Field(description="Whether there may be more than listed.")


blueprint = APIBlueprint(
    "restatements",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="restatements", description="What was changed afterwards.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {
    200: RestatementsAnswer,
    **problem_responses(),
}


@blueprint.get("/restatements", responses=_RESPONSES)
@needs(Scope.READ)
def restatements(query: RestatementsQuery) -> Response:
    """Return which rows were changed after their window had been done, and why.

    `start` and `end` are about the windows, `since` about when they were changed.
    Without `start` it is the last 24 hours.
    """
    here = parts()
    now = here.clock.now()
    check_source(query.source)
    check_resolution(here.db, query.resolution)
    span = read_span(query.start, query.end, now, DAY)
    since = 0.0 if query.since is None else read_time(query.since, now, "since")
    series = find_series(
        here.db, selectors(query.match), caller().workspace, query.source
    )
    found = restated(here.db, series, query.resolution, span, since, query.limit)
    return json_response(
        {
            "restatements": [asdict(one) for one in found],
            "truncated": len(found) == query.limit,
        }
    )
