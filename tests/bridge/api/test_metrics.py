from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from bridge.api.metrics import FAMILIES
from bridge.version import version
from models.queries.sizes import database_bytes
from tests.bridge.application import NOON, body_of
from tests.bridge.history import HOUR, MINUTE

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from tests.bridge.application import Application
    from tests.bridge.history import History

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def named(samples: Samples, name: str) -> dict[str, float]:
    return {
        ",".join(value for _, value in labels): value
        for (metric, labels), value in samples.items()
        if metric == name
    }


def families(text: str) -> list[Metric]:
    return list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # as published


def test_what_the_ledger_says_is_measured_when_asked(
    bridge: Application, history: History
) -> None:
    history.series("up")
    history.series("up", {"job": "x"})
    history.series("up", source="other")
    history.mark(MINUTE, range(NOON, NOON + 3600, 60))
    history.mark(MINUTE, [NOON + 60], "lost")
    history.mark(HOUR, [NOON - 3600], source="other")
    bridge.clock.advance(20)
    response = bridge.get("/metrics")
    assert response.content_type.startswith("text/plain; version=0.0.4")
    found = read(response.text)
    assert named(found, "epimetheus_series") == {"local": 2, "other": 1}
    assert named(found, "epimetheus_lag_seconds") == {
        "minute,local": 20,
        "hour,other": 3620,
    }
    windows = named(found, "epimetheus_windows")
    assert {labels: count for labels, count in windows.items() if count} == {
        "minute,local,done": 59,
        "minute,local,lost": 1,
        "hour,other,done": 1,
        "hour,other,missing": 1,
    }
    assert windows["day,local,partial"] == 0
    assert named(found, "epimetheus_build_info") == {version(): 1}
    assert named(found, "epimetheus_database_up") == {"": 1}
    assert named(found, "epimetheus_database_bytes") == {"": database_bytes(bridge.db)}


def test_the_bridges_own_instruments_are_there(bridge: Application) -> None:
    bridge.get("/-/healthy")
    found = read(bridge.get("/metrics").text)
    route = "epimetheus_http_requests_total"
    assert named(found, route) == {"GET,/-/healthy,200": 1}


def test_openmetrics_is_answered_to_those_who_want_it(bridge: Application) -> None:
    response = bridge.app.test_client().get("/metrics", headers=OPENMETRICS)
    assert response.content_type.startswith("application/openmetrics-text")
    names = {family.name for family in families(response.text)}
    assert "epimetheus_series" in names


def test_a_database_that_is_gone_is_a_metric_and_no_failure(
    bridge: Application,
) -> None:
    bridge.db.close()
    path = bridge.db.database
    with open(path, "wb") as file:  # noqa: PTH123 - a str
        file.write(b"no database " * 1000)
    response = bridge.get("/metrics")
    assert response.status_code == 200
    found = read(response.text)
    assert named(found, "epimetheus_database_up") == {"": 0}
    assert named(found, "epimetheus_series") == {}


def test_metrics_need_the_scope_read(locked: Application) -> None:
    assert locked.get("/metrics").status_code == 401
    assert locked.get("/metrics", locked.key("probe")).status_code == 403
    key = locked.key("read", name="scraper")
    assert locked.get("/metrics", key).status_code == 200


def test_a_key_of_a_workspace_is_refused_with_the_reason(locked: Application) -> None:
    key = locked.key("read", workspace="team", name="theirs")
    response = locked.get("/metrics", key)
    assert response.status_code == 403
    assert body_of(response)["detail"] == (
        "the key 'theirs' sees the workspace 'team' only, and these metrics are of the "
        "whole bridge; create a key without a workspace"
    )


def test_every_metric_that_is_answered_is_documented_with_its_labels(
    bridge: Application, history: History
) -> None:
    history.series("up")
    history.mark(MINUTE, [NOON])
    page = PAGE.read_text()
    response = bridge.app.test_client().get("/metrics", headers=OPENMETRICS)
    found = {family.name: family for family in families(response.text)}
    for family in found.values():
        total = "_total" if family.type == "counter" else ""
        assert f"| `{family.name}{total}` | {family.type} |" in page
    for declared in FAMILIES:
        labels = {frozenset(one.labels) for one in found[declared.name].samples}
        assert labels == {frozenset(declared.labels)}
        shown = ", ".join(f"`{label}`" for label in declared.labels)
        assert f"| `{declared.name}` | gauge | {shown} |" in page
