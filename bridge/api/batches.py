"""`POST /api/v1/results`: what agents found is kept once."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from bridge.api import entries
from bridge.api.parts import parts
from bridge.api.problems import problem, problem_response, problem_responses
from bridge.auth import Scope, needs
from bridge.probing import intake
from bridge.probing.intake import BatchTooLarge, WrongBatch

_BATCH: Final[dict[str, Any]] = {
    "agent": "edge-1",
    "version": "0.1.0",
    "runs": [
        {
            "job": "gateways",
            "scheduled_ms": 1795262400000,
            "began_ms": 1795262400003,
            "ended_ms": 1795262400015,
            "state": "completed",
            "destinations": 1,
            "succeeded": 1,
            "results": [
                {
                    "destination": "gateway",
                    "probe": "icmp",
                    "kind": "icmp",
                    "began_ms": 1795262400003,
                    "seconds": 0.012,
                    "sent": 1,
                    "received": 1,
                    "rtts": [0.0004],
                }
            ],
        }
    ],
}
_BODY: Final[dict[str, Any]] = {
    "description": "Runs with their results; may be compressed by gzip. Times are UTC "
    "milliseconds, durations seconds.",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["agent"],
                "properties": {
                    "agent": {"type": "string"},
                    "version": {"type": "string"},
                    "plan": {"type": "string"},
                    "runs": {"type": "array", "items": {"type": "object"}},
                    "tests": {"type": "array", "items": {"type": "object"}},
                    "dropped": {"type": "integer"},
                },
            },
            "example": _BATCH,
        }
    },
}


class RefusalModel(BaseModel):
    """A run that cannot be kept and must not be sent again."""

    place: int = Field(description="Its place in the batch, from 0.")
    reason: str


class ReceiptAnswer(BaseModel):
    """What became of a batch: all of it is either kept or refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accepted": 1,
                "duplicates": 0,
                "refused": [
                    {"place": 1, "reason": "there is no job 'ping', and was none"}
                ],
            }
        }
    )

    accepted: int = Field(description="Runs that are kept now.")
    duplicates: int = Field(description="Runs that were kept already.")
    refused: list[RefusalModel]


blueprint = APIBlueprint(
    "batches",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="results", description="What was found.")],
    abp_security=[{"bearer": []}, {"header": []}],
)
blueprint.before_request(entries.refuse_workspaces)

_TAKEN: Final[dict[str | int, Any]] = {
    200: ReceiptAnswer,
    **problem_responses(),
    413: problem_response("The batch is too large; send fewer runs at once."),
    415: problem_response("The body is neither JSON nor JSON compressed by gzip."),
}


@blueprint.post("/results", responses=_TAKEN, openapi_extensions={"requestBody": _BODY})
@needs(Scope.PROBE)
def take() -> Response:
    """Take what an agent found: each run once, however often it is sent.

    A run is known by its agent, job and scheduled time. What cannot be kept is refused,
    run by run, with the reason; what is neither kept nor refused is to be sent again.
    """
    try:
        response = _take()
    except WrongBatch as error:
        outcome, response = "wrong", problem(400, str(error), {error.place: str(error)})
    except BatchTooLarge as error:
        outcome, response = "too_large", problem(413, str(error))
    else:
        outcome = "taken" if response.status_code == 200 else "wrong"  # noqa: PLR2004 - OK
    parts().telemetry.probe_batches.labels(outcome).inc()
    return response


def _take() -> Response:
    here = parts()
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if not request.is_json or encoding not in {"identity", "gzip"}:
        return problem(415, "Send JSON as application/json, as it is or as gzip.")
    if (request.content_length or 0) > intake.LARGEST:
        raise BatchTooLarge(f"it is more than {intake.LARGEST} bytes; send fewer runs")
    request.max_content_length = intake.LARGEST
    body = request.get_data(cache=False)
    content = intake.unpack(body) if encoding == "gzip" else body
    batch = intake.parse(content)
    taken = intake.take(here.db, batch, round(here.clock.now() * 1000))
    runs = here.telemetry.probe_runs
    runs.labels("kept").inc(taken.receipt.accepted)
    runs.labels("duplicate").inc(taken.receipt.duplicates)
    runs.labels("refused").inc(len(taken.receipt.refused))
    here.telemetry.probe_results.inc(taken.results)
    return Response(msgspec.json.encode(taken.receipt), content_type="application/json")
