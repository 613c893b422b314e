"""An exporter as an agent of a bridge, with a key, while the bridge goes and comes.

Nothing that the agent measured is lost or kept twice: what the agent counts itself is
compared with the rows of the database.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.e2e.programs import RunningBridge, RunningExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PATIENCE: Final = 90.0
AWAY: Final = 6.0
"""Seconds that the bridge is away."""


class RunningAgent(RunningExporter):
    """An exporter that probes for a bridge."""

    def __init__(self, directory: Path, bridge: RunningBridge, key: str) -> None:
        super().__init__(directory)
        self._prober = {
            "agent": "edge",
            "bridge": bridge.url,
            "key_file": str(directory / "key"),
            "poll": "500ms",
            "state": str(directory / "state"),
        }
        directory.mkdir(parents=True)
        (directory / "key").write_text(key)
        (directory / "key").chmod(0o600)

    def arguments(self) -> Sequence[str]:
        path = self.directory / "config.yaml"
        listen = f"127.0.0.1:{self.port}"
        exporter = {"listen": listen, "prober": self._prober}
        path.write_text(yaml.safe_dump({"exporter": exporter}))
        return ("-m", "exporter", "--config", str(path))

    def total(self, name: str) -> float:
        """Return the sum of all samples of a metric."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        found = re.findall(rf"(?m)^{name}(?:{{.*}})? (\S+)$", text)
        return sum(map(float, found))


class Api:
    """The API of a bridge, asked with a key."""

    def __init__(self, bridge: RunningBridge, key: str) -> None:
        self._url = f"{bridge.url}/api/v1"
        self._key = key

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Ask for something that must be a success; return its JSON."""
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "If-Match": "*",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def key(bridge: RunningBridge, name: str, scope: str) -> str:
    """Create a key as people do."""
    start = [sys.executable, "-m", "bridge", "--config", str(bridge.config)]
    command = [*start, "key", "create", name, "--scope", scope]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    return made.stdout.strip()


def until(what: Callable[[], object]) -> None:
    """Wait until something is so, for a while."""
    give_up = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.2)


@contextmanager
def listening() -> Iterator[socket.socket]:
    """Accept connections on a port of loopback, and close them."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield server


def _accept(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return  # closed: nobody is there any more


@pytest.mark.e2e
def test_nothing_is_lost_or_doubled_while_the_bridge_goes_and_comes(
    tmp_path: Path,
) -> None:
    own = {"destinations": [{"name": "own", "host": "127.0.0.1"}]}
    bridge = RunningBridge(tmp_path / "bridge", [], bridge={"auth": "keys"}, probes=own)
    bridge.start()
    try:
        api = Api(bridge, key(bridge, "grace", "admin"))
        agent = RunningAgent(tmp_path / "agent", bridge, key(bridge, "edge", "probe"))
        with agent, listening() as server:
            _probe(bridge, api, agent, server)
    finally:
        bridge.stop()


def _probe(
    bridge: RunningBridge, api: Api, agent: RunningAgent, server: socket.socket
) -> None:
    def kept() -> int:
        return int(bridge.ask("SELECT COUNT(*) FROM probe_runs")[0][0])

    # What config.yaml has is there without anybody's doing.
    assert api("GET", "/destinations/own")["origin"] == "config"
    host = f"127.0.0.1:{server.getsockname()[1]}"
    api("POST", "/destinations", {"name": "door", "host": host, "tags": ["lan"]})
    api("POST", "/modules", {"name": "knock", "kind": "tcp", "timeout": "500ms"})
    job = {"name": "often", "interval": "1s", "probes": ["knock"], "tags": ["lan"]}
    api("POST", "/jobs", job)
    until(lambda: kept() >= 3)

    test = api("POST", "/destinations/door/test?module=knock")
    until(lambda: api("GET", f"/tests/{test['id']}")["state"] == "finished")
    assert api("GET", f"/tests/{test['id']}")["success"]

    before = kept()
    bridge.stop()
    until(lambda: agent.total("netprobe_runs_total") >= before + AWAY)
    bridge.start()
    until(lambda: kept() >= before + AWAY)

    server.close()
    until(lambda: api("GET", "/results?reason=refused")["results"])
    bridge.kill_9()
    bridge.start()

    # What is sent twice is kept once; what was measured meanwhile comes, too.
    api("POST", "/jobs/often/stop")
    until(lambda: agent.total("epimetheus_agent_runs_unsent") == 0 and _is_still(agent))
    until(lambda: kept() == agent.total("netprobe_runs_total"))
    doubled = bridge.ask(
        "SELECT scheduled_ms FROM probe_runs GROUP BY scheduled_ms HAVING COUNT(*) > 1"
    )
    assert doubled == []
    found = api("GET", "/jobs/often/analytics")["total"]
    assert found["results"] == kept()
    assert 0 < found["successes"] < found["results"]
    assert [one["state"] for one in api("GET", "/agents")["agents"]] == ["here"]


def _is_still(agent: RunningAgent) -> bool:
    """Whether the agent runs its job no more."""
    before = agent.total("netprobe_runs_total")
    time.sleep(2.5)
    return agent.total("netprobe_runs_total") == before
