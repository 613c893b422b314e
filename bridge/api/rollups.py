"""`/api/v1/rollups`: what was, minute by minute, hour by hour, day by day."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.aggregates import AGGREGATES, read_aggregates
from bridge.answers.calendars import read_frame
from bridge.answers.find import find_series, members_asked
from bridge.answers.past import read_as_of
from bridge.answers.periods import answer_of
from bridge.answers.resolution import POINTS, read_resolution
from bridge.answers.rollups import Question
from bridge.answers.times import read_span
from bridge.answers.writing import rollups_csv, rollups_document
from bridge.api.coverage import CountsModel
from bridge.api.params import End, Match, Query, SourceName, Start, selectors
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_response, problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

Value: TypeAlias = float | Literal["NaN", "+Inf", "-Inf"] | None
"""A number, null where there is none, or the name of what JSON has no number for."""

_EXAMPLE: Final[dict[str, Any]] = {
    "resolution": "minute",
    "calendar": "utc",
    "reason": "asked for",
    "start": 1795255200,
    "end": 1795255320,
    "width": 60,
    "series": [
        {
            "id": 7,
            "source": "local",
            "metric": "node_load1",
            "labels": {"instance": "127.0.0.1:9105", "job": "node"},
            "kind": "gauge",
            "unit": "",
            "aggregates": ["avg", "max"],
            "start": [1795255200, 1795255260],
            "avg": [0.25, 0.5],
            "max": [0.31, 0.74],
        }
    ],
    "coverage": {
        "local": {
            "start": 1795255200,
            "end": 1795255320,
            "windows": 2,
            "done": 2,
            "partial": 0,
            "dirty": 0,
            "open": 0,
            "lost": 0,
            "missing": 0,
        }
    },
    "open": {"local": []},
    "partial": {},
    "notes": [],
}


class RollupsQuery(Query):
    """What to answer of which series."""

    match: Annotated[Match, Field(min_length=1)]
    start: Start = None
    end: End = None
    resolution: str = Field(
        "auto",
        description="minute, hour, day, week (from Monday), month, or auto: the finest "
        f"of minute, hour and day with at most {POINTS} points a series that covers "
        "the range.",
    )
    calendar: str | None = Field(
        None,
        description="In whose days, weeks or months to answer: utc, or one of "
        "`calendars` in config.yaml. Default: utc.",
        json_schema_extra={"example": "utc"},
    )
    aggregate: list[str] = Field(
        [],
        description=f"Any of {', '.join(AGGREGATES)}, percentiles such as p99.5, and "
        "quantile(0.995); repeated or with commas. Default: increase and rate of "
        "counters; rate, avg, p50, p95 and p99 of histograms; min, max and last of "
        "summaries; distinct of distinct values; otherwise avg, min and max.",
        json_schema_extra={"example": ["avg,max"]},
    )
    fill: Literal["none", "null", "zero"] = Field(
        "none",
        description="What to answer for windows without a row: nothing; null; or zero "
        "for increase, rate and count where the window is done, null elsewhere.",
    )
    limit: int | None = Field(
        None, ge=1, description="Points per series; the newest are kept."
    )
    include_open: bool = Field(
        default=True,
        description="Whether to answer windows, too, that are not merged yet, from the "
        "finer ones that are there; `open` tells which they are.",
    )
    as_of: str | None = Field(
        None,
        description="Answer what was answered then: rows that were changed later are "
        "put back, and windows that were first done later are left out. RFC 3339, Unix "
        "seconds, or relative such as `-1h`.",
    )
    source: SourceName = None
    format: Literal["json", "csv"] = Field("json", description="How to answer.")


class BoundsModel(BaseModel):
    """Between which values estimates lie: two lists as long as the estimates."""

    lower: list[Value]
    upper: list[Value]


class SeriesLine(BaseModel):
    """One series; each aggregate is a list as long as `start`.

    Percentiles of other names are lists of those names.
    """

    model_config = ConfigDict(extra="allow")

    id: int = Field(description="The series' number in the database.")
    source: str
    metric: str
    labels: dict[str, str]
    kind: str = Field(description="counter, gauge, histogram, summary or unknown.")
    unit: str
    aggregates: list[str] = Field(description="Which of the lists below are there.")
    start: list[int] = Field(description="Starts of the windows, UTC, oldest first.")
    end: list[int] = Field(
        [], description="Ends of local days, weeks and months, UTC; else left out."
    )
    date: list[str] = Field(
        [], description="First local dates of local days, weeks and months, likewise."
    )
    avg: list[Value] = Field([], description=AGGREGATES["avg"].meaning)
    min: list[Value] = Field([], description=AGGREGATES["min"].meaning)
    max: list[Value] = Field([], description=AGGREGATES["max"].meaning)
    sum: list[Value] = Field([], description=AGGREGATES["sum"].meaning)
    count: list[int | None] = Field([], description=AGGREGATES["count"].meaning)
    last: list[Value] = Field([], description=AGGREGATES["last"].meaning)
    first: list[Value] = Field([], description=AGGREGATES["first"].meaning)
    increase: list[Value] = Field([], description=AGGREGATES["increase"].meaning)
    rate: list[Value] = Field([], description=AGGREGATES["rate"].meaning)
    resets: list[int | None] = Field([], description=AGGREGATES["resets"].meaning)
    changes: list[int | None] = Field([], description=AGGREGATES["changes"].meaning)
    coverage: list[Value] = Field([], description=AGGREGATES["coverage"].meaning)
    p50: list[Value] = Field([], description=AGGREGATES["p50"].meaning)
    p90: list[Value] = Field([], description=AGGREGATES["p90"].meaning)
    p95: list[Value] = Field([], description=AGGREGATES["p95"].meaning)
    p99: list[Value] = Field([], description=AGGREGATES["p99"].meaning)
    p999: list[Value] = Field([], description=AGGREGATES["p999"].meaning)
    distinct: list[Value] = Field([], description=AGGREGATES["distinct"].meaning)
    bounds: dict[str, BoundsModel] = Field(
        {}, description="By aggregate, between which bounds estimates truly lie."
    )


class RollupsAnswer(BaseModel):
    """Windows of one resolution, in columns."""

    model_config = ConfigDict(
        json_schema_extra={"example": _EXAMPLE},
        openapi_extra={  # type: ignore[typeddict-unknown-key]  # read by flask-openapi3
            "content": {"text/csv": {"schema": {"type": "string"}}}
        },
    )

    resolution: Literal["minute", "hour", "day", "week", "month"]
    calendar: str = Field(description="By whose clocks days, weeks and months are.")
    reason: str = Field(description="Why this resolution was taken.")
    start: int = Field(description="Start of the first window of the range, UTC.")
    end: int = Field(description="End of the last window of the range, UTC.")
    width: int | None = Field(
        description="Seconds of one window; null where they differ."
    )
    series: list[SeriesLine]
    coverage: dict[str, CountsModel] = Field(
        description="By source, how much of the range is done; in days where the "
        "windows are days, weeks or months of a calendar."
    )
    open: dict[str, list[int]] = Field(
        description="By source, starts of windows that are not merged yet: their "
        "values may change."
    )
    partial: dict[str, list[int]] = Field(
        description="By source, starts of local days, weeks and months that lack a "
        "day or hold one that is not whole; `coverage` tells it of other windows."
    )
    notes: list[str] = Field(description="What a reader should know beside it.")


blueprint = APIBlueprint(
    "rollups",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="rollups", description="What was.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {
    200: RollupsAnswer,
    **problem_responses(),
    422: problem_response("The answer would hold more than bridge.max_points."),
}


@blueprint.get("/rollups", responses=_RESPONSES)
@needs(Scope.READ)
def rollups(query: RollupsQuery) -> Response:
    """Return rollups of the selected series.

    Windows are half-open, named by their start, and never cut: the range is widened to
    whole windows. Windows that are not merged yet are answered from what there is of
    them, and listed in `open`. Values are exact, nothing is interpolated or
    extrapolated, but for percentiles and `distinct`: those are estimates, and `bounds`
    tells between which values the truth lies. They are JSON numbers, null where there
    is none, and "NaN", "+Inf" or "-Inf" by name.
    """
    here = parts()
    now = here.clock.now()
    span = read_span(query.start, query.end, now)
    frame = read_frame(here.db, query.resolution, query.calendar, span)
    chosen = selectors(query.match)
    workspace = caller().workspace
    question = Question(
        span=span,
        closed=here.closed(now),
        resolution=None if frame else read_resolution(query.resolution),
        aggregates=read_aggregates(query.aggregate),
        fill=query.fill,
        limit=query.limit,
        include_open=query.include_open,
        as_of=read_as_of(query.as_of, now, of_calendar=frame is not None),
        notes=members_asked(here.db, chosen, workspace),
    )
    check_source(query.source)
    series = find_series(here.db, chosen, workspace, query.source)
    answer = answer_of(
        here.db, series, question, frame, here.settings.bridge.max_points
    )
    if query.format == "json":
        return json_response(rollups_document(answer))
    response = Response(rollups_csv(answer), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="rollups.csv"'
    return response
