"""The exporter as it is started, with a bridge."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from tests.exporter.agent.fake_bridge import FakeBridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


@contextmanager
def exporter(bridge: FakeBridge, folder: Path, **settings: str) -> Iterator[str]:
    """Run the exporter as an agent of a bridge; yield the URL where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    prober = {"bridge": bridge.url, "state": str(folder / "state"), "poll": "100ms"}
    environment = {
        **{key: value for key, value in os.environ.items() if "EPIMETHEUS" not in key},
        "PYTHONPATH": str(ROOT),
        "EPIMETHEUS__EXPORTER__LISTEN": listen,
        **{
            f"EPIMETHEUS__EXPORTER__PROBER__{key.upper()}": value
            for key, value in (prober | settings).items()
        },
    }
    with subprocess.Popen(
        [sys.executable, "-m", "exporter"], cwd=folder, env=environment
    ) as process:
        try:
            yield f"http://{listen}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


def wait_for(condition: Callable[[], object]) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen")


def test_it_works_on_the_plan_and_tells_what_it_found(tmp_path: Path) -> None:
    with FakeBridge() as bridge:
        here = {"name": "here", "host": f"127.0.0.1:{bridge.web.port}"}
        job = {"name": "each-second", "interval": "1s", "probes": ["tcp"]}
        test = {"id": 5, "destination": "here", "host": here["host"]}
        probe = {"name": "tcp", "kind": "tcp"}
        bridge.plan |= {
            "destinations": [here],
            "jobs": [job | {"destinations": ["here"], "splay": "0s"}],
            "tests": [test | {"probe": probe}],
        }
        with exporter(bridge, tmp_path, agent="tower") as url:
            wait_for(lambda: len(bridge.stored) >= 2)
            wait_for(lambda: bridge.tests)
            with urlopen(f"{url}/metrics") as answer:
                metrics = answer.read().decode()
        assert {agent for agent, _, _ in bridge.stored} == {"tower"}
        runs = list(bridge.stored.values())
        assert {run.results[0].destination for run in runs} == {"here"}
        assert all(run.results[0].succeeded for run in runs[:1])
        assert bridge.tests[5].succeeded
        assert "epimetheus_agent_up 1.0\n" in metrics
        assert 'epimetheus_agent_polls_total{outcome="changed"} 1.0\n' in metrics


@pytest.mark.setting("exporter.prober.key")
@pytest.mark.setting("exporter.prober.key_file")
@pytest.mark.parametrize("kept_in", ["key", "key_file"])
def test_the_key_is_told_to_the_bridge(tmp_path: Path, kept_in: str) -> None:
    file = tmp_path / "key"
    file.write_text("from-the-file\n")
    file.chmod(0o600)
    value = {"key": "from-the-environment", "key_file": str(file)}[kept_in]
    expected = {"key": value, "key_file": "from-the-file"}[kept_in]
    with FakeBridge() as bridge:
        with exporter(bridge, tmp_path, **{kept_in: value}):
            wait_for(lambda: bridge.web.asked)
        assert bridge.web.asked[0].headers["authorization"] == f"Bearer {expected}"
