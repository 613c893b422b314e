"""`/api/v1/labels`: the names of labels, and the values of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.find import find_series, label_names, label_values
from bridge.api.params import Match, Query, SourceName, selectors
from bridge.api.parts import caller, check_source, parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs

if TYPE_CHECKING:
    from models.queries.series import SeriesRow


class LabelsQuery(Query):
    """Of which series."""

    match: Match = Field(default_factory=list)
    source: SourceName = None


class LabelPath(BaseModel):
    """Which label."""

    name: str = Field(
        description="A label; `__name__` is the metric's name.",
        json_schema_extra={"example": "job"},
    )


class LabelNames(BaseModel):
    """Names of labels."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"names": ["__name__", "instance", "job"]}}
    )

    names: list[str] = Field(description="Sorted; `__name__` is the metric's name.")


class LabelValues(BaseModel):
    """Values of one label."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "job", "values": ["node"]}}
    )

    name: str
    values: list[str] = Field(description="Sorted; empty for an unknown label.")


blueprint = APIBlueprint(
    "labels",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="labels", description="What series are labelled with.")],
    abp_security=[{"bearer": []}, {"header": []}],
)

_NAMES: Final[dict[str | int, Any]] = {200: LabelNames, **problem_responses()}
_VALUES: Final[dict[str | int, Any]] = {200: LabelValues, **problem_responses()}


@blueprint.get("/labels", responses=_NAMES)
@needs(Scope.READ)
def names(query: LabelsQuery) -> Response:
    """Return the names of the labels of the selected series."""
    return json_response({"names": label_names(_series(query))})


@blueprint.get("/labels/<name>/values", responses=_VALUES)
@needs(Scope.READ)
def values(path: LabelPath, query: LabelsQuery) -> Response:
    """Return the values that a label has in the selected series."""
    found = label_values(_series(query), path.name)
    return json_response({"name": path.name, "values": found})


def _series(query: LabelsQuery) -> list[SeriesRow]:
    check_source(query.source)
    chosen = selectors(query.match)
    return find_series(parts().db, chosen, caller().workspace, query.source)
