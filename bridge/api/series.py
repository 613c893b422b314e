"""`/api/v1/series`: which series there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.find import find_series
from bridge.api.params import Match, Query, SourceName, selectors
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

_EXAMPLE: Final[dict[str, Any]] = {
    "series": [
        {
            "id": 7,
            "source": "local",
            "metric": "node_load1",
            "labels": {"instance": "127.0.0.1:9105", "job": "node"},
            "kind": "gauge",
            "unit": "",
            "help": "1m load average.",
            "workspace": "",
            "environment": "",
            "first_seen": 1795255205,
            "last_seen": 1795258790,
        }
    ],
    "total": 1,
}


class SeriesQuery(Query):
    """Which series to tell of."""

    match: Match = Field(default_factory=list)
    kind: (
        Literal["counter", "gauge", "histogram", "summary", "distinct", "unknown"]
        | None
    ) = Field(None, description="Only of this kind.")
    source: SourceName = None
    limit: Annotated[int, Field(ge=1, le=100_000, description="Series at most.")] = 1000


class SeriesModel(BaseModel):
    """A series and what is known of it."""

    id: int
    source: str
    metric: str
    labels: dict[str, str]
    kind: str
    unit: str
    help: str
    workspace: str
    environment: str
    first_seen: int = Field(description="When it was first seen, UTC seconds.")
    last_seen: int = Field(description="When it was last seen, UTC seconds.")


class SeriesAnswer(BaseModel):
    """Series by name, labels and source."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    series: list[SeriesModel]
    total: int = Field(description="How many there are, also beyond the limit.")


blueprint = APIBlueprint(
    "series",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="series", description="Which series there are.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_RESPONSES: Final[dict[str | int, Any]] = {200: SeriesAnswer, **problem_responses()}


@blueprint.get("/series", responses=_RESPONSES)
@needs(Scope.READ)
def series(query: SeriesQuery) -> Response:
    """Return the series that are selected, all of them without `match`."""
    check_source(query.source)
    chosen = selectors(query.match)
    found = find_series(parts().db, chosen, caller().workspace, query.source)
    kept = [row for row in found if query.kind in {None, row.kind}]
    return json_response(
        {"series": [asdict(row) for row in kept[: query.limit]], "total": len(kept)}
    )
