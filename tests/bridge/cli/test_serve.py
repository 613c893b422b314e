from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bridge.storage import open_prepared
from models.lease import Lease
from runtime import config
from tests.servers import free_port
from tests.web import FakeWeb, Told

if TYPE_CHECKING:
    from pathlib import Path


class Program:
    """`epimetheus serve` with a configuration in a directory of its own."""

    def __init__(self, directory: Path, **sections: Any) -> None:
        self.port = free_port()
        self.path = directory / "config.yaml"
        self.state = directory / "state"
        settings: dict[str, dict[str, Any]] = {
            "database": {"url": f"sqlite:///{directory / 'serve.db'}"},
            "bridge": {
                "listen": f"127.0.0.1:{self.port}",
                "workers": 1,
                "state": str(self.state),
            },
        }
        for name, section in sections.items():
            settings[name] = {**settings.get(name, {}), **section}
        self.path.write_text(yaml.safe_dump(settings))

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "bridge", "--config", str(self.path), "serve"]

    def fail(self) -> tuple[int, str]:
        """Run it to its end; return the exit code and the last line it said."""
        ended = subprocess.run(
            self.command, capture_output=True, text=True, check=False, timeout=60
        )
        return ended.returncode, ended.stderr.splitlines()[-1]

    def get(self, path: str) -> str:
        """Ask until there is an answer."""
        give_up = time.monotonic() + 60
        while True:
            try:
                url = f"http://127.0.0.1:{self.port}{path}"
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return str(answer.read().decode())
            except OSError:
                assert time.monotonic() < give_up
                time.sleep(0.05)


@pytest.mark.setting("bridge.state")
def test_engine_and_workers_answer_with_one_voice(tmp_path: Path) -> None:
    program = Program(tmp_path)
    stale = program.state / f"metrics-{program.port}" / "counter_1.db"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"from before")
    with subprocess.Popen(program.command, stderr=subprocess.PIPE) as running:
        try:
            program.get("/-/ready")
            beats = 'epimetheus_beats_total{name="rollup_local"}'
            while beats not in (told := program.get("/metrics")):
                time.sleep(0.1)
            requests = 'epimetheus_http_requests_total{method="GET",route="/-/ready"'
            assert requests in told
            assert list(program.state.glob("metrics-*/*.db"))
            assert not stale.exists()
        finally:
            running.send_signal(signal.SIGTERM)
            assert running.stderr is not None
            said = running.stderr.read().decode()
            assert running.wait(30) == 0
    assert '"event": "starting"' in said
    assert '"event": "stopping"' in said
    assert "Traceback" not in said


def test_a_source_that_hangs_does_not_keep_the_end_waiting(tmp_path: Path) -> None:
    deadline = "10m"
    with FakeWeb(lambda _: Told(b"x", cut=0, stall=True)) as web:
        source = {"name": "prom", "kind": "prometheus", "url": web.url}
        program = Program(tmp_path)
        settings = yaml.safe_load(program.path.read_text())
        settings["sources"] = [source | {"timeout": deadline}]
        program.path.write_text(yaml.safe_dump(settings))
        with subprocess.Popen(program.command, stderr=subprocess.PIPE) as running:
            program.get("/-/healthy")
            while not web.asked:
                time.sleep(0.05)
            running.send_signal(signal.SIGTERM)
            assert running.stderr is not None
            said = running.stderr.read().decode()
            assert running.wait(60) == 0
    assert "did not answer" not in said
    assert "Traceback" not in said


@pytest.mark.setting("bridge.state")
def test_a_state_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "file" / "state"
    state.parent.write_text("no directory", encoding="utf-8")
    program = Program(tmp_path, bridge={"state": str(state)})
    assert program.fail() == (
        1,
        f"epimetheus: bridge.state: {state} cannot be written: Not a directory",
    )


def test_a_second_bridge_on_the_same_database_is_refused(tmp_path: Path) -> None:
    program = Program(tmp_path)
    db = open_prepared(config.load(program.path, {}).database)
    lease = Lease(db)
    lease.start()
    code, said = program.fail()
    assert code == 1
    assert said == (
        f"epimetheus: another bridge already rolls up into {tmp_path / 'serve.db'}; "
        "stop it first, or give this one a database of its own"
    )
    lease.stop()
    db.close()


@pytest.mark.setting("database.migrate_at_start")
def test_pending_migrations_are_refused_where_they_are_not_wanted(
    tmp_path: Path,
) -> None:
    program = Program(tmp_path, database={"migrate_at_start": False})
    code, said = program.fail()
    assert code == 1
    assert said.startswith("epimetheus: migrations are pending: 0001")
    assert said.endswith(
        "run `epimetheus migrate up`, or set database.migrate_at_start to true"
    )


@pytest.mark.e2e
def test_a_port_in_use_is_said_by_name(tmp_path: Path) -> None:
    program = Program(tmp_path)
    with socket.create_server(("127.0.0.1", program.port)):
        code, said = program.fail()
    assert code == 1
    address = f"127.0.0.1:{program.port}"
    assert said == (
        f"epimetheus: bridge.listen: {address} is in use by another program; "
        "stop it, or set bridge.listen to another port"
    )


@pytest.mark.setting("bridge.listen")
def test_an_address_that_others_reach_needs_keys(tmp_path: Path) -> None:
    program = Program(tmp_path, bridge={"listen": "0.0.0.0:9106"})
    code, said = program.fail()
    assert code == 2
    assert said == (
        "epimetheus: bridge.listen: 0.0.0.0:9106 can be reached from other hosts; set "
        "bridge.auth to keys, or listen on 127.0.0.1"
    )
