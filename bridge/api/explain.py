"""`/api/v1/explain`: what one number is made of."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.explain import DEADLINE, explain, explained, only_one, with_raw
from bridge.answers.find import find_series
from bridge.answers.times import read_time
from bridge.api.corrections import CorrectionModel
from bridge.api.params import Match, Query, SourceName, selectors
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.api.restatements import RestatementModel
from bridge.auth import Scope, authorize, needs
from bridge.rollup.windows import Resolution, Window

_EXAMPLE: Final[dict[str, Any]] = {
    "series": {
        "id": 7,
        "source": "local",
        "metric": "http_requests_total",
        "labels": {"job": "shop"},
        "kind": "counter",
    },
    "resolution": "minute",
    "start": 1795255200,
    "end": 1795255260,
    "row": {"count": 2, "first": 3.0, "last": 4.0, "increase": 2.0, "flags": 0},
    "words": [
        "2 of 2 samples (100 %)",
        "from 3 to 4, the last one 45 s after the start",
        "it rose by 2 (0.0333333 per second), with 0 resets",
    ],
    "ledger": {
        "source": "local",
        "resolution": "minute",
        "start": 1795255200,
        "state": "done",
        "samples": 400,
        "series": 200,
        "revision": 1,
        "reason": "",
        "computed_at": 1795255276,
    },
    "restatements": [],
    "corrections": [],
    "finer": [],
    "raw": {
        "samples": [
            {"time": 1795255215000, "value": 3.0, "step": 1.0, "reset": False},
            {"time": 1795255245000, "value": 4.0, "step": 1.0, "reset": False},
        ],
        "before": {"time": 1795255185000, "value": 2.0},
        "agrees": True,
        "differences": {},
        "warnings": [],
    },
    "raw_reason": "",
}


class ExplainQuery(Query):
    """Which number."""

    match: Annotated[Match, Field(min_length=1)]
    start: str = Field(
        description="A time in the window: RFC 3339, Unix seconds, or such as `-1h`."
    )
    resolution: Literal["minute", "hour", "day"] = Field(
        "minute", description="Of which rollup."
    )
    raw: bool = Field(
        default=False,
        description="Ask the source for the raw samples of the minute as well, and "
        f"compute the row again; needs the scope admin. It may take {DEADLINE:g} s per "
        "request.",
    )
    source: SourceName = None


class ExplainedSeries(BaseModel):
    """The series."""

    id: int
    source: str
    metric: str
    labels: dict[str, str]
    kind: str


class LedgerModel(BaseModel):
    """What the ledger says of the window."""

    source: str
    resolution: str
    start: int
    state: str
    samples: int = Field(description="Samples of all series that were read.")
    series: int = Field(description="How many series have a row.")
    revision: int = Field(description="How often the window was computed.")
    reason: str = Field(description="Why the state is not simply done.")
    computed_at: int = Field(description="When it was computed last, UTC seconds.")


class FinerModel(BaseModel):
    """One of the windows that a row was merged from; null where it has no row."""

    start: int
    state: str
    reason: str
    count: int | None
    expected: int | None
    sum: float | str | None
    increase: float | str | None
    resets: int | None
    flags: list[str]


class SampleModel(BaseModel):
    """A raw sample."""

    time: int = Field(description="UTC milliseconds.")
    value: float | str
    step: float | None = Field(description="What it adds to the one before.")
    reset: bool = Field(description="Whether the counter started again.")


class BeforeModel(BaseModel):
    """The sample that the first step is measured from, as rows tell it."""

    time: int
    value: float


class RawModel(BaseModel):
    """The samples as the source has them now."""

    samples: list[SampleModel]
    before: BeforeModel | None
    agrees: bool = Field(description="Whether the row follows from them.")
    differences: dict[str, list[Any]] = Field(
        description="Columns that do not, as stored and as computed."
    )
    warnings: list[str] = Field(description="What the source said beside them.")


class ExplainAnswer(BaseModel):
    """A number, and what it is made of."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    series: ExplainedSeries
    resolution: Literal["minute", "hour", "day"]
    start: int
    end: int
    row: dict[str, Any] | None = Field(description="Its columns; null for no row.")
    words: list[str] = Field(description="The row in plain words.")
    ledger: LedgerModel | None
    restatements: list[RestatementModel] = Field(description="Newest first.")
    corrections: list[CorrectionModel] = Field(description="Those that touch it.")
    finer: list[FinerModel] = Field(description="What it was merged from, in order.")
    raw: RawModel | None
    raw_reason: str = Field(description="Why there are no raw samples.")


blueprint = APIBlueprint(
    "explain",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="explain", description="What a number is made of.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: ExplainAnswer, **problem_responses()}


@blueprint.get("/explain", responses=_RESPONSES)
@needs(Scope.READ)
def explain_(query: ExplainQuery) -> Response:
    """Return what one number of one series is made of.

    The row in words, the ledger, what was restated and corrected, the finer windows
    that it was merged from and, with `raw`, the samples of a minute step by step, as
    far as the source still has them.
    """
    here = parts()
    if query.raw:
        authorize(caller(), Scope.ADMIN)
    check_source(query.source)
    found = find_series(
        here.db, selectors(query.match), caller().workspace, query.source
    )
    series = only_one(found, query.match)
    at = int(read_time(query.start, here.clock.now(), "start"))
    one = explain(here.db, series, Window.holding(at, Resolution(query.resolution)))
    if query.raw and here.asks is not None:
        one = with_raw(here.db, one, here.asks)
    return json_response(explained(one))
