"""A real Prometheus scrapes the real program."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.exporter.test_main import running
from tests.servers import PATIENCE, RealPrometheus

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    authorization: {{credentials: s3cret}}
    params: {{"collect[]": [cpu, meminfo, uname, vmstat]}}
    static_configs: [{{targets: ["{target}"]}}]
"""


def test_prometheus_stores_what_it_is_told_with_types(tmp_path: Path) -> None:
    token = {"TOKEN": "s3cret"}
    with running(tmp_path, LISTEN="127.0.0.1:0", **token) as exporter:
        target = exporter.url.removeprefix("http://").removesuffix("/metrics")
        config = CONFIG.format(target=target)
        with RealPrometheus(tmp_path / "prometheus", config) as prometheus:
            give_up = time.monotonic() + PATIENCE
            while not prometheus.query("node_uname_info", time.time()):
                assert time.monotonic() < give_up
                time.sleep(0.1)
            (series,) = prometheus.query("up", time.time())
            assert series["value"][1] == "1"
            modes = prometheus.query(
                "count by (cpu) (node_cpu_seconds_total)", time.time()
            )
            assert {result["value"][1] for result in modes} == {"8"}
            assert prometheus.query("node_memory_MemTotal_bytes", time.time())
            assert not prometheus.query("node_load1", time.time())
            types = prometheus.api("metadata")
    assert types["node_cpu_seconds"][0]["type"] == "counter"
    assert types["node_vmstat_pgfault"][0]["type"] == "unknown"
    assert types["node_uname_info"][0]["type"] == "gauge"
