"""`/api/v1/destinations`: what is probed."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import entries
from bridge.api.bodies import DestinationBody, PatchBody
from bridge.api.entries import EntryModel, IfMatch, NamePath, ValidationAnswer
from bridge.api.params import Query
from bridge.auth import Scope, needs
from bridge.probing.entries import DESTINATION, stored, written
from models.queries.entries import Sought
from runtime.probing.jobs import Destination  # noqa: TC001 - pydantic reads annotations

Status = Literal["unknown", "active", "degraded", "error", "inactive"]

_EXAMPLE: Final[dict[str, Any]] = {
    "name": "gateway",
    "origin": "api",
    "revision": 1,
    "created_at": 1795262400.0,
    "updated_at": 1795262400.0,
    "status": "active",
    "status_since": 1795262400.0,
    "last_seen": 1795266000.0,
    "settings": written(stored(DESTINATION, DestinationBody.example)),
}


class DestinationsQuery(Query):
    """Which ones."""

    status: Status | None = Field(None, description="Only with this status.")
    tags: str = entries.tags_field()
    query: str = entries.query_field()
    after: str = entries.after_field()
    limit: int = entries.limit_field()


class DestinationModel(EntryModel):
    """A destination."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    status: Status = Field(
        description="inactive if it is not probed, unknown before its first results."
    )
    status_since: float | None = Field(description="Since when, UTC seconds.")
    last_seen: float | None = Field(description="When it last answered, UTC seconds.")
    settings: Destination = Field(description="The keys of config.yaml, all of them.")


class DestinationsAnswer(BaseModel):
    """Destinations by name."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"destinations": [_EXAMPLE], "total": 1}}
    )

    destinations: list[DestinationModel]
    total: int = Field(description="How many there are, listed or not.")


blueprint = APIBlueprint(
    "destinations",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="destinations", description="What is probed.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)


@blueprint.get("/destinations", responses={200: DestinationsAnswer, **entries.LISTING})
@needs(Scope.READ)
def destinations(query: DestinationsQuery) -> Response:
    """Return the destinations that are asked for, by name."""
    sought = Sought(query.query, entries.words(query.tags), query.status)
    return entries.listed(DESTINATION, sought, query.after, query.limit)


@blueprint.post("/destinations", responses={201: DestinationModel, **entries.MAKING})
@needs(Scope.ADMIN)
def make(body: DestinationBody) -> Response:
    """Make a destination; the body has the keys of config.yaml."""
    return entries.made(DESTINATION, body.document)


@blueprint.get(
    "/destinations/<name>", responses={200: DestinationModel, **entries.READING}
)
@needs(Scope.READ)
def destination(path: NamePath) -> Response:
    """Return a destination, with its ETag."""
    return entries.shown(DESTINATION, path.name)


@blueprint.put(
    "/destinations/<name>", responses={200: DestinationModel, **entries.REPLACING}
)
@needs(Scope.ADMIN)
def replace(path: NamePath, header: IfMatch, body: DestinationBody) -> Response:
    """Give a destination other settings; keys that are left out have their defaults."""
    return entries.replaced(DESTINATION, path.name, body.document, header)


@blueprint.patch(
    "/destinations/<name>", responses={200: DestinationModel, **entries.REPLACING}
)
@needs(Scope.ADMIN)
def patch(path: NamePath, header: IfMatch, body: PatchBody) -> Response:
    """Change some settings of a destination (RFC 7396)."""
    return entries.patched(DESTINATION, path.name, body.document, header)


@blueprint.delete(
    "/destinations/<name>", responses={200: DestinationModel, **entries.CHANGING}
)
@needs(Scope.ADMIN)
def remove(path: NamePath, header: IfMatch) -> Response:
    """Remove a destination that nobody names, and return what it was."""
    return entries.removed(DESTINATION, path.name, header)


@blueprint.post(
    "/destinations/validate", responses={200: ValidationAnswer, **entries.JUDGING}
)
@needs(Scope.ADMIN)
def validate(body: DestinationBody) -> Response:
    """Say what is wrong with a destination; store nothing."""
    return entries.judged(DESTINATION, body.document)
