from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from bridge.api import probe_tests
from bridge.probing.entries import JOB
from bridge.probing.planner import PATIENCE
from models.queries import agents
from runtime.probing import wire
from runtime.probing.wire import Batch
from tests.bridge.application import NOON, body_of
from tests.bridge.probing.runs import result, stage

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.bridge.application import Application

NOW = NOON + 3600
PATH = "/api/v1/destinations/a/test"


def post(
    bridge: Application, path: str, body: Any = None, **query: str
) -> TestResponse:
    client = bridge.app.test_client()
    return client.post(path, json=body, query_string=query, buffered=True)


def come(bridge: Application, *names: str) -> None:
    """Let agents ask for their plans."""
    for name in names:
        bridge.get(f"/api/v1/agents/{name}/plan")


def test_a_destination_is_probed_once(bridge: Application) -> None:
    stage(bridge.db, "a")
    come(bridge, "edge")
    asked = post(bridge, PATH, module="tcp")
    assert asked.status_code == 202, asked.text
    test = body_of(asked)
    probe_tests.TestModel.model_validate(test)
    path = asked.headers["Location"]
    assert path == f"/api/v1/tests/{test['id']}"
    assert (test["state"], test["agent"], test["success"]) == ("waiting", "edge", None)
    (wanted,) = bridge.answer("/api/v1/agents/edge/plan")["tests"]
    assert (wanted["host"], wanted["probe"]["kind"]) == ("a.example.org", "tcp")
    told = wire.TestResult(id=test["id"], result=result("a", began_ms=NOW * 1000))
    batch = Batch(agent="edge", tests=(told,))
    client = bridge.app.test_client()
    client.post(
        "/api/v1/results",
        data=msgspec.json.encode(batch),
        content_type="application/json",
    )
    done = bridge.answer(path)
    assert (done["state"], done["success"]) == ("finished", True)
    assert done["result"]["rtts"] == [0.0005]
    assert bridge.answer("/api/v1/agents/edge/plan")["tests"] == []


def test_any_host_is_probed_once(bridge: Application) -> None:
    come(bridge, "edge")
    body = {"host": "192.0.2.9", "agent": "edge"}
    test = body_of(post(bridge, "/api/v1/tests", body))
    assert (test["host"], test["destination"]) == ("192.0.2.9", "")
    assert test["probe"]["kind"] == "icmp"
    assert post(bridge, "/api/v1/tests", {"host": "a b"}).status_code == 400


def test_nobody_does_it_for_ever(bridge: Application) -> None:
    stage(bridge.db, "a")
    come(bridge, "edge")
    path = post(bridge, PATH).headers["Location"]
    bridge.clock.advance(PATIENCE)
    assert bridge.answer(path)["state"] == "expired"
    come(bridge, "edge")
    post(bridge, PATH)
    assert bridge.answer(path)["state"] == "expired"
    assert bridge.problem("/api/v1/tests/999")[0] == 404


def test_who_probes_it_does_it(bridge: Application) -> None:
    catalogue = stage(bridge.db, "a")
    catalogue.patch(JOB, "ping", {"agents": ["edge"]}, "test")
    come(bridge, "edge")
    bridge.clock.advance(10)
    come(bridge, "other")
    assert body_of(post(bridge, PATH))["agent"] == "edge"
    assert body_of(post(bridge, PATH, agent="other"))["agent"] == "other"


@pytest.mark.parametrize(
    ("known", "query", "words"),
    [
        (0, {}, "there is no agent; start an exporter"),
        (1, {}, "any of edge did not ask for work for 90 s"),
        (1, {"agent": "edge"}, "edge did not ask for work"),
        (1, {"agent": "other"}, "there is no agent 'other'; known are edge"),
    ],
)
def test_it_is_said_if_nobody_is_there(
    bridge: Application, known: int, query: dict[str, str], words: str
) -> None:
    stage(bridge.db, "a")
    if known:
        agents.see(bridge.db, "edge", (NOW - 91) * 1000, "", "", None)
    refused = post(bridge, PATH, **query)
    assert refused.status_code == 409
    assert words in body_of(refused)["detail"]


def test_what_is_not_there_is_not_probed(bridge: Application) -> None:
    stage(bridge.db, "a")
    come(bridge, "edge")
    assert post(bridge, "/api/v1/destinations/x/test").status_code == 404
    unknown = post(bridge, PATH, module="x")
    assert unknown.status_code == 404
    assert "there is no module 'x'" in body_of(unknown)["detail"]
    client = bridge.app.test_client()
    origin = {"Origin": "https://elsewhere.example.org"}
    assert client.post(PATH, headers=origin).status_code == 403
