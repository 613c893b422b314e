from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import orjson
import pytest

from bridge.cli import destination
from models.database import open_database
from models.queries import agents, probe_tests
from runtime.clock import SystemClock
from tests.bridge.application import NOON
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell

SPAN = ("--from", str(NOON), "--to", str(NOON + 3600))


def test_how_it_is_is_told(used: Shell, db: Database) -> None:
    stage(db, "a", "b")
    past(db)
    told = used.run("destination", "status", "b", *SPAN).output
    assert "success rate     75%" in told
    assert "last failures    timeout" in told
    plain = orjson.loads(used.run("destination", "status", "b", *SPAN, "--json").stdout)
    assert plain["checks"] == 4
    wrong = used.run("destination", "status", "c")
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "epimetheus: destination: there is no destination 'c'\n",
    )


@pytest.mark.parametrize(
    ("form", "begins"),
    [("csv", b"time,began,agent"), ("json", b'{"results":['), ("xlsx", b"PK")],
)
def test_its_results_are_exported(
    used: Shell, db: Database, form: str, begins: bytes
) -> None:
    stage(db, "a", "b")
    past(db)
    file = used.config.with_name(f"b.{form}")
    result = used.run(
        "destination", "export", "b", *SPAN, "--format", form, "--output", str(file)
    )
    assert result.exit_code == 0, result.output
    assert file.read_bytes().startswith(begins)
    printed = used.run("destination", "export", "b", *SPAN, "--format", form)
    assert printed.stdout_bytes.startswith(begins)


def test_it_is_probed_once(
    used: Shell, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(db, "a")
    monkeypatch.setattr(destination, "_LOOK", 0.01)
    now = round(SystemClock().now() * 1000)
    agents.see(db, "edge", now, "", "", None)
    result = {"seconds": 0.002, "rtts": [0.001], "log": [[0.0, "sent"]]}
    thread = threading.Thread(target=finish, args=(str(used.database), result))
    thread.start()
    told = used.run("destination", "test", "a", "--module", "tcp")
    thread.join()
    assert told.exit_code == 0, told.output
    assert told.stderr == "edge was asked\n"
    assert "outcome      ok" in told.stdout
    assert "round trips  1 ms" in told.stdout


def finish(path: str, result: dict[str, object]) -> None:
    """Be the agent."""
    db = open_database(f"sqlite:///{path}")
    never = threading.Event()
    while not any(
        probe_tests.finish(db, test.id, "edge", result, 5)
        for test in probe_tests.waiting(db, "edge")
    ):
        never.wait(0.01)
    db.close()


def test_nobody_probes_it(used: Shell, db: Database) -> None:
    stage(db, "a")
    told = used.run("destination", "test", "a")
    assert told.exit_code == 1
    assert "there is no agent; start an exporter" in told.stderr


def test_nobody_comes(
    used: Shell, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(db, "a")
    monkeypatch.setattr("bridge.probing.asking.PATIENCE", 0.0)
    agents.see(db, "edge", round(SystemClock().now() * 1000), "", "", None)
    told = used.run("destination", "test", "a")
    assert told.exit_code == 1
    assert "edge did not do it in time" in told.stderr
