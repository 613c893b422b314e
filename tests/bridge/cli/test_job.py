from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tests.bridge.application import NOON
from tests.bridge.probing.runs import past, stage

if TYPE_CHECKING:
    from models.database import Database
    from tests.bridge.cli.conftest import Shell

SPAN = ("--from", str(NOON), "--to", str(NOON + 3600))


@pytest.fixture(autouse=True)
def _past(db: Database) -> None:
    stage(db, "a", "b")
    past(db)


def test_it_is_stopped_and_started(used: Shell) -> None:
    assert used.run("job", "stop", "ping").output == "stopped ping\n"
    assert "disabled" in used.run("job", "list").output
    assert "state         disabled" in used.run("job", "status", "ping").output
    assert used.run("job", "start", "ping").output == "started ping\n"
    told = used.run("job", "status", "ping").output
    assert "state         running" in told
    assert "it was        completed" in told
    assert "destinations  a, b" in told
    assert used.run("job", "start", "pong").exit_code == 1


def test_windows_are_shown(used: Shell) -> None:
    window = "{days: [mon, tue], start: 08:30, end: 10:00}"
    shown = used.run("job", "change", "ping", f"windows=[{window}]").output
    assert "{days: mon, tue, start: 08:30, end: 10:00, zone: UTC, not_on: -}" in shown
    later = '"2999-01-01T00:00:00Z"'
    used.run("job", "change", "ping", "windows=", f"valid_from={later}")
    assert "pending" in used.run("job", "list").output


def test_its_runs_are_listed(used: Shell) -> None:
    lines = used.run("job", "runs", "ping", *SPAN).output.splitlines()
    assert len(lines) == 5
    assert "2026-11-21T12:03:00" in lines[1]
    plain = used.run("job", "runs", "ping", *SPAN, "--limit", "1", "--json")
    assert len(orjson.loads(plain.stdout)["runs"]) == 1
    assert used.run("job", "runs", "pong").exit_code == 2


def test_its_figures_are_told(used: Shell) -> None:
    told = used.run("job", "analytics", "ping", *SPAN).output
    assert "all          -        8        87.5%" in told
    assert "reason       timeout  1        0%" in told
    plain = used.run("job", "analytics", "ping", *SPAN, "--json")
    assert orjson.loads(plain.stdout)["total"]["results"] == 8


def test_its_status_is_json(used: Shell) -> None:
    told = orjson.loads(used.run("job", "status", "ping", "--json").stdout)
    assert told["last_run"]["time"] == NOON + 180


def test_its_results_are_exported(used: Shell) -> None:
    told = used.run("job", "export", "ping", *SPAN)
    assert len(told.stdout.splitlines()) == 9
