"""What destinations, jobs, modules and maintenance have in common at the API.

Changes need `If-Match` with the ETag that came with the entry, so that nobody undoes
what somebody else did meanwhile: without one it is 428, with an old one 412 and the
problem holds what the entry is now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson
from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.http import parse_etags

from bridge.api.parts import caller, parts
from bridge.api.problems import problem, problem_response, problem_responses
from bridge.api.responses import json_response
from bridge.auth import ForbiddenError
from bridge.probing.catalogue import Catalogue, Entry
from bridge.probing.documents import entry_document
from bridge.probing.entries import WrongEntry
from bridge.probing.refusals import (
    ChangedMeanwhile,
    InUse,
    NameTaken,
    NoSuchEntry,
    OwnedByConfig,
)
from runtime.texts import Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.probing.entries import Kind
    from models.queries.entries import Sought

_LONGEST_LIST: Final = 10_000
_LONGEST_TEXT: Final = 200


class NamePath(BaseModel):
    """Which one."""

    name: Name = Field(description="Its name.", json_schema_extra={"example": "lan"})


class IfMatch(BaseModel):
    """What the change is based on."""

    model_config = ConfigDict(extra="ignore")

    if_match: str | None = Field(
        None, alias="If-Match", description="The ETag that the entry came with, or `*`."
    )


class EntryModel(BaseModel):
    """What is known of an entry beside its settings."""

    name: str
    origin: str = Field(
        description="config for what config.yaml has, and is changed only there; else "
        "api.",
        json_schema_extra={"enum": ["config", "api"]},
    )
    revision: int = Field(description="Rises with every change.")
    created_at: float = Field(description="UTC seconds.")
    updated_at: float = Field(description="When it was changed last, UTC seconds.")


class WrongKey(BaseModel):
    """One thing that is wrong with a document."""

    field: str = Field(description="Where, as in `windows[0].start`; empty for all.")
    detail: str = Field(description="What is wrong, and what to write.")


class ValidationAnswer(BaseModel):
    """Whether a document could be stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "valid": False,
                "errors": [{"field": "host", "detail": "is missing"}],
            }
        }
    )

    valid: bool
    errors: list[WrongKey]


LISTING: Final[dict[str | int, Any]] = problem_responses()
READING: Final[dict[str | int, Any]] = {
    **problem_responses(),
    404: problem_response("There is none of that name."),
}
MAKING: Final[dict[str | int, Any]] = {
    **problem_responses(),
    409: problem_response("The name is taken."),
    415: problem_response("The body is not of the type application/json."),
}
JUDGING: Final[dict[str | int, Any]] = {**problem_responses(), 415: MAKING[415]}
CHANGING: Final[dict[str | int, Any]] = {
    **READING,
    409: problem_response("It belongs to config.yaml, or others use it."),
    412: problem_response("It was changed meanwhile; the problem has `current`."),
    428: problem_response("The header `If-Match` is missing."),
}
REPLACING: Final[dict[str | int, Any]] = {**CHANGING, 415: MAKING[415]}


def catalogue() -> Catalogue:
    """Return what is probed here."""
    here = parts()
    return Catalogue(here.db, here.clock)


def refuse_workspaces() -> None:
    """Raise ForbiddenError for a key of a workspace: probing belongs to none."""
    if caller().workspace is not None:
        raise ForbiddenError(
            f"the key {caller().name!r} sees the workspace {caller().workspace!r} "
            "only, and what is probed belongs to none; use a key without a workspace"
        )


def sent_json() -> Response | None:
    """Return the problem of a body of another type, which a page could send unasked."""
    if request.is_json:
        return None
    return problem(415, "Send the document as application/json.")


def sent_from_elsewhere() -> Response | None:
    """Return the problem of a request that a page of another site sent.

    Browsers say where such a request comes from; one without a body needs no more.
    """
    origin = request.headers.get("Origin")
    if origin is None or urlsplit(origin).netloc == request.host:
        return None
    return problem(403, f"Pages of {origin} may not ask for this.")


def told_now(entry: Entry) -> dict[str, Any]:
    """Return an entry as it is now."""
    return entry_document(entry, parts().clock.now())


def entry_response(entry: Entry, status: int = 200) -> Response:
    """Return an entry with its ETag."""
    response = json_response(told_now(entry))
    response.status_code = status
    response.headers["ETag"] = f'"{entry.tag}"'
    if status == 201:  # noqa: PLR2004 - Created
        response.headers["Location"] = f"{request.path}/{entry.name}"
    return response


def listed(kind: Kind, sought: Sought, after: str, limit: int) -> Response:
    """Return entries by name; `after` is the name after which to go on."""
    here = catalogue()
    found = here.listed(kind, sought, after, limit)
    told = [told_now(one) for one in found]
    return json_response({kind.key: told, "total": here.count(kind, sought)})


def shown(kind: Kind, name: str) -> Response:
    """Return an entry with its ETag."""
    return entry_response(catalogue().entry(kind, name))


def made(kind: Kind, document: dict[str, Any]) -> Response:
    """Make an entry of a body."""
    if wrong := sent_json():
        return wrong
    return entry_response(catalogue().create(kind, document, caller().name), 201)


def replaced(
    kind: Kind, name: str, document: dict[str, Any], header: IfMatch
) -> Response:
    """Give an entry the settings of a body, which may leave out the name."""
    if wrong := sent_json() or _unconditional(header):
        return wrong
    changed = catalogue().replace(
        kind, name, {"name": name, **document}, caller().name, _condition(header)
    )
    return entry_response(changed)


def patched(kind: Kind, name: str, patch: dict[str, Any], header: IfMatch) -> Response:
    """Change some settings of an entry."""
    if wrong := sent_json() or _unconditional(header):
        return wrong
    changed = catalogue().patch(kind, name, patch, caller().name, _condition(header))
    return entry_response(changed)


def removed(kind: Kind, name: str, header: IfMatch) -> Response:
    """Remove an entry, and return what it was."""
    if wrong := _unconditional(header):
        return wrong
    was = catalogue().remove(kind, name, caller().name, _condition(header))
    return json_response(told_now(was))


def judged(kind: Kind, document: dict[str, Any]) -> Response:
    """Say what is wrong with a body; nothing is stored."""
    if wrong := sent_json():
        return wrong
    errors: list[dict[str, str]] = []
    try:
        catalogue().read(kind, document)
    except WrongEntry as error:
        errors = [{"field": key, "detail": text} for key, text in error.problems]
    return json_response({"valid": not errors, "errors": errors})


def query_field() -> Any:
    """Return the parameter `query` of lists."""
    return Field(
        "",
        max_length=_LONGEST_TEXT,
        description="Only what has this text in its name, host or description, in "
        "upper or lower case.",
    )


def after_field() -> Any:
    """Return the parameter `after` of lists."""
    return Field(
        "",
        max_length=_LONGEST_TEXT,
        description="Only names behind this one, for the next page.",
    )


def tags_field() -> Any:
    """Return the parameter `tags` of lists."""
    return Field(
        "",
        max_length=_LONGEST_TEXT,
        description="Only what has all of these tags, separated by commas.",
        json_schema_extra={"example": "lan,core"},
    )


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list that is separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def limit_field(default: int = 1000) -> Any:
    """Return the parameter `limit` of lists."""
    return Field(default, ge=1, le=_LONGEST_LIST, description="How many at most.")


def install(app: Flask) -> None:
    """Let the application answer refusals as problems."""
    app.register_error_handler(WrongEntry, _wrong)
    app.register_error_handler(NoSuchEntry, lambda error: problem(404, str(error)))
    app.register_error_handler(NameTaken, lambda error: problem(409, str(error)))
    app.register_error_handler(OwnedByConfig, lambda error: problem(409, str(error)))
    app.register_error_handler(InUse, _in_use)
    app.register_error_handler(ChangedMeanwhile, _changed)


def _condition(header: IfMatch) -> Callable[[str], bool]:
    """Return what says whether the request is about the state with a tag."""
    return parse_etags(header.if_match).contains


def _unconditional(header: IfMatch) -> Response | None:
    if header.if_match:
        return None
    return problem(
        428, "Send the ETag that the entry came with as If-Match, or `If-Match: *`."
    )


def _wrong(error: WrongEntry) -> Response:
    return problem(400, str(error), dict(error.problems))


def _in_use(error: InUse) -> Response:
    response = problem(409, str(error))
    return _with(response, used_by=list(error.users))


def _changed(error: ChangedMeanwhile) -> Response:
    response = problem(412, str(error), headers={"ETag": f'"{error.current.tag}"'})
    return _with(response, current=told_now(error.current))


def _with(response: Response, **members: Any) -> Response:
    """Return a problem with members of its own (RFC 9457, section 3.2)."""
    response.set_data(orjson.dumps({**orjson.loads(response.data), **members}))
    return response
