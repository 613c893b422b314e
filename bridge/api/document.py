"""`/openapi/openapi.json`: what the API offers, in OpenAPI 3.1."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, Response, current_app
from flask_openapi3.models.info import Info
from flask_openapi3.models.security_scheme import SecurityScheme
from flask_openapi3.openapi import OpenAPI

from bridge.api.responses import json_response
from bridge.auth import Scope, declared, open_to_all
from bridge.version import version

INFO: Final = Info(
    title="Epimetheus",
    version=version(),
    summary="The long memory of Prometheus.",
    description="Exact minute, hour and day rollups, error events, and how much of "
    "them is done. Times in answers are UTC seconds; windows are half-open and named "
    "by their start.",
)
SECURITY: Final = {
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        description="An API key, if bridge.auth is `keys`.",
    ),
    "header": SecurityScheme(
        type="apiKey",
        name="X-API-Key",
        security_scheme_in="header",
        description="The same key in a header of its own.",
    ),
}

_VARIABLE: Final = re.compile(r"<(?:\w+:)?(\w+)>")

blueprint = Blueprint("document", __name__, url_prefix="/openapi")


@blueprint.get("/openapi.json")
@open_to_all
def document() -> Response:
    """Return the OpenAPI document."""
    app = current_app
    assert isinstance(app, OpenAPI)  # noqa: S101 - the application is built as one
    return json_response(_with_scopes(app))


def _with_scopes(app: OpenAPI) -> dict[str, Any]:
    """Return the document in which each operation names the scope that it needs."""
    described: dict[str, Any] = app.api_doc
    for rule in app.url_map.iter_rules():
        operations = described["paths"].get(_VARIABLE.sub(r"{\1}", rule.rule), {})
        scope = declared(app.view_functions[rule.endpoint])
        for method in rule.methods or ():
            operation = operations.get(method.lower())
            if operation is not None and isinstance(scope, Scope):
                operation["security"] = [{scheme: [scope.value]} for scheme in SECURITY]
                forbidden = f"The key lacks the scope `{scope.value}`."
                operation["responses"]["403"]["description"] = forbidden
    return described
