"""`/api/v1/verify`: whether what was said is still what the samples say."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.verification import verified
from bridge.api.params import Query, SourceName
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

_EXAMPLE: Final[dict[str, Any]] = {
    "outcomes": {"same": 11, "differs": 1},
    "verifications": [
        {
            "source": "local",
            "start": 1795255200,
            "at": 1795258800,
            "outcome": "differs",
            "samples": 400,
            "found": 400,
            "series": 100,
            "differing": 1,
            "differences": [
                {
                    "series": 'up{job="node"}',
                    "series_id": 7,
                    "outcome": "differs",
                    "columns": {"sum": [3.0, 4.0]},
                }
            ],
        }
    ],
}


class VerifyQuery(Query):
    """Of what."""

    source: SourceName = None
    outcome: Literal["same", "differs", "late", "aged", "warned", "failed"] | None = (
        Field(None, description="Only with this outcome.")
    )
    limit: int = Field(100, ge=1, le=1000, description="How many, the newest.")


class DifferenceModel(BaseModel):
    """A row that is not what it should be."""

    series: str
    series_id: int
    outcome: Literal["differs", "missing", "extra"]
    columns: dict[str, list[Any]] = Field(description="Stored and computed values.")


class VerificationModel(BaseModel):
    """A minute that was read again."""

    source: str
    start: int = Field(description="Start of the minute, UTC.")
    at: int = Field(description="When it was read again, UTC seconds.")
    outcome: Literal["same", "differs", "late", "aged", "warned", "failed"] = Field(
        description="late: the source has more samples now; aged: it has fewer; "
        "warned: its answer was not complete; failed: it did not answer."
    )
    samples: int = Field(description="Samples that the rows hold.")
    found: int = Field(description="Samples that the source has now.")
    series: int = Field(description="Rows that were compared.")
    differing: int = Field(description="Rows that are not what they should be.")
    differences: list[DifferenceModel] = Field(description="The first of them.")


class VerifyAnswer(BaseModel):
    """The latest verifications, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    outcomes: dict[str, int] = Field(description="How many had which outcome.")
    verifications: list[VerificationModel]


blueprint = APIBlueprint(
    "verify",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="verify", description="Whether it is still right.")],
    abp_security=[{"bearer": []}, {"header": []}],
)


@blueprint.get("/verify", responses={200: VerifyAnswer, **problem_responses()})
@needs(Scope.READ)
def verify(query: VerifyQuery) -> Response:
    """Return what the bridge found when it read finished minutes again.

    Keys of a workspace see the sources of it.
    """
    here = parts()
    check_source(query.source)
    sources = [query.source] if query.source else here.sources(caller().workspace)
    return json_response(verified(here.db, sources, query.outcome, query.limit))
