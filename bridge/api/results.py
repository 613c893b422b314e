"""`/api/v1/results`: what was found, one by one, in figures, and as a file."""

from __future__ import annotations

from dataclasses import asdict
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.answers.probes import distribution as distributions
from bridge.answers.probes import exports, workbook
from bridge.answers.probes.documents import result_document
from bridge.api import entries
from bridge.api.histories import (
    RESULT,
    OfResultsQuery,
    ResultModel,
    picked_by,
    read_cursor,
    write_cursor,
)
from bridge.api.parts import parts
from bridge.api.problems import problem_responses
from bridge.api.responses import json_response
from bridge.auth import Scope, needs
from models.queries import results as table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from bridge.answers.times import Span
    from models.queries.results import Cursor, Picked

Format = Literal["csv", "xlsx", "json"]

_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_IN_MEMORY: Final = 4 * 2**20
_CHUNK: Final = 2**16
_SPANS: Final = 200
_DISTRIBUTION: Final[dict[str, Any]] = {
    "start": 1795262400,
    "width": 60,
    "bounds": [0.0004, 0.0005],
    "counts": [[2, 1], [0, 0]],
    "median": [0.0004, None],
    "results": [3, 1],
    "failed": [0, 1],
    "sent": [3, 1],
    "received": [3, 0],
}


class ResultsQuery(OfResultsQuery):
    """Which results."""

    before: str | None = Field(None, description="`next` of the page before.")
    limit: int = entries.limit_field()


class ResultsAnswer(BaseModel):
    """Results, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"results": [RESULT], "next": "1795262400000.17.0"}
        }
    )

    results: list[ResultModel]
    next: str | None = Field(
        description="Where the next page begins, for `before`; null at the end."
    )


class DistributionQuery(OfResultsQuery):
    """Of which results, how finely."""

    width: int | None = Field(
        None, ge=1, le=366 * 86400, description="Seconds; 200 spans without it."
    )
    per_doubling: int = Field(
        8, ge=1, le=32, description="Bounds for each doubling of the time."
    )


class DistributionAnswer(BaseModel):
    """Counts of round-trip times by span of time and span of duration."""

    model_config = ConfigDict(json_schema_extra={"example": _DISTRIBUTION})

    start: int = Field(description="Start of the first span, UTC seconds.")
    width: int = Field(description="Seconds of a span.")
    bounds: list[float] = Field(description="Upper bounds of durations, seconds.")
    counts: list[list[int]] = Field(
        description="For each span, times above the bound before and up to each bound."
    )
    median: list[float | None] = Field(description="Of each span, seconds.")
    results: list[int]
    failed: list[int] = Field(description="Results that are failures.")
    sent: list[int]
    received: list[int]


class ExportQuery(OfResultsQuery):
    """Which results, as what."""

    format: Format = Field("csv", description="What kind of file.")


blueprint = APIBlueprint(
    "results",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="results", description="What was found.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)

FILE: Final[dict[str | int, Any]] = {
    200: {
        "description": "All results, oldest first, however many there are.",
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for kind in (_TYPES["csv"], _TYPES["xlsx"])
        }
        | {"application/json": {"schema": {"type": "object"}}},
    },
    **problem_responses(),
}


@blueprint.get("/results", responses={200: ResultsAnswer, **problem_responses()})
@needs(Scope.READ)
def results(query: ResultsQuery) -> Response:
    """Return results, newest first.

    Without `start` those of the last 24 hours. A name means who has it, or who had it
    last.
    """
    of, _ = picked_by(query, query.job)
    before = cast("Cursor | None", read_cursor(query.before, 3))
    found = table.search(parts().db, of, before=before, limit=query.limit)
    more = found[-1].cursor if len(found) == query.limit else None
    told = [result_document(row) for row in found]
    return json_response({"results": told, "next": write_cursor(more)})


@blueprint.get(
    "/results/distribution",
    responses={200: DistributionAnswer, **problem_responses()},
)
@needs(Scope.READ)
def distribution(query: DistributionQuery) -> Response:
    """Return how round-trip times are distributed over time, and what was lost."""
    of, span = picked_by(query, query.job)
    width = query.width or max(1, -(-int(span.end - span.start) // _SPANS))
    found = distributions.distribution(parts().db, of, span, width, query.per_doubling)
    return json_response(asdict(found))


@blueprint.get("/results/export", responses=FILE)
@needs(Scope.READ)
def export(query: ExportQuery) -> Response:
    """Return all results as a file, oldest first; a workbook has figures and charts."""
    of, span = picked_by(query, query.job)
    return exported(of, span, query.format, "results")


def exported(of: Picked, span: Span, kind: Format, name: str) -> Response:
    """Return results as a file, written while they are read."""
    response = Response(_content(of, span, kind), content_type=_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def _content(of: Picked, span: Span, kind: Format) -> Iterator[bytes]:
    db = parts().db
    if kind == "csv":
        return (text.encode() for text in exports.to_csv(db, of))
    if kind == "json":
        return exports.to_json(db, of)
    return _workbook(of, span)


def _workbook(of: Picked, span: Span) -> Iterator[bytes]:
    # A workbook is only whole when it is finished.
    spooled = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by who reads it
    file = cast("BinaryIO", spooled)
    workbook.write(parts().db, of, span, file)
    file.seek(0)
    return _chunks(file)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
