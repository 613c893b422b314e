"""Every expression, asked of a Prometheus that scrapes the two programs."""

from __future__ import annotations

import math
import re
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.exporter.otlp.receiving import OtlpReceiver
from tests.grafana.expressions import RULES, Expression, everything, use_of
from tests.grafana.probed import PROBES, servers
from tests.servers import RealPrometheus, _Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.e2e

PATIENCE: Final = 240.0

MAY_BE_EMPTY: Final = {
    "bridge.json: Beats skipped and failed, windows that failed A": "a quiet machine",
    "bridge.json: Beats skipped and failed, windows that failed B": "no job raises",
    "bridge.json: Beats skipped and failed, windows that failed C": "none fails",
    "bridge.json: Samples dropped A": "no sample is too old or too many",
    "bridge.json: Lag of hours and days A": "an hour has to pass first",
    "bridge.json: Firing alerts": "nothing is wrong",
    "host.json: Firing alerts": "nothing is wrong",
    "probes.json: Firing alerts": "nothing is wrong for long enough",
    "recording.yml: destination:netprobe_icmp_rtt_seconds:p50_1h_usual": "takes weeks",
    "host.json: Latency A": "nothing is read while everything is cached",
    "host.json: Latency B": "nothing is written to an idle disk",
}
"""Expressions that a machine in good health does not answer, and why."""

ABSENT_IN_HEALTH: Final = {
    "epimetheus_beats_failed_total",
    "epimetheus_beats_skipped_total",
    "epimetheus_samples_dropped_total",
    "epimetheus_windows_failed_total",
    "ALERTS",
    "destination:netprobe_icmp_rtt_seconds:p50_1h_usual",
}
"""Metrics that appear with the first fault."""

NOT_HERE: Final = re.compile(
    r"epimetheus_cgroup|node_disk_flush|node_disk_(read|write)_time.* > 0"
    r"|node_perf_(?!.*(faults|switches|migrations))"
)
"""What few machines have that tests run on: hardware that counts, control groups of
version 2, disks that are written to.
"""

CONFIG: Final = """
log: {{format: text}}
database: {{url: "sqlite:///{folder}/epimetheus.db"}}
exporter:
  listen: "127.0.0.1:{exporter}"
  collectors:
    perf: {{enabled: true, events: [software]}}
    top_processes: {{enabled: true, interval: 1s}}
  prober:
    {{bridge: "http://127.0.0.1:{bridge}", state: "{folder}/prober", poll: 1s}}
  otlp: {{endpoint: "http://127.0.0.1:{otlp}", interval: 2s}}
bridge: {{listen: "127.0.0.1:{bridge}", workers: 1, state: "{folder}/state"}}
rollup: {{settle: 2s, every: 1s}}
sources:
  - name: prometheus
    kind: prometheus
    url: http://127.0.0.1:{prometheus}
    selectors: ['{{job="node"}}']
    initial_history: 2m
  - name: local
    kind: scrape
    interval: 5s
    timeout: 2s
    targets:
      - url: http://127.0.0.1:{exporter}/metrics
      - url: http://127.0.0.1:{nothing}/metrics
"""

SCRAPES: Final = """
global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s}}
rule_files: ["{folder}/*.yml"]
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
  - job_name: epimetheus
    static_configs: [{{targets: ["127.0.0.1:{bridge}"]}}]
"""


class Program(_Server):
    """One of the two programs."""

    program = sys.executable
    ready_path = "/-/healthy"

    def __init__(self, directory: Path, port: int, *words: str) -> None:
        super().__init__(directory)
        self.port = port
        self._words = words

    def arguments(self) -> Sequence[str]:
        return ("-m", *self._words)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    names = ("exporter", "bridge", "prometheus", "nothing")
    with servers(tmp_path_factory.mktemp("servers")) as served, OtlpReceiver() as otlp:
        own = {name: free_port() for name in names}
        yield own | served | {"otlp": otlp.web.port}


@pytest.fixture(scope="module")
def prometheus(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]
) -> Iterator[RealPrometheus]:
    folder = tmp_path_factory.mktemp("live")
    config, rules = folder / "config.yaml", folder / "rules"
    config.write_text((CONFIG + PROBES).format(folder=folder, **ports))
    rules.mkdir()
    for path in RULES:
        quick = re.sub(r"interval: \d+s", "interval: 2s", path.read_text())
        (rules / path.name).write_text(quick)
    server = RealPrometheus(folder / "p", SCRAPES.format(folder=rules, **ports))
    server.port = ports["prometheus"]
    chosen = ("--config", str(config))
    with (
        Program(folder / "e", ports["exporter"], "exporter", *chosen),
        server,
        Program(folder / "b", ports["bridge"], "bridge", *chosen, "serve"),
    ):
        yield server


@pytest.fixture(scope="module")
def values(prometheus: RealPrometheus, ports: dict[str, int]) -> dict[str, str]:
    """What Grafana would put in place of its variables, but for the target."""
    give_up = time.monotonic() + PATIENCE
    while not (found := prometheus.query("node_uname_info", time.time())):
        assert time.monotonic() < give_up
        time.sleep(0.5)
    return {
        "$__rate_interval": "2m",
        "$nodename": found[0]["metric"]["nodename"],
        "$source": ".*",
        "$resolution": ".*",
        "$job_name": ".*",
        "$destination": ".*",
        "$probe": ".*",
    }


def of_target(expression: Expression, ports: dict[str, int]) -> dict[str, str]:
    job, program = (
        ("node", "exporter")
        if expression.where.startswith(("host.json", "probes.json"))
        else ("epimetheus", "bridge")
    )
    return {"$job": job, "$instance": f"127.0.0.1:{ports[program]}"}


def has_data(result: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(series["value"][1])) for series in result)


def shows_its_legend(expression: Expression, result: list[dict[str, Any]]) -> bool:
    return all(
        series["metric"].get(label) for series in result for label in expression.shown
    )


def test_every_expression_returns_data(
    prometheus: RealPrometheus, ports: dict[str, int], values: dict[str, str]
) -> None:
    """Panels and recording rules are asked until each has answered."""
    waiting = {
        each.where: each
        for each in everything()
        if each.where not in MAY_BE_EMPTY
        and not each.where.startswith("alerts.yml")
        and not NOT_HERE.search(each.text)
    }
    assert len(waiting) > 120
    give_up = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < give_up:
        for where, expression in list(waiting.items()):
            text = expression.recorded or expression.fill(
                values | of_target(expression, ports)
            )
            result = prometheus.query(text, time.time())
            if has_data(result):
                assert shows_its_legend(expression, result), where
                del waiting[where]
        time.sleep(1)

    assert sorted(waiting) == []


def test_what_may_be_empty_is_understood_nevertheless(
    prometheus: RealPrometheus, ports: dict[str, int], values: dict[str, str]
) -> None:
    known = {each.where: each for each in everything()}
    for where in MAY_BE_EMPTY:
        expression = known[where]
        prometheus.query(
            expression.fill(values | of_target(expression, ports)), time.time()
        )


def test_prometheus_evaluates_every_rule(prometheus: RealPrometheus) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        rules = [
            rule
            for group in prometheus.api("rules")["groups"]
            for rule in group["rules"]
        ]
        health = {(rule["health"], rule.get("lastError", "")) for rule in rules}
        if ("unknown", "") not in health or time.monotonic() > give_up:
            break
        time.sleep(0.5)

    assert health == {("ok", "")}
    assert len(rules) == sum(".yml" in each.where for each in everything())


def test_what_alerts_watch_is_there(prometheus: RealPrometheus) -> None:
    """An alert that does not fire must not be quiet for want of its metrics."""
    names = {
        name
        for each in everything()
        if each.where.startswith("alerts.yml")
        for name in use_of(each.text).matched
    } - ABSENT_IN_HEALTH
    give_up = time.monotonic() + PATIENCE
    while names and time.monotonic() < give_up:
        names = {name for name in names if not prometheus.query(name, time.time())}
        time.sleep(0.5)

    assert names == set()


def test_choices_have_values(prometheus: RealPrometheus, ports: dict[str, int]) -> None:
    jobs = {
        "node_uname_info": ("node", ports["exporter"]),
        "epimetheus_build_info": ("epimetheus", ports["bridge"]),
    }
    for name, (job, port) in jobs.items():
        (found,) = prometheus.query(name, time.time())
        assert found["metric"]["job"] == job
        assert found["metric"]["instance"] == f"127.0.0.1:{port}"
