"""`/api/v1/corrections`: what somebody said was wrong."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final, Literal

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.corrections import Plan, Wanted, document, plan
from bridge.answers.errors import QuestionError
from bridge.answers.times import read_span
from bridge.api.params import Query, SourceName
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem, problem_response, problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from models.queries import corrections as table

_CORRECTION: Final[dict[str, Any]] = {
    "id": 3,
    "source": "local",
    "match": 'energy_total{job="meter"}',
    "start": 1795251600,
    "end": 1795255200,
    "as": "ignore",
    "note": "the meter was calibrated",
    "author": "grace",
    "state": "applied",
    "created_at": 1795258800,
    "applied_at": 1795258803,
    "revoked_at": None,
    "restored_at": None,
    "outcome": "63 rows of 1 series changed",
}


_PLANNED: Final[dict[str, Any]] = {
    "correction": {**_CORRECTION, "state": "waiting", "applied_at": None},
    "series": 1,
    "changes": [
        {
            "resolution": "minute",
            "rows": 61,
            "before": {"count": 244.0, "sum": 976.0, "increase": 244.0, "resets": 0.0},
            "after": {"count": 4.0, "sum": 16.0, "increase": 244.0, "resets": 0.0},
        }
    ],
    "notes": [],
}


class CorrectionsQuery(Query):
    """Of which source."""

    source: SourceName = None


class CorrectionPath(BaseModel):
    """Which correction."""

    id: int = Field(ge=1, lt=2**63, description="The number of the correction.")


class CorrectionBody(BaseModel):
    """What was wrong, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "match": 'energy_total{job="meter"}',
                "start": "2026-11-21T09:00:00Z",
                "end": "2026-11-21T10:00:00Z",
                "note": "the meter was calibrated",
            }
        },
    )

    match: str = Field(description="Which series, as a PromQL selector.")
    start: str = Field(description="Since when, as in questions; whole minutes.")
    end: str | None = Field(None, description="Until when, exclusive; default now.")
    note: str = Field(description="Why; kept with everything that changes.")
    action: Literal["ignore", "baseline"] = Field(
        "ignore",
        alias="as",
        description="ignore: counters go on from the last value before; baseline: what "
        "they did over the span adds nothing.",
    )
    source: str | None = Field(
        None, description="Of which source; needed if several have such series."
    )
    dry_run: bool = Field(default=False, description="Only say what would change.")


class CorrectionModel(BaseModel):
    """A correction; `as` is as in the body."""

    model_config = ConfigDict(json_schema_extra={"example": _CORRECTION})

    id: int
    source: str
    match: str
    start: int = Field(description="First second that is wrong, UTC.")
    end: int = Field(description="First second after it, UTC.")
    action: Literal["ignore", "baseline"] = Field(alias="as")
    note: str
    author: str = Field(description="The name of the key, or of the user.")
    state: Literal["waiting", "applied", "failed", "revoking", "revoked"]
    created_at: int
    applied_at: int | None
    revoked_at: int | None
    restored_at: int | None
    outcome: str = Field(description="What became of it.")


class ChangeModel(BaseModel):
    """What changes at one resolution."""

    resolution: Literal["minute", "hour", "day"]
    rows: int
    before: dict[str, float] = Field(description="Totals of these rows by column.")
    after: dict[str, float] = Field(description="The same afterwards.")


class CorrectionsAnswer(BaseModel):
    """All corrections, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"corrections": [_CORRECTION]}}
    )

    corrections: list[CorrectionModel]


class PlannedAnswer(BaseModel):
    """A correction that was made, or with `dry_run` would be, and what it changes."""

    model_config = ConfigDict(json_schema_extra={"example": _PLANNED})

    correction: CorrectionModel
    series: int = Field(description="How many series it is about.")
    changes: list[ChangeModel]
    notes: list[str]


blueprint = APIBlueprint(
    "corrections",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="corrections", description="What was wrong.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_MADE: Final[dict[str | int, Any]] = {
    201: PlannedAnswer,
    200: PlannedAnswer,
    **problem_responses(),
    415: problem_response("The body is not of the type application/json."),
}
_REVOKED: Final[dict[str | int, Any]] = {
    200: CorrectionModel,
    **problem_responses(),
    404: problem_response("There is no such correction."),
}


@blueprint.get(
    "/corrections", responses={200: CorrectionsAnswer, **problem_responses()}
)
@needs(Scope.READ)
def corrections(query: CorrectionsQuery) -> Response:
    """Return all corrections, also those that were revoked."""
    here = parts()
    check_source(query.source)
    names = {query.source} if query.source else {*here.sources(caller().workspace)}
    rows = [row for row in table.listed(here.db) if row.source in names]
    return json_response({"corrections": [document(row) for row in rows]})


@blueprint.post(
    "/corrections",
    responses=_MADE,
)
@needs(Scope.ADMIN)
def correct(body: CorrectionBody) -> Response:
    """Say that samples of a span were wrong.

    The running bridge changes the rows of all resolutions within `rollup.every`; the
    correction's `state` says when it has. What changes is in the restatements.
    """
    if not request.is_json:  # or a page from elsewhere could send one unasked
        return problem(415, "Send the correction as application/json.")
    here = parts()
    now = here.clock.now()
    check_source(body.source)
    planned = plan(
        here.db,
        Wanted(
            body.match,
            read_span(body.start, body.end, now),
            body.note,
            caller().name,
            body.action,
            body.source,
            caller().workspace,
        ),
        int(now),
    )
    if body.dry_run:
        return json_response(_planned(planned, document(planned.row)))
    row = table.create(here.db, planned.row)
    response = json_response(_planned(planned, document(row)))
    response.status_code = 201
    return response


@blueprint.delete(
    "/corrections/<int:id>",
    responses=_REVOKED,
)
@needs(Scope.ADMIN)
def revoke(path: CorrectionPath) -> Response:
    """Take a correction back: the running bridge puts the rows back."""
    here = parts()
    row = table.find(here.db, path.id)
    if row is None or row.source not in here.sources(caller().workspace):
        return problem(404, f"There is no correction {path.id}.")
    if not table.revoke(here.db, path.id, int(here.clock.now())):
        raise QuestionError("id", f"correction {path.id} has been revoked already")
    return json_response(document(table.find(here.db, path.id) or row))


def _planned(planned: Plan, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "correction": told,
        "series": planned.series,
        "changes": [asdict(change) for change in planned.changes],
        "notes": list(planned.notes),
    }
