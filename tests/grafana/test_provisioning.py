from __future__ import annotations

from typing import Any

import yaml

from tests.grafana.expressions import GRAFANA

PROVISIONING = GRAFANA / "provisioning"


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROVISIONING / name).read_text())
    return loaded


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(
        (GRAFANA.parent / "compose.yaml").read_text()
    )
    return loaded


def test_dashboards_are_read_from_where_compose_mounts_them() -> None:
    (provider,) = load("dashboards/epimetheus.yaml")["providers"]
    grafana = compose()["services"]["grafana"]
    mounted = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert provider["type"] == "file"
    assert mounted["./grafana/dashboards"] == provider["options"]["path"]
    assert home == f"{provider['options']['path']}/host.json"


def test_the_data_source_is_the_prometheus_of_the_environment() -> None:
    (source,) = load("datasources/prometheus.yaml")["datasources"]
    environment = compose()["services"]["grafana"]["environment"]

    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["url"] == "$PROMETHEUS_URL"
    assert environment["PROMETHEUS_URL"] == "http://127.0.0.1:${PROMETHEUS_PORT:-9090}"


def test_rates_follow_the_interval_at_which_compose_scrapes() -> None:
    (source,) = load("datasources/prometheus.yaml")["datasources"]
    prometheus = yaml.safe_load(
        (GRAFANA.parent / "deploy" / "prometheus.yml").read_text()
    )

    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
