from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from bridge.api.batches import ReceiptAnswer
from bridge.probing import intake
from models.database import open_database
from runtime.probing.wire import Batch
from tests.bridge.application import Application, application, body_of
from tests.bridge.probing.runs import result, run, stage

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from models.database import Database

PATH = "/api/v1/results"
BATCH = Batch(agent="edge", runs=(run(result("a")), run(job="gone")))


def post(bridge: Application, body: bytes, **headers: str) -> TestResponse:
    client = bridge.app.test_client()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        PATH, data=body, content_type="application/json", headers=sent, buffered=True
    )


def encoded(batch: Batch = BATCH) -> bytes:
    return msgspec.json.encode(batch)


def test_what_was_found_is_kept_and_receipted(bridge: Application) -> None:
    stage(bridge.db, "a")
    response = post(bridge, gzip.compress(encoded()), Content_Encoding="gzip")
    assert response.status_code == 200, response.text
    receipt = body_of(response)
    ReceiptAnswer.model_validate(receipt)
    assert (receipt["accepted"], receipt["duplicates"]) == (1, 0)
    assert receipt["refused"][0]["place"] == 1
    again = body_of(post(bridge, encoded()))
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    text = bridge.get("/metrics").text
    assert 'epimetheus_probe_batches_total{outcome="taken"} 2.0' in text
    for outcome, count in (("kept", 1), ("duplicate", 1), ("refused", 2)):
        assert f'epimetheus_probe_runs_total{{outcome="{outcome}"}} {count}.0' in text
    assert "epimetheus_probe_results_total 2.0" in text


def test_a_body_may_be_larger_than_elsewhere(bridge: Application) -> None:
    stage(bridge.db, "a")
    marks = run(*(result("a", message="x" * 1000) for _ in range(1500)))
    body = encoded(Batch(agent="edge", runs=(marks,)))
    assert len(body) > 1 << 20
    assert body_of(post(bridge, body))["accepted"] == 1


def test_a_bomb_and_a_giant_are_too_large(
    bridge: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "LARGEST", 10_000)
    assert post(bridge, b" " * 10_001).status_code == 413
    bomb = gzip.compress(b" " * (intake.LARGEST_UNPACKED + 1))
    monkeypatch.setattr(intake, "LARGEST", 1_000_000)
    response = post(bridge, bomb, Content_Encoding="gzip")
    assert response.status_code == 413
    assert "send fewer runs" in body_of(response)["detail"]
    text = bridge.get("/metrics").text
    assert 'epimetheus_probe_batches_total{outcome="too_large"} 2.0' in text


@pytest.mark.parametrize(
    ("body", "headers", "status", "parameter"),
    [
        (b"{}", {}, 400, ""),
        (b'{"agent": "a", "runs": [{"job": 5}]}', {}, 400, "runs[0].job"),
        (b"{}", {"Content_Encoding": "gzip"}, 400, ""),
        (b"{}", {"Content_Encoding": "br"}, 415, None),
    ],
)
def test_what_is_no_batch_is_refused(
    bridge: Application,
    body: bytes,
    headers: dict[str, str],
    status: int,
    parameter: str | None,
) -> None:
    response = post(bridge, body, **headers)
    assert response.status_code == status
    errors: list[dict[str, Any]] = body_of(response)["errors"]
    assert [one["parameter"] for one in errors] == (
        [] if parameter is None else [parameter]
    )


def test_while_the_database_is_locked_it_is_to_be_sent_again(db: Database) -> None:
    stage(db, "a")
    other = open_database(f"sqlite:///{db.database}", busy_timeout=0.01)
    bridge = application(other)
    try:
        with db.atomic():
            response = post(bridge, encoded())
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "5"
        assert body_of(post(bridge, encoded()))["accepted"] == 1
    finally:
        other.close()


def test_results_take_the_scope_probe(locked: Application) -> None:
    stage(locked.db, "a")
    for scope, status in (("read", 403), ("ingest", 403), ("probe", 200)):
        key = locked.key(scope, name=scope)
        response = post(locked, encoded(), Authorization=f"Bearer {key}")
        assert response.status_code == status
