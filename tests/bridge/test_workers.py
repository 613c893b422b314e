from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import psutil
import pytest
import structlog
import yaml

from bridge.workers import PortTaken, Workers, unusable
from models.database import open_database
from models.migrate import Migrations
from runtime.clock import SystemClock
from runtime.quantities import Address
from tests.fakes import FakeClock
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of workers with a database of their own."""
    url = f"sqlite:///{tmp_path / 'workers.db'}"
    db = open_database(url)
    Migrations(db).up()
    db.close()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"database": {"url": url}}))
    return {**os.environ, "EPIMETHEUS_CONFIG": str(config)}


@pytest.fixture
def workers(environ: dict[str, str]) -> Iterator[Workers]:
    made = Workers(Address("127.0.0.1", free_port()), 2, environ, SystemClock())
    yield made
    made.stop()


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.05)


def answers(workers: Workers) -> bool:
    try:
        with urllib.request.urlopen(f"{workers.url}/-/healthy", timeout=5) as got:
            return bool(got.status == 200)
    except OSError:
        return False


def children(workers: Workers) -> list[psutil.Process]:
    assert workers.pid is not None
    server = psutil.Process(workers.pid)
    return [
        child
        for child in server.children(recursive=True)
        if "resource_tracker" not in " ".join(child.cmdline())
    ]


@pytest.mark.setting("bridge.workers")
@pytest.mark.setting("bridge.listen")
def test_as_many_workers_serve_as_are_wanted(workers: Workers) -> None:
    workers.start()
    until(lambda: answers(workers))
    until(lambda: len(children(workers)) == 2)


def test_a_server_that_ends_unasked_is_started_again(workers: Workers) -> None:
    workers.start()
    until(lambda: answers(workers))
    first = workers.pid
    assert first is not None
    os.kill(first, signal.SIGTERM)
    until(lambda: workers.pid != first)
    until(lambda: answers(workers))


def test_stopping_leaves_no_process_behind(workers: Workers) -> None:
    workers.start()
    until(lambda: answers(workers))
    family = [psutil.Process(workers.pid), *children(workers)]
    workers.stop()
    assert psutil.wait_procs(family, timeout=20)[1] == []


def test_a_port_in_use_is_waited_for_and_then_said_by_name() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        structlog.testing.capture_logs() as logs,
    ):
        address = Address("127.0.0.1", taken.getsockname()[1])
        made = Workers(address, 1, {}, FakeClock())
        with pytest.raises(PortTaken) as raised:
            made.start()

    reason = (
        f"{address} is in use by another program; "
        "stop it, or set bridge.listen to another port"
    )
    assert str(raised.value) == f"bridge.listen: {reason}"
    assert logs == [
        {
            "event": "waiting for the port",
            "log_level": "warning",
            "address": str(address),
            "reason": reason,
            "seconds": 10.0,
        }
    ]


def test_an_address_of_another_machine_is_said_by_name() -> None:
    address = Address("192.0.2.1", 9106)
    assert unusable(address) == "192.0.2.1:9106: Cannot assign requested address"


ORPHAN = """
import os, signal, sys, time, urllib.request
from bridge.workers import Workers
from runtime.clock import SystemClock
from runtime.quantities import Address

made = Workers(Address("127.0.0.1", int(sys.argv[1])), 1, os.environ, SystemClock())
made.start()
while True:
    try:
        urllib.request.urlopen(made.url + "/-/healthy", timeout=5).close()
        break
    except OSError:
        time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_ends_with_its_parent(environ: dict[str, str]) -> None:
    port = free_port()
    ended = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(port)], env=environ, check=False, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    until(lambda: unusable(Address("127.0.0.1", port)) is None)


def test_a_server_that_cannot_be_started_is_tried_again(
    environ: dict[str, str],
) -> None:
    class Poor(Workers):
        """The machine has no process to give at first."""

        refusals = 1

        def _spawn(self) -> subprocess.Popen[bytes]:
            if self.refusals:
                self.refusals -= 1
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return super()._spawn()

    made = Poor(Address("127.0.0.1", free_port()), 1, environ, SystemClock())
    made.start()
    until(lambda: answers(made))
    made.stop()
