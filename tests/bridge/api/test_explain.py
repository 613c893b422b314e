from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from bridge.api.explain import ExplainAnswer
from bridge.app import create_app
from bridge.rereading import Rereaders
from bridge.telemetry import Telemetry
from runtime.settings import Settings
from tests.bridge.application import Application
from tests.bridge.trusted import BEGIN, lived

if TYPE_CHECKING:
    from models.database import Database

PATH = "/api/v1/explain"


def over(db: Database, **bridge: Any) -> Application:
    """Build the application as an API worker does, over what a bridge has filled."""
    past = lived(db)
    target = {"url": "http://127.0.0.1:1/metrics"}
    source = {"name": "local", "kind": "scrape", "targets": [target]}
    settings = Settings.model_validate({"sources": [source], "bridge": bridge})
    registry = CollectorRegistry()
    telemetry = Telemetry.create(registry)
    asks = Rereaders(settings, db, telemetry, past.clock).of
    app = create_app(settings, db, telemetry, past.clock, registry, asks=asks)
    return Application(app, db, past.clock, registry)


@pytest.fixture
def bridge(db: Database) -> Application:
    return over(db)


def test_a_number_is_explained(bridge: Application) -> None:
    answer = bridge.answer(PATH, match="a_total", start=BEGIN + 90, raw="true")
    ExplainAnswer.model_validate(answer)
    assert answer["start"] == BEGIN + 60
    assert answer["row"]["increase"] == 4
    assert answer["ledger"]["state"] == "done"
    assert answer["raw"]["agrees"] is True
    assert answer["raw"]["before"] == {"time": (BEGIN + 45) * 1000, "value": 3.0}
    assert [one["step"] for one in answer["raw"]["samples"]] == [1.0] * 4


def test_raw_samples_are_only_asked_for_on_request(bridge: Application) -> None:
    answer = bridge.answer(PATH, match="a_total", start=BEGIN + 90)
    assert answer["raw"] is None
    assert answer["raw_reason"] == ""


def test_an_hour_has_its_minutes(bridge: Application) -> None:
    answer = bridge.answer(PATH, match="a_total", start=BEGIN, resolution="hour")
    ExplainAnswer.model_validate(answer)
    assert len(answer["finer"]) == 60


def test_raw_samples_need_an_admin(db: Database) -> None:
    locked = over(db, auth="keys")
    key = locked.key("read")
    asked = {"match": "a_total", "start": BEGIN + 90}
    assert locked.get(PATH, key, **asked).status_code == 200
    assert locked.get(PATH, key, **asked, raw="true").status_code == 403


def test_several_series_are_refused(bridge: Application) -> None:
    status, detail, wrong = bridge.problem(PATH, match='{job="x"}', start=BEGIN)
    assert (status, wrong) == (400, ["match"])
    assert "one number is explained at a time" in detail
