"""`/api/v1/coverage`: the map of holes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.day_coverage import asked, cover_all
from bridge.answers.times import DAY, read_span
from bridge.api.params import End, Query, SourceName, Start
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

if TYPE_CHECKING:
    from bridge.answers.coverage import Coverage

_EXAMPLE: Final[dict[str, Any]] = {
    "coverage": [
        {
            "source": "local",
            "resolution": "minute",
            "calendar": "utc",
            "start": 1795251600,
            "end": 1795258860,
            "oldest": 1795251600,
            "newest": 1795258740,
            "whole": None,
            "counts": {
                "start": 1795251600,
                "end": 1795258800,
                "windows": 120,
                "done": 118,
                "partial": 0,
                "dirty": 0,
                "open": 0,
                "lost": 2,
                "missing": 0,
            },
            "holes": [
                {
                    "start": 1795252200,
                    "end": 1795252320,
                    "state": "lost",
                    "reason": "the source was not recording",
                }
            ],
            "truncated": False,
        }
    ]
}


class CoverageQuery(Query):
    """Of what, and when."""

    start: Start = None
    end: End = None
    source: SourceName = None
    resolution: Literal["minute", "hour", "day"] | None = Field(
        None, description="Only this resolution."
    )
    calendar: str | None = Field(
        None,
        description="Only the days of this calendar, one of `calendars` in "
        "config.yaml, or utc for windows of UTC only. Default: both, of all calendars "
        "that are kept.",
        json_schema_extra={"example": "utc"},
    )


class CountsModel(BaseModel):
    """Windows by state, from the oldest one to the last that has ended and settled."""

    start: int = Field(description="Start of the first window that is counted.")
    end: int = Field(description="End of the last window that is counted.")
    windows: int = Field(description="How many there are between the two.")
    done: int = Field(description="Complete.")
    partial: int = Field(description="Computed from an incomplete answer.")
    dirty: int = Field(description="Computed, and to be computed again.")
    open: int = Field(description="Asked for, not computed yet.")
    lost: int = Field(description="The source has no data for them.")
    missing: int = Field(description="Not in the ledger.")


class HoleModel(BaseModel):
    """Consecutive windows that are not done for the same reason.

    `expired` are those that retention deleted.
    """

    start: int
    end: int
    state: Literal["partial", "dirty", "open", "lost", "missing", "expired"]
    reason: str


class CoverageModel(BaseModel):
    """One source at one resolution, or the days of a calendar."""

    source: str
    resolution: Literal["minute", "hour", "day"]
    calendar: str = Field(description="By whose clocks the windows are.")
    start: int = Field(description="Start of the first window that is asked for.")
    end: int = Field(description="End of the last window that is asked for.")
    oldest: int | None = Field(description="Start of the oldest window of all.")
    newest: int | None = Field(description="Start of the newest window of all.")
    whole: int | None = Field(
        description="Windows before it lack series that retention keeps for a shorter "
        "time; null where none do."
    )
    counts: CountsModel
    holes: list[HoleModel] = Field(description="Oldest first.")
    truncated: bool = Field(description="Whether there are more holes than listed.")


class CoverageAnswer(BaseModel):
    """What is done and what is not, by source and resolution."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    coverage: list[CoverageModel]


blueprint = APIBlueprint(
    "coverage",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="coverage", description="What is done and what is not.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: CoverageAnswer, **problem_responses()}


@blueprint.get("/coverage", responses=_RESPONSES)
@needs(Scope.READ)
def coverage(query: CoverageQuery) -> Response:
    """Return which windows are done, and the spans of those that are not.

    Without `start` it is the last 24 hours.
    """
    here = parts()
    check_source(query.source)
    now = here.clock.now()
    span = read_span(query.start, query.end, now, DAY)
    names = [query.source] if query.source else here.sources(caller().workspace)
    resolutions, calendars = asked(here.db, query.resolution, query.calendar)
    closed = here.closed(now)
    found = [
        one
        for name in names
        for one in cover_all(here.db, name, span, closed, resolutions, calendars)
    ]
    return json_response({"coverage": [_document(one) for one in found]})


def _document(one: Coverage) -> dict[str, Any]:
    return {**asdict(one), "resolution": one.resolution.value}
