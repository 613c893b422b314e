"""`/api/v1/maintenance`: when destinations are left alone."""

from __future__ import annotations

from typing import Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import entries
from bridge.api.bodies import MaintenanceBody, PatchBody
from bridge.api.entries import EntryModel, IfMatch, NamePath, ValidationAnswer
from bridge.api.params import Query
from bridge.auth import Scope, needs
from bridge.probing.entries import MAINTENANCE, stored, written
from models.queries.entries import Sought
from runtime.probing.jobs import Maintenance  # noqa: TC001 - pydantic reads annotations
from runtime.probing.schedule import PauseState  # noqa: TC001 - same

_EXAMPLE: Final[dict[str, Any]] = {
    "name": "patch-night",
    "origin": "api",
    "revision": 1,
    "created_at": 1795262400.0,
    "updated_at": 1795262400.0,
    "state": "planned",
    "settings": written(stored(MAINTENANCE, MaintenanceBody.example)),
}


class MaintenanceQuery(Query):
    """Which ones."""

    query: str = entries.query_field()
    after: str = entries.after_field()
    limit: int = entries.limit_field()


class MaintenanceModel(EntryModel):
    """A maintenance."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    state: PauseState = Field(
        description="planned until it begins and between its windows, over after its "
        "end."
    )
    settings: Maintenance = Field(description="The keys of config.yaml, all of them.")


class MaintenanceAnswer(BaseModel):
    """Maintenance by name."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"maintenance": [_EXAMPLE], "total": 1}}
    )

    maintenance: list[MaintenanceModel]
    total: int = Field(description="How many there are, listed or not.")


blueprint = APIBlueprint(
    "maintenance",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="maintenance", description="When destinations are left alone.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)


@blueprint.get("/maintenance", responses={200: MaintenanceAnswer, **entries.LISTING})
@needs(Scope.READ)
def listed(query: MaintenanceQuery) -> Response:
    """Return all maintenance, by name."""
    return entries.listed(MAINTENANCE, Sought(query.query), query.after, query.limit)


@blueprint.post("/maintenance", responses={201: MaintenanceModel, **entries.MAKING})
@needs(Scope.ADMIN)
def make(body: MaintenanceBody) -> Response:
    """Make a maintenance; the body has the keys of config.yaml."""
    return entries.made(MAINTENANCE, body.document)


@blueprint.get(
    "/maintenance/<name>", responses={200: MaintenanceModel, **entries.READING}
)
@needs(Scope.READ)
def show(path: NamePath) -> Response:
    """Return a maintenance, with its ETag."""
    return entries.shown(MAINTENANCE, path.name)


@blueprint.put(
    "/maintenance/<name>", responses={200: MaintenanceModel, **entries.REPLACING}
)
@needs(Scope.ADMIN)
def replace(path: NamePath, header: IfMatch, body: MaintenanceBody) -> Response:
    """Give a maintenance other settings; keys that are left out have their defaults."""
    return entries.replaced(MAINTENANCE, path.name, body.document, header)


@blueprint.patch(
    "/maintenance/<name>", responses={200: MaintenanceModel, **entries.REPLACING}
)
@needs(Scope.ADMIN)
def patch(path: NamePath, header: IfMatch, body: PatchBody) -> Response:
    """Change some settings of a maintenance (RFC 7396)."""
    return entries.patched(MAINTENANCE, path.name, body.document, header)


@blueprint.delete(
    "/maintenance/<name>", responses={200: MaintenanceModel, **entries.CHANGING}
)
@needs(Scope.ADMIN)
def remove(path: NamePath, header: IfMatch) -> Response:
    """Remove a maintenance, and return what it was."""
    return entries.removed(MAINTENANCE, path.name, header)


@blueprint.post(
    "/maintenance/validate", responses={200: ValidationAnswer, **entries.JUDGING}
)
@needs(Scope.ADMIN)
def validate(body: MaintenanceBody) -> Response:
    """Say what is wrong with a maintenance; store nothing."""
    return entries.judged(MAINTENANCE, body.document)
