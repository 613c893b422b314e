"""`/api/v1/modules`: named probes."""

from __future__ import annotations

from typing import Any, Final

from flask import Response  # noqa: TC002 - flask-openapi3 reads annotations
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import entries
from bridge.api.bodies import ModuleBody, PatchBody
from bridge.api.entries import EntryModel, IfMatch, NamePath, ValidationAnswer
from bridge.api.params import Query
from bridge.auth import Scope, needs
from bridge.probing.entries import MODULE, stored, written
from models.queries.entries import Sought
from runtime.probing.probes import Probe  # noqa: TC001 - pydantic reads annotations

_EXAMPLE: Final[dict[str, Any]] = {
    "name": "ping-20",
    "origin": "api",
    "revision": 1,
    "created_at": 1795262400.0,
    "updated_at": 1795262400.0,
    "settings": written(stored(MODULE, ModuleBody.example)),
}


class ModulesQuery(Query):
    """Which ones."""

    query: str = entries.query_field()
    after: str = entries.after_field()
    limit: int = entries.limit_field()


class ModuleModel(EntryModel):
    """A module."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    settings: Probe = Field(description="The keys of config.yaml, all of them.")


class ModulesAnswer(BaseModel):
    """Modules by name; those that are built in are not among them."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"modules": [_EXAMPLE], "total": 1}}
    )

    modules: list[ModuleModel]
    total: int = Field(description="How many there are, listed or not.")


blueprint = APIBlueprint(
    "modules",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="modules", description="Named probes.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)


@blueprint.get("/modules", responses={200: ModulesAnswer, **entries.LISTING})
@needs(Scope.READ)
def modules(query: ModulesQuery) -> Response:
    """Return the modules, by name."""
    return entries.listed(MODULE, Sought(query.query), query.after, query.limit)


@blueprint.post("/modules", responses={201: ModuleModel, **entries.MAKING})
@needs(Scope.ADMIN)
def make(body: ModuleBody) -> Response:
    """Make a module; the body has the keys of config.yaml."""
    return entries.made(MODULE, body.document)


@blueprint.get("/modules/<name>", responses={200: ModuleModel, **entries.READING})
@needs(Scope.READ)
def module(path: NamePath) -> Response:
    """Return a module, with its ETag."""
    return entries.shown(MODULE, path.name)


@blueprint.put("/modules/<name>", responses={200: ModuleModel, **entries.REPLACING})
@needs(Scope.ADMIN)
def replace(path: NamePath, header: IfMatch, body: ModuleBody) -> Response:
    """Give a module other settings; keys that are left out have their defaults."""
    return entries.replaced(MODULE, path.name, body.document, header)


@blueprint.patch("/modules/<name>", responses={200: ModuleModel, **entries.REPLACING})
@needs(Scope.ADMIN)
def patch(path: NamePath, header: IfMatch, body: PatchBody) -> Response:
    """Change some settings of a module (RFC 7396)."""
    return entries.patched(MODULE, path.name, body.document, header)


@blueprint.delete("/modules/<name>", responses={200: ModuleModel, **entries.CHANGING})
@needs(Scope.ADMIN)
def remove(path: NamePath, header: IfMatch) -> Response:
    """Remove a module that no job uses, and return what it was."""
    return entries.removed(MODULE, path.name, header)


@blueprint.post(
    "/modules/validate", responses={200: ValidationAnswer, **entries.JUDGING}
)
@needs(Scope.ADMIN)
def validate(body: ModuleBody) -> Response:
    """Say what is wrong with a module, and with its jobs then; store nothing."""
    return entries.judged(MODULE, body.document)
