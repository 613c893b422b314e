from __future__ import annotations

from typing import Any

import pytest

from bridge.api.bodies import (
    DestinationBody,
    Document,
    JobBody,
    MaintenanceBody,
    ModuleBody,
    PatchBody,
)
from bridge.probing.entries import DESTINATION, JOB, MAINTENANCE, MODULE, Kind, stored

BODIES = [
    (DestinationBody, DESTINATION),
    (JobBody, JOB),
    (ModuleBody, MODULE),
    (MaintenanceBody, MAINTENANCE),
]


@pytest.mark.parametrize(("body", "kind"), BODIES)
def test_examples_are_what_is_described(body: type[Document], kind: Kind) -> None:
    assert stored(kind, body.example)
    assert body.model_json_schema()["example"] == body.example


def test_durations_are_described_as_texts() -> None:
    schema = JobBody.model_json_schema()
    interval = schema["properties"]["interval"]
    assert (interval["type"], interval["default"]) == ("string", "1m")
    assert schema["required"] == ["name"]
    assert schema["title"] == "JobBody"


def test_documents_are_taken_as_they_are() -> None:
    document: dict[str, Any] = {"example": 1, "described": None, "x": [2], "copy": 3}
    assert PatchBody.model_validate(document).document == document
