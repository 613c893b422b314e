"""Errors as problem+json (RFC 9457): what is wrong and what to do, never a trace."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from flask import Flask, Response, request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from bridge.answers.errors import QuestionError, TooMuchError
from bridge.auth import ForbiddenError, UnauthenticatedError
from models.database import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_ADVICE: Final = {
    404: "There is nothing at this address; /openapi/openapi.json lists what there is.",
    405: "This address does not answer {method}.",
    413: "The request is larger than this address accepts.",
    414: "The address is too long.",
    415: "This address does not accept {content_type}.",
}
_SENTENCES: Final = {
    "missing": "is missing",
    "too_short": "is missing",
    "model_type": "the body is no JSON object; send one as application/json",
}


class Wrong(BaseModel):
    """One thing that is wrong with a request."""

    parameter: str = Field(description="The part of the request that is wrong.")
    detail: str = Field(description="What is wrong with it, and what to write.")


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    type: str = Field("about:blank", description="A URI for the type of problem.")
    title: str = Field(description="The meaning of the status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what to do about it.")
    instance: str = Field(description="The path that was asked for.")
    errors: list[Wrong] = Field(
        default_factory=list, description="Each wrong parameter by its name."
    )


def problem_response(description: str) -> dict[str, Any]:
    """Return the OpenAPI response object of a problem."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def problem_responses() -> dict[str | int, Any]:
    """Return the problems that every question can end in."""
    return {
        400: problem_response("A parameter is wrong; `errors` names it."),
        401: problem_response("A valid key is needed."),
        403: problem_response("The key lacks the scope that is needed."),
        503: problem_response("The database cannot be used now."),
    }


def problem(
    status: int,
    detail: str,
    errors: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response that says what is wrong."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "errors": [
            {"parameter": name, "detail": text} for name, text in (errors or {}).items()
        ],
    }
    response = Response(orjson.dumps(body), status, content_type=MEDIA_TYPE)
    response.headers.update(headers or {})
    return response


def validation_problem(error: ValidationError) -> Response:
    """Return the problem for parameters that are not what they should be."""
    wrong: dict[str, str] = {}
    for one in error.errors(include_url=False):
        where = one["loc"][0] if one["loc"] else one.get("ctx", {}).get("name", "")
        own = one["type"] == "value_error"  # said by a rule of ours
        text = str(one["ctx"]["error"]) if own else _sentence(one)
        wrong.setdefault(str(where), text)
    detail = "; ".join(
        f"{name}: {text}" if name else text for name, text in wrong.items()
    )
    return problem(400, detail, wrong)


def _sentence(error: ErrorDetails) -> str:
    """Return what pydantic found wrong with a parameter, in the project's words."""
    if said := _SENTENCES.get(error["type"]):
        return said
    given, limits = error["input"], error.get("ctx", {})
    match error["type"]:
        case "int_parsing" | "int_parsing_size":
            return f"{given!r} is not a whole number"
        case "greater_than_equal":
            return f"must be at least {limits['ge']}, not {given!r}"
        case "less_than_equal":
            return f"must be at most {limits['le']}, not {given!r}"
        case "literal_error":
            return f"{given!r} is not allowed; use {limits['expected']}"
        case _:
            return error["msg"]


def install(app: Flask) -> None:
    """Let the application answer every error as a problem."""
    app.register_error_handler(QuestionError, _question)
    app.register_error_handler(UnauthenticatedError, _unauthenticated)
    app.register_error_handler(ForbiddenError, _forbidden)
    app.register_error_handler(DatabaseUnavailable, _database)
    app.register_error_handler(RecursionError, _nested)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _question(error: QuestionError) -> Response:
    status = 422 if isinstance(error, TooMuchError) else 400
    return problem(status, str(error), {error.parameter: str(error)})


def _unauthenticated(error: UnauthenticatedError) -> Response:
    return problem(401, str(error), headers={"WWW-Authenticate": "Bearer"})


def _forbidden(error: ForbiddenError) -> Response:
    return problem(403, str(error))


def _nested(error: RecursionError) -> Response:
    # Without the trace, which would be as deep.
    log.warning("request nested too deeply", path=request.path, error=str(error))
    return problem(400, "The body is nested more deeply than anything here.")


def _database(error: DatabaseUnavailable) -> Response:
    log.error("database unavailable", path=request.path, reason=error.reason)
    headers = {} if error.permanent else {"Retry-After": "5"}
    return problem(503, str(error), headers=headers)


def _http(error: HTTPException) -> Response:
    if isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    advice = _ADVICE.get(status, error.description or HTTPStatus(status).phrase)
    detail = advice.format(
        method=request.method,
        content_type=request.content_type or "a body without a content type",
    )
    headers = dict(error.get_headers())
    headers.pop("Content-Type", None)
    return problem(status, detail, headers=headers)


def _unexpected(error: Exception) -> Response:
    number = uuid.uuid4().hex[:12]
    log.error("request failed", path=request.path, number=number, exc_info=error)
    return problem(
        500, f"The bridge failed to answer; its log says why under number {number}."
    )
