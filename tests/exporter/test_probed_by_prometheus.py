"""A real Prometheus has targets probed, with the configuration of docs/probes.md."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.exporter.probed import site
from tests.exporter.probing import running_prober
from tests.servers import PATIENCE, RealPrometheus
from tests.web import FakeWeb

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).parents[2] / "docs" / "probes.md"


def _config(exporter: str, targets: Sequence[str]) -> str:
    """Return the example of the page, for these targets and with a scrape a second."""
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(# prometheus\.yml\n.*?)```", page, re.DOTALL)
    assert found is not None
    text = found[1].replace("127.0.0.1:9105", exporter.removeprefix("http://"))
    quoted = ", ".join(f'"{target}"' for target in targets)
    text = re.sub(r"- targets: \[.*\]", lambda _: f"- targets: [{quoted}]", text)
    return f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n{text}"


def _values(prometheus: RealPrometheus, name: str, count: int) -> dict[str, str]:
    """Wait until so many instances have a value, and return them."""
    give_up = time.monotonic() + PATIENCE
    while len(found := prometheus.query(name, time.time())) < count:
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return {one["metric"]["instance"]: one["value"][1] for one in found}


def test_targets_become_instances(tmp_path: Path) -> None:
    modules = [{"name": "http_2xx", "kind": "http"}]
    with FakeWeb(site) as web:
        good, bad, unwanted = f"{web.url}/", f"{web.url}/missing", "http://10.0.0.1/"
        destinations = [{"name": "shop", "host": good}]
        allow = [f"127.0.0.1:{web.port}"]
        with running_prober(tmp_path, modules, allow, destinations) as exporter:
            config = _config(exporter, ["shop", bad, unwanted])
            with RealPrometheus(tmp_path / "prometheus", config) as prometheus:
                success = _values(prometheus, "probe_success", 2)
                up = _values(prometheus, "up", 3)
                (failure,) = prometheus.query("probe_failure_info", time.time())
    assert success == {"shop": "1", bad: "0"}
    assert failure["metric"]["job"] == "blackbox"
    assert failure["metric"]["instance"] == bad
    assert failure["metric"]["reason"] == "wrong_status"
    assert up == {"shop": "1", bad: "1", unwanted: "0"}
