"""The project's own programs as processes, each in a directory of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import yaml

from tests.servers import _Server, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROMETHEUS: Final = """\
global:
  scrape_interval: {interval}s
  scrape_timeout: {interval}s
  evaluation_interval: {interval}s
rule_files: [rules.yml]
scrape_configs:
- job_name: prometheus
  static_configs: [{{targets: ['127.0.0.1:{own}']}}]
- job_name: node
  static_configs: [{{targets: [{targets}]}}]
"""

ALWAYS_FIRING: Final = """\
groups:
- name: soak
  rules:
  - alert: AlwaysOn
    expr: vector(1)
    labels: {severity: info}
"""


class RunningExporter(_Server):
    """`python -m exporter` on a free port."""

    program = sys.executable
    ready_path = "/-/healthy"

    def arguments(self) -> Sequence[str]:
        path = self.directory / "config.yaml"
        path.write_text(yaml.safe_dump({"exporter": {"listen": _local(self.port)}}))
        return ("-m", "exporter", "--config", str(path))


class RunningBridge(_Server):
    """`python -m bridge serve` on a free port, with a SQLite file of its own."""

    program = sys.executable
    ready_path = "/-/ready"

    def __init__(
        self,
        directory: Path,
        sources: list[dict[str, Any]],
        **sections: dict[str, Any],
    ) -> None:
        super().__init__(directory)
        self._sources = sources
        self._sections = sections

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.directory / "epimetheus.db"

    @property
    def config(self) -> Path:
        """The configuration file, written anew."""
        path = self.directory / "config.yaml"
        settings: dict[str, Any] = {
            "database": {"url": f"sqlite:///{self.database}"},
            "bridge": {
                "listen": _local(self.port),
                "workers": 1,
                "state": str(self.directory / "state"),
            },
            "sources": self._sources,
        }
        for name, section in self._sections.items():
            settings[name] = {**settings.get(name, {}), **section}
        self.directory.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        return path

    def arguments(self) -> Sequence[str]:
        return ("-m", "bridge", "--config", str(self.config), "serve")

    def start_unready(self) -> None:
        """Start without waiting until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = self._open(log)

    def kill_9(self) -> None:
        """End the engine's process as the kernel would."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def get(self, path: str) -> Any:
        """Return a JSON answer of the API."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def ask(self, sql: str, *parameters: object) -> list[Any]:
        """Read the tables as anyone may, beside the running program."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as db:
            return db.execute(sql, parameters).fetchall()

    def states(self, resolution: str = "minute") -> dict[int, str]:
        """The states of all windows by their starts."""
        return dict(
            self.ask(
                "SELECT start, state FROM ledger WHERE resolution = ? ORDER BY start",
                resolution,
            )
        )

    def wait_for(self, start: int, seconds: float) -> None:
        """Wait until the window at `start` and all before it are finished."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            states = self.states() if self.database.exists() else {}
            unfinished = [
                s for s, state in states.items() if state in ("open", "dirty")
            ]
            if start in states and not unfinished:
                return
            time.sleep(0.5)
        raise AssertionError(f"{start} is not done: {self.states()}")


def prometheus_config(own: int, interval: int, *targets: int) -> str:
    """A configuration that scrapes programs on loopback ports."""
    listed = ", ".join(f"'{_local(port)}'" for port in targets)
    return PROMETHEUS.format(own=own, interval=interval, targets=listed)


def prometheus_source(url: str, **settings: Any) -> dict[str, Any]:
    """A source of kind prometheus for config.yaml."""
    return {"name": "prom", "kind": "prometheus", "url": url, **settings}


def scrape_source(interval: int, *urls: str) -> dict[str, Any]:
    """A source of kind scrape for config.yaml."""
    return {
        "name": "local",
        "kind": "scrape",
        "interval": f"{interval}s",
        "timeout": f"{interval}s",
        "targets": [{"url": f"{url}/metrics"} for url in urls],
    }


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"


__all__ = [
    "ALWAYS_FIRING",
    "RunningBridge",
    "RunningExporter",
    "free_port",
    "prometheus_config",
    "prometheus_source",
    "scrape_source",
]
