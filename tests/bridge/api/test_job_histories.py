from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bridge.api.job_histories import AnalyticsAnswer, ChartAnswer, JobStatusAnswer
from bridge.probing.entries import JOB
from models.queries import catalogue as changes
from tests.bridge.application import NOON, body_of
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from bridge.probing.catalogue import Catalogue
    from tests.bridge.application import Application

PATH = "/api/v1/jobs/ping"


@pytest.fixture(autouse=True)
def catalogue(bridge: Application) -> Catalogue:
    made = stage(bridge.db, "a", "b")
    past(bridge.db)
    return made


def test_what_a_job_is_doing(bridge: Application) -> None:
    answer = bridge.answer(f"{PATH}/status")
    JobStatusAnswer.model_validate(answer)
    assert (answer["state"], answer["next_run"]) == ("running", NOON + 3630)
    assert answer["last_run"]["time"] == NOON + 180
    assert (answer["destinations"], answer["agents"]) == (["a", "b"], ["edge"])


def test_a_job_is_stopped_and_started(bridge: Application) -> None:
    client = bridge.app.test_client()
    stopped = body_of(client.post(f"{PATH}/stop"))
    assert (stopped["state"], stopped["next_run"]) == ("disabled", None)
    assert not bridge.answer(PATH)["settings"]["enabled"]
    revision = bridge.answer(PATH)["revision"]
    client.post(f"{PATH}/stop")
    assert bridge.answer(PATH)["revision"] == revision
    assert body_of(client.post(f"{PATH}/start"))["state"] == "running"
    assert client.post("/api/v1/jobs/nobody/start").status_code == 404


def test_jobs_are_listed_by_what_they_do(
    bridge: Application, catalogue: Catalogue
) -> None:
    late = {"name": "late", "tags": ["x"], "valid_from": "2027-01-01T00:00:00Z"}
    catalogue.create(JOB, late, "test")
    listed = bridge.answer("/api/v1/jobs", state="pending")
    (job,) = listed["jobs"]
    assert (job["name"], listed["total"]) == ("late", 1)
    assert job["next_run"] == 1798761600
    assert bridge.answer("/api/v1/jobs", state="running")["total"] == 1
    assert bridge.answer("/api/v1/jobs", enabled="true")["total"] == 2
    assert bridge.problem("/api/v1/jobs", state="busy")[2] == ["state"]


def test_pages_from_elsewhere_stop_nothing(bridge: Application) -> None:
    client = bridge.app.test_client()
    origin = {"Origin": "https://elsewhere.example.org"}
    assert client.post(f"{PATH}/stop", headers=origin).status_code == 403
    assert bridge.answer(PATH)["settings"]["enabled"]
    own = {"Origin": "http://localhost"}
    assert client.post(f"{PATH}/stop", headers=own).status_code == 200


def test_a_job_of_config_yaml_is_stopped_there(
    bridge: Application, catalogue: Catalogue
) -> None:
    document = catalogue.entry(JOB, "ping").row.document
    changes.replace(bridge.db, "jobs", document, revision=None, origin="config", now=1)
    client = bridge.app.test_client()
    refused = client.post(f"{PATH}/stop")
    assert refused.status_code == 409
    assert client.post(f"{PATH}/start").status_code == 200  # it runs already


def test_its_runs(bridge: Application) -> None:
    assert len(bridge.answer(f"{PATH}/runs")["runs"]) == 4
    assert len(bridge.answer(f"{PATH}/runs", limit=2)["runs"]) == 2
    assert bridge.problem("/api/v1/jobs/nobody/runs")[0] == 404


def test_its_figures(bridge: Application) -> None:
    answer = bridge.answer(f"{PATH}/analytics")
    AnalyticsAnswer.model_validate(answer)
    assert answer["total"]["results"] == 8
    assert answer["total"]["success_rate"] == 0.875
    by = {one["name"]: one["results"] for one in answer["by"]["destination"]}
    assert by == {"a": 4, "b": 4}
    reasons = {one["name"]: one["results"] for one in answer["by"]["reason"]}
    assert reasons == {"": 7, "timeout": 1}
    only = bridge.answer(f"{PATH}/analytics", destination="a")
    assert only["total"]["rtt_max"] == 0.004


@pytest.mark.parametrize(
    ("kind", "query", "labels", "data"),
    [
        ("bar", {"measure": "success"}, ["a", "b"], {"success": [1.0, 0.75]}),
        ("bar", {"measure": "results", "by": "agent"}, ["edge"], {"results": [8]}),
        ("pie", {}, ["success", "timeout"], {"results": [7, 1]}),
        ("pie", {"by": "destination"}, ["a", "b"], {"results": [4, 4]}),
        (
            "line",
            {"width": "120", "start": str(NOON), "end": str(NOON + 240)},
            ["2026-11-21T12:00:00Z", "2026-11-21T12:02:00Z"],
            {"a": [0.0015, 0.0035], "b": [0.0005, 0.0005]},
        ),
    ],
)
def test_its_charts(
    bridge: Application,
    kind: str,
    query: dict[str, str],
    labels: list[str],
    data: dict[str, list[Any]],
) -> None:
    answer = bridge.answer(f"{PATH}/charts/{kind}", **query)
    ChartAnswer.model_validate(answer)
    assert answer["labels"] == labels
    told = {one["label"]: one["data"] for one in answer["datasets"]}
    assert told == {name: pytest.approx(values) for name, values in data.items()}


def test_a_week_of_hours(bridge: Application) -> None:
    answer = bridge.answer(f"{PATH}/charts/heatmap", measure="results")
    assert answer["labels"][12] == "12:00"
    saturday = answer["datasets"][5]
    assert (saturday["label"], saturday["data"][12]) == ("sat", 8)
    assert bridge.problem(f"{PATH}/charts/donut")[0] == 400


def test_its_results_as_a_file(bridge: Application) -> None:
    response = bridge.get(f"{PATH}/export", format="csv")
    assert len(response.text.splitlines()) == 9
    name = response.headers["Content-Disposition"]
    assert name == 'attachment; filename="ping.csv"'
    assert bridge.problem("/api/v1/jobs/nobody/export")[0] == 404
