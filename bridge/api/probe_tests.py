"""`/api/v1/tests`: something is probed once, at once, and told when it is done."""

from __future__ import annotations

from typing import Any, Final, Literal

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import entries
from bridge.api.entries import (
    NamePath,
    catalogue,
)
from bridge.api.params import Query
from bridge.api.parts import caller, parts
from bridge.api.problems import problem, problem_response, problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from bridge.probing.asking import NoAgent, Wish, ask, wish_of
from bridge.probing.documents import test_document
from models.queries import probe_tests as table
from runtime.probing.jobs import Host
from runtime.texts import Name

_TEST: Final[dict[str, Any]] = {
    "id": 3,
    "state": "finished",
    "success": True,
    "agent": "edge-1",
    "destination": "gateway",
    "host": "192.0.2.1",
    "probe": {"name": "icmp", "kind": "icmp"},
    "created_at": 1795262400.0,
    "finished_at": 1795262402.1,
    "result": {
        "destination": "gateway",
        "probe": "icmp",
        "kind": "icmp",
        "began_ms": 1795262402000,
        "seconds": 0.0004,
        "sent": 1,
        "received": 1,
        "rtts": [0.0004],
    },
}


class HowQuery(Query):
    """How, and by whom."""

    module: Name | None = Field(
        None,
        description="The module that is used; the first of a job that probes it else, "
        "or `icmp`.",
    )
    agent: Name | None = Field(None, description="Who does it; whoever probes it else.")


class TestBody(BaseModel):
    """What to probe."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"host": "192.0.2.1"}}
    )

    host: Host = Field(description="As the host of a destination.")
    module: Name = Field("icmp", description="The module that is used.")
    agent: Name | None = Field(None, description="Who does it; any that is here else.")


class TestModel(BaseModel):
    """A test, and what came of it."""

    model_config = ConfigDict(json_schema_extra={"example": _TEST})

    id: int
    state: Literal["waiting", "finished", "expired"] = Field(
        description="expired if the agent did not do it within a minute."
    )
    success: bool | None = Field(description="Whether it succeeded; null without.")
    agent: str
    destination: str = Field(description="Empty for a host that is none.")
    host: str
    probe: dict[str, Any] = Field(description="The settings of the module.")
    created_at: float
    finished_at: float | None
    result: dict[str, Any] | None = Field(
        description="As agents tell it: defaults are left out, times are milliseconds, "
        "`log` says step by step what happened."
    )


class TestPath(BaseModel):
    """Which test."""

    id: int = Field(ge=1, lt=2**63, description="The number of the test.")


blueprint = APIBlueprint(
    "probe_tests",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="tests", description="Probing once, at once.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)

_ASKED: Final[dict[str | int, Any]] = {
    202: TestModel,
    **problem_responses(),
    404: problem_response("There is no such destination or module."),
    409: problem_response("No agent is there that could do it."),
}
_FOUND: Final[dict[str | int, Any]] = {
    200: TestModel,
    **problem_responses(),
    404: problem_response("There is no such test."),
}


@blueprint.post("/destinations/<name>/test", responses=_ASKED)
@needs(Scope.ADMIN)
def test_destination(path: NamePath, query: HowQuery) -> Response:
    """Have a destination probed once, at once; `/tests/{id}` tells what came of it.

    An agent does it when it asks for its plan, so within seconds.
    """
    if wrong := entries.sent_from_elsewhere():
        return wrong
    return _asked(
        wish_of(parts().db, catalogue(), path.name, query.module, query.agent)
    )


@blueprint.post("/tests", responses={**_ASKED, 415: entries.MAKING[415]})
@needs(Scope.ADMIN)
def test_host(body: TestBody) -> Response:
    """Have any host probed once, at once."""
    if wrong := entries.sent_json():
        return wrong
    return _asked(Wish(body.host, "", body.module, body.agent))


@blueprint.get("/tests/<int:id>", responses=_FOUND)
@needs(Scope.READ)
def test(path: TestPath) -> Response:
    """Return a test, and its result once it is there."""
    here = parts()
    found = table.find(here.db, path.id)
    if found is None:
        return problem(404, f"There is no test {path.id}.")
    return json_response(test_document(found, here.clock.now()))


def _asked(wish: Wish) -> Response:
    here = parts()
    try:
        made = ask(here.db, here.clock, wish, caller().name)
    except NoAgent as error:
        return problem(409, str(error))
    response = json_response(test_document(made, here.clock.now()))
    response.status_code = 202
    root = request.path.partition("/api/v1/")[0]
    response.headers["Location"] = f"{root}/api/v1/tests/{made.id}"
    return response
