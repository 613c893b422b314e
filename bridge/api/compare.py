"""`/api/v1/compare`: a time beside an earlier one like it, and the change."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import Response  # noqa: TC002 - read at run time
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.comparison import comparing, comparison_document
from bridge.answers.find import find_series
from bridge.answers.ranges import Wish
from bridge.answers.resolution import read_resolution
from bridge.api.coverage import CountsModel
from bridge.api.params import End, Match, Query, SourceName, Start, selectors
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_response, problem_responses
from bridge.api.responses import json_response
from bridge.api.rollups import Value
from bridge.auth import Scope, needs

_COUNTS: Final = {
    "windows": 2,
    "done": 2,
    "partial": 0,
    "dirty": 0,
    "open": 0,
    "lost": 0,
    "missing": 0,
}
_SUMMARY: Final[dict[str, Any]] = {
    "current": 0.5,
    "before": 0.4,
    "change": 0.1,
    "change_percent": 25.0,
    "reason": None,
}
_EXAMPLE: Final[dict[str, Any]] = {
    "resolution": "hour",
    "calendar": "utc",
    "reason": "asked for",
    "current": {
        "start": 1795255200,
        "end": 1795262400,
        "from": "2026-11-21T10:00:00Z",
        "to": "2026-11-21T12:00:00Z",
        "coverage": {"local": {"start": 1795255200, "end": 1795262400, **_COUNTS}},
        "open": {"local": []},
    },
    "before": {
        "start": 1795168800,
        "end": 1795176000,
        "from": "2026-11-20T10:00:00Z",
        "to": "2026-11-20T12:00:00Z",
        "coverage": {"local": {"start": 1795168800, "end": 1795176000, **_COUNTS}},
        "open": {"local": []},
    },
    "offset": [0, 3600],
    "start": [1795255200, 1795258800],
    "before_start": [1795168800, 1795172400],
    "series": [
        {
            "id": 7,
            "source": "local",
            "metric": "node_load1",
            "labels": {"instance": "127.0.0.1:9105", "job": "node"},
            "kind": "gauge",
            "unit": "",
            "aggregate": "avg",
            "current": [0.25, 0.75],
            "before": [0.4, 0.4],
            "summary": _SUMMARY,
        }
    ],
    "summary": _SUMMARY,
    "notes": [],
}


class CompareQuery(Query):
    """Which time of which series is compared with which."""

    match: Annotated[Match, Field(min_length=1)]
    period: Literal["hour", "day", "week"] | None = Field(
        None,
        description="The newest hour, day or week of windows that have closed; of a "
        "calendar the newest whole day or seven days. Default: day, unless start or "
        "end are given.",
    )
    compare_to: Literal["yesterday", "last_week"] | None = Field(
        None,
        description="The same time a day or seven days earlier. Default: yesterday, "
        "unless against_start is given.",
    )
    start: Start = None
    end: End = None
    against_start: str | None = Field(
        None, description="Where the range to compare with starts, as `start`."
    )
    against_end: str | None = Field(
        None,
        description="Where it ends; it must be as long as the other. Default: as long "
        "as the other.",
    )
    aggregate: list[str] = Field(
        [],
        description="One of the aggregates of rollups, such as avg, sum, max, p95, "
        "rate or increase. Default: rate of counters, last of summaries, distinct of "
        "distinct values, otherwise avg.",
        json_schema_extra={"example": ["avg"]},
    )
    resolution: str = Field(
        "auto", description="minute, hour, day, or auto, as of rollups."
    )
    calendar: str | None = Field(
        None,
        description="Compare whole days of this calendar, utc or one of `calendars` in "
        "config.yaml, the first with the first: also where clocks make them 23 or 25 "
        "hours long.",
        json_schema_extra={"example": "utc"},
    )
    source: SourceName = None


class FigureChange(BaseModel):
    """A figure of both ranges, and by how much it changed."""

    current: Value = Field(description="Of this range; null if it is not known.")
    before: Value = Field(description="Of the range before.")
    change: float | None = Field(description="current - before.")
    change_percent: float | None = Field(
        description="The change in percent of the size of `before`."
    )
    reason: str | None = Field(
        description="Why change or change_percent are null; null if neither is."
    )


class ComparedRange(BaseModel):
    """One of both ranges, UTC."""

    model_config = ConfigDict(extra="forbid")

    start: int
    end: int
    from_: str = Field(alias="from", description="The start as RFC 3339.")
    to: str = Field(description="The end as RFC 3339.")
    coverage: dict[str, CountsModel] = Field(
        description="By source, how much of the range is done."
    )
    open: dict[str, list[int]] = Field(
        description="By source, starts of windows that are not merged yet."
    )


class ComparedSeries(BaseModel):
    """One series in both ranges; both lists are as long as `offset`."""

    id: int
    source: str
    metric: str
    labels: dict[str, str]
    kind: str
    unit: str
    aggregate: str = Field(description="What the figures are.")
    current: list[Value]
    before: list[Value]
    summary: FigureChange


class CompareAnswer(BaseModel):
    """Both ranges side by side, in columns."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    resolution: Literal["minute", "hour", "day"]
    calendar: str = Field(description="By whose clocks days are.")
    reason: str = Field(description="Why this resolution was taken.")
    current: ComparedRange
    before: ComparedRange
    offset: list[int] = Field(
        description="Seconds of each window from the start of its range; days of a "
        "calendar count as 86,400 each."
    )
    start: list[int] = Field(description="Starts of the windows of this range.")
    before_start: list[int] = Field(description="Starts of those that face them.")
    series: list[ComparedSeries]
    summary: FigureChange | None = Field(
        description="All series together, from merged rows; null if their aggregates "
        "differ."
    )
    notes: list[str] = Field(description="What a reader should know beside it.")


blueprint = APIBlueprint(
    "compare",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="rollups", description="What was.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {
    200: CompareAnswer,
    **problem_responses(),
    422: problem_response("The answer would hold more than bridge.max_points."),
}


@blueprint.get("/compare", responses=_RESPONSES)
@needs(Scope.READ)
def compare(query: CompareQuery) -> Response:
    """Compare series in a range of time with an earlier one.

    Windows at the same distance from the start face each other, null where one is not
    known. Figures of a whole range come from its rows merged into one, and those of all
    series from theirs: means are weighted by samples, rates by the seconds for which
    there are rows, and percentiles come from merged buckets. Windows that are not over,
    and those that face them, are shown and no part of these figures.
    """
    here = parts()
    now = here.clock.now()
    wish = Wish(
        period=query.period,
        compare_to=query.compare_to,
        start=query.start,
        end=query.end,
        against_start=query.against_start,
        against_end=query.against_end,
        resolution=read_resolution(query.resolution),
        calendar=query.calendar,
    )
    chosen = selectors(query.match)
    check_source(query.source)
    found = comparing(
        here.db,
        find_series(here.db, chosen, caller().workspace, query.source),
        wish,
        query.aggregate,
        now,
        here.closed(now),
        here.settings.bridge.max_points,
    )
    return json_response(comparison_document(found))
